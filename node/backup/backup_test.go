package backup_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/keys"
	"accord/exchange/intake"
	"accord/exchange/records"
	"accord/node"
	"accord/node/backup"
	"accord/node/client"
	"accord/node/founding"
	"accord/node/nodetest"
	"accord/node/wire"
)

// safe is a recipient's pair as it would lie in a safe.
func safe(t testing.TB) (public string, private keys.Private) {
	t.Helper()
	dir, pass := filepath.Join(t.TempDir(), "identity"), []byte("a passphrase in a safe")
	raw, _, err := backup.Keygen(dir, pass, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	if private, err = backup.OpenIdentity(dir, pass); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.OpenIdentity(dir, []byte("another passphrase")); !errors.Is(err, backup.ErrIdentity) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	return string(raw), private
}

// federation is four nodes of which the association holds records and an entry.
func federation(t *testing.T) *nodetest.Cluster {
	t.Helper()
	c := nodetest.New(t)
	importSample(t, c)
	return c
}

func importSample(t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	const name = "discipline-sample.xlsx"
	raw, err := intake.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := c.Client("association").Import(t.Context(), client.ImportQuery{File: name, Mapping: "discipline", AsOf: "2026-11-20"}, bytes.NewReader(raw), nil)
	if err != nil || rep.New == 0 {
		t.Fatalf("%+v, %v", rep, err)
	}
}

func take(t *testing.T, c *nodetest.Cluster, member string, in wire.Backup) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := c.Client(member).Backup(t.Context(), in, &file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestBackupAndRestore is the whole way, each step with what must not work.
//
// Shows: F29, B12, B14, E19, E22
func TestBackupAndRestore(t *testing.T) {
	c := federation(t)
	public, private := safe(t)
	second, other := safe(t)
	file := take(t, c, "association", wire.Backup{To: []string{public, second}})
	t.Run("verify", func(t *testing.T) { verifies(t, file, private) })
	t.Run("either key", func(t *testing.T) {
		if _, err := backup.Verify(t.Context(), bytes.NewReader(file), other, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("stranger", func(t *testing.T) {
		_, stranger := safe(t)
		if _, err := backup.Verify(t.Context(), bytes.NewReader(file), stranger, nil); !errors.Is(err, backup.ErrKey) {
			t.Error(err)
		}
	})
	t.Run("nothing private", func(t *testing.T) { holdsNoSecret(t, c, file, private) })
	t.Run("half", func(t *testing.T) { half(t, file, private) })
	t.Run("restore", func(t *testing.T) { restores(t, c, file, private) })
	t.Run("with keys", func(t *testing.T) { withKeys(t, c, public, private) })
	t.Run("stopped", func(t *testing.T) { stopped(t, c, public, private) })
	t.Run("folder", func(t *testing.T) { everyNameIsKnown(t, c) })
}

func verifies(t *testing.T, file []byte, private keys.Private) {
	blind, err := backup.Verify(t.Context(), bytes.NewReader(file), keys.Private{}, nil)
	if err != nil || blind.Opened || blind.Bytes != int64(len(file)) {
		t.Fatalf("without a key: %+v, %v", blind, err)
	}
	sum := sha256.Sum256(file[:len(file)-len("end\n")-sha256.Size])
	if blind.Digest != hex.EncodeToString(sum[:]) {
		t.Error("the digest is not of the file")
	}
	moved := int64(0)
	rep, err := backup.Verify(t.Context(), bytes.NewReader(file), private, func(n int64) { moved += n })
	if err != nil || !rep.Opened || moved == 0 || rep.Manifest.Records == 0 || rep.Manifest.Ledger.Size < 1 || rep.Manifest.WithKeys {
		t.Errorf("with the key: %+v, %v", rep, err)
	}
}

// holdsNoSecret unpacks the file and looks for the keystore and its passphrase.
func holdsNoSecret(t *testing.T, c *nodetest.Cluster, file []byte, private keys.Private) {
	dir := filepath.Join(t.TempDir(), "node")
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), private, backup.Target{Dir: dir}, nil); err != nil {
		t.Fatal(err)
	}
	pass, err := os.ReadFile(filepath.Join(c.Dir, "association", "passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	pass = bytes.TrimSpace(pass)
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(p)
		if err != nil || bytes.Contains(raw, pass) || bytes.Contains(raw, []byte("accord-keystore")) {
			t.Errorf("%s holds a secret (%v)", p, err)
		}
		if info, _ := d.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		return nil
	})
	if bytes.Contains(file, pass) {
		t.Error("the passphrase stands in the file")
	}
}

// half cuts and flips the file everywhere that matters; nothing appears.
func half(t *testing.T, file []byte, private keys.Private) {
	parent := t.TempDir()
	cuts := []int{0, 1, 20, 200, len(file) / 4, len(file) / 2, len(file) - 100, len(file) - 37, len(file) - 5, len(file) - 1}
	for _, n := range cuts {
		_, err := backup.Restore(t.Context(), bytes.NewReader(file[:n]), private, backup.Target{Dir: filepath.Join(parent, "node")}, nil)
		if !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrFormat) {
			t.Errorf("cut at %d of %d: %v", n, len(file), err)
		}
	}
	for at := 3; at < len(file); at += max(1, len(file)/97) {
		hurt := bytes.Clone(file)
		hurt[at] ^= 1 << (at % 8)
		if rep, err := backup.Verify(t.Context(), bytes.NewReader(hurt), keys.Private{}, nil); err == nil {
			t.Errorf("a bit at %d of %d is not noticed without a key (%v)", at, len(file), rep.Digest)
		}
		if _, err := backup.Verify(t.Context(), bytes.NewReader(hurt), private, nil); err == nil {
			t.Errorf("a bit at %d of %d is not noticed with the key", at, len(file))
		}
	}
	longer := append(bytes.Clone(file), 0)
	if _, err := backup.Verify(t.Context(), bytes.NewReader(longer), private, nil); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("longer: %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("half a file left %v", left)
	}
}

// restores restores twice and holds the result against the node.
func restores(t *testing.T, c *nodetest.Cluster, file []byte, private keys.Private) {
	parent := t.TempDir()
	target := backup.Target{Dir: filepath.Join(parent, "one"), Keys: founding.KeysFolder(filepath.Join(c.Dir, "association"))}
	one, err := backup.Restore(t.Context(), bytes.NewReader(file), private, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), private, target, nil); !errors.Is(err, backup.ErrTarget) {
		t.Errorf("over a folder: %v", err)
	}
	two, err := backup.Restore(t.Context(), bytes.NewReader(file), private, backup.Target{Dir: filepath.Join(parent, "two")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.Node == one.Previous || one.Node == two.Node || one.Previous != one.Manifest.Node || !strings.HasPrefix(one.Node, "association-") {
		t.Errorf("node ids %s, %s, %s", one.Previous, one.Node, two.Node)
	}
	if !one.HasKeys || two.HasKeys || one.Verified.Records != one.Manifest.Records || one.Verified.Missing != 0 {
		t.Errorf("%+v, %+v", one, two.HasKeys)
	}
	for _, never := range []string{"started", "ledger", "passphrase"} {
		if _, err := os.Lstat(filepath.Join(target.Dir, never)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was restored", never)
		}
	}
	wrong := backup.Target{Dir: filepath.Join(parent, "three"), Charter: "sha256:" + strings.Repeat("0", 64)}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), private, wrong, nil); !errors.Is(err, backup.ErrOther) {
		t.Errorf("another federation's: %v", err)
	}
	sameRecords(t, c, target.Dir)
	doesNotStart(t, c, target.Dir)
}

// sameRecords: every record, with its sealed fields.
func sameRecords(t *testing.T, c *nodetest.Cluster, dir string) {
	t.Helper()
	s, err := records.OpenSQLite(t.Context(), filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	page, err := c.Client("association").Records(t.Context(), client.RecordQuery{Limit: 500})
	if err != nil || len(page.Records) == 0 {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		got, err := s.Get(t.Context(), r.ID)
		if err != nil || got.JWT+"~" != r.Document && r.Document != "" || len(got.Sealed) == 0 {
			t.Errorf("record %s: %v", r.ID, err)
		}
	}
}

// doesNotStart: a restored node is no member under its new id until its
// federation says so, and under the old one it must not come back.
func doesNotStart(t *testing.T, c *nodetest.Cluster, dir string) {
	t.Helper()
	cfg := c.Config("association")
	cfg.Dir = dir
	cfg.PassphraseFile, cfg.Listen = filepath.Join(c.Dir, "association", "passphrase"), "127.0.0.1:0"
	n, err := node.Open(cfg, node.Options{})
	if err == nil {
		n.Close()
		t.Fatal("a restored copy started beside its original")
	}
	if !errors.Is(err, node.ErrNotListed) {
		t.Errorf("refused with %v", err)
	}
	old := founding.Identity{Format: "accord-node/1", Member: "association", Node: c.Nodes["association"].Status().Node}
	if err := os.WriteFile(filepath.Join(dir, "node.json"), []byte(`{"format":"`+old.Format+`","member":"association","node":"`+old.Node+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := node.Open(cfg, node.Options{}); err == nil {
		n.Close()
		t.Error("a restored copy came back under the old id")
	} else if !errors.Is(err, node.ErrStart) || !strings.Contains(err.Error(), "restored") {
		t.Errorf("under the old id: %v", err)
	}
}

func withKeys(t *testing.T, c *nodetest.Cluster, public string, private keys.Private) {
	file := take(t, c, "association", wire.Backup{To: []string{public}, WithKeys: true})
	dir := filepath.Join(t.TempDir(), "node")
	r, err := backup.Restore(t.Context(), bytes.NewReader(file), private, backup.Target{Dir: dir}, nil)
	if err != nil || !r.HasKeys || !r.Manifest.WithKeys {
		t.Fatalf("%+v, %v", r, err)
	}
	cfg := c.Config("association")
	cfg.Dir, cfg.PassphraseFile = dir, filepath.Join(c.Dir, "association", "passphrase")
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
}

// stopped backs up a stopped node: the same ledger, of which it says how much
// was agreed for certain.
func stopped(t *testing.T, c *nodetest.Cluster, public string, private keys.Private) {
	size := c.Nodes["court"].Status().Ledger.Size
	cfg := c.Config("court")
	if _, err := node.OpenStopped(cfg, node.Options{}); !errors.Is(err, node.ErrRunning) {
		t.Errorf("a running node was opened as a stopped one: %v", err)
	}
	c.Stop("court")
	s, err := node.OpenStopped(cfg, node.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	to, err := backup.ReadRecipient([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.Backup(t.Context(), &file, []keys.Public{to}, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := backup.Restore(t.Context(), &file, private, backup.Target{Dir: filepath.Join(t.TempDir(), "x")}, nil)
	if err != nil || !r.Manifest.Offline || r.Manifest.Ledger.Size != size || r.Manifest.Ledger.Confirmed > size || r.Manifest.Ledger.Confirmed < 1 {
		t.Errorf("%+v, %v, want size %d", r.Manifest, err, size)
	}
	c.Start("court")
	c.Ready()
}

// everyNameIsKnown: whatever a node puts into its folder, a backup knows what to
// do with it.
func everyNameIsKnown(t *testing.T, c *nodetest.Cluster) {
	for _, m := range []string{"association", "court"} {
		names, err := backup.Unknown(c.Config(m))
		if err != nil || len(names) != 0 {
			t.Errorf("%s: no backup knows %v (node/backup/create.go: folder; node/README.md), %v", m, names, err)
		}
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "court", "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if names, _ := backup.Unknown(c.Config("court")); !slices.Equal(names, []string{"notes.txt"}) {
		t.Errorf("a stranger's file is not named: %v", names)
	}
}
