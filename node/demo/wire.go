package demo

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
)

// maxCapture bounds one recording, over all starts: a demo left running for days
// records its first 64 MiB.
const maxCapture = 64 << 20

// Recorder is a TCP proxy in front of one node that keeps a copy of every byte
// in both directions.
type Recorder struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	file  *os.File              // guarded by mu
	room  int64                 // guarded by mu
	conns map[net.Conn]struct{} // guarded by mu
	done  bool                  // guarded by mu
	wg    sync.WaitGroup
}

// Record listens on address, forwards to target and writes the copy to path.
func Record(address, target, path string) (*Recorder, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		ln.Close()
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		ln.Close()
		file.Close()
		return nil, err
	}
	r := &Recorder{listener: ln, target: target, file: file, room: maxCapture - info.Size(), conns: map[net.Conn]struct{}{}}
	r.wg.Add(1)
	go r.accept()
	return r, nil
}

func (r *Recorder) accept() {
	defer r.wg.Done()
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Add(1)
		go r.relay(in)
	}
}

func (r *Recorder) relay(in net.Conn) {
	defer r.wg.Done()
	defer in.Close()
	out, err := net.Dial("tcp", r.target)
	if err != nil {
		return // the node is down: its peers see a refused connection
	}
	defer out.Close()
	if !r.track(in, out) {
		return
	}
	defer r.untrack(in, out)
	half := make(chan struct{}, 2)
	copyHalf := func(dst, src net.Conn) {
		io.Copy(dst, io.TeeReader(src, r))
		dst.(*net.TCPConn).CloseWrite()
		half <- struct{}{}
	}
	go copyHalf(out, in)
	go copyHalf(in, out)
	<-half
	<-half
}

// Write keeps a copy of passing bytes while there is room.
func (r *Recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := min(int64(len(b)), r.room); n > 0 && r.file != nil {
		r.file.Write(b[:n])
		r.room -= n
	}
	return len(b), nil
}

func (r *Recorder) track(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return false
	}
	for _, c := range conns {
		r.conns[c] = struct{}{}
	}
	return true
}

func (r *Recorder) untrack(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.conns, c)
	}
}

// Close stops the proxy, cuts its connections and closes the recording.
func (r *Recorder) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.done = true
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return errors.Join(err, r.file.Close())
}
