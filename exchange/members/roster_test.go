package members_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

var (
	three = []exchange.MemberID{"regulator", "commission", "court"}
	all4  = append(three[:3:3], "association")
)

func line(t testing.TB) *members.Lineage {
	t.Helper()
	l, err := Genesis(t).Lineage()
	Must(t, err)
	return l
}

// rekeyed is a member's listing with the keys of another label.
func rekeyed(f members.Founder, label exchange.MemberID, uses ...keys.Use) members.Founder {
	f.Keys = slices.Clone(f.Keys)
	for i, k := range f.Keys {
		if slices.Contains(uses, k.Use()) {
			f.Keys[i] = Key(label, k.Use()).Public()
		}
	}
	return f
}

func at(r *members.Roster, id exchange.MemberID) *members.Founder {
	for i := range r.Members {
		if r.Members[i].ID == id {
			return &r.Members[i]
		}
	}
	return nil
}

func remove(r *members.Roster, id exchange.MemberID) {
	r.Members = slices.DeleteFunc(r.Members, func(f members.Founder) bool { return f.ID == id })
}

// rosterCase is a roster on top of a line and what becomes of it.
type rosterCase struct {
	edit   func(*members.Roster)
	proofs []string
	seats  []exchange.MemberID
	want   string
}

func rosterCases(t testing.TB) map[string]rosterCase {
	bank := Newcomer("bank", 1)
	voter := bank
	voter.Node.Role = members.Voter
	proof := Introduce(t, bank, "bank")
	join := func(r *members.Roster) { r.Members = append(r.Members, bank) }
	court := *at(line(t).Roster(), "court")
	fresh := rekeyed(court, "court2", keys.Command, keys.TLS)
	moved := court
	moved.Node.ID = "node-court-2"
	set := func(f members.Founder) func(*members.Roster) { return func(r *members.Roster) { *at(r, f.ID) = f } }
	return map[string]rosterCase{
		"a newcomer":                    {join, []string{proof}, three, ""},
		"a newcomer that votes at once": {func(r *members.Roster) { r.Members = append(r.Members, voter) }, []string{proof}, three, ""},
		"nothing":                       {func(*members.Roster) {}, nil, three, "MEM-039"},
		"a version too far":             {func(r *members.Roster) { join(r); r.Version++ }, []string{proof}, three, "MEM-031"},
		"on another roster":             {func(r *members.Roster) { join(r); r.Previous = "sha256:" + strings.Repeat("0", 64) }, []string{proof}, three, "MEM-032"},
		"of another charter":            {func(r *members.Roster) { join(r); r.Charter = "sha256:" + strings.Repeat("0", 64) }, []string{proof}, three, "MEM-032"},
		"of another federation":         {func(r *members.Roster) { join(r); r.Federation = "otherland" }, []string{proof}, three, "MEM-032"},
		"no proof":                      {join, nil, three, "MEM-035"},
		"a proof by another":            {join, []string{Introduce(t, bank, "court")}, three, "MEM-035"},
		"a proof of something else":     {join, []string{Introduce(t, rekeyed(bank, "other", keys.Seal), "bank")}, three, "MEM-035"},
		"a minority":                    {join, []string{proof}, three[:2], "MEM-034"},
		"one seat three times":          {join, []string{proof}, []exchange.MemberID{"court", "court", "court"}, "MEM-034"},
		"a member without a seat":       {join, []string{proof}, append(three[:3:3], "insurer"), "MEM-033"},
		"a stranger":                    {join, []string{proof}, append(three[:3:3], "stranger"), "MEM-033"},
		"the newcomer for itself":       {join, []string{proof}, append(three[:2:2], "bank"), "MEM-033"},
		"an expulsion":                  {func(r *members.Roster) { remove(r, "association") }, nil, three, ""},
		"an expulsion, its own vote":    {func(r *members.Roster) { remove(r, "association") }, nil, append(three[:2:2], "association"), "MEM-034"},
		"a seat lost, its own vote":     {func(r *members.Roster) { at(r, "court").Seat = false }, nil, three, "MEM-034"},
		"a seat lost":                   {func(r *members.Roster) { at(r, "court").Seat = false }, nil, all4, ""},
		"two leave":                     {func(r *members.Roster) { remove(r, "association"); remove(r, "insurer") }, nil, three, "MEM-037"},
		"two votes change":              {func(r *members.Roster) { at(r, "insurer").Node.Role, at(r, "court").Node.Role = "nonvoter", "nonvoter" }, nil, three, "MEM-037"},
		"one vote changes":              {func(r *members.Roster) { at(r, "insurer").Node.Role = members.Nonvoter }, nil, three, ""},
		"a vote handed over":            {set(moved), []string{Introduce(t, moved, "court")}, three, ""},
		"a new node, no proof":          {set(moved), nil, three, "MEM-035"},
		"new keys":                      {set(fresh), []string{Introduce(t, fresh, "court2")}, three, ""},
		"new keys, the old one proves":  {set(fresh), []string{Introduce(t, fresh, "court")}, three, "MEM-035"},
		"a key of another":              {set(rekeyed(court, "insurer", keys.TLS)), []string{Introduce(t, rekeyed(court, "insurer", keys.TLS), "court")}, three, "MEM-030"},
		"an address of another": {func(r *members.Roster) {
			remove(r, "insurer")
			bank.Node.Address = "10.0.0.5:7000"
			join(r)
			bank.Node.Address = "10.0.1.1:7000"
		}, []string{proof}, three, "MEM-036"},
		"another address of its own":     {func(r *members.Roster) { at(r, "court").Node.Address = "10.9.9.9:7000" }, nil, three, ""},
		"no role":                        {func(r *members.Roster) { at(r, "court").Node.Role = "" }, nil, three, "MEM-030"},
		"more seats wanted than there":   {func(r *members.Roster) { r.Quorums.Adopt = 9 }, nil, three, "MEM-030"},
		"another quorum":                 {func(r *members.Roster) { r.Quorums.Roster = 4 }, nil, three, ""},
		"nobody":                         {func(r *members.Roster) { r.Members = nil }, nil, three, "MEM-030"},
		"an endorsement of another text": {join, []string{proof}, append(three[:3:3], "other text"), "MEM-033"},
	}
}

