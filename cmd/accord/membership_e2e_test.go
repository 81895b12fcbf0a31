package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/wire"
)

// cli runs the program on a member's folder; it must succeed.
func (f *federation) cli(member string, args ...string) string {
	f.t.Helper()
	out, err := f.try(member, args...)
	if err != nil {
		f.t.Fatalf("accord %s at %s: %v\n%s", strings.Join(args, " "), member, err, out)
	}
	return out
}

func (f *federation) try(member string, args ...string) (string, error) {
	cmd := exec.Command(accordBinary(f.t), append(args, "--dir", f.sup.Dir(member), "--operator", string(demo.Operator), "--lang", "en")...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// paper is a file in the federation's folder.
func (f *federation) paper(name string) string { return filepath.Join(f.dir, name) }

// enact drafts a roster at one member, has the seats endorse it, and carries it to
// the ledger at the last of them.
func (f *federation) enact(name, drafter string, seats []string, change ...string) {
	f.t.Helper()
	f.cli(drafter, append([]string{"member", "propose", "--out", f.paper(name)}, change...)...)
	args := []string{"member", "enact", f.paper(name)}
	for _, seat := range seats {
		f.cli(seat, "member", "endorse", f.paper(name), "--out", f.paper(name+"."+seat))
		args = append(args, f.paper(name+"."+seat))
	}
	f.cli(seats[len(seats)-1], args...)
}

// settle waits until the nodes are what the roster says, by the word of a member.
func (f *federation) settle(at string, voters int) wire.Membership {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 90*time.Second)
	defer cancel()
	for {
		m, err := f.client(at).Membership(ctx)
		if err == nil && settled(m) && m.Voters == voters {
			return m
		}
		select {
		case <-ctx.Done():
			text, _ := f.try(at, "member", "status")
			f.t.Fatalf("the membership is not settled: %v\n%s", err, text)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// join starts a node that is not in the demo's plan and ends it with the test.
func (f *federation) join(member string) {
	f.t.Helper()
	log, err := os.Create(f.sup.LogPath(member))
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.Command(accordBinary(f.t), "node", "run", "--dir", f.sup.Dir(member))
	cmd.Env = append(os.Environ(), demo.StopWithStdin+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
		if raw, _ := os.ReadFile(f.sup.LogPath(member)); f.t.Failed() {
			f.t.Logf("%s: …%s", member, raw[max(0, len(raw)-1500):])
		}
		log.Close()
	})
}

// invite brings a newcomer's folder into being and gives its introduction.
func (f *federation) invite(member string) string {
	f.t.Helper()
	addresses, err := demo.FreeAddresses(1)
	if err != nil {
		f.t.Fatal(err)
	}
	f.cli("regulator", "member", "invite", "--name-zh", "例", "--name-en", "Example", "--out", f.paper(member+".invitation"))
	f.cli(member, "init", "--invite", f.paper(member+".invitation"), "--member", member, "--kind", "association", "--name-zh", "例平台", "--name-en", "Example platform",
		"--listen", addresses[0])
	return filepath.Join(f.sup.Dir(member), "introduction.jws")
}

// TestMembershipChangesUnderLoad is a membership's life through the command line,
// while clients write: a fifth agency joins and gets its vote, an old one that is
// away is taken off and learns it when it returns, a third loses its disk and comes
// back as another node. Nothing acknowledged is lost, no leader falls.
//
// Shows: F17, F24, F25, B9, B14
func TestMembershipChangesUnderLoad(t *testing.T) {
	t.Setenv("ACCORD_RAFT_PROMOTE_AFTER", "1s")
	t.Setenv("ACCORD_RAFT_TIMEOUT", "800ms")
	f := newFederation(t)
	ctx, cancel := context.WithCancel(t.Context())
	acked := make(chan exchange.EntryID, 100_000)
	var writers sync.WaitGroup
	for w, m := range []string{"regulator", "commission"} {
		writers.Go(func() { f.write(ctx, w, m, acked) })
	}
	three := []string{"regulator", "commission", "court"}
	f.jointMeeting()

	f.enact("join.json", "regulator", three, "--add", f.invite("platform"))
	if out, err := f.try("platform", "node", "run"); err == nil || !strings.Contains(out, "INIT-007") {
		t.Errorf("a newcomer without a welcome starts: %s", out)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) { // a member's folder follows its ledger within seconds
		out, err := f.try("commission", "member", "welcome", "platform", "--out", f.paper("welcome.json"))
		if err == nil {
			break
		}
		if !strings.Contains(out, "INIT-006") || time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if out, err := f.try("platform", "member", "join", f.paper("welcome.json"), "--digest", "sha256:"+strings.Repeat("0", 64)); err == nil || !strings.Contains(out, "CLI-024") {
		t.Errorf("joins under another charter: %s", out)
	}
	if out := f.cli("platform", "member", "join", f.paper("welcome.json"), "--dry-run"); !strings.Contains(out, "regulator") || !strings.Contains(out, "platform") {
		t.Errorf("what would be trusted:\n%s", out)
	}
	f.cli("platform", "member", "join", f.paper("welcome.json"), "--yes")
	f.join("platform")
	f.settle("regulator", 5)

	term := f.term("regulator")
	if err := f.sup.Kill("association"); err != nil {
		t.Fatal(err)
	}
	f.enact("leave.json", "court", append(three, "platform"), "--remove", "association")
	f.settle("platform", 4)
	if err := f.sup.Start("association"); err != nil {
		t.Fatal(err)
	}
	f.learnsThatItLeft("association")
	if now := f.term("regulator"); f.leader("regulator") != "association" && now > term+1 {
		t.Errorf("%d elections", now-term)
	}

	f.replaceWiped("court", []string{"regulator", "commission", "platform"})
	f.settle("court", 4)

	cancel()
	writers.Wait()
	close(acked)
	f.nothingLost(acked, "regulator", "commission", "court", "platform")
}

func (f *federation) status(member string) wire.NodeStatus {
	f.t.Helper()
	st, err := f.client(member).Status(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return st
}

func (f *federation) term(member string) uint64 { return f.status(member).Term }

func (f *federation) leader(member string) string { return string(f.status(member).LeaderOf) }

// learnsThatItLeft waits until a node that was taken off while it was away says so.
func (f *federation) learnsThatItLeft(member string) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		st, err := f.client(member).Status(f.t.Context())
		if err == nil && strings.Contains(st.Why, "took this node out") {
			break
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s does not know that it left: %+v %v", member, st, err)
		}
	}
	if _, err := f.client(member).Entries(f.t.Context(), "red", client.EntryQuery{}); exchange.AsError(err).Code != "NODE-011" {
		f.t.Errorf("%s still answers as a member: %v", member, err)
	}
}

// replaceWiped takes a node's log away and follows what the program says.
func (f *federation) replaceWiped(member string, seats []string) {
	f.t.Helper()
	if err := f.sup.Kill(member); err != nil {
		f.t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(f.sup.Dir(member), "ledger")); err != nil {
		f.t.Fatal(err)
	}
	out, err := f.try(member, "node", "run")
	if err == nil || !strings.Contains(out, "--renew-node") || !strings.Contains(out, "propose --replace") {
		f.t.Errorf("a wiped node: %v\n%s", err, out)
	}
	f.cli(member, "init", "--renew-node")
	if out, err := f.try(member, "node", "run"); err == nil || !strings.Contains(out, "NODE-010") {
		f.t.Errorf("a node that no roster lists starts: %v\n%s", err, out)
	}
	f.enact("replace.json", seats[0], seats, "--replace", filepath.Join(f.sup.Dir(member), "introduction.jws"))
	if err := f.sup.Start(member); err != nil {
		f.t.Fatal(err)
	}
}

// nothingLost compares what was acknowledged with what every member has.
func (f *federation) nothingLost(acked <-chan exchange.EntryID, all ...string) {
	f.t.Helper()
	want := map[exchange.EntryID]bool{}
	for id := range acked {
		want[id] = true
	}
	if len(want) < 20 {
		f.t.Fatalf("only %d writes were acknowledged: the run says nothing", len(want))
	}
	f.t.Logf("%d acknowledged", len(want))
	digests := map[string]bool{}
	for _, m := range all {
		have := f.entries(m)
		for id := range want {
			if have[id] != 1 {
				f.t.Errorf("%s has entry %s %d times", m, id, have[id])
			}
		}
		l, err := f.client(m).Ledger(f.t.Context(), true)
		if err != nil {
			f.t.Fatal(err)
		}
		digests[l.Root+l.Digest] = true
	}
	if len(digests) != 1 {
		f.t.Errorf("%d different states", len(digests))
	}
}

// TestAClonedNodeIsRefused copies a running node's folder and starts the copy: it
// ends before it touches its log, the peers raise the alarm, and the original goes
// on.
//
// Shows: F31, B12, B14
func TestAClonedNodeIsRefused(t *testing.T) {
	f := newFederation(t)
	clone := f.sup.Dir("clone")
	if err := os.CopyFS(clone, withoutSockets{os.DirFS(f.sup.Dir("court"))}); err != nil {
		t.Fatal(err)
	}
	private(t, clone)
	before := contentOf(t, filepath.Join(clone, "ledger"))
	addresses, err := demo.FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.try("clone", "node", "run", "--set", "listen="+addresses[0])
	if err == nil || !strings.Contains(out, "NODE-012") || !strings.Contains(out, "--renew-node") {
		t.Errorf("a second node of one id: %v\n%s", err, out)
	}
	if after := contentOf(t, filepath.Join(clone, "ledger")); after != before {
		t.Error("the copy touched its log")
	}
	for _, m := range []string{"regulator", "court"} {
		if status := f.cli(m, "member", "status"); !strings.Contains(status, "ALARM") {
			t.Errorf("%s raises no alarm:\n%s", m, status)
		}
	}
	if st := f.status("court"); !st.Ready {
		t.Errorf("the original: %+v", st)
	}
}

// withoutSockets is a folder without what belongs to its running process.
type withoutSockets struct{ fs.FS }

func (w withoutSockets) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Type()&fs.ModeSocket != 0 }), err
}

// private gives a copied folder the modes a node's has.
func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contentOf is a folder's files in one digest.
func contentOf(t *testing.T, dir string) [32]byte {
	t.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n", path, len(raw))
		sum.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(sum.Sum(nil))
}
