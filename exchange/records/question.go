package records

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"accord/exchange"
	"accord/exchange/identifiers"
	"accord/exchange/names"
	"accord/exchange/question"
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

// questionKeys are all there are, in their one order.
var questionKeys = question.Keys[Question]{
	question.Subject(func(q *Question) *exchange.SubjectID { return &q.Subject }),
	{Name: "name", Form: "1–200 字 / characters", Read: readName, Write: func(q *Question) string { return q.Name }},
	{Name: "number", Form: "证书号、文书号 / number of a certificate or decision", Read: readNumber, Write: func(q *Question) string { return q.Number }},
	question.Name("category", "标识 / id", func(q *Question) *string { return &q.Category }),
	question.Name("author", "单位标识 / member id", func(q *Question) *exchange.MemberID { return &q.Author }),
	{Name: "area", Form: "2, 4, 6 位 / digits (GB/T 2260)", Read: readArea, Write: func(q *Question) string { return q.Area }},
	question.Name("kind", "标识 / id", func(q *Question) *string { return &q.Kind }),
	question.Word("status", func(q *Question) *Status { return &q.Status }, Active, Corrected, Retracted),
	question.Instant("from", func(q *Question) *exchange.Millis { return &q.From }),
	question.Instant("until", func(q *Question) *exchange.Millis { return &q.Until }),
	question.Instant("as-of", func(q *Question) *exchange.Millis { return &q.AsOf }),
	question.Instant("known-at", func(q *Question) *exchange.Millis { return &q.KnownAt }),
}

// QuestionKeys are the keys of a question.
func QuestionKeys() []string { return questionKeys.Names() }

func readArea(q *Question, v string) bool {
	q.Area = v
	return digits(v, 2, 6) && len(v)%2 == 0 && v[0] != '0'
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

// ParseQuestion reads a question from pairs of key and value. The errors are
// question.ErrKey and question.ErrValue.
func ParseQuestion(pairs url.Values) (Question, error) {
	q, err := questionKeys.Read(pairs)
	if err == nil && q.Until != 0 && q.Until <= q.From {
		return Question{}, question.ErrValue.With("key", "until", "form", "> from")
	}
	return q, err
}

// Pairs is the question as pairs; reading them gives the same question.
func (q Question) Pairs() url.Values { return questionKeys.Pairs(&q) }

// String is the question's one spelling, as it stands in a link.
func (q Question) String() string { return questionKeys.String(&q) }
