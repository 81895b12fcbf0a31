package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output collects what a process prints while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// TestDemoStaysUp leaves the demo running, stops and restarts one node by
// command, and interrupts it: everything ends, nothing is left.
func TestDemoStaysUp(t *testing.T) {
	dir, program := shortDir(t), accordBinary(t)
	var out output
	demo := exec.Command(program, "demo", "--dir", dir, "--lang", "en")
	demo.Stdout, demo.Stderr = &out, &out
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- demo.Wait() }()
	t.Cleanup(func() { demo.Process.Kill() })
	waitFor(t, "the story to end", 90*time.Second, func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the demo ended: %v\n%s", err, out.String())
		default:
		}
		return strings.Contains(out.String(), "stop with Ctrl-C")
	})
	accord := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.Command(program, args...)
		text, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("accord %s: exit %d, want %d: %s", strings.Join(args, " "), got, want, text)
		}
		return string(text)
	}
	court := filepath.Join(dir, "court")
	accord(0, "list", "show", "black", "--dir", court, "--operator", "admin")
	accord(0, "demo", "kill", "court", "--dir", dir)
	accord(75, "node", "status", "--dir", court)
	accord(1, "demo", "stop", "court", "--dir", dir)
	accord(75, "demo", "kill", "nobody", "--dir", dir)
	if second := accord(75, "demo", "--once", "--dir", dir); !strings.Contains(second, "DEMO-004") {
		t.Errorf("a second demo on the folder says %s", second)
	}
	accord(0, "demo", "start", "court", "--dir", dir)
	waitFor(t, "the court's node", 30*time.Second, func() bool {
		return exec.Command(program, "node", "status", "--dir", court).Run() == nil
	})
	accord(0, "demo", "scan", "--dir", dir)
	demo.Process.Signal(syscall.SIGINT)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("interrupted, the demo ended with %v\n%s", err, out.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the demo does not end when interrupted")
	}
	for _, m := range members4 {
		if err := exec.Command(program, "node", "status", "--dir", filepath.Join(dir, m)).Run(); err == nil {
			t.Errorf("%s still runs", m)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "demo.sock")); err == nil {
		t.Error("the control socket is left behind")
	}
}

func waitFor(t *testing.T, what string, limit time.Duration, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", limit, what)
		}
	}
}
