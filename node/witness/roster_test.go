package witness

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
)

// rekey brings a roster in force by which a member has the keys of a label.
func (w *world) rekey(id exchange.MemberID, label string, at ...exchange.MemberID) {
	w.t.Helper()
	sign := func(by, typ string, v any) string {
		payload, err := strictjson.Marshal(v)
		if err != nil {
			w.t.Fatal(err)
		}
		token, err := jws.Sign(cryptotest.Key(by, keys.Command), typ, payload)
		if err != nil {
			w.t.Fatal(err)
		}
		return token
	}
	line := w.member["court"].machine.View().Lineage()
	r := *line.Roster()
	r.Members = slices.Clone(r.Members)
	r.Charter, r.Previous, r.Version = w.genesis.Digest(), line.Digest(), line.Version()+1
	i := slices.IndexFunc(r.Members, func(f members.Founder) bool { return f.ID == id })
	r.Members[i].Keys = nil
	for _, use := range keys.Uses() {
		r.Members[i].Keys = append(r.Members[i].Keys, cryptotest.Public(label, use))
	}
	document, err := r.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	s := members.SignedRoster{Document: string(document), Proofs: []string{sign(label, jws.TypIntroduction,
		members.Introduction{Format: members.IntroductionFormat, Federation: "qinghai", At: 1, Member: r.Members[i]})}}
	for _, seat := range []string{"commission", "court", "regulator"} {
		s.Endorsements = append(s.Endorsements, sign(seat, jws.TypEndorsement,
			members.RosterEndorsement{Federation: "qinghai", Roster: members.Digest(document), Version: r.Version}))
	}
	body, err := strictjson.Marshal(s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.next++
	w.apply([]byte(sign("court", jws.TypCommand, exchange.Command{Federation: "qinghai", Issuer: "court", Operator: "zhao",
		At: exchange.MillisOf(w.clock()), Catalogue: 1, ID: exchange.CommandID(fmt.Sprintf("statement-%06d", w.next)),
		Verb: exchange.VerbRoster, Body: body})), at...)
	if got := w.member[append(at, "court")[0]].machine.View().Roster().Version; got != r.Version {
		w.t.Fatalf("roster %d is in force, want %d", got, r.Version)
	}
}

// TestAForkAfterRosters: what a member signs with a key that came after the
// charter convicts it like any other, before strangers too.
//
// Shows: B8, F34
func TestAForkAfterRosters(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.grow(2)
	w.pass(time.Hour)
	w.rekey("association", "association-2")
	liar, court := w.member["association"], w.member["court"]
	liar.Keys = fixedKeys("association-2")
	calls := 0
	liar.lie = func(note []byte) []byte {
		if calls++; calls > 1 {
			return note
		}
		return forkedWith(t, "association", cryptotest.Key("association-2", keys.Cosign), w.clock().Unix(), note)
	}
	if _, err := court.Gather(ctx, 4); err != nil {
		t.Fatal(err)
	}
	court.judge(ctx)
	alarms := court.Alarms()
	if len(alarms) != 1 {
		t.Fatalf("%+v", alarms)
	}
	file, err := court.Evidence(alarms[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	report := bundle.VerifyFile(file, bundle.Options{Trust: &trust})
	if !report.OK || !report.Anchored || report.Roster != 1 || !slices.Equal(report.Fork.Equivocators, []string{"association"}) {
		t.Errorf("%s", mustJSON(t, report))
	}
	f, err := bundle.ParseFork(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"no roster":        func() { f.Rosters = nil },
		"the roster twice": func() { f.Rosters = []string{f.Rosters[0], f.Rosters[0]} },
		"another's roster": func() { f.Rosters = []string{string(w.statement("court"))} },
	} {
		rosters := f.Rosters
		change()
		forged, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if r := bundle.VerifyFile(forged, bundle.Options{Trust: &trust}); r.OK && slices.Contains(r.Fork.Equivocators, "association") {
			t.Errorf("%s: %s", name, mustJSON(t, r))
		}
		f.Rosters = rosters
	}
}
