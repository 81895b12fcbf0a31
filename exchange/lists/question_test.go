package lists_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/question"
)

func asked(t *testing.T, text string) lists.Question {
	t.Helper()
	pairs, err := url.ParseQuery(text)
	Must(t, err)
	q, err := lists.ParseQuestion(pairs)
	Must(t, err)
	return q
}

// TestQuestionSpelling: a question has one spelling, and what is not one is refused
// with the keys there are.
func TestQuestionSpelling(t *testing.T) {
	for given, want := range map[string]string{
		"":                         "",
		"status=listed&list=black": "list=black&status=listed",
		"by=court&ground=default":  "ground=default&by=court",
		"subject=person:h1.abc":    "subject=person%3Ah1.abc",
		"as-of=2026-11-20":         "as-of=" + url.QueryEscape("2026-11-19T16:00:00Z"),
		"known-at=2026-11-20&from=2026-11-01&kind=enterprise": "kind=enterprise&from=" + url.QueryEscape("2026-10-31T16:00:00Z") + "&known-at=" + url.QueryEscape("2026-11-19T16:00:00Z"),
	} {
		q := asked(t, given)
		if q.String() != want || asked(t, q.String()) != q {
			t.Errorf("%s is spelled %s, want %s", given, q, want)
		}
	}
	for text, want := range map[string]error{
		"colour=red": question.ErrKey, "status=active": question.ErrValue, "list=": question.ErrValue, "list=a&list=a": question.ErrValue,
		"subject=63999919800101001X": question.ErrValue, "from=2026-11-20&until=2026-11-20": question.ErrValue, "as-of=yesterday": question.ErrValue,
	} {
		pairs, err := url.ParseQuery(text)
		Must(t, err)
		if _, err := lists.ParseQuestion(pairs); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// correction is an entry that was listed for ten days and then taken back.
func correction(t *testing.T, reason string) (m *machine.Machine, nominated, removed exchange.Millis) {
	t.Helper()
	m = listed(t)
	nominated, removed = Start, Start+20*Day
	r := Do(t, m, Order{By: "court", ID: "r", At: removed, Verb: exchange.VerbRemove, Body: lists.RemoveBody{Entry: exchange.EntryID(ID("entry 1")),
		Reason: reason, Text: "文书送达错误", Basis: "（2016）青01执异1号"}})
	if !r.OK {
		t.Fatal(r.Error)
	}
	return m, nominated, removed
}

// TestTwoAxesOfTime: an entry as it stood at a time, by what was known at one. A
// correction after the fact changes what is known of its own time, not what was
// known before it.
func TestTwoAxesOfTime(t *testing.T) {
	m, nominated, removed := correction(t, lists.Error)
	const notice, term = 10 * Day, 375 * Day
	now := removed + 5*Day
	annulled := func(e lists.Entry, asOf exchange.Millis) bool { return e.Annulled(asOf) != nil }
	for name, c := range map[string]struct {
		asOf, known exchange.Millis
		want        lists.Status
		annulled    bool
	}{
		"now":                                                {0, 0, lists.Removed, false},
		"before it was nominated":                            {nominated - 1, 0, lists.None, false},
		"not known yet":                                      {nominated + Day, nominated - 1, lists.None, false},
		"during its notice, as known then":                   {0, nominated + 1, lists.Nominated, false},
		"while it was listed, as known then":                 {0, nominated + notice, lists.Listed, false},
		"while it was listed, as known now":                  {nominated + notice, 0, lists.Listed, true},
		"the moment before, as known now":                    {removed - 1, 0, lists.Listed, true},
		"the moment of its removal":                          {removed, 0, lists.Removed, false},
		"the day after its removal, as known the day before": {removed + Day, removed - 1, lists.Listed, false},
		"after its term, as known before its removal":        {nominated + term, removed - 1, lists.Expired, false},
		"after its term, as known now":                       {nominated + term, 0, lists.Removed, false},
		"known in the future is known now":                   {nominated + notice, now + 1000*Day, lists.Listed, true},
	} {
		for _, status := range append([]lists.Status{""}, lists.Statuses()...) {
			q := lists.Question{Subject: "org:91639900MA0000001X", Status: status, AsOf: c.asOf, KnownAt: c.known}
			found, err := m.View().AskEntries(q, now, "", 10)
			Must(t, err)
			if want := c.want != lists.None && (status == "" || status == c.want); want != (len(found.Entries) == 1) {
				t.Errorf("%s, asked for %q: %d entries", name, status, len(found.Entries))
				continue
			}
			for _, e := range found.Entries {
				if got := e.StatusAt(found.Stand.AsOf); got != c.want || annulled(e, found.Stand.AsOf) != c.annulled {
					t.Errorf("%s: %q, annulled %v", name, got, annulled(e, found.Stand.AsOf))
				}
			}
		}
	}
	repaired, nominated, removed := correction(t, lists.Repaired)
	found, err := repaired.View().AskEntries(lists.Question{AsOf: nominated + notice}, removed, "", 10)
	Must(t, err)
	if len(found.Entries) != 1 || annulled(found.Entries[0], found.Stand.AsOf) {
		t.Error("repair is told as if the entry had never been right")
	}
}

// Pages of one answer stand on one position: what is nominated or taken back between
// them moves nothing, and a cursor is its question's.
func TestPagesOfEntriesStand(t *testing.T) {
	m := New(t)
	nominate := func(n int, at exchange.Millis) {
		code := fmt.Sprintf("org:9163990%dMA0000001X", n)
		r := Do(t, m, Order{By: "court", ID: fmt.Sprint("n", n), At: at, Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", fmt.Sprint(n), func(c *lists.Claims) {
			c.Subject, c.IssuedAt = exchange.SubjectID(code), int64(at)/1000
		}))})
		if !r.OK {
			t.Fatal(r.Error)
		}
	}
	for n := 1; n <= 5; n++ {
		nominate(n, Start)
	}
	q := asked(t, "list=black")
	ids := func(found lists.Found) (all []string) {
		for _, e := range found.Entries {
			all = append(all, string(e.ID)+" "+string(e.StatusAt(found.Stand.AsOf)))
		}
		return all
	}
	before, err := m.View().AskEntries(q, Start, "", 10)
	Must(t, err)
	var got []string
	for cursor, n := "", 6; ; n++ {
		page, err := m.View().AskEntries(q, Start, cursor, 2)
		Must(t, err)
		got = append(got, ids(page)...)
		if cursor = page.Next; cursor == "" {
			break
		}
		if _, err := m.View().AskEntries(asked(t, "list=red"), Start, cursor, 2); !errors.Is(err, lists.ErrCursor) {
			t.Errorf("another question's cursor: %v", err)
		}
		nominate(n, Start) // in the same millisecond
		Do(t, m, Order{By: "court", ID: fmt.Sprint("w", n), At: Start, Verb: exchange.VerbWithdraw,
			Body: lists.WithdrawBody{Entry: exchange.EntryID(ID(fmt.Sprint("entry ", 7-n))), Reason: "证据不足"}})
	}
	if want := ids(before); !slices.Equal(got, want) || len(got) != 5 {
		t.Errorf("page by page %v, at once %v", got, want)
	}
	for _, bad := range []string{"x", "1.1.1.1.x.y", "2.1.1.1." + ID("entry 1") + ".0", "1.-1.1.1." + ID("entry 1") + ".0"} {
		if _, err := m.View().AskEntries(q, Start, bad, 2); !errors.Is(err, lists.ErrCursor) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// What the ledger held at a size is neither the entry nor the end that came with the
// same time later.
func TestStand(t *testing.T) {
	e := lists.Entry{Seq: 4, NominatedAt: 100, ListedFrom: 100, ListedUntil: 900, End: &lists.End{Status: lists.Removed, At: 200, Seq: 7}, Version: 2}
	for s, want := range map[lists.Stand]lists.Status{
		{AsOf: 300, Known: 300, Size: 4}: lists.None, {AsOf: 300, Known: 300, Size: 5}: lists.Listed,
		{AsOf: 300, Known: 200, Size: 7}: lists.Listed, {AsOf: 300, Known: 200, Size: 8}: lists.Removed, {AsOf: 99, Known: 300, Size: 8}: lists.None,
	} {
		got, ok := s.Of(e)
		if ok != (want != lists.None) || ok && got.StatusAt(s.AsOf) != want || ok && (got.Version == 2) != (want == lists.Removed) {
			t.Errorf("%+v: %q, version %d", s, got.StatusAt(s.AsOf), got.Version)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("1.mi1vj1s0.mi1vj1s0.7.AAAAAAAAAAAAAAAAAAAAAA.e3b0c44298fc1c14")
	m := New(f)
	f.Fuzz(func(t *testing.T, cursor string) {
		if found, err := m.View().AskEntries(lists.Question{}, Start, cursor, 2); err == nil && cursor != "" && len(found.Entries) > 0 {
			t.Errorf("%q opens an empty list", cursor)
		}
	})
}
