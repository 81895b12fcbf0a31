package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// The wire format of the peer protocol "accord-raft/1".
//
// A request is one kind byte, a 32-bit big-endian body length and the body;
// InstallSnapshot is followed by as many raw bytes as its body announces. An
// answer is one status byte, a 32-bit length and the body. Bodies are fixed
// layouts of big-endian integers and length-prefixed byte strings: there is one
// encoding of a message, so what decodes encodes back to the same bytes.

// Kind says what a request asks for.
type Kind uint8

// The kinds. The first five are Raft's own, the rest is our forwarding channel.
const (
	KindAppendEntries   Kind = 1
	KindRequestVote     Kind = 2
	KindPreVote         Kind = 3
	KindInstallSnapshot Kind = 4
	KindTimeoutNow      Kind = 5
	KindPropose         Kind = 16 // a batch of proposals for the leader
	KindReadIndex       Kind = 17 // a linearizable read point from the leader
	KindPosition        Kind = 19 // how far the peer has applied the log
	KindConfirmTerm     Kind = 18 // "is this still your term?", the leader's question before it gives a read point
	KindFollow          Kind = 20 // a leader asks for a fresh signature under its election
	KindPapers          Kind = 21 // governance papers newer than the asker's
)

var kindNames = map[Kind]string{
	KindAppendEntries: "append-entries", KindRequestVote: "request-vote", KindPreVote: "pre-vote",
	KindInstallSnapshot: "install-snapshot", KindTimeoutNow: "timeout-now",
	KindPropose: "propose", KindReadIndex: "read-index", KindConfirmTerm: "confirm-term",
	KindPosition: "position", KindFollow: "follow", KindPapers: "papers",
}

// String is the kind's name in logs and counters.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return "unknown"
}

// Caps on sizes, in bytes. They hold for what we send and for what we accept.
const (
	// MaxEntryData is the largest data of one log entry: a full group of
	// proposals and its framing.
	MaxEntryData = 4<<20 + 64<<10
	// MaxAppendBody is the largest AppendEntries body. A sender trims the list
	// of entries to softAppendBody and always sends at least one.
	MaxAppendBody  = 16 << 20
	softAppendBody = 8 << 20
	// MaxEntries is the largest number of entries in one AppendEntries.
	MaxEntries = 1024
	// MaxCallBody is the largest body of a forwarded call.
	MaxCallBody = 5 << 20
	// MaxConfiguration is the largest encoded membership.
	MaxConfiguration = 64 << 10

	// MaxVoucher is the largest voucher of a snapshot.
	MaxVoucher = 64 << 10

	maxSmallBody = 1 << 10
	maxAnswer    = maxSmallBody + MaxCertificate // of an answer to Raft
	maxID        = 128
	maxAddr      = 256
)

// maxBody is the cap of a kind, 0 for a kind that does not exist.
func maxBody(k Kind) uint32 {
	switch k {
	case KindAppendEntries:
		return MaxAppendBody
	case KindInstallSnapshot:
		return MaxConfiguration + maxSmallBody + MaxCertificate + MaxVoucher
	case KindPropose:
		return MaxCallBody
	case KindRequestVote, KindPreVote:
		return maxSmallBody + 2*MaxCertificate
	case KindTimeoutNow, KindReadIndex, KindConfirmTerm, KindPosition, KindFollow, KindPapers:
		return maxSmallBody
	}
	return 0
}

// ErrMalformed: the bytes are no message of the peer protocol.
var ErrMalformed = errors.New("transport: malformed message")

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// reader walks a body. After the first fault every read gives zero.
type reader struct {
	b    []byte
	fail error
}

