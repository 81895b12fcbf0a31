package faulttest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"accord/exchange/identifiers"
	"accord/exchange/intake"
	"accord/node/backup"
	"accord/node/client"
	"accord/node/faulttest"
	"accord/node/wire"
)

// The roles in which a node crashes.
const (
	leads   = "leader"
	follows = "follower"
	joins   = "joiner" // from its first start until it has its vote
)

// starting are reached by a founder's first start only, or by it as well.
var starting = []string{"node.start.network", "node.start.ledger", "node.start.found", "node.start.founded", "bootstrap.before", "bootstrap.after",
	"store.create.before", "store.create.after", "store.open",
	"store.set.before", "store.state.before", "store.state.after", "store.append.before", "store.append.after"}

// nowhere says why a role does not come to points that begin so.
var nowhere = map[string]map[string]string{
	"blinding.":        {leads: "every member has the key here", follows: "every member has the key here", joins: "every member has the key here"},
	"custody.":         {leads: "nothing is in custody here", follows: "nothing is in custody here", joins: "nothing is in custody here"},
	"founding.":        {leads: founds, follows: founds, joins: founds},
	"bootstrap.":       {leads: "founders' first start: TestCrashWhileStarting", follows: "founders' first start: TestCrashWhileStarting", joins: "only founders found"},
	"store.create.":    {leads: "first start", follows: "founders' first start: TestCrashWhileStarting"},
	"node.start.found": {leads: "first start", follows: "founders' first start: TestCrashWhileStarting"},
	"node.start.":      {leads: "who starts does not lead"},
	"store.open":       {leads: "who starts does not lead"},
	"machine.restore.": {leads: "who takes a state over does not lead"},
	"witness.vet":      {leads: "who takes a state over does not lead"},
	"membership.learn": {leads: "others learn the newest roster from the leader", follows: "it was away while the leader changed: not made here",
		joins: "its welcome carries them"},
	"witness.evidence.":  {leads: "found at a start, here by a changed memory of what was signed"},
	"witness.alarm.":     {leads: "found at a start, here by a changed memory of what was signed"},
	"propose.forward.":   {leads: "a leader has nobody to hand on to"},
	"propose.serve":      {follows: "handed on to the leader only", joins: "handed on to the leader only"},
	"propose.group.":     {follows: "the leader's work", joins: "the leader's work"},
	"propose.verdict":    {follows: "the leader's work", joins: "the leader's work"},
	"barrier.":           {follows: "the leader's work", joins: "the leader's work"},
	"store.set.":         {leads: "votes and terms are stored by who does not lead yet", joins: "at its first start: below; without a vote, later never"},
	"settle.":            {follows: "the leader's work", joins: "the leader's work"},
	"membership.move.":   {follows: "the leader's work", joins: "the leader's work"},
	"witness.vouch":      {follows: "the leader's work", joins: "the leader's work"},
	"agency.open.":       {joins: "it may not ask here; a follower's way"},
	"witness.complaint.": {joins: "a nonvoter's statements go the same way as a follower's"},
}

const founds = "accord init: TestCrashWhileFounding"

// cannot says why a role does not come to a point, "" if it does. The longest
// beginning counts.
func cannot(point, role string) (why string) {
	best := -1
	for begin, roles := range nowhere {
		if strings.HasPrefix(point, begin) && len(begin) > best && roles[role] != "" {
			best, why = len(begin), roles[role]
		}
	}
	return why
}

// desk makes the nodes do what clients of a load do not, so that they come to the
// points that lie on such ways.
type desk struct {
	f       *faulttest.Federation
	load    *faulttest.Load
	rng     *rand.Rand
	author  string // of the records
	opened  string // the author whose records they are
	records []wire.Record
	safe    string // a recipient of backups
	strict  bool   // whether three seats adopt a catalogue
	votes   bool   // whether somebody has its vote
}

func newDesk(f *faulttest.Federation) *desk {
	return &desk{f: f, author: "association", rng: rand.New(rand.NewPCG(*faultSeed, 5)), load: f.Load(faulttest.LoadOptions{Seed: *faultSeed, Rest: 10 * time.Millisecond}), votes: true, strict: true}
}

// open imports the records.
func (d *desk) open() {
	d.f.T.Helper()
	d.records, d.opened = d.importAt(d.author), d.author
}

func (d *desk) importAt(author string) []wire.Record {
	t := d.f.T
	t.Helper()
	raw, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := d.f.Client(author).Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "discipline", AsOf: "2026-11-20"},
		bytes.NewReader(raw), nil); err != nil {
		t.Fatal(err)
	}
	page, err := d.f.Client(author).Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 100})
	if err != nil || len(page.Records) < 4 {
		t.Fatalf("%d records: %v", len(page.Records), err)
	}
	return page.Records
}

// whose is the member on whose way a point lies, "" if on everybody's.
func (d *desk) whose(point string) string {
	switch {
	case strings.HasPrefix(point, "records."), strings.HasPrefix(point, "agency.deliver."):
		return d.author
	case strings.HasPrefix(point, "agency.open."):
		return "court"
	}
	return ""
}

