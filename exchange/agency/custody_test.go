package agency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/exchange/feed"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
)

// custodyCatalogue is the demonstration's with custody of a category by any three of
// the regulator, the commission, the court and the insurers.
func custodyCatalogue(t testing.TB) []byte {
	t.Helper()
	raw, _ := catalogue.Demo()
	doc, err := catalogue.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	doc.Format = catalogue.Format2
	for i := range doc.Categories {
		if doc.Categories[i].ID == "discipline-practitioner" {
			doc.Categories[i].Custody = &catalogue.Custody{K: 3, Of: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindCourt, exchange.KindInsurer}}
		}
	}
	for i := range doc.Rules {
		if slices.Contains(doc.Rules[i].Requesters, exchange.KindCourt) {
			doc.Rules[i].Bulk = &catalogue.Bulk{Records: 5, Persons: 2}
		}
	}
	out, err := strictjson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// custodians are the five of custodyWorld, in the order of their shares.
var custodians = []exchange.MemberID{"commission", "court", "insurer-a", "insurer-b", "regulator"}

// custodyWorld is a federation of six under that catalogue with the association's
// sample in custody.
func custodyWorld(t *testing.T) (*world, []exchange.RecordID) {
	t.Helper()
	w := foundWorld(t, custodyCatalogue(t), 4, "insurer-a", "insurer-b")
	ids := importSample(t, w)
	w.deposit(t)
	return w, ids
}

// node is a custodian's node as an author reaches it.
type node struct {
	w    *world
	from exchange.MemberID
	to   exchange.MemberID
	edit func(agency.Deposit) agency.Deposit
}

func (n node) TakeDeposits(ctx context.Context, all []agency.Deposit) ([]agency.Deposited, error) {
	if n.edit != nil {
		all = slices.Clone(all)
		for i := range all {
			all[i] = n.edit(all[i])
		}
	}
	return n.w.agency[n.to].TakeDeposits(ctx, n.from, all)
}

func (n node) Retire(ctx context.Context, all []custody.Named) ([]agency.Deposited, error) {
	return n.w.agency[n.to].RetireShares(ctx, n.from, all)
}

