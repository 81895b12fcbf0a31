package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/identifiers"
)

// Bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 500
)

// maxCursor is the longest cursor in bytes.
const maxCursor = 200

// query is a request's query, read strictly: only the parameters a route
// knows, each at most once and never empty. The first one that is wrong is
// remembered, so that a handler asks for all and checks once.
type query struct {
	values map[string]string
	bad    string
}

// queryOf reads the query of a route that knows these parameters.
func queryOf(r *http.Request, known ...string) (*query, error) {
	q := &query{values: map[string]string{}}
	if r.URL.RawQuery == "" {
		return q, nil
	}
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, ErrQuery.With("name", "?")
	}
	for name, values := range given {
		if !contains(known, name) || len(values) != 1 {
			return nil, ErrQuery.With("name", printable(name))
		}
		q.values[name] = values[0]
	}
	return q, nil
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

// err is ErrQuery about the first wrong parameter, nil when all were right.
func (q *query) err() error {
	if q.bad != "" {
		return ErrQuery.With("name", q.bad)
	}
	return nil
}

// text is a parameter that must be valid if it is given, "" when it is not.
func (q *query) text(name string, valid func(string) bool) string {
	v, given := q.values[name]
	if !given {
		return ""
	}
	if v == "" || !valid(v) {
		q.fail(name)
		return ""
	}
	return v
}

func (q *query) fail(name string) {
	if q.bad == "" {
		q.bad = name
	}
}

// number is a whole number in canonical decimal between min and max, def when
// it is not given.
func (q *query) number(name string, def, min, max int64) int64 {
	v, given := q.values[name]
	if !given {
		return def
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != v || n < min || n > max {
		q.fail(name)
		return def
	}
	return n
}

func (q *query) limit() int { return int(q.number("limit", defaultLimit, 1, maxLimit)) }

// flag is true when a parameter is "true", or is named without a value.
func (q *query) flag(name string) bool {
	v, given := q.values[name]
	switch {
	case !given || v == "false":
		return false
	case v == "" || v == "true":
		return true
	}
	q.fail(name)
	return false
}

// linear says whether the reader wants to see everything committed by now. Who
// is content with a stale state gets the newest there is here.
func (q *query) linear() bool {
	return q.text("read", func(s string) bool { return s == "linear" || s == "local" || s == "stale" }) == "linear"
}

// at is the instant a status is wanted for, in RFC 3339; nil when it is not
// given.
func (q *query) at() *exchange.Millis {
	v, given := q.values["at"]
	if !given {
		return nil
	}
	// The library also takes one-digit hours and a comma, which RFC 3339 does not.
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || len(v) < len("2006-01-02T15:04:05Z") || v[13] != ':' || strings.Contains(v, ",") {
		q.fail("at")
	}
	at := exchange.MillisOf(t)
	return &at
}

// day is the instant a calendar day begins in Beijing, zero when it is not
// given.
func (q *query) day(name string) time.Time {
	v, given := q.values[name]
	if !given {
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateOnly, v, beijing)
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		q.fail(name)
	}
	return t
}

// beijing is the calendar in which days are judged; China has one zone and no
// summer time.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// cursor is where a page goes on; what it means its owner judges.
func (q *query) cursor() string {
	return q.text("cursor", func(s string) bool { return len(s) <= maxCursor && exchange.PlainText(s, maxCursor) })
}

// subject is a subject id, or an organisation's code without its namespace. A
// person's number does not belong into a URL, where every proxy keeps it, and
// is refused unseen.
func (q *query) subject() exchange.SubjectID {
	var id exchange.SubjectID
	q.text("subject", func(s string) bool {
		id = exchange.SubjectID(s)
		if !strings.Contains(s, ":") {
			code := strings.ToUpper(s)
			id = exchange.SubjectID(exchange.SubjectOrg + ":" + code)
			return identifiers.CheckUSCC(code) == nil && identifiers.CheckResidentID(code) != nil
		}
		return id.Valid()
	})
	if q.bad != "" {
		return ""
	}
	return id
}

// name is a parameter of the shape of ids of members, lists and categories.
func (q *query) name(name string) string { return q.text(name, exchange.ValidName) }
