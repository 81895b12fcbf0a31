package feeds_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/feed"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/records"
	"accord/node/feeds"
	"accord/node/wire"
)

// parts exports an author's feed for a member from an entry on, to its end.
func parts(t *testing.T, author *member, to exchange.MemberID, since int64) (all [][]byte) {
	t.Helper()
	for {
		raw, err := author.Export(context.Background(), to, since)
		Must(t, err)
		all = append(all, raw)
		p, err := feeds.ReadPart(raw)
		Must(t, err)
		if p.From != since {
			t.Fatalf("a part begins at %d, wanted %d", p.From, since)
		}
		if since = p.Until; since == p.Size {
			return all
		}
	}
}

func imports(t *testing.T, f *member, all [][]byte) {
	t.Helper()
	for i, raw := range all {
		if _, err := f.Import(context.Background(), raw); err != nil {
			t.Fatalf("part %d of %d: %v", i, len(all), err)
		}
	}
}

// apart are two members whose nodes never meet.
func apart(t *testing.T) (n *net, author, f *member) {
	n = world(t, "regulator", "association")
	n.wrap = func(feeds.Peer) feeds.Peer { return twisted{err: errors.New("there is no network")} }
	n.target = 20_000
	author, f = n.members["regulator"], n.members["association"]
	author.open()
	return n, author, f
}

// TestAcrossAnAirGap: a feed that travels as files arrives as one that travels over the
// network does: records, corrections, retractions, erasures with their receipts, what
// is withheld; in parts of bounded size, in any order of doing it again.
//
// Shows: I7
func TestAcrossAnAirGap(t *testing.T) {
	ctx := context.Background()
	_, author, f := apart(t)
	ids := author.add(700, "penalty", nil)
	author.add(30, "inner", nil)
	Must(t, author.AnchorOwn(ctx))
	first := parts(t, author, "association", 0)
	if len(first) < 5 {
		t.Fatalf("%d parts", len(first))
	}
	imports(t, f, first[:2])
	if _, err := f.Import(ctx, first[3]); !errors.Is(err, feeds.ErrPartGap) {
		t.Errorf("a part is missing: %v", err)
	}
	imports(t, f, first) // the first two again
	same(t, author, f, 700)

	author.add(1, "penalty", func(b *body) { b.Replaces = string(ids[0]) })
	Must(t, author.store.MarkRetracted(ctx, author.document(feed.Retraction, ids[1]), "why"))
	erasure := author.document(feed.Erasure, ids[2])
	Must(t, author.store.EraseRecord(ctx, erasure))
	ack, err := f.Acknowledge(ctx, "regulator", 0)
	Must(t, err)
	got, err := author.TakeAck(ctx, ack)
	if want := (wire.FeedAcknowledged{Member: "association", Size: 730, Of: 733}); err != nil || got != want {
		t.Fatalf("%+v %v", got, err)
	}
	imports(t, f, parts(t, author, "association", got.Size))
	same(t, author, f, 700)
	for range 2 { // the first acknowledgement was lost on the way
		ack, err = f.Acknowledge(ctx, "regulator", got.Size)
		Must(t, err)
	}
	if got, err := author.TakeAck(ctx, ack); err != nil || got.Receipts != 1 || got.Size != 733 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := author.store.Receipts(ctx, erasure.ID); err != nil || len(got) != 1 || got[0].Member != "association" {
		t.Errorf("receipts: %+v %v", got, err)
	}
	imports(t, f, first) // an older file says nothing new, and nothing comes back by it
	same(t, author, f, 700)
	if gone(t, f.dir, string(ids[2])) != nil {
		t.Error("the erased record is in a file again")
	}
	late := &member{t: t, id: "court", dir: t.TempDir(), net: f.net} // one that begins when all of it is over
	f.net.members["court"] = late
	late.open()
	imports(t, late, parts(t, author, "court", 0))
	same(t, author, late, 700)
	last := parts(t, author, "association", 733)
	if imports(t, f, last); len(last) != 1 {
		t.Errorf("%d parts say that there is nothing more", len(last))
	}
	for _, m := range []*member{f, late} {
		if lacks, err := m.store.Lacks(ctx, "regulator"); err != nil || lacks[records.Withheld] != 30 || lacks[records.Missing] != 0 || len(m.Alarms()) > 0 {
			t.Errorf("%v %+v %v", lacks, m.Alarms(), err)
		}
	}
}

