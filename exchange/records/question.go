package records

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"accord/exchange"
	"accord/exchange/identifiers"
	"accord/exchange/names"
)

// The errors of a question.
var (
	ErrKey = exchange.Define(exchange.KindInvalid, "REC-050",
		exchange.Text{Zh: "没有筛选项 {key}；可用的有：{allowed}", En: "there is no filter {key}; there are: {allowed}"},
		exchange.Text{Zh: "每项写作 项=值，每项一次", En: "write each as key=value, each once"})
	ErrAsked = exchange.Define(exchange.KindInvalid, "REC-051",
		exchange.Text{Zh: "筛选项 {key} 的值不合要求；应为：{form}", En: "the value of the filter {key} is not acceptable; it is: {form}"},
		exchange.Text{Zh: "改正后再查询；自然人证件号码不得写入查询", En: "correct it and ask again; the number of a person's document never goes into a query"})
)

// Question is what somebody wants to know of the records that are held. Empty
// members do not narrow it. It has one spelling, key=value, on the command line,
// in the API and in the links between pages.
type Question struct {
	Subject  exchange.SubjectID
	Name     string // as written; what is like it answers, too
	Number   string // of a certificate, decision or other document, in its normal form
	Category string
	Author   exchange.MemberID
	Area     string // 2, 4 or 6 digits of GB/T 2260
	Kind     string // of subject
	Status   Status
	From     exchange.Millis // issued, inclusive
	Until    exchange.Millis // issued, exclusive
	// AsOf asks how records stood at their authors at a time, KnownAt for what had
	// reached this store by a time; 0 is now.
	AsOf    exchange.Millis
	KnownAt exchange.Millis
}

// asked is one key: the form of its value, how it is read and written.
type asked struct {
	key, form string
	read      func(q *Question, value string) bool
	write     func(q *Question) string
}

// questionKeys are all there are, in their one order.
var questionKeys = []asked{
	{"subject", "org:91…, person:…; 统一社会信用代码 / unified social credit code", readSubject, func(q *Question) string { return string(q.Subject) }},
	{"name", "1–200 字 / characters", readName, func(q *Question) string { return q.Name }},
	{"number", "证书号、文书号 / number of a certificate or decision", readNumber, func(q *Question) string { return q.Number }},
	name("category", func(q *Question) *string { return &q.Category }),
	{"author", "单位标识 / member id", func(q *Question, v string) bool { q.Author = exchange.MemberID(v); return exchange.ValidName(v) }, func(q *Question) string { return string(q.Author) }},
	{"area", "2, 4, 6 位 / digits (GB/T 2260)", func(q *Question, v string) bool { q.Area = v; return digits(v, 2, 6) && len(v)%2 == 0 && v[0] != '0' }, func(q *Question) string { return q.Area }},
	name("kind", func(q *Question) *string { return &q.Kind }),
	{"status", "active, corrected, retracted", func(q *Question, v string) bool { q.Status = Status(v); return q.Status.known() }, func(q *Question) string { return string(q.Status) }},
	instant("from", func(q *Question) *exchange.Millis { return &q.From }),
	instant("until", func(q *Question) *exchange.Millis { return &q.Until }),
	instant("as-of", func(q *Question) *exchange.Millis { return &q.AsOf }),
	instant("known-at", func(q *Question) *exchange.Millis { return &q.KnownAt }),
}

// QuestionKeys are the keys of a question.
func QuestionKeys() (all []string) {
	for _, k := range questionKeys {
		all = append(all, k.key)
	}
	return all
}

func name(key string, at func(*Question) *string) asked {
	return asked{key, "标识 / id", func(q *Question, v string) bool { *at(q) = v; return exchange.ValidName(v) }, func(q *Question) string { return *at(q) }}
}

func instant(key string, at func(*Question) *exchange.Millis) asked {
	return asked{key, "2026-11-20, 2026-11-20T17:00:00+08:00", func(q *Question, v string) (ok bool) {
		*at(q), ok = readInstant(v)
		return ok
	}, func(q *Question) string {
		if *at(q) == 0 {
			return ""
		}
		return at(q).Time().Format(instantForm)
	}}
}

