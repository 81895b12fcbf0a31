package records

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"accord/exchange"
)

// sqlStore is all statements of a store, in SQL that database engines
// understand alike; what differs between them is behind engine. Statements mark
// parameters with "?" and hold no other question mark. Writes go through one
// connection, one after the other; reads have a pool.
type sqlStore struct {
	// Hook, if not nil, is told each place at which a test may want a crash. It
	// is set before the store is used.
	Hook func(point string)
	// Fatal, if not nil, is told each error after which this process must not use
	// the store any more (ErrStorage, ErrTaken). It is set before the store is used.
	Fatal func(error)

	health health
	engine engine
	writer *sql.DB
	reader *sql.DB
	turn   chan struct{} // held by the write that runs, until its outcome is known
	keys   *keyFile      // of sealed fields, where they are kept apart; or nil
	words  words

	prepared *prepared // of reader; nil where its driver keeps its own

	Clock func() time.Time // of arrival; nil is the machine's. Set before the store is used.
}

// readers is the size of the pool.
const readers = 4

// engine is what differs between databases.
type engine interface {
	// bind writes the engine's own parameter marks in place of "?".
	bind(statement string) string
	// isolation is that of a writing transaction, moment that of a reading one
	// which sees one moment.
	isolation() *sql.TxOptions
	moment() *sql.TxOptions
	// beforeWriting runs a read whose pages the next write will need, too.
	beforeWriting(ctx context.Context, f func(pool) error) error
	// brief is the context of a read that takes microseconds.
	brief(ctx context.Context) context.Context
	// bytewise makes a text column order by its bytes.
	bytewise() string
	// insertMany inserts rows of a table, all of its columns that are named.
	insertMany(ctx context.Context, tx *transaction, table string, columns []string, rows [][]any) error
	// schema writes what a step of the schema says in the engine's own way.
	schema(statement string) string
	// lockSchema makes a migration wait for one that another process does.
	lockSchema(ctx context.Context, tx *transaction) error
	// begin runs first in every writing transaction, settle when its COMMIT
	// failed: it says nil where the transaction turns out to be stored.
	begin(ctx context.Context, tx *transaction) error
	settle(ctx context.Context, err error) error
	// classify names a driver's error where it is none of storage, or nil.
	classify(err error) error
	// stored is told, by who holds the turn to write, that a transaction was stored.
	stored(ctx context.Context)
	// scrub removes what was erased from the files; all: whatever it costs.
	scrub(ctx context.Context, all bool) error
	// same says whether the store still is the one that was opened.
	same(ctx context.Context) error
	name() string
}

// transaction is a writing transaction whose statements are bound to the engine.
type transaction struct {
	*sql.Tx
	conn   *sql.Conn // the transaction's, of writing ones
	engine engine
	keys   *keyFile
	clock  func() time.Time
	at     exchange.Millis // see now; 0 until it is asked for

	compiled map[string]*sql.Stmt // see kept

	words *words            // that are committed
	known int               // of them, once fresh is not nil
	fresh map[string]uint64 // words that this transaction adds, with their numbers
	added []string          // the same in order
}

func (t *transaction) ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	return t.Tx.ExecContext(ctx, t.engine.bind(statement), args...)
}

func (t *transaction) QueryContext(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return t.Tx.QueryContext(ctx, t.engine.bind(statement), args...)
}

func (t *transaction) QueryRowContext(ctx context.Context, statement string, args ...any) *sql.Row {
	return t.Tx.QueryRowContext(ctx, t.engine.bind(statement), args...)
}

func (t *transaction) PrepareContext(ctx context.Context, statement string) (*sql.Stmt, error) {
	return t.Tx.PrepareContext(ctx, t.engine.bind(statement))
}

// pool is the reading connections with statements bound to the engine.
type pool struct {
	db       *sql.DB
	engine   engine
	prepared *prepared
}

func (p pool) QueryContext(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	bound := p.engine.bind(statement)
	if st := p.prepared.statement(ctx, p.db, bound); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return p.db.QueryContext(ctx, bound, args...)
}

func (p pool) QueryRowContext(ctx context.Context, statement string, args ...any) *sql.Row {
	bound := p.engine.bind(statement)
	if st := p.prepared.statement(ctx, p.db, bound); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return p.db.QueryRowContext(ctx, bound, args...)
}

// prepared keeps the statements of a pool compiled: for one short read, compiling is
// a third of the work. A nil one keeps none, for a driver that does it itself.
type prepared struct {
	mu         sync.Mutex
	statements map[string]*sql.Stmt // guarded by mu
}

// maxPrepared bounds them: texts that are put together anew each time must not
// fill memory. What comes later is compiled each time.
const maxPrepared = 128

// statement is nil where it is not kept, or does not compile: then whoever runs it
// meets the error.
func (p *prepared) statement(ctx context.Context, db *sql.DB, text string) *sql.Stmt {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	st, full := p.statements[text], len(p.statements) >= maxPrepared
	p.mu.Unlock()
	if st != nil || full {
		return st
	}
	st, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.statements[text]; first != nil {
		_ = st.Close() // it ran nothing
		return first
	}
	if p.statements == nil {
		p.statements = map[string]*sql.Stmt{}
	}
	p.statements[text] = st
	return st
}

