package bench

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"accord/exchange"
	"accord/exchange/records"
)

// asks is how many labelled questions there are, answers how many answers are
// looked at.
const (
	asks    = 2200
	answers = 20
)

// nameSearch measures questions by name a second, and how many of a labelled set
// find the name that is meant among the first twenty, against PostgreSQL's trigrams
// over the same names.
func (r *recordRun) nameSearch(ctx context.Context) error {
	set := labelledSet(min(asks, 10*r.Names), r.Names)
	var trigrams *sql.DB
	if r.Rival && r.havePostgres(ctx) {
		var err error
		r.say("对照索引装入 %d 个名称", "the rival's index gets %d names", r.Names)
		if trigrams, err = r.trigrams(ctx); err != nil {
			return err
		}
		defer trigrams.Close()
	}
	return r.onEach(ctx, "name-search", func(ctx context.Context, store string) error {
		k, err := r.keep(ctx, "n"+store[:1], store)
		if err != nil {
			return err
		}
		defer k.close()
		r.say("存入 %d 个主体", "storing %d subjects", r.Names)
		if err := k.fill(ctx, 0, r.Names, func(i int) records.Record {
			rec := unsigned(i, exchange.SubjectID(subjectNamed(i)))
			rec.JWT = fmt.Sprintf("%d", i) // what names do depends on nothing else of a record
			rec.Digest, rec.Names = records.DigestOf(rec.JWT), []string{nameOf(i)}
			return rec
		}); err != nil {
			return err
		}
		return r.searchOn(ctx, k, store, set, trigrams)
	})
}

func (r *recordRun) searchOn(ctx context.Context, k *kept, store string, set []labelled, trigrams *sql.DB) error {
	ours := func(name string) ([]string, error) {
		found, _, err := k.store.SearchNames(ctx, name, answers)
		var given []string
		for _, n := range found {
			given = append(given, n.Name)
		}
		return given, err
	}
	theirs := func(name string) ([]string, error) { return similar(ctx, trigrams, name) }
	rival, second := r.rivalName(), (func() (sample, error))(nil)
	if trigrams != nil {
		rival, second = r.postgres.version+" pg_trgm, GIN, threshold 0.3", r.asking(set, theirs)
	}
	a, b, err := duel(ctx, r.Rounds, r.asking(set, ours), second)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("name-search/%s/%d", store, r.Names)
	rate := hold(name+"/rate", "questions/s", figures(a, sample.perSecond), rival, figures(b, sample.perSecond), goal{times: 2})
	found, by, err := recall(set, ours)
	if err != nil {
		return err
	}
	var rivals []float64
	var note string
	if trigrams != nil {
		theirFound, theirBy, err := recall(set, theirs)
		if err != nil {
			return err
		}
		rivals, note = []float64{theirFound}, told(theirBy)
	}
	r.add(rate)
	r.add(hold(name+"/p99", "ms", figures(a, sample.slowest), rival, figures(b, sample.slowest), goal{}))
	r.add(withNote(hold(name+"/recall", "of 1", []float64{found}, rival, rivals, goal{times: 1}), "每种写法答对的百分数：%s；对照：%s", "percent found by way of writing: %s; rival: %s", told(by), note))
	return nil
}

// asking is a round of questions on all cores.
func (r *recordRun) asking(set []labelled, ask func(string) ([]string, error)) func() (sample, error) {
	return func() (sample, error) {
		var workers []worker
		for range cores() {
			workers = append(workers, doing(func() error {
				_, err := ask(set[rand.IntN(len(set))].asked)
				return err
			}))
		}
		return drive(workers, r.Duration/8, r.Duration, nil)
	}
}

// recall is the part of the set whose meant name is among the answers, in all and
// by variant.
func recall(set []labelled, ask func(string) ([]string, error)) (all float64, by map[string]float64, err error) {
	hits, of, sum := map[string]float64{}, map[string]float64{}, 0.0
	for _, q := range set {
		given, err := ask(q.asked)
		if err != nil {
			return 0, nil, err
		}
		of[q.variant]++
		if slices.Contains(given, q.meant) {
			hits[q.variant]++
			sum++
		}
	}
	for v, n := range of {
		hits[v] /= n
	}
	return sum / float64(len(set)), hits, nil
}

func told(by map[string]float64) string {
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %.0f", v, 100*by[v]))
	}
	return strings.Join(parts, ", ")
}

// trigrams is a table of the same names with the rival's index.
func (r *recordRun) trigrams(ctx context.Context) (*sql.DB, error) {
	name, err := r.postgres.database(ctx)
	if err != nil {
		return nil, err
	}
	db, err := r.postgres.open(name)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(cores())
	for _, statement := range []string{`CREATE EXTENSION pg_trgm`, `CREATE TABLE named (id BIGINT PRIMARY KEY, subject TEXT NOT NULL, name TEXT NOT NULL)`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			db.Close()
			return nil, err
		}
	}
	for first := 0; first < r.Names; first += keptAtOnce {
		var args []any
		var marks []string
		for i := first; i < min(first+keptAtOnce, r.Names); i++ {
			args = append(args, i, subjectNamed(i), nameOf(i))
			marks = append(marks, fmt.Sprintf("($%d, $%d, $%d)", len(args)-2, len(args)-1, len(args)))
		}
		if _, err := db.ExecContext(ctx, `INSERT INTO named (id, subject, name) VALUES `+strings.Join(marks, ", "), args...); err != nil {
			db.Close()
			return nil, err
		}
	}
	for _, statement := range []string{`CREATE INDEX named_trigrams ON named USING gin (name gin_trgm_ops)`, `VACUUM ANALYZE named`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// similar is what PostgreSQL's manual gives for such a question.
func similar(ctx context.Context, db *sql.DB, name string) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT subject, name, similarity(name, $1) AS score FROM named WHERE name % $1 ORDER BY score DESC, name LIMIT $2`, name, answers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var given []string
	for rows.Next() {
		var subject, found string
		var score float64
		if err := rows.Scan(&subject, &found, &score); err != nil {
			return nil, err
		}
		given = append(given, found)
	}
	return given, rows.Err()
}
