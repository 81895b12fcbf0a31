//go:build linux

package pull

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"accord/exchange/intake"
)

// startMariaDB starts a server on the loopback in a temporary folder, as nobody
// where the test is root, and gives the address of a user who may do everything.
func startMariaDB(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("mariadbd")
	if err != nil {
		t.Skip("needs MariaDB (Debian: mariadb-server-core)")
	}
	dir, err := os.MkdirTemp("", "accord-mariadb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		attributes.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	var setup bytes.Buffer
	setup.WriteString("CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n")
	for _, name := range []string{"mysql_system_tables.sql", "mysql_system_tables_data.sql"} {
		text, err := os.ReadFile(filepath.Join("/usr/share/mysql", name))
		if err != nil {
			t.Fatal(err)
		}
		setup.Write(text)
	}
	setup.WriteString("\nCREATE DATABASE pulled CHARACTER SET utf8mb4;\nFLUSH PRIVILEGES;\nCREATE USER 'maker'@'%' IDENTIFIED BY 'maker-word';\nGRANT ALL ON *.* TO 'maker'@'%';\n" +
		"CREATE USER 'reader'@'%' IDENTIFIED BY 'reader-word';\nGRANT SELECT ON pulled.* TO 'reader'@'%';\n")
	common := []string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M",
		"--tmpdir=" + dir, "--innodb-flush-log-at-trx-commit=0"}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if attributes.Credential != nil {
		if err := os.Chown(filepath.Join(dir, "data"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	boot := exec.Command(program, append(common, "--bootstrap")...)
	boot.SysProcAttr, boot.Stdin, boot.Dir = &syscall.SysProcAttr{Credential: attributes.Credential}, &setup, dir
	if out, err := boot.CombinedOutput(); err != nil {
		t.Fatalf("MariaDB: %v\n%s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	ln.Close()
	_, port, _ := net.SplitHostPort(at)
	server := exec.Command(program, append(common, "--bind-address=127.0.0.1", "--port="+port, "--socket="+filepath.Join(dir, "s"), "--pid-file="+filepath.Join(dir, "pid"))...)
	var log bytes.Buffer
	server.SysProcAttr, server.Dir, server.Stdout, server.Stderr = attributes, dir, &log, &log
	ended, begun := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the server ends with the thread that started it
		err := server.Start()
		begun <- err
		if err == nil {
			_ = server.Wait() // however it ends
		}
		close(ended)
	}()
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // the folder goes, too
		<-ended
	})
	address = "maker:maker-word@tcp(" + at + ")/pulled"
	db, err := sql.Open("mysql", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for until := time.Now().Add(2 * time.Minute); db.PingContext(t.Context()) != nil; time.Sleep(50 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("MariaDB ended at once:\n%s", log.String())
		default:
		}
		if time.Now().After(until) {
			t.Fatal("MariaDB does not answer")
		}
	}
	return address
}

// MariaDB and MySQL give the same rows as PostgreSQL does, each type with all its
// digits, and can be changed as little.
func TestMariaDB(t *testing.T) {
	maker := startMariaDB(t)
	db, err := sql.Open("mysql", maker+"?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	make := func(statements string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statements); err != nil {
			t.Fatal(err)
		}
	}
	make(`SET time_zone = '+08:00', sql_mode = '';
CREATE TABLE all_types (id bigint unsigned PRIMARY KEY, n decimal(30,9), d date, dt datetime(6), ts timestamp(3) NULL, b boolean, t text, c char(4),
  e enum('好','坏'), j json, f float, g double, y year, tm time, v varchar(20));
INSERT INTO all_types VALUES (18446744073709551615, 123456789012345678901.123456789, '2024-02-29', '2024-05-01 23:59:59.123456', '2024-05-01 23:59:59.5', true, '', 'ab',
  '好', '{"a":1}', 0.1, 0.1, 2024, '08:30:00', '文字"'),
 (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (2, 0, '0000-00-00', '0000-00-00', '0000-00-00', false, 'x', '', '坏', '[]', 16777217, 1e21, 0, '-01:00:00', '');
CREATE TABLE r (id int PRIMARY KEY, changed datetime(6) NOT NULL, b blob);
INSERT INTO r VALUES (1, '2024-01-01 00:00', 'x'), (2, '2024-01-01 01:00', 'x'), (3, '2024-01-01 01:00', 'x'), (4, '2024-01-01 02:00', 'x');`)
	reader := strings.Replace(maker, "maker:maker-word", "reader:reader-word", 1)
	of := func(address, rest string) *intake.Mapping {
		return mappingOf(t, "ndjson", "  sql: {driver: mysql, address: {file: "+secretFile(t, address)+"}, "+rest+"}\n")
	}
	pages, _, err := drain(t, of(reader, "table: all_types, key: id"), State{})
	want := `{"id":"1","n":null,"d":null,"dt":null,"ts":null,"b":null,"t":null,"c":null,"e":null,"j":null,"f":null,"g":null,"y":null,"tm":null,"v":null}
{"id":"2","n":"0.000000000","d":"0000-00-00","dt":"0000-00-00T00:00:00.000000","ts":"0000-00-00 00:00:00.000","b":"0","t":"x","c":"","e":"坏","j":"[]","f":"16777216","g":"1000000000000000000000","y":"0","tm":"-01:00:00","v":""}
{"id":"18446744073709551615","n":"123456789012345678901.123456789","d":"2024-02-29","dt":"2024-05-01T23:59:59.123456","ts":"2024-05-01T15:59:59.500Z","b":"1","t":"","c":"ab","e":"好","j":"{\"a\":1}","f":"0.1","g":"0.1","y":"2024","tm":"08:30:00","v":"文字\""}
`
	if err != nil || len(pages) != 1 || pages[0] != want {
		t.Errorf("%v\n%s", err, strings.Join(pages, "--\n"))
	}
	m := of(reader, `query: "SELECT id, changed FROM r", key: id, cursor: changed, rows: 2`)
	pages, at, err := drain(t, m, start(t, m))
	if err != nil || ids(pages) != "1 2 | 3 4 | |" {
		t.Errorf("%s, %v", ids(pages), err)
	}
	make(`INSERT INTO r VALUES (5, '2024-01-01 01:55', 'x'), (6, '2024-01-01 03:00', 'x')`)
	if pages, _, err = drain(t, m, at); err != nil || ids(pages) != "5 4 | 6 |" {
		t.Errorf("%s, %v", ids(pages), err)
	}
	if _, _, err := drain(t, of(reader, "table: r, key: id"), State{}); !errors.Is(err, ErrColumn) || !strings.Contains(err.Error(), "BLOB") {
		t.Errorf("bytes: %v", err)
	}
	for statement, code := range map[string]string{
		"DELETE FROM r":                                   "MySQL 1064",
		"SELECT id FROM nowhere":                          "MySQL 1146",
		"SELECT 1 AS id) AS x; DROP TABLE r; --":          "MySQL 1064",
		"SELECT sleep(100) AS s, 1 AS id":                 "MySQL 1969",
		"SELECT id, extractvalue('秘密', '/[') AS x FROM r": "MySQL 1105",
	} {
		_, _, err := drain(t, of(maker, fmt.Sprintf("query: %q, key: id, timeout: 1s", statement)), State{})
		if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), code) || strings.Contains(fmt.Sprintf("%+v", err), "秘密") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for address, want := range map[string]error{
		strings.Replace(reader, "reader-word", "wrong", 1):        ErrServer,
		"reader:reader-word@tcp(db.example:3306)/x":               ErrPlace,
		"reader:reader-word@tcp(db.example:3306)/x?tls=preferred": ErrPlace,
		"reader:reader-word":                                      ErrSecret,
	} {
		if _, _, err := drain(t, of(address, "table: r, key: id"), State{}); !errors.Is(err, want) || strings.Contains(fmt.Sprintf("%+v", err), "reader-word") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