// TestPartsAreForThoseTheyAreFor: a file for another member or federation, or altered
// anywhere, is taken in by nobody and accuses nobody.
func TestPartsAreForThoseTheyAreFor(t *testing.T) {
	ctx := context.Background()
	n, author, f := apart(t)
	author.add(30, "penalty", nil)
	raw := parts(t, author, "association", 0)[0]
	court := &member{t: t, id: "court", dir: t.TempDir(), net: n}
	n.members["court"] = court
	court.open()
	if _, err := court.Import(ctx, raw); !errors.Is(err, feeds.ErrPartFor) {
		t.Errorf("for another: %v", err)
	}
	if _, err := author.Import(ctx, raw); !errors.Is(err, feeds.ErrPartFor) {
		t.Errorf("back at home: %v", err)
	}
	for name, to := range map[string]exchange.MemberID{"itself": "regulator", "a stranger": "nobody"} {
		if _, err := author.Export(ctx, to, 0); !errors.Is(err, feeds.ErrPartPeer) {
			t.Errorf("for %s: %v", name, err)
		}
	}
	if _, err := author.Export(ctx, "association", 31); !errors.Is(err, feeds.ErrPartSince) {
		t.Errorf("from beyond the end: %v", err)
	}
	for _, elsewhere := range []string{`"federation":"elsewhere"`, `"to":"court"`, `"until":29`, `"size":31`, `"from":1`, `"catalogue":2`} {
		name, _, _ := strings.Cut(elsewhere, ":")
		at := bytes.Index(raw, []byte(name+":"))
		end := at + bytes.IndexAny(raw[at:], ",}")
		if _, err := f.Import(ctx, append(append(bytes.Clone(raw[:at]), elsewhere...), raw[end:]...)); err == nil {
			t.Errorf("%s was taken in", elsewhere)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		altered := bytes.Clone(raw)
		altered[r.IntN(len(altered))] ^= 1 << r.IntN(8)
		if _, err := f.Import(ctx, altered); err == nil {
			t.Fatal("an altered file was taken in")
		}
		if _, err := f.Import(ctx, raw[:r.IntN(len(raw))]); !errors.Is(err, feeds.ErrPart) {
			t.Fatalf("a file that ends early: %v", err)
		}
	}
	if got, _ := f.store.Feed(ctx, "regulator"); got.Edge.Size() != 0 || len(f.Alarms())+len(court.Alarms()) > 0 {
		t.Errorf("%d entries, %+v", got.Edge.Size(), f.Alarms())
	}
	imports(t, f, [][]byte{raw})
	same(t, author, f, 30)
}

// resigned is a part whose lines an author changed before it signed them.
func resigned(t *testing.T, raw []byte, alter func(lines []string)) []byte {
	t.Helper()
	lines := strings.SplitAfter(string(raw), "\n")
	lines = lines[:len(lines)-2] // the signature and what is behind it
	alter(lines)
	b := strings.Join(lines, "")
	payload, err := strictjson.Marshal(map[string]string{"digest": records.DigestOf(b), "format": "accord-feed-file/1"})
	Must(t, err)
	token, err := jws.SignKind(Key("regulator", keys.Attest), jws.Kind{Typ: "accord-feed-file+jws", Use: keys.Attest}, payload)
	Must(t, err)
	return []byte(b + token + "\n")
}

// TestADishonestAuthorByHand: what an author changes in what it signs raises the same
// alarm as over the network, with evidence, and nothing of it is stored.
//
// Shows: B6, B8
func TestADishonestAuthorByHand(t *testing.T) {
	ctx := context.Background()
	document := func(lines []string, index int, d wire.FeedDocument) {
		for i, line := range lines {
			if strings.HasPrefix(line, fmt.Sprintf(`{"index":%d,`, index)) {
				text, _ := d.Line()
				lines[i] = string(text) + "\n"
			}
		}
	}
	for name, c := range map[string]struct {
		kind   string
		stays  int64
		proves string
		evil   func(t *testing.T, n *net, honest []byte) []byte
	}{
		"a rewrite of what was shown": {feeds.KindRewrite, 300, bundle.FeedProvesFork, func(t *testing.T, n *net, _ []byte) []byte {
			return parts(t, rewriting(t, n, 310), "association", 300)[0]
		}},
		"another history of the size": {feeds.KindRewrite, 300, bundle.FeedProvesFork, func(t *testing.T, n *net, _ []byte) []byte {
			return parts(t, rewriting(t, n, 300), "association", 290)[0]
		}},
		"an older file of another": {feeds.KindRewrite, 300, bundle.FeedProvesFork, func(t *testing.T, n *net, _ []byte) []byte {
			return parts(t, rewriting(t, n, 200), "association", 190)[0]
		}},
		"a checkpoint nobody signed": {feeds.KindCheckpoint, 300, bundle.FeedProvesNothing, func(t *testing.T, _ *net, raw []byte) []byte {
			return resigned(t, raw, func(lines []string) { lines[1] = strings.Replace(lines[1], `\n310\n`, `\n309\n`, 1) })
		}},
		"entries that are not in the tree": {feeds.KindRewrite, 300, bundle.FeedProvesNothing, func(t *testing.T, _ *net, raw []byte) []byte {
			return resigned(t, raw, func(lines []string) {
				for i, line := range lines {
					if path, data, ok := strings.Cut(line, " "); ok && strings.HasPrefix(path, "tile/entries/") {
						content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
						Must(t, err)
						content[len(content)-2] = map[bool]byte{true: '1', false: '0'}[content[len(content)-2] == '0']
						lines[i] = path + " " + base64.StdEncoding.EncodeToString(content) + "\n"
					}
				}
			})
		}},
		"a document of another digest": {feeds.KindDocument, 310, bundle.FeedProvesOwed, func(t *testing.T, _ *net, raw []byte) []byte {
			return resigned(t, raw, func(lines []string) { document(lines, 305, wire.FeedDocument{Index: 305, Document: "other"}) })
		}},
		"a document withheld": {feeds.KindMissing, 310, bundle.FeedProvesOwed, func(t *testing.T, _ *net, raw []byte) []byte {
			return resigned(t, raw, func(lines []string) {
				document(lines, 305, wire.FeedDocument{Index: 305, Lack: "withheld", Category: "penalty", Namespace: "org", Catalogue: 1})
			})
		}},
		"an erasure nobody signed": {feeds.KindMissing, 310, bundle.FeedProvesOwed, func(t *testing.T, _ *net, raw []byte) []byte {
			return resigned(t, raw, func(lines []string) {
				document(lines, 305, wire.FeedDocument{Index: 305, Lack: "erased", Document: "a.b.c"})
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			n, author, f := apart(t)
			author.add(300, "penalty", nil)
			imports(t, f, parts(t, author, "association", 0))
			author.add(10, "penalty", nil)
			honest := parts(t, author, "association", 300)
			_, err := f.Import(ctx, c.evil(t, n, honest[0]))
			if f.alarms(c.kind) != 1 || (c.stays == 300) != errors.Is(err, feeds.ErrFollow) {
				t.Fatalf("%v, no alarm of kind %s: %+v", err, c.kind, f.Alarms())
			}
			for _, a := range f.Alarms() {
				if a.Kind == c.kind {
					if _, r := evidence(t, f, a); r.Feed.Proves != c.proves || r.OK != (c.proves != bundle.FeedProvesNothing) {
						t.Errorf("the evidence proves %q, want %q: %+v", r.Feed.Proves, c.proves, r.Checks)
					}
				}
			}
			if got, _ := f.store.Feed(ctx, "regulator"); got.Edge.Size() != c.stays {
				t.Errorf("%d entries are held, want %d", got.Edge.Size(), c.stays)
			}
			imports(t, f, honest)
			same(t, author, f, 310)
		})
	}
}

// rewriting is another node of the author's, with another history.
func rewriting(t *testing.T, n *net, size int) *member { return fork(t, n, size).(peer).m }

// TestAnAnchorBindsByHand: a file is held against the anchors that the ledger here
// knows.
//
// Shows: B6
func TestAnAnchorBindsByHand(t *testing.T) {
	ctx := context.Background()
	n, author, f := apart(t)
	author.add(300, "penalty", nil)
	Must(t, author.AnchorOwn(ctx))
	last := 0
	for i, raw := range parts(t, rewriting(t, n, 400), "association", 0) {
		if _, err := f.Import(ctx, raw); err != nil {
			if last = i + 1; !errors.Is(err, feeds.ErrFollow) || f.alarms(feeds.KindAnchor) != 1 {
				t.Fatalf("%v %+v", err, f.Alarms())
			}
			break
		}
	}
	if last == 0 {
		t.Fatal("what is not anchored was taken in")
	}
	if _, r := evidence(t, f, f.Alarms()[0]); r.Feed.Proves != bundle.FeedProvesFork {
		t.Errorf("proves %q: %+v", r.Feed.Proves, r.Checks)
	}
}

// TestAcknowledgements: only a member's own word for a beginning of this very feed
// counts.
func TestAcknowledgements(t *testing.T) {
	ctx := context.Background()
	n, author, f := apart(t)
	author.add(30, "penalty", nil)
	imports(t, f, parts(t, author, "association", 0))
	ack, err := f.Acknowledge(ctx, "regulator", 0)
	Must(t, err)
	sign := func(by exchange.MemberID, a feed.Ack) []byte {
		token, err := feed.SignAck(a, Key(by, keys.Attest))
		Must(t, err)
		return []byte("accord-feed-acknowledgement/1\n" + token + "\n")
	}
	have, _ := f.store.Feed(ctx, "regulator")
	good := feed.Ack{Issuer: "association", IssuedAt: 1, Federation: Federation, Author: "regulator", Size: 30, Root: have.Edge.Root()}
	with := func(edit func(*feed.Ack)) feed.Ack { a := good; edit(&a); return a }
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"as made":             {ack, nil},
		"as described":        {sign("association", good), nil},
		"by another":          {sign("court", good), feed.ErrDocument},
		"of another feed":     {sign("association", with(func(a *feed.Ack) { a.Author = "court" })), feed.ErrDocument},
		"of another history":  {sign("association", with(func(a *feed.Ack) { a.Root[0] ^= 1 })), feeds.ErrAckOther},
		"of more than it has": {sign("association", with(func(a *feed.Ack) { a.Size = 31 })), feeds.ErrAckOther},
		"of a federation":     {sign("association", with(func(a *feed.Ack) { a.Federation = "elsewhere" })), feed.ErrDocument},
		"cut short":           {ack[:len(ack)-1], feeds.ErrPart},
		"with a stray line":   {append(bytes.Clone(ack), "a.b.c\n"...), feed.ErrDocument},
		"of nothing":          {nil, feeds.ErrPart},
	} {
		if _, err := author.TakeAck(ctx, c.raw); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := n.members["association"].Acknowledge(ctx, "court", 0); !errors.Is(err, feeds.ErrNoFeed) {
		t.Errorf("of a feed it has nothing of: %v", err)
	}
}

// TestAnImportCrashesAnywhere ends a follower within an import, as TestAFollowerCrashesAnywhere
// does within a round, and lets it go on with the same file or with all of them.
//
// Shows: F42
func TestAnImportCrashesAnywhere(t *testing.T) {
	ctx := context.Background()
	_, author, f := apart(t)
	r := rand.New(rand.NewPCG(*seed, 1))
	live, disk := &living{author: author, r: r}, &disk{dir: f.dir, r: r}
	for crashed := 0; crashed < 40; {
		live.step()
		ack := int64(0)
		if have, err := f.store.Feed(ctx, "regulator"); err == nil && r.IntN(3) > 0 {
			ack = have.Edge.Size()
		}
		all := parts(t, author, "association", ack)
		hits := 1 + r.IntN(12)
		f.hook = func(point string) {
			disk.at(t, point)
			if hits--; hits == 0 {
				panic(crash{point})
			}
		}
		at := ends(func() {
			for _, raw := range all {
				_, err := f.Import(ctx, raw)
				Must(t, err)
			}
		})
		if f.hook = nil; at == "" {
			continue
		}
		crashed++
		files, _ := disk.cut(t, at)
		f.store.Close()
		disk.replace(t, files)
		f.open()
	}
	imports(t, f, parts(t, author, "association", 0))
	same(t, author, f, live.held)
	for _, a := range f.Alarms() {
		t.Errorf("an honest author is accused: %+v", a)
	}
}

func FuzzReadPart(f *testing.F) {
	head, err := strictjson.Marshal(feeds.PartHead{Federation: Federation, Author: "regulator", To: "court", Until: 1, Size: 1, MadeAt: 1, Catalogue: 1, Tiles: 1, Note: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("accord-feed-file/1\n" + string(head) + "\ntile/0/000.p/1 AAAA\n-\n{\"index\":0,\"document\":\"x\"}\na.b.c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := feeds.ReadPart(data)
		if err == nil && (p.Until < p.From || p.Until > p.Size || len(data) > feeds.MaxPart) {
			t.Fatalf("%+v", p.PartHead)
		}
	})
}