// instantForm writes milliseconds, none that are zero.
const instantForm = "2006-01-02T15:04:05.999Z07:00"

// readInstant reads a day, for its beginning in Beijing, or RFC 3339, of which the
// library takes more than there is.
func readInstant(v string) (exchange.Millis, bool) {
	t, err := time.ParseInLocation(time.DateOnly, v, beijing)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, v); err != nil || len(v) < len("2006-01-02T15:04:05Z") || v[13] != ':' || strings.Contains(v, ",") {
			return 0, false
		}
	}
	return exchange.MillisOf(t), t.Year() >= minYear && t.Year() <= maxYear && t.UnixMilli() > 0
}

// readSubject takes an id, or an organisation's code without its namespace. A
// person's number is refused unseen: questions stand in links, and links in the
// logs of whoever passes them on.
func readSubject(q *Question, v string) bool {
	q.Subject = exchange.SubjectID(v)
	if !strings.Contains(v, ":") {
		code := strings.ToUpper(v)
		q.Subject = exchange.SubjectID(exchange.SubjectOrg + ":" + code)
		return identifiers.CheckUSCC(code) == nil && identifiers.CheckResidentID(code) != nil
	}
	return q.Subject.Valid()
}

func readName(q *Question, v string) bool {
	q.Name = v
	return exchange.PlainText(v, names.MaxRunes) && names.Normal(v) != "" && !personal(v)
}

// readNumber keeps the normal form: brackets, blanks and dashes of a document's
// number are written in many ways.
func readNumber(q *Question, v string) bool {
	q.Number = NumberKey(v)
	return exchange.PlainText(v, names.MaxRunes) && utf8.RuneCountInString(q.Number) >= 2 && !personal(v)
}

// personal says whether a text is the number of a person's document.
func personal(v string) bool {
	return identifiers.CheckResidentID(strings.ToUpper(strings.TrimSpace(v))) == nil
}

// NumberKey is the form in which numbers of documents are compared.
func NumberKey(number string) string {
	key := []rune(names.Normal(number))
	return string(key[:min(len(key), names.MaxRunes)])
}

// ParseQuestion reads a question from pairs of key and value: each key at most
// once, none empty, no other keys. The errors are ErrKey, which names the keys
// there are, and ErrAsked.
func ParseQuestion(pairs url.Values) (q Question, err error) {
	for _, key := range sortedKeys(pairs) {
		i := slices.IndexFunc(questionKeys, func(k asked) bool { return k.key == key })
		if i < 0 {
			return Question{}, ErrKey.With("key", shownKey(key), "allowed", strings.Join(QuestionKeys(), ", "))
		}
		if v := pairs[key]; len(v) != 1 || v[0] == "" || len(v[0]) > maxText || !questionKeys[i].read(&q, v[0]) {
			return Question{}, ErrAsked.With("key", key, "form", questionKeys[i].form)
		}
	}
	if q.Until != 0 && q.Until <= q.From {
		return Question{}, ErrAsked.With("key", "until", "form", "> from")
	}
	return q, nil
}

func sortedKeys(pairs url.Values) []string {
	all := make([]string, 0, len(pairs))
	for key := range pairs {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// shownKey keeps hostile keys out of texts.
func shownKey(key string) string {
	if exchange.ValidName(key) {
		return key
	}
	return "?"
}

// Pairs is the question as pairs; reading them gives the same question.
func (q Question) Pairs() url.Values {
	pairs := url.Values{}
	for _, k := range questionKeys {
		if v := k.write(&q); v != "" {
			pairs.Set(k.key, v)
		}
	}
	return pairs
}

// String is the question's one spelling, as it stands in a link.
func (q Question) String() string {
	var b strings.Builder
	for _, k := range questionKeys {
		if v := k.write(&q); v != "" {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(k.key + "=" + url.QueryEscape(v))
		}
	}
	return b.String()
}
