package records

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"accord/exchange"
)

// Check is one thing that a database has to have, as a probe found it.
type Check struct {
	Name  string        `json:"name"`
	Title exchange.Text `json:"title"`
	OK    bool          `json:"ok"`
	Found string        `json:"found"` // what was seen; a refusal in the server's words
	Fix   exchange.Text `json:"fix"`   // when it is not OK
}

// leastVersion is the oldest PostgreSQL that is tested with, as the server numbers it.
const leastVersion = 130000

// trial is a check that asks the server something; it sees the connection and
// says what it found and whether that will do.
type trial struct {
	name       string
	title, fix exchange.Text
	run        func(ctx context.Context, c *pgx.Conn) (found string, ok bool, err error)
}

func show(setting string, good func(string) bool) func(context.Context, *pgx.Conn) (string, bool, error) {
	return func(ctx context.Context, c *pgx.Conn) (v string, ok bool, err error) {
		err = c.QueryRow(ctx, `SHOW `+setting).Scan(&v)
		return v, err == nil && good(v), err
	}
}

func is(want ...string) func(string) bool {
	return func(v string) bool {
		for _, w := range want {
			if v == w {
				return true
			}
		}
		return false
	}
}

// attempt runs statements in a transaction that is rolled back.
func attempt(statements ...string) func(context.Context, *pgx.Conn) (string, bool, error) {
	return func(ctx context.Context, c *pgx.Conn) (string, bool, error) {
		tx, err := c.Begin(ctx)
		if err != nil {
			return "", false, err
		}
		defer func() { _ = tx.Rollback(ctx) }() // what it made must not stay
		for _, statement := range append([]string{probeTable}, statements...) {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return "", false, err
			}
		}
		return "", true, nil
	}
}

const probeTable = `CREATE TABLE accord_probe (k TEXT PRIMARY KEY, n BIGINT NOT NULL, b BYTEA, r TEXT REFERENCES accord_probe (k))`

// trials is what a server is asked, in this order.
var trials = []trial{
	{"version", exchange.Text{Zh: "PostgreSQL 版本 ≥ 13", En: "PostgreSQL 13 or later"},
		exchange.Text{Zh: "升级服务器；其他兼容引擎未经测试", En: "upgrade the server; other engines that speak its protocol are not tested"},
		show("server_version_num", func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n >= leastVersion })},
	{"encoding", exchange.Text{Zh: "库编码 UTF8", En: "encoding UTF8"},
		exchange.Text{Zh: "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", En: "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"},
		show("server_encoding", is("UTF8"))},
	{"synchronous_commit", exchange.Text{Zh: "提交即落盘 (synchronous_commit)", En: "commits wait for the disk (synchronous_commit)"},
		exchange.Text{Zh: "ALTER DATABASE … SET synchronous_commit = on；并从地址中去掉此参数", En: "ALTER DATABASE … SET synchronous_commit = on; and take it out of the address"},
		show("synchronous_commit", is("on", "remote_apply", "remote_write", "local"))},
	{"fsync", exchange.Text{Zh: "fsync 已开启", En: "fsync is on"},
		exchange.Text{Zh: "在 postgresql.conf 中设 fsync = on 并重启", En: "set fsync = on in postgresql.conf and restart it"}, show("fsync", is("on"))},
	{"full_page_writes", exchange.Text{Zh: "full_page_writes 已开启", En: "full_page_writes is on"},
		exchange.Text{Zh: "在 postgresql.conf 中设 full_page_writes = on 并重新载入", En: "set full_page_writes = on in postgresql.conf and reload it"}, show("full_page_writes", is("on"))},
	{"writable", exchange.Text{Zh: "可写（非只读、非备库）", En: "takes writes (no standby, not read-only)"},
		exchange.Text{Zh: "改用主库地址，或在地址中加 target_session_attrs=read-write", En: "use the primary's address, or add target_session_attrs=read-write"}, show("transaction_read_only", is("off"))},
	{"isolation", exchange.Text{Zh: "REPEATABLE READ 隔离", En: "isolation REPEATABLE READ"},
		exchange.Text{Zh: "使用支持该隔离级别的服务器；备份需要它", En: "use a server that has it; backups need it"},
		func(ctx context.Context, c *pgx.Conn) (v string, ok bool, err error) {
			tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
			if err != nil {
				return "", false, err
			}
			defer func() { _ = tx.Rollback(ctx) }() // nothing was written
			err = tx.QueryRow(ctx, `SHOW transaction_isolation`).Scan(&v)
			return v, v == "repeatable read", err
		}},
	{"rights", exchange.Text{Zh: "可在 search_path 的首个模式中建表", En: "may create tables in the first schema of search_path"},
		exchange.Text{Zh: "CREATE SCHEMA accord AUTHORIZATION 用户，并在地址中加 search_path=accord", En: "CREATE SCHEMA accord AUTHORIZATION the user, and add search_path=accord to the address"}, attempt()},
	{"transactions", exchange.Text{Zh: "建表可随事务撤销", En: "a rolled back transaction leaves no table"},
		exchange.Text{Zh: "使用支持事务性 DDL 的服务器", En: "use a server whose DDL is transactional"},
		func(ctx context.Context, c *pgx.Conn) (string, bool, error) {
			if _, _, err := attempt()(ctx, c); err != nil {
				return "", false, err
			}
			_, err := c.Exec(ctx, `SELECT 1 FROM accord_probe`)
			return "", err != nil, nil
		}},
	{"on_conflict", exchange.Text{Zh: "INSERT … ON CONFLICT", En: "INSERT … ON CONFLICT"},
		exchange.Text{Zh: "使用支持它的服务器", En: "use a server that has it"},
		attempt(`INSERT INTO accord_probe (k, n) VALUES ('a', 1) ON CONFLICT (k) DO UPDATE SET n = excluded.n`)},
	{"copy", exchange.Text{Zh: "COPY … FROM STDIN（二进制）", En: "COPY … FROM STDIN (binary)"},
		exchange.Text{Zh: "使用支持它的服务器；成批存入记录需要它", En: "use a server that has it; records go in by it"},
		func(ctx context.Context, c *pgx.Conn) (string, bool, error) {
			tx, err := c.Begin(ctx)
			if err != nil {
				return "", false, err
			}
			defer func() { _ = tx.Rollback(ctx) }() // what it made must not stay
			if _, err := tx.Exec(ctx, probeTable); err != nil {
				return "", false, err
			}
			n, err := tx.CopyFrom(ctx, pgx.Identifier{"accord_probe"}, []string{"k", "n"}, pgx.CopyFromRows([][]any{{"a", int64(1)}}))
			return "", n == 1, err
		}},
	{"returning", exchange.Text{Zh: "UPDATE … RETURNING", En: "UPDATE … RETURNING"},
		exchange.Text{Zh: "使用支持它的服务器", En: "use a server that has it"}, attempt(`UPDATE accord_probe SET n = n + 1 RETURNING n`)},
	{"locks", exchange.Text{Zh: "SELECT … FOR UPDATE", En: "SELECT … FOR UPDATE"},
		exchange.Text{Zh: "使用支持行锁的服务器", En: "use a server with row locks"},
		attempt(`SELECT n FROM accord_probe WHERE k = 'a' FOR UPDATE`, `SELECT pg_advisory_xact_lock(1)`)},
	{"indexes", exchange.Text{Zh: "带条件的唯一索引", En: "partial unique indexes"},
		exchange.Text{Zh: "使用支持它的服务器", En: "use a server that has them"}, attempt(`CREATE UNIQUE INDEX accord_probe_n ON accord_probe (n) WHERE k <> ''`)},
	{"views", exchange.Text{Zh: "视图", En: "views"},
		exchange.Text{Zh: "授予建视图的权限", En: "grant the right to create views"}, attempt(`CREATE VIEW accord_probe_v AS SELECT n FROM accord_probe`)},
	{"order", exchange.Text{Zh: "按字节排序 (COLLATE \"C\")", En: "order by bytes (COLLATE \"C\")"},
		exchange.Text{Zh: "使用支持它的服务器；迁移与备份需要它", En: "use a server that has it; moves and backups need it"}, attempt(`SELECT k FROM accord_probe ORDER BY k COLLATE "C"`)},
}

