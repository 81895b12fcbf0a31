package agency_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
)

// enact brings the roster in force that edit makes of the present one.
func (w *world) enact(t *testing.T, edit func(r *members.Roster), introduced ...members.Founder) {
	t.Helper()
	w.now = w.now.Add(time.Second) // a key ends at its roster's time
	line := w.machine.View().Lineage()
	r := *line.Roster()
	r.Members = append([]members.Founder(nil), r.Members...)
	r.Charter, r.Previous, r.Version = w.genesis.Digest(), line.Digest(), line.Version()+1
	edit(&r)
	document, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := members.SignedRoster{Document: string(document)}
	for _, f := range introduced {
		payload, err := strictjson.Marshal(members.Introduction{Format: members.IntroductionFormat, Federation: "qinghai",
			At: exchange.MillisOf(w.now), Member: f})
		if err != nil {
			t.Fatal(err)
		}
		proof, err := jws.Sign(privateOf(f, keys.Command), jws.TypIntroduction, payload)
		if err != nil {
			t.Fatal(err)
		}
		s.Proofs = append(s.Proofs, proof)
	}
	for _, seat := range []exchange.MemberID{"commission", "association", "court"} {
		_, token, err := w.agency[seat].EndorseRoster(s)
		if err != nil {
			t.Fatal(err)
		}
		s.Endorsements = append(s.Endorsements, token)
	}
	if _, err := w.agency["court"].EnactRoster(context.Background(), "sun", s); err != nil {
		t.Fatal(err)
	}
}

// privateOf finds the private key of a listing among those of the fixed labels.
func privateOf(f members.Founder, use keys.Use) keys.Private {
	for _, label := range []string{string(f.ID), string(f.ID) + "-2"} {
		for _, k := range f.Keys {
			if key := cryptotest.Key(label, use); key.KID() == k.KID() {
				return key
			}
		}
	}
	return keys.Private{}
}

// TestEvidenceAfterRosters: what newcomers and new keys sign proves itself offline
// like what the founders signed, and so does what the old keys signed before.
//
// Shows: B8, I7
func TestEvidenceAfterRosters(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	list := func(id exchange.MemberID, record exchange.RecordID) exchange.EntryID {
		t.Helper()
		ref, claims := recordRef(t, w, record)
		entry, err := w.agency[id].Nominate(ctx, "zhao", agency.Nomination{List: "black", Subject: claims.Subject, SubjectKind: claims.SubjectKind,
			Ground: "condemnation", Records: []lists.RecordRef{ref}, TermDays: 730, Measures: []string{"market-exit"}})
		if err != nil {
			t.Fatal(err)
		}
		return entry
	}
	sample := importSample(t, w)
	entries := []exchange.EntryID{list("regulator", sample[0])}
	joins := members.Founder{ID: "bureau", Kind: exchange.KindRegulator, Name: exchange.Text{Zh: "例", En: "bureau"}, Seat: true,
		Node: members.Node{ID: "bureau-1", Address: "127.0.0.1:7120", Role: members.Nonvoter}}
	for _, use := range keys.Uses() {
		joins.Keys = append(joins.Keys, cryptotest.Public("bureau", use))
	}
	w.enact(t, func(r *members.Roster) { r.Members = append(r.Members, joins) }, joins)
	w.open(t, "bureau", exchange.KindRegulator)
	before := cosigned(t, w, "bureau", "regulator", "commission")
	entries = append(entries, list("bureau", sample[1]))

	renewed, _ := w.machine.View().Lineage().Roster().Member("regulator")
	renewed.Keys = nil
	for _, use := range keys.Uses() {
		renewed.Keys = append(renewed.Keys, cryptotest.Public("regulator-2", use))
	}
	w.enact(t, func(r *members.Roster) { r.Members[0] = renewed }, renewed)
	w.agency["regulator"].Keys = fixedKeys("regulator-2")
	entries = append(entries, list("regulator", sample[2]))
	after := cosigned(t, w, "bureau", "regulator", "commission")

	trust := bundle.DigestOf(w.genesis.Charter)
	verified := func(b *bundle.Bundle, err error, changes int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		file, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if report := bundle.Verify(file, bundle.Options{Trust: &trust}); !report.OK || !report.Anchored || report.Roster != changes {
			t.Errorf("roster %d, want %d: %+v", report.Roster, changes, report.Checks)
		}
	}
	b, err := w.agency["association"].Bundle(ctx, before)
	verified(b, err, 1)
	b, err = w.agency["association"].Bundle(ctx, after)
	verified(b, err, 2)
	for _, id := range entries {
		b, err := w.agency["association"].EntryBundle(ctx, id, after)
		verified(b, err, 2)
	}
	// A key that was replaced makes no checkpoints any more.
	w.agency["regulator"].Keys = fixedKeys("regulator")
	if b, err = w.agency["association"].Bundle(ctx, cosigned(t, w, "bureau", "regulator", "commission")); err != nil {
		t.Fatal(err)
	}
	if file, err := b.Marshal(); err != nil || bundle.Verify(file, bundle.Options{Trust: &trust}).OK {
		t.Errorf("a replaced cosigning key counts: %v", err)
	}
}

// TestWhatIsUnderWayWhenKeysChange: a roster replaces this member's keys between the
// signing of a nomination and its turn on the ledger. It is signed again, document and
// command, and its caller hears of nothing; a key that was not replaced is refused once.
//
// Shows: F37
func TestWhatIsUnderWayWhenKeysChange(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	regulator := w.agency["regulator"]
	ref, claims := recordRef(t, w, importSample(t, w)[0])
	nominate := func() (exchange.EntryID, error) {
		return regulator.Nominate(ctx, "zhao", agency.Nomination{List: "black", Subject: claims.Subject, SubjectKind: claims.SubjectKind,
			Ground: "condemnation", Records: []lists.RecordRef{ref}, TermDays: 730, Measures: []string{"market-exit"}})
	}
	proposed := 0
	regulator.Proposer = proposeFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		if proposed++; proposed == 1 {
			renewed, _ := w.machine.View().Lineage().Roster().Member("regulator")
			renewed.Keys = nil
			for _, use := range keys.Uses() {
				renewed.Keys = append(renewed.Keys, cryptotest.Public("regulator-2", use))
			}
			w.enact(t, func(r *members.Roster) { r.Members[0] = renewed }, renewed)
			regulator.Keys = fixedKeys("regulator-2")
		}
		return w.Propose(ctx, payload)
	})
	id, err := nominate()
	if err != nil || proposed != 3 { // the command's key is the old one, then the document's, then none
		t.Fatalf("%d times: %v", proposed, err)
	}
	if e, ok := w.machine.View().Entry(id); !ok || e.Version != 1 {
		t.Errorf("%+v %v", e, ok)
	}
	regulator.Keys = fixedKeys("regulator")
	proposed = 1
	if _, err := nominate(); !errors.Is(err, machine.ErrSigner) || proposed != 2 {
		t.Errorf("with a key of the past, %d times: %v", proposed-1, err)
	}
}
