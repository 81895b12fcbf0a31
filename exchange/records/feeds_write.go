package records

import (
	"context"
	"database/sql"
	"errors"

	"accord/exchange"
	"accord/exchange/feed"
)

// next puts an entry at the end of an author's feed, beginning or going on with
// what the transaction adds to it, and gives the entry's index.
func (g *growth) next(ctx context.Context, tx *transaction, author exchange.MemberID, e feed.Entry) (*growth, int64, error) {
	if g == nil || g.author != author {
		if err := g.done(ctx, tx); err != nil {
			return nil, 0, err
		}
		var err error
		if g, err = grow(ctx, tx, author); err != nil {
			return nil, 0, err
		}
	}
	at, err := g.add(ctx, tx, e)
	return g, at, err
}

// feedUnfed puts records into their authors' feeds that were stored before there
// were feeds.
func feedUnfed(ctx context.Context, tx *transaction) error {
	var g *growth
	for {
		batch, err := unfed(ctx, tx)
		if err != nil || len(batch) == 0 {
			return errors.Join(err, g.done(ctx, tx))
		}
		for i := range batch {
			r := &batch[i]
			if g, r.FeedIndex, err = g.next(ctx, tx, r.Author, r.entry()); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE records SET feed_index = ? WHERE position = ?`, r.FeedIndex, r.Position); err != nil {
				return err
			}
		}
	}
}

func unfed(ctx context.Context, tx *transaction) (batch []Record, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT position, id, author, jwt, replaces FROM records WHERE feed_index < 0 ORDER BY position LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Record
		var id, author string
		var replaces sql.NullString
		if err := rows.Scan(&r.Position, &id, &author, &r.JWT, &replaces); err != nil {
			return nil, err
		}
		r.ID, r.Author, r.Replaces = exchange.RecordID(id), exchange.MemberID(author), exchange.RecordID(replaces.String)
		batch = append(batch, r)
	}
	return batch, rows.Err()
}

// done stores the growth, if there is one.
func (g *growth) done(ctx context.Context, tx *transaction) error {
	if g == nil {
		return nil
	}
	return g.store(ctx, tx)
}

// entry is the record's entry in its author's feed.
func (r *Record) entry() feed.Entry {
	kind := feed.Record
	if r.Replaces != "" {
		kind = feed.Correction
	}
	return feed.EntryOf(kind, string(r.ID), r.JWT)
}

// file keeps a retraction or erasure, and does what it says to the record, if it
// is held and its author's. Says whether there was one.
func file(ctx context.Context, tx *transaction, d *feed.Document) (bool, error) {
	if _, err := tx.ExecContext(ctx, `INSERT INTO feed_documents (id, author, kind, record, jwt, issued_at) VALUES (?, ?, ?, ?, ?, ?)`,
		d.ID, string(d.Issuer), string(d.Kind), string(d.Record), d.JWT, issued(d)); err != nil {
		return false, err
	}
	if d.Kind == feed.Erasure {
		return erase(ctx, tx, d.Issuer, d.Record)
	}
	now, err := tx.now(ctx)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE records SET status = ?, changed_at = ?, ended_at = ? WHERE id = ? AND author = ? AND status = ?`,
		string(Retracted), int64(now), issued(d), string(d.Record), string(d.Issuer), string(Active))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// erase takes a record out, with whatever is sealed in it.
func erase(ctx context.Context, tx *transaction, author exchange.MemberID, id exchange.RecordID) (bool, error) {
	var subject, given, numbers string
	var at, position int64
	if err := eraseCustody(ctx, tx, author, id); err != nil {
		return false, err
	}
	err := tx.QueryRowContext(ctx, `SELECT subject, names, feed_index, numbers, position FROM records WHERE id = ? AND author = ?`,
		string(id), string(author)).Scan(&subject, &given, &at, &numbers, &position)
	if errors.Is(err, sql.ErrNoRows) { // withheld, lacking or unknown: from now on it is meant to be
		_, err := tx.ExecContext(ctx, `UPDATE feed_gaps SET why = ?, category = '' WHERE author = ? AND id = ?`, string(Erased), string(author), string(id))
		return false, err
	}
	if err != nil {
		return false, err
	}
	names, err := decodeNames(given)
	if err != nil {
		return false, err
	}
	if err := unindex(ctx, tx, exchange.SubjectID(subject), names); err != nil {
		return false, err
	}
	found, err := decodeNames(numbers)
	if err != nil {
		return false, err
	}
	if err := unindexNumbers(ctx, tx, found, position); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE records SET replaces = NULL WHERE replaces = ?`, string(id)); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM records WHERE id = ?`, string(id)); err != nil {
		return false, err
	}
	return true, lack(ctx, tx, author, Item{Index: at, Entry: feed.Entry{ID: string(id)}, Lack: Erased})
}

func lack(ctx context.Context, tx *transaction, author exchange.MemberID, item Item) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO feed_gaps (author, idx, id, why, category) VALUES (?, ?, ?, ?, ?)`,
		string(author), item.Index, item.Entry.ID, string(item.Lack), item.Category)
	return err
}

// EraseRecord implements Feeds.
func (s *sqlStore) EraseRecord(ctx context.Context, all ...feed.Document) error {
	for i := range all {
		if all[i].Kind != feed.Erasure {
			return malformed("kind")
		}
	}
	ids := make([]exchange.RecordID, len(all))
	err := s.write(ctx, func(tx *transaction) error {
		var g *growth
		for i := range all {
			was, err := file(ctx, tx, &all[i])
			if err == nil && !was {
				err = ErrNotFound.With()
			}
			if err != nil {
				return err
			}
			if g, _, err = g.next(ctx, tx, all[i].Issuer, all[i].Entry()); err != nil {
				return err
			}
			ids[i] = all[i].Record
		}
		if err := errors.Join(g.done(ctx, tx), counted(ctx, tx)); err != nil || s.keys == nil {
			return err
		}
		return s.keys.destroyAll(ctx, ids)
	})
	if err == nil && s.keys != nil {
		err = s.keys.forget(ctx, ids)
	}
	if err != nil {
		return err
	}
	return s.Scrub(ctx)
}

// Follow implements Feeds.
func (s *sqlStore) Follow(ctx context.Context, author exchange.MemberID, from int64, items []Item, note string) error {
	if err := checkItems(author, items); err != nil {
		return err
	}
	return s.write(ctx, func(tx *transaction) error {
		g, err := grow(ctx, tx, author)
		if err != nil {
			return err
		}
		if g.edge.Size() != from {
			return ErrMoved.With()
		}
		g.note = note
		var position int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(position), 0) FROM records`).Scan(&position); err != nil {
			return err
		}
		t := newTaking(tx, author)
		erasing := false
		for i := range items {
			item := items[i]
			if item.Index, err = g.add(ctx, tx, item.Entry); err != nil {
				return err
			}
			if item.Record != nil {
				position++
			}
			if err := t.look(ctx, items[i:]); err != nil {
				return err
			}
			if err := t.take(ctx, item, position); err != nil {
				return err
			}
			erasing = erasing || item.Document != nil && item.Document.Kind == feed.Erasure
		}
		if err := t.rows.flush(ctx); err != nil {
			return err
		}
		if erasing {
			if err := counted(ctx, tx); err != nil {
				return err
			}
		}
		return g.store(ctx, tx)
	})
}

