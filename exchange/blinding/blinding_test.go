package blinding_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/blinding"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
	"accord/exchange/members"
)

// holders is the test federation with its blinding key split: any two of three.
type holders struct {
	*machine.Machine
	t      *testing.T
	shares map[exchange.MemberID]*oprf.Key
}

var now = []exchange.MemberID{"regulator", "commission", "court"}

func found(t *testing.T) *holders {
	t.Helper()
	key, err := oprf.NewKey()
	Must(t, err)
	c, all, err := oprf.Split(key, 2, 3)
	Must(t, err)
	texts := blinding.Encode(c)
	h := &holders{t: t, shares: map[exchange.MemberID]*oprf.Key{}}
	for i, m := range now {
		h.shares[m] = all[i]
	}
	h.Machine = FoundBy(t, Document(1), func(c *members.Charter) {
		c.Blind = members.BlindRef{Scheme: blind.SchemeVOPRF, Commitment: texts[0], Commitments: texts, Holders: now}
	}, machine.Options{Frozen: true})
	return h
}

// say has a member do something, and gives the code of its refusal.
func (h *holders) say(by exchange.MemberID, verb exchange.Verb, body any) string {
	h.t.Helper()
	return Code(Do(h.t, h.Machine, Order{By: by, ID: fmt.Sprint("say", h.View().Size()), Verb: verb, Body: body}))
}

// text is a body as it travels.
func text(t *testing.T, body any) []byte {
	t.Helper()
	raw, err := strictjson.Marshal(body)
	Must(t, err)
	return raw
}

func split(object string, k int, to ...exchange.MemberID) func(*meeting.ProposeBody) {
	return func(b *meeting.ProposeBody) {
		b.Decision = &meeting.Decision{Object: object, Outcome: meeting.Split, Holders: to, Threshold: k}
	}
}

// decide proposes and votes until it is carried, and gives the last code.
func (h *holders) decide(object string, k int, to ...exchange.MemberID) string {
	h.t.Helper()
	o := Motion(fmt.Sprint("motion", h.View().Size()), meeting.Blinding, split(object, k, to...))
	r := Do(h.t, h.Machine, o)
	if !r.OK {
		return Code(r)
	}
	p := Outcome[meeting.Proposed](h.t, r)
	for _, by := range p.Voters[:p.Quorum] {
		if r := Do(h.t, h.Machine, Ballot(h.t, h.Machine, by, o.ID, meeting.Yes, nil)); !r.OK {
			return Code(r)
		}
	}
	return ""
}

// dealing is an honest dealing of a member's share.
func (h *holders) dealing(by exchange.MemberID, version, k, n int) blinding.DealBody {
	h.t.Helper()
	c, _, err := oprf.Deal(h.shares[by], k, n, rand.Reader)
	Must(h.t, err)
	return blinding.DealBody{Version: version, Commitment: blinding.Encode(c)}
}

