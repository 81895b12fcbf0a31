package subjects_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/release"
	"accord/exchange/subjects"
)

const day = 24 * Hour

// world is a machine of version 4 in which the commission asked for a record of the
// court's.
func world(t *testing.T) *machine.Machine {
	t.Helper()
	m := New(t)
	if r := Apply(t, m, Sign(t, Order{By: "court", ID: "early", Verb: exchange.VerbSubjectApply,
		Body: subjects.ApplyBody{Record: Record("record", "court"), Fields: []string{"amount"}}}))[0]; Code(r) != machine.ErrInactive.Code {
		t.Fatalf("before machine version 4: %+v", r)
	}
	for _, p := range Announce(t, 4) {
		Apply(t, m, p)
	}
	Do(t, m, Order{By: "commission", ID: "q", Verb: exchange.VerbReleaseRequest, Body: Ask(nil)})
	return m
}

func asked() exchange.ReleaseID { return exchange.ReleaseID(ID("q")) }

func complain(by exchange.MemberID, id string) Order {
	return Order{By: by, Op: "counter", ID: id, Verb: exchange.VerbSubjectComplain, Body: subjects.ComplainBody{Release: asked(), Digest: Hash("text")}}
}

func answer(by exchange.MemberID, id, of string, at exchange.Millis) Order {
	return Order{By: by, At: at, ID: id, Verb: exchange.VerbSubjectAnswer,
		Body: subjects.AnswerBody{Complaint: exchange.CommandID(ID(of)), Outcome: subjects.Upheld, Digest: Hash("answer")}}
}

// refuses that a command is carried out: with this code, and without a changed row.
func refuses(t *testing.T, m *machine.Machine, o Order, want string) {
	t.Helper()
	complaints, applications := subjects.Complaints(m.View().Rows()), subjects.Applications(m.View().Rows())
	if r := Do(t, m, o); Code(r) != want {
		t.Errorf("%s: %q, want %q", o.ID, Code(r), want)
	}
	if !reflect.DeepEqual(complaints, subjects.Complaints(m.View().Rows())) || !reflect.DeepEqual(applications, subjects.Applications(m.View().Rows())) {
		t.Errorf("%s changed a row", o.ID)
	}
}

// TestAComplaint: whoever looked answers, once; until then it is open, and overdue
// when its term is over.
func TestAComplaint(t *testing.T) {
	m := world(t)
	unknown := complain("regulator", "unknown")
	unknown.Body = subjects.ComplainBody{Release: exchange.ReleaseID(ID("nothing")), Digest: Hash("text")}
	refuses(t, m, unknown, "SUBJ-101")
	taken := Outcome[subjects.Taken](t, Do(t, m, complain("regulator", "c")))
	c, ok := subjects.GetComplaint(m.View().Rows(), exchange.CommandID(ID("c")))
	if !ok || c.Against != "commission" || c.By != "regulator" || c.Record != Record("record", "court") || c.Due != taken.Due || c.Due != c.At+30*day {
		t.Fatalf("%+v", c)
	}
	for at, want := range map[exchange.Millis]subjects.Status{c.At: subjects.Open, c.Due - 1: subjects.Open, c.Due: subjects.Overdue} {
		if got := c.StatusAt(at); got != want {
			t.Errorf("at %d: %s, want %s", at-c.At, got, want)
		}
	}
	refuses(t, m, answer("regulator", "taker", "c", 0), "SUBJ-103")
	refuses(t, m, answer("commission", "none", "nothing", 0), "SUBJ-102")
	late := Outcome[subjects.Answered](t, Do(t, m, answer("commission", "a", "c", c.Due)))
	if !late.Late {
		t.Errorf("%+v", late)
	}
	refuses(t, m, answer("commission", "again", "c", c.Due), "SUBJ-104")
	c, _ = subjects.GetComplaint(m.View().Rows(), c.ID)
	if c.StatusAt(c.Due) != subjects.Upheld || c.Answer.By != "commission" {
		t.Errorf("%+v", c)
	}
}

// TestAnApplication: the record's author decides, once, by a release or for a reason.
func TestAnApplication(t *testing.T) {
	m := world(t)
	apply := Order{By: "regulator", Op: "counter", ID: "p", Verb: exchange.VerbSubjectApply,
		Body: subjects.ApplyBody{Record: Record("record", "court"), Fields: []string{"amount"}}}
	stranger := apply
	stranger.ID, stranger.Body = "s", subjects.ApplyBody{Record: Record("record", "stranger"), Fields: []string{"amount"}}
	refuses(t, m, stranger, "SUBJ-105")
	Do(t, m, apply)
	p, ok := subjects.GetApplication(m.View().Rows(), exchange.CommandID(ID("p")))
	if !ok || p.Due != p.At+28*day || p.StatusAt(p.Due) != subjects.Overdue || p.StatusAt(p.Due-1) != subjects.Open {
		t.Fatalf("%+v", p)
	}
	decide := func(by exchange.MemberID, id, of string) Order {
		return Order{By: by, ID: id, Verb: exchange.VerbSubjectDecide,
			Body: subjects.DecideBody{Application: exchange.CommandID(ID(of)), Outcome: subjects.Refused, Ground: "third-party", Digest: Hash("reasons")}}
	}
	refuses(t, m, decide("regulator", "taker", "p"), "SUBJ-107")
	refuses(t, m, decide("court", "none", "nothing"), "SUBJ-106")
	if out := Outcome[subjects.Answered](t, Do(t, m, decide("court", "d", "p"))); out.Late || out.Outcome != subjects.Refused {
		t.Errorf("%+v", out)
	}
	refuses(t, m, decide("court", "again", "p"), "SUBJ-104")
}

