package lists_test

import (
	"errors"
	"strings"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/lists"
	. "accord/exchange/machine/machinetest"
)

type edit = func(*lists.Claims)

func nomination(by exchange.MemberID, id string, docs ...lists.Document) Order {
	return Order{By: by, ID: id, Verb: exchange.VerbNominate, Body: Nominate(docs...)}
}

// TestNominateRules has one row for every rule that apply has about an entry.
func TestNominateRules(t *testing.T) {
	person := func(c *lists.Claims) {
		c.Subject, c.SubjectKind, c.Name = "person:h1.AAAA", "practitioner", ""
	}
	red := func(c *lists.Claims) {
		c.List, c.Ground, c.Records = "red", "honest", nil
		c.Decision = &lists.DecisionRef{Number: "青协〔2016〕1号", Authority: "某协会", Date: "2016-02-29"}
	}
	for name, c := range map[string]struct {
		by   exchange.MemberID
		edit edit
		want string
	}{
		"usual":                        {"court", nil, ""},
		"other ground":                 {"court", func(c *lists.Claims) { c.Ground = "fraud" }, ""},
		"person":                       {"court", person, ""},
		"red with decision":            {"association", red, ""},
		"measure":                      {"court", func(c *lists.Claims) { c.Measures = []string{"exit"} }, ""},
		"no sealed part":               {"court", func(c *lists.Claims) { c.SD, c.SDAlg = nil, "" }, ""},
		"longest term":                 {"court", func(c *lists.Claims) { c.TermDays = 1825 }, ""},
		"issued a minute later":        {"court", func(c *lists.Claims) { c.IssuedAt += 60 }, ""},
		"two records":                  {"court", func(c *lists.Claims) { c.Records = append(c.Records, Record("r2", "regulator")) }, ""},
		"another's federation":         {"court", func(c *lists.Claims) { c.Federation = "otherland" }, "LIST-003"},
		"another's name":               {"court", func(c *lists.Claims) { c.Issuer = "regulator" }, "LIST-003"},
		"another catalogue":            {"court", func(c *lists.Claims) { c.Catalogue = 2 }, "LIST-003"},
		"another's release key":        {"court", func(c *lists.Claims) { c.Cnf.JWK = Key("regulator", keys.Release).Public().JWK() }, "LIST-003"},
		"issued later than sent":       {"court", func(c *lists.Claims) { c.IssuedAt += 61 }, "LIST-019"},
		"no such list":                 {"court", func(c *lists.Claims) { c.List = "grey" }, "LIST-004"},
		"may not nominate":             {"association", nil, "LIST-005"},
		"insurer may not":              {"insurer", nil, "LIST-005"},
		"kind not on list":             {"association", func(c *lists.Claims) { red(c); person(c) }, "LIST-006"},
		"kind unknown":                 {"court", func(c *lists.Claims) { c.SubjectKind = "planet" }, "LIST-006"},
		"namespace of another kind":    {"court", func(c *lists.Claims) { c.Subject = "person:h1.AAAA" }, "LIST-006"},
		"a person's name in clear":     {"court", func(c *lists.Claims) { person(c); c.Name = "张三" }, "LIST-007"},
		"name too long":                {"court", func(c *lists.Claims) { c.Name = strings.Repeat("长", 21) }, "LIST-007"},
		"no such ground":               {"court", func(c *lists.Claims) { c.Ground = "ugly" }, "LIST-008"},
		"ground of another list":       {"court", func(c *lists.Claims) { c.Ground = "honest" }, "LIST-008"},
		"no record":                    {"court", func(c *lists.Claims) { c.Records = nil }, "LIST-009"},
		"decision instead of a record": {"court", func(c *lists.Claims) { d := *c; red(&d); c.Records, c.Decision = nil, d.Decision }, "LIST-009"},
		"record of nobody":             {"court", func(c *lists.Claims) { c.Records[0].Author = "stranger" }, "LIST-009"},
		"author of another kind":       {"court", func(c *lists.Claims) { c.Records[0].Author = "insurer" }, "LIST-009"},
		"category unknown":             {"court", func(c *lists.Claims) { c.Records[0].Category = "praise" }, "LIST-009"},
		"red without decision":         {"association", func(c *lists.Claims) { red(c); c.Decision = nil }, "LIST-009"},
		"term too short":               {"court", func(c *lists.Claims) { c.TermDays = 364 }, "LIST-010"},
		"term too long":                {"court", func(c *lists.Claims) { c.TermDays = 1826 }, "LIST-010"},
		"no such measure":              {"court", func(c *lists.Claims) { c.Measures = []string{"stocks"} }, "LIST-011"},
	} {
		m := New(t)
		before := m.View()
		r := Do(t, m, nomination(c.by, "c", Entry(t, c.by, "1", c.edit)))
		if Code(r) != c.want {
			t.Errorf("%s: %q, want %q", name, Code(r), c.want)
		}
		if got := lists.Count(m.View().Rows()); got != map[bool]int{true: 1}[c.want == ""] {
			t.Errorf("%s: %d entries", name, got)
		}
		if c.want != "" && r.Error.Field != "/entries/0" {
			t.Errorf("%s: about %q", name, r.Error.Field)
		}
		if m.View().Seq() != before.Seq()+1 {
			t.Errorf("%s: no leaf", name)
		}
	}
}

