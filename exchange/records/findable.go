package records

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// maxNumbers bounds by how many numbers one record is found.
const maxNumbers = 16

// FindBy sets what the record is found by, beside what its columns say: names of
// its subject, numbers of documents and the area, out of its public fields. A field
// that the catalogue does not let be public is passed over, however the author
// shows it.
func (r *Record) FindBy(cat *catalogue.Catalogue, public map[string]any) {
	r.Names, r.Numbers, r.Area = nil, nil, 0
	open, _, err := Split(cat, r.Category, r.SubjectKind, public)
	if err != nil {
		return
	}
	shown := make(map[string]any, len(open))
	for _, v := range open {
		shown[v.Field] = v.Value
		text, _ := v.Value.(string)
		switch cat.Field(r.Category, v.Field).Type {
		case catalogue.TypeLicence:
			if key := NumberKey(text); len(key) > 1 && !slices.Contains(r.Numbers, key) && len(r.Numbers) < maxNumbers {
				r.Numbers = append(r.Numbers, key)
			}
		case catalogue.TypeArea:
			if r.Area == 0 {
				r.Area = areaOf(text)
			}
		}
	}
	r.Names = NamesOf(cat, r.Category, shown)
	if code, ok := strings.CutPrefix(string(r.Subject), exchange.SubjectOrg+":"); ok && r.Area == 0 && len(code) == 18 {
		r.Area = areaOf(code[2:8]) // where the organisation is registered (GB 32100)
	}
}

// areaOf is a division code as a number, 0 for what is none.
func areaOf(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) != 6 || n < 100_000 {
		return 0
	}
	return n
}

// areas is the range of codes that a question's area covers.
func areas(prefix string) (from, until int64) {
	from, _ = strconv.ParseInt(prefix, 10, 64) // checked when it was read
	until = from + 1
	for n := len(prefix); n < 6; n += 2 {
		from, until = from*100, until*100
	}
	return from, until
}

// numbersHold says whether numbers can be stored.
func numbersHold(given []string) bool {
	for i, n := range given {
		if n == "" || n != NumberKey(n) || slices.Contains(given[:i], n) {
			return false
		}
	}
	return len(given) <= maxNumbers
}

// unindexNumbers takes back the numbers of a record that is going.
func unindexNumbers(ctx context.Context, tx *transaction, given []string, position int64) error {
	if len(given) == 0 {
		return nil
	}
	args := []any{position}
	for _, n := range given {
		args = append(args, n)
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM numbers WHERE position = ? AND number IN `+marks(len(given)), args...)
	return err
}
