package bundle

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

// roll is a fixture whose members change by rosters.
type roll struct {
	*fixture
	version  int
	previous string // digest
	members  []any
	changes  []int64
}

func newRoll(tb testing.TB) *roll {
	f := newFixture(tb)
	f.charter["adopt_quorum"] = 3
	return &roll{fixture: f, previous: DigestOf(f.payload()).String(), members: f.charter["members"].([]any)}
}

// next logs the roster that follows, endorsed with these command keys.
func (r *roll) next(edit func(doc map[string]any), endorsers ...string) int64 {
	r.tb.Helper()
	r.version++
	doc := map[string]any{"format": RosterFormat, "federation": testFederation, "charter": DigestOf(r.payload()).String(),
		"version": r.version, "previous": r.previous, "members": slices.Clone(r.members),
		"quorums": map[string]any{"roster": 3, "adopt": 3, "cosign": 3}}
	if edit != nil {
		edit(doc)
	}
	r.members = doc["members"].([]any)
	text := must(json.Marshal(doc))(r.tb)
	r.previous = DigestOf(text).String()
	body := signedRoster{Document: string(text)}
	for _, by := range endorsers {
		e := must(json.Marshal(rosterEndorsement{testFederation, r.previous, r.version}))(r.tb)
		body.Endorsements = append(body.Endorsements, must(jws.Sign(cryptotest.Key(by, keys.Command), jws.TypEndorsement, e))(r.tb))
	}
	index := r.command("regulator", verbRoster, body, nil)
	r.changes = append(r.changes, index)
	return index
}

// bundle is over everything.
func (r *roll) bundle() *Bundle {
	r.tb.Helper()
	b := r.seal()
	r.add(b)
	b.Changes = slices.Clone(r.changes)
	return b
}

// says is a command of a member, signed with the key of a label.
func (r *roll) says(member, label string, body any) int64 {
	r.tb.Helper()
	return r.command(label, "list.nominate", body, func(p map[string]any) { p["iss"] = member })
}

func (r *roll) entry(member, label string) string {
	r.tb.Helper()
	jwt, _ := r.document(label, sdjwt.TypEntry, func(c map[string]any) { c["iss"] = member })
	return jwt + "~"
}

// history is what the cases below change one thing of: the insurer-b joins with
// roster 1, the court takes new keys (those of court-2) with roster 2, and the
// platform leaves with roster 3.
type history struct {
	edit [4]func(doc map[string]any) // of rosters 1 to 3
	by   [4][]string                 // their endorsers
	more func(r *roll)               // after all
}

func (h history) tell(tb testing.TB) (*roll, *Bundle) {
	r := newRoll(tb)
	next := func(n int, edit func(doc map[string]any), by ...string) int64 {
		if h.by[n] != nil {
			by = h.by[n]
		}
		return r.next(func(doc map[string]any) {
			edit(doc)
			if h.edit[n] != nil {
				h.edit[n](doc)
			}
		}, by...)
	}
	old := r.entry("court", "court")
	first := r.says("court", "court", map[string]any{"entry": old})
	next(1, func(doc map[string]any) { doc["members"] = append(doc["members"].([]any), r.member("insurer-b")) },
		"regulator", "association", "court")
	r.says("insurer-b", "insurer-b", map[string]any{})
	next(2, func(doc map[string]any) { doc["members"].([]any)[2] = as("court", r.member("court-2")) },
		"insurer-b", "association", "court")
	fresh := r.entry("court", "court-2")
	second := r.says("court", "court-2", map[string]any{"entry": fresh})
	next(3, func(doc map[string]any) { doc["members"] = slices.Delete(doc["members"].([]any), 4, 5) },
		"insurer-b", "association", "court-2")
	if h.more != nil {
		h.more(r)
	}
	r.cosigners = []string{"regulator", "court", "insurer-b"}
	if _, ok := r.cosignAs["court"]; !ok {
		r.cosignAs["court"] = "court-2"
	}
	b := r.bundle()
	b.AddDocumentOn(KindEntry, old, first)
	b.AddDocumentOn(KindEntry, fresh, second)
	return r, b
}

// as is a member's listing under another id.
func as(id string, member map[string]any) map[string]any {
	member["id"] = id
	return member
}

func TestMembersThatChange(t *testing.T) {
	r, b := history{}.tell(t)
	digest := DigestOf(r.payload())
	report := Verify(marshal(t, b), Options{Trust: &digest})
	if !report.OK || !report.Anchored || report.Roster != 3 || len(report.Checkpoint.Cosigners) != 3 {
		t.Fatalf("failed %q\n%s", failed(report), render(t, report))
	}
	if text := render(t, report); !strings.Contains(text, "roster      version 3") || !strings.Contains(text, "the roster asks for 3") {
		t.Errorf("the text says nothing of the roster:\n%s", text)
	}
	// What a verifier of charters alone would have said of the same statements.
	b.Changes = nil
	if r := Verify(marshal(t, b), Options{Trust: &digest}); r.OK || r.Commands[2].OK {
		t.Error("a newcomer's command verifies without its roster")
	}
}

