package state

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"accord/exchange/ahead"
)

const (
	rowsMagic     = "accord-rows/1\n"
	contentDomain = "accord-state/1\n"
	maxTableName  = 64
	readBatch     = 1 << 10 // rows read before they are added for good
	readBytes     = 1 << 20 // bytes of their blobs before they are
)

// Content is the digest of all rows by table name and id:
// SHA-256("accord-state/1\n" ‖ for every row frame(table) ‖ frame(id) ‖ frame(row)).
func (v *View) Content() (Digest, error) { return v.stream(io.Discard, false) }

// WriteRows writes all rows and then their content digest, which it also
// returns: "accord-rows/1\n", the number of tables (4 bytes; empty ones
// that are Later are left out), and for every
// table its name and rows, each with its length (4 bytes) in front, the number
// of rows (8 bytes) between them. Integers are big-endian.
func (v *View) WriteRows(w io.Writer) (Digest, error) {
	sum, err := v.stream(w, true)
	if err == nil {
		_, err = w.Write(sum[:])
	}
	return sum, err
}

func (v *View) stream(to io.Writer, blobs bool) (Digest, error) {
	var row []byte
	w := bufio.NewWriterSize(to, 64<<10)
	content := sha256.New()
	content.Write([]byte(contentDomain))
	fmt.Fprint(w, rowsMagic)
	tables := slices.DeleteFunc(slices.Clone(v.schema.tables), func(t table) bool { return t.isLater() && v.counts[t.tableName()] == 0 })
	_ = binary.Write(w, binary.BigEndian, uint32(len(tables)))
	for _, t := range tables {
		name := t.tableName()
		writeFrame(w, []byte(name))
		_ = binary.Write(w, binary.BigEndian, uint64(v.counts[name]))
		seen := 0
		err := t.each(v, func(id string, data []byte) error {
			if !t.isAside() {
				row = appendFrame(appendFrame(appendFrame(row[:0], name), id), data)
				content.Write(row)
			}
			seen++
			if err := writeFrame(w, data); err != nil || !blobs {
				return err
			}
			return v.writeBlob(w, t, int64(seen))
		})
		if err != nil {
			return Digest{}, err
		}
		if seen != v.counts[name] {
			return Digest{}, fmt.Errorf("%w: table %s holds %d rows and counts %d", ErrRow, name, seen, v.counts[name])
		}
	}
	return Digest(content.Sum(nil)), w.Flush()
}

// writeBlob writes the blob of a log's row behind it, verified.
func (v *View) writeBlob(w *bufio.Writer, t table, n int64) error {
	want, carries := t.blobDigest(v, n)
	if !carries {
		return nil
	}
	blob, err := v.logs[t.tableName()].blob(n, want)
	if err != nil {
		return err
	}
	return writeFrame(w, []byte(blob))
}

func writeFrame(w *bufio.Writer, b []byte) error {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(b)))
	_, _ = w.Write(n[:]) // a bufio.Writer keeps its first error
	_, err := w.Write(b)
	return err
}

// ReadRows builds a new store from what WriteRows wrote, with the head the
// caller knows from elsewhere. It reads exactly those bytes. Tables must be
// those of the schema (one that is Later may be missing), rows in strict id order and in their one encoding, and
// the content digest must be the one at the end; otherwise there is no store.
func ReadRows(r io.Reader, schema *Schema, o Options, head Head) (*Store, Digest, error) {
	fail := func(err error) (*Store, Digest, error) { return nil, Digest{}, err }
	s, err := Open(schema, o)
	if err != nil {
		return fail(err)
	}
	tx := s.Begin()
	done := false
	defer func() {
		if tx.Abort(); !done {
			_ = s.Close()
		}
	}()
	in := &rowReader{r: r, sums: ahead.NewSums()}
	defer in.sums.End()
	if lender, ok := s.blobs.(Lender); ok && o.Held != nil {
		in.lender = lender
		lender.Lend(o.Held())
	}
	if string(in.bytes(len(rowsMagic))) != rowsMagic {
		return fail(in.fault("head"))
	}
	tables := int(in.number(4))
	content := sha256.New()
	content.Write([]byte(contentDomain))
	name := ""
	for _, t := range schema.tables {
		if name == "" && tables > 0 {
			name, tables = string(in.frame(maxTableName)), tables-1
		}
		if name != t.tableName() && t.isLater() {
			continue // empty
		}
		if name != t.tableName() {
			return fail(in.fault("another table"))
		}
		if err := in.table(t, tx, content); err != nil {
			return fail(err)
		}
		name = ""
	}
	if name != "" || tables != 0 {
		return fail(in.fault("another table"))
	}
	if log, wrong := in.sums.End(); wrong {
		return fail(in.fault("log " + log + ": a blob is not the one its row names"))
	}
	sum := Digest(content.Sum(nil))
	if string(in.bytes(len(sum))) != string(sum[:]) {
		return fail(in.fault("content digest"))
	}
	tx.changes, tx.touched, tx.head = nil, 0, head
	if _, err := tx.Commit(head.Index); err != nil {
		return fail(err)
	}
	done = true
	return s, sum, nil
}