// Probe looks at a database and says, one by one, what of that which a store
// needs is there. It leaves nothing behind. An address that cannot be used and a
// server that cannot be reached end it early, as the failed check they are.
func Probe(ctx context.Context, d Database) []Check {
	address := Check{Name: "address", Title: exchange.Text{Zh: "地址", En: "address"}}
	config, err := parsePostgres(d)
	if err != nil {
		return []Check{address.failed(err)}
	}
	address.OK = true
	reach := Check{Name: "connection", Title: exchange.Text{Zh: "连接与登录", En: "connection and login"},
		Fix: exchange.Text{Zh: "检查地址、端口、pg_hba.conf、用户与口令 (store_password_file)", En: "check address, port, pg_hba.conf, user and password (store_password_file)"}}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return []Check{address, reach.failed(err)}
	}
	defer c.Close(context.WithoutCancel(ctx))
	reach.OK = true
	out := []Check{address, reach}
	for _, t := range trials {
		check := Check{Name: t.name, Title: t.title, Fix: t.fix}
		found, ok, err := t.run(ctx, c)
		if err != nil {
			out = append(out, check.failed(err))
			continue
		}
		if check.Found, check.OK = found, ok; ok {
			check.Fix = exchange.Text{}
		}
		out = append(out, check)
	}
	return append(out, owned(ctx, c, d.Owner))
}

// failed is the check with why, in one line.
func (c Check) failed(err error) Check {
	var ours *exchange.Error
	if errors.As(err, &ours) {
		c.Found, c.Fix = ours.What(exchange.En), exchange.Text{Zh: ours.Next(exchange.Zh), En: ours.Next(exchange.En)}
		return c
	}
	c.Found, _, _ = strings.Cut(err.Error(), "\n")
	return c
}

// owned says whose the database is; one without a store is anybody's.
func owned(ctx context.Context, c *pgx.Conn, who Owner) Check {
	check := Check{Name: "owner", Title: exchange.Text{Zh: "空库，或属于本节点", En: "empty, or this node's"}, OK: true}
	var is Owner
	var state string
	err := c.QueryRow(ctx, `SELECT federation, member, node, state FROM owner WHERE one = 1`).Scan(&is.Federation, &is.Member, &is.Node, &state)
	if err != nil {
		return check // no such table, or no row
	}
	if check.Found = is.Member + "/" + is.Node + " " + state; is != who {
		e := ErrOwner.With("owner", check.Found)
		check.OK, check.Fix = false, exchange.Text{Zh: e.Next(exchange.Zh), En: e.Next(exchange.En)}
	}
	return check
}
