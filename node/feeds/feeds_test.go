package feeds_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/feeds"
	"accord/node/wire"
)

// body stands for a signed record: what a feed and a mirror look at.
type body struct {
	ID        string `json:"id"`
	Author    string `json:"author"`
	Category  string `json:"category"`
	Subject   string `json:"subject"`
	Replaces  string `json:"replaces"`
	Signature string `json:"signature"`
}

func read(author exchange.MemberID, jwt string) (records.Record, error) {
	var b body
	if err := json.Unmarshal([]byte(jwt), &b); err != nil || b.Author != string(author) {
		return records.Record{}, errors.New("not a record of " + string(author))
	}
	return records.Record{ID: exchange.RecordID(b.ID), Author: author, Category: b.Category, Subject: exchange.SubjectID(b.Subject),
		SubjectKind: "enterprise", CatalogueVersion: 1, IssuedAt: Start, JWT: jwt, Digest: records.DigestOf(jwt),
		Status: records.Active, Replaces: exchange.RecordID(b.Replaces)}, nil
}

func verify(_ exchange.MemberID, jwt string) error {
	if strings.Contains(jwt, "forged") {
		return errors.New("forged")
	}
	return nil
}

type memberKeys exchange.MemberID

func (m memberKeys) Key(use keys.Use) (keys.Private, error) {
	return Key(exchange.MemberID(m), use), nil
}

// member is one side: a store and what works with it.
type member struct {
	t     *testing.T
	id    exchange.MemberID
	dir   string
	net   *net
	hook  func(string)
	store *records.SQLite
	*feeds.Feeds
}

// net is a federation without a network.
type net struct {
	t       *testing.T
	machine *machine.Machine
	genesis members.Genesis
	members map[exchange.MemberID]*member
	wrap    func(feeds.Peer) feeds.Peer // makes a peer worse
	room    error
	later   time.Duration // how far the clock was put forward
	made    int

	patience time.Duration // with an author that does not answer; none unless said otherwise
	orders   int
	target   int // bytes of documents in a part; 0: as much as there may be
}

// world has a category "inner" that nobody but the regulator has to do with.
func world(t *testing.T, ids ...exchange.MemberID) *net {
	t.Helper()
	doc := Document(1)
	inner := doc.Categories[0]
	inner.ID, inner.Authors = "inner", []exchange.MemberKind{exchange.KindRegulator}
	inner.Fields = slices.Clone(inner.Fields)
	for i := range inner.Fields {
		inner.Fields[i].Class = catalogue.Secret
	}
	doc.Categories = append(doc.Categories, inner)
	raw, err := json.Marshal(doc)
	Must(t, err)
	genesis := GenesisOf(t, Charter(raw), raw)
	m, err := machine.New(genesis, machine.Options{})
	Must(t, err)
	for _, p := range Announce(t, 3) {
		Apply(t, m, p)
	}
	n := &net{t: t, machine: m, genesis: genesis, members: map[exchange.MemberID]*member{}, patience: -1}
	for _, id := range ids {
		mm := &member{t: t, id: id, dir: t.TempDir(), net: n}
		n.members[id] = mm
		mm.open()
	}
	return n
}

func (m *member) open() {
	m.t.Helper()
	var err error
	m.store, err = records.OpenSQLite(context.Background(), filepath.Join(m.dir, "records.db"))
	Must(m.t, err)
	hook := func(p string) {
		if m.hook != nil {
			m.hook(p)
		}
	}
	m.store.Hook = hook
	m.Feeds, err = feeds.Open(feeds.Config{Federation: Federation, Genesis: m.net.genesis, Self: m.id, Dir: filepath.Join(m.dir, "feeds"), Store: m.store,
		Ledger: m.net.machine, Keys: memberKeys(m.id), Read: read, Verify: verify, Hook: hook,
		Peer: func(to exchange.MemberID) (feeds.Peer, error) {
			var p feeds.Peer = peer{m.net.members[to], m.id}
			if m.net.wrap != nil {
				p = m.net.wrap(p)
			}
			return p, nil
		},
		Room: func() error { return m.net.room },
		Anchor: func(_ context.Context, b feed.AnchorBody) error {
			m.net.orders++
			r := Apply(m.t, m.net.machine, Sign(m.t, Order{By: m.id, ID: fmt.Sprint("anchor ", m.net.orders), Verb: exchange.VerbFeedAnchor, Body: b}))[0]
			if r.Error != nil {
				return r.Error
			}
			return nil
		},
		Clock: func() time.Time { return time.Now().Add(m.net.later) }, Batch: 300, Patience: m.net.patience, PartTarget: m.net.target})
	Must(m.t, err)
	m.t.Cleanup(func() { m.store.Close() })
}

