package intake

import (
	"strings"
	"time"
)

// The orders of a date in digits. Only a mapping can say that a source writes
// the day or the month first: 5/1/2023 does not tell.
const (
	datesYMD = "ymd"
	datesDMY = "dmy"
	datesMDY = "mdy"
)

// inOrder writes a date whose year stands last with the year first, as the
// column's mapping says; anything else stays as it is.
func inOrder(text, order string) string {
	if order == "" || order == datesYMD {
		return text
	}
	date, clock := text, ""
	if i := strings.IndexByte(text, ' '); i > 0 {
		date, clock = text[:i], text[i:]
	}
	parts := strings.FieldsFunc(date, func(r rune) bool { return r == '/' || r == '-' || r == '.' })
	if len(parts) != 3 || len(parts[2]) != 4 || len(parts[0]) > 2 || len(parts[1]) > 2 {
		return text
	}
	if order == datesDMY {
		return parts[2] + "-" + parts[1] + "-" + parts[0] + clock
	}
	return parts[2] + "-" + parts[0] + "-" + parts[1] + clock
}

// englishLayouts are the ways English writes a day with the month's name, which
// need no order to be told.
var englishLayouts = []string{"2-Jan-2006", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "Jan 2 2006",
	"January 2 2006", "2-January-2006", "2006-Jan-2", "2006 Jan 2"}

// englishDay reads a day with an English month name, "" when it is none.
func englishDay(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }) {
		return ""
	}
	text = strings.ReplaceAll(text, ".", "")
	for _, layout := range englishLayouts {
		if t, err := time.Parse(layout, text); err == nil { // names in any case
			return t.Format(dayLayout)
		}
	}
	return ""
}
