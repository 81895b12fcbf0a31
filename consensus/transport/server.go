package transport

import (
	"bufio"
	"errors"
	"io"
	"math"
	"time"

	"github.com/hashicorp/raft"
)

// accept serves inbound streams until the network closes.
func (t *Transport) accept() {
	for {
		conn, err := t.cfg.Network.Accept()
		if err != nil {
			return // Network.Accept fails only when it is closed
		}
		if t.track(conn) {
			t.arrived(conn.Peer())
			t.tasks.Go(func() {
				defer t.departed(conn.Peer())
				defer t.release(conn)
				t.serve(conn)
			})
		}
	}
}

// serve answers the requests of one stream, one after the other.
func (t *Transport) serve(conn Conn) {
	in := &inbound{t: t, conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	defer in.end()
	for {
		kind, body, ok := in.take()
		if !ok || !t.handle(in, kind, body) {
			return
		}
	}
}

// wait holds a stream back whose peer asks for more than its share; false if the
// transport closes meanwhile.
func (t *Transport) wait(peer string, requests float64, n int) bool {
	d := t.cfg.Guard.pace.take(peer, requests, n, time.Now())
	if d == 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-t.ctx.Done():
		return false
	}
}

// handle answers one request; false ends the stream.
func (t *Transport) handle(in *inbound, kind Kind, body []byte) bool {
	conn, r := in.conn, in.r
	if kind >= KindPropose {
		return t.handleCall(conn, kind, body)
	}
	cmd, proofs, err := DecodeRequest(kind, body)
	if err == nil {
		err = t.cfg.Guard.admit(conn.Peer(), kind, cmd, proofs, body)
	} else {
		t.cfg.Guard.refuse(conn.Peer(), kind, "malformed", err, nil)
	}
	switch {
	case errors.Is(err, errOutdated):
		return t.outdated(conn, cmd)
	case errors.Is(err, errHeld):
		return t.held(conn, r, cmd.(*raft.InstallSnapshotRequest))
	case err != nil:
		// After a refused snapshot the stream still holds its bytes: end it.
		return t.answer(conn, refusalStatus(err), nil) && kind != KindInstallSnapshot
	}
	rpc := raft.RPC{Command: cmd}
	if snap, ok := cmd.(*raft.InstallSnapshotRequest); ok {
		data, done, err := t.receive(conn, r, snap, proofs, body)
		if err != nil {
			_ = t.answer(conn, refusalStatus(err), nil)
			return false
		}
		defer done()
		rpc.Reader = data
	}
	if c, ok := cmd.(*raft.AppendEntriesRequest); ok && c.LeaderCommitIndex > 0 && t.cfg.Committed != nil {
		t.cfg.Committed(c.LeaderCommitIndex)
	}
	if c, ok := cmd.(*raft.AppendEntriesRequest); ok && len(c.Entries) > 0 && t.cfg.Holds != nil && t.cfg.Holds(c.Entries) != nil {
		_ = t.cfg.Guard.later(conn.Peer(), kind, laterDisk, nil)
		return t.answer(conn, statusNotYet, nil)
	}
	if c, ok := cmd.(*raft.AppendEntriesRequest); ok {
		in.begin(c, len(body))
	}
	respond := make(chan raft.RPCResponse, 1)
	rpc.RespChan = respond
	if err := t.hand(conn, kind, rpc, len(body)); err != nil {
		return err != ErrClosed && t.answer(conn, refusalStatus(err), nil) && kind != KindInstallSnapshot
	}
	select {
	case resp := <-respond:
		return t.respond(conn, kind, cmd, resp)
	case <-t.ctx.Done():
		return false
	}
}

// refusalStatus is what a refused peer is told: no, not yet, or that we cannot
// judge its certificate.
func refusalStatus(err error) byte {
	switch {
	case errors.Is(err, ErrNotYet):
		return statusNotYet
	case errors.Is(err, ErrUnproven):
		return statusUnproven
	}
	return statusRefused
}

