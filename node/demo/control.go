package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// ErrBusy is given when a demo runs in the folder already.
var ErrBusy = exchange.Define(exchange.KindConflict, "DEMO-004",
	exchange.Text{Zh: "目录 {dir} 中已有演示在运行", En: "a demo already runs in {dir}"},
	exchange.Text{Zh: "先停止它，或用 --dir 另选目录", En: "stop it first, or choose another folder with --dir"})

// ErrNoDemo is given when no demo runs in the folder.
var ErrNoDemo = exchange.Define(exchange.KindUnavailable, "DEMO-002",
	exchange.Text{Zh: "目录 {dir} 中没有运行的演示", En: "no demo runs in {dir}"},
	exchange.Text{Zh: "先在另一个窗口运行 accord demo --dir {dir}", En: "start one in another window: accord demo --dir {dir}"})

// controlPath is the socket on which a running demo takes kill and start.
func controlPath(dir string) string { return filepath.Join(dir, "demo.sock") }

// Claim takes a demo's folder for this process until release is called. The
// lock lies beside the folder, since a demo may begin by removing it.
func Claim(dir string) (release func(), err error) {
	path := strings.TrimRight(dir, string(filepath.Separator)) + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, ErrPlan.Wrap(err, "dir", dir, "why", "the folder above it cannot be made")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, ErrPlan.Wrap(err, "dir", dir, "why", "the folder above it cannot be written")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrBusy.With("dir", dir)
	}
	return func() { // the file stays: another process may be waiting on it
		f.Close()
	}, nil
}

// Serve answers `accord demo kill` and `accord demo start` until ctx ends.
func (s *Supervisor) Serve(ctx context.Context) error {
	path := controlPath(s.dir)
	os.Remove(path)
	ln, err := net.Listen("unix", path)
	if err != nil {
		return ErrPlan.Wrap(err, "dir", s.dir, "why", "its path is too long for a socket")
	}
	os.Chmod(path, 0o600)
	mux := http.NewServeMux()
	act := func(do func(string) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := do(r.PathValue("member")); err != nil {
				w.WriteHeader(http.StatusConflict)
				raw, _ := strictjson.Marshal(exchange.AsError(err))
				w.Write(raw) // without it the caller says that the demo refused
			}
		}
	}
	mux.HandleFunc("POST /kill/{member}", act(s.known(s.Kill)))
	mux.HandleFunc("POST /start/{member}", act(s.known(s.startAndWait)))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		srv.Close()
		os.Remove(path)
	}()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// known refuses names that are no member of the demo before do sees them.
func (s *Supervisor) known(do func(string) error) func(string) error {
	return func(member string) error {
		for _, n := range s.plan.Nodes {
			if n.Member == member {
				return do(member)
			}
		}
		return ErrNode.With("member", member, "why", "no such member", "log", s.dir)
	}
}

// Control asks the demo running in dir to kill or start a member's node.
func Control(ctx context.Context, dir, act, member string) error {
	if !exchange.ValidName(member) {
		return ErrNode.With("member", "?", "why", "no such member", "log", dir)
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", controlPath(dir))
	}}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://demo/"+act+"/"+member, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return ErrNoDemo.Wrap(err, "dir", dir)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var said exchange.Error
		if raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16)); err == nil && strictjson.Unmarshal(raw, &said) == nil && exchange.Lookup(said.Code) != nil {
			return &said
		}
		return ErrNode.With("member", member, "why", "the demo refused", "log", filepath.Join(dir, "logs", member+".log"))
	}
	return nil
}