// TestSteps: all that is said about a record is among its steps, and survives a
// snapshot.
func TestSteps(t *testing.T) {
	m := world(t)
	Do(t, m, complain("regulator", "c"))
	Do(t, m, answer("commission", "a", "c", 0))
	Do(t, m, Order{By: "court", ID: "p", Verb: exchange.VerbSubjectApply, Body: subjects.ApplyBody{Record: Record("record", "court"), Fields: []string{"amount"}}})
	Do(t, m, Order{By: "court", ID: "d", Verb: exchange.VerbSubjectDecide,
		Body: subjects.DecideBody{Application: exchange.CommandID(ID("p")), Outcome: subjects.Released, Digest: Hash("file")}})
	var snapshot bytes.Buffer
	s, err := m.Snapshot()
	Must(t, err)
	defer s.Release()
	_, err = s.WriteTo(&snapshot)
	Must(t, err)
	again := New(t)
	Must(t, again.Restore(bytes.NewReader(snapshot.Bytes())))
	for _, m := range []*machine.Machine{m, again} {
		var kinds []string
		for _, s := range subjects.OfRecord(m.View().Rows(), exchange.RecordID(ID("record"))) {
			kinds = append(kinds, s.Kind)
		}
		want := strings.Join([]string{release.StepRequest, subjects.StepComplain, subjects.StepAnswer, subjects.StepApply, subjects.StepDecide}, " ")
		if got := strings.Join(kinds, " "); got != want || len(subjects.All(m.View().Rows())) != 5 {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if again.View().Digest() != m.View().Digest() {
		t.Error("the restored machine is another")
	}
}

func TestBodies(t *testing.T) {
	m := world(t)
	id, digest := ID("q"), Hash("e")
	for verb, bodies := range map[exchange.Verb][]string{
		exchange.VerbSubjectComplain: {`{}`, `{"release":"x","digest":"` + digest + `"}`, `{"release":"` + id + `","digest":"x"}`, `{"release":"` + id + `","digest":"` + digest + `","text":"x"}`},
		exchange.VerbSubjectAnswer:   {`{}`, `{"complaint":"` + id + `","outcome":"released","digest":"` + digest + `"}`},
		exchange.VerbSubjectApply:    {`{}`, `{"record":{"id":"` + id + `","digest":"` + digest + `","author":"court","category":"penalty"},"fields":["a","a"]}`},
		exchange.VerbSubjectDecide: {`{}`, `{"application":"` + id + `","outcome":"refused","digest":"` + digest + `"}`,
			`{"application":"` + id + `","outcome":"refused","ground":"mood","digest":"` + digest + `"}`, `{"application":"` + id + `","outcome":"released","ground":"secret","digest":"` + digest + `"}`},
	} {
		for _, body := range bodies {
			if err := m.Check(Sign(t, Order{By: "court", ID: "x", Verb: verb, Raw: body})); err == nil {
				t.Errorf("%s %s: accepted", verb, body)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"record":{"id":"AAAAAAAAAAAAAAAAAAAAAA","digest":"","author":"court","category":"penalty"},"fields":["a"]}`))
	f.Add([]byte(`{"application":"AAAAAAAAAAAAAAAAAAAAAA","outcome":"refused","ground":"secret"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		subjects.DecodeComplain(body)
		subjects.DecodeAnswer(body)
		subjects.DecodeApply(body)
		subjects.DecodeDecide(body)
	})
}

// TestDeadlinesOfTheCatalogue: where the catalogue sets deadlines, they count, in
// working days by its calendar.
func TestDeadlinesOfTheCatalogue(t *testing.T) {
	doc := Document(1)
	doc.Format = catalogue.Format2
	title := exchange.Text{Zh: "期限", En: "deadline"}
	doc.Deadlines = []catalogue.Deadline{{ID: catalogue.DueComplaint, Title: title, Days: 3, Natural: true}, {ID: catalogue.DueDisclosure, Title: title, Days: 2}}
	next := (*catalogue.Calendar)(nil).AddWorkingDays(Start, 1) - 1
	doc.Calendar = &catalogue.Calendar{Holidays: []string{catalogue.DateOf(next)}, Workdays: []string{}}
	m := MeetingUnder(t, doc)
	Do(t, m, Order{By: "commission", ID: "q", Verb: exchange.VerbReleaseRequest, Body: Ask(nil)})
	taken := Outcome[subjects.Taken](t, Do(t, m, complain("regulator", "c")))
	if want := catalogue.EndOfDay(Start, 3); taken.Due != want {
		t.Errorf("a complaint is due on %s, want %s", catalogue.DateOf(taken.Due-1), catalogue.DateOf(want-1))
	}
	taken = Outcome[subjects.Taken](t, Do(t, m, Order{By: "court", ID: "a", Verb: exchange.VerbSubjectApply,
		Body: subjects.ApplyBody{Record: Record("record", "court"), Fields: []string{"amount"}}}))
	if want := (*catalogue.Calendar)(nil).AddWorkingDays(Start, 3); taken.Due != want { // one of the days is a holiday
		t.Errorf("an application is due on %s, want %s", catalogue.DateOf(taken.Due-1), catalogue.DateOf(want-1))
	}
}
