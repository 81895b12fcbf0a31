package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// castagnoli is CRC-32C, RFC 3720 appendix B.4.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A segment is a header page and then batches, each what one StoreLogs wrote and
// synced at once. A batch is a seal and records, all aligned to 16 bytes.
//
//	seal    length of the records, checksum of the last one, generation of the
//	        state, CRC-32C: four 32-bit numbers. Zero when the batch is written,
//	        filled in after it has been synced: a batch whose seal is there was
//	        on disk whole, so if it does not read back now, it is damage.
//	record  CRC-32C of the rest of the head, checksum of the record before,
//	        index, term, time, length of the data, CRC-32C of the data, type,
//	        flags, two zeros, where the batch starts; then data and zeros.
//
// All checksums start from the log's salt, so bytes that come from a payload or
// from another log are never taken for a record of this one. The head's checksum
// covers the data's and the record before: a chain over the whole log.
const (
	align      = 16
	sealSize   = 16
	recordHead = 48

	flagLast = 1 // the last record of its batch
)

// maxEntry is the largest data of an entry we store or believe.
const maxEntry = 8 << 20

func aligned(n int) int { return (n + align - 1) &^ (align - 1) }

// salt makes the checksums of one log its own.
type salt uint32

func (s salt) sum(parts ...[]byte) uint32 {
	c := uint32(s)
	for _, p := range parts {
		c = crc32.Update(c, castagnoli, p)
	}
	return c
}

// storable says whether an entry can be stored.
func storable(e *raft.Log) bool {
	return len(e.Extensions) == 0 && len(e.Data) <= maxEntry && e.Index != 0
}

// appendHead appends the head of an entry's record in the batch that starts at batch
// and returns its checksum. The data goes behind it, and zeros.
func appendHead(b []byte, s salt, e *raft.Log, prev uint32, batch int64, last bool) ([]byte, uint32) {
	var at int64
	if !e.AppendedAt.IsZero() {
		at = e.AppendedAt.UnixNano()
	}
	var flags byte
	if last {
		flags = flagLast
	}
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, prev)
	b = binary.BigEndian.AppendUint64(b, e.Index)
	b = binary.BigEndian.AppendUint64(b, e.Term)
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Data)))
	b = binary.BigEndian.AppendUint32(b, s.sum(e.Data))
	b = append(b, byte(e.Type), flags, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(batch))
	sum := s.sum(b[start+4:])
	binary.BigEndian.PutUint32(b[start:], sum)
	return b, sum
}

// head is a record's head.
type head struct {
	sum, prev   uint32
	index, term uint64
	at          int64
	length      int
	data        uint32 // checksum
	kind, flags byte
	batch       int64
}

func (h *head) size() int { return aligned(recordHead + h.length) }

var (
	errShort = errors.New("ends early")
	errSum   = errors.New("does not match its checksum")
)

// decodeHead reads a record's head.
func decodeHead(b []byte, s salt) (h head, err error) {
	if len(b) < recordHead {
		return h, errShort
	}
	h = head{sum: binary.BigEndian.Uint32(b), prev: binary.BigEndian.Uint32(b[4:]), index: binary.BigEndian.Uint64(b[8:]),
		term: binary.BigEndian.Uint64(b[16:]), at: int64(binary.BigEndian.Uint64(b[24:])), length: int(binary.BigEndian.Uint32(b[32:])),
		data: binary.BigEndian.Uint32(b[36:]), kind: b[40], flags: b[41], batch: int64(binary.BigEndian.Uint32(b[44:]))}
	if h.sum != s.sum(b[4:recordHead]) {
		return head{}, errSum
	}
	if h.index == 0 || h.length > maxEntry || h.flags > flagLast || b[42] != 0 || b[43] != 0 {
		return head{}, errors.New("is none of this format")
	}
	return h, nil
}

// decodeRecord reads a whole record; its data points into b.
func decodeRecord(b []byte, s salt) (h head, data []byte, err error) {
	if h, err = decodeHead(b, s); err != nil {
		return head{}, nil, err
	}
	if len(b) < h.size() {
		return head{}, nil, errShort
	}
	data = b[recordHead : recordHead+h.length : recordHead+h.length]
	if h.data != s.sum(data) || !isZero(b[recordHead+h.length:h.size()]) {
		return head{}, nil, errSum
	}
	return h, data, nil
}

// entry makes raft's form of a record, which keeps data.
func (h *head) entry(data []byte) raft.Log {
	e := raft.Log{Index: h.index, Term: h.term, Type: raft.LogType(h.kind), Data: data}
	if h.at != 0 {
		e.AppendedAt = time.Unix(0, h.at).UTC()
	}
	return e
}

// seal is what a batch gets once it is durable.
type seal struct {
	length     uint32 // of the records behind it
	last       uint32 // the last record's checksum
	generation uint32 // low half of the state's number when it was written
}

func (l seal) encode(s salt, at int64) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, sealSize), l.length)
	b = binary.BigEndian.AppendUint32(b, l.last)
	b = binary.BigEndian.AppendUint32(b, l.generation)
	return binary.BigEndian.AppendUint32(b, s.sum(binary.BigEndian.AppendUint64(nil, uint64(at)), b))
}

// decodeSeal reads the seal of the batch at the place at; a seal of zeros is
// none, which is no error.
func decodeSeal(b []byte, s salt, at int64) (l seal, sealed bool, err error) {
	if isZero(b[:sealSize]) {
		return l, false, nil
	}
	if binary.BigEndian.Uint32(b[12:]) != s.sum(binary.BigEndian.AppendUint64(nil, uint64(at)), b[:12]) {
		return l, false, errSum
	}
	return seal{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}, true, nil
}

func isZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
