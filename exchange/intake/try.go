package intake

import (
	"context"
	"fmt"
	"io"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// Tried is one field of one row as a mapping reads it, for the person who
// writes the mapping. A row that is refused has findings only.
type Tried struct {
	Table    string
	Row      int
	Category string
	Verdict  Effect
	Column   string // of the source
	Field    string
	Value    any // normalised; money as yuan; of a private field "***"
	Finding  exchange.Text
}

// MaxTried is how many rows of a table Try reads at most.
const MaxTried = 1000

// Try reads the first rows of each table. What a field's class keeps private is
// not shown: a terminal is no place for it, and whether it was read shows all
// the same.
func Try(ctx context.Context, src io.ReaderAt, size int64, m *Mapping, doc *catalogue.Document, opts Options, most int) (all []Tried, err error) {
	r, err := Open(src, size, m, doc, opts)
	if err != nil {
		return nil, err
	}
	for _, b := range r.bindings {
		seen := 0
		_, err := r.table(ctx, b, func(row *Row, _ error) bool {
			if seen++; seen <= min(most, MaxTried) {
				all = append(all, b.tried(row)...)
			}
			return seen < min(most, MaxTried)
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (b *binding) tried(row *Row) (all []Tried) {
	one := Tried{Table: row.Table, Row: row.Number, Category: row.Category, Verdict: row.Verdict}
	said := make([]bool, len(row.Issues))
	for i := range b.targets {
		t := &b.targets[i]
		f := one
		f.Column, f.Field = t.Source, t.field.ID
		for j, is := range row.Issues {
			if !said[j] && is.Field == t.field.ID {
				said[j], f.Finding = true, is.Message
				break
			}
		}
		v, has := row.Values[t.field.ID]
		switch {
		case !has:
			if f.Finding == (exchange.Text{}) {
				continue
			}
		case t.field.ClassFor(row.SubjectNamespace).Private():
			f.Value = "***"
		case t.field.Type == catalogue.TypeMoney:
			if fen, ok := v.(int64); ok {
				f.Value = fmt.Sprintf("%d.%02d", fen/100, max(fen%100, -(fen%100)))
			}
		default:
			f.Value = v
		}
		all = append(all, f)
	}
	for j, is := range row.Issues {
		if !said[j] {
			f := one
			f.Column, f.Field, f.Finding = is.Column, is.Field, is.Message
			all = append(all, f)
		}
	}
	return all
}
