package faulttest_test

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange/identifiers"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/failpoint"
	"accord/node/faulttest"
	"accord/node/wire"
)

var faultPoints = flag.String("fault.points", "", "fail points to crash at: all, or names separated by commas; a sample without it")

// sample are the points of the short run: one of each part.
var sample = []string{"store.append.commit", "store.set.after", "snapshot.rename.before", "machine.apply.committed",
	"propose.group.after", "propose.forward.after", "agency.propose.after", "audit.sync.before", "records.commit.before", "outbox.rename.before"}

func chosen() []string {
	switch *faultPoints {
	case "":
		return sample
	case "all":
		return failpoint.Names()
	}
	return strings.Split(*faultPoints, ",")
}

// starting are reached only by a node's first start.
var starting = []string{"node.start.network", "node.start.ledger", "node.start.found", "node.start.founded", "bootstrap.before", "bootstrap.after",
	"store.create.before", "store.create.after", "store.open",
	"store.set.before", "store.state.before", "store.state.after", "store.append.before", "store.append.after"}

// restarting are reached by a node that takes its state over from a snapshot.
var restarting = []string{"machine.restore.before", "machine.restore.swap", "machine.restore.after", "store.open", "node.start.ledger"}

var points = []fault{{"F42", "nodes crash at fail points", 5, crashAtPoints}}

// crashAtPoints has a leader, then a follower, crash at each chosen point under
// load, starts it again, and judges the whole at the end: a crash loses nothing
// acknowledged, doubles nothing, and no node is left that does not start.
func crashAtPoints(t *testing.T, f *faulttest.Federation) {
	desk := &desk{f: f, rng: rand.New(rand.NewPCG(*faultSeed, 5))}
	desk.open()
	load := f.Load(faulttest.LoadOptions{Seed: *faultSeed, Rest: 10 * time.Millisecond})
	load.Await(10)
	load.Mark()
	reached := map[string]bool{}
	for i, point := range chosen() {
		if strings.HasPrefix(point, "founding.") {
			continue // TestCrashWhileFounding
		}
		for role, member := range map[string]string{"leader": f.Leader(), "follower": desk.follower()} {
			if *faultPoints == "" && (i%2 == 0) != (role == "leader") && !desk.only(point) {
				continue // the short run takes one of the two
			}
			if desk.only(point) {
				if member = "association"; reached[point] {
					continue
				}
			}
			if crashAt(f, desk, member, point) {
				reached[point] = true
				t.Logf("%s on the %s %s", point, role, member)
			}
			f.Ready(member)
		}
	}
	f.Heal()
	load.Await(10)
	load.Judge()
	for _, point := range chosen() {
		if !reached[point] && !slices.Contains(starting, point) && !slices.Contains(restarting, point) && !strings.HasPrefix(point, "founding.") {
			t.Errorf("no node reached %s", point)
		}
	}
}

// crashAt orders a crash, waits for it, and starts the node again with no order;
// false when the node did not come by the point.
func crashAt(f *faulttest.Federation, d *desk, member, point string) bool {
	f.T.Helper()
	if slices.Contains(restarting, point) {
		f.Kill(member)
	}
	f.Order(member, point+"=crash")
	f.Start(member)
	stop := d.work(point)
	defer stop()
	if strings.HasPrefix(point, "store.set.") || strings.HasPrefix(point, "settle.") { // reached in elections
		if leader := f.Leader(); leader != member {
			f.Kill(leader)
			defer func() { f.Start(leader); f.Ready(leader) }()
		}
	}
	for end := time.Now().Add(short(6*time.Second, 20*time.Second)); time.Now().Before(end); {
		if _, err := f.Ended(member, 50*time.Millisecond); err == nil {
			if !slices.Contains(f.Fired(member), point) {
				f.T.Errorf("%s ended, and not at %s", member, point)
			}
			f.Order(member)
			f.Start(member)
			return true
		}
	}
	f.Order(member)
	return false
}

// desk makes the nodes do what clients of a load do not: keep records, and ask
// for and deliver releases.
type desk struct {
	f       *faulttest.Federation
	rng     *rand.Rand
	records []wire.Record
}

// only says that a point lies on the way of the record's author.
func (d *desk) only(point string) bool {
	return strings.HasPrefix(point, "records.") || strings.HasPrefix(point, "outbox.") || strings.HasPrefix(point, "agency.deliver.")
}

func (d *desk) follower() string {
	others := d.f.Others(d.f.Leader())
	return others[d.rng.IntN(len(others))]
}

