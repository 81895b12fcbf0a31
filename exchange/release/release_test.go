package release_test

import (
	"fmt"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/release"
)

func ask(by exchange.MemberID, id string, edit func(*release.RequestBody)) Order {
	return Order{By: by, ID: id, Verb: exchange.VerbReleaseRequest, Body: Ask(edit)}
}

func step(verb exchange.Verb, by exchange.MemberID, at exchange.Millis, request, digest string) Order {
	o := Order{By: by, Op: "officer", At: at, ID: fmt.Sprint(verb, by, at, request, digest), Verb: verb}
	rel := exchange.ReleaseID(ID(request))
	if verb == exchange.VerbReleaseApprove || verb == exchange.VerbReleaseDeny {
		o.Body = release.JudgeBody{Release: rel, Note: "同意"}
	} else {
		o.Body = release.ReceiptBody{Release: rel, Digest: Hash(digest)}
	}
	return o
}

// TestDecisions: the ledger's answer to a request is the catalogue's.
func TestDecisions(t *testing.T) {
	for name, c := range map[string]struct {
		by     exchange.MemberID
		edit   func(*release.RequestBody)
		want   release.Status
		code   string
		rule   string
		clause string
	}{
		"granted outright":      {"commission", nil, release.Granted, "", "r1", ""},
		"wants approval":        {"regulator", AskApproval, release.Pending, "", "r2", ""},
		"requester of no rule":  {"association", nil, release.Refused, "", "r1", catalogue.ClauseRequester},
		"other purpose":         {"commission", func(b *release.RequestBody) { b.Purpose = "enforcement" }, release.Refused, "", "r1", catalogue.ClausePurpose},
		"other basis":           {"commission", func(b *release.RequestBody) { b.Basis.Kind = "consent" }, release.Refused, "", "r1", catalogue.ClauseBasis},
		"more than allowed":     {"commission", func(b *release.RequestBody) { b.Fields = []string{"amount", "address"} }, release.Refused, "", "r1", catalogue.ClauseField},
		"secret":                {"commission", func(b *release.RequestBody) { b.Fields = []string{"secret"} }, release.Refused, "", "", catalogue.ClauseClass},
		"public":                {"commission", func(b *release.RequestBody) { b.Fields = []string{"number"} }, release.Refused, "", "", catalogue.ClauseClass},
		"unknown category":      {"commission", func(b *release.RequestBody) { b.Record.Category = "praise" }, release.Refused, "", "", catalogue.ClauseCategory},
		"author of no category": {"commission", func(b *release.RequestBody) { b.Record.Author = "insurer" }, release.Refused, "", "", catalogue.ClauseCategory},
		"own record":            {"court", AskApproval, release.None, "REL-002", "", ""},
		"author unknown":        {"commission", func(b *release.RequestBody) { b.Record.Author = "stranger" }, release.None, "REL-001", "", ""},
	} {
		m := New(t)
		r := Do(t, m, ask(c.by, "q", c.edit))
		if Code(r) != c.code {
			t.Errorf("%s: %q, want %q", name, Code(r), c.code)
		}
		got, kept := m.View().Release(exchange.ReleaseID(ID("q")))
		if kept != (c.code == "") {
			t.Errorf("%s: kept %v", name, kept)
		}
		if !kept {
			continue
		}
		out := Outcome[release.Requested](t, r)
		if out.Status != c.want || got.StatusAt(Start) != c.want || got.Decision.Rule != c.rule || got.Decision.Clause != c.clause {
			t.Errorf("%s: %+v %s", name, got.Decision, out.Status)
		}
		if got.Decision.Why.Zh == "" || got.Decision.Why.En == "" {
			t.Errorf("%s: the view does not explain", name)
		}
		if raw, _ := release.Get(m.View().Rows(), got.ID); raw.Decision.Why.Zh != "" || out.Decision.Why.Zh != "" {
			t.Errorf("%s: the wording is replicated", name)
		}
	}
}

// route makes a request stand in each status at a time of its own.
type route struct {
	status  release.Status
	edit    func(*release.RequestBody)
	by      exchange.MemberID
	steps   []exchange.Verb
	elapsed exchange.Millis
}

