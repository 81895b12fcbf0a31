package members_test

import (
	"strings"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

func adoption(t *testing.T, id string, doc []byte, seats ...exchange.MemberID) Order {
	t.Helper()
	parsed, _ := catalogue.Decode(doc)
	e := members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest(doc), Version: 2}
	if parsed != nil {
		e.Version = parsed.Version
	}
	b := members.AdoptBody{Document: string(doc)}
	for _, s := range seats {
		b.Endorsements = append(b.Endorsements, Endorse(t, s, e))
	}
	return Order{By: "insurer", ID: id, Verb: exchange.VerbAdopt, Body: b}
}

// Shows: B13, D23
func TestAdoption(t *testing.T) {
	second := Catalogue(t, 2)
	changed := func(edit func(*catalogue.Document)) []byte {
		doc := Document(2)
		edit(doc)
		data, err := strictjson.Marshal(doc)
		Must(t, err)
		return data
	}
	seats := []exchange.MemberID{"regulator", "commission", "court"}
	with := func(o Order, tokens ...string) Order {
		b := o.Body.(members.AdoptBody)
		b.Endorsements = append(b.Endorsements, tokens...)
		o.Body = b
		return o
	}
	good := members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest(second), Version: 2}
	other, later := good, good
	other.Federation, later.Version = "otherland", 3
	for name, c := range map[string]struct {
		order Order
		want  string
	}{
		"quorum":                     {adoption(t, "a", second, seats...), ""},
		"everybody":                  {adoption(t, "a", second, append(seats, "association")...), ""},
		"one short":                  {adoption(t, "a", second, seats[:2]...), "MEM-013"},
		"one seat three times":       {adoption(t, "a", second, "court", "court", "court"), "MEM-013"},
		"a member without a seat":    {adoption(t, "a", second, append(seats, "insurer")...), "MEM-012"},
		"a stranger":                 {adoption(t, "a", second, append(seats, "stranger")...), "MEM-012"},
		"for another federation":     {with(adoption(t, "a", second, seats...), Endorse(t, "association", other)), "MEM-012"},
		"for another version":        {with(adoption(t, "a", second, seats...), Endorse(t, "association", later)), "MEM-012"},
		"garbage":                    {with(adoption(t, "a", second, seats...), "a.b.c"), "MEM-012"},
		"a charter signature":        {with(adoption(t, "a", second, seats...), Genesis(t).Signatures[0]), "MEM-012"},
		"the version in force again": {adoption(t, "a", Catalogue(t, 1), seats...), "MEM-010"},
		"a version too far":          {adoption(t, "a", Catalogue(t, 3), seats...), "MEM-010"},
		"another catalogue":          {adoption(t, "a", changed(func(d *catalogue.Document) { d.ID = "other" }), seats...), "MEM-011"},
		"does not lint":              {adoption(t, "a", changed(func(d *catalogue.Document) { d.Rules[0].Fields[0] = "secret" }), seats...), "CAT-003"},
		"format 2":                   {adoption(t, "a", changed(func(d *catalogue.Document) { d.Format = catalogue.Format2 }), seats...), "CAT-002"},
		"a member of format 2":       {adoption(t, "a", changed(func(d *catalogue.Document) { d.Rules[0].PerOperatorDay = 1 }), seats...), "CAT-001"},
		"format 2 does not parse":    {adoption(t, "a", changed(func(d *catalogue.Document) { d.Format, d.Rules[0].PerOperatorDay = catalogue.Format2, 1 }), seats...), "CAT-001"},
		"does not parse":             {adoption(t, "a", []byte(`{"format":`), seats...), "CAT-001"},
	} {
		m := New(t)
		r := Do(t, m, c.order)
		if Code(r) != c.want {
			t.Errorf("%s: %q, want %q", name, Code(r), c.want)
		}
		version := m.View().Catalogue().Document().Version
		if want := map[bool]int{true: 2, false: 1}[c.want == ""]; version != want {
			t.Errorf("%s: version %d in force", name, version)
		}
		if strings.Contains(name, "parse") && (r.Error.Field != "" || len(r.Error.Args) != 0) {
			t.Errorf("what a JSON library says is replicated: %+v", r.Error)
		}
	}
}

// TestNothingIsAdoptedAroundTheMeeting: from machine version 4 on endorsements alone
// bring no catalogue; what is wrong with them is still said first.
func TestNothingIsAdoptedAroundTheMeeting(t *testing.T) {
	cat, second := Catalogue(t, 1), Catalogue(t, 2)
	seats := []exchange.MemberID{"regulator", "commission", "court"}
	for version, want := range map[int]string{3: "", 4: "MEM-045"} {
		c := Charter(cat)
		c.MachineVersion = version
		m, err := machine.New(GenesisOf(t, c, cat), machine.Options{Frozen: true})
		Must(t, err)
		if r := Do(t, m, adoption(t, "short", second, seats[:2]...)); Code(r) != "MEM-013" {
			t.Errorf("version %d, one seat short: %v", version, r.Error)
		}
		if r := Do(t, m, adoption(t, "a", second, seats...)); Code(r) != want {
			t.Errorf("version %d: %v", version, r.Error)
		}
		if _, ok := m.View().CatalogueAt(2); ok != (want == "") {
			t.Errorf("version %d: adopted %v", version, ok)
		}
		Must(t, m.VerifyFrozen())
	}
}

