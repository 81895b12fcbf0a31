package agency

import (
	"context"
	"iter"
	"runtime"
	"sync"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/exchange/records"
)

// An import is three stages that work at the same time: the caller reads rows and
// looks up what is known, all cores sign, and one goroutine stores batch after batch
// in the order of the file. At most flights batches are between reading and storing,
// so memory does not grow with the file.
const flights = 3

// flight is a batch on its way.
type flight struct {
	out    []Imported
	at     []int // the row each record came from
	made   []records.Record
	counts []records.Tally // of its rows
	errs   []error
	signed sync.WaitGroup
}

// underway knows the keys of rows that are signed and not stored yet.
type underway struct {
	mu   sync.Mutex
	keys map[string]records.RowRef // guarded by mu
}

// rows are the keys of rows that are under way.
func (u *underway) rows(rows []*intake.Row) map[string]records.RowRef {
	found := map[string]records.RowRef{}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, row := range rows {
		if ref, ok := u.keys[keyOf(row)]; ok && row.RowKey != "" {
			found[keyOf(row)] = ref
		}
	}
	return found
}

func (u *underway) begin(rows []*intake.Row, at []int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, i := range at {
		if rows[i].RowKey != "" {
			u.keys[keyOf(rows[i])] = records.RowRef{RowDigest: rows[i].RowDigest}
		}
	}
}

func (u *underway) end(f *flight) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, i := range f.at {
		delete(u.keys, keyOf(f.out[i].Row))
	}
}

// keyOf is what a row is known by in the store.
func keyOf(row *intake.Row) string { return row.Category + "\x00" + row.RowKey }

// importAll takes the rows through the three stages and says how many became
// records. What is under way when reading ends, well or not, is stored; after an
// error of storing nothing more is.
func (is *issuer) importAll(ctx context.Context, op exchange.OperatorID, m *intake.Mapping, rows iter.Seq2[*intake.Row, error], dry bool,
	each func(Imported) error) (stored int, err error) {
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	under := &underway{keys: map[string]records.RowRef{}}
	line, done := make(chan *flight, flights-1), make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		for f := range line {
			if failed == nil {
				if failed = is.land(ctx, f, under, &stored, each); failed != nil {
					stop(failed)
				}
			}
			f.signed.Wait() // nothing works on when the import is over
		}
	}()
	err = inBatches(reading, rows, func(batch []*intake.Row) error {
		f, err := is.take(reading, op, m, batch, dry, under)
		if err != nil {
			return err
		}
		line <- f
		return nil
	})
	close(line)
	<-done
	if failed != nil {
		err = failed
	}
	return stored, err
}

// take looks up what of a batch is known and has the rest signed.
func (is *issuer) take(ctx context.Context, op exchange.OperatorID, m *intake.Mapping, rows []*intake.Row, dry bool, under *underway) (*flight, error) {
	f := &flight{out: make([]Imported, len(rows))}
	drafts, at, err := is.drafts(ctx, op, m, rows, under, f.out)
	if err != nil || dry {
		return f, err
	}
	ids, err := is.agency.alikeIDs(len(drafts))
	if err != nil {
		return f, err
	}
	f.at, f.made, f.errs = at, make([]records.Record, len(drafts)), make([]error, len(drafts))
	f.counts = is.tally(m.Name, f.out, drafts)
	under.begin(rows, at)
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		f.signed.Go(func() {
			for i := w; i < len(drafts); i += workers {
				f.made[i], f.errs[i] = is.issue(ids[i], drafts[i])
				drafts[i].Values, rows[at[i]].Values = nil, nil // what was read is sealed and not needed any more
			}
		})
	}
	return f, nil
}

// tally counts what becomes of a batch.
func (is *issuer) tally(source string, out []Imported, drafts []Draft) []records.Tally {
	t := newTallies(is.cat, is.agency.now())
	for _, done := range out {
		t.row(source, done)
	}
	for _, d := range drafts {
		t.record(source, d.Category, d.Values)
	}
	return t.list()
}

// land stores a batch in one transaction and tells of each of its rows.
func (is *issuer) land(ctx context.Context, f *flight, under *underway, stored *int, each func(Imported) error) error {
	f.signed.Wait()
	for _, err := range f.errs {
		if err != nil {
			return err
		}
	}
	if len(f.counts) > 0 {
		if err := is.agency.Records.InsertCounted(ctx, f.made, f.counts); err != nil {
			return err
		}
		*stored += len(f.made)
		under.end(f)
	}
	for i := range f.made {
		f.out[f.at[i]].Record = f.made[i].ID
	}
	for _, done := range f.out {
		if err := each(done); err != nil {
			return err
		}
	}
	return nil
}
