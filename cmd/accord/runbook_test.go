package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange/machine"
	"accord/node"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/wire"
)

// A step of the RUNBOOK is rehearsed as it is printed when this stands before its
// block:
//
//	<!-- rehearsed at MEMBER -->
//
// MEMBER may be "each": all four, those that follow first and the leader last. And
//
//	<!-- then the steps of SECTION -->
//
// stands where another section's steps are to be followed. The machine around the
// node is replaced: sudo, systemctl and what looks at the machine or mends it are
// small programs of the test's, and the folders /var/lib/accord and /srv/accord are
// the test's. Everything named accord is the real program, what is installed is what
// runs, and the nodes are real processes.
var (
	rehearsed = regexp.MustCompile(`^<!-- rehearsed at ([a-z]+) -->$`)
	elsewhere = regexp.MustCompile(`^<!-- then the steps of ([a-z-]+) -->$`)
)

// step is one printed block, or another section whose steps come next.
type step struct {
	member  string
	lines   []string
	section string
}

// runbook reads the rehearsed steps of every section by its anchor.
func runbook(t *testing.T) map[string][]step {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "deploy", "RUNBOOK.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]step{}
	var section, member string
	inside := false
	for _, line := range strings.Split(string(raw), "\n") {
		switch {
		case inside && line == "```":
			inside, member = false, ""
		case inside:
			steps := all[section]
			steps[len(steps)-1].lines = append(steps[len(steps)-1].lines, line)
		case strings.HasPrefix(line, `<a id="`):
			section = strings.Split(line, `"`)[1]
		case elsewhere.MatchString(line):
			all[section] = append(all[section], step{section: elsewhere.FindStringSubmatch(line)[1]})
		case rehearsed.MatchString(line):
			member = rehearsed.FindStringSubmatch(line)[1]
		case line == "```sh" && member != "":
			all[section] = append(all[section], step{member: member})
			inside = true
		}
	}
	return all
}

// follow does steps in order.
func (r *rehearsal) follow(book map[string][]step, steps []step) {
	r.t.Helper()
	if len(steps) == 0 {
		r.t.Fatal("no step is rehearsed")
	}
	for _, s := range steps {
		switch {
		case s.section != "":
			r.follow(book, book[s.section])
		case s.member == "each":
			leader := ""
			for _, m := range members4 {
				if r.status(m).Role == "leader" {
					leader = m
				}
			}
			for _, m := range append(slices.DeleteFunc(slices.Clone(members4), func(m string) bool { return m == leader }), leader) {
				if m != "" {
					r.run(m, s.lines...)
				}
			}
		default:
			r.run(s.member, s.lines...)
		}
	}
}

// same waits until all four stand at one ledger with one state.
func (r *rehearsal) same() {
	r.t.Helper()
	r.until("all four hold one ledger", func() bool {
		seen := map[wire.Ledger]bool{}
		for _, m := range members4 {
			l, err := r.client(m).Ledger(r.t.Context(), true)
			if err != nil {
				return false
			}
			seen[l] = true
		}
		return len(seen) == 1
	})
}

