package records

import (
	"context"
	"database/sql"
	"errors"

	"accord/crypto/seal"
	"accord/exchange"
	"accord/exchange/feed"
)

// InsertBatch implements Store.
func (s *sqlStore) InsertBatch(ctx context.Context, batch []Record, at ...Position) error {
	return s.insert(ctx, batch, nil, at)
}

// InsertCounted implements Store.
func (s *sqlStore) InsertCounted(ctx context.Context, batch []Record, counts []Tally) error {
	if len(batch) == 0 {
		return s.onlyTallies(ctx, counts)
	}
	return s.insert(ctx, batch, counts, nil)
}

func (s *sqlStore) insert(ctx context.Context, batch []Record, counts []Tally, at []Position) error {
	for i := range batch {
		if err := batch[i].check(); err != nil {
			return err
		}
	}
	return s.write(ctx, func(tx *transaction) error {
		stored := func() (bool, error) { return true, nil }
		if s.keys != nil { // beside the statements, and durable before they are
			stored = s.keys.putting(ctx, batch)
		}
		err := insertBatch(ctx, tx, batch, counts, at)
		all, kerr := stored()
		if err != nil || kerr != nil {
			return errors.Join(err, kerr)
		}
		if !all { // left over from a transaction that was not committed: the ids are new
			return s.keys.put(ctx, batch)
		}
		return nil
	})
}

func insertBatch(ctx context.Context, tx *transaction, batch []Record, counts []Tally, at []Position) error {
	var position int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(position), 0) FROM records`).Scan(&position); err != nil {
		return err
	}
	var g *growth
	var err error
	rows := newBulk(tx)
	for i := range batch {
		r := batch[i]
		position++
		if g, r.FeedIndex, err = g.next(ctx, tx, r.Author, r.entry()); err != nil {
			return err
		}
		if err := insertOne(ctx, tx, rows, &r, position); err != nil {
			return err
		}
	}
	if err := rows.flush(ctx); err != nil {
		return err
	}
	if err := g.done(ctx, tx); err != nil {
		return err
	}
	if err := addTallies(ctx, tx, counts); err != nil {
		return err
	}
	return setPositions(ctx, tx, at)
}

func insertOne(ctx context.Context, tx *transaction, rows *bulk, r *Record, position int64) error {
	if r.Replaces != "" { // first, so that the source row is free for its new record
		if err := rows.flush(ctx); err != nil { // what it replaces may be among them
			return err
		}
		if err := replace(ctx, tx, r.Replaces, r.ID, r.Reason, r.IssuedAt); err != nil {
			return err
		}
	}
	return rows.add(ctx, r, position)
}

func setPositions(ctx context.Context, tx *transaction, at []Position) error {
	for _, p := range at {
		if p.Feed == "" || p.Index < 0 {
			return malformed("position")
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO positions (feed, position) VALUES (?, ?)
			ON CONFLICT (feed) DO UPDATE SET position = excluded.position`, p.Feed, p.Index); err != nil {
			return err
		}
	}
	return nil
}

// SetPosition implements Store.
func (s *sqlStore) SetPosition(ctx context.Context, p Position) error {
	return s.write(ctx, func(tx *transaction) error { return setPositions(ctx, tx, []Position{p}) })
}

// MarkReplaced implements Store.
func (s *sqlStore) MarkReplaced(ctx context.Context, id, by exchange.RecordID, reason string) error {
	if !exchange.ValidID(string(by)) || by == id || len(reason) > maxText {
		return malformed("replaced_by")
	}
	return s.write(ctx, func(tx *transaction) error { return replace(ctx, tx, id, by, reason, 0) })
}

// replace marks a record as corrected by another, issued at a time; 0 is now.
func replace(ctx context.Context, tx *transaction, id, by exchange.RecordID, reason string, at exchange.Millis) error {
	status, replacedBy, err := standing(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case status == Corrected && replacedBy == by:
		return nil
	case status != Active:
		return ErrNotActive.With()
	}
	now, err := tx.now(ctx)
	if err != nil {
		return err
	}
	if at == 0 {
		at = now
	}
	_, err = tx.ExecContext(ctx, `UPDATE records SET status = ?, replaced_by = ?, reason = ?, changed_at = ?, ended_at = ? WHERE id = ?`,
		string(Corrected), string(by), reason, int64(now), int64(at), string(id))
	return err
}