func (s *sqlStore) hit(point string) {
	if s.Hook != nil {
		s.Hook(point)
	}
}

// again are the waits before a read is tried once more on a new connection.
var again = []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}

// read runs f, and again where its connection was lost: f begins from nothing
// each time. A database that stays away is ErrUnreachable.
func (s *sqlStore) read(ctx context.Context, f func(pool) error) error {
	for attempt := 0; ; attempt++ {
		err := s.translated(ctx, f(pool{s.reader, s.engine, s.prepared}))
		if !errors.Is(err, ErrUnreachable) || attempt == len(again) {
			return s.note(err, false)
		}
		if err := wait(ctx, again[attempt]); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commitPatience bounds the wait for the answer to a COMMIT.
const commitPatience = time.Minute

// write runs f in one transaction. Cancelled, it has changed nothing, or it
// returns nil: a COMMIT that was sent is waited for.
func (s *sqlStore) write(ctx context.Context, f func(*transaction) error) error {
	return s.transact(ctx, func(tx *transaction) error {
		if err := s.engine.begin(ctx, tx); err != nil {
			return err
		}
		return f(tx)
	})
}

func (s *sqlStore) transact(ctx context.Context, f func(*transaction) error) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	s.hit("records.begin")
	committing, err := s.attempt(ctx, f)
	if err != nil && committing {
		err = s.engine.settle(ctx, err)
	}
	if err == nil {
		s.engine.stored(ctx)
	}
	return s.note(s.translated(ctx, err), true)
}

// attempt says with its error whether the transaction was asked to commit.
func (s *sqlStore) attempt(ctx context.Context, f func(*transaction) error) (committing bool, err error) {
	conn, tx, end, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer end()
	in := s.within(tx)
	in.conn = conn
	if err := f(in); err != nil {
		_ = tx.Rollback() // the first error says more, and a failed rollback ends the connection
		return false, err
	}
	s.hit("records.commit.before")
	if err := ctx.Err(); err != nil {
		_ = tx.Rollback()
		return false, err
	}
	defer time.AfterFunc(commitPatience, end).Stop()
	err = tx.Commit()
	if err == nil {
		s.words.learn(in.known, in.added)
	}
	s.hit("records.commit.after")
	return true, err
}

// within binds a transaction to the store.
func (s *sqlStore) within(tx *sql.Tx) *transaction {
	clock := s.Clock
	if clock == nil {
		clock = time.Now
	}
	return &transaction{Tx: tx, engine: s.engine, keys: s.keys, clock: clock, words: &s.words}
}

// connect takes the writing connection and begins a transaction that does not end
// with ctx. Where the connection turns out to be lost, nothing was asked of it,
// and another is taken.
func (s *sqlStore) connect(ctx context.Context) (conn *sql.Conn, tx *sql.Tx, end context.CancelFunc, err error) {
	for attempt := 0; ; attempt++ {
		conn, err = s.writer.Conn(ctx)
		if err == nil {
			var lasting context.Context
			lasting, end = context.WithCancel(context.WithoutCancel(ctx))
			if tx, err = conn.BeginTx(lasting, s.engine.isolation()); err == nil {
				return conn, tx, end, nil
			}
			end()
			_ = conn.Close() // the error says more
		}
		if attempt == len(again) || !errors.Is(s.translated(ctx, err), ErrUnreachable) {
			return nil, nil, nil, err
		}
		if err := wait(ctx, again[attempt]); err != nil {
			return nil, nil, nil, err
		}
	}
}

// migrate brings the schema to the newest version, and refuses one that a
// newer build made. All steps are one transaction.
func (s *sqlStore) migrate(ctx context.Context) error {
	return s.transact(ctx, func(tx *transaction) error {
		if err := s.engine.lockSchema(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`); err != nil {
			return err
		}
		version := 0
		err := tx.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (version) VALUES (0)`)
		}
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return ErrSchema.With()
		}
		if version == len(migrations) {
			return nil
		}
		packing := version < packedSchema
		for ; version < len(migrations); version++ {
			for _, statement := range migrations[version] {
				if _, err := tx.ExecContext(ctx, s.engine.schema(statement)); err != nil {
					return err
				}
			}
		}
		if packing {
			if err := packAll(ctx, tx); err != nil {
				return err
			}
		}
		if err := feedUnfed(ctx, tx); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE schema_version SET version = ?`, version)
		return err
	})
}

// translated turns a driver's error into one of ours. A cancelled call is the
// caller's doing; whatever else is not ours already is fatal.
func (s *sqlStore) translated(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var ours *exchange.Error
	if errors.As(err, &ours) {
		return err
	}
	if cancelled := ctx.Err(); cancelled != nil {
		return cancelled
	}
	if known := s.engine.classify(err); known != nil {
		return known
	}
	return ErrStorage.Wrap(err)
}

// Close implements Store. SQLite writes its log back into the file.
func (s *sqlStore) Close() error {
	s.health.mu.Lock()
	s.health.closed = true
	s.health.mu.Unlock()
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return ErrStorage.Wrap(err)
	}
	return nil
}
