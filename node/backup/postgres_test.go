package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"accord/crypto/keys"
	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
	"accord/node"
	"accord/node/backup"
	"accord/node/config"
	"accord/node/nodetest"
	"accord/node/wire"
)

func TestMain(m *testing.M) {
	code := m.Run()
	postgrestest.Stop()
	os.Exit(code)
}

// TestANodeOnPostgreSQL: a node's records move into a database; it runs on it, is
// backed up as any other, and the backup opens in a file or moves into another
// database. A folder and a setting that contradict each other start nothing.
func TestANodeOnPostgreSQL(t *testing.T) {
	server := postgrestest.Shared(t)
	address, word := server.URL(server.Schema(t), 0), filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(word, []byte(server.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	onDatabase := false
	c := nodetest.NewTuned(t, func(member string, cfg *config.Config, _ *node.Options) {
		if member == "association" && onDatabase {
			cfg.Store, cfg.StorePassword = address, word
		}
	})
	importSample(t, c)
	cfg := c.Config("association")
	cfg.StorePassword = word
	move := func(cfg config.Config, to string) (records.Moved, error) {
		return node.MoveRecords(t.Context(), cfg, to, func(int64) {})
	}
	if _, err := move(cfg, address); !errors.Is(err, node.ErrRunning) {
		t.Errorf("a move while the node runs: %v", err)
	}
	public, private := safe(t)
	before := take(t, c, "association", wire.Backup{To: []string{public}})
	c.Stop("association")
	early := cfg
	early.Store = address
	if n, err := node.Open(early, node.Options{}); !errors.Is(err, node.ErrStart) {
		t.Errorf("records in the folder and a database configured: %v, %v", n, err)
	}
	moved, err := move(cfg, address)
	if err != nil || moved.Rows == 0 {
		t.Fatalf("%+v, %v", moved, err)
	}
	if n, err := node.Open(cfg, node.Options{}); !errors.Is(err, node.ErrStart) {
		t.Errorf("records moved away and no database configured: %v, %v", n, err)
	}
	onDatabase = true
	c.Start("association")
	c.Ready()
	file := take(t, c, "association", wire.Backup{To: []string{public}})
	rep, err := backup.Verify(t.Context(), bytes.NewReader(file), private, nil)
	old, oldErr := backup.Verify(t.Context(), bytes.NewReader(before), private, nil)
	if err != nil || oldErr != nil || rep.Manifest.Records != old.Manifest.Records {
		t.Errorf("%d records in the backup and %d before the move (%v, %v)", rep.Manifest.Records, old.Manifest.Records, err, oldErr)
	}
	restoresFromDatabase(t, c, file, private, server, word, moved)
}

func restoresFromDatabase(t *testing.T, c *nodetest.Cluster, file []byte, private keys.Private, server *postgrestest.Server, word string, moved records.Moved) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node")
	done, err := backup.Restore(t.Context(), bytes.NewReader(file), private, backup.Target{Dir: dir}, nil)
	if err != nil || done.Verified.Records != done.Manifest.Records || done.Verified.Missing != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	sameRecords(t, c, dir)
	for _, never := range []string{"records.keys", "records.moved.db", "password"} {
		if _, err := os.Lstat(filepath.Join(dir, never)); err == nil {
			t.Errorf("%s was restored", never)
		}
	}
	cfg := c.Config("association")
	cfg.Dir, cfg.StorePassword = dir, word
	again, err := node.MoveRecords(t.Context(), cfg, server.URL(server.Schema(t), 0), func(int64) {})
	if err != nil || again != moved {
		t.Errorf("moved %+v and then from the backup %+v, %v", moved, again, err)
	}
}