// add stores n records of a category.
func (m *member) add(n int, category string, edit func(*body)) (ids []exchange.RecordID) {
	m.t.Helper()
	var batch []records.Record
	for range n {
		m.net.made++
		b := body{ID: ID(fmt.Sprint(m.id, m.net.made)), Author: string(m.id), Category: category, Subject: "org:91639900MA0000001X"}
		if edit != nil {
			edit(&b)
		}
		raw, _ := json.Marshal(b)
		r, err := read(m.id, string(raw))
		Must(m.t, err)
		batch, ids = append(batch, r), append(ids, r.ID)
	}
	Must(m.t, m.store.InsertBatch(context.Background(), batch))
	return ids
}

func (m *member) document(kind feed.Kind, id exchange.RecordID) feed.Document {
	m.t.Helper()
	m.net.made++
	c := feed.Claims{Issuer: m.id, ID: ID(fmt.Sprint("document", m.net.made)), IssuedAt: 1, Federation: Federation, Record: id}
	if kind == feed.Erasure {
		c.Ground = feed.GroundOrder
	}
	d, err := feed.SignDocument(kind, c, Key(m.id, keys.Attest))
	Must(m.t, err)
	return d
}

// peer is an honest node as another member reaches it.
type peer struct {
	m  *member
	as exchange.MemberID
}

func (p peer) FeedCheckpoint(ctx context.Context, author exchange.MemberID) ([]byte, error) {
	return p.m.Checkpoint(ctx, author)
}

func (p peer) FeedTile(ctx context.Context, author exchange.MemberID, tile tlog.Tile) ([]byte, error) {
	return p.m.store.FeedTile(ctx, author, tile)
}

func (p peer) FeedDocuments(ctx context.Context, _ exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	return p.m.Documents(ctx, p.as, ask, each)
}

func (p peer) FeedReceipt(ctx context.Context, _ exchange.MemberID, in wire.FeedReceipt) error {
	return p.m.TakeReceipt(ctx, p.as, in.JWS)
}

// same says whether a follower holds exactly what the author has and may give.
func same(t *testing.T, author, follower *member, held int) {
	t.Helper()
	ctx := context.Background()
	a, err := author.store.Feed(ctx, author.id)
	Must(t, err)
	b, err := follower.store.Feed(ctx, author.id)
	Must(t, err)
	if a.Edge.Size() != b.Edge.Size() || a.Edge.Root() != b.Edge.Root() {
		t.Fatalf("the author has %d entries, the follower %d, or another root", a.Edge.Size(), b.Edge.Size())
	}
	n, err := follower.store.Count(ctx, records.Filter{Author: author.id})
	Must(t, err)
	if n != int64(held) {
		t.Fatalf("the follower holds %d records, want %d", n, held)
	}
	for after, more := records.Cursor(""), true; more; {
		page, next, err := follower.store.List(ctx, records.Filter{Author: author.id}, after, 1000)
		Must(t, err)
		for _, r := range page {
			own, err := author.store.Get(ctx, r.ID)
			if err != nil || own.JWT != r.JWT || own.Status != r.Status || own.ReplacedBy != r.ReplacedBy || own.FeedIndex != r.FeedIndex {
				t.Fatalf("record %s: held as %s at %d, its author has %s at %d (%v)", r.ID, r.Status, r.FeedIndex, own.Status, own.FeedIndex, err)
			}
		}
		after, more = next, next != ""
	}
}

func (m *member) alarms(kind string) (n int) {
	for _, a := range m.Alarms() {
		if a.Kind == kind && a.Settled == "" {
			n++
		}
	}
	return n
}

