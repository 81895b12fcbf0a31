package witness

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/wire"
)

// Peer is what a witness asks of another member's node. client.Client is one.
type Peer interface {
	// Checkpoint is the peer's signed note over its ledger of the given size; 0
	// asks for all of it.
	Checkpoint(ctx context.Context, size int64) (wire.Checkpoint, error)
	// Cosigned is the newest note the peer holds with a quorum's cosignatures.
	Cosigned(ctx context.Context) ([]byte, error)
	// State is the digests of the peer's rows at one of the sizes asked for.
	State(ctx context.Context, sizes []int64) (wire.LedgerState, error)
	// ListsWord is the peer's signed word on the lists after size leaves, at a time.
	ListsWord(ctx context.Context, size int64, at exchange.Millis) ([]byte, error)
	// AccessesWord is the peer's signed word on who asked for records up to size leaves.
	AccessesWord(ctx context.Context, size int64) ([]byte, error)
	// Complain hands a signed complaint on.
	Complain(ctx context.Context, in wire.ComplaintPaper) (wire.Complaint, error)
}

// Ledger is this node's own. machine.Machine is one.
type Ledger interface {
	View() *machine.View
	// Scrub compares a slice of what is stored with itself.
	Scrub(ctx context.Context, after int64, most int) (next int64, err error)
}

// Keys are this member's private keys by use.
type Keys interface {
	Key(use keys.Use) (keys.Private, error)
}

// Config is what a Witness works with. Zero durations and numbers mean the
// defaults named.
type Config struct {
	Federation string
	Self       exchange.MemberID
	Dir        string // this witness's own folder
	Genesis    members.Genesis
	Keys       Keys
	Ledger     Ledger
	Peer       func(m exchange.MemberID) (Peer, error)
	Clock      func() time.Time
	Log        *slog.Logger
	// Check says whether a statement may be on the ledger at all: the machine's.
	Check func(payload []byte) error
	// Propose puts a complained-about statement into the log.
	Propose func(ctx context.Context, payload []byte) error
	// Applied is the newest log entry applied here, also if it brought no statement; nil
	// means the one that brought the last.
	Applied func() uint64
	// Leader is the member whose node leads, "" when unknown.
	Leader func() exchange.MemberID
	// GivenUp says whether a plan of recovery says of a node that it must never
	// start again: it is not asked, and what it signs is not counted.
	GivenUp func(node string) bool
	// OnStop is called with true when an alarm stops this node's service, and
	// with false when an operator has settled the last such alarm.
	OnStop func(stopped bool)

	Every    time.Duration // 10 s: the longest a new entry waits for a cosignature
	Entries  int64         // 1,000: as many new entries are cosigned at once
	Grace    time.Duration // 30 s: how long a difference may stay undecided
	Patience time.Duration // 30 s: a statement not included by then is complained about
	Scrub    time.Duration // 24 h: one round over everything stored
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Every, 10*time.Second)
	def(&c.Grace, 30*time.Second)
	def(&c.Patience, 30*time.Second)
	def(&c.Scrub, 24*time.Hour)
	if c.Entries == 0 {
		c.Entries = 1000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnStop == nil {
		c.OnStop = func(bool) {}
	}
	if c.GivenUp == nil {
		c.GivenUp = func(string) bool { return false }
	}
	if c.Leader == nil {
		c.Leader = func() exchange.MemberID { return "" }
	}
	return c
}

// Witness is one node's. It is safe for concurrent use.
type Witness struct {
	Config

	signing sync.Mutex // one signature at a time: stored, then given out
	signed  mark       // guarded by signing
	asked   bool       // somebody told what this member signed before; guarded by signing
	ask     time.Time  // when to ask next; guarded by signing

	gathering sync.Mutex // one collection at a time

	mu       sync.Mutex
	chain    []Cosigned           // oldest first; guarded by mu
	alarms   []Alarm              // guarded by mu
	suspects map[suspicion][]byte // notes over other roots, not yet judged; guarded by mu
	since    map[suspicion]time.Time
	stopped  bool                           // guarded by mu
	absent   map[exchange.MemberID]*absence // whose cosignature is missing; guarded by mu

	book     complaints
	waits    waiting
	scrub    scrubState
	lists    listsState
	accesses accessesState
}

// Files of the folder.
const (
	signedFile   = "signed.note"
	chainFile    = "cosigned.json"
	alarmsFile   = "alarms.json"
	evidenceDir  = "evidence"
	complaintDir = "complaints"
)

// Open reads what the witness kept. A file that is damaged is an error: what it
// guards against is exactly that this memory is lost or changed.
func Open(cfg Config) (*Witness, error) {
	w := &Witness{Config: cfg.withDefaults(), suspects: map[suspicion][]byte{}, since: map[suspicion]time.Time{}}
	for _, dir := range []string{w.Dir, filepath.Join(w.Dir, evidenceDir), filepath.Join(w.Dir, complaintDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, ErrFolder.Wrap(err, "file", dir)
		}
	}
	for _, read := range []func() error{w.readSigned, w.readChain, w.readAlarms, w.readComplaints} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	w.stopped = w.mustStop()
	return w, nil
}

// step is how often Run looks whether there is something to do.
const step = time.Second

// Run does the witness's work until ctx ends.
func (w *Witness) Run(ctx context.Context) {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	jobs.Go(func() { w.runComplaints(ctx) })
	jobs.Go(func() { w.runScrub(ctx) })
	r := round{w: w, next: w.Clock()}
	for {
		r.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.pause()):
		}
	}
}

// pause is the time to the next look: sooner where signing is due by entries.
func (w *Witness) pause() time.Duration { return min(step, w.Every/4) }

// round decides when to sign and when to call on the others.
type round struct {
	w    *Witness
	next time.Time // of the next call on the others
	size int64     // the size last seen signed here
}

// step signs when enough is new or enough time has gone by, and then collects.
// Without traffic the others are still called upon now and then: a node that
// was cut off may come back with another history.
func (r *round) step(ctx context.Context) {
	w := r.w
	w.judge(ctx)
	if w.Stopped() {
		return
	}
	view, now := w.Ledger.View(), w.Clock()
	fresh := view.Size() - r.size
	due := !now.Before(r.next)
	if fresh < w.Entries && !due {
		return
	}
	size := view.Size()
	if due {
		attempt, cancel := context.WithTimeout(ctx, 2*gatherTimeout)
		_, err := w.collect(attempt, size)
		cancel()
		if err != nil && ctx.Err() == nil {
			w.Log.Debug("no cosigned checkpoint yet", "size", size, "error", err)
		}
		r.next = now.Add(w.Every)
		w.judge(ctx)
	} else if _, err := w.Sign(ctx, size); err != nil {
		w.Log.Warn("the ledger was not cosigned", "size", size, "error", err)
		return
	}
	r.size = size
}

// members are the others whose signatures count now.
func (w *Witness) others(view *machine.View) []members.Member {
	var out []members.Member
	for _, m := range view.Members() {
		if m.ID != w.Self && m.Status == members.Active && !w.GivenUp(m.Node.ID) {
			out = append(out, m)
		}
	}
	return out
}

// origin is the log's name on every checkpoint.
func (w *Witness) origin() string { return tlog.LedgerOrigin(w.Federation) }