// TestRosterRules holds every rule against the paper alone and against the ledger:
// both must say the same.
//
// Shows: B4, B9, B13, D23
func TestRosterRules(t *testing.T) {
	for name, c := range rosterCases(t) {
		l := line(t)
		doc := Draft(t, l, c.edit)
		seats := slices.DeleteFunc(slices.Clone(c.seats), func(id exchange.MemberID) bool { return id == "other text" })
		s := SignRoster(t, doc, 1, c.proofs, seats...)
		if len(seats) < len(c.seats) {
			s.Endorsements = append(s.Endorsements, EndorseRoster(t, "association", members.RosterEndorsement{Federation: Federation, Roster: "sha256:" + strings.Repeat("0", 64), Version: 1}))
		}
		code := ""
		next, err := l.Extend(s, nil)
		if err != nil {
			code = exchange.AsError(err).Code
		}
		if code != c.want {
			t.Errorf("%s: %q (%v), want %q", name, code, err, c.want)
		}
		m := New(t)
		r := Do(t, m, Order{By: "insurer", ID: "r", Verb: exchange.VerbRoster, Body: s})
		if Code(r) != c.want {
			t.Errorf("%s, on the ledger: %q, want %q", name, Code(r), c.want)
		}
		if row := m.View().Roster(); (row.Version == 1) != (c.want == "") || c.want == "" && row.Digest != next.Digest() {
			t.Errorf("%s: roster %d in force", name, row.Version)
		}
		Must(t, m.Audit())
		Must(t, m.VerifyFrozen())
	}
}

// enrol puts a roster in force that must be good.
func enrol(t *testing.T, m *machine.Machine, l *members.Lineage, id string, edit func(*members.Roster), proofs []string, seats ...exchange.MemberID) *members.Lineage {
	t.Helper()
	s := SignRoster(t, Draft(t, l, edit), l.Version()+1, proofs, seats...)
	next, err := l.Extend(s, nil)
	Must(t, err)
	if r := Do(t, m, Order{By: "regulator", ID: id, Verb: exchange.VerbRoster, Body: s, At: Start + exchange.Millis(l.Version())*Hour}); !r.OK {
		t.Fatalf("%v", r.Error)
	}
	return next
}