// TestAFollower takes over records, corrections, retractions and erasures; counts
// what it may not hold; and gives a signed receipt for what it erased.
func TestAFollower(t *testing.T) {
	n := world(t, "regulator", "association")
	author, f, ctx := n.members["regulator"], n.members["association"], context.Background()
	ids := author.add(700, "penalty", nil)
	author.add(30, "inner", nil)
	Must(t, author.AnchorOwn(ctx))
	Must(t, f.Poll(ctx, "regulator"))
	same(t, author, f, 700)
	author.add(1, "penalty", func(b *body) { b.Replaces = string(ids[0]) })
	Must(t, author.store.MarkRetracted(ctx, author.document(feed.Retraction, ids[1]), "why"))
	for _, m := range []*member{author, f} {
		if gone(t, m.dir, string(ids[2])) == nil {
			t.Fatalf("%s: the record is in no file before; the test looks in the wrong place", m.id)
		}
	}
	erasure := author.document(feed.Erasure, ids[2])
	Must(t, author.store.EraseRecord(ctx, erasure))
	Must(t, f.Poll(ctx, "regulator"))
	same(t, author, f, 700)
	if got, err := author.store.Receipts(ctx, erasure.ID); err != nil || len(got) != 1 || got[0].Member != "association" {
		t.Errorf("receipts: %+v %v", got, err)
	}
	late := world(t) // one that begins when all of it is over
	late.machine, late.members = n.machine, n.members
	c := &member{t: t, id: "court", dir: t.TempDir(), net: n}
	n.members["court"] = c
	c.open()
	Must(t, c.Poll(ctx, "regulator"))
	same(t, author, c, 700)
	st, err := c.Status(ctx)
	Must(t, err)
	for _, row := range st.Feeds {
		if row.Author == "regulator" && (row.Size != 733 || row.Withheld != 30 || row.Erased != 1 || row.Missing != 0 || row.Anchor != 730) {
			t.Errorf("%+v", row)
		}
	}
	if len(f.Alarms())+len(c.Alarms()) > 0 {
		t.Errorf("alarms: %+v %+v", f.Alarms(), c.Alarms())
	}
	for _, m := range []*member{author, f, c} {
		if gone(t, m.dir, string(ids[2])) != nil {
			t.Errorf("%s: the erased record is still in a file", m.id)
		}
	}
}

// gone looks for the body of a record in the store's files.
func gone(t *testing.T, dir, id string) error {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "records.db*"))
	Must(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		Must(t, err)
		if strings.Contains(string(raw), `"id":"`+id) {
			return errors.New(file)
		}
	}
	return nil
}

// twisted is a peer some of whose answers are others.
type twisted struct {
	feeds.Peer
	checkpoint func([]byte) []byte
	tile       func(tlog.Tile, []byte) []byte
	document   func(*wire.FeedDocument)
	other      feeds.Peer // asked instead for checkpoint and tiles
	err        error
}

func (p twisted) FeedCheckpoint(ctx context.Context, a exchange.MemberID) ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.other != nil {
		return p.other.FeedCheckpoint(ctx, a)
	}
	note, err := p.Peer.FeedCheckpoint(ctx, a)
	if p.checkpoint != nil {
		note = p.checkpoint(note)
	}
	return note, err
}

func (p twisted) FeedTile(ctx context.Context, a exchange.MemberID, tile tlog.Tile) ([]byte, error) {
	from := p.Peer
	if p.other != nil {
		from = p.other
	}
	data, err := from.FeedTile(ctx, a, tile)
	if p.tile != nil {
		data = p.tile(tile, data)
	}
	return data, err
}

func (p twisted) FeedDocuments(ctx context.Context, a exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	from := p.Peer
	if p.other != nil {
		from = p.other
	}
	return from.FeedDocuments(ctx, a, ask, func(d wire.FeedDocument) error {
		if p.document != nil {
			p.document(&d)
		}
		return each(d)
	})
}