// TestRostersThatDoNotHold: what makes a roster void to the ledger makes it void
// to a stranger, and no key counts before its roster or after its end.
//
// Shows: B8, I7
func TestRostersThatDoNotHold(t *testing.T) {
	set := func(name string, v any) func(map[string]any) { return func(doc map[string]any) { doc[name] = v } }
	quorums := func(roster, cosign int) func(map[string]any) {
		return set("quorums", map[string]any{"roster": roster, "adopt": 1, "cosign": cosign})
	}
	// kinds keeps quorums of their own by kind from the first roster on.
	kinds := func(own map[string]any) (edit [4]func(map[string]any)) {
		for v := 1; v < 4; v++ {
			edit[v] = set("quorums", map[string]any{"roster": 3, "adopt": 3, "cosign": 3, "kinds": own})
		}
		return edit
	}
	listing := func(f func(all []any) []any) func(map[string]any) {
		return func(doc map[string]any) { doc["members"] = f(doc["members"].([]any)) }
	}
	fix := newFixture(t)
	for _, tc := range []struct {
		name   string
		before history
		after  func(b *Bundle)
		want   string // the first check that fails
	}{
		{name: "nothing"},

		// The roster itself.
		{name: "a minority endorses", before: history{by: [4][]string{2: {"insurer-b", "association"}}}, want: CheckChange},
		{name: "one seat three times", before: history{by: [4][]string{2: {"court", "court", "court"}}}, want: CheckChange},
		{name: "a stranger endorses", before: history{by: [4][]string{2: {"insurer-b", "association", "stranger"}}}, want: CheckChange},
		{name: "a stranger endorses too", before: history{by: [4][]string{2: {"insurer-b", "association", "court", "stranger"}}}, want: CheckChange},
		{name: "a newcomer endorses itself", before: history{by: [4][]string{1: {"regulator", "court", "insurer-b"}}}, want: CheckChange},
		{name: "an old key endorses", before: history{by: [4][]string{3: {"insurer-b", "association", "court"}}}, want: CheckChange},
		{name: "who leaves endorses it", before: history{by: [4][]string{3: {"insurer-b", "association", "platform"}}}, want: CheckChange},
		{name: "who loses its seat endorses it", before: history{edit: [4]func(map[string]any){2: listing(func(all []any) []any {
			all[1] = fix.member("association")
			all[1].(map[string]any)["seat"] = false
			return all
		})}}, want: CheckChange},
		{name: "another predecessor", before: history{edit: [4]func(map[string]any){2: set("previous", DigestOf(nil).String())}}, want: CheckChange},
		{name: "another charter", before: history{edit: [4]func(map[string]any){2: set("charter", DigestOf(nil).String())}}, want: CheckChange},
		{name: "another federation", before: history{edit: [4]func(map[string]any){2: set("federation", "gansu")}}, want: CheckChange},
		{name: "another format", before: history{edit: [4]func(map[string]any){2: set("format", "accord-roster/2")}}, want: CheckChange},
		{name: "another version", before: history{edit: [4]func(map[string]any){2: set("version", 3)}}, want: CheckChange},
		{name: "no quorum", before: history{edit: [4]func(map[string]any){2: quorums(0, 3)}}, want: CheckChange},
		{name: "more seats than there are", before: history{edit: [4]func(map[string]any){2: quorums(7, 3)}}, want: CheckChange},
		{name: "more cosigners than there are", before: history{edit: [4]func(map[string]any){2: quorums(3, 7)}}, want: CheckChange},
		{name: "enough for an expulsion", before: history{edit: kinds(map[string]any{"expel": 4, "charter": 4}),
			by: [4][]string{3: {"insurer-b", "association", "court-2", "regulator"}}}},
		{name: "too few for an expulsion", before: history{edit: kinds(map[string]any{"expel": 4, "charter": 4})}, want: CheckChange},
		{name: "fewer for a key", before: history{edit: kinds(map[string]any{"keys": 2}), by: [4][]string{2: {"insurer-b", "association"}}}},
		{name: "fewer, for something else", before: history{edit: kinds(map[string]any{"keys": 2}), by: [4][]string{3: {"insurer-b", "association"}}}, want: CheckChange},
		{name: "numbers by kind are a matter of their own", before: history{edit: [4]func(map[string]any){
			1: set("quorums", map[string]any{"roster": 3, "adopt": 3, "cosign": 3, "kinds": map[string]any{"charter": 4}}),
			2: set("quorums", map[string]any{"roster": 3, "adopt": 3, "cosign": 3})}}, want: CheckChange},
		{name: "a member twice", before: history{edit: [4]func(map[string]any){2: listing(func(all []any) []any { return append(all, fix.member("regulator")) })}}, want: CheckChange},
		{name: "another's key", before: history{edit: [4]func(map[string]any){2: listing(func(all []any) []any {
			all[0], all[1] = as("regulator", fix.member("association")), as("association", fix.member("regulator"))
			return all
		})}}, want: CheckChange},
		{name: "an old key comes back", before: history{edit: [4]func(map[string]any){3: listing(func(all []any) []any {
			all[2] = fix.member("court")
			return all
		})}}, want: CheckChange},
		{name: "who left comes back", before: history{more: func(r *roll) {
			r.next(listing(func(all []any) []any { return append(all, as("platform", r.member("platform-2"))) }), "regulator", "association", "insurer-b")
		}}, want: CheckChange},

		// What the bundle makes of them.
		{name: "a roster left out", after: func(b *Bundle) {
			b.Commands = slices.Delete(b.Commands, 3, 4)
			b.Changes = slices.Delete(b.Changes, 1, 2)
		}, want: CheckChange},
		{name: "a roster not named", after: func(b *Bundle) { b.Changes = slices.Delete(b.Changes, 2, 3) }, want: CheckChange},
		{name: "rosters exchanged", after: func(b *Bundle) {
			b.Commands[1].JWS, b.Commands[3].JWS = b.Commands[3].JWS, b.Commands[1].JWS
		}, want: CheckChange},
		{name: "a roster twice", after: func(b *Bundle) { b.Commands[3].JWS = b.Commands[1].JWS }, want: CheckChange},
		{name: "a roster the ledger refused", after: func(b *Bundle) { b.Commands[3].Outcome = Refused }, want: CheckChange},
		{name: "a roster that is no leaf", after: func(b *Bundle) { b.Commands[5].Proof = nil }, want: CheckCommandLogged},
		{name: "all rosters left out", after: func(b *Bundle) {
			b.Commands = []Command{b.Commands[0], b.Commands[2], b.Commands[4]}
			b.Changes = nil
		}, want: CheckQuorum},

		// Keys before and after their time.
		{name: "an old command key", before: history{more: func(r *roll) { r.says("court", "court", map[string]any{}) }}, want: CheckCommandIssuer},
		{name: "a key of who left", before: history{more: func(r *roll) { r.says("platform", "platform", map[string]any{}) }}, want: CheckCommandIssuer},
		{name: "a new key in another's name", before: history{more: func(r *roll) { r.says("regulator", "court-2", map[string]any{}) }}, want: CheckCommandIssuer},
		{name: "a newcomer before its roster", before: history{more: func(r *roll) {
			r.says("late", "late", map[string]any{})
			r.next(listing(func(all []any) []any { return append(all, r.member("late")) }), "regulator", "association", "insurer-b")
		}}, want: CheckCommandIssuer},
		{name: "an old cosigning key", before: history{more: func(r *roll) { r.cosignAs["court"] = "court" }}, want: CheckQuorum},
		{name: "a larger cosign quorum", before: history{edit: [4]func(map[string]any){3: quorums(3, 4)}}, want: CheckQuorum},
		{name: "an old key's entry on a later command", after: func(b *Bundle) { on(b, 0, 5) }, want: CheckDocumentIssuer},
		{name: "a new key's entry on an earlier command", after: func(b *Bundle) { on(b, 1, 1) }, want: CheckDocumentIssuer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, b := tc.before.tell(t)
			if tc.after != nil {
				tc.after(b)
			}
			r := Verify(must(json.Marshal(b))(t), Options{})
			if first, _, _ := strings.Cut(failed(r), " "); first != tc.want || r.OK != (tc.want == "") {
				t.Errorf("failed %q, want %q first\n%s", failed(r), tc.want, render(t, r))
			}
		})
	}
}

