package custody_test

import (
	"bytes"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/share"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
	"accord/exchange/members"
)

// found is the test federation with the court's penalties in custody of any two of the
// regulator, the commission and the association.
func found(t *testing.T) *machine.Machine {
	t.Helper()
	doc := Document(1)
	doc.Format = catalogue.Format2
	doc.Categories[0].Custody = &catalogue.Custody{K: 2, Of: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindAssociation}}
	return MeetingUnder(t, doc)
}

// TestRowsTravel: what the ledger keeps of custody is in its snapshots, and two nodes
// agree on it; a ledger that keeps nothing has a snapshot as before.
func TestRowsTravel(t *testing.T) {
	m := found(t)
	put := custody.DepositBody{Category: "penalty", K: 2, Custodians: []exchange.MemberID{"association", "commission", "regulator"},
		Records: []custody.Named{{Record: exchange.RecordID(ID("record")), Generation: 1, Digest: Hash("statement")}}}
	do := func(by exchange.MemberID, id string, verb exchange.Verb, body any) {
		t.Helper()
		if r := Do(t, m, Order{By: by, ID: id, Verb: verb, Body: body}); !r.OK {
			t.Fatal(r.Error)
		}
	}
	do("court", "put", exchange.VerbCustodyDeposit, put)
	put.Records[0].Generation, put.Records[0].Digest = 2, Hash("next")
	do("court", "again", exchange.VerbCustodyDeposit, put)
	put.Records[0].Generation = 3
	do("court", "third", exchange.VerbCustodyDeposit, put)
	do("commission", "q", exchange.VerbReleaseRequest, Ask(nil))
	rel := exchange.ReleaseID(ID("q"))
	for _, by := range []exchange.MemberID{"regulator", "association"} {
		do(by, "deliver"+string(by), exchange.VerbCustodyDeliver, custody.DeliverBody{Release: rel, Generation: 3, Digest: Hash(string(by))})
	}
	do("commission", "open", exchange.VerbCustodyOpen, custody.OpenBody{Release: rel, Generation: 3,
		Answers: []custody.Opened{{Custodian: "regulator", Digest: Hash("regulator")}, {Custodian: "association", Digest: Hash("association")}}})
	row, _ := m.View().Custody("court", exchange.RecordID(ID("record")))
	if len(row.Generations) != 2 || row.Generations[0].Number != 3 || row.Generations[1].Number != 2 {
		t.Errorf("%+v", row)
	}
	s, err := m.Snapshot()
	Must(t, err)
	defer s.Release()
	var snapshot bytes.Buffer
	_, err = s.WriteTo(&snapshot)
	Must(t, err)
	other := found(t)
	Must(t, other.Restore(bytes.NewReader(snapshot.Bytes())))
	all, ok := other.View().CustodyAnswers(rel)
	if !ok || len(all.Opened) != 2 || other.View().Digest() != m.View().Digest() {
		t.Errorf("%+v", all)
	}
	Must(t, m.VerifyFrozen())
}

// TestBodies: the decoders take no other form.
func TestBodies(t *testing.T) {
	id, digest := ID("x"), Hash("x")
	record := `{"record":"` + id + `","generation":1,"digest":"` + digest + `"}`
	head := `{"category":"penalty","k":2,"custodians":["a","b"],"records":[`
	opened := `{"custodian":"a","digest":"` + digest + `"}`
	if _, err := custody.DecodeDeposit([]byte(head + record + `]}`)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`{}`, head + `]}`, head + record + "," + record + `]}`, `{"category":"penalty","k":1,"custodians":["a","b"],"records":[` + record + `]}`,
		`{"category":"penalty","k":3,"custodians":["a","b"],"records":[` + record + `]}`, head + record + `],"x":1}`} {
		if _, err := custody.DecodeDeposit([]byte(bad)); err == nil {
			t.Error("took", bad)
		}
	}
	for _, bad := range []string{`{}`, `{"release":"` + id + `","generation":0,"digest":"` + digest + `"}`, `{"release":"x y","generation":1,"digest":"` + digest + `"}`} {
		if _, err := custody.DecodeDeliver([]byte(bad)); err == nil {
			t.Error("took", bad)
		}
	}
	for _, bad := range []string{`{}`, `{"release":"` + id + `","generation":1,"answers":[` + opened + `]}`, `{"release":"` + id + `","generation":1,"answers":[` + opened + `,` + opened + `]}`} {
		if _, err := custody.DecodeOpen([]byte(bad)); err == nil {
			t.Error("took", bad)
		}
	}
}