func routes() []route {
	approve, deny, deliver, open := exchange.VerbReleaseApprove, exchange.VerbReleaseDeny, exchange.VerbReleaseDeliver, exchange.VerbReleaseOpen
	return []route{
		{release.Refused, nil, "association", nil, 0},
		{release.Pending, AskApproval, "regulator", nil, 48*Hour - 1},
		{release.Lapsed, AskApproval, "regulator", nil, 48 * Hour},
		{release.Granted, nil, "commission", nil, 24*Hour - 1},
		{release.Lapsed, nil, "commission", nil, 24 * Hour},
		{release.Granted, AskApproval, "regulator", []exchange.Verb{approve}, 48*Hour - 1},
		{release.Lapsed, AskApproval, "regulator", []exchange.Verb{approve}, 49 * Hour},
		{release.Denied, AskApproval, "regulator", []exchange.Verb{deny}, 0},
		{release.Denied, AskApproval, "regulator", []exchange.Verb{deny}, 100 * Hour},
		{release.Delivered, nil, "commission", []exchange.Verb{deliver}, 0},
		{release.Delivered, nil, "commission", []exchange.Verb{deliver}, 100 * Hour},
		{release.Delivered, AskApproval, "regulator", []exchange.Verb{approve, deliver}, 100 * Hour},
		{release.Opened, AskApproval, "regulator", []exchange.Verb{approve, deliver, open}, 100 * Hour},
	}
}

func (r route) walk(t *testing.T) (m *machine.Machine, at exchange.Millis) {
	t.Helper()
	m = New(t)
	at = Start
	if a := Do(t, m, ask(r.by, "q", r.edit)); !a.OK {
		t.Fatal(a.Error)
	}
	for _, verb := range r.steps {
		by := exchange.MemberID("court")
		if verb == exchange.VerbReleaseOpen {
			by = r.by
		}
		if a := Do(t, m, step(verb, by, at, "q", "envelope")); !a.OK {
			t.Fatal(verb, a.Error)
		}
	}
	return m, at + r.elapsed
}

// TestMatrix tries every step by every member on a request in every status.
//
// Shows: B3, B11
func TestMatrix(t *testing.T) {
	wants := map[exchange.Verb]struct {
		status release.Status
		author bool // the author's step, else the requester's
		next   release.Status
	}{
		exchange.VerbReleaseApprove: {release.Pending, true, release.Granted},
		exchange.VerbReleaseDeny:    {release.Pending, true, release.Denied},
		exchange.VerbReleaseDeliver: {release.Granted, true, release.Delivered},
		exchange.VerbReleaseOpen:    {release.Delivered, false, release.Opened},
	}
	for i, r := range routes() {
		for verb, want := range wants {
			for _, f := range Founders() {
				m, at := r.walk(t)
				try := step(verb, f.ID, at, "q", "envelope")
				try.ID = "try"
				a := Do(t, m, try)
				mine := f.ID == "court"
				if !want.author {
					mine = f.ID == r.by
				}
				code := ""
				switch {
				case !mine && want.author:
					code = "REL-004"
				case !mine:
					code = "REL-005"
				case r.status != want.status:
					code = "REL-006"
				}
				rel, _ := m.View().Release(exchange.ReleaseID(ID("q")))
				after := rel.StatusAt(at)
				if Code(a) != code || code == "" && after != want.next || code != "" && after != r.status {
					t.Errorf("route %d (%s), %s by %s: %q and %s, want %q", i, r.status, verb, f.ID, Code(a), after, code)
				}
				Must(t, m.VerifyFrozen())
			}
		}
	}
}

func TestReceiptsAgree(t *testing.T) {
	m := New(t)
	Do(t, m, ask("commission", "q", nil))
	Do(t, m, step(exchange.VerbReleaseDeliver, "court", Start, "q", "envelope"))
	if a := Do(t, m, step(exchange.VerbReleaseOpen, "commission", Start, "q", "other")); Code(a) != "REL-007" {
		t.Errorf("another envelope: %q", Code(a))
	}
	if a := Do(t, m, step(exchange.VerbReleaseOpen, "commission", Start, "none", "envelope")); Code(a) != "REL-003" {
		t.Errorf("no such release: %q", Code(a))
	}
	Do(t, m, step(exchange.VerbReleaseOpen, "commission", Start, "q", "envelope"))
	rel, _ := m.View().Release(exchange.ReleaseID(ID("q")))
	if rel.Delivered.Digest != Hash("envelope") || rel.Opened.Digest != Hash("envelope") || rel.Opened.Seq != 5 || rel.Delivered.Operator != "officer" {
		t.Errorf("%+v %+v", rel.Delivered, rel.Opened)
	}
}