// take gives a member in the role, by elections until it is.
func (d *desk) take(point, role string) string {
	d.f.T.Helper()
	must := d.whose(point)
	for range 40 {
		leader := d.f.Leader()
		switch {
		case strings.HasPrefix(point, "feeds.") && role == leads && leader == d.author: // it follows the others, who have none
		case must == "" && role == leads && !strings.HasPrefix(point, "settle."): // reached on becoming leader
			return leader
		case must == "":
			others := d.f.Others(leader)
			if strings.HasPrefix(point, "feeds.") {
				others = d.f.Others(leader, d.author)
			}
			return others[d.rng.IntN(len(others))]
		case (leader == must) == (role == leads):
			return must
		}
		d.f.Kill(leader)
		d.f.Eventually("another leads", func() bool { l := d.f.LeaderNow(); return l != "" && l != leader })
		d.f.Start(leader)
		d.f.Ready(leader)
	}
	d.f.T.Fatalf("%s does not become %s", must, role)
	return ""
}

// crashAt orders a crash, waits for it, and starts the node again with no order;
// false when the node did not come by the point while it was waited for.
func (d *desk) crashAt(member, point string, patience time.Duration) bool {
	f := d.f
	f.T.Helper()
	whole := d.prepare(member, point)
	down := !f.Running(member)
	f.Order(member, append(d.orders(member, point), point+"=crash")...)
	if down { // else it may have crashed by now
		f.Start(member)
	}
	stop := d.work(member, point)
	crashed := false
	for end := time.Now().Add(patience); time.Now().Before(end) && !crashed; {
		if _, err := f.Ended(member, 50*time.Millisecond); err == nil {
			crashed = true
			if !slices.Contains(f.Fired(member), point) {
				f.T.Errorf("%s ended, and not at %s", member, point)
			}
		}
	}
	if !crashed {
		f.T.Logf("%s did not come by %s; %q leads, fired %v", member, point, f.LeaderNow(), f.Fired(member))
	}
	stop()
	f.Order(member)
	whole()
	f.Start(member)
	return crashed
}

// orders are what a point needs beside the crash.
func (d *desk) orders(member, point string) []string {
	if point == "snapshot.due" {
		return []string{"snapshots=1h", "grown=1024"} // by bytes, not by the count of entries
	}
	if strings.HasPrefix(point, "witness.complaint.") && d.f.LeaderNow() == member {
		return []string{"propose.group.before=delay:4s"}
	}
	return nil
}

// prepare brings a node to where it comes by a point; whole undoes what the start
// after the crash must not find.
func (d *desk) prepare(member, point string) (whole func()) {
	f := d.f
	switch {
	case strings.HasPrefix(point, "machine.restore."), point == "store.open", point == "snapshot.due", strings.HasPrefix(point, "node.start."):
		f.Kill(member)
	case point == "witness.vet":
		f.Kill(member)
		d.fallBehind()
	case strings.HasPrefix(point, "witness.evidence."), strings.HasPrefix(point, "witness.alarm."):
		return d.misremember(member)
	case strings.HasPrefix(point, "store.set."): // reached in elections
		leader := f.Leader()
		return func() { f.Start(leader); f.Ready(leader) }
	}
	return func() {}
}

// fallBehind writes until who is down needs a snapshot.
func (d *desk) fallBehind() {
	d.load.Rest(0)
	d.load.Await(700)
	d.load.Rest(10 * time.Millisecond)
}

// misremember changes what a stopped node remembers to have signed, so that it
// finds its own ledger to be another.
func (d *desk) misremember(member string) (whole func()) {
	f := d.f
	f.T.Helper()
	f.Stop(member)
	path := filepath.Join(f.DataDir(member), "witness", "signed.note")
	good, err := os.ReadFile(path)
	if err != nil {
		f.T.Fatal(err)
	}
	_, note, _ := strings.Cut(string(good), "\n")
	lines := strings.SplitN(note, "\n", 4)
	root := []byte(lines[2])
	root[0] = map[bool]byte{true: 'B', false: 'A'}[root[0] == 'A']
	lines[2] = string(root)
	note = strings.Join(lines, "\n")
	sum := sha256.Sum256([]byte(note))
	if err := os.WriteFile(path, []byte(hex.EncodeToString(sum[:])+"\n"+note), 0o600); err != nil {
		f.T.Fatal(err)
	}
	return func() {
		f.Kill(member)
		if err := os.WriteFile(path, good, 0o600); err != nil {
			f.T.Fatal(err)
		}
		f.Start(member)
		ctx := context.Background()
		var alarms wire.Alarms
		f.Eventually(member+" tells its alarms", func() bool {
			var err error
			alarms, err = f.Client(member).Alarms(ctx)
			return err == nil
		})
		for _, a := range alarms.Alarms {
			if a.SettledAt == nil {
				if _, err := f.Client(member).SettleAlarm(ctx, a.ID, wire.Settle{Reason: "例"}); err != nil {
					f.T.Errorf("settling %s: %v", a.ID, err)
				}
			}
		}
	}
}

