package records

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Database says where a PostgreSQL store is and whose it is.
type Database struct {
	URL      string // postgres://user@host:5432/name?…, without a password
	Password string // may be empty: PGPASSFILE and the server's other ways count
	Owner    Owner
	// Keys is the file beside the database that holds the keys of the sealed
	// fields: the server never sees them, so that what an erasure leaves in its
	// files, logs and backups cannot be opened.
	Keys string
	// Moved is the SQLite store that was moved into this database, while the
	// operator keeps it: what is erased here is erased there as well. May be empty.
	Moved string
}

// Owner is the one node that a database belongs to.
type Owner struct {
	Federation string
	Member     string
	Node       string
}

// Postgres is a Store in a PostgreSQL database.
//
// A database has one owner. Whoever opens it last, under the owner's name, is
// the one that writes: an older process of the same node is refused from then on.
type Postgres struct {
	sqlStore
	owner  Owner
	epoch  int64 // of this opening
	ticket int64 // of the writing transaction that runs
	moved  string
	grown  int // rows of records put in by this opening, under the turn to write
	survey int // how many of them before the server counts again; 0: not asked yet
}

// OpenPostgres opens the store in a database, brings its schema up to date and
// takes it for the owner. It refuses a server that could lose or garble what it
// confirmed (ErrServer), a database of another owner (ErrOwner) and one that is
// still being moved into (ErrMoving).
func OpenPostgres(ctx context.Context, d Database) (*Postgres, error) {
	s, err := dialPostgres(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := s.take(ctx, stateReady); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connectPostgres makes the connections' pools.
func connectPostgres(d Database) (*Postgres, error) {
	config, err := parsePostgres(d)
	if err != nil {
		return nil, err
	}
	s := &Postgres{owner: d.Owner, moved: d.Moved}
	s.engine, s.turn = s, make(chan struct{}, 1)
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "60000" // a lost writer holds the lock no longer
	s.writer = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(mustKeep))
	s.writer.SetMaxOpenConns(1)
	reading := config.Copy()
	delete(reading.RuntimeParams, "idle_in_transaction_session_timeout")
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	s.reader = stdlib.OpenDB(*reading, stdlib.OptionAfterConnect(mustKeep))
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s, nil
}

// dialPostgres connects and migrates.
func dialPostgres(ctx context.Context, d Database) (*Postgres, error) {
	s, err := connectPostgres(d)
	if err != nil {
		return nil, err
	}
	if s.keys, err = openKeyFile(ctx, d.Keys); err != nil {
		return nil, errors.Join(err, s.writer.Close(), s.reader.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// parsePostgres refuses what would carry data or a password where others see it.
func parsePostgres(d Database) (*pgx.ConnConfig, error) {
	u, err := url.Parse(d.URL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, ErrPlace.With("why", "not of the form postgres://user@host:5432/database")
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return nil, ErrPlace.With("why", "it holds a password")
	}
	config, err := pgx.ParseConfig(d.URL)
	if err != nil {
		return nil, ErrPlace.Wrap(err, "why", "a parameter is not known or not valid")
	}
	if d.Password != "" {
		config.Password = d.Password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "accord"
	}
	if !private(config) {
		return nil, ErrPlace.With("why", "the server is on another machine and sslmode is not verify-full or verify-ca")
	}
	return config, nil
}

// private says whether every way to the server stays on this machine or is a
// TLS connection whose certificate is checked.
func private(config *pgx.ConnConfig) bool {
	checked := func(host string, insecure bool) bool {
		ip := net.ParseIP(host)
		return strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback() || !insecure
	}
	insecure := config.TLSConfig == nil || config.TLSConfig.InsecureSkipVerify && config.TLSConfig.VerifyPeerCertificate == nil
	ok := checked(config.Host, insecure)
	for _, f := range config.Fallbacks {
		insecure := f.TLSConfig == nil || f.TLSConfig.InsecureSkipVerify && f.TLSConfig.VerifyPeerCertificate == nil
		ok = ok && checked(f.Host, insecure)
	}
	return ok
}

// mustKeep refuses a server that does not keep what it confirmed, on every new
// connection: after a failover it may be another server.
func mustKeep(ctx context.Context, c *pgx.Conn) error {
	var encoding, commit, fsync string
	err := c.QueryRow(ctx, `SELECT current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync')`).
		Scan(&encoding, &commit, &fsync)
	switch {
	case err != nil:
		return err
	case encoding != "UTF8":
		return ErrServer.With("why", "server_encoding is "+encoding)
	case commit == "off":
		return ErrServer.With("why", "synchronous_commit is off")
	case fsync != "on":
		return ErrServer.With("why", "fsync is "+fsync)
	}
	return nil
}

// The states of a database.
const (
	stateReady  = "ready"
	stateMoving = "moving" // accord db move has not finished
)

// take makes the owner the one that writes from now on, under a new epoch.
func (s *Postgres) take(ctx context.Context, state string) error {
	return s.transact(ctx, func(tx *transaction) error {
		return s.takeIn(ctx, tx, state)
	})
}

func (s *Postgres) takeIn(ctx context.Context, tx *transaction, state string) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO owner (one, federation, member, node, keys, state, epoch, written)
		VALUES (1, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (one) DO NOTHING`,
		s.owner.Federation, s.owner.Member, s.owner.Node, s.keys.id, state); err != nil {
		return err
	}
	is, keys, found, err := ownerOf(ctx, tx)
	switch {
	case err != nil:
		return err
	case is != s.owner:
		return ErrOwner.With("owner", is.Member+"/"+is.Node)
	case keys != s.keys.id:
		return ErrKeyFile.With()
	case found != state:
		return ErrMoving.With()
	}
	return tx.QueryRowContext(ctx, `UPDATE owner SET epoch = epoch + 1 WHERE one = 1 RETURNING epoch`).Scan(&s.epoch)
}

func ownerOf(ctx context.Context, tx *transaction) (is Owner, keys, state string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT federation, member, node, keys, state FROM owner WHERE one = 1`).
		Scan(&is.Federation, &is.Member, &is.Node, &keys, &state)
	return is, keys, state, err
}

// Adopt gives a database of the same member from the node that had it to the
// one named in d, which must not run yet. It needs the key file of the former.
func Adopt(ctx context.Context, d Database, from string) error {
	s, err := dialPostgres(ctx, d)
	if err != nil {
		return err
	}
	err = s.transact(ctx, func(tx *transaction) error {
		is, keys, _, err := ownerOf(ctx, tx)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrOwner.With("owner", "-")
		case err != nil:
			return err
		case is.Federation != s.owner.Federation || is.Member != s.owner.Member || is.Node != from:
			return ErrOwner.With("owner", is.Member+"/"+is.Node)
		case keys != s.keys.id:
			return ErrKeyFile.With()
		}
		_, err = tx.ExecContext(ctx, `UPDATE owner SET node = ?, epoch = epoch + 1 WHERE one = 1`, s.owner.Node)
		return err
	})
	return errors.Join(err, s.Close())
}

// Close implements Store.
func (s *Postgres) Close() error { return errors.Join(s.sqlStore.Close(), s.keys.Close()) }
