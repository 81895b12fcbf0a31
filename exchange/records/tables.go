package records

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"

	"accord/exchange"
)

// table is one of the tables that a copy of the store consists of.
type table struct {
	name    string
	key     []string // of the primary key
	columns []string
}

// tables is all of them, each after those it refers to; schema_version and
// owner are a store's own. A test holds the list against the schema.
var tables = []table{
	{"words", []string{"id"}, []string{"id", "word"}}, // first: the others are read by it
	{"records", []string{"position"}, []string{"position", "id", "category", "author", "operator", "subject", "subject_kind",
		"catalogue_version", "catalogue_digest", "issued_at", "jwt", "sealed", "row_key", "row_digest", "source", "trust",
		"flags", "status", "replaces", "replaced_by", "reason", "feed_index", "names",
		"known_at", "changed_at", "ended_at", "area", "numbers"}},
	{"positions", []string{"feed"}, []string{"feed", "position"}},
	{"feeds", []string{"author"}, []string{"author", "edge", "note"}},
	{"feed_tiles", []string{"author", "level", "idx"}, []string{"author", "level", "idx", "data"}},
	{"feed_gaps", []string{"author", "idx"}, []string{"author", "idx", "id", "why", "category"}},
	{"feed_documents", []string{"id"}, []string{"id", "author", "kind", "record", "jwt", "issued_at"}},
	{"names", []string{"id"}, []string{"id", "subject", "name", "records", "newest", "first_seen"}},
	{"name_keys", []string{"name_key", "name"}, []string{"name_key", "name"}},
	{"numbers", []string{"number", "position"}, []string{"number", "position"}},
	{"tallies", []string{"day", "source", "category", "measure", "item"}, []string{"day", "source", "category", "measure", "item", "tally"}},
	{"feed_receipts", []string{"erasure", "member"}, []string{"erasure", "member", "jwt", "at"}},
	{"custody_deals", []string{"record", "generation"}, []string{"record", "generation", "category", "target", "statement", "boxes", "anchored"}},
	{"custody_hands", []string{"record", "generation", "member"}, []string{"record", "generation", "member", "state", "share", "kept", "destroyed"}},
	{"custody_shares", []string{"author", "record", "generation"}, []string{"author", "record", "generation", "statement", "share", "boxes", "kept_at"}},
}

func tableOf(name string) table {
	for _, t := range tables {
		if t.name == name {
			return t
		}
	}
	return table{}
}

// numeric are the key columns that are numbers; all others order by their bytes.
var numeric = map[string]bool{"words.id": true, "records.position": true, "feed_tiles.level": true, "feed_tiles.idx": true, "feed_gaps.idx": true,
	"names.id": true, "name_keys.name": true, "numbers.position": true, "tallies.day": true,
	"custody_deals.generation": true, "custody_hands.generation": true, "custody_shares.generation": true}

// order is the key as a list for ORDER BY, the same on every engine.
func (t table) order(e engine, direction string) string {
	parts := make([]string, len(t.key))
	for i, k := range t.key {
		if parts[i] = k + direction; !numeric[t.name+"."+k] {
			parts[i] = k + e.bytewise() + direction
		}
	}
	return strings.Join(parts, ", ")
}

func (t table) column(name string) int {
	for i, c := range t.columns {
		if c == name {
			return i
		}
	}
	return -1
}

