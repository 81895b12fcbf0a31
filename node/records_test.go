package node_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
	"accord/node"
	"accord/node/config"
	"accord/node/nodetest"
)

// TestAFailingRecordStoreStopsTheNode: by itself, without anybody's asking; the
// others go on.
//
// Shows: F15
func TestAFailingRecordStoreStopsTheNode(t *testing.T) {
	c := nodetest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	db, err := sql.Open("sqlite", filepath.Join(c.Dir, "court", "records.db"))
	if err == nil {
		_, err = db.Exec(`DROP TABLE positions`)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	err = c.Nodes["court"].Run(ctx)
	if !errors.Is(err, node.ErrStopped) || !errors.Is(err, records.ErrStorage) {
		t.Errorf("the node of a broken store ends with %v", err)
	}
	c.Stop("court")
	c.Ready()
}

// TestADatabaseThatIsAwayStopsNothing: the node stays, says what is away, is not
// ready, and is again when the database is back; a second process on a copy of the
// folder ends the first.
//
// Shows: F15
func TestADatabaseThatIsAwayStopsNothing(t *testing.T) {
	server := postgrestest.Start(t)
	address, word := server.URL(server.Schema(t), 0), filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(word, []byte(server.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	var cfg config.Config
	c := nodetest.NewTuned(t, func(member string, its *config.Config, _ *node.Options) {
		if member == "court" {
			its.Store, its.StorePassword = address, word
			cfg = *its
		}
	})
	marks := func() string {
		raw, _ := c.Client("court").Raw(t.Context(), "/readyz?verbose")
		return string(raw)
	}
	until := func(what string, well func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !well(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %+v\n%s", what, c.Nodes["court"].Status().Store, marks())
			}
		}
	}
	if got := marks(); !strings.Contains(got, "[+] records\n") {
		t.Errorf("%s", got)
	}
	server.Down(syscall.SIGINT)
	until("away", func() bool {
		st := c.Nodes["court"].Status()
		return !st.Ready && st.Store.Engine == "postgres" && st.Store.Code == records.ErrUnreachable.Code && st.Store.Since != nil
	})
	if _, err := c.Client("court").Feeds(t.Context()); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("asked while it is away: %v", err)
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	until("back", func() bool { return c.Nodes["court"].Status().Ready })
	d, err := node.DatabaseOf(cfg, address)
	if err != nil {
		t.Fatal(err)
	}
	second, err := records.OpenPostgres(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Nodes["court"].Run(ctx); !errors.Is(err, records.ErrTaken) {
		t.Errorf("overtaken, it ends with %v", err)
	}
}
