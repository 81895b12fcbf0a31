package records

import (
	"context"
	"fmt"
	"strings"

	"accord/exchange"
)

// Covered counts subjects of one kind in one area: those with active records that this
// store holds. A subject counts once in an area, and once in the line of its kind.
type Covered struct {
	Kind     string // of subject
	Area     string // 4 digits of GB/T 2260; "" for none, and in the line of the kind
	Whole    bool   // the line of the kind, over all areas
	Subjects int64  // with records
	Rated    int64  // with a rating among them
}

// Coverage counts subjects by kind and area, as of what had reached the store by now.
// ratings are the categories whose records rate. Lines come by kind, a kind's own line
// before those of its areas.
func (s *sqlStore) Coverage(ctx context.Context, ratings []string) (all []Covered, known exchange.Millis, err error) {
	if known, err = s.newest(ctx); err != nil {
		return nil, 0, err
	}
	rated, args := `0`, []any{}
	if len(ratings) > 0 {
		rated = `COUNT(DISTINCT CASE WHEN category IN (` + strings.TrimSuffix(strings.Repeat("?, ", len(ratings)), ", ") + `) THEN subject END)`
		for _, r := range ratings {
			args = append(args, r)
		}
	}
	const held = ` FROM records WHERE known_at <= ? AND (status = 'active' OR changed_at > ?) GROUP BY `
	args = append(args, int64(known), int64(known))
	for _, whole := range []bool{true, false} {
		by, area := `subject_kind, area / 100`, `area / 100`
		if whole {
			by, area = `subject_kind`, `0`
		}
		lines, err := gather(ctx, s, func(row scanner) (c Covered, err error) {
			var code int64
			err = row.Scan(&c.Kind, &code, &c.Subjects, &c.Rated)
			if c.Whole = whole; code > 0 {
				c.Area = fmt.Sprintf("%04d", code)
			}
			return c, err
		}, `SELECT subject_kind, `+area+`, COUNT(DISTINCT subject), `+rated+held+by+` ORDER BY `+by, args...)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, lines...)
	}
	return byKind(all), known, nil
}

// byKind puts a kind's own line before its areas.
func byKind(all []Covered) (out []Covered) {
	for _, kind := range all {
		if !kind.Whole {
			break
		}
		out = append(out, kind)
		for _, c := range all {
			if !c.Whole && c.Kind == kind.Kind {
				out = append(out, c)
			}
		}
	}
	return out
}