func (r *reader) take(n int, what string) []byte {
	if r.fail != nil {
		return nil
	}
	if n < 0 || len(r.b) < n {
		r.fail = malformed(what)
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8(what string) uint8 {
	if b := r.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) flag(what string) bool {
	v := r.u8(what)
	if v > 1 && r.fail == nil {
		r.fail = malformed(what)
	}
	return v == 1
}

func (r *reader) u32(what string) uint32 {
	if b := r.take(4, what); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64(what string) uint64 {
	if b := r.take(8, what); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) bytes(max int, what string) []byte {
	n := r.u32(what)
	if r.fail == nil && int64(n) > int64(max) {
		r.fail = malformed(what + " too long")
		return nil
	}
	return r.take(int(n), what)
}

func (r *reader) done() error {
	if r.fail == nil && len(r.b) != 0 {
		r.fail = malformed("trailing bytes")
	}
	return r.fail
}

func putBytes(dst, b []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

func putU64(dst []byte, vs ...uint64) []byte {
	for _, v := range vs {
		dst = binary.BigEndian.AppendUint64(dst, v)
	}
	return dst
}

func putFlag(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func putHeader(dst []byte, h raft.RPCHeader) []byte {
	dst = append(dst, uint8(h.ProtocolVersion))
	dst = putBytes(dst, h.ID)
	return putBytes(dst, h.Addr)
}

func (r *reader) header() (h raft.RPCHeader) {
	h.ProtocolVersion = raft.ProtocolVersion(r.u8("protocol version"))
	h.ID = r.bytes(maxID, "sender id")
	h.Addr = r.bytes(maxAddr, "sender address")
	return h
}

// Proofs is what a request carries beside Raft's own fields, so that the receiver
// need not believe the sender. Encoded certificates; empty where there is none.
type Proofs struct {
	// Term: a leader's certificate of election; a candidate's pre-votes; with a
	// request for pre-votes, the newest proof of the candidate's own term.
	Term []byte
	// Log: with requests for (pre-)votes, the newest certificate of election the
	// candidate holds; it shows that the term of its last entry had a leader.
	Log []byte
	// Voucher: what makes a snapshot believable.
	Voucher []byte
}

// EncodeRequest is the body of a Raft request. It refuses what a peer would
// refuse, so that a fault shows where it is made.
func EncodeRequest(cmd any, p Proofs) (Kind, []byte, error) {
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		b, err := encodeAppend(c, p.Term)
		return KindAppendEntries, b, err
	case *raft.RequestVoteRequest:
		b := putBytes(putBytes(putHeader(nil, c.RPCHeader), p.Term), p.Log)
		b = putU64(b, c.Term, c.LastLogIndex, c.LastLogTerm)
		return KindRequestVote, putFlag(b, c.LeadershipTransfer), nil
	case *raft.RequestPreVoteRequest:
		b := putBytes(putBytes(putHeader(nil, c.RPCHeader), p.Term), p.Log)
		return KindPreVote, putU64(b, c.Term, c.LastLogIndex, c.LastLogTerm), nil
	case *raft.InstallSnapshotRequest:
		if c.Size < 0 || len(c.Configuration) > MaxConfiguration || len(p.Voucher) > MaxVoucher {
			return 0, nil, malformed("snapshot header")
		}
		b := putBytes(putBytes(putHeader(nil, c.RPCHeader), p.Term), p.Voucher)
		b = append(b, uint8(c.SnapshotVersion))
		b = putU64(b, c.Term, c.LastLogIndex, c.LastLogTerm, c.ConfigurationIndex, uint64(c.Size))
		return KindInstallSnapshot, putBytes(b, c.Configuration), nil
	case *raft.TimeoutNowRequest:
		return KindTimeoutNow, putHeader(nil, c.RPCHeader), nil
	}
	return 0, nil, malformed("unknown request")
}

func encodeAppend(c *raft.AppendEntriesRequest, certificate []byte) ([]byte, error) {
	size := 64 + len(c.ID) + len(c.Addr) + len(certificate)
	for _, e := range c.Entries {
		size += 32 + len(e.Data)
	}
	if size > MaxAppendBody || len(c.Entries) > MaxEntries {
		return nil, malformed("too many entries")
	}
	b := putBytes(putHeader(make([]byte, 0, size), c.RPCHeader), certificate)
	b = putU64(b, c.Term, c.PrevLogEntry, c.PrevLogTerm, c.LeaderCommitIndex)
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Entries)))
	for _, e := range c.Entries {
		if len(e.Extensions) != 0 || len(e.Data) > MaxEntryData {
			return nil, malformed("entry")
		}
		b = putU64(b, e.Index, e.Term)
		b = append(b, uint8(e.Type))
		b = putU64(b, uint64(unixNano(e.AppendedAt)))
		b = putBytes(b, e.Data)
	}
	return b, nil
}

// unixNano keeps the zero time zero.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromUnixNano(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.Unix(0, v).UTC()
}

// DecodeRequest reads the body of a Raft request of the given kind. The result
// points into body.
func DecodeRequest(kind Kind, body []byte) (any, Proofs, error) {
	r := &reader{b: body}
	var p Proofs
	var cmd any
	switch kind {
	case KindAppendEntries:
		cmd = decodeAppend(r, &p)
	case KindRequestVote:
		c := &raft.RequestVoteRequest{RPCHeader: r.header()}
		p.Term, p.Log = r.bytes(MaxCertificate, "proof"), r.bytes(MaxCertificate, "proof")
		c.Term, c.LastLogIndex, c.LastLogTerm = r.u64("term"), r.u64("last index"), r.u64("last term")
		c.LeadershipTransfer = r.flag("transfer")
		cmd = c
	case KindPreVote:
		c := &raft.RequestPreVoteRequest{RPCHeader: r.header()}
		p.Term, p.Log = r.bytes(MaxCertificate, "proof"), r.bytes(MaxCertificate, "proof")
		c.Term, c.LastLogIndex, c.LastLogTerm = r.u64("term"), r.u64("last index"), r.u64("last term")
		cmd = c
	case KindInstallSnapshot:
		cmd = decodeInstall(r, &p)
	case KindTimeoutNow:
		cmd = &raft.TimeoutNowRequest{RPCHeader: r.header()}
	default:
		return nil, Proofs{}, malformed("unknown kind")
	}
	if err := r.done(); err != nil {
		return nil, Proofs{}, err
	}
	return cmd, p, nil
}