// outdated tells a leader of the past which term it missed.
func (t *Transport) outdated(conn Conn, cmd any) bool {
	term := t.cfg.Guard.elections.seen()
	var resp any
	switch cmd.(type) {
	case *raft.AppendEntriesRequest:
		resp = &raft.AppendEntriesResponse{Term: term}
	case *raft.InstallSnapshotRequest:
		resp = &raft.InstallSnapshotResponse{Term: term}
	}
	body, err := EncodeResponse(resp, Answer{Proof: t.cfg.Guard.elections.termProof(term)})
	_, snapshot := cmd.(*raft.InstallSnapshotRequest)
	return err == nil && t.answer(conn, statusOK, body) && !snapshot
}

// held answers a leader that sends a snapshot of what this node's log holds. It has
// lost count, because answers did not reach it, and the answer to an installation
// tells it. Installing would throw away entries it may count on, and what is
// committed beyond.
func (t *Transport) held(conn Conn, r *bufio.Reader, req *raft.InstallSnapshotRequest) bool {
	n, err := io.Copy(io.Discard, io.LimitReader(&stallReader{t: t, conn: conn, r: r}, req.Size))
	if err != nil || n != req.Size {
		return false
	}
	body, err := EncodeResponse(&raft.InstallSnapshotResponse{Term: req.Term, Success: true}, Answer{})
	return err == nil && t.answer(conn, statusOK, body)
}

// respond sends raft's answer, with this node's signature under a vote and, where
// raft names a higher term than it was asked in, the proof of that.
func (t *Transport) respond(conn Conn, kind Kind, cmd any, resp raft.RPCResponse) bool {
	if resp.Error != nil {
		t.cfg.Logger.Warn("raft refused a peer's request", "peer", conn.Peer(), "kind", kind.String())
		return t.answer(conn, statusFailed, nil) && kind != KindInstallSnapshot
	}
	var a Answer
	var asked, term uint64
	e := t.cfg.Guard.elections
	switch c := resp.Response.(type) {
	case *raft.AppendEntriesResponse:
		asked, term = cmd.(*raft.AppendEntriesRequest).Term, c.Term
		// What this node wrote while it led may still be on its way to the disk.
		if c.Success && t.durable(math.MaxUint64) != nil {
			return false
		}
	case *raft.InstallSnapshotResponse:
		asked, term = cmd.(*raft.InstallSnapshotRequest).Term, c.Term
	case *raft.RequestVoteResponse:
		req := cmd.(*raft.RequestVoteRequest)
		asked, term = req.Term, c.Term
		if c.Granted && e != nil {
			a.Token = e.grantVote(conn.Peer(), req)
			c.Granted = a.Token != nil
		}
	case *raft.RequestPreVoteResponse:
		req := cmd.(*raft.RequestPreVoteRequest)
		asked, term = req.Term, c.Term
		if c.Granted && e != nil {
			a.Token = e.grantPreVote(conn.Peer(), req)
			c.Granted = a.Token != nil
		}
	}
	if term > asked && e != nil {
		a.Proof = e.termProof(term)
	}
	body, err := EncodeResponse(resp.Response, a)
	if err != nil {
		return false
	}
	return t.answer(conn, statusOK, body)
}

func (t *Transport) handleCall(conn Conn, kind Kind, body []byte) bool {
	if err := t.cfg.Guard.admitCall(conn.Peer(), kind); err != nil {
		return t.answer(conn, refusalStatus(err), nil)
	}
	answer, err := t.cfg.Calls(t.ctx, conn.Peer(), kind, body)
	switch {
	case errors.Is(err, ErrMalformed):
		t.cfg.Guard.refuse(conn.Peer(), kind, "malformed", err, nil)
		return t.answer(conn, statusRefused, nil)
	case err != nil:
		return t.answer(conn, statusFailed, nil)
	}
	return t.answer(conn, statusOK, answer)
}

func (t *Transport) answer(conn Conn, status byte, body []byte) bool {
	_ = conn.SetWriteDeadline(time.Now().Add(allowance(t.cfg.Timeout, int64(len(body)))))
	return writeFrame(conn, status, body) == nil
}
