package pull

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"
)

type postgres struct{}

// openPostgres makes a pool for an address such as
// postgres://user:password@host:5432/database?sslmode=verify-full.
func openPostgres(address string, plain bool) (*sql.DB, dialect, string, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil { // the error may quote the address
		return nil, nil, "", ErrSecret.With("where", "pull.sql.address", "why", "it is not of the form postgres://user:password@host:5432/database")
	}
	ways := []struct {
		host   string
		secure bool
	}{{config.Host, checkedTLS(config.Config.TLSConfig)}}
	for _, f := range config.Fallbacks {
		ways = append(ways, struct {
			host   string
			secure bool
		}{f.Host, checkedTLS(f.TLSConfig)})
	}
	for _, way := range ways {
		if !plain && !way.secure && !here(way.host) {
			return nil, nil, "", ErrPlace.With("where", way.host, "why", "the server is on another machine and sslmode is not verify-full or verify-ca")
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.RuntimeParams["application_name"] = "accord-pull"
	config.RuntimeParams["default_transaction_read_only"] = "on"
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		f := pgproto3.NewFrontend(r, w)
		f.SetMaxBodyLen(maxPage) // of one row
		return f
	}
	return stdlib.OpenDB(*config), postgres{}, config.Host, nil
}

// here says whether a host is this machine.
func here(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
}

func (postgres) quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func (postgres) mark(n int) string { return "$" + strconv.Itoa(n) }

func (postgres) begin(ctx context.Context, tx *sql.Tx, timeout time.Duration) error {
	_, err := tx.ExecContext(ctx, "SET LOCAL statement_timeout = "+strconv.FormatInt(timeout.Milliseconds(), 10))
	return err
}

func (postgres) code(err error) string {
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		return "SQLSTATE " + refusal.Code
	}
	return ""
}

// postgresKinds are the types that have one exact text.
var postgresKinds = map[string]kind{
	"TEXT": kindText, "VARCHAR": kindText, "BPCHAR": kindText, "NAME": kindText, "TIME": kindText, "UUID": kindName,
	"INT2": kindWhole, "INT4": kindWhole, "INT8": kindWhole, "NUMERIC": kindDecimal, "FLOAT4": kindFloat, "FLOAT8": kindFloat,
	"BOOL": kindBool, "DATE": kindDate, "TIMESTAMP": kindLocal, "TIMESTAMPTZ": kindStamp, "JSON": kindJSON, "JSONB": kindJSON,
}

func (postgres) kindOf(ctx context.Context, tx *sql.Tx, c *sql.ColumnType) (kind, error) {
	name := c.DatabaseTypeName()
	if k, known := postgresKinds[name]; known {
		return k, nil
	}
	oid, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		return kindNone, nil
	}
	var sort string // enums have numbers of their own
	if err := tx.QueryRowContext(ctx, "SELECT typtype::text FROM pg_catalog.pg_type WHERE oid = $1::text::oid", strconv.FormatUint(oid, 10)).Scan(&sort); err != nil {
		return kindNone, err
	}
	if sort == "e" {
		return kindText, nil
	}
	return kindNone, nil
}