// deposit does the author's rounds until nothing is left to do.
func (w *world) deposit(t *testing.T, but ...exchange.MemberID) {
	t.Helper()
	a, ctx := w.agency["association"], t.Context()
	for more := true; more; {
		must(t, a.AnchorCustody(ctx, "node"))
		var err error
		more, err = a.DealCustody(ctx)
		must(t, err)
		must(t, a.AnchorCustody(ctx, "node"))
	}
	for _, m := range w.machine.View().Members() {
		if m.ID == "association" || m.Status != members.Active || slices.Contains(but, m.ID) {
			continue
		}
		for more := true; more; {
			var err error
			more, err = a.HandOver(ctx, m.ID, node{w: w, from: "association", to: m.ID})
			must(t, err)
		}
	}
	for _, m := range custodians { // what became old with the last one's receipt
		if !slices.Contains(but, m) {
			_, err := a.HandOver(ctx, m, node{w: w, from: "association", to: m})
			must(t, err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mirror gives a member the signed part of the association's records.
func (w *world) mirror(t *testing.T, to exchange.MemberID) {
	t.Helper()
	page, _, err := w.agency["association"].Records.List(t.Context(), records.Filter{}, "", records.MaxPage)
	must(t, err)
	var items []records.Item
	for _, r := range page {
		m, err := w.agency[to].ReadRecord("association", r.JWT)
		must(t, err)
		kind := feed.Record
		if m.Replaces != "" {
			kind = feed.Correction
		}
		items = append(items, records.Item{Entry: feed.EntryOf(kind, string(r.ID), r.JWT), Record: &m})
	}
	must(t, w.agency[to].Records.Follow(t.Context(), "association", 0, items, "note"))
}

// asking is how the court asks the custodians.
func (w *world) asking(as exchange.MemberID, asked map[exchange.MemberID]string) agency.AskCustodian {
	return func(ctx context.Context, m exchange.MemberID, id exchange.ReleaseID, generation int) (string, error) {
		if asked != nil {
			if envelope, ok := asked[m]; ok {
				if envelope == "" {
					return "", errGone
				}
				return envelope, nil
			}
		}
		return w.agency[m].AnswerCustody(ctx, "node", as, id, generation)
	}
}

var errGone = exchange.Define(exchange.KindUnavailable, "TEST-GONE", exchange.Text{Zh: "无", En: "gone"}, exchange.Text{}).With()

// granted asks at the court for fields of a record.
func (w *world) ask(t *testing.T, id exchange.RecordID, fields ...string) exchange.ReleaseID {
	t.Helper()
	ref, _ := recordRef(t, w, id)
	out, err := w.agency["court"].AskRelease(t.Context(), "wang", release.RequestBody{Record: ref, Fields: fields, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	must(t, err)
	return out
}

// TestTheAuthorIsGone: with the author's store, keys and node away for good, any three
// of five custodians open exactly the granted fields, with receipts on the ledger, and
// two nothing.
//
// Shows: B3
func TestTheAuthorIsGone(t *testing.T) {
	w, ids := custodyWorld(t)
	w.mirror(t, "court")
	ref, _ := recordRef(t, w, ids[0])
	want, err := w.agency["association"].Records.Get(t.Context(), ids[0])
	must(t, err)
	id := w.ask(t, ids[0], "resident_id", "name")
	must(t, w.agency["association"].Records.Close())
	must(t, os.RemoveAll(filepath.Join(w.dir, "association.db")))
	delete(w.agency, "association")

	gone := map[exchange.MemberID]string{"commission": "", "insurer-a": "", "insurer-b": ""}
	if _, faults, err := w.agency["court"].OpenByCustodians(t.Context(), "wang", id, w.asking("court", gone)); !errors.Is(err, agency.ErrFewCustodians) || len(faults) != 3 {
		t.Fatalf("two of five opened it: %v %v", err, faults)
	}
	delete(gone, "insurer-b")
	opened, faults, err := w.agency["court"].OpenByCustodians(t.Context(), "wang", id, w.asking("court", gone))
	if err != nil || len(opened.Fields) != 2 || len(faults) > 2 {
		t.Fatalf("%v %v %v", opened.Fields, faults, err)
	}
	for _, d := range want.Sealed {
		if v, ok := opened.Fields[d.Field]; ok && !json.Valid(v) {
			t.Errorf("%s is %s", d.Field, v)
		}
	}
	v, err := sdjwt.Verify(opened.Bound, agency.TypRecord, func(kid string) (keys.Public, error) {
		return cryptotest.Public("association", keys.Attest), nil
	}, "fed", "cat", "cat_digest", "subject_kind", "replaces", "public")
	if err != nil || records.DigestOf(v.JWT) != ref.Digest || len(v.Disclosed) != 2 {
		t.Errorf("%v", err)
	}
	rel, _ := w.machine.View().Release(id)
	all, _ := w.machine.View().CustodyAnswers(id)
	if rel.StatusAt(w.machine.View().Time()) != release.Opened || len(all.Deliveries) != 3 || len(all.Opened) != 3 || rel.Delivered != nil {
		t.Errorf("%+v %+v", rel, all)
	}
	if _, err := w.agency["regulator"].AnswerCustody(t.Context(), "node", "court", id, 1); !errors.Is(err, custody.ErrNotGranted) {
		t.Error("what was opened is given again:", err)
	}
}

// TestCustodiansJudgeThemselves: who asks with what is not its own, was refused or has
// lapsed, or for what was retracted or erased, gets nothing from any custodian, and
// nothing of it is on the ledger.
func TestCustodiansJudgeThemselves(t *testing.T) {
	w, ids := custodyWorld(t)
	id := w.ask(t, ids[0], "resident_id")
	refused, _ := recordRef(t, w, ids[0])
	no, err := w.agency["regulator"].AskRelease(t.Context(), "liu", release.RequestBody{Record: refused, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "1"}})
	must(t, err)
	refused.Digest = strings.Repeat("0", 64)
	other, err := w.agency["court"].AskRelease(t.Context(), "wang", release.RequestBody{Record: refused, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "1"}})
	must(t, err)
	refused, _ = recordRef(t, w, ids[0])
	refused.Category = "practitioner-basic" // whose rules may be laxer
	lied, err := w.agency["court"].AskRelease(t.Context(), "wang", release.RequestBody{Record: refused, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "1"}})
	must(t, err)
	before := w.machine.View().Seq()
	try := func(name string, as exchange.MemberID, id exchange.ReleaseID, generation int, code string) {
		t.Helper()
		got, err := w.agency["commission"].AnswerCustody(t.Context(), "node", as, id, generation)
		if got != "" || exchange.AsError(err) == nil || exchange.AsError(err).Code != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
	}
	try("another member's release", "regulator", id, 1, "OPEN-003")
	try("no release", "court", exchange.ReleaseID(ids[0]), 1, "OPEN-001")
	try("refused", "regulator", no, 1, "CUST-006")
	try("another record", "court", other, 1, "OPEN-004")
	try("another category", "court", lied, 1, "OPEN-004")
	try("a generation that is not there", "court", id, 2, "CUST-004")
	now := w.now
	w.now = now.Add(73 * time.Hour)
	try("lapsed", "court", id, 1, "CUST-006")
	w.now = now
	d, err := feed.SignDocument(feed.Retraction, feed.Claims{Issuer: "association", ID: "retraction-00000000001", IssuedAt: 1, Federation: "qinghai", Record: ids[0]}, cryptotest.Key("association", keys.Attest))
	must(t, err)
	must(t, w.agency["commission"].Records.Follow(t.Context(), "association", 0, []records.Item{{Entry: d.Entry(), Document: &d}}, "note"))
	try("retracted", "court", id, 1, "OPEN-010")
	if w.machine.View().Seq() != before {
		t.Error("a refused answer is on the ledger")
	}
}

// TestTheLedgerJudgesCustodians: what a custodian says it delivered counts only under a
// grant and only from who keeps the record; and the requester opens by what was
// delivered to it and by no less than it takes.
func TestTheLedgerJudgesCustodians(t *testing.T) {
	w, ids := custodyWorld(t)
	id := w.ask(t, ids[0], "resident_id")
	say := func(by exchange.MemberID, verb exchange.Verb, body any, code string) {
		t.Helper()
		_, err := w.agency[by].Act(t.Context(), "node", verb, body)
		got := ""
		if err != nil {
			got = exchange.AsError(err).Code
		}
		if got != code {
			t.Errorf("%s by %s: %q, want %q", verb, by, got, code)
		}
	}
	digest := strings.Repeat("a", 64)
	deliver := func(generation int) custody.DeliverBody {
		return custody.DeliverBody{Release: id, Generation: generation, Digest: digest}
	}
	opens := func(by ...exchange.MemberID) custody.OpenBody {
		b := custody.OpenBody{Release: id, Generation: 1}
		for _, m := range by {
			b.Answers = append(b.Answers, custody.Opened{Custodian: m, Digest: digest})
		}
		return b
	}
	say("association", exchange.VerbCustodyDeliver, deliver(1), "CUST-005")
	say("commission", exchange.VerbCustodyDeliver, deliver(2), "CUST-004")
	say("court", exchange.VerbCustodyOpen, opens("commission", "insurer-a", "regulator"), "CUST-007")
	for _, m := range []exchange.MemberID{"commission", "insurer-a", "regulator"} {
		say(m, exchange.VerbCustodyDeliver, deliver(1), "")
	}
	say("court", exchange.VerbCustodyOpen, opens("commission", "insurer-a"), "CUST-007")
	say("court", exchange.VerbCustodyOpen, opens("commission", "insurer-a", "insurer-b"), "CUST-007")
	say("regulator", exchange.VerbCustodyOpen, opens("commission", "insurer-a", "regulator"), "REL-005")
	for range 15 {
		say("commission", exchange.VerbCustodyDeliver, deliver(1), "")
	}
	say("commission", exchange.VerbCustodyDeliver, deliver(1), "CUST-008")
	say("court", exchange.VerbCustodyOpen, opens("commission", "insurer-a", "regulator"), "")
	say("court", exchange.VerbCustodyOpen, opens("commission", "insurer-a", "regulator"), "REL-006")
	say("insurer-b", exchange.VerbCustodyDeliver, deliver(1), "CUST-006")

	row, _ := w.machine.View().Custody("association", ids[0])
	put := custody.DepositBody{Category: "discipline-practitioner", K: 3, Custodians: custodians,
		Records: []custody.Named{{Record: ids[0], Generation: 1, Digest: row.Generations[0].Digest}}}
	say("association", exchange.VerbCustodyDeposit, put, "") // said again
	put.Records[0].Digest = digest
	say("association", exchange.VerbCustodyDeposit, put, "CUST-003") // another commitment for the same generation
	put.Records[0].Generation = 3
	say("association", exchange.VerbCustodyDeposit, put, "CUST-002")
	put.Records[0].Generation, put.K = 2, 2
	say("association", exchange.VerbCustodyDeposit, put, "CUST-001")
	put.K, put.Custodians = 3, custodians[:4]
	say("association", exchange.VerbCustodyDeposit, put, "CUST-001") // one left out
	put.Category = "violation"
	say("association", exchange.VerbCustodyDeposit, put, "CUST-001") // not in custody
	must(t, w.machine.VerifyFrozen())
}

// TestBadAnswersAreNamed: an answer that is another's, of another release, replayed, or
// whose share is wrong does not count; who gave it is named, and the good ones open.
//
// Shows: B3, B11
func TestBadAnswersAreNamed(t *testing.T) {
	w, ids := custodyWorld(t)
	w.mirror(t, "court")
	id, earlier := w.ask(t, ids[0], "resident_id"), w.ask(t, ids[0], "resident_id")
	ctx, to := t.Context(), cryptotest.Public("court", keys.Seal)
	answer := func(m exchange.MemberID, rel exchange.ReleaseID) string {
		t.Helper()
		out, err := w.agency[m].AnswerCustody(ctx, "node", "court", rel, 1)
		must(t, err)
		return out
	}
	// forged is a custodian's answer changed and signed anew.
	forged := func(m exchange.MemberID, edit func(*custody.Answer)) string {
		t.Helper()
		token, err := seal.Decrypt(cryptotest.Key("court", keys.Seal), custody.AnswerType, answer(m, id))
		must(t, err)
		a, err := custody.ReadAnswer(string(token), m, "court", id, "qinghai", func(string) (keys.Public, error) { return cryptotest.Public(string(m), keys.Attest), nil })
		must(t, err)
		edit(&a)
		signed, err := custody.SignAnswer(a, cryptotest.Key(string(m), keys.Attest))
		must(t, err)
		out, err := seal.Encrypt(to, custody.AnswerType, []byte(signed))
		must(t, err)
		return out
	}
	cases := map[string]struct{ envelope, why string }{
		"a wrong share":          {forged("commission", func(a *custody.Answer) { a.Parts[0].Share[3] ^= 1 }), "share"},
		"a share of another":     {forged("commission", func(a *custody.Answer) { a.Parts[0].Share = make([]byte, 32) }), "share"},
		"another field":          {forged("commission", func(a *custody.Answer) { a.Parts[0].Field = "name" }), "fields"},
		"a field more":           {forged("commission", func(a *custody.Answer) { a.Parts = append(a.Parts, a.Parts[0]) }), "fields"},
		"another box":            {forged("commission", func(a *custody.Answer) { a.Parts[0].Box[40] ^= 1 }), "fields"},
		"another statement":      {forged("commission", func(a *custody.Answer) { a.Statement = statementOf(t, w, ids[1]) }), "another statement"},
		"to another member":      {forged("commission", func(a *custody.Answer) { a.Audience = "regulator" }), "signature"},
		"a replayed envelope":    {answer("commission", earlier), "signature"},
		"another's envelope":     {answer("insurer-a", id), "signature"},
		"nothing":                {"x", "encryption"},
		"not a custodian's word": {forged("commission", func(a *custody.Answer) { a.Issuer = "association" }), "signature"},
	}
	for name, c := range cases {
		bad := map[exchange.MemberID]string{"commission": c.envelope, "insurer-b": "", "regulator": ""}
		_, faults, err := w.agency["court"].OpenByCustodians(ctx, "wang", id, w.asking("court", bad))
		if !errors.Is(err, agency.ErrFewCustodians) || !slices.Contains(faults, agency.CustodyFault{Custodian: "commission", Why: c.why}) {
			t.Errorf("%s: %v %v", name, err, faults)
		}
	}
	bad := map[exchange.MemberID]string{"commission": cases["a wrong share"].envelope, "insurer-b": ""}
	opened, _, err := w.agency["court"].OpenByCustodians(ctx, "wang", id, w.asking("court", bad))
	if err != nil || len(opened.Fields) != 1 {
		t.Errorf("three good ones beside a bad one: %v", err)
	}
}

func statementOf(t *testing.T, w *world, id exchange.RecordID) string {
	t.Helper()
	kept, err := w.agency["commission"].Records.SharesOf(t.Context(), "association", id)
	if err != nil || len(kept) == 0 {
		t.Fatal(len(kept), err)
	}
	return kept[0].Statement
}

// TestBadDepositsAreRefused: a custodian keeps nothing that it cannot vouch for.
func TestBadDepositsAreRefused(t *testing.T) {
	w := foundWorld(t, custodyCatalogue(t), 4, "insurer-a", "insurer-b")
	importSample(t, w)
	a, ctx := w.agency["association"], t.Context()
	_, err := a.DealCustody(ctx)
	must(t, err)
	waiting, err := a.Records.Unanchored(ctx, 100)
	if err != nil || len(waiting) < 2 {
		t.Fatal(len(waiting), err)
	}
	none := func(name string, edit func(agency.Deposit) agency.Deposit) {
		t.Helper()
		_, err := a.HandOver(ctx, "court", node{w, "association", "court", edit})
		must(t, err)
		if n, _ := w.agency["court"].Records.KeptCounts(ctx); n["association"] != 0 {
			t.Fatalf("%s: %d records are kept", name, n["association"])
		}
	}
	must(t, a.Records.Anchored(ctx, waiting)) // as it would say that it is, and is not
	none("not on the ledger", nil)
	body := custody.DepositBody{Category: "discipline-practitioner", K: 3, Custodians: custodians}
	for _, d := range waiting {
		body.Records = append(body.Records, custody.Named{Record: d.Record, Generation: 1, Digest: custody.Digest(d.Statement)})
	}
	_, err = a.Act(ctx, "node", exchange.VerbCustodyDeposit, body)
	must(t, err)
	due, err := a.Records.Due(ctx, "commission", records.HandDue, 2)
	must(t, err)
	none("another custodian's shares", func(d agency.Deposit) agency.Deposit { d.Share = due[0].Share; return d })
	none("other boxes", func(d agency.Deposit) agency.Deposit {
		d.Boxes = slices.Clone(d.Boxes)
		d.Boxes[0] = bytes.Repeat([]byte{1}, len(d.Boxes[0]))
		return d
	})
	none("a box too few", func(d agency.Deposit) agency.Deposit { d.Boxes = d.Boxes[1:]; return d })
	none("another's statement", func(d agency.Deposit) agency.Deposit {
		d.Statement = d.Statement[:len(d.Statement)-4] + "AAAA"
		return d
	})
	if got, err := w.agency["court"].TakeDeposits(ctx, "commission", []agency.Deposit{{Statement: due[0].Statement, Share: due[0].Share, Boxes: due[0].Boxes}}); err != nil || got[0].Receipt != "" {
		t.Errorf("another member deposits the association's records: %+v %v", got, err)
	}
	_, err = a.HandOver(ctx, "court", node{w: w, from: "association", to: "court"})
	must(t, err)
	if n, _ := w.agency["court"].Records.KeptCounts(ctx); n["association"] != int64(len(waiting)) {
		t.Errorf("%d of %d are kept", n["association"], len(waiting))
	}
}

// TestCustodiansChange: when a custodian leaves, the author splits anew under the next
// generation, the old shares go when all have the new ones, with receipts, and not
// before; what either generation opens is the same.
func TestCustodiansChange(t *testing.T) {
	w, ids := custodyWorld(t)
	w.mirror(t, "court")
	ctx, a := t.Context(), w.agency["association"]
	w.enact(t, func(r *members.Roster) {
		r.Members = slices.DeleteFunc(r.Members, func(f members.Founder) bool { return f.ID == "insurer-a" })
	})
	w.deposit(t, "insurer-a", "regulator") // who is away for now
	row, _ := w.machine.View().Custody("association", ids[0])
	set, _ := w.machine.View().Custodians(row.Generations[0])
	if row.Generations[0].Number != 2 || len(set.Custodians) != 4 || slices.Contains(set.Custodians, "insurer-a") {
		t.Fatalf("%+v %+v", row, set)
	}
	if kept, _ := w.agency["court"].Records.SharesOf(ctx, "association", ids[0]); len(kept) != 2 {
		t.Fatalf("%d generations before all have the new one", len(kept))
	}
	if _, err := w.agency["insurer-a"].AnswerCustody(ctx, "node", "court", w.ask(t, ids[0], "resident_id"), 1); !errors.Is(err, agency.ErrNotParty) {
		t.Error("who has left answers:", err)
	}
	// The newest has court, commission and insurer-b; without one of them the former one
	// opens still, by those who stayed.
	id := w.ask(t, ids[0], "resident_id")
	if _, faults, err := w.agency["court"].OpenByCustodians(ctx, "wang", id, func(ctx context.Context, m exchange.MemberID, id exchange.ReleaseID, generation int) (string, error) {
		if m == "insurer-b" && generation == 2 {
			return "", errGone
		}
		return w.agency[m].AnswerCustody(ctx, "node", "court", id, generation)
	}); err != nil {
		t.Fatal(err, faults)
	}
	w.deposit(t, "insurer-a")
	for _, m := range []exchange.MemberID{"court", "commission", "insurer-b", "regulator"} {
		if kept, _ := w.agency[m].Records.SharesOf(ctx, "association", ids[0]); len(kept) != 1 || kept[0].Generation != 2 {
			t.Errorf("%s keeps %d generations", m, len(kept))
		}
	}
	hands, err := a.Records.Hands(ctx, ids[0])
	must(t, err)
	destroyed := 0
	for _, h := range hands {
		if h.Generation == 1 && h.Destroyed != "" {
			destroyed++
		}
	}
	if destroyed != 4 { // all but who is not there any more
		t.Errorf("%d receipts for destroyed shares", destroyed)
	}
	opened, faults, err := w.agency["court"].OpenByCustodians(ctx, "wang", w.ask(t, ids[0], "resident_id"), w.asking("court", nil))
	if err != nil || len(opened.Fields) != 1 {
		t.Error(err, faults)
	}
}

// TestNoPlaintextAtCustodians: neither a value nor a share lies in clear in any file of
// a custodian or of the author, nor on the ledger.
//
// Shows: B5
func TestNoPlaintextAtCustodians(t *testing.T) {
	w, ids := custodyWorld(t)
	w.mirror(t, "court")
	opened, _, err := w.agency["court"].OpenByCustodians(t.Context(), "wang", w.ask(t, ids[0], "resident_id", "name"), w.asking("court", nil))
	must(t, err)
	var canaries [][]byte
	for _, v := range opened.Fields {
		canaries = append(canaries, bytes.Trim(v, `"`))
	}
	for _, m := range custodians {
		kept, err := w.agency[m].Records.SharesOf(t.Context(), "association", ids[0])
		must(t, err)
		plain, err := seal.Decrypt(cryptotest.Key(string(m), keys.Seal), custody.SharesType, kept[0].Share)
		must(t, err)
		st, err := custody.ReadStatement(kept[0].Statement, "association", "qinghai", func(string) (keys.Public, error) { return cryptotest.Public("association", keys.Attest), nil })
		must(t, err)
		shares, err := custody.DecodeShares(plain, kept[0].Statement, &st, m)
		must(t, err)
		for _, s := range shares.Shares {
			text, _ := s.MarshalText()
			canaries = append(canaries, s, text)
		}
	}
	if len(canaries) < 20 {
		t.Fatalf("%d canaries", len(canaries))
	}
	look := func(name string, data []byte) {
		for _, c := range canaries {
			if bytes.Contains(data, c) {
				t.Errorf("%s holds a value or a share in clear", name)
			}
		}
	}
	must(t, filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		look(d.Name(), data)
		return err
	}))
	s, err := w.machine.Snapshot()
	must(t, err)
	defer s.Release()
	var snapshot bytes.Buffer
	_, err = s.WriteTo(&snapshot)
	must(t, err)
	look("the ledger", snapshot.Bytes())
}

// TestCustodiansOpenSeveralRecords of one release at once: all of them or none, each
// against what its author signed and dealt; a custodian that leaves one out, or gives one
// twice, is named.
//
// Shows: B3
func TestCustodiansOpenSeveralRecords(t *testing.T) {
	w, ids := custodyWorld(t)
	w.mirror(t, "court")
	ask := func(ids ...exchange.RecordID) exchange.ReleaseID {
		t.Helper()
		ref, _ := recordRef(t, w, ids[0])
		body := release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement", Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}}
		for _, id := range ids[1:] {
			one, _ := recordRef(t, w, id)
			body.More = append(body.More, release.Part{ID: one.ID, Digest: one.Digest})
		}
		id, err := w.agency["court"].AskRelease(t.Context(), "wang", body)
		must(t, err)
		return id
	}
	id := ask(ids[0], ids[2], ids[1])
	if _, err := w.agency["regulator"].AnswerCustody(t.Context(), "node", "court", id, 1); !errors.Is(err, custody.ErrNotGranted) {
		t.Errorf("before the second person: %v", err)
	}
	carry := func(id exchange.ReleaseID) {
		t.Helper()
		_, err := w.agency["court"].Act(t.Context(), "zhao", exchange.VerbReleaseSecond, release.JudgeBody{Release: id})
		must(t, err)
		for _, op := range []exchange.OperatorID{"li", "sun"} {
			_, err := w.agency["association"].Act(t.Context(), op, exchange.VerbReleaseApprove, release.JudgeBody{Release: id})
			must(t, err)
		}
	}
	carry(id)
	good, err := w.agency["regulator"].AnswerCustody(t.Context(), "node", "court", id, 1)
	must(t, err)
	plain, err := seal.Decrypt(cryptotest.Key("court", keys.Seal), custody.AnswerType, good)
	must(t, err)
	read, err := custody.ReadAnswer(string(plain), "regulator", "court", id, "qinghai", func(string) (keys.Public, error) { return cryptotest.Public("regulator", keys.Attest), nil })
	must(t, err)
	asked := map[exchange.MemberID]string{"commission": "", "insurer-a": ""}
	for name, more := range map[string][]custody.Given{"one left out": read.More[:1], "one twice": {read.More[0], read.More[0]}, "another order": {read.More[1], read.More[0]}} {
		bad := read
		bad.More = more
		token, err := custody.SignAnswer(bad, cryptotest.Key("regulator", keys.Attest))
		must(t, err)
		asked["regulator"], err = seal.Encrypt(cryptotest.Public("court", keys.Seal), custody.AnswerType, []byte(token))
		must(t, err)
		_, faults, err := w.agency["court"].OpenByCustodians(t.Context(), "wang", id, w.asking("court", asked))
		if !errors.Is(err, agency.ErrFewCustodians) || !slices.ContainsFunc(faults, func(f agency.CustodyFault) bool { return f.Custodian == "regulator" && f.Why != "" }) {
			t.Errorf("%s: %v, %v", name, faults, err)
		}
	}
	delete(asked, "regulator")
	opened, _, err := w.agency["court"].OpenByCustodians(t.Context(), "wang", id, w.asking("court", asked))
	if err != nil || len(opened.Records) != 3 || len(opened.Fields) != 0 {
		t.Fatalf("%d records, %v", len(opened.Records), err)
	}
	seen := map[string]bool{}
	for i, want := range []exchange.RecordID{ids[0], ids[2], ids[1]} {
		one := opened.Records[i]
		if one.Record != want || len(one.Fields) != 1 || seen[string(one.Fields["resident_id"])] {
			t.Errorf("record %d is %s with %v", i, one.Record, one.Fields)
		}
		seen[string(one.Fields["resident_id"])] = true
	}
	rel, _ := w.machine.View().Release(id)
	if rel.StatusAt(w.machine.View().Time()) != release.Opened {
		t.Errorf("it is %s", rel.StatusAt(w.machine.View().Time()))
	}

	id = ask(ids[0], ids[3])
	carry(id)
	d, err := feed.SignDocument(feed.Retraction, feed.Claims{Issuer: "association", ID: "retraction-00000000001", IssuedAt: 1, Federation: "qinghai", Record: ids[3]}, cryptotest.Key("association", keys.Attest))
	must(t, err)
	must(t, w.agency["commission"].Records.Follow(t.Context(), "association", 0, []records.Item{{Entry: d.Entry(), Document: &d}}, "note"))
	if _, err := w.agency["commission"].AnswerCustody(t.Context(), "node", "court", id, 1); exchange.AsError(err).Code != "OPEN-010" {
		t.Errorf("one of them was retracted: %v", err)
	}
}
