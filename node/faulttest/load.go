package faulttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"accord/exchange"
	"accord/exchange/identifiers"
	_ "accord/node" // every error a node can give must be known, or its kind is not
	"accord/node/client"
	"accord/node/wire"
)

// LoadOptions say who does what on a federation.
type LoadOptions struct {
	PerNode  int           // clients that stay with a node; 2
	Roaming  int           // clients that go to another node each time; 2
	Subjects int           // in play at once; 12
	Patience time.Duration // with one request; 4 s
	Rest     time.Duration // between two requests of a client; none; see [Load.Rest]
	Seed     uint64
}

func (o LoadOptions) withDefaults() LoadOptions {
	for field, v := range map[*int]int{&o.PerNode: 2, &o.Roaming: 2, &o.Subjects: 12} {
		if *field == 0 {
			*field = v
		}
	}
	if o.Patience == 0 {
		o.Patience = 4 * time.Second
	}
	return o
}

// Every entry of a load rests on a decision whose number is the tag of the
// operation that made it, so that an entry can be told from its tag even where
// the answer to its nomination was lost. Two lists, two models: on the red list
// each subject is a register of its own; the black list is one object of four
// subjects that is read whole.
const (
	byKey   = "red"
	asWhole = "black"
	wholes  = 4
)

// verb is what an operation does.
type verb uint8

const (
	nominate verb = iota + 1
	end
	readLinear
	readLocal
)

// outcome is what the client was told.
type outcome uint8

const (
	done    outcome = iota + 1
	refused         // by a rule, at a place in the order
	void            // nothing happened, said the node
	unknown         // it may have happened
)

// row is an entry as a read shows it.
type row struct {
	subject exchange.SubjectID
	tag     string
	version int
	ended   bool
}

// operation is one line of the history.
type operation struct {
	client      int
	node        string
	verb        verb
	list        string
	subject     string // its code
	tag         string // of the entry made, or meant
	call, until int64  // nanoseconds since the load began
	outcome     outcome
	code        string // with refused
	rows        []row  // with a read
	index       uint64 // with a read: what it says it stands on
	expect      int    // with an end: the version expected
	led         bool   // its node was last seen leading
}

// Load is clients at work and the history they write.
type Load struct {
	f       *Federation
	o       LoadOptions
	begun   time.Time
	stop    context.CancelFunc
	clients sync.WaitGroup
	tags    atomic.Int64
	rest    atomic.Int64 // nanoseconds
	base    int          // of the load's subjects, so that loads on one federation do not meet
	ctx     context.Context

	mu      sync.Mutex
	roam    []string                      // nodes that roaming clients go to; guarded by mu, like all below
	leave   map[string]context.CancelFunc // ends the clients of a node
	next    int                           // the next client's number
	history []operation
	entries []entry
	made    map[string]int // nominations by subject
	marked  time.Duration  // when the first fault came
	watch   watch
}

// entry is one that some client knows of.
type entry struct {
	id            exchange.EntryID
	list, subject string
	tag           string
	by            string
	listed        time.Time // when its notice is over
}

var loads atomic.Int64

// Load puts clients to work until [Load.Stop].
func (f *Federation) Load(o LoadOptions) *Load {
	ctx, stop := context.WithCancel(context.Background())
	l := &Load{f: f, o: o.withDefaults(), begun: time.Now(), stop: stop, ctx: ctx, base: int(loads.Add(1)) * 10_000,
		made: map[string]int{}, leave: map[string]context.CancelFunc{}}
	l.watch.init()
	l.Rest(l.o.Rest)
	for _, m := range f.Members {
		l.Join(m)
	}
	for range l.o.Roaming {
		l.start(ctx, "")
	}
	f.T.Cleanup(l.Stop)
	return l
}

// start puts one client to work.
func (l *Load) start(ctx context.Context, node string) {
	l.mu.Lock()
	id := l.next
	l.next++
	l.mu.Unlock()
	l.clients.Go(func() { l.work(ctx, id, node) })
}

// Join puts clients on a node that came later.
func (l *Load) Join(member string) {
	ctx, cancel := context.WithCancel(l.ctx)
	l.mu.Lock()
	l.roam = append(l.roam, member)
	l.leave[member] = cancel
	l.mu.Unlock()
	for range l.o.PerNode {
		l.start(ctx, member)
	}
	l.clients.Go(func() { l.watch.follow(ctx, l.f, member) })
}

// Leave takes the clients of a node off it.
func (l *Load) Leave(member string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.roam = slices.DeleteFunc(l.roam, func(m string) bool { return m == member })
	if cancel := l.leave[member]; cancel != nil {
		cancel()
	}
}