// TestDocumentForms has what Check refuses of a document before it may be
// stored at all.
func TestDocumentForms(t *testing.T) {
	m := New(t)
	usual := Entry(t, "court", "1", nil).Doc
	raw := func(doc string) Order { return nomination("court", "c", lists.Document{Doc: doc}) }
	changed := func(e edit) Order { return nomination("court", "c", Entry(t, "court", "1", e)) }
	for name, c := range map[string]struct {
		order Order
		want  *exchange.Definition
	}{
		"nothing":       {nomination("court", "c"), exchange.ErrBody},
		"no tilde":      {raw(strings.TrimSuffix(usual, "~")), lists.ErrDocument},
		"a disclosure":  {raw(usual + "WyJhIiwiYiIsMV0~"), lists.ErrDocument},
		"key binding":   {raw(usual + usual), lists.ErrDocument},
		"garbage":       {raw("a.b.c~"), lists.ErrDocument},
		"subject":       {changed(func(c *lists.Claims) { c.Subject = "org:a b" }), lists.ErrDocument},
		"short id":      {changed(func(c *lists.Claims) { c.ID = "x" }), lists.ErrDocument},
		"vct":           {changed(func(c *lists.Claims) { c.Type = "list/red" }), lists.ErrDocument},
		"no time":       {changed(func(c *lists.Claims) { c.IssuedAt = -1 }), lists.ErrDocument},
		"name":          {changed(func(c *lists.Claims) { c.Name = "a\u202eb" }), lists.ErrDocument},
		"no term":       {changed(func(c *lists.Claims) { c.TermDays = 0 }), lists.ErrDocument},
		"record digest": {changed(func(c *lists.Claims) { c.Records[0].Digest = "sha256:x" }), lists.ErrDocument},
		"record twice":  {changed(func(c *lists.Claims) { c.Records = append(c.Records, c.Records[0]) }), lists.ErrDocument},
		"measure twice": {changed(func(c *lists.Claims) { c.Measures = []string{"exit", "exit"} }), lists.ErrDocument},
		"no such day": {changed(func(c *lists.Claims) {
			c.Decision = &lists.DecisionRef{Number: "1", Authority: "a", Date: "2015-02-29"}
		}), lists.ErrDocument},
		"cnf":            {changed(func(c *lists.Claims) { c.Cnf.JWK = Key("court", keys.TLS).Public().JWK() }), lists.ErrDocument},
		"digest twice":   {changed(func(c *lists.Claims) { c.SD = append(c.SD, c.SD[0]) }), lists.ErrDocument},
		"digest form":    {changed(func(c *lists.Claims) { c.SD = []string{"x"} }), lists.ErrDocument},
		"hash":           {changed(func(c *lists.Claims) { c.SDAlg = "md5" }), lists.ErrDocument},
		"a record's typ": {nomination("court", "c", EntryBy(t, "court", "1", nil, Key("court", keys.Attest), jws.Kind{Typ: "accord-record+sd-jwt", Use: keys.Attest})), lists.ErrDocument},
	} {
		if err := m.Check(Sign(t, c.order)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want.Code)
		}
	}
}

