package bench

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"accord/exchange"
	"accord/exchange/records"
)

// kept is a record store of this process's own, and the same files or database
// for bare statements.
type kept struct {
	store records.Store
	raw   *sql.DB
	mark  func(n int) string // of the n-th parameter
	dir   string
}

// keep makes an empty record store.
func (r *recordRun) keep(ctx context.Context, name, store string) (*kept, error) {
	k := &kept{dir: filepath.Join(r.home, name)}
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		return nil, err
	}
	if store == onSQLite {
		file := filepath.Join(k.dir, "records.db")
		s, err := records.OpenSQLite(ctx, file)
		if err != nil {
			return nil, err
		}
		k.store, k.mark = s, func(int) string { return "?" }
		k.raw, err = sql.Open("sqlite", "file:"+file+"?_query_only=1&_busy_timeout=10000")
		return k, err
	}
	database, err := r.postgres.database(ctx)
	if err != nil {
		return nil, err
	}
	s, err := records.OpenPostgres(ctx, records.Database{URL: r.postgres.url(database, false), Password: r.postgres.password,
		Owner: records.Owner{Federation: "bench", Member: "bench", Node: "bench"}, Keys: filepath.Join(k.dir, "records.keys")})
	if err != nil {
		return nil, err
	}
	k.store, k.mark = s, func(n int) string { return fmt.Sprintf("$%d", n) }
	k.raw, err = r.postgres.open(database)
	return k, err
}

func (k *kept) close() {
	k.raw.Close()
	k.store.Close()
	os.RemoveAll(k.dir)
}

// keptAtOnce is how many records one transaction stores.
const keptAtOnce = 1024

// fill stores records numbered from first to n-1. Their rows are as long as real ones and
// what is in them is signed by nobody: finding does not look at it.
func (k *kept) fill(ctx context.Context, first, n int, record func(i int) records.Record) error {
	batch := make([]records.Record, 0, keptAtOnce)
	for i := first; i < n; i++ {
		batch = append(batch, record(i))
		if len(batch) == keptAtOnce || i == n-1 {
			if err := k.store.InsertBatch(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

// recordsAbout is how many records there are about one subject in lookup.
const recordsAbout = 5

// filler makes a row as long as that of a record with four private fields at its author:
// its signed part packed, and four boxes with their keys.
var filler = strings.Repeat("x", 445+860)

func unsigned(i int, subject exchange.SubjectID) records.Record {
	jwt := fmt.Sprintf("%d.%s", i, filler)
	return records.Record{ID: exchange.RecordID(fmt.Sprintf("A%020dA", i)), Category: "complaint", Author: "bench", Operator: "bench", Subject: subject,
		SubjectKind: "consumer", CatalogueVersion: 1, CatalogueDigest: "x", IssuedAt: exchange.Millis(i + 1), JWT: jwt, Digest: records.DigestOf(jwt),
		Status: records.Active}
}

func personal(n int) exchange.SubjectID {
	return exchange.SubjectID(fmt.Sprintf("person:h1.%043d", n))
}

// lookup measures finding all records of a subject, by the store as the API asks
// it, against the bare statement on the same store.
func (r *recordRun) lookup(ctx context.Context) error {
	return r.onEach(ctx, "lookup", func(ctx context.Context, store string) error {
		k, err := r.keep(ctx, "l"+store[:1], store)
		if err != nil {
			return err
		}
		defer k.close()
		medians := map[int]float64{}
		filled := 0
		for _, n := range r.Looked {
			r.say("存入 %d 条", "storing %d records", n)
			if err := k.fill(ctx, filled, n, func(i int) records.Record { return unsigned(i, personal(subjectOf(i, r.Looked[0]))) }); err != nil {
				return err
			}
			filled = n
			ours, rivals, err := r.lookups(ctx, k, n)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("lookup/%s/%d", store, n)
			const rival = "the bare statement on the same store"
			r.add(hold(name+"/rate", "lookups/s", figures(ours, sample.perSecond), rival, figures(rivals, sample.perSecond), goal{times: 0.5}))
			r.add(hold(name+"/p50", "ms", figures(ours, sample.middle), rival, figures(rivals, sample.middle), goal{}))
			r.add(hold(name+"/p99", "ms", figures(ours, sample.slowest), rival, figures(rivals, sample.slowest), goal{}))
			medians[n] = median(figures(ours, sample.middle))
		}
		if least, most := r.Looked[0], r.Looked[len(r.Looked)-1]; most > least {
			r.add(hold(fmt.Sprintf("lookup/%s/growth", store), "ms", []float64{medians[most]}, fmt.Sprintf("p50 at %d records", least), []float64{medians[least]}, goal{times: 1.5, below: true}))
		}
		return nil
	})
}

// subjectOf says whom the n-th record is about. The records of one subject do not
// follow each other: they come from anywhere in a block, as in life from anywhere in
// time.
func subjectOf(n, block int) int {
	subjects := block / recordsAbout
	return n/block*subjects + n%block%subjects
}

// lookups asks on all cores at once, for subjects at random.
func (r *recordRun) lookups(ctx context.Context, k *kept, n int) (ours, rivals []sample, err error) {
	subject := func() string { return string(personal(subjectOf(rand.IntN(n), r.Looked[0]))) }
	ask := func() error {
		found, err := k.store.BySubject(ctx, exchange.SubjectID(subject()), records.MaxPage)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("bench: a subject has no records")
		}
		return err
	}
	statement := `SELECT position, id, category, author, operator, subject, subject_kind, catalogue_version, catalogue_digest, issued_at, jwt,
		row_key, row_digest, source, trust, flags, status, replaces, replaced_by, reason, feed_index, names
		FROM records WHERE subject = ` + k.mark(1) + ` ORDER BY position DESC LIMIT ` + k.mark(2)
	bare := func() error { return k.bare(ctx, statement, subject()) }
	round := func(do func() error) func() (sample, error) {
		return func() (sample, error) {
			var workers []worker
			for range cores() {
				workers = append(workers, doing(do))
			}
			return drive(workers, r.Duration/8, r.Duration, nil)
		}
	}
	return duel(ctx, r.Rounds, round(ask), round(bare))
}

// bare reads every column of every row as it is, and forgets it.
func (k *kept) bare(ctx context.Context, statement, subject string) error {
	rows, err := k.raw.QueryContext(ctx, statement, subject, records.MaxPage+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	var columns [22]any
	into := make([]any, len(columns))
	for i := range into {
		into[i] = &columns[i]
	}
	found := 0
	for ; rows.Next(); found++ {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	if found == 0 && rows.Err() == nil {
		return fmt.Errorf("bench: a subject has no records")
	}
	return rows.Err()
}

// doing is a worker that does one thing.
type doing func() error

func (d doing) do() error { return d() }
func (d doing) close()    {}

func (s sample) middle() float64 { return s.p50 }
