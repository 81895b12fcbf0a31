package pull

import (
	"math"
	"strconv"
	"strings"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange/identifiers"
)

// kind is what a column's values are and how they are written.
type kind int

const (
	kindNone    kind = iota // no exact text: bytes, arrays, geometry
	kindText                // also enums
	kindWhole               // integers
	kindDecimal             // exact decimals, as the database writes them
	kindFloat
	kindBool
	kindDate
	kindLocal // date and time without a zone
	kindStamp // an instant
	kindJSON  // taken in as it is, so that paths reach into it
	kindName  // UUIDs and the like
)

// orders says whether rows can be read by such a key.
func (k kind) orders() bool {
	return k == kindText || k == kindWhole || k == kindDecimal || k == kindName || k.grows()
}

// grows says whether such a cursor tells what is newer.
func (k kind) grows() bool {
	return k == kindWhole || k == kindDate || k == kindLocal || k == kindStamp
}

// Forms of times, with as many digits of a second as there are.
const (
	layoutLocal = "2006-01-02T15:04:05.999999999"
	layoutStamp = "2006-01-02T15:04:05.999999999Z07:00"
)

// line appends a row as one JSON object. Numbers are written as texts of their
// exact digits, since a database's column, unlike a spreadsheet's cell, has lost
// none; NULL is null and an empty text is an empty text.
func (s *sqlSource) line(b []byte, columns []column, values []any) ([]byte, Mark, error) {
	var mark Mark
	b = append(b, '{')
	for i, c := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := strictjson.Marshal(c.name)
		if err != nil {
			return nil, mark, ErrColumn.With("column", "?", "why", "its name is no UTF-8")
		}
		b = append(append(b, name...), ':')
		text, null := textOf(c, values[i])
		switch {
		case null:
			b = append(b, "null"...)
		case c.kind == kindBool, c.kind == kindJSON:
			b = append(b, strings.NewReplacer("\n", " ", "\r", " ").Replace(text)...)
		default:
			quoted, err := strictjson.Marshal(text)
			if err != nil {
				return nil, mark, ErrColumn.With("column", c.name, "why", "it holds what is no UTF-8")
			}
			b = append(b, quoted...)
		}
		switch c.name {
		case s.q.Key:
			if identifiers.CheckResidentID(text) == nil { // it would stand in the progress file
				return nil, mark, ErrColumn.With("column", c.name, "why", "a person's number cannot be the key")
			}
			mark.Key = text
		case s.q.Cursor:
			mark.Cursor = text
		}
	}
	return append(b, "}\n"...), mark, nil
}

// textOf is a value's exact text.
func textOf(c column, v any) (text string, null bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case int64:
		return strconv.FormatInt(v, 10), false
	case uint64:
		return strconv.FormatUint(v, 10), false
	case float32:
		return floatText(float64(v), 32), false
	case float64:
		if c.single {
			return floatText(v, 32), false
		}
		return floatText(v, 64), false
	case bool:
		return strconv.FormatBool(v), false
	case time.Time:
		return timeText(c.kind, v), false
	case []byte:
		text = string(v)
	case string:
		text = v
	}
	switch c.kind { // what MySQL gives as texts
	case kindLocal:
		text = strings.Replace(text, " ", "T", 1)
	case kindStamp:
		if !strings.HasPrefix(text, "0000") && len(text) > len(time.DateOnly) {
			text = strings.Replace(text, " ", "T", 1) + "Z" // the session's zone is UTC
		}
	}
	return text, false
}

// floatText is the shortest text that reads back as the same number, without
// an exponent.
func floatText(f float64, bits int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, bits) // no number to the judge either
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

func timeText(k kind, t time.Time) string {
	switch k {
	case kindDate:
		return t.Format(time.DateOnly)
	case kindLocal:
		return t.Format(layoutLocal)
	}
	return t.UTC().Format(layoutStamp)
}
