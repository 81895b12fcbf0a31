package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"accord/crypto/blind"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/state"
	"accord/node/wire"
)

var (
	founded  = time.Date(1999, 12, 31, 23, 59, 0, 0, time.UTC) // a minute before synctest's time begins
	everyone = []exchange.MemberID{"association", "commission", "court", "regulator"}
)

// world is four members, each with its own machine and witness, without a
// network or a log: entries are applied where the test says.
type world struct {
	t       *testing.T
	dir     string
	genesis members.Genesis
	member  map[exchange.MemberID]*party
	next    int

	mu     sync.Mutex
	now    time.Time
	away   map[exchange.MemberID]bool // cannot be reached; guarded by mu
	leader exchange.MemberID
}

// party is one member.
type party struct {
	*Witness
	w       *world
	id      exchange.MemberID
	machine *machine.Machine
	stops   []bool
	lie     func(note []byte) []byte // what it answers instead of its checkpoint
	rotten  atomic.Int64             // the stored body in which a bit has turned
	censors exchange.MemberID        // whose statements it takes none of while it leads
}

// bodies keeps statements in memory.
type bodies struct {
	of  *party
	mu  sync.Mutex
	all []string
}

func (b *bodies) Append(blob string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, blob)
}

func (b *bodies) Get(n int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body := []byte(b.all[n-1])
	if n == b.of.rotten.Load() {
		body[9] ^= 1
	}
	return body, nil
}

func (b *bodies) Part(n int64, from, length int) ([]byte, error) {
	body, err := b.Get(n)
	return body[from : from+length], err
}

func (b *bodies) Close() error { return nil }

type fixedKeys string

