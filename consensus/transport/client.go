package transport

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

// The status byte of an answer.
const (
	statusOK      = 0
	statusRefused = 1 // the guard said no
	statusFailed  = 2 // raft or the call handler said no
	// statusUnproven: the guard could not judge the certificate
	statusUnproven = 3
	// statusNotYet: nothing was done, to be tried again
	statusNotYet = 4
)

// clientConn is an outbound stream that carries one request at a time.
type clientConn struct {
	Conn
	r    *bufio.Reader
	last time.Time
}

func (t *Transport) get(ctx context.Context, id, addr string) (*clientConn, error) {
	now := time.Now()
	t.mu.Lock()
	for n := len(t.pool[id]); n > 0; n = len(t.pool[id]) {
		c := t.pool[id][n-1]
		t.pool[id] = t.pool[id][:n-1]
		if now.Sub(c.last) < idleLimit && c.Valid() == nil {
			t.mu.Unlock()
			return c, nil
		}
		delete(t.active, c.Conn)
		_ = c.Close()
	}
	t.mu.Unlock()
	conn, err := t.cfg.Network.Dial(ctx, id, addr)
	if err != nil {
		return nil, fmt.Errorf("%w: dial %q: %w", ErrNotSent, id, err)
	}
	if !t.track(conn) {
		return nil, ErrClosed
	}
	return &clientConn{Conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (t *Transport) put(id string, c *clientConn) {
	c.last = time.Now()
	_ = c.SetDeadline(time.Time{})
	t.mu.Lock()
	if t.ctx.Err() == nil && len(t.pool[id]) < maxIdlePerPeer {
		t.pool[id] = append(t.pool[id], c)
		c = nil
	}
	t.mu.Unlock()
	if c != nil {
		t.release(c.Conn)
	}
}

// writeFrame sends one request in one write where it can.
func writeFrame(w io.Writer, first byte, body []byte) error {
	head := make([]byte, 5, 5+min(len(body), 32<<10))
	head[0] = first
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)))
	if len(body) <= 32<<10 {
		_, err := w.Write(append(head, body...))
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// readAnswer reads one answer. Whatever text came with a refusal is dropped:
// raft counts a pre-vote as granted when an error contains certain words, so no
// word of a peer may reach it.
func readAnswer(r *bufio.Reader, limit uint32) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("transport: read answer: %w", err)
	}
	body, err := readBody(r, binary.BigEndian.Uint32(head[1:]), limit)
	if err != nil {
		return nil, err
	}
	switch head[0] {
	case statusOK:
		return body, nil
	case statusRefused:
		return nil, ErrRefused
	case statusFailed:
		return nil, ErrPeer
	case statusUnproven:
		return nil, ErrUnproven
	case statusNotYet:
		return nil, ErrNotYet
	}
	return nil, malformed("status")
}

// readBody reads n bytes and allocates as they arrive, not as they are announced: up
// to eight times as much as is there, and 256 KiB.
func readBody(r io.Reader, n, limit uint32) ([]byte, error) {
	if n > limit {
		return nil, malformed("body too long")
	}
	const step, times = 256 << 10, 8
	buf := make([]byte, min(n, step))
	for at := 0; ; {
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			return nil, fmt.Errorf("transport: read body: %w", err)
		}
		if at = len(buf); uint32(at) == n {
			return buf, nil
		}
		more := make([]byte, min(int(n), at*times))
		copy(more, buf)
		buf = more
	}
}

// exchange does one request and its answer.
func (t *Transport) exchange(id, addr string, kind Kind, body []byte, limit time.Duration) ([]byte, error) {
	deadline := time.Now().Add(limit)
	ctx, cancel := context.WithDeadline(t.ctx, deadline)
	defer cancel()
	c, err := t.get(ctx, id, addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(deadline)
	if err := writeFrame(c, byte(kind), body); err != nil {
		t.release(c.Conn)
		return nil, fmt.Errorf("transport: send %s: %w", kind, err)
	}
	answer, err := readAnswer(c.r, MaxCallBody)
	if err != nil && err != ErrRefused && err != ErrPeer && err != ErrUnproven && err != ErrNotYet {
		t.release(c.Conn)
		return nil, err
	}
	t.put(id, c)
	if err == nil {
		t.answered(id)
	}
	return answer, err
}

// rpc does one Raft request.
func (t *Transport) rpc(id raft.ServerID, addr raft.ServerAddress, cmd, resp any) error {
	proofs, err := t.proofs(cmd)
	if err != nil {
		return err
	}
	kind, body, err := EncodeRequest(cmd, proofs)
	if err != nil {
		return err
	}
	if t.silent() {
		return errSilent
	}
	answer, err := t.exchange(string(id), string(addr), kind, body, t.limit(cmd, len(body)))
	if err != nil {
		return t.failed(err)
	}
	return t.accepted(string(id), kind, cmd, answer, resp)
}

// failed notes that a peer cannot judge our certificate.
func (t *Transport) failed(err error) error {
	if err == ErrUnproven && t.cfg.Unproven != nil {
		t.cfg.Unproven()
	}
	return err
}

// proofs are what a request of ours has to show.
func (t *Transport) proofs(cmd any) (p Proofs, err error) {
	e := t.cfg.Guard.elections
	if e == nil {
		return Proofs{}, nil
	}
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		p.Term, err = e.leadership(c.Term)
	case *raft.InstallSnapshotRequest:
		p.Term, err = e.leadership(c.Term)
	case *raft.RequestVoteRequest:
		if err = e.stand(Vote, c.Term, c.LastLogIndex, c.LastLogTerm); err == nil {
			p, err = e.candidacy(c.Term)
		}
	case *raft.RequestPreVoteRequest:
		if err = e.stand(PreVote, c.Term, c.LastLogIndex, c.LastLogTerm); err == nil {
			p = e.precandidacy()
		}
	}
	return p, err
}

