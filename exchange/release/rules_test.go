package release_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/release"
)

func found2(t *testing.T) *machine.Machine {
	t.Helper()
	return MeetingUnder(t, Document2(1))
}

// adopt adopts version 2 of the catalogue.
func adopt(t *testing.T, m *machine.Machine, doc *catalogue.Document) {
	t.Helper()
	data, err := strictjson.Marshal(doc)
	Must(t, err)
	if m.View().Federation().MachineVersion >= members.MachineMeeting {
		o := Motion("adopt", meeting.Catalogue, func(b *meeting.ProposeBody) { b.Catalogue = &meeting.CatalogueDraft{Document: string(data)} })
		o.At = Start + Hour // in force an hour later
		voters := Outcome[meeting.Proposed](t, Do(t, m, o)).Voters
		for _, seat := range voters[:3] {
			v := Ballot(t, m, seat, "adopt", meeting.Yes, nil)
			v.At = o.At
			if a := Do(t, m, v); !a.OK {
				t.Fatal(a.Error)
			}
		}
		return
	}
	b := members.AdoptBody{Document: string(data)}
	for _, seat := range []exchange.MemberID{"regulator", "commission", "association"} {
		b.Endorsements = append(b.Endorsements, Endorse(t, seat, members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest(data), Version: 2}))
	}
	if a := Do(t, m, Order{By: "court", ID: "adopt", At: Start + 2*Hour, Verb: exchange.VerbAdopt, Body: b}); !a.OK {
		t.Fatal(a.Error)
	}
}

// demand is a request of the insurer for a court's address under a rule's purpose.
func demand(purpose string, edit func(*release.RequestBody)) release.RequestBody {
	return Ask(func(b *release.RequestBody) {
		b.Fields, b.Purpose, b.Basis.Kind, b.Emergency = []string{"address"}, purpose, "statute", purpose == "urgent"
		if edit != nil {
			edit(b)
		}
	})
}

func demands(t *testing.T, m *machine.Machine, id, purpose string, edit func(*release.RequestBody)) exchange.Result {
	t.Helper()
	return Do(t, m, Order{By: "insurer", Op: "asker", ID: id, Verb: exchange.VerbReleaseRequest, Body: demand(purpose, edit)})
}

// word is one person's step on the request q.
type word struct {
	by   exchange.MemberID
	op   exchange.OperatorID
	verb exchange.Verb
	at   exchange.Millis // after Start
	want string          // error code
}

func say(t *testing.T, m *machine.Machine, cat, n int, w word) {
	t.Helper()
	q := exchange.ReleaseID(ID("q"))
	o := Order{By: w.by, Op: w.op, Verb: w.verb, At: Start + w.at, Cat: cat, ID: fmt.Sprint("step ", n), Body: release.JudgeBody{Release: q}}
	switch w.verb {
	case exchange.VerbReleaseDeliver, exchange.VerbReleaseOpen:
		o.Body = release.ReceiptBody{Release: q, Digest: Hash("envelope")}
	case exchange.VerbReleaseJustify:
		o.Body = release.JustifyBody{Release: q, Text: "台风停电"}
	}
	asked := waits(m, w)
	if a := Do(t, m, o); Code(a) != w.want {
		t.Errorf("step %d, %s by %s/%s: %q, want %q", n, w.verb, w.by, w.op, Code(a), w.want)
	}
	rel, _ := m.View().Release(q)
	judges := (w.verb == approve || w.verb == deny) && rel.Decision.Approval != catalogue.ApprovalMeeting // the meeting's word is no person's
	if judges && w.want == "" && !asked {
		t.Errorf("step %d: %s/%s may judge it and is not told that it waits", n, w.by, w.op)
	} else if judges && w.want != "" && w.want != "REL-014" && asked {
		t.Errorf("step %d: %s/%s is told that it waits and may not judge it: %s", n, w.by, w.op, w.want)
	}
}

// waits says whether the request waits for the word of who says it.
func waits(m *machine.Machine, w word) bool {
	who, _ := m.View().Member(w.by)
	return slices.ContainsFunc(m.View().WaitingReleases(who, w.op, Start+w.at, release.MaxPage), func(r release.Release) bool {
		return r.ID == exchange.ReleaseID(ID("q"))
	})
}

