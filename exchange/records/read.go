package records

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
)

const columns = `position, id, category, author, operator, subject, subject_kind, catalogue_version, catalogue_digest,
	issued_at, jwt, row_key, row_digest, source, trust, flags, status, replaces, replaced_by, reason, feed_index, names,
	known_at, changed_at, ended_at, area, numbers`

// scanner is a row of one or of many.
type scanner interface{ Scan(...any) error }

// beside is what of its signed part a record has in its row.
func (r *Record) beside() beside { return beside{string(r.ID), string(r.Subject)} }

// kept is a record as its row holds it.
type kept struct {
	Record
	jwt, sealed []byte
}

// scan reads the columns, and sealed where it is asked for. What is packed is
// unpacked by whole, when the row's connection is free again.
func scan(row scanner, sealed bool) (r kept, err error) {
	var id, author, operator, subject, status, flags, given, numbers string
	var issued int64
	var replaces, replacedBy sql.NullString
	var rowKey, rowDigest []byte
	into := []any{&r.Position, &id, &r.Category, &author, &operator, &subject, &r.SubjectKind, &r.CatalogueVersion,
		&r.CatalogueDigest, &issued, &r.jwt, &rowKey, &rowDigest, &r.Source, &r.Trust, &flags, &status,
		&replaces, &replacedBy, &r.Reason, &r.FeedIndex, &given,
		(*int64)(&r.KnownAt), (*int64)(&r.ChangedAt), (*int64)(&r.EndedAt), &r.Area, &numbers}
	if sealed {
		into = append(into, &r.sealed)
	}
	if err := row.Scan(into...); err != nil {
		return kept{}, err
	}
	r.ID, r.Author, r.Operator = exchange.RecordID(id), exchange.MemberID(author), exchange.OperatorID(operator)
	r.Subject, r.Status, r.IssuedAt = exchange.SubjectID(subject), Status(status), exchange.Millis(issued)
	r.Replaces, r.ReplacedBy = exchange.RecordID(replaces.String), exchange.RecordID(replacedBy.String)
	r.RowKey, r.RowDigest = keyText(rowKey), keyText(rowDigest)
	if flags != "[]" {
		if err := strictjson.Unmarshal([]byte(flags), &r.Flags); err != nil {
			return kept{}, err
		}
	}
	if r.Names, err = decodeNames(given); err == nil {
		r.Numbers, err = decodeNames(numbers)
	}
	return r, err
}

// unpack is a signed part out of its column.
func (s *sqlStore) unpack(ctx context.Context, packed []byte, row beside) (jwt string, payload []byte, err error) {
	if jwt, payload, err = unpackJWT(packed, row, s.words.spell); err != nil { // a word may have come since
		if err := s.moreWords(ctx); err != nil {
			return "", nil, err
		}
		if jwt, payload, err = unpackJWT(packed, row, s.words.spell); err != nil {
			return "", nil, s.note(ErrStorage.Wrap(err), false)
		}
	}
	return jwt, payload, nil
}

// whole completes a record with what is unpacked, computed or kept apart.
func (s *sqlStore) whole(ctx context.Context, r *kept) (err error) {
	var payload []byte
	if r.JWT, payload, err = s.unpack(ctx, r.jwt, r.beside()); err != nil {
		return err
	}
	r.Digest = DigestOf(r.JWT)
	if r.CatalogueDigest == "" {
		r.CatalogueDigest = claimedDigest(payload)
	}
	if len(r.sealed) == 0 {
		return nil
	}
	if r.Sealed, err = decodeBoxes(r.sealed, payload, s.words.spell); err != nil { // as in unpack
		if err := s.moreWords(ctx); err != nil {
			return err
		}
		r.Sealed, err = decodeBoxes(r.sealed, payload, s.words.spell)
	}
	if err == nil && s.keys != nil {
		err = s.keys.fill(ctx, r.ID, r.Sealed)
	}
	return s.note(err, false)
}

// keyBytes is a digest of a row as its column holds it: the bytes of 64 characters of
// hex behind 1, or any other text behind 0.
func keyBytes(text string) []byte {
	if text == "" {
		return []byte{}
	}
	if exchange.ValidHash(text) {
		if raw, err := hex.AppendDecode([]byte{1}, []byte(text)); err == nil {
			return raw
		}
	}
	return append([]byte{0}, text...)
}

// keyText is its reverse.
func keyText(raw []byte) string {
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == 1:
		return hex.EncodeToString(raw[1:])
	}
	return string(raw[1:])
}

func decodeNames(text string) (given []string, err error) {
	if text != "[]" {
		err = strictjson.Unmarshal([]byte(text), &given)
	}
	return given, err
}

// Get implements Store.
func (s *sqlStore) Get(ctx context.Context, id exchange.RecordID) (Record, error) {
	var r kept
	err := s.read(ctx, func(p pool) (err error) {
		r, err = scan(p.QueryRowContext(ctx, `SELECT `+columns+`, sealed FROM records WHERE id = ?`, string(id)), true)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound.With()
		}
		return err
	})
	if err == nil {
		err = s.whole(ctx, &r)
	}
	if err != nil {
		return Record{}, err
	}
	return r.Record, nil
}

