package faulttest_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange/identifiers"
	"accord/node/failpoint"
	"accord/node/faulttest"
)

var faultPoints = flag.String("fault.points", "", "fail points to crash at: all, or names separated by commas; a sample without it")

// sample are the points of the short run: one of each part.
var sample = []string{"store.append.commit", "store.set.after", "snapshot.rename.before", "machine.apply.committed",
	"propose.group.after", "propose.forward.after", "agency.propose.after", "audit.sync.before", "records.commit.before", "agency.deliver.before",
	"agency.open.before", "membership.move.before", "witness.sign.after", "backup.finish"}

// chosen are the points of the flag.
func chosen() []string {
	if *faultPoints == "all" {
		return failpoint.Names()
	}
	return strings.Split(*faultPoints, ",")
}

var points = []fault{{"F42", "nodes crash at fail points", 5, func(t *testing.T, f *faulttest.Federation) { crashAtPoints(t, f, sample) }}}

// pointsAtOnce is how many points one federation is crashed at. It is under load and
// takes snapshots all the time: with a ledger that has grown for twenty minutes it does
// nothing else, and a node that was away never catches up with the short log.
const pointsAtOnce = 8

// TestCrashAtPoints is F42 for the points of the flag, all of them or some.
//
// Shows: F42
func TestCrashAtPoints(t *testing.T) {
	if *faultPoints == "" {
		return // by flag only: the sample is a row of TestFaults
	}
	for some := range slices.Chunk(chosen(), pointsAtOnce) {
		t.Run(some[0], func(t *testing.T) {
			o := often()
			o.Nodes = 5
			o.Settings["ledger.complain_after"] = "2s" // within the delay that makes a node complain
			crashAtPoints(t, faulttest.Run(t, o), some)
		})
	}
}

// crashAtPoints has a leader, then a follower, crash at each chosen point under
// load, starts it again, and judges the whole at the end: a crash loses nothing
// acknowledged, doubles nothing, and no node is left that does not start.
func crashAtPoints(t *testing.T, f *faulttest.Federation, chosen []string) {
	d := newDesk(f)
	d.open()
	d.load.Await(10)
	d.load.Mark()
	reached := map[string][]string{}
	for i, point := range chosen {
		for j, role := range []string{leads, follows} {
			both := cannot(point, leads) == "" && cannot(point, follows) == ""
			if cannot(point, role) != "" || *faultPoints == "" && both && i%2 != j {
				continue // the short run takes one of the two
			}
			for try := 0; ; try++ { // who led when it was armed may not lead any more
				member := d.take(point, role)
				patience := short(12*time.Second, 40*time.Second)                                     // by then it leads no more, or does not follow
				if strings.HasPrefix(point, "settle.") || strings.HasPrefix(point, "store.rotate.") { // the lead has to come round; a file has to fill
					patience = 2 * time.Minute
				}
				crashed := d.crashAt(member, point, patience)
				f.Ready(member)
				if crashed {
					reached[point] = append(reached[point], role)
					t.Logf("%s on the %s %s", point, role, member)
					break
				}
				if try == 4 {
					t.Errorf("no %s reached %s", role, point)
					break
				}
			}
		}
	}
	f.Heal()
	d.load.Await(10)
	d.load.Judge()
	for _, point := range chosen {
		t.Logf("%-28s %v", point, reached[point])
	}
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