// each reads all rows of a table in the order of its key. Sealed fields come
// with their keys, wherever those are kept.
func (s *sqlStore) each(ctx context.Context, tx *transaction, t table, f func(row []any) error) error {
	rows, err := tx.QueryContext(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name+` ORDER BY `+t.order(s.engine, ""))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := s.row(ctx, rows, t)
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// maybeEmpty are the columns of bytes that may have none.
var maybeEmpty = map[string]bool{"sealed": true, "row_key": true, "row_digest": true, "boxes": true}

func isEmpty(v any) bool {
	b, ok := v.([]byte)
	return ok && len(b) == 0
}

func (s *sqlStore) row(ctx context.Context, from scanner, t table) ([]any, error) {
	row := make([]any, len(t.columns))
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	if err := from.Scan(into...); err != nil {
		return nil, err
	}
	for i, name := range t.columns {
		if row[i] == nil && maybeEmpty[name] || isEmpty(row[i]) { // as drivers give no bytes
			row[i] = []byte{}
		}
	}
	if at := t.column("sealed"); at >= 0 && s.keys != nil {
		return row, s.joinKeys(ctx, row, t, at)
	}
	return row, nil
}

// joinKeys puts the keys of sealed fields to their boxes.
func (s *sqlStore) joinKeys(ctx context.Context, row []any, t table, at int) error {
	r, payload, err := sealedOf(row, t, s.words.spell)
	if err != nil || len(r.Sealed) == 0 {
		return err
	}
	if err := s.keys.fill(ctx, r.ID, r.Sealed); err != nil {
		return err
	}
	row[at], err = encodeBoxes(r.Sealed, false, payload, s.words.known)
	return err
}

// insertRows stores rows of a table; keys of sealed fields go to where this
// store keeps them.
func (s *sqlStore) insertRows(ctx context.Context, tx *transaction, t table, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var apart []Record
	args := make([]any, 0, len(rows)*len(t.columns))
	at := t.column("sealed")
	if at >= 0 && s.keys != nil {
		if err := tx.lookUp(ctx); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if at >= 0 && s.keys != nil {
			r, payload, err := sealedOf(row, t, tx.spell)
			if err != nil {
				return err
			}
			boxes, err := encodeBoxes(r.Sealed, true, payload, s.words.known)
			if err != nil {
				return err
			}
			row, apart = append([]any(nil), row...), append(apart, r)
			row[at] = boxes
		}
		args = append(args, row...)
	}
	one := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	_, err := tx.ExecContext(ctx, `INSERT INTO `+t.name+` (`+strings.Join(t.columns, ", ")+`) VALUES `+one+strings.Repeat(", "+one, len(rows)-1), args...)
	if err != nil || len(apart) == 0 {
		return err
	}
	return s.keys.put(ctx, apart)
}

// sealedOf is a record of no more than its id and sealed fields, and its payload.
func sealedOf(row []any, t table, spell spelling) (r Record, payload []byte, err error) {
	id, _ := row[t.column("id")].(string)
	subject, _ := row[t.column("subject")].(string)
	packed, _ := row[t.column("jwt")].([]byte)
	boxes, _ := row[t.column("sealed")].([]byte)
	r.ID = exchange.RecordID(id)
	if len(boxes) == 0 {
		return r, nil, nil
	}
	if _, payload, err = unpackJWT(packed, beside{id, subject}, spell); err != nil {
		return r, nil, ErrStorage.Wrap(err)
	}
	r.Sealed, err = decodeBoxes(boxes, payload, spell)
	return r, payload, err
}

// chunk is how many rows one transaction of a copy stores.
const chunk = 500

// reading runs f in one reading transaction that sees one moment.
func (s *sqlStore) reading(ctx context.Context, f func(*transaction) error) error {
	if err := s.moreWords(ctx); err != nil {
		return err
	}
	tx, err := s.reader.BeginTx(ctx, s.engine.moment())
	if err != nil {
		return s.translated(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // it changed nothing
	return s.translated(ctx, f(s.within(tx)))
}

// contents is the SHA-256 of all that a store holds, the same on every engine,
// and the number of its rows. moved is told of rows as they are read.
func (s *sqlStore) contents(ctx context.Context, moved func(int64)) (digest string, rows int64, err error) {
	h := sha256.New()
	err = s.reading(ctx, func(tx *transaction) error {
		for _, t := range tables {
			writeValue(h, t.name)
			err := s.each(ctx, tx, t, func(row []any) error {
				for _, v := range row {
					writeValue(h, v)
				}
				rows++
				moved(1)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), rows, err
}

// writeValue adds a column's value with its type and length.
func writeValue(h hash.Hash, v any) {
	kind, data := byte('?'), []byte(nil)
	switch v := v.(type) {
	case nil:
		kind = 'n'
	case int64:
		kind, data = 'i', strconv.AppendInt(nil, v, 10)
	case string:
		kind, data = 's', []byte(v)
	case []byte:
		kind, data = 'b', v
	}
	h.Write(append(binary.AppendUvarint([]byte{kind}, uint64(len(data))), data...))
}

// CopyTo writes the store as it stands now into a new SQLite file, in one
// reading transaction, beside reads and writes that go on. The file holds the
// keys of the sealed fields, too, and opens with [OpenSQLite].
func (s *Postgres) CopyTo(ctx context.Context, file string) error {
	if err := createFile(file); err != nil { // never over another
		return err
	}
	to, err := OpenSQLite(ctx, file)
	if err != nil {
		return err
	}
	err = s.reading(ctx, func(tx *transaction) error {
		for _, t := range tables {
			var rows [][]any
			flush := func() error {
				err := to.write(ctx, func(out *transaction) error { return to.insertRows(ctx, out, t, rows) })
				rows = rows[:0]
				return err
			}
			err := s.each(ctx, tx, t, func(row []any) error {
				if rows = append(rows, row); len(rows) < chunk {
					return nil
				}
				return flush()
			})
			if err == nil {
				err = flush()
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return err
}
