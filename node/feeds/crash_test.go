package feeds_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// perWorld is how many crashes one federation lives through. A feed that grows without
// end would make each crash dearer than the one before, and a new one has new ids.
const perWorld = 250

// TestAFollowerCrashesAnywhere ends a follower at random points, before and after
// each begin and commit of its store and each step of its own, and within commits at
// any byte of the write-ahead log, opens it again on what was on disk at that moment,
// and cuts its connections at random documents, while the author goes on. In the end
// it holds every entry once, in order, and every record as its author has it.
//
// Shows: F42
func TestAFollowerCrashesAnywhere(t *testing.T) {
	torn := 0
	for world, left := uint64(0), *crashes; left > 0; world++ {
		n := min(left, perWorld)
		t.Run(fmt.Sprint("seed ", *seed+world), func(t *testing.T) { torn += crashOften(t, n, rand.New(rand.NewPCG(*seed+world, 0))) })
		if left -= n; t.Failed() {
			break
		}
	}
	if torn == 0 && *crashes >= 60 {
		t.Error("no commit was torn")
	}
	t.Logf("%d crashes, %d of them within a commit", *crashes, torn)
}

func crashOften(t *testing.T, times int, r *rand.Rand) (torn int) {
	ctx := context.Background()
	n := world(t, "regulator", "association")
	author, f := n.members["regulator"], n.members["association"]
	live := &living{author: author, r: r}
	left := 1 << 30
	n.wrap = func(p feeds.Peer) feeds.Peer { return cut{p, &left} }
	disk := &disk{dir: f.dir, r: r}
	for crashed := 0; crashed < times; {
		live.step()
		hits := 1 + r.IntN(12)
		if left = 1 << 30; r.IntN(3) == 0 {
			left = r.IntN(10)
		}
		f.hook = func(point string) {
			disk.at(t, point)
			if hits--; hits == 0 {
				panic(crash{point})
			}
		}
		if at := ends(func() { _ = f.Poll(ctx, "regulator") }); at != "" {
			crashed++
			f.hook = nil
			files, within := disk.cut(t, at)
			if within {
				torn++
			}
			f.store.Close() // which tidies up, so what it leaves is replaced
			disk.replace(t, files)
			f.open()
		}
	}
	f.hook, n.wrap = nil, nil
	Must(t, f.Poll(ctx, "regulator"))
	same(t, author, f, live.held)
	for _, a := range f.Alarms() {
		t.Errorf("an honest author is accused: %+v", a)
	}
	if lacks, err := f.store.Lacks(ctx, "regulator"); err != nil || lacks[records.Missing]+lacks[records.Clash] > 0 {
		t.Errorf("%v %v", lacks, err)
	}
	return torn
}

// ends says at which point f crashed, if it did.
func ends(f func()) (at string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case crash:
			at = p.at
		default:
			panic(p)
		}
	}()
	f()
	return ""
}

// living is an author that goes on with its work.
type living struct {
	author *member
	r      *rand.Rand
	active []exchange.RecordID
	held   int // records that a follower has in the end
}

func (l *living) step() {
	ctx, t, r := context.Background(), l.author.t, l.r
	if k := len(l.active); k <= 3 || r.IntN(4) != 0 {
		many := 1 + r.IntN(8)
		l.active = append(l.active, l.author.add(many, "penalty", nil)...)
		l.held += many
		l.author.add(r.IntN(2), "inner", nil)
		return
	}
	i := r.IntN(len(l.active))
	id := l.active[i]
	l.active = append(l.active[:i:i], l.active[i+1:]...)
	switch r.IntN(3) {
	case 0:
		l.active = append(l.active, l.author.add(1, "penalty", func(b *body) { b.Replaces = string(id) })...)
		l.held++
	case 1:
		Must(t, l.author.store.MarkRetracted(ctx, l.author.document(feed.Retraction, id), "why"))
	case 2:
		Must(t, l.author.store.EraseRecord(ctx, l.author.document(feed.Erasure, id)))
		l.held--
	}
}

// disk is a follower's store as a power cut leaves it. What a commit that returned
// has written is durable (synchronous=FULL); of one that runs, the write-ahead log
// holds any beginning, and behind it what was there before.
type disk struct {
	dir    string
	r      *rand.Rand
	before map[string][]byte // the files when the last commit began
}

var storeFiles = []string{"records.db", "records.db-wal"} // -shm is rebuilt

func (d *disk) files(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range storeFiles {
		raw, err := os.ReadFile(filepath.Join(d.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all[name] = raw
	}
	return all
}

func (d *disk) at(t *testing.T, point string) {
	if point == "records.commit.before" {
		d.before = d.files(t)
	}
}

// cut gives the files as they are at a crash, and says whether it came within a
// commit. Where the commit also wrote pages back, its log was synced before.
func (d *disk) cut(t *testing.T, at string) (files map[string][]byte, within bool) {
	files = d.files(t)
	db, wal := storeFiles[0], storeFiles[1]
	if at != "records.commit.after" || !bytes.Equal(files[db], d.before[db]) {
		return files, false
	}
	was, is := d.before[wal], files[wal]
	same := 0
	for same < len(was) && same < len(is) && was[same] == is[same] {
		same++
	}
	if same == len(is) {
		return files, false
	}
	keep := same + d.r.IntN(len(is)-same)
	mixed := bytes.Clone(is[:keep])
	if keep < len(was) {
		mixed = append(mixed, was[keep:]...)
	}
	files[wal] = mixed
	return files, true
}

func (d *disk) replace(t *testing.T, files map[string][]byte) {
	t.Helper()
	Must(t, errors.Join(os.RemoveAll(filepath.Join(d.dir, "records.db-shm"))))
	for name, raw := range files {
		Must(t, os.WriteFile(filepath.Join(d.dir, name), raw, 0o600))
	}
}
