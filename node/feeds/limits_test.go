package feeds_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/records"
	"accord/node/feeds"
	"accord/node/wire"
)

// counting is a peer that notes what is asked of it.
type counting struct {
	feeds.Peer
	asked   func(n int)                                 // documents of a request
	timed   func(d time.Duration)                       // how long a request may take
	another func(wire.FeedDocument) []wire.FeedDocument // what comes in a document's place; nil: it
}

func (p counting) time(ctx context.Context) {
	if end, ok := ctx.Deadline(); p.timed != nil && ok {
		p.timed(time.Until(end))
	} else if p.timed != nil {
		p.timed(1 << 62)
	}
}

func (p counting) FeedCheckpoint(ctx context.Context, a exchange.MemberID) ([]byte, error) {
	p.time(ctx)
	return p.Peer.FeedCheckpoint(ctx, a)
}

func (p counting) FeedDocuments(ctx context.Context, a exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	p.time(ctx)
	if p.asked != nil {
		p.asked(len(ask.Entries))
	}
	return p.Peer.FeedDocuments(ctx, a, ask, func(d wire.FeedDocument) error {
		all := []wire.FeedDocument{d}
		if p.another != nil {
			all = p.another(d)
		}
		for _, d := range all {
			if err := each(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestLimits is every limit of this package, each broken or reached once. Elsewhere are
// tested: the time until a silent peer is stalled (TestWhoIsAwayForAWhileIsNotStalled),
// the room on the disk (TestNoRoom), bytes of a client's answers (package client) and
// of requests (package api).
//
// Shows: B2
func TestLimits(t *testing.T) {
	ctx := context.Background()
	for name, test := range map[string]func(t *testing.T, n *net, author, f *member){
		"entries of a transaction, and portions held at once": func(t *testing.T, n *net, author, f *member) {
			author.add(2000, "penalty", nil)
			most, asked, stored, ahead := 0, 0, 0, 0
			n.wrap = func(p feeds.Peer) feeds.Peer {
				return counting{Peer: p, asked: func(k int) { most, asked = max(most, k), asked+1 }}
			}
			f.hook = func(point string) {
				if point == "feeds.batch.after" { // the next may be fetched, and no third begun
					stored++
					ahead = max(ahead, asked-stored)
				}
			}
			Must(t, f.Poll(ctx, "regulator"))
			if most == 0 || most > 300 || ahead > 2 {
				t.Errorf("%d entries of one portion, %d portions ahead", most, ahead)
			}
		},
		"documents of an answer": func(t *testing.T, n *net, author, f *member) {
			author.add(10, "penalty", nil)
			n.wrap = func(p feeds.Peer) feeds.Peer {
				return counting{Peer: p, another: func(d wire.FeedDocument) []wire.FeedDocument {
					if d.Index == 9 {
						return []wire.FeedDocument{d, {Index: 10, Document: "x"}, {Index: 11, Document: "x"}}
					}
					return []wire.FeedDocument{d}
				}}
			}
			Must(t, f.Poll(ctx, "regulator")) // what was asked for is kept, the rest is not read
			same(t, author, f, 10)
		},
		"documents asked for again": func(t *testing.T, n *net, author, f *member) {
			author.add(600, "penalty", nil)
			most := 0
			n.wrap = func(p feeds.Peer) feeds.Peer {
				return counting{Peer: p, another: func(d wire.FeedDocument) []wire.FeedDocument {
					return []wire.FeedDocument{{Index: d.Index, Lack: string(records.Missing)}}
				}}
			}
			Must(t, f.Poll(ctx, "regulator"))
			n.wrap = func(p feeds.Peer) feeds.Peer { return counting{Peer: p, asked: func(k int) { most = max(most, k) }} }
			rounds := 0
			for lacks := int64(1); lacks > 0; rounds++ {
				Must(t, f.Poll(ctx, "regulator"))
				got, err := f.store.Lacks(ctx, "regulator")
				Must(t, err)
				lacks = got[records.Missing]
			}
			if most != 256 || rounds < 3 {
				t.Errorf("%d documents in one request, %d rounds", most, rounds)
			}
			same(t, author, f, 600)
		},
		"time of a request": func(t *testing.T, n *net, author, f *member) {
			author.add(10, "penalty", nil)
			longest := time.Duration(0)
			n.wrap = func(p feeds.Peer) feeds.Peer {
				return counting{Peer: p, timed: func(d time.Duration) { longest = max(longest, d) }}
			}
			Must(t, f.Poll(ctx, "regulator"))
			if longest == 0 || longest > 2*time.Minute {
				t.Errorf("a request may take %v", longest)
			}
		},
		"signatures of a round": func(t *testing.T, n *net, author, f *member) {
			for range 9 {
				author.add(500, "penalty", nil)
			}
			at := func() int64 {
				p, err := f.store.Position(ctx, "checked/regulator")
				Must(t, err)
				return p
			}
			Must(t, f.Poll(ctx, "regulator"))
			first := at()
			Must(t, f.Poll(ctx, "regulator"))
			if first != 4096 || at() != 4500 {
				t.Errorf("%d signatures in one round, %d in two", first, at())
			}
		},
		"entries and time that wait for an anchor": func(t *testing.T, n *net, author, f *member) {
			anchored := func() int64 { a, _ := n.machine.View().Anchor("regulator"); return a.Size }
			author.add(1, "penalty", nil)
			n.later = 365 * 24 * time.Hour // the ledger's time is the test's
			Must(t, author.AnchorOwn(ctx))
			n.later = time.Until(n.machine.View().Time().Time())
			author.add(999, "penalty", nil)
			Must(t, author.AnchorOwn(ctx))
			if anchored() != 1 {
				t.Fatalf("anchored before it is due: %d", anchored())
			}
			author.add(1, "penalty", nil)
			Must(t, author.AnchorOwn(ctx))
			if anchored() != 1001 {
				t.Fatalf("a thousand entries wait: %d", anchored())
			}
			author.add(1, "penalty", nil)
			n.later = time.Until(n.machine.View().Time().Time()) + 2*time.Minute
			Must(t, author.AnchorOwn(ctx))
			if anchored() != 1002 {
				t.Errorf("an entry waits for more than a minute: %d", anchored())
			}
		},
		"alarms that are kept": func(t *testing.T, n *net, author, f *member) {
			n.wrap = func(p feeds.Peer) feeds.Peer {
				return twisted{Peer: p, checkpoint: func([]byte) []byte { return []byte("nonsense") }}
			}
			for i := range 230 {
				_ = f.Poll(ctx, "regulator")
				for _, a := range f.Alarms() {
					if a.Settled == "" {
						_, err := f.Settle(a.ID, "wang", fmt.Sprint("again ", i))
						Must(t, err)
					}
				}
			}
			if got := len(f.Alarms()); got != 200 {
				t.Errorf("%d alarms are kept", got)
			}
		},
		"bytes of a part": func(t *testing.T, n *net, author, f *member) {
			n.target = 20_000
			author.open()
			author.add(400, "penalty", nil)
			for _, raw := range parts(t, author, "association", 0) {
				p, err := feeds.ReadPart(raw)
				Must(t, err)
				if p.Until-p.From > 20_000/64 || len(raw) > 200_000 {
					t.Errorf("%d entries, %d bytes", p.Until-p.From, len(raw))
				}
			}
			raw := parts(t, author, "association", 0)[0]
			for why, bad := range map[string][]byte{
				"too long":                   append(raw, make([]byte, feeds.MaxPart)...),
				"its head":                   []byte(strings.Replace(string(raw), `"tiles":`, `"tiles":70000`, 1)),
				"what it says of the ledger": []byte(strings.Replace(string(raw), "\n-\n", "\n"+strings.Repeat("x", 5<<20)+"\n", 1)),
			} {
				if _, err := feeds.ReadPart(bad); !errors.Is(err, feeds.ErrPart) || !strings.Contains(err.Error(), why) {
					t.Errorf("%s: %v", why, err)
				}
			}
			if _, err := author.TakeAck(ctx, append([]byte("accord-feed-acknowledgement/1\n"), make([]byte, feeds.MaxAck)...)); !errors.Is(err, feeds.ErrPart) {
				t.Errorf("a long acknowledgement: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := world(t, "regulator", "association")
			test(t, n, n.members["regulator"], n.members["association"])
		})
	}
	if records.MaxItems != feeds.MaxAsk || feeds.MaxAsk < 2048 {
		t.Errorf("a batch does not fit into a request of %d", feeds.MaxAsk)
	}
}
