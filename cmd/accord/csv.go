package main

import (
	"fmt"
	"strings"

	"accord/exchange"
)

// byteOrderMark at the start tells spreadsheets that a file is UTF-8.
const byteOrderMark = "\ufeff"

// csvText is a list as RFC 4180: column ids first, CRLF after every line. It
// is not encoding/csv because that drops lone carriage returns before CRLF.
func csvText(r rows, mark bool) string {
	var b strings.Builder
	if mark {
		b.WriteString(byteOrderMark)
	}
	for i, c := range r.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(csvField(c.ID))
	}
	b.WriteString("\r\n")
	for _, row := range r.Cells {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(csvField(csvCell(cell)))
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// csvCell is a cell as text that is the same in every language; of a text in
// two languages it is the English.
func csvCell(cell any) string {
	switch v := machineCell(cell).(type) {
	case nil:
		return ""
	case exchange.Text:
		return v.In(exchange.En)
	case []string:
		return strings.Join(v, ";")
	default:
		return fmt.Sprint(v)
	}
}

// csvField quotes a field where needed. A text that a spreadsheet would take
// for a formula gets an apostrophe before it, since a name from outside must
// not compute in a clerk's Excel.
func csvField(s string) string {
	quote := strings.ContainsAny(s, "\",\r\n") || strings.TrimSpace(s) != s
	if isFormula(s) {
		s, quote = "'"+s, true
	}
	if !quote {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// isFormula says whether a spreadsheet may compute s: it begins with a sign
// that starts a formula (full-width ones too) and is not just a number.
func isFormula(s string) bool {
	for _, lead := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, lead) {
			return !isNumber(s)
		}
	}
	return false
}

// isNumber is an optional minus, digits, and perhaps a point and digits.
func isNumber(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return digits(whole) && (!point || digits(fraction))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
