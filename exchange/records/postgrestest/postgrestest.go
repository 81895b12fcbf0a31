// Package postgrestest starts real PostgreSQL servers for tests: on the
// loopback, in a temporary folder, as another user where the test is root, with
// fsync on and a password. They end with the test process, also when it is
// killed. Where PostgreSQL is not installed, the test is skipped.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// user is the server's superuser.
const superuser = "accord"

// Server is one PostgreSQL.
type Server struct {
	Password string
	Port     int
	Settings []string // like "fsync=off", for the next Up

	bin, dir string
	run      *exec.Cmd
	ended    chan struct{}
	schemas  int
}

var shared struct {
	sync.Mutex
	*Server
}

// Shared is the server that all tests of this process have together. A package
// that asks for it calls Stop in its TestMain.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.Server == nil {
		shared.Server = start(t)
	}
	return shared.Server
}

// Stop ends the shared server.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.Server != nil {
		shared.Server.remove()
	}
}

// Start makes a server of the test's own.
func Start(t testing.TB) *Server {
	t.Helper()
	s := start(t)
	t.Cleanup(s.remove)
	return s
}

func start(t testing.TB) *Server {
	t.Helper()
	bin := binaries()
	if bin == "" {
		t.Skip("needs PostgreSQL (Debian: postgresql)")
	}
	dir, err := os.MkdirTemp(place(), "accord-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{bin: bin, dir: dir, Password: rand.Text()}
	if err = s.init(); err == nil {
		err = s.Up()
	}
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		s.remove()
		t.Fatalf("PostgreSQL: %v\n%s", err, log)
	}
	return s
}

// place is a folder in memory where there is room, since a busy machine's disk
// makes each commit of a test wait.
func place() string {
	const memory, room = "/dev/shm", 512 << 20
	if free(memory) < room {
		return ""
	}
	return memory
}

// binaries is the folder of the newest server programs, "" without any.
func binaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is good
	if len(found) == 0 {
		path, err := exec.LookPath("initdb")
		if err != nil {
			return ""
		}
		return filepath.Dir(path)
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1])
}

// owner is who runs the server; it refuses to be root.
func owner() (uid, gid int) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid()
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return 65534, 65534 // nobody
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

func (s *Server) init() error {
	uid, gid := owner()
	word := filepath.Join(s.dir, "password")
	if err := os.WriteFile(word, []byte(s.Password), 0o600); err != nil {
		return err
	}
	for _, p := range []string{s.dir, word} {
		if err := os.Chown(p, uid, gid); err != nil {
			return err
		}
	}
	c := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", superuser, "-A", "scram-sha-256", "--pwfile="+word,
		"-E", "UTF8", "--locale=C", "--wal-segsize=1", "--no-sync", "--no-instructions")
	c.Dir, c.SysProcAttr = s.dir, attributes(uid, gid)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Remove(word)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Up starts the server, the first time or again at the same port.
func (s *Server) Up() error {
	if s.Port == 0 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.Port = ln.Addr().(*net.TCPAddr).Port
		ln.Close()
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.Port)}
	for _, set := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=32MB", "max_connections=60",
		"min_wal_size=2MB", "max_wal_size=64MB"}, s.Settings...) {
		args = append(args, "-c", set)
	}
	uid, gid := owner()
	s.run = exec.Command(filepath.Join(s.bin, "postgres"), args...)
	s.run.Dir, s.run.SysProcAttr, s.run.Stdout, s.run.Stderr = s.dir, attributes(uid, gid), log, log
	s.ended = make(chan struct{})
	begun := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the server ends with the thread that started it
		err := s.run.Start()
		begun <- err
		if err == nil {
			_ = s.run.Wait() // however it ends
		}
		close(s.ended)
	}()
	if err := <-begun; err != nil {
		return err
	}
	for until := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := s.SQL("SELECT 1")
		if err == nil || time.Now().After(until) {
			return err
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended at once: %w", err)
		default:
		}
	}
}

// Down ends the server: SIGINT closes its connections and writes everything,
// SIGKILL to all of it is a crash.
func (s *Server) Down(sig syscall.Signal) {
	if s.run == nil || s.run.Process == nil {
		return
	}
	if sig == syscall.SIGKILL {
		_ = syscall.Kill(-s.run.Process.Pid, sig) // it may have ended
	}
	_ = s.run.Process.Signal(sig)
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-s.run.Process.Pid, syscall.SIGKILL)
		<-s.ended
	}
}

func (s *Server) remove() {
	s.Down(syscall.SIGINT)
	_ = os.RemoveAll(s.dir) // a temporary folder
}

// Files is the folder that holds all the server keeps.
func (s *Server) Files() string { return s.data() }

// URL is the address of a schema, "" for the default one, at the server's port
// or at a proxy's.
func (s *Server) URL(schema string, port int) string {
	if port == 0 {
		port = s.Port
	}
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres"}
	if schema != "" {
		u.RawQuery = url.Values{"search_path": {schema}}.Encode()
	}
	return u.String()
}

// Schema makes an empty schema and is its name.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	shared.Lock()
	s.schemas++
	name := fmt.Sprintf("store%d", s.schemas)
	shared.Unlock()
	if out, err := s.SQL("CREATE SCHEMA " + name); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// SQL runs statements as the superuser and returns the rows, columns parted by |.
func (s *Server) SQL(statements string) (string, error) {
	return s.SQLAs(superuser, s.Password, statements)
}

// SQLAs is SQL as another user.
func (s *Server) SQLAs(user, password, statements string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(s.bin, "psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
		"-p", strconv.Itoa(s.Port), "-U", user, "-d", "postgres", "-c", statements)
	c.Env = append(os.Environ(), "PGPASSWORD="+password, "PGCONNECT_TIMEOUT=5")
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
