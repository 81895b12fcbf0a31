package records

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
)

// CopyTo writes the store as it stands now into a new file, beside reads and
// writes that go on. The copy is compact: it holds no page, and so no sealed
// field, that was erased before.
func (s *SQLite) CopyTo(ctx context.Context, file string) error {
	if err := createFile(file); err != nil { // with its mode, before SQLite fills it
		return err
	}
	db, err := sql.Open("sqlite", dsn(s.file, url.Values{})) // readers may only query, and the writer is needed
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, file)
	return errors.Join(s.note(s.translated(ctx, err), false), db.Close())
}
