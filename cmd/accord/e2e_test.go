package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/wire"
)

// binary is the program for all tests with real processes.
var binary = builtWith("")

func accordBinary(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// shortDir is a temporary folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ac")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "d")
}

// TestDemoTellsTheWholeStory runs the README's first command with --once and
// holds its JSON against what it promises.
//
// Shows: B10, I4
func TestDemoTellsTheWholeStory(t *testing.T) {
	dir := shortDir(t)
	cmd := exec.Command(accordBinary(t), "demo", "--once", "--output", "json", "--dir", dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var story demoStory
	if jerr := json.Unmarshal(out.Bytes(), &story); jerr != nil {
		t.Fatalf("%v: %v\n%s\n%s", err, jerr, out.Bytes(), errs.Bytes())
	}
	want := []string{"ready", "import", "black-listed", "red-listed", "release-granted", "release-refused", "release-approved",
		"leader-killed", "node-returned", "verified-offline", "canary-scan"}
	for i, id := range want {
		if i >= len(story.Steps) {
			t.Fatalf("the story ends after %d steps: %v\n%s", len(story.Steps), err, errs.Bytes())
		}
		s := story.Steps[i]
		if s.ID != id || !s.OK || s.Command == "" || s.Detail == "" {
			t.Errorf("step %d is %+v, want %s", i, s, id)
		}
	}
	if err != nil || !story.OK || story.SchemaVersion != 1 {
		t.Errorf("exit %v, ok %v, schema %d", err, story.OK, story.SchemaVersion)
	}
	t.Run("independent verifiers", func(t *testing.T) { strangersVerify(t, filepath.Join(dir, "evidence.json")) })
	t.Run("resumed", func(t *testing.T) { resumed(t, dir) })
}

// resumed starts the demo again on the folder it kept: same federation, all
// entries still there.
func resumed(t *testing.T, dir string) {
	out, err := exec.Command(accordBinary(t), "demo", "--once", "--output", "json", "--dir", dir).Output()
	var story demoStory
	if jerr := json.Unmarshal(out, &story); err != nil || jerr != nil || !story.OK || !story.Resumed || len(story.Steps) != 1 {
		t.Errorf("%v %v: %s", err, jerr, out)
	}
}

// strangersVerify lets two independent implementations check every document of
// the demo's evidence file: the distribution's jose, and npm's SD-JWT package.
func strangersVerify(t *testing.T, evidence string) {
	jose, err := exec.LookPath("jose")
	if err != nil {
		t.Skip("needs the program jose")
	}
	n, err := demo.VerifyWithJose(context.Background(), jose, evidence)
	if err != nil || n == 0 {
		t.Errorf("jose verified %d documents: %v", n, err)
	}
	script := filepath.Join("..", "..", "crypto", "interop")
	if _, err := os.Stat(filepath.Join(script, "node_modules")); err != nil {
		t.Skip("needs npm ci in crypto/interop")
	}
	out, err := exec.Command("node", filepath.Join(script, "bundle.mjs"), evidence).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verified") {
		t.Errorf("npm verifiers: %v: %s", err, out)
	}
}

// federation is a demo federation under test.
type federation struct {
	t   *testing.T
	dir string
	sup *demo.Supervisor
}

func newFederation(t *testing.T) *federation {
	t.Helper()
	return newFederationWith(t, func(string) {})
}

// newFederationWith is newFederation whose nodes' folders are changed before they start.
func newFederationWith(t *testing.T, change func(dir string)) *federation {
	t.Helper()
	document, _ := catalogue.Demo()
	return newFederationUnder(t, document, change)
}

// newFederationUnder is newFederationWith another catalogue.
func newFederationUnder(t *testing.T, document []byte, change func(dir string)) *federation {
	t.Helper()
	dir := shortDir(t)
	plan, err := demo.BuildUnder(t.Context(), dir, document)
	if err != nil {
		t.Fatal(err)
	}
	change(dir)
	sup, err := demo.Supervise(dir, plan, accordBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &federation{t: t, dir: dir, sup: sup}
	t.Cleanup(func() {
		if err := sup.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			f.logs()
		}
	})
	for _, m := range members4 {
		if err := sup.Start(m); err != nil {
			t.Fatal(err)
		}
	}
	f.ready()
	return f
}

var members4 = []string{"regulator", "commission", "association", "court"}

func (f *federation) ready() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if err := f.sup.Ready(ctx, members4...); err != nil {
		f.t.Fatal(err)
	}
}

// logs shows the end of every node's log.
func (f *federation) logs() {
	for _, m := range members4 {
		raw, _ := os.ReadFile(f.sup.LogPath(m))
		f.t.Logf("%s: …%s", m, raw[max(0, len(raw)-1500):])
	}
}

func (f *federation) client(m string) *client.Client { return f.sup.Client(m, demo.Operator) }