// TestADishonestAuthor: whatever an author changes in what it shows raises an alarm
// in the same round, with evidence, and nothing of it is stored.
//
// Shows: B6, B8
func TestADishonestAuthor(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		kind   string
		stays  int64 // entries held after the round; before it 300
		proves string
		evil   func(t *testing.T, n *net) twisted
	}{
		"a rewrite of what was shown": {feeds.KindRewrite, 300, bundle.FeedProvesFork, func(t *testing.T, n *net) twisted { return twisted{other: fork(t, n, 310)} }},
		"another history of the size": {feeds.KindRewrite, 300, bundle.FeedProvesFork, func(t *testing.T, n *net) twisted { return twisted{other: fork(t, n, 300)} }},
		"a feed that shrinks":         {feeds.KindShrunk, 300, bundle.FeedProvesFork, func(t *testing.T, n *net) twisted { return twisted{other: fork(t, n, 200)} }},
		"a checkpoint nobody signed": {feeds.KindCheckpoint, 300, bundle.FeedProvesNothing, func(*testing.T, *net) twisted {
			return twisted{checkpoint: func(b []byte) []byte { return []byte(strings.Replace(string(b), "\n310\n", "\n311\n", 1)) }}
		}},
		"entries that are not in the tree": {feeds.KindRewrite, 300, bundle.FeedProvesNothing, func(*testing.T, *net) twisted {
			return twisted{tile: func(tile tlog.Tile, b []byte) []byte {
				if tile.Level == tlog.EntriesLevel {
					b[len(b)-2] = map[bool]byte{true: '1', false: '0'}[b[len(b)-2] == '0'] // a digit of the last digest
				}
				return b
			}}
		}},
		"a document of another digest": {feeds.KindDocument, 310, bundle.FeedProvesOwed, func(*testing.T, *net) twisted {
			return twisted{document: func(d *wire.FeedDocument) {
				if d.Index == 305 {
					d.Document += " "
				}
			}}
		}},
		"a document withheld": {feeds.KindMissing, 310, bundle.FeedProvesOwed, func(*testing.T, *net) twisted {
			return twisted{document: func(d *wire.FeedDocument) {
				if d.Index == 305 {
					*d = wire.FeedDocument{Index: 305, Lack: "withheld", Category: "penalty", Namespace: "org", Catalogue: 1}
				}
			}}
		}},
		"an erasure nobody signed": {feeds.KindMissing, 310, bundle.FeedProvesOwed, func(*testing.T, *net) twisted {
			return twisted{document: func(d *wire.FeedDocument) {
				if d.Index == 305 {
					*d = wire.FeedDocument{Index: 305, Lack: "erased", Document: "a.b.c"}
				}
			}}
		}},
		"a gap among the documents": {feeds.KindStalled, 300, "", func(*testing.T, *net) twisted {
			return twisted{document: func(d *wire.FeedDocument) { d.Index++ }}
		}},
		"silence": {feeds.KindStalled, 300, "", func(*testing.T, *net) twisted { return twisted{err: errors.New("no answer")} }},
	} {
		t.Run(name, func(t *testing.T) {
			n := world(t, "regulator", "association")
			author, f := n.members["regulator"], n.members["association"]
			author.add(300, "penalty", nil)
			Must(t, f.Poll(ctx, "regulator"))
			author.add(10, "penalty", nil)
			evil := c.evil(t, n)
			n.wrap = func(p feeds.Peer) feeds.Peer { evil.Peer = p; return evil }
			_ = f.Poll(ctx, "regulator")
			if f.alarms(c.kind) != 1 {
				t.Fatalf("no alarm of kind %s: %+v", c.kind, f.Alarms())
			}
			for _, a := range f.Alarms() {
				if a.Kind == c.kind && c.kind != feeds.KindStalled {
					if _, r := evidence(t, f, a); r.Feed.Proves != c.proves || r.OK != (c.proves != bundle.FeedProvesNothing) {
						t.Errorf("the evidence proves %q, want %q: %+v", r.Feed.Proves, c.proves, r.Checks)
					}
				}
			}
			if got, _ := f.store.Feed(ctx, "regulator"); got.Edge.Size() != c.stays {
				t.Errorf("%d entries are held, want %d", got.Edge.Size(), c.stays)
			}
			n.wrap = nil
			Must(t, f.Poll(ctx, "regulator"))
			same(t, author, f, 310)
			passes := c.kind == feeds.KindMissing || c.kind == feeds.KindStalled
			if got := f.alarms(c.kind); (got == 0) != passes {
				t.Errorf("%d alarms after an honest round", got)
			}
		})
	}
}

