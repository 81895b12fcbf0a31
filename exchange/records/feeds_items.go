package records

import (
	"context"
	"database/sql"
	"errors"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
)

// MaxItems is the most entries of one call: sixteen bundles.
const MaxItems = 16 * tlog.TileWidth

// FeedItems implements Feeds.
func (s *sqlStore) FeedItems(ctx context.Context, author exchange.MemberID, from int64, limit int) ([]Item, error) {
	items, err := s.feedEntries(ctx, author, from, min(limit, MaxItems))
	if err != nil {
		return nil, err
	}
	for first := 0; first < len(items); first += rowKeysPerQuery {
		if err := s.documents(ctx, author, items[first:min(first+rowKeysPerQuery, len(items))]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (s *sqlStore) feedEntries(ctx context.Context, author exchange.MemberID, from int64, limit int) ([]Item, error) {
	if from < 0 || limit < 1 {
		return nil, nil
	}
	type bundle struct {
		index   int64
		entries []feed.Entry
	}
	bundles, err := gather(ctx, s, func(row scanner) (b bundle, err error) {
		var data []byte
		if err = row.Scan(&b.index, &data); err == nil {
			b.entries, err = unpackEntries(data)
		}
		return b, err
	}, `SELECT idx, data FROM feed_tiles WHERE author = ? AND level = ? AND idx BETWEEN ? AND ? ORDER BY idx`,
		string(author), tlog.EntriesLevel, from/tlog.TileWidth, (from+int64(limit)-1)/tlog.TileWidth)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, b := range bundles {
		for i, e := range b.entries {
			at := b.index*tlog.TileWidth + int64(i)
			if at < from || len(items) == limit {
				continue
			}
			items = append(items, Item{Index: at, Entry: e, Lack: Missing})
		}
	}
	return items, nil
}

const recordsByID = `SELECT id, author, jwt, category, subject FROM records WHERE id IN `

// signedParts finds the records among items.
func (s *sqlStore) signedParts(ctx context.Context, author exchange.MemberID, byID map[string]*Item, ids []any) error {
	type part struct {
		item   *Item
		packed []byte
		row    beside
	}
	found, err := gather(ctx, s, func(row scanner) (p part, err error) {
		var by, category string
		err = row.Scan(&p.row.id, &by, &p.packed, &category, &p.row.subject)
		if item := byID[p.row.id]; err == nil && item != nil && by == string(author) {
			item.Lack, item.Category, item.Subject = Held, category, exchange.SubjectID(p.row.subject)
			p.item = item
		}
		return p, err
	}, recordsByID+marks(len(ids)), ids...)
	if err != nil {
		return err
	}
	for _, p := range found {
		if p.item == nil {
			continue
		}
		if p.item.JWT, _, err = s.unpack(ctx, p.packed, p.row); err != nil {
			return err
		}
	}
	return nil
}

// documents finds the documents of up to rowKeysPerQuery items.
func (s *sqlStore) documents(ctx context.Context, author exchange.MemberID, items []Item) error {
	byID := make(map[string]*Item, len(items))
	var ids []any
	for i := range items {
		byID[items[i].Entry.ID] = &items[i]
		ids = append(ids, items[i].Entry.ID)
	}
	if err := s.signedParts(ctx, author, byID, ids); err != nil {
		return err
	}
	// Where ids are unique the author is compared here: an engine that knows no better
	// would read all of an author's records for the sake of a few. An erased record
	// comes with the document that erased it.
	sources := []struct {
		statement string
		args      []any
	}{
		{`SELECT id, author, '', why, category, '' FROM feed_gaps WHERE author = ? AND id IN `, []any{string(author)}},
		{`SELECT id, author, jwt, '', '', '' FROM feed_documents WHERE kind <> 'correction' AND id IN `, nil},
		{`SELECT record, author, jwt, 'erased', '', '' FROM feed_documents WHERE kind = 'erasure' AND author = ? AND record IN `, []any{string(author)}}}
	for _, source := range sources {
		_, err := gather(ctx, s, func(row scanner) (struct{}, error) {
			var id, by, token, why, category, subject string
			err := row.Scan(&id, &by, &token, &why, &category, &subject)
			if item := byID[id]; err == nil && item != nil && by == string(author) {
				item.JWT, item.Lack, item.Category, item.Subject = token, Lack(why), category, exchange.SubjectID(subject)
			}
			return struct{}{}, err
		}, source.statement+marks(len(ids)), append(source.args, ids...)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// Lacking implements Feeds.
func (s *sqlStore) Lacking(ctx context.Context, author exchange.MemberID, why Lack, from int64, limit int) ([]Item, error) {
	items, err := gather(ctx, s, func(row scanner) (Item, error) {
		item := Item{Lack: why}
		err := row.Scan(&item.Index, &item.Category)
		return item, err
	}, `SELECT idx, category FROM feed_gaps WHERE author = ? AND why = ? AND idx >= ? ORDER BY idx LIMIT ?`,
		string(author), string(why), from, min(limit, MaxItems))
	if err != nil {
		return nil, err
	}
	for i := range items {
		one, err := s.feedEntries(ctx, author, items[i].Index, 1)
		if err != nil {
			return nil, err
		}
		if len(one) == 1 {
			items[i].Entry = one[0].Entry
		}
	}
	return items, nil
}

// Lacks implements Feeds.
func (s *sqlStore) Lacks(ctx context.Context, author exchange.MemberID) (map[Lack]int64, error) {
	counts := map[Lack]int64{}
	_, err := gather(ctx, s, func(row scanner) (struct{}, error) {
		var why string
		var n int64
		err := row.Scan(&why, &n)
		counts[Lack(why)] = n
		return struct{}{}, err
	}, `SELECT why, COUNT(*) FROM feed_gaps WHERE author = ? GROUP BY why`, string(author))
	return counts, err
}

// AddReceipt implements Feeds.
func (s *sqlStore) AddReceipt(ctx context.Context, r Receipt) error {
	if !exchange.ValidID(r.Erasure) || !exchange.ValidName(string(r.Member)) || r.JWT == "" || len(r.JWT) > maxJWT {
		return malformed("receipt")
	}
	return s.write(ctx, func(tx *transaction) error {
		var found int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM feed_documents WHERE id = ?`, r.Erasure).Scan(&found)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound.With()
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO feed_receipts (erasure, member, jwt, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (erasure, member) DO NOTHING`, r.Erasure, string(r.Member), r.JWT, int64(r.At))
		return err
	})
}

// Receipts implements Feeds.
func (s *sqlStore) Receipts(ctx context.Context, erasure string) ([]Receipt, error) {
	return gather(ctx, s, func(row scanner) (r Receipt, err error) {
		var member string
		var at int64
		err = row.Scan(&r.Erasure, &member, &r.JWT, &at)
		r.Member, r.At = exchange.MemberID(member), exchange.Millis(at)
		return r, err
	}, `SELECT erasure, member, jwt, at FROM feed_receipts WHERE erasure = ? ORDER BY member`, erasure)
}
