package feeds_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"testing"

	"accord/exchange"
	"accord/exchange/feed"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/records"
	"accord/node/feeds"
	"accord/node/wire"
)

var (
	crashes = flag.Int("feeds.crashes", 60, "crashes of a follower; 10000 before a release")
	seed    = flag.Uint64("feeds.seed", 1, "what happens when")
)

// crash ends a follower in the middle of what it does.
type crash struct{ at string }

// cut is a peer whose answers break off.
type cut struct {
	feeds.Peer
	left *int // documents until it does
}

func (p cut) FeedDocuments(ctx context.Context, a exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	return p.Peer.FeedDocuments(ctx, a, ask, func(d wire.FeedDocument) error {
		if *p.left--; *p.left < 0 {
			return errors.New("the connection is lost")
		}
		return each(d)
	})
}

// TestAFollowerCrashesAnywhere ends a follower at random points, before and after
// each begin and commit of its store and each step of its own, opens it again on
// what is on disk, and cuts its connections at random documents, while the author
// goes on. In the end it holds every entry once, in order, and every record as its
// author has it.
//
// Shows: F42
func TestAFollowerCrashesAnywhere(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(*seed, 0))
	n := world(t, "regulator", "association")
	author, f := n.members["regulator"], n.members["association"]
	var active []exchange.RecordID
	left, crashed := 1<<30, 0
	n.wrap = func(p feeds.Peer) feeds.Peer { return cut{p, &left} }
	held := 0
	for crashed < *crashes {
		switch k := len(active); {
		case k > 3 && r.IntN(4) == 0:
			id := active[r.IntN(k)]
			var gone bool
			active, gone = without(active, id)
			switch r.IntN(3) {
			case 0:
				active = append(active, author.add(1, "penalty", func(b *body) { b.Replaces = string(id) })...)
				held++
			case 1:
				Must(t, author.store.MarkRetracted(ctx, author.document(feed.Retraction, id), "why"))
			case 2:
				Must(t, author.store.EraseRecord(ctx, author.document(feed.Erasure, id)))
				held--
			}
			_ = gone
		default:
			many := 1 + r.IntN(8)
			active = append(active, author.add(many, "penalty", nil)...)
			held += many
			author.add(r.IntN(2), "inner", nil)
		}
		hits := 1 + r.IntN(12)
		if left = 1 << 30; r.IntN(3) == 0 {
			left = r.IntN(10)
		}
		f.hook = func(point string) {
			if hits--; hits == 0 {
				panic(crash{point})
			}
		}
		func() {
			defer func() {
				switch p := recover().(type) {
				case nil:
				case crash:
					crashed++
					f.hook = nil
					f.store.Close()
					f.open()
				default:
					panic(p)
				}
			}()
			_ = f.Poll(ctx, "regulator")
		}()
	}
	f.hook, n.wrap = nil, nil
	Must(t, f.Poll(ctx, "regulator"))
	same(t, author, f, held)
	for _, a := range f.Alarms() {
		t.Errorf("an honest author is accused: %+v", a)
	}
	if lacks, err := f.store.Lacks(ctx, "regulator"); err != nil || lacks[records.Missing]+lacks[records.Clash] > 0 {
		t.Errorf("%v %v", lacks, err)
	}
}

func without(all []exchange.RecordID, id exchange.RecordID) ([]exchange.RecordID, bool) {
	for i := range all {
		if all[i] == id {
			return append(all[:i:i], all[i+1:]...), true
		}
	}
	return all, false
}
