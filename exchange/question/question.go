// Package question is the one grammar in which anybody asks: key=value, each key at
// most once, in any order, on the command line, in the API and in the links between
// pages. What keys there are, and what they mean, belongs to whoever is asked: the
// records and the lists each have their table of Keys and share the keys whose
// meaning is the same.
package question

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/identifiers"
)

// The errors of a question.
var (
	ErrKey = exchange.Define(exchange.KindInvalid, "REC-050",
		exchange.Text{Zh: "没有筛选项 {key}；可用的有：{allowed}", En: "there is no filter {key}; there are: {allowed}"},
		exchange.Text{Zh: "每项写作 项=值，每项一次", En: "write each as key=value, each once"})
	ErrValue = exchange.Define(exchange.KindInvalid, "REC-051",
		exchange.Text{Zh: "筛选项 {key} 的值不合要求；应为：{form}", En: "the value of the filter {key} is not acceptable; it is: {form}"},
		exchange.Text{Zh: "改正后再查询；自然人证件号码不得写入查询", En: "correct it and ask again; the number of a person's document never goes into a query"})
)

// Key is one key of questions of type Q: the form of its value in words, how a
// value is read and, "" where the question does not ask for it, written.
type Key[Q any] struct {
	Name, Form string
	Read       func(q *Q, value string) bool
	Write      func(q *Q) string
}

// Keys are all keys of a kind of question, in the order in which it is written.
type Keys[Q any] []Key[Q]

// Names are the keys' names.
func (keys Keys[Q]) Names() (all []string) {
	for _, k := range keys {
		all = append(all, k.Name)
	}
	return all
}

// maxValue is the longest value in bytes.
const maxValue = 2000

// Read reads a question from pairs of key and value: each key at most once, none
// empty, no other keys. The errors are ErrKey, which names the keys there are, and
// ErrValue.
func (keys Keys[Q]) Read(pairs url.Values) (q Q, err error) {
	var none Q
	for _, name := range sorted(pairs) {
		i := slices.IndexFunc(keys, func(k Key[Q]) bool { return k.Name == name })
		if i < 0 {
			return none, ErrKey.With("key", shown(name), "allowed", strings.Join(keys.Names(), ", "))
		}
		if v := pairs[name]; len(v) != 1 || v[0] == "" || len(v[0]) > maxValue || !keys[i].Read(&q, v[0]) {
			return none, ErrValue.With("key", name, "form", keys[i].Form)
		}
	}
	return q, nil
}

func sorted(pairs url.Values) []string {
	all := make([]string, 0, len(pairs))
	for name := range pairs {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// shown keeps hostile keys out of texts.
func shown(name string) string {
	if exchange.ValidName(name) {
		return name
	}
	return "?"
}

// Pairs is the question as pairs; reading them gives the same question.
func (keys Keys[Q]) Pairs(q *Q) url.Values {
	pairs := url.Values{}
	for _, k := range keys {
		if v := k.Write(q); v != "" {
			pairs.Set(k.Name, v)
		}
	}
	return pairs
}

// String is the question's one spelling, as it stands in a link.
func (keys Keys[Q]) String(q *Q) string {
	var b strings.Builder
	for _, k := range keys {
		if v := k.Write(q); v != "" {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(k.Name + "=" + url.QueryEscape(v))
		}
	}
	return b.String()
}

// Name is a key whose value is the id of a member, list, category or kind.
func Name[Q any, S ~string](key, form string, at func(*Q) *S) Key[Q] {
	return Key[Q]{key, form, func(q *Q, v string) bool {
		*at(q) = S(v)
		return exchange.ValidName(v)
	}, func(q *Q) string { return string(*at(q)) }}
}

// Instant is a key whose value is a time: a day, for its beginning in Beijing, or
// RFC 3339. 0 is none.
func Instant[Q any](key string, at func(*Q) *exchange.Millis) Key[Q] {
	return Key[Q]{key, "2026-11-20, 2026-11-20T17:00:00+08:00", func(q *Q, v string) (ok bool) {
		*at(q), ok = readInstant(v)
		return ok
	}, func(q *Q) string {
		if *at(q) == 0 {
			return ""
		}
		return at(q).Time().Format(instantForm)
	}}
}

// instantForm writes milliseconds, none that are zero.
const instantForm = "2006-01-02T15:04:05.999Z07:00"

// beijing is the calendar in which days are judged.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// readInstant takes no more than RFC 3339 does, other than the library.
func readInstant(v string) (exchange.Millis, bool) {
	t, err := time.ParseInLocation(time.DateOnly, v, beijing)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, v); err != nil || len(v) < len("2006-01-02T15:04:05Z") || v[13] != ':' || strings.Contains(v, ",") {
			return 0, false
		}
	}
	return exchange.MillisOf(t), t.Year() >= 1900 && t.Year() <= 2200 && t.UnixMilli() > 0
}

// Subject is the key of a subject: its id, or an organisation's code without its
// namespace. A person's number is refused unseen: questions stand in links, and
// links in the logs of whoever passes them on.
func Subject[Q any](at func(*Q) *exchange.SubjectID) Key[Q] {
	return Key[Q]{"subject", "org:91…, person:…; 统一社会信用代码 / unified social credit code", func(q *Q, v string) bool {
		id := at(q)
		*id = exchange.SubjectID(v)
		if !strings.Contains(v, ":") {
			code := strings.ToUpper(v)
			*id = exchange.SubjectID(exchange.SubjectOrg + ":" + code)
			return identifiers.CheckUSCC(code) == nil && identifiers.CheckResidentID(code) != nil
		}
		return id.Valid()
	}, func(q *Q) string { return string(*at(q)) }}
}

// Word is a key whose value is one of a few words.
func Word[Q any, S ~string](key string, at func(*Q) *S, words ...S) Key[Q] {
	var form []string
	for _, w := range words {
		form = append(form, string(w))
	}
	return Key[Q]{key, strings.Join(form, ", "), func(q *Q, v string) bool {
		*at(q) = S(v)
		return slices.Contains(words, S(v))
	}, func(q *Q) string { return string(*at(q)) }}
}