func (m fixedKeys) Key(use keys.Use) (keys.Private, error) {
	return cryptotest.Key(string(m), use), nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), genesis: genesis(t), member: map[exchange.MemberID]*party{},
		now: founded.Add(time.Second), away: map[exchange.MemberID]bool{}, leader: "court"}
	for _, id := range everyone {
		p := &party{w: w, id: id}
		m, err := machine.New(w.genesis, machine.Options{Blobs: func() (state.Blobs, error) { return &bodies{of: p}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		p.machine = m
		w.member[id] = p
		w.open(id)
	}
	return w
}

func genesis(t *testing.T) members.Genesis {
	t.Helper()
	doc, _ := catalogue.Demo()
	c := members.Charter{Format: members.CharterFormat, Federation: "qinghai", Name: exchange.Text{Zh: "青海", En: "Qinghai"},
		Founded: exchange.MillisOf(founded), CosignQuorum: 3, AdoptQuorum: 3, MachineVersion: 1,
		Catalogue: members.CatalogueRef{Digest: catalogue.Digest(doc), Version: 1},
		Blind:     members.BlindRef{Scheme: "h1", Commitment: blind.Commitment(bytes.Repeat([]byte{7}, 32))}}
	for i, id := range everyone {
		f := members.Founder{ID: id, Kind: exchange.KindCourt, Name: exchange.Text{Zh: "例", En: string(id)}, Seat: true,
			Node: members.Node{ID: string(id) + "-1", Address: fmt.Sprintf("127.0.0.1:%d", 7101+i)}}
		for _, use := range keys.Uses() {
			f.Keys = append(f.Keys, cryptotest.Public(string(id), use))
		}
		c.Members = append(c.Members, f)
	}
	payload, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	g := members.Genesis{Charter: payload, Catalogue: doc}
	for _, id := range everyone {
		sig, err := jws.Sign(cryptotest.Key(string(id), keys.Command), jws.TypCharter, payload)
		if err != nil {
			t.Fatal(err)
		}
		g.Signatures = append(g.Signatures, sig)
	}
	return g
}

// open opens a member's witness, anew if it was open.
func (w *world) open(id exchange.MemberID) *party {
	w.t.Helper()
	p := w.member[id]
	wit, err := Open(p.config())
	if err != nil {
		w.t.Fatal(err)
	}
	p.Witness = wit
	return p
}

func (p *party) config() Config {
	return Config{Federation: "qinghai", Self: p.id, Dir: filepath.Join(p.w.dir, string(p.id), "witness"), Genesis: p.w.genesis,
		Keys: fixedKeys(p.id), Ledger: p.machine, Clock: p.w.clock, Log: slog.New(slog.DiscardHandler), Check: p.machine.Check,
		Peer:    func(m exchange.MemberID) (Peer, error) { return link{p.w.member[m], p.id}, nil },
		Leader:  func() exchange.MemberID { return p.w.leader },
		Propose: p.propose, OnStop: func(stopped bool) { p.stops = append(p.stops, stopped) }}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) cut(id exchange.MemberID, away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away[id] = away
}

// link is one member's way to another's node.
type link struct {
	to   *party
	from exchange.MemberID
}

var errAway = errors.New("no answer")

func (l link) reach() error {
	l.to.w.mu.Lock()
	defer l.to.w.mu.Unlock()
	if l.to.w.away[l.to.id] || l.to.w.away[l.from] {
		return errAway
	}
	return nil
}

func (l link) Checkpoint(ctx context.Context, size int64) (wire.Checkpoint, error) {
	if err := l.reach(); err != nil {
		return wire.Checkpoint{}, err
	}
	note, err := l.to.Sign(ctx, size)
	if err == nil && l.to.lie != nil {
		note = l.to.lie(note)
	}
	return wire.Checkpoint{Note: string(note)}, err
}

func (l link) Cosigned(context.Context) ([]byte, error) {
	if err := l.reach(); err != nil {
		return nil, err
	}
	c, ok := l.to.Newest()
	if !ok {
		return nil, ErrNoCheckpoint.With()
	}
	return []byte(c.Note), nil
}

func (l link) State(ctx context.Context, sizes []int64) (wire.LedgerState, error) {
	if err := l.reach(); err != nil {
		return wire.LedgerState{}, err
	}
	return l.to.State(ctx, sizes)
}

func (l link) ListsWord(ctx context.Context, size int64, at exchange.Millis) ([]byte, error) {
	if err := l.reach(); err != nil {
		return nil, err
	}
	return l.to.SignLists(ctx, size, at)
}

func (l link) AccessesWord(ctx context.Context, size int64) ([]byte, error) {
	if err := l.reach(); err != nil {
		return nil, err
	}
	return l.to.SignAccesses(ctx, size)
}

func (l link) Complain(_ context.Context, in wire.ComplaintPaper) (wire.Complaint, error) {
	if err := l.reach(); err != nil {
		return wire.Complaint{}, err
	}
	return l.to.Hear(in.JWS, l.from)
}

// statement signs a command of a member that the ledger will refuse by a rule:
// it is a leaf like any other.
func (w *world) statement(by exchange.MemberID) []byte {
	w.t.Helper()
	w.next++
	cmd := exchange.Command{Federation: "qinghai", Issuer: by, Operator: "zhao", At: exchange.MillisOf(w.clock()), Catalogue: 1,
		ID: exchange.CommandID(fmt.Sprintf("statement-%06d", w.next)), Verb: exchange.VerbReleaseDeny,
		Body: []byte(`{"release":"AAAAAAAAAAAAAAAAAAAAAA","note":"x"}`)}
	payload, err := cmd.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := jws.Sign(cryptotest.Key(string(by), keys.Command), jws.TypCommand, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	return []byte(token)
}

// apply brings a statement onto the ledgers of these members, all if none is
// named.
func (w *world) apply(statement []byte, at ...exchange.MemberID) {
	w.t.Helper()
	if len(at) == 0 {
		at = everyone
	}
	for _, id := range at {
		m := w.member[id].machine
		if err := m.Check(statement); err != nil {
			w.t.Fatalf("%s: %v", id, err)
		}
		if _, err := m.Apply(m.View().Index()+1, [][]byte{statement}); err != nil {
			w.t.Fatalf("%s: %v", id, err)
		}
	}
}

func (w *world) grow(n int, at ...exchange.MemberID) {
	w.t.Helper()
	for range n {
		w.apply(w.statement("court"), at...)
	}
}

// propose is what a member's node does with a statement: whoever leads decides.
func (p *party) propose(_ context.Context, statement []byte) error {
	w := p.w
	w.mu.Lock()
	leader := w.leader
	w.mu.Unlock()
	t, err := jws.Parse(string(statement))
	if err != nil {
		return err
	}
	cmd, err := exchange.DecodeCommand(t.Payload)
	if err != nil {
		return err
	}
	if w.member[leader].censors == cmd.Issuer {
		return errors.New("refused")
	}
	w.apply(statement)
	return nil
}

// forked is a note a member validly signed over another root.
func forked(t *testing.T, by exchange.MemberID, note []byte) []byte {
	t.Helper()
	return forkedWith(t, by, cryptotest.Key(string(by), keys.Cosign), founded.Unix()+5, note)
}

func forkedWith(t *testing.T, by exchange.MemberID, key keys.Private, unix int64, note []byte) []byte {
	t.Helper()
	c, _, err := tlog.Read(note)
	if err != nil {
		t.Fatal(err)
	}
	c.Root[0] ^= 1
	signer, err := tlog.NewCosigner("qinghai", string(by), key)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(c, unix)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tlog.Format(c, sig)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := strictjson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