const (
	approve = exchange.VerbReleaseApprove
	deny    = exchange.VerbReleaseDeny
	deliver = exchange.VerbReleaseDeliver
	second  = exchange.VerbReleaseSecond
	justify = exchange.VerbReleaseJustify
)

// TestApprovalsCannotBeHad: what one or two dishonest members try to approve for
// themselves, one step after the other, and where the request stands in the end.
func TestApprovalsCannotBeHad(t *testing.T) {
	more := func(b *release.RequestBody) {
		b.More = []release.Part{{ID: exchange.RecordID(ID("r2")), Digest: Hash("r2")}}
	}
	for name, c := range map[string]struct {
		purpose string
		edit    func(*release.RequestBody)
		words   []word
		want    release.Status
	}{
		"two persons of two members": {"persons", nil, []word{
			{"court", "li", approve, Hour, ""}, {"court", "li", deliver, Hour, "REL-006"}, {"regulator", "wu", approve, 2 * Hour, ""}, {"court", "li", deliver, 3 * Hour, ""}}, release.Delivered},
		"one person twice":                        {"persons", nil, []word{{"court", "li", approve, Hour, ""}, {"court", "li", approve, Hour, "REL-011"}}, release.Pending},
		"the same person at two members":          {"persons", nil, []word{{"court", "li", approve, Hour, ""}, {"regulator", "li", approve, Hour, "REL-011"}}, release.Pending},
		"the requester's second operator":         {"persons", nil, []word{{"insurer", "other", approve, Hour, "REL-009"}, {"insurer", "other", deny, Hour, "REL-009"}}, release.Pending},
		"the asker as another's operator":         {"persons", nil, []word{{"court", "asker", approve, Hour, "REL-011"}}, release.Pending},
		"a member of no such kind":                {"persons", nil, []word{{"association", "zhao", approve, Hour, "REL-010"}}, release.Pending},
		"persons of the author, where none named": {"authors", nil, []word{{"regulator", "wu", approve, Hour, "REL-004"}, {"court", "li", approve, Hour, ""}, {"court", "sun", approve, Hour, ""}}, release.Granted},
		"one no is enough":                        {"persons", nil, []word{{"court", "li", approve, Hour, ""}, {"commission", "he", deny, Hour, ""}, {"regulator", "wu", approve, Hour, "REL-006"}}, release.Denied},
		"the second approval too late":            {"persons", nil, []word{{"court", "li", approve, Hour, ""}, {"regulator", "wu", approve, 72 * Hour, "REL-006"}}, release.Lapsed},
		"a grant not used in time":                {"persons", nil, []word{{"court", "li", approve, Hour, ""}, {"regulator", "wu", approve, 71 * Hour, ""}, {"court", "li", deliver, 95 * Hour, "REL-006"}}, release.Lapsed},
		"an officer where consent is wanted":      {"consent", nil, []word{{"court", "li", approve, Hour, "REL-012"}, {"court", "li", deliver, Hour, "REL-006"}}, release.Pending},
		"an officer where the meeting is wanted":  {"meeting", nil, []word{{"court", "li", approve, Hour, "REL-012"}}, release.Pending},
		"bulk without the requester's second": {"bulk", more, []word{
			{"court", "li", approve, Hour, ""}, {"court", "sun", approve, Hour, ""}, {"court", "li", deliver, Hour, "REL-006"}}, release.Pending},
		"bulk, the asker seconds": {"bulk", more, []word{{"insurer", "asker", second, Hour, "REL-011"}, {"court", "li", second, Hour, "REL-005"}}, release.Pending},
		"bulk as it should be": {"bulk", more, []word{
			{"court", "li", approve, Hour, ""}, {"insurer", "deng", second, Hour, ""}, {"insurer", "deng", second, Hour, "REL-011"}, {"court", "deng", approve, Hour, "REL-011"},
			{"court", "sun", approve, 2 * Hour, ""}, {"court", "li", deliver, 3 * Hour, ""}}, release.Delivered},
		"one record takes no second": {"bulk", nil, []word{{"insurer", "deng", second, Hour, "REL-016"}, {"court", "li", approve, Hour, ""}}, release.Granted},
		"no emergency to justify":    {"persons", nil, []word{{"insurer", "asker", justify, Hour, "REL-017"}}, release.Pending},
	} {
		m := found2(t)
		if a := demands(t, m, "q", c.purpose, c.edit); !a.OK {
			t.Fatal(name, a.Error)
		}
		at := exchange.Millis(0)
		for i, w := range c.words {
			say(t, m, 1, i, w)
			at = w.at
		}
		rel, _ := m.View().Release(exchange.ReleaseID(ID("q")))
		if got := rel.StatusAt(Start + at); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		Must(t, m.VerifyFrozen())
	}
}

