package lists_test

import (
	"fmt"
	"testing"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// TestStatusAt is the life table: what an entry is at each moment, for each way
// its life can go.
func TestStatusAt(t *testing.T) {
	base := lists.Entry{NominatedAt: 100, ListedFrom: 200, ListedUntil: 300}
	ended := func(s lists.Status, at exchange.Millis) lists.Entry {
		e := base
		e.End = &lists.End{Status: s, At: at}
		return e
	}
	type moment struct {
		at    exchange.Millis
		want  lists.Status
		until exchange.Millis
	}
	noNotice := base
	noNotice.ListedFrom = 100
	for name, c := range map[string]struct {
		e       lists.Entry
		moments []moment
	}{
		"whole life": {base, []moment{{0, lists.None, 0}, {99, lists.None, 0}, {100, lists.Nominated, 200}, {199, lists.Nominated, 200},
			{200, lists.Listed, 300}, {299, lists.Listed, 300}, {300, lists.Expired, 0}, {1 << 52, lists.Expired, 0}}},
		"no notice": {noNotice, []moment{{99, lists.None, 0}, {100, lists.Listed, 300}}},
		"withdrawn": {ended(lists.Withdrawn, 150), []moment{{99, lists.None, 0}, {149, lists.Nominated, 200}, {150, lists.Withdrawn, 0},
			{250, lists.Withdrawn, 0}, {400, lists.Withdrawn, 0}}},
		"removed": {ended(lists.Removed, 250), []moment{{150, lists.Nominated, 200}, {249, lists.Listed, 300}, {250, lists.Removed, 0},
			{400, lists.Removed, 0}}},
		"withdrawn at once": {ended(lists.Withdrawn, 100), []moment{{99, lists.None, 0}, {100, lists.Withdrawn, 0}}},
	} {
		for _, m := range c.moments {
			if got, until := c.e.StatusAt(m.at), c.e.Until(m.at); got != m.want || until != m.until {
				t.Errorf("%s at %d: %q until %d, want %q until %d", name, m.at, got, until, m.want, m.until)
			}
		}
	}
}

func withdraw(by exchange.MemberID, id string, at exchange.Millis, expect int) Order {
	return Order{By: by, ID: id, At: at, Verb: exchange.VerbWithdraw,
		Body: lists.WithdrawBody{Entry: exchange.EntryID(ID("entry 1")), Reason: "证据不足", Expect: expect}}
}

func remove(by exchange.MemberID, id string, at exchange.Millis, expect int) Order {
	return Order{By: by, ID: id, At: at, Verb: exchange.VerbRemove, Body: lists.RemoveBody{Entry: exchange.EntryID(ID("entry 1")),
		Reason: lists.Repaired, Text: "已履行义务", Basis: "（2016）青01执1号", Expect: expect}}
}

func listed(t *testing.T) *machine.Machine {
	t.Helper()
	m := New(t)
	if r := Do(t, m, nomination("court", "n", Entry(t, "court", "1", nil))); !r.OK {
		t.Fatal(r.Error)
	}
	return m
}

func TestEndings(t *testing.T) {
	const notice, term = 10 * Day, 375 * Day
	for name, c := range map[string]struct {
		order Order
		want  string
	}{
		"withdraw at once":            {withdraw("court", "c", Start, 0), ""},
		"withdraw at the last moment": {withdraw("court", "c", Start+notice-1, 1), ""},
		"withdraw too late":           {withdraw("court", "c", Start+notice, 0), "LIST-017"},
		"withdraw by another":         {withdraw("regulator", "c", Start, 0), "LIST-016"},
		"withdraw, changed meanwhile": {withdraw("court", "c", Start, 2), "LIST-018"},
		"remove too early":            {remove("court", "c", Start+notice-1, 0), "LIST-017"},
		"remove":                      {remove("court", "c", Start+notice, 1), ""},
		"remove at the last moment":   {remove("court", "c", Start+term-1, 0), ""},
		"remove too late":             {remove("court", "c", Start+term, 0), "LIST-017"},
		"remove by another":           {remove("regulator", "c", Start+notice, 0), "LIST-016"},
		"remove, changed meanwhile":   {remove("court", "c", Start+notice, 7), "LIST-018"},
		"withdraw in the past":        {withdraw("court", "c", Start-1, 0), ""},
	} {
		m := listed(t)
		r := Do(t, m, c.order)
		if Code(r) != c.want {
			t.Errorf("%s: %q, want %q", name, Code(r), c.want)
			continue
		}
		e, _ := m.View().Entry(exchange.EntryID(ID("entry 1")))
		if want := map[bool]int{true: 2, false: 1}[c.want == ""]; e.Version != want || (e.End != nil) != (c.want == "") {
			t.Errorf("%s: version %d, end %+v", name, e.Version, e.End)
		}
		if c.want == "" && (e.End.Operator != "clerk" || e.End.At != max(c.order.At, Start) || e.End.Seq != 2) {
			t.Errorf("%s: %+v", name, e.End)
		}
		Must(t, m.VerifyFrozen())
	}
}

func TestAnEndIsFinal(t *testing.T) {
	m := listed(t)
	Do(t, m, withdraw("court", "a", Start, 0))
	for i, o := range []Order{withdraw("court", "b", Start, 0), remove("court", "c", Start+20*Day, 0)} {
		if r := Do(t, m, o); Code(r) != "LIST-017" {
			t.Errorf("%d: %q", i, Code(r))
		}
	}
	free := nomination("court", "again", Entry(t, "court", "2", nil))
	if r := Do(t, m, free); !r.OK {
		t.Errorf("a withdrawn entry still bars its subject: %v", r.Error)
	}
}

func TestBodiesOfEndings(t *testing.T) {
	m := New(t)
	id := ID("entry 1")
	for verb, bodies := range map[exchange.Verb][]string{
		exchange.VerbWithdraw: {`{}`, `{"entry":"x","reason":"a"}`, `{"entry":"` + id + `","reason":""}`, `{"entry":"` + id + `","reason":"a\n"}`,
			`{"entry":"` + id + `","reason":"a","expect":-1}`, `{"entry":"` + id + `","reason":"a","why":"b"}`},
		exchange.VerbRemove: {`{"entry":"` + id + `","reason":"mercy","text":"a","basis":"b"}`, `{"entry":"` + id + `","reason":"error","text":"","basis":"b"}`,
			`{"entry":"` + id + `","reason":"error","text":"a","basis":""}`},
	} {
		for _, body := range bodies {
			if err := m.Check(Sign(t, Order{By: "court", ID: "x", Verb: verb, Raw: body})); err == nil {
				t.Errorf("%s %s: accepted", verb, body)
			}
		}
	}
}

func TestQueries(t *testing.T) {
	m := New(t)
	for i := range 7 {
		doc := Entry(t, "court", fmt.Sprint(i), func(c *lists.Claims) {
			c.Subject = exchange.SubjectID(fmt.Sprintf("org:S%d", i%3))
			c.Ground = []string{"default", "fraud"}[i%2]
		})
		o := nomination("court", fmt.Sprint("n", i), doc)
		o.At = Start + exchange.Millis(i)*Day
		if r := Do(t, m, o); !r.OK {
			if i < 6 {
				t.Fatal(i, r.Error)
			}
			continue // the seventh repeats the first
		}
	}
	v := m.View()
	at := Start + 12*Day // the first three are listed
	for name, c := range map[string]struct {
		q    lists.Query
		want string
	}{
		"all":             {lists.Query{}, "543210"},
		"list":            {lists.Query{List: "black"}, "543210"},
		"other list":      {lists.Query{List: "red"}, ""},
		"prefix of list":  {lists.Query{List: "bla"}, ""},
		"subject":         {lists.Query{Subject: "org:S1"}, "41"},
		"subject on list": {lists.Query{Subject: "org:S1", List: "black"}, "41"},
		"listed":          {lists.Query{List: "black", Status: lists.Listed, At: at}, "210"},
		"nominated":       {lists.Query{Status: lists.Nominated, At: at}, "543"},
		"by":              {lists.Query{By: "regulator"}, ""},
		"nobody":          {lists.Query{After: exchange.EntryID(ID("no such entry"))}, ""},
	} {
		for limit := 1; limit <= 7; limit += 3 {
			c.q.Limit = limit
			if got := pages(v, c.q); got != c.want {
				t.Errorf("%s, pages of %d: %s, want %s", name, limit, got, c.want)
			}
		}
	}
	first := lists.Query{Limit: 2}
	_, next := v.Entries(first)
	if r := Do(t, m, nomination("court", "new", Entry(t, "court", "9", func(c *lists.Claims) { c.Subject = "org:S9" }))); !r.OK {
		t.Fatal(r.Error)
	}
	if got := pages(m.View(), lists.Query{Limit: 2, After: next}); got != "3210" {
		t.Errorf("a page after an insertion: %s", got)
	}
}

// pages walks all pages and names the entries by their numbers.
func pages(v *machine.View, q lists.Query) string {
	names := map[exchange.EntryID]string{}
	for i := range 10 {
		names[exchange.EntryID(ID(fmt.Sprint("entry ", i)))] = fmt.Sprint(i)
	}
	all := ""
	for {
		page, next := v.Entries(q)
		for _, e := range page {
			all += names[e.ID]
		}
		if next == "" {
			return all
		}
		q.After = next
	}
}