func TestStatusBeforeAndUntil(t *testing.T) {
	m := New(t)
	Do(t, m, ask("regulator", "q", AskApproval))
	Do(t, m, step(exchange.VerbReleaseApprove, "court", Start+Hour, "q", ""))
	rel, _ := m.View().Release(exchange.ReleaseID(ID("q")))
	for at, want := range map[exchange.Millis]struct {
		s     release.Status
		until exchange.Millis
	}{
		Start - 1: {release.None, 0}, Start: {release.Pending, Start + 48*Hour}, Start + Hour: {release.Granted, Start + 49*Hour},
		Start + 49*Hour - 1: {release.Granted, Start + 49*Hour}, Start + 49*Hour: {release.Lapsed, 0},
	} {
		if got, until := rel.StatusAt(at), rel.Until(at); got != want.s || until != want.until {
			t.Errorf("at +%d h: %s until %d", (at-Start)/Hour, got, until)
		}
	}
}

func TestQueries(t *testing.T) {
	m := New(t)
	Do(t, m, ask("commission", "0", nil))
	Do(t, m, ask("regulator", "1", AskApproval))
	Do(t, m, ask("association", "2", nil))
	Do(t, m, ask("commission", "3", func(b *release.RequestBody) { b.Record = Record("another", "regulator") }))
	v := m.View()
	names := map[exchange.ReleaseID]string{}
	for i := range 4 {
		names[exchange.ReleaseID(ID(fmt.Sprint(i)))] = fmt.Sprint(i)
	}
	for name, c := range map[string]struct {
		q    release.Query
		want string
	}{
		"all":                   {release.Query{}, "3210"},
		"requester":             {release.Query{Requester: "commission"}, "30"},
		"author":                {release.Query{Author: "court"}, "210"},
		"party":                 {release.Query{Party: "regulator"}, "31"},
		"record":                {release.Query{Record: exchange.RecordID(ID("another"))}, "3"},
		"status":                {release.Query{Status: release.Granted, At: Start}, "30"},
		"requester and author":  {release.Query{Requester: "commission", Author: "court"}, "0"},
		"after what is unknown": {release.Query{After: exchange.ReleaseID(ID("x"))}, ""},
	} {
		for limit := 1; limit < 5; limit++ {
			q, got := c.q, ""
			q.Limit = limit
			for {
				page, next := v.Releases(q)
				for _, r := range page {
					got += names[r.ID]
				}
				if next == "" {
					break
				}
				q.After = next
			}
			if got != c.want {
				t.Errorf("%s, pages of %d: %s, want %s", name, limit, got, c.want)
			}
		}
	}
}

func TestBodies(t *testing.T) {
	m := New(t)
	id, digest := ID("q"), Hash("e")
	for verb, bodies := range map[exchange.Verb][]string{
		exchange.VerbReleaseApprove: {`{}`, `{"release":"x"}`, `{"release":"` + id + `","note":" "}`, `{"release":"` + id + `","by":"court"}`},
		exchange.VerbReleaseDeliver: {`{"release":"` + id + `"}`, `{"release":"` + id + `","digest":"sha256:` + digest + `"}`},
		exchange.VerbReleaseOpen:    {`{"digest":"` + digest + `"}`},
		exchange.VerbReleaseRequest: {`{}`, `{"record":{"id":"` + id + `","digest":"` + digest + `","author":"court","category":"penalty"},"fields":[],"purpose":"approval","basis":{"kind":"case","ref":"1"}}`,
			`{"record":{"id":"` + id + `","digest":"` + digest + `","author":"court","category":"penalty"},"fields":["amount"],"purpose":"approval","basis":{"kind":"case","ref":""}}`},
	} {
		for _, body := range bodies {
			if err := m.Check(Sign(t, Order{By: "court", ID: "x", Verb: verb, Raw: body})); err == nil {
				t.Errorf("%s %s: accepted", verb, body)
			}
		}
	}
}