func TestAdoptedAtOnceAndOldVersionsStay(t *testing.T) {
	m := New(t)
	third, err := strictjson.Marshal(func() *catalogue.Document {
		d := Document(2)
		d.Lists[1].NoticeMillis = 0
		return d
	}())
	Must(t, err)
	nominate := func(label string, cat int, edit func(*lists.Claims)) []byte {
		return Sign(t, Order{By: "court", ID: label, Cat: cat, Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", label, edit))})
	}
	v2 := func(c *lists.Claims) { c.Catalogue, c.Ground = 2, "fraud" }
	results := Apply(t, m, nominate("1", 1, nil),
		Sign(t, adoption(t, "a", third, "regulator", "commission", "court")),
		nominate("2", 1, nil), nominate("3", 2, v2))
	for i, want := range []string{"", "", "CMD-016", ""} {
		if Code(results[i]) != want {
			t.Errorf("%d: %q, want %q", i, Code(results[i]), want)
		}
	}
	v := m.View()
	one, _ := v.Entry(exchange.EntryID(ID("entry 1")))
	three, _ := v.Entry(exchange.EntryID(ID("entry 3")))
	if one.Catalogue != 1 || one.ListedFrom != Start+10*Day || three.Catalogue != 2 || three.ListedFrom != Start {
		t.Errorf("%+v\n%+v", one, three)
	}
	old, ok := v.CatalogueAt(1)
	if !ok || old.Document().Lists[1].NoticeMillis == 0 || v.Catalogue().Document().Version != 2 {
		t.Error("the old version is gone, or the new one is not in force")
	}
	if _, ok := v.CatalogueAt(3); ok {
		t.Error("a version nobody adopted")
	}
	if row := v.CatalogueVersion(); row.Seq != 2 || len(row.Endorsers) != 3 || row.Digest != catalogue.Digest(third) {
		t.Errorf("%+v", row)
	}
	Must(t, m.Audit())
}

func TestKeysOfMembers(t *testing.T) {
	v := New(t).View()
	court, _ := v.Member("court")
	for _, use := range keys.Uses() {
		k, ok := court.Key(use, Start)
		if !ok || !k.Equal(Key("court", use).Public()) {
			t.Errorf("%s: not found", use)
		}
		if m, got, ok := v.KeyAt(k.KID(), Start); !ok || m.ID != "court" || !got.Equal(k) {
			t.Errorf("%s: not found by kid", use)
		}
		if _, _, ok := v.KeyAt(k.KID(), Founded-1); ok {
			t.Errorf("%s counted before the founding", use)
		}
	}
	if _, _, ok := v.KeyAt(Key("stranger", keys.Command).KID(), Start); ok {
		t.Error("a stranger's key")
	}
	window := members.Key{From: 10, Until: 20}
	for at, want := range map[exchange.Millis]bool{9: false, 10: true, 19: true, 20: false} {
		if window.ValidAt(at) != want {
			t.Errorf("a window at %d", at)
		}
	}
}

// TestDefaultCatalogueFitsACommand: the largest catalogue we ship can be
// adopted in one command with every seat's endorsement.
func TestDefaultCatalogueFitsACommand(t *testing.T) {
	data, _ := catalogue.Default()
	payload := Sign(t, adoption(t, "a", data, "regulator", "commission", "association", "court"))
	t.Logf("catalogue %d bytes, command %d of %d", len(data), len(payload), exchange.MaxCommand)
	m, err := machine.New(genesis(t), machine.Options{})
	Must(t, err)
	if len(payload) > exchange.MaxCommand || m == nil {
		t.Error("too long")
	}
}

func FuzzDecodeAdopt(f *testing.F) {
	f.Add([]byte(`{"document":"{}","endorsements":["a.b.c"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := members.DecodeAdopt(data); (err == nil) != (b != nil) {
			t.Fatal("error and body exclude each other")
		}
	})
}

// TestGenesisOfFormat2: a founding catalogue of format 2 takes a charter of machine
// version 4.
func TestGenesisOfFormat2(t *testing.T) {
	doc := Document(1)
	doc.Format, doc.Rules[0].PerOperatorDay = catalogue.Format2, 1
	cat, err := strictjson.Marshal(doc)
	Must(t, err)
	for version, want := range map[int]string{1: "MEM-002", 3: "MEM-002", 4: ""} {
		c := Charter(cat)
		c.MachineVersion = version
		err := GenesisOf(t, c, cat).Verify()
		if got := exchange.AsError(err); (got == nil) != (want == "") || got != nil && got.Code != want {
			t.Errorf("machine version %d: %v", version, err)
		}
	}
}