// Stop ends the clients' work; again, it does nothing.
func (l *Load) Stop() {
	l.stop()
	l.clients.Wait()
}

// Rest sets how long clients rest between two requests from now on.
func (l *Load) Rest(d time.Duration) { l.rest.Store(int64(d)) }

// Mark notes that the first fault comes now: the rate before it tells how strong
// the run is.
func (l *Load) Mark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marked == 0 {
		l.marked = time.Since(l.begun)
	}
}

// Acknowledged is the number of writes done so far.
func (l *Load) Acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count(func(op *operation) bool { return op.outcome == done && op.verb <= end })
}

// Operations is the number of operations so far.
func (l *Load) Operations() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.history)
}

// Await waits for so many further acknowledged writes.
func (l *Load) Await(writes int) {
	l.f.T.Helper()
	want := l.Acknowledged() + writes
	l.f.Eventually(fmt.Sprintf("%d further writes", writes), func() bool { return l.Acknowledged() >= want })
}

func (l *Load) count(is func(*operation) bool) (n int) {
	for i := range l.history {
		if is(&l.history[i]) {
			n++
		}
	}
	return n
}

// work is one client; without a node of its own it roams.
func (l *Load) work(ctx context.Context, id int, home string) {
	rng := rand.New(rand.NewPCG(l.o.Seed, uint64(id)))
	for ctx.Err() == nil {
		node := home
		if node == "" {
			l.mu.Lock()
			node = l.roam[rng.IntN(len(l.roam))]
			l.mu.Unlock()
		}
		op, e := l.draw(rng, node)
		op.client, op.node = id, node
		op.call = int64(time.Since(l.begun))
		l.do(&op, e, rng)
		op.until = int64(time.Since(l.begun))
		op.led = l.watch.leads(node)
		l.mu.Lock()
		l.history = append(l.history, op)
		l.mu.Unlock()
		rest := time.Duration(l.rest.Load())
		if op.outcome == void || op.outcome == unknown {
			rest += 30 * time.Millisecond // its node is down, or there is no leader
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
}

// subjectsAfter is how many nominations a subject takes before another takes its
// place: its list must fit on a page.
const subjectsAfter = 12

// perLoad and pageful bound the list that is read whole, for a load and for all
// loads of a federation.
const (
	perLoad = 60
	pageful = 480
)

// draw makes up an operation.
func (l *Load) draw(rng *rand.Rand, node string) (operation, *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	op := operation{list: byKey}
	slot := rng.IntN(l.o.Subjects)
	number := slot
	for op.subject = code(l.base + number); l.made[op.subject] >= subjectsAfter; op.subject = code(l.base + number) {
		number += l.o.Subjects
	}
	mayWhole := node != "commission"                                         // its kind may not nominate for that list
	if rng.IntN(8) == 0 && mayWhole || node == "court" && rng.IntN(2) == 0 { // whose kind may not nominate for the other
		op.list, op.subject = asWhole, code(l.base+9_000+rng.IntN(wholes))
		if l.made[asWhole] >= perLoad || l.f.wholes.Load() > pageful { // it must fit on a page, too
			op.verb = readLinear
			return op, nil
		}
	}
	switch d := rng.IntN(100); {
	case d < 35:
		op.verb, op.tag = nominate, fmt.Sprintf("%s%d", l.prefix(), l.tags.Add(1))
		l.made[op.subject]++
		if op.list == asWhole {
			l.made[asWhole]++
			l.f.wholes.Add(1)
		}
	case d < 60:
		if e := l.someEntry(rng, node); e != nil {
			op.verb, op.list, op.subject, op.tag = end, e.list, e.subject, e.tag
			return op, e
		}
		op.verb = readLinear
	case d < 80:
		op.verb = readLinear
	default:
		op.verb = readLocal
	}
	return op, nil
}

// prefix is what the load's tags begin with.
func (l *Load) prefix() string { return fmt.Sprintf("%d-", l.base) }

// someEntry is one of the newest entries, mostly of the node's own member.
func (l *Load) someEntry(rng *rand.Rand, node string) *entry {
	for range 8 {
		if n := len(l.entries); n > 0 {
			e := l.entries[n-1-rng.IntN(min(n, 2*l.o.Subjects))]
			if e.by == node || rng.IntN(10) == 0 {
				return &e
			}
		}
	}
	return nil
}

// do carries an operation out and fills in what came of it.
func (l *Load) do(op *operation, e *entry, rng *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), l.o.Patience)
	defer cancel()
	c := l.f.Client(op.node)
	var err error
	switch op.verb {
	case nominate:
		var made wire.Entry
		made, err = c.Nominate(ctx, op.list, nomination(op.subject, op.tag))
		if err == nil {
			l.mu.Lock()
			l.entries = append(l.entries, entry{made.ID, op.list, op.subject, op.tag, op.node, made.ListedFrom})
			l.mu.Unlock()
		}
	case end:
		if op.expect = 1; rng.IntN(10) == 0 {
			op.expect = 7 // a version that never was
		}
		err = l.end(ctx, c, e, op.expect)
	default:
		q := client.EntryQuery{Limit: 500, Linear: op.verb == readLinear, Subject: op.subject}
		if op.list == asWhole {
			q.Subject = ""
		}
		var page wire.Entries
		if page, err = c.Entries(ctx, op.list, q); err == nil && page.Next != "" {
			err = errors.New("more than a page")
		}
		op.index = page.Index
		for _, e := range page.Entries {
			op.rows = append(op.rows, row{e.Subject, e.Decision.Number, e.Version, e.EndedAt != nil})
		}
	}
	op.outcome, op.code = verdictOf(err)
}