// accepted decodes an answer. Raft steps down for any larger term an answer names
// and counts any vote that is granted, so the one is judged here and the other is
// one only if its voter has signed it.
func (t *Transport) accepted(peer string, kind Kind, cmd any, answer []byte, resp any) error {
	term, a, err := DecodeResponse(answer, resp)
	if err != nil {
		return err
	}
	var asked uint64
	e := t.cfg.Guard.elections
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		asked = c.Term
		// A commit needs this success. Until the entries are on this disk too it
		// must not happen.
		if n := len(c.Entries); n > 0 && resp.(*raft.AppendEntriesResponse).Success {
			if err := t.durable(c.Entries[n-1].Index); err != nil {
				return err
			}
		}
	case *raft.InstallSnapshotRequest:
		asked = c.Term
	case *raft.RequestVoteRequest:
		asked = c.Term
		if v := resp.(*raft.RequestVoteResponse); v.Granted && e != nil {
			if err := e.granted(Vote, c.Term, peer, a.Token); err != nil {
				v.Granted = false
				return t.cfg.Guard.refuse(peer, kind, "vote", err, nil)
			}
		}
	case *raft.RequestPreVoteRequest:
		asked = c.Term
		if v := resp.(*raft.RequestPreVoteResponse); v.Granted && e != nil {
			if err := e.granted(PreVote, c.Term, peer, a.Token); err != nil {
				v.Granted = false
				return t.cfg.Guard.refuse(peer, kind, "vote", err, nil)
			}
		}
	}
	return t.cfg.Guard.admitAnswer(peer, kind, asked, term, a.Proof)
}

// durable waits until this node's log is on its disk up to an index.
func (t *Transport) durable(index uint64) error {
	if t.cfg.Durable == nil {
		return nil
	}
	return t.cfg.Durable(index)
}

// AppendEntries sends entries or, without any, a heartbeat. What has no room in one
// message goes in several; the list that is left in args says how far the peer got.
func (t *Transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	all := args.Entries
	if err := trim(args, t.cfg.Fill); err != nil {
		return err
	}
	err := t.rpc(id, target, args, resp)
	if err != nil && replicates(args) && away(err) && t.awaitPeer(string(id)) {
		err = t.rpc(id, target, args, resp)
	}
	if err == nil && len(args.Entries) < len(all) && resp.Success && resp.Term <= args.Term {
		t.feed(id, target, all, args, resp)
	}
	return err
}

// trim shortens the list of entries to what one body should carry, and fills those
// with fill. Raft reads the list again after the call to learn how far the peer got, so
// it sends the rest next.
func trim(args *raft.AppendEntriesRequest, fill func(*raft.Log) error) error {
	size := 0
	for i, e := range args.Entries {
		if fill != nil {
			if err := fill(e); err != nil {
				return fmt.Errorf("transport: entry %d: %w", e.Index, err)
			}
		}
		size += 32 + len(e.Data)
		if i > 0 && (size > softAppendBody || i >= MaxEntries) {
			args.Entries = args.Entries[:i]
			return nil
		}
	}
	return nil
}

// RequestVote asks for a vote.
func (t *Transport) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.rpc(id, target, args, resp)
}

// RequestPreVote asks whether a vote would be granted.
func (t *Transport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.rpc(id, target, args, resp)
}

// TimeoutNow asks a peer to stand for election at once. Our own guard refuses
// it; the method is here because raft's interface asks for it.
func (t *Transport) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.rpc(id, target, args, resp)
}

// InstallSnapshot streams a snapshot over a stream of its own.
func (t *Transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	proofs, err := t.proofs(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.ctx, t.cfg.Timeout)
	defer cancel()
	if t.cfg.Vouch != nil {
		if proofs.Voucher, data, err = t.cfg.Vouch(ctx, data); err != nil {
			return fmt.Errorf("transport: no voucher for the snapshot: %w", err)
		}
	}
	_, body, err := EncodeRequest(args, proofs)
	if err != nil {
		return err
	}
	conn, err := t.cfg.Network.Dial(ctx, string(id), string(target))
	if err != nil {
		return fmt.Errorf("transport: dial %q: %w", id, err)
	}
	if !t.track(conn) {
		return ErrClosed
	}
	defer t.release(conn)
	_ = conn.SetDeadline(time.Now().Add(t.limit(args, 0)))
	if err := writeFrame(conn, byte(KindInstallSnapshot), body); err != nil {
		return fmt.Errorf("transport: send snapshot: %w", err)
	}
	if n, err := io.Copy(conn, data); err != nil || n != args.Size {
		return fmt.Errorf("transport: send snapshot: %d of %d bytes: %w", n, args.Size, orShort(err))
	}
	answer, err := readAnswer(bufio.NewReader(conn), maxAnswer)
	if err != nil {
		return t.failed(err)
	}
	return t.accepted(string(id), KindInstallSnapshot, args, answer, resp)
}

func orShort(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Call asks a peer something outside Raft. An error that is neither [ErrRefused],
// [ErrNotYet] nor [ErrNotSent] leaves open whether the peer acted on it.
func (t *Transport) Call(ctx context.Context, id, addr string, kind Kind, body []byte) ([]byte, error) {
	if uint32(len(body)) > maxBody(kind) {
		return nil, malformed("call body too long")
	}
	limit := t.cfg.Timeout
	if d, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(d))
	}
	return t.exchange(id, addr, kind, body, limit)
}
