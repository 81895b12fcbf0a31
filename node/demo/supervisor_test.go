package demo

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// supervised runs nodes that are a shell script; they look at no standard input.
func supervised(t *testing.T, script string, members ...string) *Supervisor {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	dir, plan := t.TempDir(), Plan{Format: planFormat}
	addresses, err := FreeAddresses(2 * len(members))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range members {
		plan.Nodes = append(plan.Nodes, PlanNode{Member: m, Listen: addresses[2*i], Advertise: addresses[2*i+1]})
		if err := os.MkdirAll(filepath.Join(dir, m), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Supervise(dir, plan, shell, "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, m := range members {
		if err := s.Start(m); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestCloseEndsEveryNodeThatHangs: more than one does.
func TestCloseEndsEveryNodeThatHangs(t *testing.T) {
	s := supervised(t, "exec sleep 1000", "a", "b", "c")
	s.patience = time.Millisecond
	var all []*process
	for _, m := range s.Running() {
		all = append(all, s.running(m))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, p := range all {
		if p.cmd.ProcessState == nil {
			t.Error("a node was not waited for")
		}
	}
	if len(all) != 3 || len(s.Running()) != 0 {
		t.Errorf("%d nodes ran, %d run on", len(all), len(s.Running()))
	}
	if err := s.Start("a"); !errors.Is(err, ErrNode) || len(s.Running()) != 0 {
		t.Errorf("started after the end: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestKillAndStart(t *testing.T) {
	s := supervised(t, "exec sleep 1000", "a")
	if err := errors.Join(s.Kill("a"), s.Start("a"), s.Start("a"), s.Kill("a")); err != nil {
		t.Error(err)
	}
	if err := s.Kill("a"); !errors.Is(err, ErrNode) {
		t.Errorf("killed twice: %v", err)
	}
	s.patience = time.Millisecond
}

func TestANodeThatEndsIsNotReady(t *testing.T) {
	s := supervised(t, "exit 3", "a")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Ready(ctx, "a"); !errors.Is(err, ErrNode) || ctx.Err() != nil {
		t.Errorf("%v", err)
	}
}

func TestFreeAddressesAreDistinct(t *testing.T) {
	all, err := FreeAddresses(64)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a] {
			t.Errorf("%s twice", a)
		}
		seen[a] = true
	}
}

// TestAFoundingThatIsGivenUpLeavesTheFolderFree: the next start founds anew.
func TestAFoundingThatIsGivenUpLeavesTheFolderFree(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Fatalf("given up: %v", err)
	}
	plan, err := Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Build(t.Context(), dir)
	if err != nil || again.Nodes[3] != plan.Nodes[3] {
		t.Errorf("resumed another: %v", err)
	}
}

// TestARecordingHasOneBound: over all starts, not one each.
func TestARecordingHasOneBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(maxCapture-2), f.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := Record("127.0.0.1:0", "127.0.0.1:1", path)
		if err != nil {
			t.Fatal(err)
		}
		r.Write([]byte("bytes"))
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, _ := os.Stat(path); info.Size() != maxCapture {
		t.Errorf("%d bytes recorded", info.Size())
	}
}
