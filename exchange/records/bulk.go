package records

import (
	"context"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/names"
)

// bulk gathers the rows that a transaction inserts, so that many go in with one
// statement: a statement costs SQLite about as much as its row, and PostgreSQL a
// way to the server and back. Whoever asks the tables in the same transaction
// flushes first.
type bulk struct {
	tx      *transaction
	rows    int     // records that wait
	records [][]any // their columns
	numbers [][]any
	names   []*givenName // in the order in which they came
	byName  map[[2]string]*givenName
	last    int64 // id of the last name; 0: not asked yet
}

// givenName is a name that waiting records give a subject.
type givenName struct {
	subject, name          string
	records, first, newest int64
	found                  bool // in the table already
}

func newBulk(tx *transaction) *bulk { return &bulk{tx: tx, byName: map[[2]string]*givenName{}} }

// bulkRows is how many records wait at most.
const bulkRows = 500

// The columns of what is inserted by the million; those of records are all there are.
var (
	recordColumns = tableOf("records").columns
	numberColumns = tableOf("numbers").columns
	nameColumns   = tableOf("names").columns
	keyColumns    = tableOf("name_keys").columns
)

// add takes a record and what it is found by.
func (b *bulk) add(ctx context.Context, r *Record, position int64) error {
	p, err := b.tx.pack(ctx, r)
	if err != nil {
		return err
	}
	flags, err := listText(r.Flags, "flags")
	if err != nil {
		return err
	}
	given, err := listText(r.Names, "names")
	if err != nil {
		return err
	}
	numbers, err := listText(r.Numbers, "numbers")
	if err != nil {
		return err
	}
	status, changed := r.Status, exchange.Millis(0)
	if status == "" {
		status = Active
	}
	known, err := b.tx.now(ctx)
	if err != nil {
		return err
	}
	if status != Active {
		changed = known
	}
	b.records = append(b.records, []any{position, string(r.ID), r.Category, string(r.Author), string(r.Operator),
		string(r.Subject), r.SubjectKind, r.CatalogueVersion, p.catalogue, int64(r.IssuedAt), p.jwt,
		p.sealed, keyBytes(r.RowKey), keyBytes(r.RowDigest), r.Source, r.Trust, flags, string(status),
		nullable(r.Replaces), nullable(r.ReplacedBy), r.Reason, r.FeedIndex, given,
		int64(known), int64(changed), int64(r.EndedAt), r.Area, numbers})
	for _, n := range r.Numbers {
		b.numbers = append(b.numbers, []any{n, position})
	}
	for _, name := range r.Names {
		b.name(string(r.Subject), name, position)
	}
	if b.rows++; b.rows == bulkRows {
		return b.flush(ctx)
	}
	return nil
}

// listText is a list as its column holds it.
func listText(list []string, member string) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	text, err := strictjson.Marshal(list)
	if err != nil {
		return "", malformed(member)
	}
	return string(text), nil
}

func (b *bulk) name(subject, name string, position int64) {
	key := [2]string{subject, name}
	g := b.byName[key]
	if g == nil {
		g = &givenName{subject: subject, name: name, first: position}
		b.byName[key] = g
		b.names = append(b.names, g)
	}
	g.records, g.newest = g.records+1, position
}

// flush inserts what waits.
func (b *bulk) flush(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	if err := b.insert(ctx, "records", recordColumns, b.records); err != nil {
		return err
	}
	if err := b.insert(ctx, "numbers", numberColumns, b.numbers); err != nil {
		return err
	}
	if err := b.flushNames(ctx); err != nil {
		return err
	}
	b.rows, b.records, b.numbers, b.names = 0, b.records[:0], b.numbers[:0], b.names[:0]
	clear(b.byName)
	return nil
}

func (b *bulk) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	return b.tx.engine.insertMany(ctx, b.tx, table, columns, rows)
}

// flushNames makes the names findable: one that the subject had counts once more,
// the others are put in with their keys.
func (b *bulk) flushNames(ctx context.Context) error {
	if len(b.names) == 0 {
		return nil
	}
	if err := b.findNames(ctx); err != nil {
		return err
	}
	if b.last == 0 {
		if err := b.tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM names`).Scan(&b.last); err != nil {
			return err
		}
	}
	var rows, keys [][]any
	for _, g := range b.names {
		if g.found {
			continue
		}
		b.last++
		rows = append(rows, []any{b.last, g.subject, g.name, g.records, g.newest, g.first})
		for _, key := range names.Keys(names.Normal(g.name)) {
			keys = append(keys, []any{key, b.last})
		}
	}
	if err := b.insert(ctx, "names", nameColumns, rows); err != nil {
		return err
	}
	return b.insert(ctx, "name_keys", keyColumns, keys)
}

// findNames counts the names that are in the table.
func (b *bulk) findNames(ctx context.Context) error {
	subjects := make([]any, len(b.names))
	for i, g := range b.names {
		subjects[i] = g.subject
	}
	var ids []int64
	var found []*givenName
	rows, err := b.tx.QueryContext(ctx, `SELECT id, subject, name FROM names WHERE subject IN `+marks(len(subjects)), subjects...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var key [2]string
		if err := rows.Scan(&id, &key[0], &key[1]); err != nil {
			return err
		}
		if g := b.byName[key]; g != nil {
			g.found = true
			ids, found = append(ids, id), append(found, g)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, g := range found {
		if _, err := b.tx.ExecContext(ctx, `UPDATE names SET records = records + ?, newest = ? WHERE id = ?`, g.records, g.newest, ids[i]); err != nil {
			return err
		}
	}
	return nil
}
