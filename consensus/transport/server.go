package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
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
			t.tasks.Go(func() {
				defer t.release(conn)
				t.serve(conn)
			})
		}
	}
}

// serve answers the requests of one stream, one after the other.
func (t *Transport) serve(conn Conn) {
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		var head [5]byte
		_ = conn.SetReadDeadline(time.Now().Add(acceptedLimit))
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		kind, n := Kind(head[0]), binary.BigEndian.Uint32(head[1:])
		if err := t.cfg.Guard.admitFrame(conn, kind, n); err != nil {
			t.answer(conn, statusRefused, nil)
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(allowance(t.cfg.Timeout, int64(n))))
		body, err := readBody(r, n, maxBody(kind))
		if err != nil {
			return
		}
		if !t.handle(conn, r, kind, body) {
			return
		}
	}
}

// handle answers one request; false ends the stream.
func (t *Transport) handle(conn Conn, r *bufio.Reader, kind Kind, body []byte) bool {
	if kind >= KindPropose {
		return t.handleCall(conn, kind, body)
	}
	cmd, err := decodeRequest(kind, body)
	if err == nil {
		err = t.cfg.Guard.admit(conn.Peer(), kind, cmd)
	} else {
		t.cfg.Guard.refuse(conn.Peer(), kind, "malformed", err)
	}
	if err != nil {
		// After a refused snapshot the stream still holds its bytes: end it.
		return t.answer(conn, statusRefused, nil) && kind != KindInstallSnapshot
	}
	respond := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: cmd, RespChan: respond}
	if snap, ok := cmd.(*raft.InstallSnapshotRequest); ok {
		rpc.Reader = io.LimitReader(&stallReader{conn: conn, r: r}, snap.Size)
	}
	select {
	case t.consumer <- rpc:
	case <-t.ctx.Done():
		return false
	}
	select {
	case resp := <-respond:
		return t.respond(conn, kind, resp)
	case <-t.ctx.Done():
		return false
	}
}

func (t *Transport) respond(conn Conn, kind Kind, resp raft.RPCResponse) bool {
	if resp.Error != nil {
		t.cfg.Logger.Warn("raft refused a peer's request", "peer", conn.Peer(), "kind", kind.String())
		return t.answer(conn, statusFailed, nil) && kind != KindInstallSnapshot
	}
	body, err := encodeResponse(resp.Response)
	if err != nil {
		return false
	}
	return t.answer(conn, statusOK, body)
}

func (t *Transport) handleCall(conn Conn, kind Kind, body []byte) bool {
	if err := t.cfg.Guard.admitCall(conn.Peer(), kind); err != nil {
		return t.answer(conn, statusRefused, nil)
	}
	answer, err := t.cfg.Calls(t.ctx, conn.Peer(), kind, body)
	switch {
	case errors.Is(err, ErrMalformed):
		t.cfg.Guard.refuse(conn.Peer(), kind, "malformed", err)
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

// stallReader reads a snapshot's bytes and gives up when they stop coming.
type stallReader struct {
	conn Conn
	r    *bufio.Reader
}

func (s *stallReader) Read(p []byte) (int, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(snapshotStall))
	return s.r.Read(p)
}