// TestDocumentKeys: a document names an attest key of its nominator, or is
// refused; whether it is signed with it is judged in the background and where
// it is shown, and is its nominator's fault.
//
// Shows: B5
func TestDocumentKeys(t *testing.T) {
	for name, doc := range map[string]lists.Document{
		"another's key":   EntryBy(t, "court", "1", nil, Key("regulator", keys.Attest), lists.Kind),
		"a release key":   EntryBy(t, "court", "1", nil, Key("court", keys.Release), jws.Kind{Typ: lists.Kind.Typ, Use: keys.Release}),
		"a key of nobody": EntryBy(t, "court", "1", nil, Key("stranger", keys.Attest), lists.Kind),
	} {
		m := New(t)
		if r := Do(t, m, nomination("court", "c", doc)); Code(r) != "LIST-003" || r.Error.Args[0].Value != "kid" || lists.Count(m.View().Rows()) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	m := New(t)
	good, bad := Entry(t, "court", "1", nil), Entry(t, "court", "2", func(c *lists.Claims) { c.Ground = "fraud" })
	bad.Doc = bad.Doc[:len(bad.Doc)-8] + "AAAAAA" + bad.Doc[len(bad.Doc)-2:]
	if r := Do(t, m, nomination("court", "c", good, bad)); !r.OK {
		t.Fatal(r.Error)
	}
	v := m.View()
	for label, want := range map[string]*exchange.Definition{"1": nil, "2": lists.ErrSignature} {
		e, ok := v.Entry(exchange.EntryID(ID("entry " + label)))
		doc, err := v.EntryDocument(&e)
		Must(t, err)
		if err := lists.VerifyDocument(v.Rows(), &e, doc); !ok || (err == nil) != (want == nil) || want != nil && !errors.Is(err, want) {
			t.Errorf("document %s: %v", label, err)
		}
	}
}

func TestSeveralEntriesAreAllOrNone(t *testing.T) {
	m := New(t)
	good, other := Entry(t, "court", "1", nil), Entry(t, "court", "2", func(c *lists.Claims) { c.Ground = "fraud" })
	bad := Entry(t, "court", "3", func(c *lists.Claims) { c.TermDays = 1 })
	r := Do(t, m, nomination("court", "a", good, other, bad))
	if Code(r) != "LIST-010" || r.Error.Field != "/entries/2" || lists.Count(m.View().Rows()) != 0 {
		t.Fatalf("%+v", r)
	}
	r = Do(t, m, nomination("court", "b", good, other))
	out := Outcome[lists.NominateOutcome](t, r)
	if len(out.Entries) != 2 || out.Entries[1].ID != exchange.EntryID(ID("entry 2")) || lists.Count(m.View().Rows()) != 2 {
		t.Fatalf("%+v", out)
	}
	for i, want := range []string{good.Doc, other.Doc} {
		e, _ := m.View().Entry(out.Entries[i].ID)
		if doc, err := m.View().EntryDocument(&e); err != nil || doc != want {
			t.Errorf("document %d: %v", i, err)
		}
	}
	many := make([]lists.Document, 9)
	for i := range many {
		many[i] = good
	}
	if r := Do(t, m, nomination("court", "c", many...)); Code(r) != "LIST-014" {
		t.Errorf("too many: %+v", r)
	}
}

func TestDuplicates(t *testing.T) {
	m := New(t)
	if r := Do(t, m, nomination("court", "a", Entry(t, "court", "1", nil))); !r.OK {
		t.Fatal(r.Error)
	}
	fraud := func(c *lists.Claims) { c.Ground = "fraud" }
	for name, c := range map[string]struct {
		docs []lists.Document
		want string
	}{
		"id used":                  {[]lists.Document{Entry(t, "court", "1", fraud)}, "LIST-012"},
		"same subject and ground":  {[]lists.Document{Entry(t, "court", "2", nil)}, "LIST-013"},
		"id twice in the command":  {[]lists.Document{Entry(t, "court", "3", fraud), Entry(t, "court", "3", fraud)}, "LIST-012"},
		"both twice in a command":  {[]lists.Document{Entry(t, "court", "4", fraud), Entry(t, "court", "5", fraud)}, "LIST-013"},
		"another member's subject": {nil, "LIST-013"},
	} {
		o := nomination("court", name, c.docs...)
		if c.docs == nil {
			o = nomination("regulator", name, Entry(t, "regulator", "6", nil))
		}
		if r := Do(t, m, o); Code(r) != c.want {
			t.Errorf("%s: %q, want %q", name, Code(r), c.want)
		}
	}
	again := nomination("court", "later", Entry(t, "court", "7", nil))
	again.At = Start + 375*Day
	if r := Do(t, m, again); !r.OK {
		t.Errorf("after the first has expired: %v", r.Error)
	}
}

func FuzzDecodeNominate(f *testing.F) {
	body := `{"entries":[{"doc":"` + Entry(f, "court", "1", nil).Doc + `"}]}`
	f.Add([]byte(body))
	f.Add([]byte(`{"entries":[{"doc":"a.b.c~"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := lists.DecodeNominate(data)
		if (err == nil) != (b != nil) {
			t.Fatal("error and body exclude each other")
		}
		if b != nil && len(b.Entries) == 0 {
			t.Fatal("a body without documents")
		}
	})
}