// TestRulesThatChangeUnderway: a request decided under one version of the catalogue,
// approved or delivered under the next. What counts is the version in force then.
func TestRulesThatChangeUnderway(t *testing.T) {
	rule := func(n int, edit func(*catalogue.Rule)) func(*catalogue.Document) {
		return func(d *catalogue.Document) { edit(&d.Rules[n]) }
	}
	closed := func(d *catalogue.Document) {
		d.Categories[0].Fields[2].Class, d.Rules[1].Fields = catalogue.Secret, []string{"amount"}
	}
	yes, send := word{"court", "li", approve, Hour, ""}, word{"court", "li", deliver, 3 * Hour, ""}
	refused := func(w word) word { w.want = "REL-014"; w.at = 3 * Hour; return w }
	for name, c := range map[string]struct {
		approval bool // asked under r2, which wants the author's approval, else under r1
		before   []word
		edit     func(*catalogue.Document)
		after    word
	}{
		"nothing of it changed":           {true, []word{yes}, func(*catalogue.Document) {}, send},
		"the field was closed":            {true, []word{yes}, closed, refused(send)},
		"the field was closed, approval":  {true, nil, closed, refused(yes)},
		"the rule is gone":                {false, nil, func(d *catalogue.Document) { d.Rules = d.Rules[1:] }, refused(send)},
		"the requester's kind was closed": {false, nil, rule(0, func(r *catalogue.Rule) { r.Requesters = []exchange.MemberKind{exchange.KindCommission} }), refused(send)},
		"an approval is wanted now":       {false, nil, rule(0, func(r *catalogue.Rule) { r.Approval = catalogue.ApprovalAuthor }), refused(send)},
		"no approval is wanted any more":  {true, []word{yes}, rule(1, func(r *catalogue.Rule) { r.Approval = catalogue.ApprovalNone }), send},
		"the purpose is another rule's":   {false, nil, rule(0, func(r *catalogue.Rule) { r.ID = "renamed" }), send},
	} {
		m := MeetingUnder(t, Document(1))
		q := ask("regulator", "q", func(b *release.RequestBody) {
			if c.approval {
				AskApproval(b)
			}
		})
		opens, later := strings.Contains(name, "approval is wanted"), exchange.Millis(0)
		if opens { // what may open something waits a day, longer than a request lives
			doc := Document(2)
			c.edit(doc)
			adopt(t, m, doc)
			q.At, later = Start+20*Hour, 24*Hour
		}
		Do(t, m, q)
		for i, w := range c.before {
			w.at += max(q.At, Start) - Start
			say(t, m, 1, i, w)
		}
		if !opens {
			doc := Document(2)
			c.edit(doc)
			adopt(t, m, doc)
		}
		stale := ask("regulator", "stale", nil)
		stale.At = Start + 3*Hour + later
		if a := Do(t, m, stale); Code(a) != "CMD-016" {
			t.Errorf("%s: a request under the version before: %v", name, a.Error)
		}
		c.after.at += later
		say(t, m, 2, 9, c.after)
	}
}

// TestOldRequestsKeepTheirMeaning: in a federation of an earlier machine version a
// grant stands whatever the catalogue says later.
func TestOldRequestsKeepTheirMeaning(t *testing.T) {
	m := New(t)
	Do(t, m, ask("commission", "q", nil))
	doc := Document(2)
	doc.Rules = doc.Rules[1:]
	adopt(t, m, doc)
	say(t, m, 2, 1, word{"court", "li", deliver, 3 * Hour, ""})
	if rel, _ := release.Get(m.View().Rows(), exchange.ReleaseID(ID("q"))); rel.Rules != 0 {
		t.Error("a row of an old machine version says what came later")
	}
}