// TestAReleaseOfAnOlderRecord: the record was signed while its key counted; that
// its author has another by now takes nothing from it.
func TestAReleaseOfAnOlderRecord(t *testing.T) {
	var record string
	var disclosures []sdjwt.Disclosure
	var asked int64
	r, b := history{more: func(r *roll) {
		record, disclosures = r.document("court", sdjwt.TypRecord, nil)
		asked = r.command("insurer-a", "release.request", map[string]any{}, nil)
	}}.tell(t)
	released := must(sdjwt.Bind(record, disclosures[:1], cryptotest.Key("court", keys.Release), "insurer-a", r.ids[asked-1], testTime/1000+60))(t)
	b.AddDocumentOn(KindRelease, released, asked)
	if report := Verify(marshal(t, b), Options{}); !report.OK {
		t.Errorf("failed %q", failed(report))
	}
	late, disclosures := r.document("court-2", sdjwt.TypRecord, func(c map[string]any) { c["iss"] = "court" })
	first := must(sdjwt.Bind(late, disclosures[:1], cryptotest.Key("court-2", keys.Release), "court", r.ids[0], testTime/1000+60))(t)
	b.AddDocumentOn(KindRelease, first, 1)
	if report := Verify(marshal(t, b), Options{}); failed(report) != CheckDocumentIssuer {
		t.Errorf("released before its key was: failed %q", failed(report))
	}
}