// TestNothingComesBack: ids, nodes and keys of the past stay used, also the
// member's own.
//
// Shows: B12, F17, F31
func TestNothingComesBack(t *testing.T) {
	l, m := line(t), New(t)
	bank := Newcomer("bank", 1)
	l = enrol(t, m, l, "1", func(r *members.Roster) { r.Members = append(r.Members, bank) }, []string{Introduce(t, bank, "bank")}, three...)
	moved := bank
	moved.Node.ID = "node-bank-2"
	l = enrol(t, m, l, "2", func(r *members.Roster) { *at(r, "bank") = moved }, []string{Introduce(t, moved, "bank")}, three...)
	gone := enrol(t, m, l, "3", func(r *members.Roster) { remove(r, "bank") }, nil, three...)
	anew := rekeyed(Newcomer("bank2", 1), "bank2", keys.Uses()...)
	old := rekeyed(moved, "bank3", keys.TLS)
	for name, c := range map[string]struct {
		on     *members.Lineage
		edit   func(*members.Roster)
		proofs []string
	}{
		"the id":            {gone, func(r *members.Roster) { f := anew; f.ID = "bank"; r.Members = append(r.Members, f) }, nil},
		"the first node":    {l, func(r *members.Roster) { at(r, "bank").Node.ID = "node-bank" }, nil},
		"a node of another": {gone, func(r *members.Roster) { f := anew; f.Node.ID = "node-bank-2"; r.Members = append(r.Members, f) }, nil},
		"a key":             {gone, func(r *members.Roster) { r.Members = append(r.Members, rekeyed(anew, "bank", keys.Seal)) }, nil},
		"the address": {gone, func(r *members.Roster) {
			f := anew
			f.Node.Address = bank.Node.Address
			r.Members = append(r.Members, f)
		}, nil},
	} {
		s := SignRoster(t, Draft(t, c.on, c.edit), c.on.Version()+1, c.proofs, three...)
		if _, err := c.on.Extend(s, nil); !errors.Is(err, members.ErrRosterUsed) {
			t.Errorf("%s came back: %v", name, err)
		}
	}
	l = enrol(t, New(t), line(t), "1", func(r *members.Roster) { r.Members = append(r.Members, old) }, []string{Introduce(t, old, "bank")}, three...)
	s := SignRoster(t, Draft(t, l, func(r *members.Roster) { *at(r, "bank") = moved }), 2, []string{Introduce(t, moved, "bank")}, three...)
	if _, err := l.Extend(s, nil); err != nil {
		t.Errorf("a key that was never used: %v", err)
	}
}

// TestKeysOverTime: a new key counts from its roster on, the old one until then,
// and what the old one signed stays good.
func TestKeysOverTime(t *testing.T) {
	m, l := New(t), line(t)
	sign := func(id string, label exchange.MemberID, at exchange.Millis) []byte {
		return Sign(t, Order{By: "court", ID: id, Key: label, At: at, Verb: exchange.VerbNominate,
			Body: Nominate(EntryBy(t, "court", id, func(c *lists.Claims) { c.Subject = exchange.SubjectID("org:" + id) }, Key(label, keys.Attest), lists.Kind))})
	}
	Must(t, m.Check(sign("before", "court", Start)))
	if r := Apply(t, m, sign("before", "court", Start))[0]; !r.OK {
		t.Fatal(r.Error)
	}
	court := rekeyed(*at(l.Roster(), "court"), "court2", keys.Command, keys.Attest)
	if err := m.Check(sign("early", "court2", Start)); err == nil {
		t.Error("a key nobody announced passes Check")
	}
	l = enrol(t, m, l, "r", func(r *members.Roster) { *at(r, "court") = court }, []string{Introduce(t, court, "court2")}, three...)
	for id, c := range map[string]struct {
		label exchange.MemberID
		code  string
	}{"old": {"court", "CMD-012"}, "new": {"court2", ""}} {
		payload := sign(id, c.label, Start+Hour)
		Must(t, m.Check(payload)) // Check knows both: a follower may lag
		if r := Apply(t, m, payload)[0]; Code(r) != c.code {
			t.Errorf("%s key after the change: %q", id, Code(r))
		}
	}
	v := m.View()
	old := Key("court", keys.Attest).Public().KID()
	if _, _, ok := v.KeyAt(old, Start-1); !ok {
		t.Error("the old key does not verify what it signed")
	}
	if _, _, ok := v.KeyAt(old, Start); ok {
		t.Error("the old key counts after the change")
	}
	enrol(t, m, l, "gone", func(r *members.Roster) { remove(r, "court") }, nil, "regulator", "commission", "association")
	court2, _ := m.View().Member("court")
	if court2.Status != members.Left || court2.Ended == 0 {
		t.Errorf("%+v", court2)
	}
	if r := Apply(t, m, sign("left", "court2", Start+2*Hour))[0]; Code(r) != "CMD-012" {
		t.Errorf("a member that left acts: %q", Code(r))
	}
	Must(t, m.Audit())
}

