package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"accord/node/demo"
)

// noPostgres stands where the rival would.
const noPostgres = "PostgreSQL is not on this machine"

// postgres is a PostgreSQL server with default durability: rival, and store of
// the node under measurement. It is another user where this process is root,
// since it refuses to be that.
type postgres struct {
	bin, dir  string
	version   string
	password  string
	port      int
	proc      *process
	databases int
}

// superuser is the server's only role.
const superuser = "bench"

// findPostgres looks for the newest server programs; nil without any.
func findPostgres(ctx context.Context, dir string) *postgres {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is good
	slices.SortFunc(found, func(a, b string) int { return major(a) - major(b) })
	if path, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		found = []string{path}
	}
	if len(found) == 0 {
		return nil
	}
	p := &postgres{bin: filepath.Dir(found[len(found)-1]), dir: dir, password: rand.Text()}
	out, err := exec.CommandContext(ctx, p.tool("postgres"), "--version").Output()
	if err != nil {
		return nil
	}
	p.version = strings.Replace(strings.TrimSpace(string(out)), "postgres (PostgreSQL)", "PostgreSQL", 1)
	p.version, _, _ = strings.Cut(p.version, " (")
	return p
}

// major is the version in a path like /usr/lib/postgresql/15/bin/initdb.
func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 of any other path
	return n
}

func (p *postgres) tool(name string) string { return filepath.Join(p.bin, name) }

// another is a second server beside this one.
func (p *postgres) another(name string) *postgres {
	return &postgres{bin: p.bin, dir: p.dir + name, version: p.version, password: rand.Text()}
}

// start makes the server's files and runs it, unless it runs.
func (p *postgres) start(ctx context.Context) error {
	if p.proc != nil && p.proc.running() {
		return nil
	}
	as, err := notRoot()
	if err != nil {
		return err
	}
	if err := p.initialise(ctx, as); err != nil {
		return err
	}
	addresses, err := demo.FreeAddresses(1)
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(addresses[0], ":")
	if p.port, err = strconv.Atoi(port); err != nil {
		return err
	}
	// Beside where it listens, a larger log between checkpoints, as any guide for
	// bulk loading says; all that decides durability is the default.
	p.proc = &process{name: "postgres", dir: p.dir, as: as, quit: syscall.SIGINT, argv: []string{p.tool("postgres"), "-D", p.data(),
		"-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_wal_size=4GB", "-c", "shared_buffers=512MB"}}
	if err := p.proc.start(); err != nil {
		return err
	}
	return until(ctx, p.proc, 20*time.Millisecond, func() bool {
		_, err := p.exec(ctx, "postgres", "SELECT 1")
		return err == nil
	})
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// notRoot is the user for the server where this process is root, else nil.
func notRoot() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	as := &syscall.Credential{Uid: 65534, Gid: 65534} // nobody
	if u, err := user.Lookup("postgres"); err == nil {
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return as, nil
}

// initialise makes the server's files. Trigrams need a locale that knows what a
// letter is.
func (p *postgres) initialise(ctx context.Context, as *syscall.Credential) error {
	if err := os.Mkdir(p.dir, 0o700); os.IsExist(err) {
		return nil
	} else if err != nil {
		return err
	}
	word := filepath.Join(p.dir, "word")
	if err := os.WriteFile(word, []byte(p.password), 0o600); err != nil {
		return err
	}
	if as != nil {
		for _, path := range []string{p.dir, word} {
			if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
				return err
			}
		}
	}
	c := exec.CommandContext(ctx, p.tool("initdb"), "-D", p.data(), "-U", superuser, "-A", "scram-sha-256", "--pwfile="+word,
		"-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")
	c.Dir, c.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: as}
	if out, err := c.CombinedOutput(); err != nil {
		return ErrServer.Wrap(fmt.Errorf("%w: %s", err, out), "name", "postgres", "why", "does not make its files", "log", p.dir)
	}
	return os.Remove(word)
}

func (p *postgres) stop() {
	if p.proc != nil {
		p.proc.stop()
	}
}

// url is the address of a database, with its password for this process alone.
func (p *postgres) url(database string, secret bool) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Host: "127.0.0.1:" + strconv.Itoa(p.port), Path: "/" + database}
	if secret {
		u.User = url.UserPassword(superuser, p.password)
	}
	return u.String()
}

// database makes an empty database and is its name.
func (p *postgres) database(ctx context.Context) (string, error) {
	p.databases++
	name := fmt.Sprintf("bench%d", p.databases)
	_, err := p.exec(ctx, "postgres", "CREATE DATABASE "+name)
	return name, err
}

// open connects to a database. Its driver is the record store's.
func (p *postgres) open(database string) (*sql.DB, error) {
	return sql.Open("pgx", p.url(database, true))
}

// exec runs statements and gives their rows, columns parted by |.
func (p *postgres) exec(ctx context.Context, database, statements string) (string, error) {
	out, err := p.psql(ctx, database, statements).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

func (p *postgres) psql(ctx context.Context, database, statements string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.tool("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
		"-p", strconv.Itoa(p.port), "-U", superuser, "-d", database, "-c", statements)
	c.Env = append(os.Environ(), "PGPASSWORD="+p.password, "PGCONNECT_TIMEOUT=5")
	return c
}
