package agency_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"accord/crypto/blind"
	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// world is a federation without a network: one machine, one agency a member.
type world struct {
	machine *machine.Machine
	mu      sync.Mutex
	index   uint64
	now     time.Time
	agency  map[exchange.MemberID]*agency.Agency
	dir     string
	genesis members.Genesis
	blinder blind.Blinder
}

type fixedKeys string

func (m fixedKeys) Key(use keys.Use) (keys.Private, error) {
	return cryptotest.Key(string(m), use), nil
}

// Propose applies at once, as a federation of one node would.
func (w *world) Propose(_ context.Context, payload []byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.machine.Check(payload); err != nil {
		return nil, err
	}
	w.index++
	answers, err := w.machine.Apply(w.index, [][]byte{payload})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

func (w *world) clock() time.Time { return w.now }

func newWorld(t *testing.T) *world {
	t.Helper()
	document, _ := catalogue.Demo()
	return foundWorld(t, document, members.MachineMeeting)
}

// foundWorld is a federation under a catalogue and machine version, with members
// beyond the usual four.
func foundWorld(t *testing.T, document []byte, version int, more ...exchange.MemberID) *world {
	t.Helper()
	return foundBy(t, document, version, func(*members.Charter) {}, more...)
}

// foundBy is foundWorld by an edited charter.
func foundBy(t *testing.T, document []byte, version int, edit func(*members.Charter), more ...exchange.MemberID) *world {
	t.Helper()
	kinds := map[exchange.MemberID]exchange.MemberKind{"regulator": exchange.KindRegulator, "commission": exchange.KindCommission,
		"association": exchange.KindAssociation, "court": exchange.KindCourt}
	all := append([]exchange.MemberID{"regulator", "commission", "association", "court"}, more...)
	for _, id := range more {
		kinds[id] = exchange.KindInsurer
	}
	blindKey := bytes.Repeat([]byte{7}, 32)
	c := members.Charter{Format: members.CharterFormat, Federation: "qinghai", Name: exchange.Text{Zh: "青海", En: "Qinghai"},
		Founded: exchange.MillisOf(start), CosignQuorum: 3, AdoptQuorum: 3, MachineVersion: version,
		Catalogue: members.CatalogueRef{Digest: catalogue.Digest(document), Version: 1},
		Blind:     members.BlindRef{Scheme: "h1", Commitment: blind.Commitment(blindKey)}}
	for i, id := range all {
		f := members.Founder{ID: id, Kind: kinds[id], Name: exchange.Text{Zh: "例", En: string(id)}, Seat: kinds[id] != exchange.KindInsurer,
			Node: members.Node{ID: string(id) + "-1", Address: fmt.Sprintf("127.0.0.1:%d", 7101+i)}}
		for _, use := range keys.Uses() {
			f.Keys = append(f.Keys, cryptotest.Public(string(id), use))
		}
		c.Members = append(c.Members, f)
	}
	edit(&c)
	payload, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	g := members.Genesis{Charter: payload, Catalogue: document}
	for _, m := range c.Members {
		sig, err := jws.Sign(cryptotest.Key(string(m.ID), keys.Command), jws.TypCharter, payload)
		if err != nil {
			t.Fatal(err)
		}
		g.Signatures = append(g.Signatures, sig)
	}
	w := &world{now: start.Add(time.Second), agency: map[exchange.MemberID]*agency.Agency{}, dir: t.TempDir()}
	if w.machine, err = machine.New(g, machine.Options{}); err != nil {
		t.Fatal(err)
	}
	w.genesis = g
	if w.blinder, err = blind.NewHMAC(blindKey); err != nil {
		t.Fatal(err)
	}
	for id, kind := range kinds {
		w.open(t, id, kind)
	}
	return w
}

// open makes a member's agency.
func (w *world) open(t *testing.T, id exchange.MemberID, kind exchange.MemberKind) {
	t.Helper()
	store, err := records.OpenSQLite(context.Background(), filepath.Join(w.dir, string(id)+".db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w.agency[id], err = agency.New(agency.Config{Federation: "qinghai", Self: id, Kind: kind, Keys: fixedKeys(id),
		Storage: cryptotest.Secret(string(id), "storage"), Blinder: w.blinder, Ledger: w.machine, Proposer: w,
		Records: store, Genesis: w.genesis, Clock: w.clock, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
}

// readSample reads the shipped disciplinary sample.
func readSample(t *testing.T, w *world) (*intake.Mapping, iter.Seq2[*intake.Row, error]) {
	t.Helper()
	raw, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	m, err := intake.Builtin("discipline")
	if err != nil {
		t.Fatal(err)
	}
	_, rows, err := intake.Read(context.Background(), bytes.NewReader(raw), int64(len(raw)), m,
		w.machine.View().Catalogue().Document(), intake.Options{AsOf: w.now, KeyHash: w.agency["association"].KeyHash})
	if err != nil {
		t.Fatal(err)
	}
	return m, rows
}

// importSample imports the shipped disciplinary sample at the association.
func importSample(t *testing.T, w *world) []exchange.RecordID {
	t.Helper()
	m, rows := readSample(t, w)
	a := w.agency["association"]
	var ids []exchange.RecordID
	err := a.ImportRows(context.Background(), "li", w.machine.View().Catalogue(), m, rows, false, func(i agency.Imported) error {
		if i.Record != "" && i.Row.Category == "discipline-practitioner" {
			ids = append(ids, i.Record)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) == 0 {
		t.Fatal("no practitioner's record was imported")
	}
	return ids
}

func recordRef(t *testing.T, w *world, id exchange.RecordID) (lists.RecordRef, agency.RecordClaims) {
	t.Helper()
	rec, err := w.agency["association"].Records.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	claims, _, err := w.agency["court"].VerifyRecord("association", rec.JWT)
	if err != nil {
		t.Fatal(err)
	}
	return agency.ReferenceTo("association", claims, rec.JWT), claims
}

func TestImportIsIdempotentAndSealed(t *testing.T) {
	w := newWorld(t)
	first := importSample(t, w)
	a := w.agency["association"]
	before, _ := a.Records.Count(context.Background(), records.Filter{})
	m, rows := readSample(t, w)
	err := a.ImportRows(context.Background(), "li", w.machine.View().Catalogue(), m, rows, false, func(i agency.Imported) error {
		if i.Record != "" || i.Clash {
			t.Errorf("row %d became a second record", i.Row.Number)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := a.Records.Count(context.Background(), records.Filter{}); after != before {
		t.Errorf("%d records, then %d", before, after)
	}
	rec, _ := a.Records.Get(context.Background(), first[0])
	for _, canary := range intake.SampleCanaries() {
		if bytes.Contains([]byte(rec.JWT), []byte(canary)) {
			t.Error("a private value stands in the signed part")
		}
	}
	if len(rec.Sealed) < 3 {
		t.Errorf("%d sealed fields", len(rec.Sealed))
	}
}

func TestReleaseFromRequestToOpening(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	ref, _ := recordRef(t, w, importSample(t, w)[0])
	court, association := w.agency["court"], w.agency["association"]
	id, err := court.AskRelease(ctx, "wang", release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := association.Deliver(ctx, "node", "commission", id); !errors.Is(err, agency.ErrNotParty) {
		t.Errorf("the commission collected the court's release: %v", err)
	}
	envelope, err := association.Deliver(ctx, "node", "court", id)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := association.Deliver(ctx, "node", "court", id); err != nil || within(t, again) != within(t, envelope) {
		t.Errorf("the answer was lost and cannot be had again: %v", err)
	}
	if _, err := w.agency["regulator"].Open(ctx, "x", id, envelope); !errors.Is(err, agency.ErrNotParty) {
		t.Errorf("the regulator opened it: %v", err)
	}
	opened, err := court.Open(ctx, "wang", id, envelope)
	if err != nil {
		t.Fatal(err)
	}
	if len(opened.Fields) != 1 || len(opened.Fields["resident_id"]) != 20 {
		t.Errorf("%d fields opened", len(opened.Fields))
	}
	if _, err := association.Deliver(ctx, "node", "court", id); !errors.Is(err, agency.ErrNotGranted) {
		t.Errorf("delivered again after it was opened: %v", err)
	}
	rel, _ := w.machine.View().Release(id)
	if rel.StatusAt(exchange.MillisOf(w.now)) != release.Opened || rel.Delivered == nil || rel.Opened.Digest != rel.Delivered.Digest {
		t.Errorf("receipt %+v", rel)
	}
}

// Shows: B10
func TestAlteredEnvelopesAreNotOpened(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	ref, _ := recordRef(t, w, importSample(t, w)[0])
	court, association := w.agency["court"], w.agency["association"]
	ask := func() exchange.ReleaseID {
		id, err := court.AskRelease(ctx, "wang", release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement",
			Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	one, two := ask(), ask()
	envelope, err := association.Deliver(ctx, "node", "court", one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := court.Open(ctx, "wang", two, envelope); !errors.Is(err, agency.ErrDelivery) {
		t.Errorf("an envelope for another release: %v", err)
	}
	bad := []byte(envelope)
	bad[len(bad)-3] ^= 1
	if _, err := court.Open(ctx, "wang", one, string(bad)); !errors.Is(err, agency.ErrDelivery) {
		t.Errorf("an altered envelope: %v", err)
	}
}

// Shows: B11
func TestARequestForAnotherRecordThanNamedIsNotDelivered(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	ref, _ := recordRef(t, w, importSample(t, w)[0])
	ref.Digest = fmt.Sprintf("%064d", 0)
	id, err := w.agency["court"].AskRelease(ctx, "wang", release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.agency["association"].Deliver(ctx, "node", "court", id); !errors.Is(err, agency.ErrMismatch) {
		t.Errorf("delivered a record under another digest: %v", err)
	}
}

func TestNominationAndEvidence(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	// only a public condemnation may ground a black-list entry
	ref, claims := recordRef(t, w, importSample(t, w)[0])
	entry, err := w.agency["regulator"].Nominate(ctx, "zhao", agency.Nomination{List: "black", Subject: claims.Subject, SubjectKind: claims.SubjectKind,
		Name: "不应出现", Ground: "condemnation", Records: []lists.RecordRef{ref}, TermDays: 730, Measures: []string{"market-exit"}})
	if err != nil {
		t.Fatal(err)
	}
	row, _ := w.machine.View().Entry(entry)
	if row.Name != "" {
		t.Error("a natural person's name stands on the ledger")
	}
	now := exchange.MillisOf(w.now)
	if row.StatusAt(now) != lists.Nominated || row.StatusAt(now.Add(3*time.Second)) != lists.Listed {
		t.Errorf("status %s, later %s", row.StatusAt(now), row.StatusAt(now.Add(3*time.Second)))
	}
	cosigned := cosigned(t, w, "association", "regulator", "commission", "court")
	b, err := w.agency["association"].Bundle(ctx, cosigned)
	if err != nil {
		t.Fatal(err)
	}
	file, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if report := bundle.Verify(file, bundle.Options{}); !report.OK {
		t.Errorf("the bundle does not verify: %+v", report)
	}
	forged := bytes.Replace(file, []byte(`"index":1`), []byte(`"index":2`), 1)
	if report := bundle.Verify(forged, bundle.Options{}); report.OK {
		t.Error("a forged bundle verifies")
	}
}

// cosigned is the ledger as it stands under the signatures of these members.
func cosigned(t *testing.T, w *world, ms ...exchange.MemberID) []byte {
	t.Helper()
	view := w.machine.View()
	c := tlog.Checkpoint{Origin: tlog.LedgerOrigin(view.Federation().ID), Size: view.Size(), Root: view.Root()}
	var sigs []tlog.Signature
	for _, m := range ms {
		key, err := w.agency[m].Keys.Key(keys.Cosign)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := tlog.NewCosigner(view.Federation().ID, string(m), key)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := signer.Sign(c, w.now.Unix())
		if err != nil {
			t.Fatal(err)
		}
		sigs = append(sigs, sig)
	}
	note, err := tlog.Format(c, sigs...)
	if err != nil {
		t.Fatal(err)
	}
	return note
}