// open imports the records.
func (d *desk) open() {
	t := d.f.T
	t.Helper()
	raw, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := d.f.Client("association").Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "discipline", AsOf: "2026-11-20"},
		bytes.NewReader(raw), nil); err != nil {
		t.Fatal(err)
	}
	page, err := d.f.Client("association").Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 100})
	if err != nil || len(page.Records) < 4 {
		t.Fatalf("%d records: %v", len(page.Records), err)
	}
	d.records = page.Records
}

// work keeps the desk busy, in the way that leads past the point, until stop.
func (d *desk) work(point string) (stop func()) {
	if !d.only(point) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if strings.HasPrefix(point, "records.") && len(d.records) > 1 {
				rec := d.records[len(d.records)-1]
				d.records = d.records[:len(d.records)-1]
				_, _ = d.f.Client("association").RetractRecord(ctx, rec.ID, wire.CorrectRecord{Reason: "例"}) // the node dies over it
			} else {
				rel, err := d.f.Client("court").AskRelease(ctx, wire.AskRelease{Record: d.records[0].ID, Author: "association", Fields: []string{"resident_id"},
					Purpose: "enforcement", Basis: wire.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
				if err == nil {
					_, _ = d.f.Client("court").Open(ctx, rel.ID)
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-done }
}

// TestCrashWhileStarting crashes a founder at each point of its first start: the
// next start finds what there is and goes on.
//
// Shows: F42
func TestCrashWhileStarting(t *testing.T) {
	points := starting
	if *faultPoints == "" {
		points = []string{"bootstrap.before", "node.start.founded", "store.state.before"}
	}
	f := faulttest.New(t, often())
	const victim = "commission"
	for _, m := range f.Others(victim) {
		f.Start(m)
	}
	for i, point := range points {
		f.Order(victim, point+"=crash")
		f.Start(victim)
		if _, err := f.Ended(victim, 30*time.Second); err != nil {
			t.Fatalf("%s: %v", point, err)
		}
		if fired := f.Fired(victim); !slices.Contains(fired, point) {
			t.Errorf("%s did not fire, %v did", point, fired)
		}
		f.Order(victim)
		f.Start(victim)
		f.Ready(victim)
		if i == len(points)-1 {
			break
		}
		// A founder that never took part may begin anew: the next point needs a
		// first start. What the last one voted is forgotten with it, so the others
		// forget, too.
		for _, m := range f.Members {
			f.Kill(m)
			for _, gone := range []string{"ledger", "started"} {
				if err := os.RemoveAll(filepath.Join(f.DataDir(m), gone)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, m := range f.Others(victim) {
			f.Start(m)
		}
	}
	load := f.Load(faulttest.LoadOptions{Seed: *faultSeed})
	load.Await(10)
	load.Judge()
}

// TestCrashWhileFounding crashes `accord init` at each file it writes: what is
// left is either no node, which init says, or a whole one.
//
// Shows: F42
func TestCrashWhileFounding(t *testing.T) {
	check, err := identifiers.USCCCheck("11639900MB0000001")
	if err != nil {
		t.Fatal(err)
	}
	const files = 4 // passphrase, accord.yaml, introduction.jws, node.json
	for i, point := range []string{"founding.file.write", "founding.file.rename", "founding.file.done"} {
		for n := 1; n <= files; n++ {
			if *faultPoints == "" && n != 2+i {
				continue
			}
			dir := filepath.Join(t.TempDir(), "node")
			init := func(orders string) (string, error) {
				cmd := exec.Command(faulttest.Program(t), "init", "--dir", dir, "--federation", "qinghai-demo", "--member", "court", "--kind", "court",
					"--name-zh", "例市中级人民法院", "--name-en", "Example Intermediate Court", "--uscc", "11639900MB0000001"+string(check), "--listen", "127.0.0.1:7443",
					"--advertise", "127.0.0.1:7443", "--operator-name", "admin")
				cmd.Env = append(os.Environ(), "ACCORD_FAILPOINTS="+orders)
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			if out, err := init(point + "=crash@" + string(rune('0'+n))); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("%s %d: %v: %s", point, n, err, out)
			}
			left, _ := os.ReadDir(dir) // there, if init came as far
			_, missing := os.Stat(filepath.Join(dir, "node.json"))
			out, err := init("")
			whole := missing == nil
			switch {
			case len(left) == 0:
				if err != nil {
					t.Errorf("%s %d: nothing was written, and yet: %s", point, n, out)
				}
			case err == nil:
				t.Errorf("%s %d: a folder that is not empty was initialised again", point, n)
			case whole && !strings.Contains(out, "INIT-001"):
				t.Errorf("%s %d: a whole node is not recognised: %s", point, n, out)
			case !whole && !strings.Contains(out, "INIT-002"):
				t.Errorf("%s %d: half a node is not recognised: %s", point, n, out)
			}
		}
	}
}
