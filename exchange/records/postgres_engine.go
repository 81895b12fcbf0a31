package records

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// bind implements engine: $1, $2, … for each "?".
func (s *Postgres) bind(statement string) string {
	if !strings.Contains(statement, "?") {
		return statement
	}
	var b strings.Builder
	b.Grow(len(statement) + 40)
	for n := 1; ; n++ {
		before, after, found := strings.Cut(statement, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		statement = after
	}
}

// isolation implements engine: the owner's row is locked first, so every
// statement after it sees all that was committed before.
func (s *Postgres) isolation() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// moment implements engine.
func (s *Postgres) moment() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// beforeWriting implements engine: a server has one cache for all.
func (s *Postgres) beforeWriting(ctx context.Context, f func(pool) error) error {
	return s.read(ctx, f)
}

// brief implements engine: a server may hang.
func (s *Postgres) brief(ctx context.Context) context.Context { return ctx }

// bytewise implements engine: a database has an order of its own.
func (s *Postgres) bytewise() string { return ` COLLATE "C"` }

// schema implements engine.
func (s *Postgres) schema(statement string) string {
	return strings.NewReplacer("<position>", "BIGINT PRIMARY KEY", "<empty>", "''", "<compact>", "",
		"<jwt>", "convert_to(jwt, 'UTF8')", "<sealed>", "convert_to(sealed, 'UTF8')",
		"<row_key>", postgresKey("row_key"), "<row_digest>", postgresKey("row_digest")).Replace(statement)
}

// insertMany implements engine. COPY costs the server a third of what an INSERT of
// many rows does, and is one way there and back.
func (s *Postgres) insertMany(ctx context.Context, tx *transaction, table string, columns []string, rows [][]any) error {
	if table == "records" {
		s.grown += len(rows)
	}
	if len(rows) < 8 {
		_, err := tx.ExecContext(ctx, insertText("INSERT", table, columns, len(rows)), slices.Concat(rows...)...)
		return err
	}
	return tx.conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	})
}

// firstSurvey is after how many new rows the server first counts what its tables hold.
const firstSurvey = 500

// stored implements engine. A server that has not counted what came since takes the
// tables for empty, and looks for rows in all of them: an import grew slower with
// each batch. Its own count comes a minute late; this one at each doubling. A server
// that does not know the statement goes on as it was.
func (s *Postgres) stored(ctx context.Context) {
	if s.grown < max(firstSurvey, s.survey) {
		return
	}
	s.survey = 2 * s.grown
	_, _ = s.writer.ExecContext(ctx, `ANALYZE records, names, name_keys, numbers`)
}

// postgresKey is keyBytes of a column.
func postgresKey(column string) string {
	return strings.ReplaceAll(`CASE WHEN $ = '' THEN decode('', 'hex') WHEN length($) = 64 AND $ !~ '[^0-9a-f]' THEN decode('01' || $, 'hex') ELSE decode('00', 'hex') || convert_to($, 'UTF8') END`, "$", column)
}

// schemaLock is any number that no other program on the database is likely to use.
const schemaLock = 0x6163636f7264 // "accord"

// lockSchema implements engine.
func (s *Postgres) lockSchema(ctx context.Context, tx *transaction) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(?)`, int64(schemaLock))
	return err
}

// begin implements engine. The one statement takes the lock that puts writing
// transactions in one order, refuses a process that was overtaken, and draws the
// number by which a lost COMMIT is found again.
func (s *Postgres) begin(ctx context.Context, tx *transaction) error {
	err := tx.QueryRowContext(ctx, `UPDATE owner SET written = written + 1 WHERE one = 1 AND epoch = ? RETURNING written`, s.epoch).Scan(&s.ticket)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrTaken.With()
	}
	return err
}

// settlePatience bounds the search for the outcome of a lost COMMIT. The
// server ends a transaction of a lost connection within a minute.
const settlePatience = 90 * time.Second

// settle implements engine. The server's own refusal of a COMMIT is believed;
// after anything else the owner's row says whether the transaction is stored.
func (s *Postgres) settle(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR" || errors.Is(err, pgx.ErrTxCommitRollback) {
		return err
	}
	cause := err
	bounded, end := context.WithTimeout(ctx, settlePatience)
	defer end()
	for bounded.Err() == nil {
		epoch, written, err := s.standing(bounded)
		switch {
		case err == nil && epoch != s.epoch:
			return ErrOutcome.Wrap(cause) // overtaken: the number is another's
		case err == nil && written == s.ticket:
			return nil
		case err == nil:
			return ErrUnreachable.Wrap(cause)
		}
		_ = wait(bounded, 200*time.Millisecond)
	}
	return ErrOutcome.Wrap(cause)
}

// standing reads the owner's row under its lock, which the transaction in
// question may still hold.
func (s *Postgres) standing(ctx context.Context) (epoch, written int64, err error) {
	tx, err := s.writer.BeginTx(ctx, s.isolation())
	if err != nil {
		return 0, 0, err
	}
	err = tx.QueryRowContext(ctx, `SELECT epoch, written FROM owner WHERE one = 1 FOR UPDATE`).Scan(&epoch, &written)
	_ = tx.Rollback() // it changed nothing
	return epoch, written, err
}

// classify implements engine.
func (s *Postgres) classify(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		if away(err) {
			return ErrUnreachable.Wrap(err)
		}
		return nil
	}
	class := e.Code[:min(2, len(e.Code))]
	switch {
	case e.Code == "23505": // unique_violation
		return ErrDuplicate.Wrap(err)
	case e.Code == "53100": // disk_full
		return ErrFull.Wrap(err)
	case e.Code == "42501": // insufficient_privilege
		return ErrServer.Wrap(err, "why", "the user lacks a right")
	case class == "28" || class == "3D" || e.Code == "3F000":
		return ErrServer.Wrap(err, "why", "it does not let this user into this database")
	case class == "08", class == "53", class == "57", class == "40", e.Code == "55P03", e.Code == "25006", e.Code == "25P03":
		// Connection, resources, shutdown or cancellation, deadlock, lock, standby,
		// idle in transaction: the transaction is gone, and the next may do.
		return ErrUnreachable.Wrap(err)
	}
	return nil
}

// away says whether an error is that of a connection.
func away(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err)
}