// MarkRetracted implements Store.
func (s *sqlStore) MarkRetracted(ctx context.Context, d feed.Document, reason string) error {
	if len(reason) > maxText || !storable(reason) {
		return malformed("reason")
	}
	if d.Kind != feed.Retraction {
		return malformed("kind")
	}
	return s.write(ctx, func(tx *transaction) error {
		status, _, err := standing(ctx, tx, d.Record)
		switch {
		case err != nil:
			return err
		case status == Retracted:
			return nil
		case status != Active:
			return ErrNotActive.With()
		}
		was, err := file(ctx, tx, &d)
		if err != nil {
			return err
		}
		if !was { // another member's
			return ErrNotFound.With()
		}
		if _, err := tx.ExecContext(ctx, `UPDATE records SET reason = ? WHERE id = ?`, reason, string(d.Record)); err != nil {
			return err
		}
		g, _, err := (*growth)(nil).next(ctx, tx, d.Issuer, d.Entry())
		if err != nil {
			return err
		}
		return g.done(ctx, tx)
	})
}

func standing(ctx context.Context, tx *transaction, id exchange.RecordID) (Status, exchange.RecordID, error) {
	var status string
	var by sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT status, replaced_by FROM records WHERE id = ?`, string(id)).Scan(&status, &by)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", ErrNotFound.With()
	}
	return Status(status), exchange.RecordID(by.String), err
}

// Erase implements Store.
func (s *sqlStore) Erase(ctx context.Context, id exchange.RecordID, fields ...string) (int, error) {
	erased := 0
	err := s.write(ctx, func(tx *transaction) error {
		if err := tx.lookUp(ctx); err != nil {
			return err
		}
		var packed, boxes []byte
		row := beside{id: string(id)}
		err := tx.QueryRowContext(ctx, `SELECT subject, jwt, sealed FROM records WHERE id = ?`, row.id).Scan(&row.subject, &packed, &boxes)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound.With()
		}
		if err != nil {
			return err
		}
		_, payload, err := unpackJWT(packed, row, tx.spell)
		if err != nil {
			return ErrStorage.Wrap(err)
		}
		sealed, err := decodeBoxes(boxes, payload, tx.spell)
		if err != nil {
			return err
		}
		if erased, err = eraseFields(sealed, fields); err != nil || erased == 0 {
			return err
		}
		data, err := encodeBoxes(sealed, s.keys != nil, payload, func(word []byte) (uint64, error) { return tx.number(ctx, word) })
		if err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `UPDATE records SET sealed = ? WHERE id = ?`, data, string(id)); err != nil {
			return err
		}
		if err := counted(ctx, tx); err != nil || s.keys == nil {
			return err
		}
		return s.keys.destroy(ctx, id, sealed) // if the commit fails now, the fields are erased all the same
	})
	if err != nil {
		return 0, err
	}
	return erased, s.Scrub(ctx)
}

// eraseFields empties the named fields, all when none is named, and counts
// those that still held something.
func eraseFields(sealed []SealedField, fields []string) (int, error) {
	wanted := make(map[string]bool, len(fields))
	for _, f := range fields {
		wanted[f] = true
	}
	erased := 0
	for i := range sealed {
		f := &sealed[i]
		if len(fields) > 0 && !wanted[f.Field] {
			continue
		}
		delete(wanted, f.Field)
		if !f.Erased {
			f.Erased, f.Sealed = true, seal.Sealed{}
			erased++
		}
	}
	if len(wanted) > 0 {
		return 0, ErrNotFound.With().At("/sealed")
	}
	return erased, nil
}

func nullable(id exchange.RecordID) any {
	if id == "" {
		return nil
	}
	return string(id)
}
