package records

import (
	"context"
	"slices"
	"strings"

	"accord/exchange"
)

// Measures of a Tally.
const (
	TallyRow     = "row"     // rows of a source as they were read; Item is what became of them
	TallyFinding = "finding" // findings about rows; Item is effect/kind
	TallyRecord  = "record"  // records made; Item is empty
	TallyFilled  = "filled"  // of those, the ones with a value in field Item
	TallyLag     = "lag"     // of those, the ones made Item days after their event
)

// What becomes of a row of a source (TallyRow).
const (
	RowNew       = "new"       // a record was made
	RowKnown     = "known"     // the store held this very row
	RowDuplicate = "duplicate" // its own file had it before
	RowConflict  = "conflict"  // the store held other content under its key
	RowRefused   = "refused"
	RowFlagged   = "flagged" // counted beside new
)

// Tally counts what this member's sources gave on a day. It holds counts alone,
// nothing of a row, so that rows that were refused are counted and not kept.
type Tally struct {
	Day      int64  // since 1970-01-01 in Beijing's calendar
	Source   string // name of the mapping; "" for records entered by hand
	Category string
	Measure  string
	Item     string
	Count    int64
}

// TallyDay is the day of a time.
func TallyDay(at exchange.Millis) int64 { return (int64(at) + 8*3600_000) / 86_400_000 }

func (t Tally) check() bool {
	return exchange.ValidName(t.Category) && (t.Source == "" || exchange.ValidName(t.Source)) && t.Count > 0 && t.Day >= 0 &&
		slices.Contains([]string{TallyRow, TallyFinding, TallyRecord, TallyFilled, TallyLag}, t.Measure) &&
		(t.Item == "" || exchange.PlainText(t.Item, 200))
}

// talliesAtOnce is how many go in with one statement.
const talliesAtOnce = 100

// addTallies adds counts to those that are there.
func addTallies(ctx context.Context, tx *transaction, all []Tally) error {
	sums := map[Tally]int64{}
	for _, t := range all {
		if !t.check() {
			return malformed("tally")
		}
		n := t.Count
		t.Count = 0
		sums[t] += n
	}
	keys := make([]Tally, 0, len(sums))
	for t := range sums {
		keys = append(keys, t)
	}
	slices.SortFunc(keys, func(a, b Tally) int { // one order, in which no two writers wait for each other
		return strings.Compare(a.Source+"\x00"+a.Category+"\x00"+a.Measure+"\x00"+a.Item, b.Source+"\x00"+b.Category+"\x00"+b.Measure+"\x00"+b.Item)
	})
	for chunk := range slices.Chunk(keys, talliesAtOnce) {
		var args []any
		for _, t := range chunk {
			args = append(args, t.Day, t.Source, t.Category, t.Measure, t.Item, sums[t])
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO tallies (day, source, category, measure, item, tally) VALUES `+marks(6)+strings.Repeat(", "+marks(6), len(chunk)-1)+
			` ON CONFLICT (day, source, category, measure, item) DO UPDATE SET tally = tallies.tally + excluded.tally`, args...); err != nil {
			return err
		}
	}
	return nil
}

// onlyTallies adds counts where no record was made.
func (s *sqlStore) onlyTallies(ctx context.Context, all []Tally) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *transaction) error { return addTallies(ctx, tx, all) })
}

// Tallies implements Store.
func (s *sqlStore) Tallies(ctx context.Context, f TallyFilter) (all []Tally, err error) {
	condition, args := ` WHERE day >= ? AND day < ?`, []any{f.From, f.Until}
	if f.Source != nil {
		condition, args = condition+` AND source = ?`, append(args, *f.Source)
	}
	if f.Category != "" {
		condition, args = condition+` AND category = ?`, append(args, f.Category)
	}
	err = s.read(ctx, func(p pool) error {
		all = nil
		rows, err := p.QueryContext(ctx, `SELECT source, category, measure, item, SUM(tally), MIN(day) FROM tallies`+condition+
			` GROUP BY source, category, measure, item`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Tally
			if err := rows.Scan(&t.Source, &t.Category, &t.Measure, &t.Item, &t.Count, &t.Day); err != nil {
				return err
			}
			all = append(all, t)
		}
		return rows.Err()
	})
	return all, err
}

// TallyFilter selects days and what was counted on them.
type TallyFilter struct {
	From, Until int64   // days, the second excluded
	Source      *string // nil: all
	Category    string  // "": all
}

// StatusCount is how many records of an author's source stand so.
type StatusCount struct {
	Author   exchange.MemberID
	Source   string // known of this member's own records only
	Category string
	Status   Status
	Count    int64
}

// CountStatuses implements Store.
func (s *sqlStore) CountStatuses(ctx context.Context, f Filter) (all []StatusCount, err error) {
	condition, args := f.where()
	err = s.read(ctx, func(p pool) error {
		all = nil
		rows, err := p.QueryContext(ctx, `SELECT author, source, category, status, COUNT(*) FROM records`+condition+
			` GROUP BY author, source, category, status`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c StatusCount
			var author, status string
			if err := rows.Scan(&author, &c.Source, &c.Category, &status, &c.Count); err != nil {
				return err
			}
			c.Author, c.Status = exchange.MemberID(author), Status(status)
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}
