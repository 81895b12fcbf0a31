package transport

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

// spoolName is the file an incoming snapshot goes to before anybody believes it.
const spoolName = "incoming.spool"

// receive takes a snapshot from the stream and has it judged whole (g7): raft gets
// it, and is busy with it, only when all of it is here and believed. One at a
// time, within the announced size; what is refused leaves no trace but evidence.
// The caller calls done when raft has read it.
func (t *Transport) receive(conn Conn, r *bufio.Reader, req *raft.InstallSnapshotRequest, proofs Proofs, body []byte) (data io.Reader, done func(), err error) {
	src := io.LimitReader(&stallReader{t: t, conn: conn, r: r}, req.Size)
	if t.cfg.Spool == "" {
		return src, func() {}, nil
	}
	if !t.installing.TryLock() {
		return nil, nil, t.cfg.Guard.later(conn.Peer(), KindInstallSnapshot, laterIncoming, nil)
	}
	path := filepath.Join(t.cfg.Spool, spoolName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	done = func() {
		if f != nil {
			_ = f.Close()
			_ = os.Remove(path)
		}
		t.installing.Unlock()
	}
	if err == nil {
		err = t.spool(f, src, req.Size)
	}
	if err == nil && t.cfg.Vet != nil {
		err = t.cfg.Vet(t.ctx, req, proofs.Voucher, bufio.NewReaderSize(f, 256<<10))
		switch {
		case errors.Is(err, ErrNotYet):
			err = t.cfg.Guard.later(conn.Peer(), KindInstallSnapshot, laterUnjudged, err)
		case err != nil && t.ctx.Err() == nil: // a node that is being stopped accuses nobody
			err = t.cfg.Guard.refuse(conn.Peer(), KindInstallSnapshot, "voucher", accuse(err, nil), body)
		}
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		if !errors.Is(err, ErrGuard) && !errors.Is(err, ErrNotYet) {
			err = t.cfg.Guard.later(conn.Peer(), KindInstallSnapshot, laterBroken, err)
		}
		done()
		return nil, nil, err
	}
	return bufio.NewReaderSize(f, 256<<10), done, nil
}

func (t *Transport) spool(f *os.File, src io.Reader, size int64) error {
	n, err := io.Copy(f, src)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return err
}

// stallReader reads a snapshot's bytes, no faster than the peer's share, and gives
// up when they stop coming.
type stallReader struct {
	t    *Transport
	conn Conn
	r    *bufio.Reader
}

func (s *stallReader) Read(p []byte) (int, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(snapshotStall))
	n, err := s.r.Read(p)
	if n > 0 && !s.t.wait(s.conn.Peer(), 0, n) {
		return n, ErrClosed
	}
	return n, err
}
