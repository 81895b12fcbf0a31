package records

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"accord/exchange"
)

// Positions that count erasures, in the transactions that do them, and the scrubs
// behind them. They survive a crash between the two.
const (
	erasedCount   = "store/erased"
	scrubbedCount = "store/scrubbed"
)

// counted notes in a transaction that it leaves bytes behind.
func counted(ctx context.Context, tx *transaction) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO positions (feed, position) VALUES (?, 1)
		ON CONFLICT (feed) DO UPDATE SET position = positions.position + 1`, erasedCount)
	return err
}

// Scrub implements Feeds. It does nothing where nothing was erased since the last.
func (s *sqlStore) Scrub(ctx context.Context) error { return s.scrub(ctx, false) }

// ScrubAll is Scrub at any cost: tables of any size are rewritten, and reads of them
// wait meanwhile.
func (s *sqlStore) ScrubAll(ctx context.Context) error { return s.scrub(ctx, true) }

func (s *sqlStore) scrub(ctx context.Context, all bool) error {
	erased, err := s.Position(ctx, erasedCount)
	if err != nil {
		return err
	}
	done, err := s.Position(ctx, scrubbedCount)
	if err != nil || done >= erased {
		return err
	}
	if err := s.note(s.engine.scrub(ctx, all), true); err != nil {
		return err
	}
	return s.SetPosition(ctx, Position{Feed: scrubbedCount, Index: erased})
}

// Unscrubbed counts the erasing transactions whose bytes may still be in the
// store's files.
func (s *sqlStore) Unscrubbed(ctx context.Context) (int64, error) {
	erased, err := s.Position(ctx, erasedCount)
	if err != nil {
		return 0, err
	}
	done, err := s.Position(ctx, scrubbedCount)
	return max(0, erased-done), err
}

// scrub implements engine. It empties the write-ahead log, which still holds the
// pages as they were; in the file itself they are overwritten (secure_delete).
func (s *SQLite) scrub(ctx context.Context, _ bool) error {
	var busy, logged, done int
	if err := s.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &logged, &done); err != nil {
		return s.translated(ctx, err)
	}
	if busy != 0 {
		return ErrUnscrubbed.With("why", "a long read keeps the write-ahead log")
	}
	return nil
}

// holding are the tables that hold words of a record.
var holding = []string{"records", "names", "name_keys", "numbers", "feed_gaps", "custody_deals", "custody_hands", "custody_shares"}

// rewritable is the largest table that is rewritten by itself: reads of it wait for
// some seconds meanwhile.
const rewritable = 256 << 20

// scrub implements engine. A deleted row stays in PostgreSQL's files until its page
// is used again, so the tables that hold words of records are rewritten. The keys of
// sealed fields never were in them; see DESIGN.md.
func (s *Postgres) scrub(ctx context.Context, all bool) error {
	if err := s.scrubMoved(ctx); err != nil {
		return err
	}
	large := false
	for _, t := range holding {
		var size int64
		if err := s.writer.QueryRowContext(ctx, `SELECT pg_total_relation_size($1::text::regclass)`, t).Scan(&size); err != nil {
			return s.translated(ctx, err)
		}
		rewrite := "VACUUM (FULL) " + t
		if size > rewritable && !all {
			large, rewrite = true, "VACUUM "+t
		}
		if _, err := s.writer.ExecContext(ctx, rewrite); err != nil {
			return s.translated(ctx, err)
		}
	}
	if large {
		return ErrUnscrubbed.With("why", "large tables are rewritten by accord db scrub alone")
	}
	return nil
}

// scrubMoved erases from the store that was moved into this database, if it still
// lies beside the key file, what was erased here since.
func (s *Postgres) scrubMoved(ctx context.Context) error {
	if s.moved == "" {
		return nil
	}
	if _, err := os.Lstat(s.moved); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	type erasure struct{ author, record string }
	gone, err := gather(ctx, &s.sqlStore, func(row scanner) (e erasure, err error) {
		err = row.Scan(&e.author, &e.record)
		return e, err
	}, `SELECT author, record FROM feed_documents WHERE kind = 'erasure' ORDER BY id`)
	if err != nil {
		return err
	}
	old, err := OpenSQLite(ctx, s.moved)
	if err != nil {
		return err
	}
	err = old.write(ctx, func(tx *transaction) error {
		for _, e := range gone {
			if _, err := erase(ctx, tx, exchange.MemberID(e.author), exchange.RecordID(e.record)); err != nil {
				return err
			}
		}
		return counted(ctx, tx)
	})
	if err == nil {
		err = old.Scrub(ctx)
	}
	return errors.Join(err, old.Close())
}
