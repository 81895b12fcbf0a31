package feeds

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/wire"
)

// Peer is what a follower asks of an author's node. client.Client is one.
type Peer interface {
	// FeedCheckpoint is the newest signed checkpoint of a feed.
	FeedCheckpoint(ctx context.Context, author exchange.MemberID) ([]byte, error)
	// FeedTile is one of its tiles, of hashes or entries.
	FeedTile(ctx context.Context, author exchange.MemberID, tile tlog.Tile) ([]byte, error)
	// FeedDocuments asks for the documents of entries and calls each in their order.
	FeedDocuments(ctx context.Context, author exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error
	// FeedReceipt hands the author this member's word that it erased.
	FeedReceipt(ctx context.Context, author exchange.MemberID, in wire.FeedReceipt) error
}

// Config is what a Feeds works with. Zero durations and numbers mean the defaults
// named.
type Config struct {
	Federation string
	Genesis    members.Genesis // whose charter goes into evidence
	Self       exchange.MemberID
	Dir        string // for alarms and evidence
	Store      records.Store
	Ledger     interface{ View() *machine.View }
	Keys       interface {
		Key(use keys.Use) (keys.Private, error)
	}
	Peer func(m exchange.MemberID) (Peer, error)
	// Read takes a signed record apart without verifying its signature, Verify
	// verifies it.
	Read   func(author exchange.MemberID, jwt string) (records.Record, error)
	Verify func(author exchange.MemberID, jwt string) error
	// Anchor puts an anchor on the ledger.
	Anchor func(ctx context.Context, b feed.AnchorBody) error
	// Proof is an evidence file of what the ledger says of this member's feed, for
	// those who have no ledger: its anchor and the catalogue in force, under a cosigned
	// checkpoint. It may be nil.
	Proof func(ctx context.Context) ([]byte, error)
	// Fatal is told what must end the process; it may be nil.
	Fatal func(error)
	// ByHand says whether a member's feed comes as files, so that its node is not
	// asked; nil: none does.
	ByHand func(m exchange.MemberID) bool
	// Ready says whether this node may act; Room is nil while there is room on
	// the disk for more of others' records.
	Ready func() bool
	Room  func() error
	Clock func() time.Time
	Log   *slog.Logger
	Hook  func(point string) // told each place at which a test may want a crash; may be nil

	Every         time.Duration // 5 s: between two rounds with an author
	Patience      time.Duration // 5 min: an author without a good round for so long is stalled
	AnchorEvery   time.Duration // 60 s: the longest a new entry waits for an anchor
	AnchorEntries int64         // 1,000: as many new entries are anchored at once
	Batch         int           // 2,048: entries of one transaction
	PartTarget    int           // PartTarget: bytes of documents after which a part of an export ends
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Every, 5*time.Second)
	def(&c.Patience, 5*time.Minute)
	def(&c.AnchorEvery, time.Minute)
	if c.AnchorEntries == 0 {
		c.AnchorEntries = 1000
	}
	if c.Batch == 0 {
		c.Batch = 2048
	}
	if c.PartTarget == 0 {
		c.PartTarget = PartTarget
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Fatal == nil {
		c.Fatal = func(error) {}
	}
	if c.Ready == nil {
		c.Ready = func() bool { return true }
	}
	if c.ByHand == nil {
		c.ByHand = func(exchange.MemberID) bool { return false }
	}
	if c.Room == nil {
		c.Room = func() error { return nil }
	}
	return c
}

func (c Config) hit(point string) {
	if c.Hook != nil {
		c.Hook(point)
	}
}

// Feeds is one node's. It is safe for concurrent use.
type Feeds struct {
	Config

	mu      sync.Mutex
	follows map[exchange.MemberID]*follow // guarded by mu
	alarms  []Alarm                       // guarded by mu
}

// Open reads the alarms that were left.
func Open(cfg Config) (*Feeds, error) {
	f := &Feeds{Config: cfg.withDefaults(), follows: map[exchange.MemberID]*follow{}}
	return f, f.readAlarms()
}

// Run anchors and follows until ctx ends.
func (f *Feeds) Run(ctx context.Context) {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	for {
		if err := f.Store.Scrub(ctx); err != nil && ctx.Err() == nil {
			f.Log.Warn("what was erased is not yet gone from the record store's files", "error", err)
		}
		if f.Ready() {
			if err := f.AnchorOwn(ctx); err != nil && ctx.Err() == nil {
				f.Log.Warn("this member's feed is not anchored yet", "error", err)
			}
			for _, m := range f.others() {
				if f.ByHand(m.ID) {
					continue
				}
				fl := f.follow(m.ID)
				if fl.begin() {
					jobs.Go(func() {
						defer fl.end()
						fl.round(ctx)
					})
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.Every):
		}
	}
}

// others are the members whose feeds are followed: not those of the suspended, for
// what they sign meanwhile is not taken.
func (f *Feeds) others() (all []members.Member) {
	for _, m := range f.Ledger.View().Members() {
		if m.ID != f.Self && m.Takes() {
			all = append(all, m)
		}
	}
	return all
}

// follow is the state of following one author.
type follow struct {
	*Feeds
	author exchange.MemberID

	turn chan struct{} // held by the round that runs
	word *word         // of the ledger, in the file that it reads; nil for none

	mu       sync.Mutex
	seen     int64     // size of its newest checkpoint
	have     int64     // entries taken over
	polled   time.Time // when a round began last
	well     time.Time // when one ended well last
	failing  time.Time // when the first that did not, since, ended; zero: none
	anchored int64     // size of the anchor that was found in its feed
	policy   int       // catalogue version by which what is withheld was judged
	shown    head      // of the round that runs, by which it accuses
}

func (f *Feeds) follow(author exchange.MemberID) *follow {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.follows[author]
	if fl == nil {
		fl = &follow{Feeds: f, author: author, turn: make(chan struct{}, 1)}
		f.follows[author] = fl
	}
	return fl
}

// begin says whether no round ran, and one does now.
func (fl *follow) begin() bool {
	select {
	case fl.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

func (fl *follow) end() { <-fl.turn }

// roundTime bounds one round; a slow peer is heard again in the next.
const roundTime = 5 * time.Minute

// round is a round with its outcome in state and log.
func (fl *follow) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	fl.mu.Lock()
	fl.polled = fl.Clock()
	fl.mu.Unlock()
	err := fl.poll(ctx)
	if err == nil {
		fl.mu.Lock()
		fl.well = fl.Clock()
		fl.mu.Unlock()
	}
}

// Poll does one round with an author.
func (f *Feeds) Poll(ctx context.Context, author exchange.MemberID) error {
	return f.follow(author).poll(ctx)
}

// AnchorOwn anchors this member's feed when enough of it is new.
func (f *Feeds) AnchorOwn(ctx context.Context) error {
	view := f.Ledger.View()
	last, _ := view.Anchor(f.Self)
	own, err := f.Store.Feed(ctx, f.Self)
	if err != nil {
		return err
	}
	size := own.Edge.Size()
	tree := tlog.NewTiled(size, func(t tlog.Tile) ([]byte, error) { return f.Store.FeedTile(ctx, f.Self, t) })
	if size < last.Size {
		f.raise(Alarm{Author: f.Self, Kind: KindOwn, Size: last.Size, Why: "the record store holds less of this member's feed than the ledger has anchored; was it replaced by an older backup?"}, nil)
		return nil
	}
	if root, err := tree.RootAt(last.Size); last.Size > 0 && (err != nil || root != last.Root) {
		f.raise(Alarm{Author: f.Self, Kind: KindOwn, Size: last.Size, Why: "this member's feed is not the one the ledger has anchored"}, nil)
		return err
	}
	f.clear(f.Self, KindOwn)
	if size == last.Size || size-last.Size < f.AnchorEntries && f.Clock().Sub(last.At.Time()) < f.AnchorEvery {
		return nil
	}
	proof, err := tree.ProveConsistency(last.Size, size)
	if err != nil {
		return err
	}
	return f.Anchor(ctx, feed.AnchorBody{Size: size, Root: own.Edge.Root(), Proof: proof})
}

// Authors are the members of whose feeds something is known here.
func (f *Feeds) Authors() []exchange.MemberID {
	all := map[exchange.MemberID]bool{f.Self: true}
	for _, m := range f.others() {
		all[m.ID] = true
	}
	return slices.Sorted(maps.Keys(all))
}
