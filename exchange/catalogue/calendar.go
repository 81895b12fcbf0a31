package catalogue

import "accord/exchange"

// Calendar (工作日历) is what makes working days of days: Mondays to Fridays without
// the holidays, and the days made up for. It is part of the catalogue, so all nodes
// count alike. A nil calendar knows weekends only, and so does every calendar for
// days it says nothing about.
type Calendar struct {
	Holidays []string `json:"holidays"` // 2006-01-02, ascending: no working days
	Workdays []string `json:"workdays"` // 2006-01-02, ascending: weekend days that are (调休)
	Source   string   `json:"source,omitempty"`
}

// The day begins in China at eight hours before UTC; there is no summer time.
const (
	msPerDay    = 86_400_000
	chinaOffset = 8 * 3_600_000
)

// AddWorkingDays is the end of the n-th working day after the day of from: the
// moment at which a term of n working days has run out. The day of from does not
// count. With n of 0 or less it is the end of that day.
func (c *Calendar) AddWorkingDays(from exchange.Millis, n int) exchange.Millis {
	day := dayOf(from)
	for ; n > 0; n-- {
		for day++; !c.Working(day); day++ {
		}
	}
	return startOf(day + 1)
}

// Working says whether a day, counted from 1970-01-01 in China, is a working day.
func (c *Calendar) Working(day int64) bool {
	date := dateOf(day)
	weekend := (day+4)%7 == 0 || (day+4)%7 == 6 // 1970-01-01 was a Thursday
	if c == nil {
		return !weekend
	}
	if weekend {
		return contains(c.Workdays, date)
	}
	return !contains(c.Holidays, date)
}

// Ends is the last day of the last year that the calendar says anything about, "" for one
// that says nothing: what comes after it has weekends and no holidays.
func (c *Calendar) Ends() string {
	if c == nil {
		return ""
	}
	last := ""
	for _, dates := range [][]string{c.Holidays, c.Workdays} {
		if n := len(dates); n > 0 {
			last = max(last, dates[n-1])
		}
	}
	if last == "" {
		return ""
	}
	return last[:4] + "-12-31"
}

// dayOf is the day in China a time lies in, counted from 1970-01-01.
func dayOf(at exchange.Millis) int64 {
	t := int64(at) + chinaOffset
	if t < 0 {
		return (t+1)/msPerDay - 1
	}
	return t / msPerDay
}

// startOf is the first moment of a day in China.
func startOf(day int64) exchange.Millis { return exchange.Millis(day*msPerDay - chinaOffset) }

// StartOfDay is the first moment in China of a date; ok is false when it is no date.
func StartOfDay(date string) (at exchange.Millis, ok bool) {
	day, ok := ParseDay(date)
	return startOf(day), ok
}

// EndOfDay is the end of the day so many natural days after the day of from, which
// does not count.
func EndOfDay(from exchange.Millis, days int) exchange.Millis {
	return startOf(dayOf(from) + int64(days) + 1)
}

// DateOf is the date in China of a time.
func DateOf(at exchange.Millis) string { return dateOf(dayOf(at)) }

// dateOf writes a day, and ParseDay reads one. They count in the proleptic Gregorian
// calendar with years that begin in March, so that the leap day comes last.
func dateOf(day int64) string {
	z := day + 719_468
	era := z / 146_097
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	y, m, d := yoe+era*400, mp+3, doy-(153*mp+2)/5+1
	if m > 12 {
		y, m = y+1, m-12
	}
	return string([]byte{digit(y / 1000), digit(y / 100), digit(y / 10), digit(y), '-',
		digit(m / 10), digit(m), '-', digit(d / 10), digit(d)})
}

func digit(n int64) byte { return byte('0' + n%10) }

// ParseDay reads "2006-01-02", of the years 1970 to 9999, as the day counted from
// 1970-01-01; ok is false when it is no such date.
func ParseDay(date string) (day int64, ok bool) {
	if len(date) != 10 || date[4] != '-' || date[7] != '-' {
		return 0, false
	}
	number := func(from, to int) (n int64) {
		for _, b := range []byte(date[from:to]) {
			if b < '0' || b > '9' {
				return -1
			}
			n = n*10 + int64(b-'0')
		}
		return n
	}
	y, m, d := number(0, 4), number(5, 7), number(8, 10)
	if y < 1970 || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, false
	}
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := y / 400
	yoe := y - era*400
	day = era*146_097 + yoe*365 + yoe/4 - yoe/100 + (153*(m-3)+2)/5 + d - 1 - 719_468
	return day, dateOf(day) == date
}