// work keeps the desk busy, in the way that leads past the point, until stop.
func (d *desk) work(member, point string) (stop func()) {
	act := d.way(member, point)
	if act == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			act(ctx)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-done }
}

// way is what leads past a point, nil if the load does. The node dies over it, so
// errors say nothing.
func (d *desk) way(member, point string) func(ctx context.Context) {
	f := d.f
	guest := !slices.Contains(f.Members, member) // nobody's load goes there
	switch {
	case strings.HasPrefix(point, "store.rotate."): // when the file is full
		return func(ctx context.Context) { d.load.Rest(0); <-ctx.Done(); d.load.Rest(10 * time.Millisecond) }
	case guest && (strings.HasPrefix(point, "audit.") || strings.HasPrefix(point, "agency.sign") || strings.HasPrefix(point, "agency.propose.") || strings.HasPrefix(point, "propose.")):
		check, err := identifiers.USCCCheck("11639900MB0000001")
		if err != nil {
			f.T.Fatal(err)
		}
		return func(ctx context.Context) {
			_, _ = f.Client(member).Nominate(ctx, "red", wire.Nominate{SubjectKind: "enterprise", USCC: "11639900MB0000001" + string(check), Name: "例",
				Ground: "decision", Decision: &wire.DecisionRef{Number: "1", Authority: "例"}, TermDays: 365})
		}
	case strings.HasPrefix(point, "records."), strings.HasPrefix(point, "feeds."):
		return func(ctx context.Context) {
			if len(d.records) > 1 {
				rec := d.records[len(d.records)-1]
				d.records = d.records[:len(d.records)-1]
				_, _ = f.Client(d.author).RetractRecord(ctx, rec.ID, wire.CorrectRecord{Reason: "例"})
			} else {
				_ = d.addRecord(d.author) // all the others are retracted: more points than records
			}
			select { // one is enough, if the member is to come by at all
			case <-ctx.Done():
			case <-time.After(3 * time.Second):
			}
		}
	case d.whose(point) != "":
		return func(context.Context) { _ = d.release() }
	case strings.HasPrefix(point, "backup."):
		recipient := d.recipient()
		return func(ctx context.Context) {
			_ = f.Client(member).Backup(ctx, wire.Backup{To: []string{recipient}}, io.Discard)
		}
	case strings.HasPrefix(point, "witness.sign."), strings.HasPrefix(point, "witness.evidence."), strings.HasPrefix(point, "witness.alarm."):
		return func(ctx context.Context) { _, _ = f.Client(member).Checkpoint(ctx, 0) }
	case strings.HasPrefix(point, "membership.rosters."):
		return func(context.Context) {
			d.enact(member, &d.strict, func(string) []string { return []string{"--adopt-quorum", choose(d.strict, "2", "3")} })
		}
	case strings.HasPrefix(point, "membership.move."):
		return func(context.Context) {
			d.enact(member, &d.votes, func(m string) []string { return []string{"--role", m + "=" + choose(d.votes, "nonvoter", "voter")} })
		}
	case strings.HasPrefix(point, "store.set."):
		leader := f.Leader()
		return func(context.Context) { f.Kill(leader) }
	case strings.HasPrefix(point, "settle."): // until it is the member's turn
		return func(context.Context) {
			if leader := f.LeaderNow(); leader != "" && leader != member {
				f.Kill(leader)
				time.Sleep(3 * time.Second)
				f.Start(leader)
				time.Sleep(time.Second)
			}
		}
	case point == "witness.vouch":
		return func(context.Context) {
			away := f.Others(member)[0]
			f.Kill(away)
			d.fallBehind()
			f.Start(away)
			time.Sleep(5 * time.Second) // until the leader finds it
		}
	case strings.HasPrefix(point, "witness.complaint.") && f.LeaderNow() != member:
		leader := f.LeaderNow()
		return func(context.Context) { f.Order(leader, "propose.group.before=delay:4s"); time.Sleep(time.Second) }
	}
	return nil
}

func choose(is bool, then, otherwise string) string {
	if is {
		return then
	}
	return otherwise
}

// enact changes something small in the roster, and back, at members other than one.
func (d *desk) enact(not string, state *bool, flags func(member string) []string) {
	change := d.f.Others(not)[0]
	seats := append([]string{not}, d.f.Others(not, change)...) // nobody counts for its own place
	if !slices.Contains(d.f.Members, not) {
		seats = d.f.Others(change)
	}
	if err := d.f.TryEnact(seats, flags(change)...); err == nil {
		*state = !*state
	}
	time.Sleep(time.Second)
}

// recipient is who can open the backups, made once.
func (d *desk) recipient() string {
	if d.safe == "" {
		dir := filepath.Join(d.f.Dir, "safe")
		public, _, err := backup.Keygen(dir, []byte("a passphrase for a test only"), time.Now())
		if err != nil {
			d.f.T.Fatal(err)
		}
		d.safe = string(public)
	}
	return d.safe
}