// FuzzDocuments: whatever a token's payload says, reading it ends, and what is taken
// has the form of a statement.
func FuzzDocuments(f *testing.F) {
	c, shares, _, err := share.Split(2, 2, "")
	Must(f, err)
	st := custody.Statement{Issuer: "court", ID: ID("s"), IssuedAt: 1, Federation: Federation, Record: exchange.RecordID(ID("r")), RecordDigest: Hash("r"),
		Category: "penalty", Generation: 1, K: 2, Custodians: []exchange.MemberID{"commission", "regulator"},
		Fields: []custody.Field{{Name: "amount", Digest: "d", Commitment: custody.Bytes(c), Box: Hash("box")}}}
	token, err := custody.SignStatement(st, Key("court", keys.Attest))
	Must(f, err)
	payload, err := strictjson.Marshal(st)
	Must(f, err)
	plain, err := custody.Shares{Statement: custody.Digest(token), Index: 1, Shares: []custody.Bytes{shares[0].Value}}.Encode()
	Must(f, err)
	f.Add(payload, plain)
	f.Fuzz(func(t *testing.T, payload, plain []byte) {
		var got custody.Statement
		if strictjson.Unmarshal(payload, &got) == nil {
			if token, err := custody.SignStatement(got, Key("court", keys.Attest)); err == nil {
				if _, err := custody.ReadStatement(token, got.Issuer, got.Federation, func(string) (keys.Public, error) { return Key("court", keys.Attest).Public(), nil }); err != nil && len(token) < 200<<10 {
					t.Fatalf("signed and not read: %v", err)
				}
			}
		}
		if s, err := custody.DecodeShares(plain, token, &st, "commission"); err == nil && share.Verify(c, share.Share{Index: s.Index, Value: s.Shares[0]}) != nil {
			t.Fatal("took a share that is none")
		}
		_, _ = custody.DecodeDeposit(plain)
		_, _ = custody.DecodeDeliver(plain)
		_, _ = custody.DecodeOpen(plain)
	})
}

// TestSuspended: who the joint meeting has suspended is no custodian of what is dealt
// from then on, its deliveries are refused, and so are those to it.
func TestSuspended(t *testing.T) {
	m := found(t)
	put := custody.DepositBody{Category: "penalty", K: 2, Custodians: []exchange.MemberID{"association", "commission", "regulator"},
		Records: []custody.Named{{Record: exchange.RecordID(ID("record")), Generation: 1, Digest: Hash("statement")}}}
	say := func(by exchange.MemberID, id string, verb exchange.Verb, body any, code string) {
		t.Helper()
		if r := Do(t, m, Order{By: by, ID: id, Verb: verb, Body: body}); Code(r) != code {
			t.Errorf("%s by %s: %q, want %q", verb, by, Code(r), code)
		}
	}
	say("court", "put", exchange.VerbCustodyDeposit, put, "")
	say("commission", "q", exchange.VerbReleaseRequest, Ask(nil), "")
	rel := exchange.ReleaseID(ID("q"))
	suspend := RosterMotion(t, m, "s", meeting.Suspend, nil, func(r *members.Roster) {
		f, _ := r.Member("commission")
		f.Suspended = true
		r.Put(f)
		r.Fit()
	})
	p := Outcome[meeting.Proposed](t, Do(t, m, suspend))
	for _, by := range p.Voters[:p.Quorum] {
		if r := Do(t, m, Ballot(t, m, by, suspend.ID, meeting.Yes, nil)); !r.OK {
			t.Fatal(r.Error)
		}
	}
	deliver := custody.DeliverBody{Release: rel, Generation: 1, Digest: Hash("answer")}
	say("regulator", "to", exchange.VerbCustodyDeliver, deliver, "MEM-043")
	say("commission", "from", exchange.VerbCustodyDeliver, deliver, "MEM-043")
	put.Records[0].Generation = 2
	say("court", "with", exchange.VerbCustodyDeposit, put, "CUST-001")
	put.Custodians = []exchange.MemberID{"association", "regulator"}
	say("court", "without", exchange.VerbCustodyDeposit, put, "")
}