// TestRunbook does what deploy/RUNBOOK.md prints, after the faults it is for.
//
// Shows: F10, F17, F18, F22, F29, F30, F31, F34, B8, B12, B14
func TestRunbook(t *testing.T) {
	t.Parallel() // most of it is waiting
	book := runbook(t)
	r := newRehearsal(t, 0)
	r.ready(members4...)
	left := map[string]bool{}
	for section := range book {
		left[section] = section != "expired-key" && !slices.Contains(feedSections, section) // TestKeysByDate's, TestRunbookOfFeeds's
	}
	do := func(section string, rehearse func(steps []step)) {
		t.Run(section, func(t *testing.T) {
			r.t = t
			rehearse(book[section])
		})
		if r.t = t; t.Failed() {
			t.FailNow()
		}
		left[section] = false
		must(t, os.RemoveAll(r.papers())) // no section uses another's
	}
	asPrinted := func(steps []step) { r.follow(book, steps) }
	do("start-stop-restart", asPrinted)
	do("audit", asPrinted)
	do("clock", func(steps []step) { r.clockJumps(book, steps) })
	do("disk-full", func(steps []step) { r.diskFills(book, steps) })
	do("backup", func(steps []step) {
		asPrinted(steps)
		must(t, os.CopyFS(filepath.Join(r.dir, "safe"), os.DirFS(r.papers())))
	})
	do("restore", func(steps []step) { // the disk is gone, what is in the safe is not
		must(t, os.CopyFS(r.papers(), os.DirFS(filepath.Join(r.dir, "safe"))))
		must(t, tighten(r.papers()))
		r.kill("association")
		must(t, os.Rename(filepath.Join(r.node("association"), "passphrase"), filepath.Join(r.papers(), "passphrase")))
		must(t, os.RemoveAll(r.node("association")))
		asPrinted(steps)
		r.settled("association")
	})
	do("wiped", func(steps []step) {
		r.kill("court")
		must(t, os.RemoveAll(filepath.Join(r.node("court"), "ledger")))
		if out := r.refused("court"); !strings.Contains(out, "NODE-004") {
			t.Errorf("a wiped node: %s", out)
		}
		asPrinted(steps)
		r.settled("court")
	})
	do("fork", func(steps []step) { r.ledgersDiffer(book, steps) })
	do("passphrase", func(steps []step) { r.passphraseIsLost(book, steps) })
	do("no-quorum", func(steps []step) {
		r.kill("court")
		r.kill("association")
		r.until("the commission knows that there is no quorum", func() bool { st := r.status("commission"); return st.Node != "" && !st.Ready })
		r.until("nobody leads", func() bool { return r.status("commission").Leader == "" })
		r.run("regulator", "sudo systemctl restart accord")
		asPrinted(steps)
		r.run("court", "sudo systemctl start accord")
		r.run("association", "sudo systemctl start accord")
	})
	r.ready(members4...)
	do("quarantine", func(steps []step) { r.entryStopsANode(book, steps) })
	do("upgrade", func(steps []step) { r.upgrade(book, steps) })
	r.same()
	do("lost-quorum", func(steps []step) { // two machines burn down; their keys are in a safe
		for _, m := range []string{"regulator", "commission"} {
			r.kill(m)
			must(t, os.RemoveAll(filepath.Join(r.node(m), "ledger")))
		}
		asPrinted(steps)
		r.ready("association", "court")
		must(t, r.nominate("association"))
	})
	for section, is := range left {
		if is {
			t.Errorf("the steps of %s are marked as rehearsed and are not", section)
		}
	}
}

// tighten gives a copy of papers the modes that secrets need.
func tighten(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
}

// refused starts a node that must not start and gives what it says.
func (r *rehearsal) refused(member string) string {
	r.t.Helper()
	out, err := r.try(member, "sudo systemctl start accord")
	if err == nil {
		r.t.Errorf("%s starts", member)
	}
	return out
}

// clockJumps sets the commission's clock ten minutes ahead while all run.
func (r *rehearsal) clockJumps(book map[string][]step, steps []step) {
	r.orders("commission", "clock="+(r.clock+10*time.Minute).String())
	r.until("the commission knows that its clock is wrong", func() bool { return r.status("commission").ClockOff })
	r.until("another leads", func() bool { return r.status("commission").Role != "leader" && r.status("regulator").Ready })
	if err := r.nominate("commission"); !errors.Is(err, node.ErrClock) {
		r.t.Errorf("with a wrong clock a write says %v", err)
	}
	must(r.t, r.nominate("regulator"))
	if marks := r.marks("commission"); !strings.Contains(marks, "[-] clock\n") {
		r.t.Errorf("/readyz?verbose says %s", marks)
	}
	r.follow(book, steps)
	must(r.t, r.nominate("commission"))
	r.same()
}

// diskFills takes the room on the commission's disk: first so much that the node stops
// in time and goes on by itself, then the last byte.
func (r *rehearsal) diskFills(book map[string][]step, steps []step) {
	refused := func(want error) func() bool {
		return func() bool {
			err := r.nominate("commission")
			return errors.Is(err, want) || !r.runs("commission")
		}
	}
	r.fill("commission", 8<<20)
	r.until("the commission takes no writes", refused(node.ErrDisk))
	must(r.t, r.nominate("regulator"))
	must(r.t, os.Remove(filepath.Join(r.node("commission"), "filler")))
	r.until("it goes on by itself", func() bool { return r.nominate("commission") == nil })

	r.fill("commission", 0)
	r.until("nothing is done without its audit line", refused(audit.ErrSink))
	r.until("the others go on", func() bool { return r.nominate("regulator") == nil })
	r.follow(book, steps)
	must(r.t, r.nominate("commission"))
	r.same()
}