func decodeInstall(r *reader, p *Proofs) *raft.InstallSnapshotRequest {
	c := &raft.InstallSnapshotRequest{RPCHeader: r.header()}
	p.Term, p.Voucher = r.bytes(MaxCertificate, "proof"), r.bytes(MaxVoucher, "voucher")
	c.SnapshotVersion = raft.SnapshotVersion(r.u8("snapshot version"))
	c.Term, c.LastLogIndex, c.LastLogTerm = r.u64("term"), r.u64("last index"), r.u64("last term")
	c.ConfigurationIndex = r.u64("configuration index")
	size := r.u64("size")
	c.Configuration = r.bytes(MaxConfiguration, "configuration")
	if size > 1<<62 && r.fail == nil {
		r.fail = malformed("size")
	}
	c.Size = int64(size)
	return c
}

func decodeAppend(r *reader, p *Proofs) *raft.AppendEntriesRequest {
	c := &raft.AppendEntriesRequest{RPCHeader: r.header()}
	p.Term = r.bytes(MaxCertificate, "proof")
	c.Term, c.PrevLogEntry, c.PrevLogTerm = r.u64("term"), r.u64("previous index"), r.u64("previous term")
	c.LeaderCommitIndex = r.u64("commit index")
	n := r.u32("entry count")
	if r.fail == nil && n > MaxEntries {
		r.fail = malformed("too many entries")
	}
	for i := uint32(0); i < n && r.fail == nil; i++ {
		e := &raft.Log{Index: r.u64("index"), Term: r.u64("entry term")}
		e.Type = raft.LogType(r.u8("entry type"))
		e.AppendedAt = fromUnixNano(int64(r.u64("appended at")))
		e.Data = r.bytes(MaxEntryData, "entry data")
		c.Entries = append(c.Entries, e)
	}
	return c
}

// Answer is what an answer to a Raft request carries beside Raft's fields.
type Answer struct {
	// Token is the voter's signature under a granted vote or pre-vote.
	Token []byte
	// Proof of the term, if that is higher than the request's.
	Proof []byte
}

// EncodeResponse is the body of the answer to a Raft request.
func EncodeResponse(resp any, a Answer) ([]byte, error) {
	switch c := resp.(type) {
	case *raft.AppendEntriesResponse:
		b := putU64(nil, c.Term, c.LastLog)
		return putBytes(putFlag(putFlag(b, c.Success), c.NoRetryBackoff), a.Proof), nil
	case *raft.RequestVoteResponse:
		return putBytes(putBytes(putFlag(putU64(nil, c.Term), c.Granted), a.Token), a.Proof), nil
	case *raft.RequestPreVoteResponse:
		return putBytes(putBytes(putFlag(putU64(nil, c.Term), c.Granted), a.Token), a.Proof), nil
	case *raft.InstallSnapshotResponse:
		return putBytes(putFlag(putU64(nil, c.Term), c.Success), a.Proof), nil
	case *raft.TimeoutNowResponse:
		return nil, nil
	}
	return nil, malformed("unknown response")
}

// DecodeResponse fills resp and reports the term it names and what came with it.
func DecodeResponse(body []byte, resp any) (term uint64, a Answer, err error) {
	r := &reader{b: body}
	switch c := resp.(type) {
	case *raft.AppendEntriesResponse:
		v := raft.AppendEntriesResponse{Term: r.u64("term"), LastLog: r.u64("last log")}
		v.Success, v.NoRetryBackoff = r.flag("success"), r.flag("no backoff")
		a.Proof, term = r.bytes(MaxCertificate, "proof"), v.Term
		if err = r.done(); err == nil {
			*c = v
		}
	case *raft.RequestVoteResponse:
		v := raft.RequestVoteResponse{Term: r.u64("term"), Granted: r.flag("granted")}
		a.Token, a.Proof, term = r.bytes(tokenSize, "token"), r.bytes(MaxCertificate, "proof"), v.Term
		if err = r.done(); err == nil {
			*c = v
		}
	case *raft.RequestPreVoteResponse:
		v := raft.RequestPreVoteResponse{Term: r.u64("term"), Granted: r.flag("granted")}
		a.Token, a.Proof, term = r.bytes(tokenSize, "token"), r.bytes(MaxCertificate, "proof"), v.Term
		if err = r.done(); err == nil {
			*c = v
		}
	case *raft.InstallSnapshotResponse:
		v := raft.InstallSnapshotResponse{Term: r.u64("term"), Success: r.flag("success")}
		a.Proof, term = r.bytes(MaxCertificate, "proof"), v.Term
		if err = r.done(); err == nil {
			*c = v
		}
	case *raft.TimeoutNowResponse:
		err = r.done()
	default:
		err = malformed("unknown response")
	}
	return term, a, err
}
