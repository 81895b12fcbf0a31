package pull

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"io"
	"log"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

type mariadb struct{}

// openMySQL makes a pool for an address such as
// user:password@tcp(host:3306)/database?tls=true.
func openMySQL(address string, plain bool) (*sql.DB, dialect, string, error) {
	config, err := mysql.ParseDSN(address)
	if err != nil { // the error may quote the address
		return nil, nil, "", ErrSecret.With("where", "pull.sql.address", "why", "it is not of the form user:password@tcp(host:3306)/database")
	}
	host, _, err := net.SplitHostPort(config.Addr)
	if err != nil {
		host = config.Addr // a socket
	}
	secure := checkedTLS(config.TLS) && !config.AllowFallbackToPlaintext
	if !plain && !secure && !here(host) {
		return nil, nil, "", ErrPlace.With("where", host, "why", "the server is on another machine and its tls is not true")
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	config.MultiStatements, config.ParseTime, config.InterpolateParams = false, false, false // days such as 0000-00-00 are what they are
	config.AllowAllFiles = false
	config.Params, config.Collation = nil, "utf8mb4_bin"
	config.Logger = log.New(io.Discard, "", 0)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, "", ErrSecret.With("where", "pull.sql.address", "why", "it is not of the form user:password@tcp(host:3306)/database")
	}
	return sql.OpenDB(connector), mariadb{}, host, nil
}

// checkedTLS says whether a connection is encrypted and the server's name proven.
func checkedTLS(c *tls.Config) bool {
	return c != nil && (!c.InsecureSkipVerify || c.VerifyPeerCertificate != nil)
}

func (mariadb) quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (mariadb) mark(int) string { return "?" }

func (mariadb) begin(ctx context.Context, tx *sql.Tx, timeout time.Duration) error {
	var version string
	if err := tx.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return err
	}
	limit := "SET SESSION max_execution_time = " + strconv.FormatInt(timeout.Milliseconds(), 10)
	if strings.Contains(version, "MariaDB") {
		limit = "SET SESSION max_statement_time = " + strconv.FormatFloat(timeout.Seconds(), 'f', 3, 64)
	}
	for _, statement := range []string{limit, "SET SESSION time_zone = '+00:00'"} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (mariadb) code(err error) string {
	var refusal *mysql.MySQLError
	if errors.As(err, &refusal) {
		return "MySQL " + strconv.Itoa(int(refusal.Number))
	}
	return ""
}

// mysqlKinds are the types that have one exact text.
var mysqlKinds = map[string]kind{
	"CHAR": kindText, "VARCHAR": kindText, "TINYTEXT": kindText, "TEXT": kindText, "MEDIUMTEXT": kindText, "LONGTEXT": kindText,
	"ENUM": kindText, "SET": kindText, "TIME": kindText, "YEAR": kindWhole,
	"TINYINT": kindWhole, "SMALLINT": kindWhole, "MEDIUMINT": kindWhole, "INT": kindWhole, "BIGINT": kindWhole,
	"DECIMAL": kindDecimal, "FLOAT": kindFloat, "DOUBLE": kindFloat, "JSON": kindJSON,
	"DATE": kindDate, "DATETIME": kindLocal, "TIMESTAMP": kindStamp,
}

func (mariadb) kindOf(_ context.Context, _ *sql.Tx, c *sql.ColumnType) (kind, error) {
	return mysqlKinds[strings.TrimPrefix(c.DatabaseTypeName(), "UNSIGNED ")], nil
}