// TestAnnouncedBeforeApplied: what a roster's newcomer signs passes Check behind
// it, in the same batch and on a node that has applied nothing.
func TestAnnouncedBeforeApplied(t *testing.T) {
	m, l := New(t), line(t)
	bank := Newcomer("bank", 1)
	s := SignRoster(t, Draft(t, l, func(r *members.Roster) { r.Members = append(r.Members, bank) }), 1, []string{Introduce(t, bank, "bank")}, three...)
	roster := Sign(t, Order{By: "insurer", ID: "r", Verb: exchange.VerbRoster, Body: s})
	word := Sign(t, Order{By: "bank", ID: "w", Verb: exchange.VerbAnnounce, Body: members.AnnounceBody{Node: bank.Node.ID, Machine: 1, Build: "test"}})
	if m.Check(word) == nil {
		t.Error("a stranger passes Check")
	}
	for i, err := range m.CheckAll([][]byte{roster, word}) {
		if err != nil {
			t.Errorf("payload %d: %v", i, err)
		}
	}
	if m.View().Roster().Version != 0 || m.Book().Newest().Version() != 1 {
		t.Error("Check put a roster in force, or forgot it")
	}
	place := members.Place{ID: bank.Node.ID, Address: bank.Node.Address}
	Must(t, m.Book().Governs(0, []members.Place{place}))
	results := Apply(t, m, roster, word)
	if !results[0].OK || !results[1].OK {
		t.Errorf("%+v", results)
	}
	// A fork: a second first roster passes Check everywhere and is refused in Apply.
	other := SignRoster(t, Draft(t, l, func(r *members.Roster) { remove(r, "insurer") }), 1, nil, three...)
	if r := Do(t, m, Order{By: "regulator", ID: "f", Verb: exchange.VerbRoster, Body: other}); Code(r) != "MEM-031" {
		t.Errorf("a second first roster: %q", Code(r))
	}
}