// TestWhatMayBeDecided about the holders, and how many seats must say yes: as many as to
// a change of the charter.
func TestWhatMayBeDecided(t *testing.T) {
	for _, tc := range []struct {
		name, object string
		k            int
		to           []exchange.MemberID
		code         string
	}{
		{"others", "1", 2, []exchange.MemberID{"association", "regulator"}, ""},
		{"the same with new shares", "1", 2, now, ""},
		{"another number", "2", 2, now, "BLIND-020"},
		{"one alone", "1", 1, []exchange.MemberID{"court"}, "BLIND-020"},
		{"one of many", "1", 1, now, "BLIND-020"},
		{"more than there are", "1", 4, now, "BLIND-020"},
		{"one twice", "1", 2, []exchange.MemberID{"court", "court"}, "BLIND-020"},
		{"a stranger", "1", 2, []exchange.MemberID{"court", "nobody"}, "BLIND-020"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := found(t).decide(tc.object, tc.k, tc.to...); got != tc.code {
				t.Errorf("%q, want %q", got, tc.code)
			}
		})
	}
	m := MeetingUnder(t, Document(1)) // where every member has the key
	if r := Do(t, m, Motion("x", meeting.Blinding, split("1", 2, now...))); Code(r) != "BLIND-020" {
		t.Errorf("without holders: %q", Code(r))
	}
	fed := members.Federation{RosterQuorum: 2, DecideQuorum: 1, KindQuorums: members.KindQuorums{Charter: 4}}
	if got := meeting.Blinding.Quorum(&fed); got != 4 {
		t.Errorf("%d seats decide, a charter takes 4", got)
	}
	for name, edit := range map[string]func(*meeting.ProposeBody){
		"another outcome": func(b *meeting.ProposeBody) { split("1", 2, now...)(b); b.Decision.Outcome = "approve" },
		"parties": func(b *meeting.ProposeBody) {
			split("1", 2, now...)(b)
			b.Decision.Parties = []exchange.MemberID{"court"}
		},
		"no holders": func(b *meeting.ProposeBody) { split("1", 2)(b) },
	} {
		o := Motion(name, meeting.Blinding, edit)
		if _, err := meeting.DecodePropose(text(t, o.Body)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	b := Motion("y", meeting.Peering, split("1", 2, now...)).Body
	if _, err := meeting.DecodePropose(text(t, b)); err == nil {
		t.Error("another kind of decision names holders")
	}
}

// TestStepsOfAChange: whoever speaks out of turn is refused, and the group changes with
// the last acceptance.
func TestStepsOfAChange(t *testing.T) {
	h := found(t)
	deal := func(by exchange.MemberID, b blinding.DealBody, want string) {
		t.Helper()
		if got := h.say(by, exchange.VerbBlindingDeal, b); got != want {
			t.Errorf("deal by %s: %q, want %q", by, got, want)
		}
	}
	accept := func(by exchange.MemberID, want string) {
		t.Helper()
		if got := h.say(by, exchange.VerbBlindingAccept, blinding.AcceptBody{Version: 1}); got != want {
			t.Errorf("accept by %s: %q, want %q", by, got, want)
		}
	}
	deal("court", h.dealing("court", 1, 2, 2), "BLIND-022") // nothing was decided
	if got := h.decide("1", 2, "association", "regulator"); got != "" {
		t.Fatal(got)
	}
	if got := h.decide("2", 2, now...); got != "BLIND-021" {
		t.Errorf("a second one: %q", got)
	}
	accept("regulator", "BLIND-022")
	deal("association", h.dealing("court", 1, 2, 2), "BLIND-023")
	deal("court", h.dealing("regulator", 1, 2, 2), "BLIND-024")
	deal("court", h.dealing("court", 1, 3, 3), "BLIND-024")
	deal("court", h.dealing("court", 2, 2, 2), "BLIND-022")
	deal("court", h.dealing("court", 1, 2, 2), "")
	deal("court", h.dealing("court", 1, 2, 2), "BLIND-023")
	deal("commission", h.dealing("commission", 1, 2, 2), "")
	deal("regulator", h.dealing("regulator", 1, 2, 2), "BLIND-022")
	accept("court", "BLIND-023")
	accept("regulator", "")
	accept("regulator", "BLIND-023")
	if g, _ := blinding.InForceOf(h.View().Rows()); g.Version != 0 {
		t.Error("it counts before all have accepted")
	}
	accept("association", "")
	g, ok := blinding.InForceOf(h.View().Rows())
	fed := h.View().Federation()
	if !ok || g.Version != 1 || g.Threshold != 2 || !slices.Equal(g.Holders, []exchange.MemberID{"association", "regulator"}) || blinding.Encode(g.Elements)[0] != fed.Blind.Commitment {
		t.Errorf("%+v", g)
	}
	accept("association", "BLIND-022")
	if got := h.decide("1", 2, now...); got != "BLIND-020" {
		t.Errorf("the same number again: %q", got)
	}
	if got := h.say("court", exchange.VerbBlindingRefuse, blinding.RefuseBody{Version: 1, Why: "operator"}); got != "BLIND-022" {
		t.Errorf("refused when it is over: %q", got)
	}
	if got := h.decide("2", 3, now...); got != "" {
		t.Fatal(got)
	}
	refuse := func(by, dealer exchange.MemberID, want string) {
		t.Helper()
		if got := h.say(by, exchange.VerbBlindingRefuse, blinding.RefuseBody{Version: 2, Dealer: dealer, Why: "part"}); got != want {
			t.Errorf("refuse by %s: %q, want %q", by, got, want)
		}
	}
	refuse("insurer", "", "BLIND-023")
	refuse("court", "association", "BLIND-023") // it has not dealt
	refuse("court", "", "")
	refuse("regulator", "", "BLIND-022")
	travels(t, h)
}

// travels sees that what the ledger keeps is in its snapshots.
func travels(t *testing.T, h *holders) {
	t.Helper()
	s, err := h.Snapshot()
	Must(t, err)
	defer s.Release()
	var snapshot bytes.Buffer
	_, err = s.WriteTo(&snapshot)
	Must(t, err)
	other, err := machine.New(h.Genesis(), machine.Options{Frozen: true})
	Must(t, err)
	Must(t, other.Restore(bytes.NewReader(snapshot.Bytes())))
	if c, ok := blinding.Get(other.View().Rows(), 2); !ok || c.End == nil || other.View().Digest() != h.View().Digest() {
		t.Errorf("%+v", c)
	}
	Must(t, h.VerifyFrozen())
}

// TestBodies: the decoders take no other form.
func TestBodies(t *testing.T) {
	h := found(t)
	good := h.dealing("court", 1, 2, 3)
	if _, err := blinding.DecodeDeal(text(t, good)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`{}`, `{"version":1}`, `{"version":1,"commitment":[]}`, `{"version":1,"commitment":["x"]}`, `{"version":0,"commitment":["` + good.Commitment[0] + `"]}`,
		`{"version":1,"commitment":["` + good.Commitment[0] + `"],"x":1}`} {
		if _, err := blinding.DecodeDeal([]byte(bad)); err == nil {
			t.Error("took", bad)
		}
	}
	for _, bad := range []string{`{}`, `{"version":0}`, `{"version":1,"x":1}`} {
		if _, err := blinding.DecodeAccept([]byte(bad)); err == nil {
			t.Error("took", bad)
		}
	}
	for _, bad := range []string{`{}`, `{"version":1}`, `{"version":1,"why":"a b"}`, `{"version":1,"why":"part","dealer":"a b"}`} {
		if _, err := blinding.DecodeRefuse([]byte(bad)); err == nil {
			t.Error("took", bad)
		}
	}
}

// TestANewKey: every next holder deals a part that it proves to know, for this change and
// in its own name.
func TestANewKey(t *testing.T) {
	h := found(t)
	to := []exchange.MemberID{"association", "court"}
	o := Motion("rotate", meeting.Blinding, func(b *meeting.ProposeBody) {
		b.Decision = &meeting.Decision{Object: "1", Outcome: meeting.Rotate, Holders: to, Threshold: 2}
	})
	p := Outcome[meeting.Proposed](t, Do(t, h.Machine, o))
	for _, by := range p.Voters[:p.Quorum] {
		if r := Do(t, h.Machine, Ballot(t, h.Machine, by, o.ID, meeting.Yes, nil)); !r.OK {
			t.Fatal(r.Error)
		}
	}
	c, _ := blinding.Get(h.View().Rows(), 1)
	part, err := oprf.NewKey()
	Must(t, err)
	deal := func(key, proven *oprf.Key, context []byte) blinding.DealBody {
		commitment, _, err := oprf.Deal(key, 2, 2, rand.Reader)
		Must(t, err)
		proof, err := proven.Knows(context)
		Must(t, err)
		return blinding.DealBody{Version: 1, Commitment: blinding.Encode(commitment), Proof: base64.RawURLEncoding.EncodeToString(proof)}
	}
	mine, others := c.Context(Federation, "court"), c.Context(Federation, "association")
	unproven := deal(part, part, mine)
	unproven.Proof = ""
	split := h.dealing("court", 1, 2, 2) // of the old key's share
	for _, tc := range []struct {
		name string
		by   exchange.MemberID
		body blinding.DealBody
		code string
	}{
		{"without proof", "court", unproven, "BLIND-024"},
		{"another key's proof", "court", deal(part, h.shares["court"], mine), "BLIND-024"},
		{"another member's proof", "court", deal(part, part, others), "BLIND-024"},
		{"the old share", "court", split, "BLIND-024"},
		{"a holder of now", "regulator", deal(h.shares["regulator"], h.shares["regulator"], c.Context(Federation, "regulator")), "BLIND-023"},
		{"its own", "court", deal(part, part, mine), ""},
		{"the last one", "association", deal(part, part, others), ""},
	} {
		if got := h.say(tc.by, exchange.VerbBlindingDeal, tc.body); got != tc.code {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.code)
		}
	}
	for _, by := range to {
		if got := h.say(by, exchange.VerbBlindingAccept, blinding.AcceptBody{Version: 1}); got != "" {
			t.Errorf("accept by %s: %q", by, got)
		}
	}
	all := blinding.Epochs(h.View().Rows())
	if len(all) != 2 || all[0].Version != 0 || all[1].Version != 1 || all[1].Epoch != 2 || all[0].Elements[0] == all[1].Elements[0] {
		t.Errorf("%+v", all)
	}
	for epoch, code := range map[int]string{1: "", 3: "BLIND-020"} {
		r := Do(t, h.Machine, Motion(fmt.Sprint("epoch", epoch), meeting.Blinding, func(b *meeting.ProposeBody) {
			b.Decision = &meeting.Decision{Object: "2", Outcome: meeting.Split, Holders: to, Threshold: 2, Epoch: epoch}
		}))
		if Code(r) != code {
			t.Errorf("epoch %d: %q", epoch, Code(r))
		}
	}
}