// nomination rests on a decision whose number is the tag.
func nomination(subject, tag string) wire.Nominate {
	return wire.Nominate{SubjectKind: "enterprise", USCC: subject, Name: "例湖保险代理有限公司", Ground: "decision",
		Decision: &wire.DecisionRef{Number: tag, Authority: "例省保险监管局"}, TermDays: 365}
}

var alone atomic.Int64

// Nomination is one of a made-up organisation that nobody else has to do with.
func Nomination() wire.Nominate {
	n := int(alone.Add(1))
	return nomination(code(8_000_000+n), fmt.Sprintf("alone-%d", n))
}

// end withdraws or removes an entry, whichever its time asks for.
func (l *Load) end(ctx context.Context, c *client.Client, e *entry, expect int) error {
	in := wire.EndEntry{Text: "例", Expect: expect}
	if time.Now().Before(e.listed) {
		_, err := c.Withdraw(ctx, e.id, in)
		return err
	}
	in.Reason, in.Basis = "revoked", "例"
	_, err := c.Remove(ctx, e.id, in)
	return err
}

// verdictOf reads the answer: only what the product calls certain is certain.
func verdictOf(err error) (outcome, string) {
	if err == nil {
		return done, ""
	}
	e := exchange.AsError(err)
	switch e.Kind {
	case exchange.KindUnknownOutcome, exchange.KindInternal, exchange.KindUnverified:
		return unknown, e.Code
	case exchange.KindUnavailable, exchange.KindNoQuorum:
		return void, e.Code
	}
	return refused, e.Code
}

// code is a made-up organisation's, with right check characters on a division
// that was never allocated.
func code(n int) string {
	body := fmt.Sprintf("91639900MA%07d", n)
	check, err := identifiers.USCCCheck(body)
	if err != nil {
		panic(err) // digits always have one
	}
	return body + string(check)
}

// watch follows every node's position during a load: equal sizes must have equal
// roots and digests, and leaders are counted.
type watch struct {
	mu      sync.Mutex
	at      map[int64]string    // what a size stands for, as first told
	leaders map[string]struct{} // term and node
	leading map[string]bool     // members, when last looked at
	faults  []string
}

func (w *watch) init() {
	w.at, w.leaders, w.leading = map[int64]string{}, map[string]struct{}{}, map[string]bool{}
}

func (w *watch) leads(member string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leading[member]
}

func (w *watch) follow(ctx context.Context, f *Federation, member string) {
	c := f.Client(member)
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		s, err := c.Status(attempt)
		cancel()
		if err == nil {
			w.note(member, s)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (w *watch) note(member string, s wire.NodeStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leading[member] = s.Role == "leader"
	if s.Role == "leader" {
		w.leaders[fmt.Sprint(s.Term, " ", s.Leader)] = struct{}{}
	}
	now := s.Ledger.Root + " " + s.Ledger.Digest
	if before, known := w.at[s.Ledger.Size]; !known {
		w.at[s.Ledger.Size] = now
	} else if before != now && !slices.Contains(w.faults, member) {
		w.faults = append(w.faults, fmt.Sprintf("%s at size %d: %s, another: %s", member, s.Ledger.Size, now, before))
	}
}

// Gap is the longest time between two acknowledged writes since the fault.
func (l *Load) Gap() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var at []int64
	for i := range l.history {
		if op := &l.history[i]; op.verb <= end && op.outcome == done && op.until >= int64(l.marked) {
			at = append(at, op.until)
		}
	}
	slices.Sort(at)
	last, gap := int64(l.marked), int64(0)
	for _, t := range at {
		gap, last = max(gap, t-last), t
	}
	return time.Duration(gap)
}