// rowKeysPerQuery keeps statements short; engines cap their parameters.
const rowKeysPerQuery = 500

// ByRowKeys implements Store.
func (s *sqlStore) ByRowKeys(ctx context.Context, author exchange.MemberID, category string, keys []string) (map[string]RowRef, error) {
	found := make(map[string]RowRef)
	for len(keys) > 0 {
		n := min(len(keys), rowKeysPerQuery)
		if err := s.rowKeys(ctx, author, category, keys[:n], found); err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return found, nil
}

// recordsByRowKey goes by the keys alone, as recordsByID does by ids.
const recordsByRowKey = `SELECT row_key, id, row_digest, author, category FROM records
	WHERE status = 'active' AND row_key <> <empty> AND row_key IN `

func (s *sqlStore) rowKeys(ctx context.Context, author exchange.MemberID, category string, keys []string, found map[string]RowRef) error {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = keyBytes(k)
	}
	return s.engine.beforeWriting(ctx, func(p pool) error {
		rows, err := p.QueryContext(ctx, s.engine.schema(recordsByRowKey)+marks(len(keys)), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key, digest []byte
			var id, by, in string
			if err := rows.Scan(&key, &id, &digest, &by, &in); err != nil {
				return err
			}
			if by == string(author) && in == category {
				found[keyText(key)] = RowRef{ID: exchange.RecordID(id), RowDigest: keyText(digest)}
			}
		}
		return rows.Err()
	})
}

// where is the filter as a condition with its arguments.
func (f Filter) where() (condition string, args []any) {
	var parts []string
	add := func(part string, arg any) {
		parts, args = append(parts, part), append(args, arg)
	}
	author := "author"
	if f.Category != "" || f.Subject != "" { // an author's own node would go through all its records
		author = "author || ''"
	}
	for _, m := range []struct{ column, value string }{
		{"category", f.Category}, {author, string(f.Author)}, {"subject", string(f.Subject)},
		{"subject_kind", f.SubjectKind}, {"status", string(f.Status)}, {"source", f.Source},
	} {
		if m.value != "" {
			add(m.column+" = ?", m.value)
		}
	}
	if f.IssuedFrom != 0 {
		add("issued_at >= ?", int64(f.IssuedFrom))
	}
	if f.IssuedUntil != 0 {
		add("issued_at < ?", int64(f.IssuedUntil))
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

// List implements Store.
func (s *sqlStore) List(ctx context.Context, f Filter, after Cursor, limit int) ([]Record, Cursor, error) {
	limit = min(max(limit, 1), MaxPage)
	condition, args := f.where()
	order, compare := "ASC", ">"
	if f.Newest {
		order, compare = "DESC", "<"
	}
	if after != "" {
		position, err := strconv.ParseInt(string(after), 10, 64)
		if err != nil || position < 1 || strconv.FormatInt(position, 10) != string(after) {
			return nil, "", ErrCursor.With()
		}
		join := " WHERE "
		if condition != "" {
			join = " AND "
		}
		condition, args = condition+join+"position "+compare+" ?", append(args, position)
	}
	page, err := s.query(ctx, `SELECT `+columns+` FROM records`+condition+` ORDER BY position `+order+` LIMIT ?`, append(args, limit+1)...)
	if err != nil || len(page) <= limit {
		return page, "", err
	}
	page = page[:limit]
	return page, Cursor(strconv.FormatInt(page[limit-1].Position, 10)), nil
}

// BySubject implements Store.
func (s *sqlStore) BySubject(ctx context.Context, subject exchange.SubjectID, limit int) ([]Record, error) {
	page, _, err := s.List(ctx, Filter{Subject: subject, Newest: true}, "", limit)
	return page, err
}

func (s *sqlStore) query(ctx context.Context, statement string, args ...any) ([]Record, error) {
	rows, err := gather(ctx, s, func(row scanner) (kept, error) { return scan(row, false) }, statement, args...)
	if err != nil {
		return nil, err
	}
	var page []Record
	for i := range rows {
		if err := s.whole(ctx, &rows[i]); err != nil {
			return nil, err
		}
		page = append(page, rows[i].Record)
	}
	return page, nil
}

// Count implements Store.
func (s *sqlStore) Count(ctx context.Context, f Filter) (n int64, err error) {
	condition, args := f.where()
	err = s.read(ctx, func(p pool) error {
		return p.QueryRowContext(ctx, `SELECT COUNT(*) FROM records`+condition, args...).Scan(&n)
	})
	return n, err
}

// Position implements Store.
func (s *sqlStore) Position(ctx context.Context, feed string) (index int64, err error) {
	err = s.read(ctx, func(p pool) error {
		err := p.QueryRowContext(ctx, `SELECT position FROM positions WHERE feed = ?`, feed).Scan(&index)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return index, err
}
