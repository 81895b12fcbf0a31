package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"accord/node"
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
	if answer := accord(3, "demo", "kill", "nobody", "--dir", dir); !strings.Contains(answer, "regulator, commission") {
		t.Errorf("a member that there is not is told as %s", answer)
	}
	if answer := accord(1, "demo", "start", "--dir", dir); !strings.Contains(answer, "CLI-007") {
		t.Errorf("a start of nothing is told as %s", answer)
	}
	if second := accord(7, "demo", "--once", "--dir", dir); !strings.Contains(second, "DEMO-004") {
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

// TestDemoInterrupted interrupts the story after its first entry is listed:
// that is no failed check, and a second start tells the story to its end.
func TestDemoInterrupted(t *testing.T) {
	dir, program := shortDir(t), accordBinary(t)
	var out output
	first := exec.Command(program, "demo", "--dir", dir, "--lang", "en")
	first.Stdout, first.Stderr = &out, &out
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Process.Kill() })
	waitFor(t, "the first entry", 60*time.Second, func() bool { return strings.Contains(out.String(), "is listed") })
	first.Process.Signal(syscall.SIGINT)
	first.Wait()
	if code := first.ProcessState.ExitCode(); code != 75 || !strings.Contains(out.String(), "CLI-013") {
		t.Errorf("interrupted, the story ended with %d:\n%s", code, out.String())
	}
	if err := os.WriteFile(filepath.Join(dir, "evidence.json"), []byte("of the story before"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := exec.Command(program, "demo", "--once", "--dir", dir, "--output", "json")
	answer, err := again.Output()
	var told demoStory
	if err != nil || json.Unmarshal(answer, &told) != nil || !told.OK || len(told.Steps) != len(chapters) {
		t.Errorf("told again: %v\n%s", err, answer)
	}
}

// TestDemoPathTooLong founds nothing where no socket fits.
func TestDemoPathTooLong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", maxSocket))
	answer, err := exec.Command(accordBinary(t), "demo", "--once", "--dir", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(answer), node.ErrSocketPath.Code) {
		t.Errorf("%v: %s", err, answer)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
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