// checkItems refuses what the follower should not have let pass.
func checkItems(author exchange.MemberID, items []Item) error {
	for i := range items {
		item := &items[i]
		switch {
		case item.Lack != Held:
			if item.Record != nil || item.Document != nil {
				return malformed("lack")
			}
		case item.Entry.Kind.Carries():
			if item.Record == nil || item.Record.Author != author || item.Record.entry() != item.Entry {
				return malformed("record")
			}
			if err := item.Record.check(); err != nil {
				return err
			}
		case item.Document == nil || item.Document.Issuer != author || item.Document.Entry() != item.Entry:
			return malformed("document")
		}
	}
	return nil
}

// corrects marks what a mirrored record replaces: its own author's only. What is not
// held may come later, and then finds the correction (meanwhile).
func corrects(ctx context.Context, tx *transaction, r *Record) (exchange.RecordID, error) {
	now, err := tx.now(ctx)
	if err != nil {
		return "", err
	}
	res, err := tx.ExecContext(ctx, `UPDATE records SET status = ?, replaced_by = ?, changed_at = ?, ended_at = ? WHERE id = ? AND author = ? AND status = ?`,
		string(Corrected), string(r.ID), int64(now), int64(r.IssuedAt), string(r.Replaces), string(r.Author), string(Active))
	if err != nil {
		return "", err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return r.Replaces, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO feed_documents (id, author, kind, record, jwt, issued_at) VALUES (?, ?, ?, ?, '', ?)
		ON CONFLICT (id) DO NOTHING`, string(r.ID), string(r.Author), string(feed.Correction), string(r.Replaces), int64(r.IssuedAt))
	return "", err
}

// issued is the time of a document in milliseconds.
func issued(d *feed.Document) int64 { return d.IssuedAt * 1000 }

// Fill implements Feeds.
func (s *sqlStore) Fill(ctx context.Context, author exchange.MemberID, item Item) error {
	if err := checkItems(author, []Item{item}); err != nil {
		return err
	}
	return s.write(ctx, func(tx *transaction) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM feed_gaps WHERE author = ? AND idx = ? AND id = ? AND why <> ?`,
			string(author), item.Index, item.Entry.ID, string(Erased))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNotFound.With(), err)
		}
		var position int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(position), 0) + 1 FROM records`).Scan(&position); err != nil {
			return err
		}
		t := newTaking(tx, author)
		if err := t.look(ctx, []Item{item}); err != nil {
			return err
		}
		if err := t.take(ctx, item, position); err != nil {
			return err
		}
		return t.rows.flush(ctx)
	})
}
