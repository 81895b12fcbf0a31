package records

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"accord/exchange"
)

// Health is how a store stands by what it was asked last.
type Health struct {
	Engine string    // sqlite or postgres
	Err    error     // nil: it does what it is asked
	Since  time.Time // when Err was first seen; zero without
	Took   time.Duration
}

// health is what a store notes of its own answers.
type health struct {
	mu      sync.Mutex
	err     error     // guarded by mu
	writing bool      // a write met it: a read that succeeds says nothing of it; guarded by mu
	since   time.Time // guarded by mu
	took    time.Duration
	closed  bool
}

// fatal are the errors after which this process must not use the store any more:
// it is not the one that was opened, or does not do what it says. Everything else
// left the store as it was and passes by itself, or is the caller's.
func fatal(err error) bool { return errors.Is(err, ErrStorage) || errors.Is(err, ErrTaken) }

// unwell are the errors that say something of the store rather than of the request.
func unwell(err error) bool {
	return fatal(err) || slices.ContainsFunc([]*exchange.Definition{ErrUnreachable, ErrServer, ErrFull, ErrBusy, ErrOutcome},
		func(d *exchange.Definition) bool { return errors.Is(err, d) })
}

// note keeps what an answer says of the store, and reports what is fatal. It gives
// the error back.
func (s *sqlStore) note(err error, writing bool) error {
	h := &s.health
	h.mu.Lock()
	closed := h.closed
	switch {
	case err == nil:
		if writing || !h.writing {
			h.err, h.writing, h.since = nil, false, time.Time{}
		}
	case !unwell(err) || closed:
	case h.err == nil:
		h.err, h.writing, h.since = err, writing, time.Now()
	default:
		h.err, h.writing = err, h.writing || writing
	}
	h.mu.Unlock()
	if err != nil && fatal(err) && !closed && s.Fatal != nil {
		s.Fatal(err)
	}
	return err
}

// Health is how the store stands by what it was asked last.
func (s *sqlStore) Health() Health {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	return Health{Engine: s.engine.name(), Err: h.err, Since: h.since, Took: h.took}
}

// checkCount is the position that Check writes where a write went wrong before.
const checkCount = "store/checked"

// Check asks the store something small, and after a write that went wrong has it
// write something small, so that Health is true without anybody's doing.
func (s *sqlStore) Check(ctx context.Context) error {
	begin := time.Now()
	if err := s.note(s.engine.same(ctx), false); err != nil {
		return err
	}
	n, err := s.Position(ctx, checkCount)
	s.health.mu.Lock()
	s.health.took = time.Since(begin)
	writing := s.health.writing
	s.health.mu.Unlock()
	if err != nil || !writing {
		return err
	}
	return s.SetPosition(ctx, Position{Feed: checkCount, Index: n + 1})
}

// name implements engine.
func (s *SQLite) name() string { return "sqlite" }

// same implements engine: a file that was put in the place of the one that is open
// would take over with the next start, without what was confirmed since.
func (s *SQLite) same(context.Context) error {
	now, err := os.Stat(s.file)
	if err == nil && !os.SameFile(now, s.opened) {
		err = errors.New("the file was replaced while it was open")
	}
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	return nil
}

// name implements engine.
func (s *Postgres) name() string { return "postgres" }

// same implements engine: a process that was overtaken should not wait for its next
// write to learn of it.
func (s *Postgres) same(ctx context.Context) error {
	if err := s.keys.same(ctx); err != nil {
		return err
	}
	return s.read(ctx, func(p pool) error {
		var epoch int64
		err := p.QueryRowContext(ctx, `SELECT epoch FROM owner WHERE one = 1`).Scan(&epoch)
		if err == nil && epoch != s.epoch {
			err = ErrTaken.With()
		}
		return err
	})
}

// Ping says whether a database answers, lets this user in and is the owner's, without
// opening the store.
func Ping(ctx context.Context, d Database) error {
	s, err := connectPostgres(d)
	if err != nil {
		return err
	}
	defer s.reader.Close()
	defer s.writer.Close()
	var is Owner
	err = s.read(ctx, func(p pool) error {
		return p.QueryRowContext(ctx, `SELECT federation, member, node FROM owner WHERE one = 1`).Scan(&is.Federation, &is.Member, &is.Node)
	})
	if err == nil && is != d.Owner {
		err = ErrOwner.With("owner", is.Member+"/"+is.Node)
	}
	return err
}