// TestNothingAcknowledgedIsLost kills every node in turn, hard, while four
// writers put entries on the red list through all nodes, and compares what was
// acknowledged with what is there.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	f := newFederation(t)
	ctx, cancel := context.WithCancel(t.Context())
	acked := make(chan exchange.EntryID, 10_000)
	var writers sync.WaitGroup
	for w, m := range []string{"regulator", "commission", "association", "regulator"} {
		writers.Go(func() { f.write(ctx, w, m, acked) })
	}
	for _, victim := range members4 {
		time.Sleep(700 * time.Millisecond) // let some writes pass between the faults
		if err := f.sup.Kill(victim); err != nil {
			t.Fatal(err)
		}
		time.Sleep(700 * time.Millisecond)
		if err := f.sup.Start(victim); err != nil {
			t.Fatal(err)
		}
		f.ready()
	}
	cancel()
	writers.Wait()
	close(acked)
	want := map[exchange.EntryID]bool{}
	for id := range acked {
		if want[id] {
			t.Errorf("entry %s was acknowledged twice", id)
		}
		want[id] = true
	}
	if len(want) < 20 {
		t.Fatalf("only %d writes were acknowledged: the run says nothing", len(want))
	}
	t.Logf("%d acknowledged", len(want))
	digests := map[string]bool{}
	for _, m := range members4 {
		have := f.entries(m)
		for id := range want {
			if have[id] != 1 {
				t.Errorf("%s has entry %s %d times", m, id, have[id])
			}
		}
		l, err := f.client(m).Ledger(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		digests[fmt.Sprint(l.Size, l.Root, l.Digest)] = true
	}
	if len(digests) != 1 {
		t.Errorf("%d different states", len(digests))
	}
}

// write nominates one fictional organisation after another until ctx ends.
func (f *federation) write(ctx context.Context, writer int, member string, acked chan<- exchange.EntryID) {
	for i := 0; ctx.Err() == nil; i++ {
		entry, err := f.client(member).Nominate(context.WithoutCancel(ctx), "red", wire.Nominate{SubjectKind: "enterprise",
			USCC: fictionalUSCC(writer*100_000 + i), Name: "例湖保险代理有限公司", Ground: "decision",
			Decision: &wire.DecisionRef{Number: fmt.Sprintf("青例〔2026〕%d号", i+1), Authority: "例省保险监管局"}, TermDays: 365})
		if err == nil {
			acked <- entry.ID
			continue
		}
		switch e := exchange.AsError(err); e.Kind {
		case exchange.KindUnavailable, exchange.KindNoQuorum, exchange.KindUnknownOutcome:
			time.Sleep(50 * time.Millisecond) // the node is down, or there is no leader
		default:
			f.t.Errorf("%s: %v", member, err)
			return
		}
	}
}

// fictionalUSCC has right check characters on a division code that was never
// allocated.
func fictionalUSCC(n int) string {
	body := fmt.Sprintf("91639900MA%07d", n)
	check, err := identifiers.USCCCheck(body)
	if err != nil {
		panic(err)
	}
	return body + string(check)
}

// entries counts the red list's entries at a member by id.
func (f *federation) entries(member string) map[exchange.EntryID]int {
	f.t.Helper()
	have := map[exchange.EntryID]int{}
	q := client.EntryQuery{Limit: 500, Linear: true}
	for {
		page, err := f.client(member).Entries(f.t.Context(), "red", q)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range page.Entries {
			have[e.ID]++
		}
		if page.Next == "" {
			return have
		}
		q.Cursor, q.Linear = page.Next, false
	}
}

// TestWithoutQuorumReadsGoOn stops two of four nodes: writes are refused with
// exit 5's error, reads and evidence that needs nobody else still answer.
func TestWithoutQuorumReadsGoOn(t *testing.T) {
	t.Setenv("ACCORD_API_REQUEST_TIMEOUT", "4s") // a write without quorum waits for it
	f := newFederation(t)
	for _, m := range []string{"commission", "association"} {
		if err := f.sup.Kill(m); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.client("regulator").Nominate(t.Context(), "red", wire.Nominate{SubjectKind: "enterprise", USCC: fictionalUSCC(1), Name: "例",
		Ground: "decision", Decision: &wire.DecisionRef{Number: "1", Authority: "例"}, TermDays: 365})
	if e := exchange.AsError(err); err == nil || e.Kind != exchange.KindNoQuorum && e.Kind != exchange.KindUnknownOutcome {
		t.Errorf("a write without quorum: %v", err)
	}
	if _, err := f.client("regulator").Entries(t.Context(), "black", client.EntryQuery{}); err != nil {
		t.Errorf("a read without quorum: %v", err)
	}
	if _, err := f.client("court").Checkpoint(t.Context(), 0); err != nil {
		t.Errorf("a checkpoint without quorum: %v", err)
	}
	if _, err := f.client("court").Ledger(t.Context(), true); err == nil {
		t.Error("a linearizable read without quorum was answered")
	}
}

// TestAWipedNodeIsRefused loses a node's log and starts it again under the same
// identity: it has forgotten its votes and must not come back so.
func TestAWipedNodeIsRefused(t *testing.T) {
	f := newFederation(t)
	if err := f.sup.Kill("court"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(f.sup.Dir("court"), "ledger")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(accordBinary(t), "node", "run", "--dir", f.sup.Dir("court"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(out, []byte("NODE-004")) {
		t.Errorf("%v: %s", err, out)
	}
}