// TestGoverns: who may be a server while the log follows the rosters.
//
// Shows: B9, F32
func TestGoverns(t *testing.T) {
	m, l := New(t), line(t)
	bank := Newcomer("bank", 1)
	l = enrol(t, m, l, "1", func(r *members.Roster) { r.Members = append(r.Members, bank) }, []string{Introduce(t, bank, "bank")}, three...)
	l = enrol(t, m, l, "2", func(r *members.Roster) { remove(r, "insurer") }, nil, three...)
	enrol(t, m, l, "3", func(r *members.Roster) { at(r, "court").Node.Role = members.Nonvoter }, nil, three...)
	court := members.Place{ID: "node-court", Address: "10.0.0.4:7000", Voter: true}
	insurer := members.Place{ID: "node-insurer", Address: "10.0.0.5:7000", Voter: true}
	for name, c := range map[string]struct {
		inForce int
		place   members.Place
		ok      bool
	}{
		"as listed":                         {3, members.Place{ID: "node-court", Address: "10.0.0.4:7000"}, true},
		"not yet demoted":                   {3, court, true},
		"demoted, one roster later":         {4, court, false},
		"taken off two rosters ago":         {3, insurer, false},
		"taken off, on the way":             {2, insurer, true},
		"a stranger":                        {0, members.Place{ID: "node-evil", Address: "10.6.6.6:7000"}, false},
		"another address":                   {0, members.Place{ID: "node-court", Address: "10.6.6.6:7000"}, false},
		"a nonvoter with a vote":            {0, members.Place{ID: "node-bank", Address: "10.0.1.1:7000", Voter: true}, false},
		"announced, not applied here":       {0, members.Place{ID: "node-bank", Address: "10.0.1.1:7000"}, true},
		"a voter that has not its vote yet": {3, members.Place{ID: "node-regulator", Address: "10.0.0.1:7000"}, true},
	} {
		err := m.Book().Governs(c.inForce, []members.Place{c.place})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSnapshotMembersFollowFromTheCharter: rosters survive a snapshot, and one
// whose members no roster lists is refused.
func TestSnapshotMembersFollowFromTheCharter(t *testing.T) {
	m := New(t)
	bank := Newcomer("bank", 1)
	l := enrol(t, m, line(t), "1", func(r *members.Roster) { r.Members = append(r.Members, bank) }, []string{Introduce(t, bank, "bank")}, three...)
	s, err := m.Snapshot()
	Must(t, err)
	var b bytes.Buffer
	_, err = s.WriteTo(&b)
	Must(t, err)
	fresh := New(t)
	Must(t, fresh.Restore(&b))
	if got := fresh.Book().Newest().Digest(); got != l.Digest() {
		t.Error("the roster got lost in a snapshot")
	}
	enrol(t, fresh, l, "2", func(r *members.Roster) { remove(r, "bank") }, nil, three...)
	if _, err := Genesis(t).Lineage(); err != nil {
		t.Fatal(err)
	}
	papers := fresh.Book().Newest().Since(0)
	book := members.NewBook(line(t))
	if _, err := book.Learn(papers[1], nil); !errors.Is(err, members.ErrRosterPrevious) {
		t.Errorf("a paper out of order: %v", err)
	}
	for _, p := range papers {
		_, err := book.Learn(p, nil)
		Must(t, err)
	}
	if book.Newest().Digest() != fresh.Book().Newest().Digest() {
		t.Error("papers lead elsewhere")
	}
}

// TestVersionRisesWithTheLastNode: the version in force waits for the last node,
// which may be taken off instead, and never falls; a build that cannot follow stops
// before it applies the command that would take it there.
//
// Shows: F22, F23
func TestVersionRisesWithTheLastNode(t *testing.T) {
	const founded, next = 1, machine.Version + 1
	announce := func(by exchange.MemberID, node string, version, n int) []byte {
		return Sign(t, Order{By: by, ID: fmt.Sprint(by, node, version, n), Verb: exchange.VerbAnnounce,
			Body: members.AnnounceBody{Node: node, Machine: version, Build: "test"}})
	}
	m := New(t)
	for i, id := range all4 {
		for n, version := range []int{next, machine.Version, next} { // up, down again before the gate, up
			r := Apply(t, m, announce(id, "node-"+string(id), version, n))[0]
			if out := Outcome[members.Announced](t, r); out.InForce != founded {
				t.Fatalf("version %d in force after %d of 5 nodes", out.InForce, i+1)
			}
		}
	}
	if b, ok := m.View().BuildOf("node-court"); !ok || b.Machine != next || b.Member != "court" {
		t.Errorf("%+v", b)
	}
	if r := Apply(t, m, announce("court", "node-insurer", next, 0))[0]; Code(r) != "MEM-041" {
		t.Errorf("a member speaks for another's node: %q", Code(r))
	}
	before := m.View()
	drop := SignRoster(t, Draft(t, line(t), func(r *members.Roster) { remove(r, "insurer") }), 1, nil, three...)
	for name, last := range map[string][]byte{
		"the last node announces": announce("insurer", "node-insurer", next, 0),
		"the last node leaves":    Sign(t, Order{By: "court", ID: "drop", Verb: exchange.VerbRoster, Body: drop}),
	} {
		twin := New(t)
		for s := range before.Statements(0) {
			Apply(t, twin, []byte(s.JWS))
		}
		_, err := twin.Apply(twin.View().Index()+1, [][]byte{last})
		if !errors.Is(err, machine.ErrStopped) || !strings.Contains(err.Error(), "CMD-017") || twin.View().Digest() != before.Digest() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseRoster(f *testing.F) {
	f.Add([]byte(Draft(f, line(f), func(r *members.Roster) { r.Quorums.Cosign = 2 })))
	f.Add([]byte(`{"format":"accord-roster/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := members.ParseRoster(data)
		if (err == nil) != (r != nil) {
			t.Fatal("error and roster exclude each other")
		}
		if r != nil {
			if _, err := r.Encode(); err != nil && !errors.Is(err, members.ErrRoster) {
				t.Fatal(err)
			}
		}
		if b, err := members.DecodeRoster(data); (err == nil) != (b != nil) {
			t.Fatal("error and body exclude each other")
		}
		if b, err := members.DecodeAnnounce(data); (err == nil) != (b != nil) {
			t.Fatal("error and body exclude each other")
		}
	})
}