// evidence is an alarm's file and what anybody makes of it offline.
func evidence(t *testing.T, f *member, a feeds.Alarm) ([]byte, *bundle.Report) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.dir, a.Evidence))
	Must(t, err)
	digest := bundle.DigestOf(f.net.genesis.Charter)
	r := bundle.VerifyFile(raw, bundle.Options{Trust: &digest})
	if r.Feed == nil || r.Feed.Author != string(a.Author) || r.Anchored != r.OK {
		t.Fatalf("%+v", r)
	}
	return raw, r
}

// TestEvidenceConvictsNobodyElse: what is altered in a file that proves a fork, or
// is of an honest author, proves nothing.
//
// Shows: B8
func TestEvidenceConvictsNobodyElse(t *testing.T) {
	ctx := context.Background()
	n := world(t, "regulator", "association")
	author, f := n.members["regulator"], n.members["association"]
	author.add(300, "penalty", nil)
	Must(t, f.Poll(ctx, "regulator"))
	honest, err := author.Checkpoint(ctx, "regulator")
	Must(t, err)
	other := fork(t, n, 310)
	n.wrap = func(p feeds.Peer) feeds.Peer { return twisted{Peer: p, other: other} }
	_ = f.Poll(ctx, "regulator")
	raw, r := evidence(t, f, f.Alarms()[0])
	if !r.OK || len(r.Feed.Conflicts) != 1 || r.Feed.Conflicts[0].Size != 300 {
		t.Fatalf("%+v", r)
	}
	for name, alter := range map[string]func(*bundle.FeedEvidence){
		"of another author":   func(e *bundle.FeedEvidence) { e.Author = "court" },
		"without the charter": func(e *bundle.FeedEvidence) { e.Charter.Signatures = e.Charter.Signatures[:1] },
		"a link altered":      func(e *bundle.FeedEvidence) { e.Links[0].Root[0] ^= 1 },
		"a link to the other": func(e *bundle.FeedEvidence) { e.Links[0].To = 1 },
		"a note altered":      func(e *bundle.FeedEvidence) { e.Notes[0] = strings.Replace(e.Notes[0], "\n310\n", "\n309\n", 1) },
		"without the link":    func(e *bundle.FeedEvidence) { e.Links = nil },
		"the same note twice": func(e *bundle.FeedEvidence) { e.Notes, e.Links = []string{string(honest), string(honest)}, nil },
		"another's command":   func(e *bundle.FeedEvidence) { e.Anchors = []string{e.Charter.Signatures[0]} },
		"an entry from nowhere": func(e *bundle.FeedEvidence) {
			e.Entry = &bundle.FeedWitness{Text: "accord-feed-entry/1\nrecord\nx\ny\n"}
		},
	} {
		ev, err := bundle.ParseFeedEvidence(raw)
		Must(t, err)
		alter(ev)
		altered, err := ev.Marshal()
		Must(t, err)
		digest := bundle.DigestOf(n.genesis.Charter)
		if r := bundle.VerifyFile(altered, bundle.Options{Trust: &digest}); r.OK {
			t.Errorf("%s: %+v", name, r.Feed)
		}
	}
}

// fork is another node of the author's with another history.
func fork(t *testing.T, n *net, size int) feeds.Peer {
	t.Helper()
	other := &member{t: t, id: "regulator", dir: t.TempDir(), net: n}
	other.open()
	other.add(size, "penalty", nil)
	return peer{other, "association"}
}

