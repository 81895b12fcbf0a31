package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
)

// TestRecordsMoveIntoADatabase is what an operator types, and what is typed wrong.
func TestRecordsMoveIntoADatabase(t *testing.T) {
	server := postgrestest.Start(t)
	address, dir := server.URL(server.Schema(t), 0), filepath.Join(t.TempDir(), "n")
	vars := map[string]string{}
	accord := func(want int, says string, words ...string) {
		t.Helper()
		p := newProbe(append(words, "--dir", dir, "--lang", "en")...)
		for k, v := range vars {
			p.vars[k] = v
		}
		p.Dial = osEnv().Dial
		code, text := p.run(), p.out.String()+p.err.String()
		if code != want || !strings.Contains(text, says) || strings.Contains(text, server.Password) {
			t.Fatalf("%v: exit %d, want %d and %q\n%s", words, code, want, says, text)
		}
	}
	accord(0, "", "init", "--federation", "f", "--member", "court", "--kind", "court", "--name-zh", "例市法院", "--name-en", "Example Court",
		"--listen", "127.0.0.1:7443", "--advertise", "court.example:7443")
	s, err := records.OpenSQLite(t.Context(), filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPosition(t.Context(), records.Position{Feed: "court", Index: 7}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()

	accord(1, "connection", "db", "probe", address) // no password
	word := filepath.Join(dir, "store.password")
	if err := os.WriteFile(word, []byte(server.Password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	vars["ACCORD_STORE_PASSWORD_FILE"] = "store.password"
	accord(1, "CONF-003", "db", "probe", address) // which others can read
	if err := os.Chmod(word, 0o600); err != nil {
		t.Fatal(err)
	}
	accord(0, "PostgreSQL 13 or later", "db", "probe", address)
	accord(0, "digest of both sides", "db", "move", "--to", address)
	accord(3, "REC-046", "db", "move", "--to", address)
	if _, err := os.Stat(filepath.Join(dir, "records.moved.db")); err != nil {
		t.Error(err)
	}
	vars["ACCORD_STORE"] = address
	accord(0, address, "config", "show")
	accord(0, "court/", "db", "probe")
	accord(0, "erasures rubbed out", "db", "scrub")
	accord(1, "ok      record store", "doctor") // and other things are wrong
	server.Down(syscall.SIGINT)
	accord(1, "DOCTOR-034", "doctor")
	accord(1, "sudo systemctl start accord", "doctor")
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	accord(7, "REC-044", "db", "adopt", "--from", "court-elsewhere")
}
