package intake

import (
	"strconv"
	"strings"
	"time"
)

const (
	dayLayout   = "2006-01-02"
	monthLayout = "2006-01"
)

// beijing is the zone whose calendar decides the day of an event. China has
// kept one offset without summer time since 1992; a fixed zone needs no
// database.
var beijing = time.FixedZone("+08:00", 8*60*60)

// Years outside these are typing errors.
const (
	firstYear = 1900
	lastYear  = 2100
)

// date reads a day, or a month where no more is known.
func (n *normaliser) date(t *target, c cell) outcome {
	if c.kind == cellNumber && c.day != "" {
		o := n.judged(t, c.day)
		if !o.refuse {
			o.found("date_serial_number")
		}
		return o
	}
	text := dateForm(c.text)
	if n.noEnd[strings.ToLower(fold(text))] {
		return value(NoEnd)
	}
	day, kind := n.day(inOrder(text, t.Dates))
	if day == "" {
		return refused(kind)
	}
	if n.noEnd[day] {
		return value(NoEnd)
	}
	o := n.judged(t, day)
	if kind != "" && !o.refuse {
		o.found(kind)
	}
	return o
}

// judged refuses absurd years and, for events, the future.
func (n *normaliser) judged(t *target, day string) outcome {
	year, err := strconv.Atoi(day[:4])
	switch {
	case err != nil || year < firstYear || year > lastYear:
		return refused("date_absurd_year")
	case t.past && day > n.today[:len(day)]:
		return refused("date_future")
	}
	return value(day)
}

// dateForm is the text half width, with 年月日 and other separators as "-",
// and one blank before the time.
func dateForm(text string) string {
	text, _ = without(text, func(r rune) bool { return isInvisible(r) || isBidiControl(r) })
	text = strings.Join(strings.FieldsFunc(strings.Map(halfWidth, text), isBlank), " ")
	return strings.TrimLeft(text, "'")
}

var dateSeparators = strings.NewReplacer("年", "-", "月", "-", "日", "", "号", "", "/", "-", ".", "-")

// day reads the day of a text. An empty day comes with the kind of defect; a
// kind beside a day is a finding.
func (n *normaliser) day(text string) (day, kind string) {
	if stamp, err := parseStamp(text); err == nil {
		if n.dayWritten {
			return stamp.Format(dayLayout), ""
		}
		return stamp.In(beijing).Format(dayLayout), ""
	}
	date := text
	if day := englishDay(text); day != "" {
		return day, ""
	}
	if i := strings.IndexAny(text, " T"); i > 0 {
		if !clock(text[i+1:]) {
			return "", "date_unreadable"
		}
		date = text[:i]
	}
	if allDigits(date) {
		return bareDigits(date)
	}
	date = dateSeparators.Replace(date)
	date = strings.TrimSuffix(date, "-")
	parts := strings.Split(date, "-")
	for _, p := range parts {
		if !allDigits(p) || len(p) > 4 {
			return "", "date_unreadable"
		}
	}
	if len(parts) < 2 || len(parts) > 3 {
		return "", "date_unreadable"
	}
	if len(parts[0]) <= 2 {
		return "", "date_two_digit_year" // 23-5-1, 5/1/2023: which is which cannot be known
	}
	if len(parts[0]) != 4 || len(parts[1]) > 2 {
		return "", "date_unreadable"
	}
	if len(parts) == 2 {
		return calendar(parts[0], parts[1], "")
	}
	if len(parts[2]) > 2 {
		return "", "date_unreadable"
	}
	return calendar(parts[0], parts[1], parts[2])
}

// bareDigits reads 20230501 and 202305; five digits are a spreadsheet's day
// number that became text.
func bareDigits(s string) (day, kind string) {
	switch len(s) {
	case 8:
		return calendar(s[:4], s[4:6], s[6:])
	case 5:
		return "", "date_serial_text"
	case 6:
		if month, kind := calendar(s[:4], s[4:], ""); month != "" {
			return month, kind
		}
		return "", "date_two_digit_year" // 230501
	}
	return "", "date_unreadable"
}

// calendar checks that a day, or with no day of month a month, exists.
func calendar(year, month, dayOfMonth string) (day, kind string) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, precise := 1, dayOfMonth != ""
	if precise {
		d, _ = strconv.Atoi(dayOfMonth)
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Year() != y || int(t.Month()) != m || t.Day() != d {
		return "", "date_impossible"
	}
	if !precise {
		return t.Format(monthLayout), "date_month_only"
	}
	return t.Format(dayLayout), ""
}

// clock says whether s is a time of day, perhaps with an AM or PM.
func clock(s string) bool {
	for _, layout := range []string{"15:04:05", "15:04", "15:4:5", "15:04:05.999", "3:04:05 PM", "3:04 PM"} {
		if _, err := time.Parse(layout, strings.ToUpper(strings.TrimSpace(s))); err == nil {
			return true
		}
	}
	return false
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// time reads an instant; a text without offset is Beijing time, a day without
// time its midnight.
func (n *normaliser) time(t *target, c cell) outcome {
	text := dateForm(c.text)
	stamp, err := parseStamp(text)
	if err == nil {
		if y := stamp.Year(); y < firstYear || y > lastYear {
			return refused("date_absurd_year")
		}
		if t.past && stamp.In(beijing).Format(dayLayout) > n.today {
			return refused("date_future")
		}
		return value(stamp.Format(time.RFC3339))
	}
	o := n.date(t, c)
	day, ok := o.value.(string)
	if !ok {
		return o
	}
	if len(day) != len(dayLayout) {
		return refused("date_unreadable")
	}
	at := "00:00:00"
	if i := strings.IndexAny(text, " T"); i > 0 && c.kind == cellText {
		for _, layout := range []string{"15:04:05", "15:04", "3:04:05 PM", "3:04 PM"} {
			if v, err := time.Parse(layout, strings.ToUpper(text[i+1:])); err == nil {
				at = v.Format("15:04:05")
			}
		}
	}
	o.value = day + "T" + at + "+08:00"
	return o
}

// parseStamp reads an instant with its offset, in the form of RFC 3339 or of
// mail and news feeds (RFC 1123 with a numeric zone).
func parseStamp(text string) (time.Time, error) {
	if stamp, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return stamp, nil
	}
	return time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", text)
}

// compareDays orders two stored dates or instants; a month and a day inside it
// are equal.
func compareDays(a, b string) int {
	ta, errA := time.Parse(time.RFC3339, a)
	tb, errB := time.Parse(time.RFC3339, b)
	if errA == nil && errB == nil {
		return ta.Compare(tb)
	}
	n := min(len(a), len(b))
	return strings.Compare(a[:n], b[:n])
}
