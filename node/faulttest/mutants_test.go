package faulttest_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var faultMutants = flag.String("fault.mutants", "", "mutants to run: all, or names separated by commas; a cheap few without it")

// edit replaces a text that is in the file exactly once.
type edit struct{ file, old, new string }

// mutant is the product with one of the faults a ledger like this is known for,
// and the test that has to notice.
type mutant struct {
	name  string
	cheap bool // run for every commit
	edits []edit
	pkg   string
	run   string
	args  []string
}

const (
	barrier = "consensus/barrier.go"
	apply   = "exchange/machine/apply.go"
	takes   = "exchange/machine/snapshot.go"
)

// mutants are the twelve of the test plan. Where the design leaves no place for
// a fault as it is known elsewhere (the applied index is part of the state), the
// mutant does what the fault would lead to.
var mutants = []mutant{
	{name: "skip VerifyLeader", pkg: "./consensus", run: "^TestLeaderInMinority$", edits: []edit{{barrier,
		"if err := l.confirm(term); err != nil {", "if err := error(nil); err != nil {"}}},
	{name: "index saved before data", pkg: "./exchange/machine", run: "^(TestNominateEndToEnd|TestIndexesGoForward|TestDifferential)$", edits: []edit{{apply,
		"next, err := r.tx.Commit(index)", "next, err := r.tx.Commit(index + 1)"}}},
	{name: "index saved after data", cheap: true, pkg: "./exchange/machine", run: "^(TestNominateEndToEnd|TestIndexesGoForward)$", edits: []edit{{apply,
		"next, err := r.tx.Commit(index)", "next, err := r.tx.Commit(index - 1)"}}},
	{name: "double apply on restart", pkg: "./exchange/machine", run: "^TestIndexesGoForward$", edits: []edit{{apply,
		"if index <= v.Index() {", "if index < v.Index() {"}}},
	{name: "drop last of batch", pkg: "./consensus", run: "^TestSimulation$", args: []string{"-sim.runs=1", "-sim.seconds=20"}, edits: []edit{{"consensus/fsm.go",
		"results, err = f.machine.Apply(e.Index, payloads)",
		`results, err = f.machine.Apply(e.Index, payloads[:max(1, len(payloads)-1)])
		for err == nil && len(results) < len(payloads) {
			results = append(results, results[0])
		}`}}},
	{name: "restore keeps old rows", pkg: "./exchange/machine", run: "^(TestRestoreIsEqualAndWakes|TestDifferential)$", edits: []edit{{takes,
		"m.publish(p.store, p.tree, p.store.View(), p.cat)", "m.publish(m.store, p.tree, m.View().state, p.cat)"}}},
	{name: "map-order encoding", pkg: "./exchange/machine", run: "^(TestGoldenLogs|TestApplyIsDeterministic|TestDifferential)$", edits: []edit{{"exchange/state/store.go",
		"sort.Slice(s.tables, func(i, j int) bool { return s.tables[i].tableName() < s.tables[j].tableName() })",
		`byName := map[string]table{}
	for _, t := range s.tables {
		byName[t.tableName()] = t
	}
	s.tables = nil
	for _, t := range byName {
		s.tables = append(s.tables, t)
	}
	_ = sort.Slice`}}},
	{name: "local clock in Apply", pkg: "./exchange/machine", run: "^(TestGoldenLogs|TestApplyIsDeterministic)$", edits: []edit{
		{apply, "now := max(r.tx.Head().Time, c.cmd.At)", "now := max(r.tx.Head().Time, exchange.MillisOf(time.Now()))"},
		{apply, "import (", "import (\n\t\"time\""}}},
	{name: "ack before fsync", cheap: true, pkg: "./consensus/store", run: "^TestCrashAtEveryCall$", edits: []edit{{"consensus/store/store.go",
		"if err := b.segment.file.Sync(); err != nil {", "if err := error(nil); err != nil {"}}},
	{name: "ignore fsync error", pkg: "./consensus/store", run: "^(TestLatch|TestCrashAtEveryCall)$", edits: []edit{{"consensus/store/store.go",
		"if err := b.segment.file.Sync(); err != nil {", "if err := error(nil); b.segment.file.Sync() == nil && err != nil {"}}},
	{name: "idempotency table not in snapshot", pkg: "./exchange/machine", run: "^(TestTheSameCommandTwice|TestDifferential|TestRestoreIsEqualAndWakes)$", edits: []edit{
		{apply, "journal.Find(r.tx, c.cmd.ID); known {", "journal.Find(r.tx, c.cmd.ID); known && first.Seq > restoredSeq {"},
		{takes, "m.fault = nil", "m.fault, restoredSeq = nil, p.store.View().Head().Seq"},
		{takes, "type counted struct {", "var restoredSeq int64\n\ntype counted struct {"}}},
	{name: "follower serves linear", pkg: "./consensus", run: "^(TestLeaderInMinority|TestSimulation)$", args: []string{"-sim.runs=1", "-sim.seconds=20"}, edits: []edit{{barrier,
		"\t\treturn l.askRound(ctx)\n\t}\n", "\t\treturn l.askRound(ctx)\n\tdefault:\n\t\ti, _ := l.fsm.position()\n\t\treturn i, nil\n\t}\n"}}},
}

// mutantTries is in how many runs a mutant must be caught.
const mutantTries = 50

// TestMutants keeps the tests awake: each mutant still applies to the sources,
// still builds, and is caught by its test.
//
// Shows: C1
func TestMutants(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			overlay := mutate(t, root, m.edits)
			if !m.cheap && *faultMutants != "all" && !oneOf(*faultMutants, m.name) {
				return // it applies
			}
			catch(t, root, overlay, m)
		})
	}
}

func oneOf(list, name string) bool {
	for _, s := range strings.Split(list, ",") {
		if s == name {
			return true
		}
	}
	return false
}

// mutate writes the changed files aside and says so in an overlay for the go
// command.
func mutate(t *testing.T, root string, edits []edit) (overlay string) {
	t.Helper()
	dir := t.TempDir()
	changed := map[string]string{}
	for _, e := range edits {
		text, ok := changed[e.file]
		if !ok {
			raw, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%q is %d times in %s: the mutant no longer applies", e.old, n, e.file)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := map[string]string{}
	for file, text := range changed {
		path := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = path
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// catch runs the mutant's test until it fails.
func catch(t *testing.T, root, overlay string, m mutant) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "mutant.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "-overlay", overlay, m.pkg)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the mutant does not build: %v: %s", err, out)
	}
	for try := 1; try <= mutantTries; try++ {
		cmd := exec.Command(binary, append([]string{"-test.run", m.run, "-test.timeout", "5m"}, m.args...)...)
		cmd.Dir = filepath.Join(root, m.pkg)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Logf("caught in run %d by %s: %s", try, m.run, complaint(string(out)))
			return
		}
		if err != nil || strings.Contains(string(out), "no tests to run") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Errorf("not caught in %d runs of %s", mutantTries, m.run)
}

// complaint is the first line in which a test says what is wrong.
func complaint(out string) string {
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, "_test.go:") || strings.Contains(line, "cluster.go:") || strings.HasPrefix(line, "panic:") {
			return strings.TrimSpace(line)
		}
	}
	return "?"
}