// ledgersDiffer makes two histories from one, under one leader of one term, and puts the
// court, by its disk, into the one that its federation does not have: the log's own
// rules see no difference.
func (r *rehearsal) ledgersDiffer(book map[string][]step, steps []step) {
	before, other := filepath.Join(r.dir, "before"), filepath.Join(r.dir, "other")
	r.stop("court", "regulator", "commission", "association")
	for _, m := range members4 {
		r.carry(r.node(m), filepath.Join(before, m))
	}
	var term uint64
	for { // twice, or more often where a machine is so slow that a leader falls on the way
		last := term
		if term = r.history(last); term == last {
			break
		}
		r.stop("court", "regulator", "commission", "association") // the court sees nobody else lead
		r.carry(r.node("court"), other)
		for _, m := range members4 {
			r.carry(filepath.Join(before, m), r.node(m))
		}
	}
	r.stop("court")
	r.carry(other, r.node("court"))
	r.run("court", "sudo systemctl start accord")
	r.until("the alarm", func() bool {
		a, err := r.client("commission").Alarms(r.t.Context())
		return err == nil && slices.ContainsFunc(a.Alarms, func(a wire.Alarm) bool { return a.Member == "court" && a.SettledAt == nil })
	})
	r.until("the court stops its service", func() bool { return strings.Contains(r.status("court").Why, "ledger alarm") })
	must(r.t, r.nominate("regulator")) // the others go on
	r.follow(book, steps)
	r.ready(members4...)
	r.same()
	for _, m := range members4 {
		if a, err := r.client(m).Alarms(r.t.Context()); err != nil || a.Stopped || slices.ContainsFunc(a.Alarms, func(a wire.Alarm) bool { return a.SettledAt == nil }) {
			r.t.Errorf("%s after the replacement: %+v %v", m, a, err)
		}
	}
}

func (r *rehearsal) stop(members ...string) {
	for _, m := range members {
		r.run(m, "sudo systemctl stop accord")
	}
}

// history starts all, lets the regulator lead in a term not before this one, and has it
// write one entry that all sign for; it gives the term.
func (r *rehearsal) history(from uint64) uint64 {
	var nowhere []string // who reaches nobody is not elected
	for _, p := range r.plan.Nodes {
		nowhere = append(nowhere, "dial:"+p.Advertise+"=127.0.0.1:1")
	}
	for _, m := range members4 {
		if m != "regulator" {
			r.orders(m, nowhere...)
		}
		r.run(m, "sudo systemctl start accord")
	}
	leads := func() bool { return r.status("regulator").Role == "leader" }
	r.until("the regulator leads", leads)
	for r.status("regulator").Term < from {
		r.run("regulator", "sudo systemctl restart accord")
		r.until("the regulator leads again", leads)
	}
	for _, m := range members4 {
		r.orders(m)
	}
	r.ready(members4...)
	must(r.t, r.nominate("regulator"))
	r.same()
	size := r.status("court").Ledger.Size
	r.until("the court has signed it", func() bool {
		p, err := r.client("court").Checkpoints(r.t.Context())
		return err == nil && slices.ContainsFunc(p.Checkpoints, func(c wire.Cosigned) bool {
			return c.Size >= size && slices.Contains(c.Signers, "court")
		})
	})
	return r.status("regulator").Term
}

// carry makes one folder what another is; the folder itself stays, as a file system
// may be mounted there.
func (r *rehearsal) carry(from, to string) {
	r.t.Helper()
	entries, err := os.ReadDir(to)
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		must(r.t, os.RemoveAll(filepath.Join(to, e.Name())))
	}
	must(r.t, os.CopyFS(to, withoutSockets{os.DirFS(from)}))
	must(r.t, tighten(to))
}

