package intake

import (
	"fmt"
	"log/slog"

	"accord/exchange"
)

// Effect is what an issue means for its row, and the row's verdict: the
// strongest effect of its issues.
type Effect string

// The effects, from weak to strong.
const (
	Accept Effect = "accept" // store it; normalised where needed, without complaint
	Flag   Effect = "flag"   // store it and report the finding
	Same   Effect = "same"   // an earlier row says the same; no second record
	Refuse Effect = "refuse" // do not store it; every other row is kept
)

func (e Effect) rank() int {
	switch e {
	case Accept:
		return 0
	case Flag:
		return 1
	case Same:
		return 2
	}
	return 3 // Refuse, and anything unknown
}

// Private is plaintext that must not appear in a log, an error or a page: a
// subject's identifier. Printing it in any way gives "***".
type Private struct{ text string }

// NewPrivate wraps a plaintext.
func NewPrivate(text string) Private { return Private{text} }

// Reveal gives the plaintext, for blinding, sealing and the author's own store.
func (p Private) Reveal() string { return p.text }

// Empty says whether there is no text.
func (p Private) Empty() bool { return p.text == "" }

// String hides the text.
func (p Private) String() string { return "***" }

// Format hides the text under every verb.
func (p Private) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("***")) }

// MarshalText hides the text in JSON and other encodings.
func (p Private) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue hides the text in structured logs.
func (p Private) LogValue() slog.Value { return slog.StringValue("***") }

// Values are a row's normalised values by field id, in the stored form of the
// field's catalogue.Type: string, int64, bool or []string. Fields without a
// value are absent. Printing gives their number only, for private fields are
// among them.
type Values map[string]any

// Format prints the number of values under every verb.
func (v Values) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "{%d values}", len(v)) }

// LogValue hides the values in structured logs.
func (v Values) LogValue() slog.Value { return slog.IntValue(len(v)) }

// Text is the string value of a field, "" when it has none.
func (v Values) Text(field string) string {
	s, _ := v[field].(string)
	return s
}

// Row is one data record of a source.
type Row struct {
	Table            string // sheet name, "" for files without sheets
	Number           int    // 1-based among the data records of its table
	Line             int    // physical line it begins on; 0 in a workbook
	ExcelRow         int    // row of the worksheet; 0 in other files
	Category         string
	SubjectKind      string
	SubjectNamespace string // exchange.SubjectOrg, SubjectPerson or SubjectName
	SubjectKey       Private
	Subject          exchange.SubjectID // when a register said who the subject is; else ""
	Values           Values
	RowKey           string // digest of the category's key fields; "" on a refused row
	RowDigest        string // digest of all normalised values; "" on a refused row
	Verdict          Effect
	Issues           []Issue
}

// Issue is one finding about a row.
type Issue struct {
	Kind    string // of Kinds
	Effect  Effect
	Column  string // source header or path; "*" is the row as a whole
	Field   string // catalogue field, "" where none is concerned
	Cell    string // worksheet cell such as "B12"
	WithRow int    // the earlier row concerned (duplicates)
	Message exchange.Text
}

// add records an issue and lets it raise the verdict.
func (r *Row) add(kind, column, field, cell string) *Issue {
	k := kindOf(kind)
	r.Issues = append(r.Issues, Issue{Kind: k.ID, Effect: k.Effect, Column: column, Field: field, Cell: cell,
		Message: k.message(column)})
	if k.Effect.rank() > r.Verdict.rank() {
		r.Verdict = k.Effect
	}
	return &r.Issues[len(r.Issues)-1]
}