// table reads the rows of one table into a transaction and a content digest. Their
// blobs stay with the lender, if there is one.
func (in *rowReader) table(t table, tx *Tx, content io.Writer) error {
	last := ""
	var row []byte
	n := in.number(8)
	if n == 0 && t.isLater() {
		return in.fault("an empty table") // left out in the one encoding
	}
	for ; n > 0 && in.err == nil; n-- {
		var blob []byte
		data := in.frame(MaxRow)
		if t.carries() {
			blob = in.frame(MaxRow)
		}
		if in.err != nil {
			break
		}
		id, err := t.decode(tx, data, blob, in)
		if err != nil {
			return err
		}
		if in.lender != nil && t.carries() {
			in.lender.Place(in.at-int64(len(blob)), len(blob))
		}
		if id <= last {
			return in.fault("rows out of order")
		}
		last = id
		if !t.isAside() {
			row = appendFrame(appendFrame(appendFrame(row[:0], t.tableName()), id), data)
			_, _ = content.Write(row)
		}
		tx.changes = tx.changes[:0]
		if pending := tx.added[t.tableName()]; n%readBatch == 0 || pending != nil && pending.carried > readBytes {
			tx.addLogs()
		}
	}
	return nil
}

// rowReader keeps the first error, so that a format reads as a list of parts.
type rowReader struct {
	r      io.Reader
	at     int64 // bytes read
	err    error
	word   [8]byte
	parts  [2][]byte   // memory for frames, the older of them is used again
	sums   *ahead.Sums // of blobs
	lender Lender      // keeps the blobs where they are; nil without
}

func (in *rowReader) fault(what string) error {
	if in.err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, in.err)
	}
	return fmt.Errorf("%w: %s", ErrSnapshot, what)
}

// bytes reads n bytes; n is small or was checked against a bound. What is
// announced is not believed: memory grows with what really arrives. The result
// is good until the call after the next.
func (in *rowReader) bytes(n int) []byte {
	if in.err != nil {
		return nil
	}
	const step = 256 << 10
	b := in.parts[1][:0]
	for len(b) < n && in.err == nil {
		at, more := len(b), min(n-len(b), max(step, cap(b)-len(b)))
		b = slices.Grow(b, more)[:at+more]
		_, in.err = io.ReadFull(in.r, b[at:])
	}
	if in.err != nil {
		return nil
	}
	in.at += int64(n)
	in.parts[0], in.parts[1] = b, in.parts[0]
	return b
}

func (in *rowReader) number(size int) uint64 {
	var n uint64
	if in.err == nil {
		_, in.err = io.ReadFull(in.r, in.word[:size])
	}
	if in.err != nil {
		return 0
	}
	in.at += int64(size)
	for _, b := range in.word[:size] {
		n = n<<8 | uint64(b)
	}
	return n
}

func (in *rowReader) frame(max int) []byte {
	n := in.number(4)
	if in.err == nil && n > uint64(max) {
		in.err = fmt.Errorf("%w: a part of %d bytes", ErrSnapshot, n)
	}
	return in.bytes(int(n))
}