// passphraseIsLost takes the association's passphrase, once as long as there is one in
// the safe, and once for good.
func (r *rehearsal) passphraseIsLost(book map[string][]step, steps []step) {
	giveBack := r.sealPassphrase("regulator")
	r.follow(book, steps[:1])
	giveBack()
	steps = steps[1:]
	path := filepath.Join(r.node("association"), "passphrase")
	r.run("association", "sudo systemctl stop accord")
	must(r.t, os.MkdirAll(r.papers(), 0o700))
	must(r.t, os.Rename(path, filepath.Join(r.papers(), "passphrase")))
	must(r.t, os.WriteFile(path, []byte("not the passphrase\n"), 0o600))
	if out := r.refused("association"); !strings.Contains(out, "INIT-002") {
		r.t.Errorf("with another passphrase: %s", out)
	}
	r.follow(book, steps[:1])
	must(r.t, os.RemoveAll(filepath.Join(r.papers(), "passphrase")))
	must(r.t, os.RemoveAll(path))
	r.follow(book, steps[1:])
	r.settled("court")
	must(r.t, r.nominate("association"))
	r.same()
}

// sealPassphrase makes a member's machine one whose passphrase is a credential of the
// unit: what is not the unit cannot read it.
func (r *rehearsal) sealPassphrase(member string) (giveBack func()) {
	inside, settings := filepath.Join(r.node(member), "passphrase"), config.FilePath(r.node(member))
	raw, err := os.ReadFile(settings)
	must(r.t, err)
	must(r.t, os.WriteFile(settings, append(raw, "passphrase_file: "+r.node(member)+".run/passphrase\n"...), 0o600))
	must(r.t, os.Rename(inside, r.node(member)+".cred"))
	r.run(member, "sudo systemctl restart accord", "until accord node status > /dev/null; do sleep 1; done")
	if out, err := r.try(member, "accord member invite --name-zh 例 --name-en E --out /srv/accord/none.jws"); err == nil || !strings.Contains(out, "INIT-002") {
		r.t.Errorf("a sealed passphrase is read: %s", out)
	}
	if out, _ := r.try(member, "accord doctor"); strings.Contains(out, "DOCTOR-008") {
		r.t.Errorf("doctor complains of a passphrase that only the unit sees: %s", out)
	}
	return func() {
		must(r.t, os.Rename(r.node(member)+".cred", inside))
		must(r.t, os.WriteFile(settings, raw, 0o600))
	}
}

// entryStopsANode has the commission's program panic over one entry until it does not
// start any more.
func (r *rehearsal) entryStopsANode(book map[string][]step, steps []step) {
	r.orders("commission", "machine.apply.commit=panic")
	must(r.t, r.nominate("regulator"))
	for range 3 {
		r.until("the entry stops the commission", func() bool { return !r.runs("commission") })
		_, _ = r.try("commission", "sudo systemctl start accord") // it may stop before it answers
	}
	r.until("the commission is down", func() bool { return !r.runs("commission") })
	r.orders("commission") // the machine is well again, the program is the same
	if out := r.refused("commission"); !strings.Contains(out, "NODE-004") || !strings.Contains(out, "quarantine") {
		r.t.Errorf("after three stops at one entry: %s", out)
	}
	r.follow(book, steps)
	r.same()
}

// upgrade takes all to the next release; its rules begin with the last, and the old
// program does not come back.
func (r *rehearsal) upgrade(book map[string][]step, steps []step) {
	version := func(m string) int {
		fed, err := r.client(m).Federation(r.t.Context())
		must(r.t, err)
		return fed.MachineVersion
	}
	r.until("this release's rules are in force", func() bool { return version("court") == machine.Version })
	r.follow(book, steps)
	for _, m := range members4 {
		r.until("the new rules begin at "+m, func() bool { return version(m) == machine.Version+1 })
	}
	must(r.t, r.nominate("regulator"))
	r.run("court", "sudo systemctl stop accord")
	current := r.node("court") + ".program"
	must(r.t, os.Rename(current, current+".next"))
	now, err := programs["now"]()
	must(r.t, err)
	must(r.t, os.Symlink(now, current))
	if out := r.refused("court"); !strings.Contains(out, "CMD-017") {
		r.t.Errorf("the old program behind the gate: %s", out)
	}
	must(r.t, os.Rename(current+".next", current))
	r.run("court", "sudo systemctl start accord")
	r.ready(members4...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
