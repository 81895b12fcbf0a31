package records

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/names"
)

// Named is a subject as a search by name found it.
type Named struct {
	Subject exchange.SubjectID
	Name    string // as it was written in a record
	Current bool   // the newest record that names the subject has this name
	Match   names.Match
}

// NamesOf are the names that the public fields of a record give its subject,
// for Record.Names. What is sealed is never among them: an index would show it.
func NamesOf(cat *catalogue.Catalogue, category string, public map[string]any) []string {
	c := cat.Category(category)
	if c == nil {
		return nil
	}
	var given []string
	for _, f := range c.Fields {
		if f.Type != catalogue.TypeName || f.Names != catalogue.NamesSubject {
			continue
		}
		name, ok := public[f.ID].(string)
		if ok && namesHold(append(given, name)) {
			given = append(given, name)
		}
	}
	return given
}

// maxCandidates bounds what the keys that are looked up may bring up together, and
// maxCompared how many of that are compared with what was asked: those that share the
// most keys with it, and among equals those of the longest standing, so that all engines
// leave out the same. Each that is compared is a page read somewhere in the table.
// Of names that are the same as what was asked, maxSame are.
const (
	maxCandidates = 2000
	maxCompared   = 1000
	maxSame       = 4000
)

// unindex takes back the names of a record that is going. A name that no
// record gives any more is gone, keys and all.
func unindex(ctx context.Context, tx *transaction, subject exchange.SubjectID, given []string) error {
	for _, name := range given {
		var id, records int64
		err := tx.QueryRowContext(ctx, `SELECT id, records FROM names WHERE subject = ? AND name = ?`, string(subject), name).Scan(&id, &records)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if records > 1 {
			if _, err := tx.ExecContext(ctx, `UPDATE names SET records = records - 1 WHERE id = ?`, id); err != nil {
				return err
			}
			continue
		}
		for _, statement := range []string{`DELETE FROM name_keys WHERE name = ? AND name_key IN `, `DELETE FROM names WHERE id = ?`} {
			args := []any{id}
			if keys := names.Keys(names.Normal(name)); strings.HasSuffix(statement, "IN ") {
				if len(keys) == 0 {
					continue
				}
				statement += marks(len(keys))
				for _, key := range keys {
					args = append(args, key)
				}
			}
			if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func marks(n int) string { return `(?` + strings.Repeat(", ?", n-1) + `)` }

// candidate is a name that shares a key with what is looked for.
type candidate struct {
	id, newest, first int64 // positions of the newest and the first record that gives it
	subject, name     string
}

// SearchNames implements Store.
func (s *sqlStore) SearchNames(ctx context.Context, name string, limit int) ([]Named, bool, error) {
	return s.searchNames(ctx, name, limit, math.MaxInt64)
}

// rarest are those of the keys that the fewest names have: at most n, and no more
// than bring up maxCandidates names together. A name that is meant shares its rare
// keys with what is asked for; common ones it shares with half the store. cut says
// that there would have been others.
func (s *sqlStore) rarest(ctx context.Context, keys []string, n int) (rare []string, cut bool, err error) {
	counts, err := s.keyCounts(ctx, keys)
	if err != nil {
		return nil, false, err
	}
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(counts[a], counts[b]) })
	total := 0
	for _, key := range keys[:min(n, len(keys))] {
		total += counts[key]
		if (total > maxCandidates || counts[key] == countUpTo) && len(rare) > 0 {
			return rare, true, nil
		}
		if counts[key] > 0 {
			rare = append(rare, key)
		}
	}
	return rare, false, nil
}

// countUpTo is where counting the names of a key ends: whoever has so many may have
// any number, and is taken only where there is nothing else to go by.
const countUpTo = maxCandidates / 2

// keyCounts says how many names have each key.
func (s *sqlStore) keyCounts(ctx context.Context, keys []string) (map[string]int, error) {
	counts := make(map[string]int, len(keys))
	for some := range slices.Chunk(keys, 50) {
		var statement strings.Builder
		args := make([]any, 0, 2*len(some))
		for i, key := range some {
			if i > 0 {
				statement.WriteString(` UNION ALL `)
			}
			statement.WriteString(`SELECT CAST(? AS BIGINT), COUNT(*) FROM (SELECT 1 FROM name_keys WHERE name_key = ? LIMIT ` + strconv.Itoa(countUpTo) + `) AS counted`)
			args = append(args, i, key)
		}
		_, err := gather(ctx, s, func(row scanner) (struct{}, error) {
			var i, n int
			err := row.Scan(&i, &n)
			if err == nil && i >= 0 && i < len(some) {
				counts[some[i]] = n
			}
			return struct{}{}, err
		}, statement.String(), args...)
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// candidates are the names with any of the keys; where there are too many, those with
// the most of them.
func (s *sqlStore) candidates(ctx context.Context, keys []string, most int) ([]candidate, error) {
	args := make([]any, 0, len(keys)+1)
	for _, key := range keys {
		if key != "" {
			args = append(args, key)
		}
	}
	if len(args) == 0 {
		return nil, nil
	}
	statement := `SELECT id, subject, name, newest, first_seen FROM names WHERE id IN (SELECT name FROM name_keys
		WHERE name_key IN ` + marks(len(args)) + ` GROUP BY name ORDER BY COUNT(*) DESC, name LIMIT ?)`
	return gather(ctx, s, func(row scanner) (c candidate, err error) {
		return c, row.Scan(&c.id, &c.subject, &c.name, &c.newest, &c.first)
	}, statement, append(args, most)...)
}

// judge compares, keeps the best name of each subject and puts them in order.
func (s *sqlStore) judge(ctx context.Context, query names.Query, byID map[int64]candidate, top int64) ([]Named, error) {
	best := map[string]Named{}
	for _, c := range byID {
		n := Named{Subject: exchange.SubjectID(c.subject), Name: c.name, Match: query.Compare(c.name, false)}
		if was, ok := best[c.subject]; n.Match.Level < names.Apart && (!ok || better(n, was)) {
			best[c.subject] = n
		}
	}
	if err := s.current(ctx, query, best, top); err != nil {
		return nil, err
	}
	found := make([]Named, 0, len(best))
	for _, n := range best {
		found = append(found, n)
	}
	slices.SortFunc(found, func(a, b Named) int {
		if better(a, b) {
			return -1
		}
		return 1
	})
	return found, nil
}

// better is the order of answers; it depends on nothing but them.
func better(a, b Named) bool {
	return cmp.Or(cmp.Compare(a.Match.Level, b.Match.Level), cmp.Compare(b.Match.Score, a.Match.Score),
		strings.Compare(a.Name, b.Name), strings.Compare(string(a.Subject), string(b.Subject))) < 0
}

// current says of each subject whether the name that was found is its newest; an
// older one is an alias.
func (s *sqlStore) current(ctx context.Context, query names.Query, best map[string]Named, top int64) error {
	subjects := make([]string, 0, len(best))
	for subject := range best {
		subjects = append(subjects, subject)
	}
	slices.Sort(subjects)
	for chunk := range slices.Chunk(subjects, rowKeysPerQuery) {
		args := make([]any, len(chunk))
		for i, subject := range chunk {
			args[i] = subject
		}
		all, err := gather(ctx, s, func(row scanner) (c candidate, err error) {
			return c, row.Scan(&c.id, &c.subject, &c.name, &c.newest, &c.first)
		}, `SELECT id, subject, name, newest, first_seen FROM names WHERE subject IN `+marks(len(args))+` ORDER BY id`, args...)
		if err != nil {
			return err
		}
		newest := map[string]candidate{}
		for _, c := range all {
			if was, ok := newest[c.subject]; c.first <= top && (!ok || c.newest > was.newest) {
				newest[c.subject] = c
			}
		}
		for _, subject := range chunk {
			n, now := best[subject], newest[subject]
			if now.newest > top { // some name was given again since: what was the newest then?
				if now.name, err = s.nameAt(ctx, subject, top, all); err != nil {
					return err
				}
			}
			n.Current = now.name == n.Name
			n.Match = query.Compare(n.Name, !n.Current)
			best[subject] = n
		}
	}
	return nil
}

// nameAt is the name that a subject's newest record up to a position gives it.
func (s *sqlStore) nameAt(ctx context.Context, subject string, top int64, all []candidate) (string, error) {
	given, err := gather(ctx, s, func(row scanner) (text string, err error) { return text, row.Scan(&text) },
		`SELECT names FROM records WHERE subject = ? AND position <= ? AND names <> '[]' ORDER BY position DESC LIMIT 1`, subject, top)
	if err != nil || len(given) == 0 {
		return "", err
	}
	these, err := decodeNames(given[0])
	for _, c := range all { // by id, as among names of one record
		if c.subject == subject && slices.Contains(these, c.name) {
			return c.name, err
		}
	}
	return "", err
}