// TestAnAnchorBinds: who anchored a history can show no other one, not even to a
// member that comes later; and its own node notices an older store.
//
// Shows: B6
func TestAnAnchorBinds(t *testing.T) {
	ctx := context.Background()
	n := world(t, "regulator", "association")
	author, f := n.members["regulator"], n.members["association"]
	author.add(300, "penalty", nil)
	Must(t, author.AnchorOwn(ctx))
	for size, kind := range map[int]string{200: feeds.KindShrunk, 400: feeds.KindAnchor} {
		other := fork(t, n, size)
		n.wrap = func(p feeds.Peer) feeds.Peer { return twisted{Peer: p, other: other} }
		if err := f.Poll(ctx, "regulator"); !errors.Is(err, feeds.ErrFollow) || f.alarms(kind) != 1 {
			t.Errorf("%d: %v %+v", size, err, f.Alarms())
		}
		for _, a := range f.Alarms() {
			want := map[string]string{feeds.KindAnchor: bundle.FeedProvesFork, feeds.KindShrunk: bundle.FeedProvesNothing}[a.Kind]
			if _, r := evidence(t, f, a); r.Feed.Proves != want {
				t.Errorf("%s proves %q: %+v", a.Kind, r.Feed.Proves, r.Checks)
			}
		}
		mine := other.(peer).m
		Must(t, mine.AnchorOwn(ctx))
		if mine.alarms(feeds.KindOwn) != 1 {
			t.Errorf("%d: its own node says nothing", size)
		}
	}
	if got, _ := f.store.Feed(ctx, "regulator"); got.Edge.Size() != 0 {
		t.Errorf("%d entries are held", got.Edge.Size())
	}
	id := f.Alarms()[0].ID
	if _, err := f.Settle(id, "wang", "rebuilt"); err != nil {
		t.Error(err)
	}
	if _, err := f.Settle(id, "wang", "again"); !errors.Is(err, feeds.ErrNoAlarm) {
		t.Error(err)
	}
	f.store.Close()
	f.open()
	if f.OpenAlarms() != 1 {
		t.Errorf("after a restart: %+v", f.Alarms())
	}
}

// TestForgedRecords: a record is authentic by its feed; that it is not signed itself
// is found behind it.
func TestForgedRecords(t *testing.T) {
	ctx := context.Background()
	n := world(t, "regulator", "association")
	author := n.members["regulator"]
	id := author.add(1, "penalty", func(b *body) { b.Signature = "forged" })[0]
	f := n.members["association"]
	Must(t, f.Poll(ctx, "regulator"))
	if f.alarms(feeds.KindSignature) != 1 {
		t.Fatalf("%+v", f.Alarms())
	}
	if _, r := evidence(t, f, f.Alarms()[0]); !r.OK || r.Feed.Proves != bundle.FeedProvesUnsigned {
		t.Errorf("%+v", r)
	}
	file := filepath.Join(f.dir, f.Alarms()[0].Evidence)
	if raw, err := os.ReadFile(file); err != nil || !strings.Contains(string(raw), "forged") {
		t.Fatalf("the evidence does not hold the document: %v", err)
	}
	// What must not be kept is not kept as evidence either.
	Must(t, author.store.EraseRecord(ctx, author.document(feed.Erasure, id)))
	Must(t, f.Poll(ctx, "regulator"))
	if raw, err := os.ReadFile(file); err != nil || strings.Contains(string(raw), "forged") || !strings.Contains(string(raw), string(id)) {
		t.Errorf("the evidence of an erased record: %v %s", err, raw)
	}
}

// TestWhoIsAwayForAWhileIsNotStalled: a restart, an upgrade or a cut of some minutes
// is no alarm; a good round starts the count anew.
func TestWhoIsAwayForAWhileIsNotStalled(t *testing.T) {
	ctx := context.Background()
	n := world(t, "regulator", "association")
	n.patience = 5 * time.Minute
	f := n.members["association"]
	f.open()
	poll := func(silent bool, want int) {
		t.Helper()
		n.wrap = nil
		if silent {
			n.wrap = func(p feeds.Peer) feeds.Peer { return twisted{Peer: p, err: errors.New("no answer")} }
		}
		if err := f.Poll(ctx, "regulator"); (err != nil) != silent || f.alarms(feeds.KindStalled) != want {
			t.Errorf("after %v: %v %+v", n.later, err, f.Alarms())
		}
		n.later += 3 * time.Minute
	}
	poll(true, 0)
	poll(true, 0)
	poll(false, 0)
	poll(true, 0)
	poll(true, 0)
	poll(true, 1)
	poll(false, 0)
	poll(true, 0)
}

// TestNoRoom: a follower whose disk is short takes nothing in, and says so.
func TestNoRoom(t *testing.T) {
	ctx := context.Background()
	n := world(t, "regulator", "association")
	author, f := n.members["regulator"], n.members["association"]
	author.add(3, "penalty", nil)
	n.room = feeds.ErrRoom.With()
	if err := f.Poll(ctx, "regulator"); !errors.Is(err, feeds.ErrRoom) || f.alarms(feeds.KindStalled) != 1 {
		t.Errorf("%v %+v", err, f.Alarms())
	}
	n.room = nil
	Must(t, f.Poll(ctx, "regulator"))
	same(t, author, f, 3)
}