func consentOf(t *testing.T, by, signer exchange.MemberID, edit func(*release.Consent)) string {
	t.Helper()
	c := release.Consent{Format: release.ConsentFormat, Federation: Federation, ID: ID("consent"), Issuer: by, Operator: "counter",
		Category: "penalty", Fields: []string{"address", "amount"}, Purpose: "consent", Recipient: "insurer", At: Start - Hour, Until: Start + 10*Hour}
	c.Subject = release.SubjectOf(c.ID, "person:h1.P")
	if edit != nil {
		edit(&c)
	}
	payload, err := strictjson.Marshal(c)
	Must(t, err)
	token, err := jws.Sign(Key(signer, keys.Command), jws.TypConsent, payload)
	Must(t, err)
	return token
}

// TestConsents: which consents a request can rest on.
func TestConsents(t *testing.T) {
	for name, c := range map[string]struct {
		by, signer exchange.MemberID
		edit       func(*release.Consent)
		want       string
	}{
		"taken by another member":     {"commission", "commission", nil, ""},
		"taken by the author":         {"court", "court", nil, ""},
		"for the record":              {"court", "court", func(c *release.Consent) { c.Record = exchange.RecordID(ID("record")) }, ""},
		"for another record":          {"court", "court", func(c *release.Consent) { c.Record = exchange.RecordID(ID("other")) }, "it is for other records"},
		"for another category":        {"court", "court", func(c *release.Consent) { c.Category = "praise" }, "it is for other records"},
		"for another purpose":         {"court", "court", func(c *release.Consent) { c.Purpose = "approval" }, "it is for another purpose"},
		"for another recipient":       {"court", "court", func(c *release.Consent) { c.Recipient = "regulator" }, "it is for another recipient"},
		"for other fields":            {"court", "court", func(c *release.Consent) { c.Fields = []string{"amount"} }, "it is for other fields"},
		"of another federation":       {"court", "court", func(c *release.Consent) { c.Federation = "otherland" }, "it is for another federation"},
		"expired":                     {"court", "court", func(c *release.Consent) { c.Until = Start }, "it does not hold at this time"},
		"not yet":                     {"court", "court", func(c *release.Consent) { c.At = Start + 1 }, "it does not hold at this time"},
		"for ever":                    {"court", "court", func(c *release.Consent) { c.Until = c.At + release.MaxConsentTerm + 1 }, "malformed"},
		"the requester's own":         {"insurer", "insurer", nil, "the requester signed it itself"},
		"in another's name":           {"court", "insurer", nil, "signature"},
		"by nobody":                   {"court", "stranger", nil, "signature"},
		"an operator without a name":  {"court", "court", func(c *release.Consent) { c.Operator = "" }, "malformed"},
		"a subject that is no digest": {"court", "court", func(c *release.Consent) { c.Subject = "person:h1.P" }, "malformed"},
	} {
		token := consentOf(t, c.by, c.signer, c.edit)
		m := found2(t)
		a := demands(t, m, "q", "consent", func(b *release.RequestBody) { b.Consent = token })
		why := ""
		if a.Error != nil {
			why = a.Error.Args[0].Value
		}
		if why != c.want || (a.Error == nil) != (c.want == "") {
			t.Errorf("%s, in the request: %v", name, a.Error)
		}
		later := found2(t)
		demands(t, later, "q", "consent", nil)
		b := Do(t, later, Order{By: "insurer", Op: "asker", ID: "present", Verb: exchange.VerbReleaseConsent, Body: release.ConsentBody{Release: exchange.ReleaseID(ID("q")), Consent: token}})
		if Code(a) != Code(b) {
			t.Errorf("%s, later: %v", name, b.Error)
		}
		rel, _ := later.View().Release(exchange.ReleaseID(ID("q")))
		want := release.Pending
		if c.want == "" {
			want = release.Granted
		}
		if got := rel.StatusAt(Start); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestAConsentIsSpentOnce: replayed, withdrawn, run out.
func TestAConsentIsSpentOnce(t *testing.T) {
	m := found2(t)
	token := consentOf(t, "court", "court", nil)
	with := func(b *release.RequestBody) { b.Consent = token }
	if a := demands(t, m, "q", "consent", with); !a.OK {
		t.Fatal(a.Error)
	}
	if a := demands(t, m, "again", "consent", with); Code(a) != "REL-013" {
		t.Errorf("replayed: %v", a.Error)
	}
	rel, _ := m.View().Release(exchange.ReleaseID(ID("q")))
	if rel.StatusAt(Start+10*Hour-1) != release.Granted || rel.StatusAt(Start+10*Hour) != release.Lapsed {
		t.Error("a grant outlives the consent it rests on, or dies before it")
	}
	withdraw := func(by exchange.MemberID, id string) exchange.Result {
		return Do(t, m, Order{By: by, Op: "counter", At: Start + Hour, ID: "withdraw " + string(by) + id, Verb: exchange.VerbReleaseWithdraw, Body: release.WithdrawBody{Consent: ID(id)}})
	}
	if withdraw("insurer", "consent"); statusOf(m, "q", Start+Hour) != release.Granted {
		t.Error("another member withdrew a consent it did not sign")
	}
	if a := withdraw("court", "consent"); !a.OK || statusOf(m, "q", Start+Hour) != release.Denied {
		t.Error("withdrawn and still granted", a.Error)
	}
	say(t, m, 1, 1, word{"court", "li", deliver, 2 * Hour, "REL-006"})
	withdraw("court", "unused")
	unused := consentOf(t, "court", "court", func(c *release.Consent) { c.ID = ID("unused"); c.Subject = release.SubjectOf(c.ID, "person:h1.P") })
	if a := demands(t, m, "unused", "consent", func(b *release.RequestBody) { b.Consent = unused }); Code(a) != "REL-013" {
		t.Errorf("withdrawn before it was used: %v", a.Error)
	}
}

func statusOf(m *machine.Machine, id string, at exchange.Millis) release.Status {
	rel, _ := m.View().Release(exchange.ReleaseID(ID(id)))
	return rel.StatusAt(at)
}

// TestEmergencies: at once, two a day for an operator, to be justified by the end of
// the second working day, and for ever overdue when not.
func TestEmergencies(t *testing.T) {
	m := found2(t) // Start is a Thursday in China
	if a := demands(t, m, "q", "urgent", nil); Outcome[release.Requested](t, a).Status != release.Granted {
		t.Fatal(a.Error)
	}
	if a := demands(t, m, "quiet", "urgent", func(b *release.RequestBody) { b.Emergency = false }); Outcome[release.Requested](t, a).Status != release.Refused {
		t.Error("an emergency that nobody declared")
	}
	if a := demands(t, m, "loud", "persons", func(b *release.RequestBody) { b.Emergency = true }); Outcome[release.Requested](t, a).Status != release.Refused {
		t.Error("an emergency under an ordinary rule")
	}
	demands(t, m, "q2", "urgent", nil)
	if out := Outcome[release.Requested](t, demands(t, m, "q3", "urgent", nil)); out.Status != release.Refused || out.Decision.Clause != catalogue.ClauseRate {
		t.Errorf("the third of the day: %+v", out)
	}
	if rel, _ := m.View().Release(exchange.ReleaseID(ID("q3"))); rel.Decision.Why.En == "" {
		t.Error("the limit is not explained")
	}
	if a := Do(t, m, Order{By: "insurer", Op: "asker", ID: "tomorrow", At: Start + Day, Verb: exchange.VerbReleaseRequest, Body: demand("urgent", nil)}); Outcome[release.Requested](t, a).Status != release.Granted {
		t.Error("the day after")
	}
	if a := Do(t, m, Order{By: "insurer", Op: "colleague", ID: "colleague", At: Start + Day, Verb: exchange.VerbReleaseRequest, Body: demand("urgent", nil)}); Outcome[release.Requested](t, a).Status != release.Granted {
		t.Error("another operator")
	}
	rel, _ := m.View().Release(exchange.ReleaseID(ID("q")))
	due := rel.JustifyBy
	if got := due.Time().Format("2006-01-02T15:04"); got != "2015-11-30T16:00" { // Friday and Monday
		t.Errorf("due %s", got)
	}
	for at, want := range map[exchange.Millis]release.Urgency{Start - 1: release.Ordinary, Start: release.Unjustified, due - 1: release.Unjustified, due: release.Overdue, due + 1000*Day: release.Overdue} {
		if got := rel.UrgencyAt(at); got != want {
			t.Errorf("at +%d h: %q", (at-Start)/Hour, got)
		}
	}
	say(t, m, 1, 1, word{"court", "li", justify, Day, "REL-005"})
	say(t, m, 1, 2, word{"insurer", "boss", justify, Day, ""})
	say(t, m, 1, 3, word{"insurer", "boss", justify, Day, "REL-018"})
	late := Order{By: "insurer", At: due, ID: "late", Verb: justify, Body: release.JustifyBody{Release: exchange.ReleaseID(ID("q2")), Text: "补充说明"}}
	if a := Do(t, m, late); !a.OK {
		t.Fatal(a.Error)
	}
	for id, want := range map[string]release.Urgency{"q": release.Justified, "q2": release.JustifiedLate, "tomorrow": release.Unjustified, "quiet": release.Ordinary, "loud": release.Ordinary} {
		if rel, _ := m.View().Release(exchange.ReleaseID(ID(id))); rel.UrgencyAt(due) != want {
			t.Errorf("%s: %q", id, rel.UrgencyAt(due))
		}
	}
	if waiting, overdue := release.Emergencies(m.View().Rows(), due); waiting != 2 || overdue != 0 {
		t.Errorf("%d and %d emergencies are open", waiting, overdue)
	}
	if waiting, overdue := release.Emergencies(m.View().Rows(), due+100*Day); waiting != 0 || overdue != 2 {
		t.Errorf("later %d and %d emergencies are open", waiting, overdue)
	}
	page, _ := m.View().Releases(release.Query{Emergency: true, Limit: 100})
	if len(page) != 6 { // q, q2, q3, loud, tomorrow, colleague
		t.Errorf("%d emergencies are listed", len(page))
	}
}

// TestBulkIsBounded: by the rule, by the body, and to what one author keeps.
func TestBulkIsBounded(t *testing.T) {
	m := found2(t)
	parts := func(n int) func(*release.RequestBody) {
		return func(b *release.RequestBody) {
			for i := range n {
				b.More = append(b.More, release.Part{ID: exchange.RecordID(ID(fmt.Sprint("part ", i))), Digest: Hash("x")})
			}
		}
	}
	for n, want := range map[int]release.Status{2: release.Pending, 3: release.Refused} {
		if out := Outcome[release.Requested](t, demands(t, m, fmt.Sprint("bulk ", n), "bulk", parts(n))); out.Status != want {
			t.Errorf("%d further records: %s", n, out.Status)
		}
	}
	if out := Outcome[release.Requested](t, demands(t, m, "other", "authors", parts(1))); out.Status != release.Refused {
		t.Error("bulk under a rule without it")
	}
	page, _ := m.View().Releases(release.Query{Record: exchange.RecordID(ID("part 1")), Limit: 9})
	if len(page) != 2 {
		t.Errorf("a further record is found in %d requests", len(page))
	}
	for _, edit := range []func(*release.RequestBody){parts(release.MaxParts + 1),
		func(b *release.RequestBody) { b.More = []release.Part{{ID: b.Record.ID, Digest: Hash("x")}} },
		func(b *release.RequestBody) { b.More = []release.Part{{ID: "x", Digest: Hash("x")}} }} {
		if err := m.Check(Sign(t, Order{By: "insurer", ID: "bad", Verb: exchange.VerbReleaseRequest, Body: demand("bulk", edit)})); err == nil {
			t.Error("a malformed bulk request passes")
		}
	}
	old := New(t) // a federation of machine version 1 does not know it
	if a := Apply(t, old, Sign(t, Order{By: "insurer", ID: "early", Verb: exchange.VerbReleaseRequest, Body: demand("bulk", parts(1))}))[0]; Code(a) == "" {
		t.Error("used before its machine version")
	}
}

// TestWhoLeftGetsNothing: a grant to a member whose key was taken back, or that left,
// is not delivered from the roster on.
func TestWhoLeftGetsNothing(t *testing.T) {
	m := found2(t)
	demands(t, m, "q", "urgent", nil)
	lineage, err := members.Genesis{Charter: []byte(m.View().Federation().Charter), Catalogue: []byte(m.View().CatalogueVersion().Document), Signatures: m.View().Federation().Signatures}.Lineage()
	Must(t, err)
	doc := Draft(t, lineage, func(r *members.Roster) {
		for i, f := range r.Members {
			if f.ID == "insurer" {
				r.Members = append(r.Members[:i], r.Members[i+1:]...)
				return
			}
		}
	})
	s := SignRoster(t, doc, 1, nil, "regulator", "commission", "association")
	if a := Do(t, m, Order{By: "court", ID: "expel", At: Start + Hour, Verb: exchange.VerbRoster, Body: s}); !a.OK {
		t.Fatal(a.Error)
	}
	say(t, m, 1, 1, word{"court", "li", deliver, 2 * Hour, "REL-015"})
	if a := Do(t, m, Order{By: "insurer", Op: "asker", ID: "after", At: Start + 2*Hour, Verb: exchange.VerbReleaseRequest, Body: demand("urgent", nil)}); a.OK || a.Seq != 0 {
		t.Error("it still asks")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"release":"AAAAAAAAAAAAAAAAAAAAAA","consent":"a.b.c"}`))
	f.Add([]byte(`{"release":"AAAAAAAAAAAAAAAAAAAAAA","text":"x"}`))
	f.Add([]byte(`{"consent":"AAAAAAAAAAAAAAAAAAAAAA","note":"x"}`))
	f.Add([]byte(`{"format":"accord-consent/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		release.DecodeConsent(data)
		release.DecodeJustify(data)
		release.DecodeWithdraw(data)
		release.DecodeSecond(data)
		if b, err := release.DecodeRequest(data); err == nil && b.Since() < 4 && (b.Emergency || b.Consent != "" || len(b.More) > 0) {
			t.Error("new members in an old body")
		}
		if c, err := release.ParseConsent(data); err == nil && (c.Until <= c.At || len(c.Fields) == 0) {
			t.Errorf("%+v", c)
		}
	})
}

// TestTheMeetingDecides: what the joint meeting decided is brought to the request by
// any member; not before, and not with the requester's vote.
func TestTheMeetingDecides(t *testing.T) {
	for name, c := range map[string]struct {
		outcome string
		seats   []exchange.MemberID
		verb    exchange.Verb
		want    string
	}{
		"approved":                  {"approve", []exchange.MemberID{"commission", "association", "court"}, approve, ""},
		"denied":                    {"deny", []exchange.MemberID{"commission", "association", "court"}, deny, ""},
		"denied, used as approved":  {"deny", []exchange.MemberID{"commission", "association", "court"}, approve, "REL-012"},
		"not enough seats":          {"approve", []exchange.MemberID{"commission", "court"}, approve, "REL-012"},
		"with the requester's vote": {"approve", []exchange.MemberID{"regulator", "commission", "court"}, approve, "REL-009"},
	} {
		m := found2(t)
		Do(t, m, Order{By: "regulator", Op: "asker", ID: "q", Verb: exchange.VerbReleaseRequest, Body: demand("meeting", nil)})
		motion := Order{By: "commission", ID: "motion", Verb: exchange.VerbPropose, Body: meeting.ProposeBody{Kind: meeting.Release, Reason: "裁定", Deadline: Start + 30*Day, Decision: &meeting.Decision{Object: ID("q"), Outcome: c.outcome}}}
		if a := Do(t, m, motion); !a.OK {
			t.Fatal(a.Error)
		}
		for _, seat := range c.seats {
			Do(t, m, Order{By: seat, ID: "vote " + string(seat), Verb: exchange.VerbVote, Body: meeting.VoteBody{Proposal: exchange.CommandID(ID("motion")), Choice: meeting.Yes}})
		}
		t.Log(name)
		say(t, m, 1, 1, word{"association", "zhao", c.verb, Hour, c.want})
	}
}
