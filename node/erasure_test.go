package node_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/identifiers"
	"accord/exchange/intake"
	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
	"accord/node"
	"accord/node/backup"
	"accord/node/client"
	"accord/node/config"
	"accord/node/nodetest"
	"accord/node/wire"
)

// TestErasedByRetentionEverywhere: on the day after its retention a record on a
// person is destroyed by its author's node and every mirror, without anybody's doing;
// each signs for it; no file of any node, of the PostgreSQL one of them uses, or of a
// new backup holds its body, its subject or what opens its private fields; and what
// was proved of everything else still is.
func TestErasedByRetentionEverywhere(t *testing.T) {
	server := postgrestest.Start(t)
	word := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(word, []byte(server.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	address := server.URL(server.Schema(t), 0)
	var later atomic.Int64
	c := nodetest.NewTuned(t, func(member string, cfg *config.Config, o *node.Options) {
		o.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		if member == "court" {
			cfg.Store, cfg.StorePassword = address, word
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	author := c.Client("association")
	const canary = "条例第九十九条（清除之例）"
	rec := doomed(ctx, t, author, canary)
	sample, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	report, err := author.Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "auto"}, bytes.NewReader(sample), nil)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(report.New) + 1
	before := follows(ctx, t, c, "court", func(f wire.FeedStatus) bool { return f.Size == size && f.Anchor == size && f.Missing == 0 })
	mirrors := []string{"court", "regulator", "commission"}
	for _, m := range mirrors {
		follows(ctx, t, c, m, func(f wire.FeedStatus) bool { return f.Size == size })
	}
	probes := probesOf(t, filepath.Join(c.Dir, "association", "records.db"), rec.ID, canary)
	for name, probe := range probes {
		for _, m := range append(mirrors, "association") {
			here := searched(t, c, server, m, probe) != ""
			if own := m == "association"; !here && (own || name != "seal") {
				t.Fatalf("%s does not hold the %s before; the test looks in the wrong place", m, name)
			} else if here && !own && name == "seal" {
				t.Fatalf("%s holds another's sealed field", m)
			}
		}
	}

	later.Store(int64(25 * time.Hour))
	after := follows(ctx, t, c, "court", func(f wire.FeedStatus) bool { return f.Size == size+1 && f.Erased == 1 })
	changes, err := author.Changes(ctx, "association", size, 10, 0)
	if err != nil || len(changes.Changes) != 1 || changes.Changes[0].Kind != "erasure" {
		t.Fatalf("%+v %v", changes, err)
	}
	for {
		got, err := author.FeedReceipts(ctx, changes.Changes[0].ID)
		if err == nil && len(got.Receipts) == 3 && len(got.Awaited) == 0 {
			break
		}
		rest(ctx, t, c)
	}
	for name, probe := range probes {
		for _, m := range append(mirrors, "association") {
			if file := searched(t, c, server, m, probe); file != "" {
				t.Errorf("%s still holds the %s in %s", m, name, file)
			}
		}
		if raw := restored(t, c, "association"); bytes.Contains(raw, probe) {
			t.Errorf("a new backup holds the %s", name)
		}
	}
	if after.Alarms > 0 {
		t.Errorf("%+v", after)
	}
	stillProved(ctx, t, c.Client("association"), before, after)
}

// doomed is a record on a person on the last day of its retention.
func doomed(ctx context.Context, t *testing.T, author *client.Client, canary string) wire.Record {
	t.Helper()
	check, err := identifiers.ResidentCheck("63990019900101123")
	if err != nil {
		t.Fatal(err)
	}
	person := "63990019900101123" + string(check)
	values := map[string]json.RawMessage{}
	for field, v := range map[string]string{"name": "例某某", "resident_id": person, "licence_number": "LICENCE1", "employer": "例示公司",
		"degree": "warning", "document_number": "D1", "facts": "私密之事", "basis": canary,
		"decided_on": records.Day(time.Now().AddDate(0, 0, -1826)), "disclosure_until": records.Day(time.Now())} {
		values[field], _ = json.Marshal(v)
	}
	rec, err := author.AddRecord(ctx, wire.AddRecord{Category: "discipline-practitioner", SubjectKind: "practitioner", PersonID: person, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// probesOf are byte strings that stand for a record's body, its subject, and what
// opens its private fields.
func probesOf(t *testing.T, file string, id exchange.RecordID, canary string) map[string][]byte {
	t.Helper()
	store, err := records.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rec, err := store.Get(t.Context(), id)
	if err != nil || len(rec.Sealed) == 0 {
		t.Fatalf("%v %+v", err, rec)
	}
	parts := strings.Split(rec.JWT, ".")
	clear, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || !bytes.Contains(clear, []byte(canary)) {
		t.Fatalf("the canary is not in the record (%v)", err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	// as stores hold them: a signed part is packed
	return map[string][]byte{"body": []byte(canary), "signature": signature[8:56], "subject": []byte(rec.Subject), "seal": rec.Sealed[0].Sealed.Key[1:]}
}

// searched is the file of a member's data folder, or of the database it uses, that
// holds the bytes. The server's log of changes is not looked into for what is not
// private: it holds it until it is recycled.
func searched(t *testing.T, c *nodetest.Cluster, server *postgrestest.Server, member string, probe []byte) (found string) {
	t.Helper()
	roots := []string{filepath.Join(c.Dir, member)}
	if member == "court" {
		if _, err := server.SQL("CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
		roots = append(roots, filepath.Join(server.Files(), "base"))
	}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // what is gone meanwhile
			}
			raw, err := os.ReadFile(path)
			if err == nil && bytes.Contains(raw, probe) {
				found = path
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// restored is the record store of a new backup.
func restored(t *testing.T, c *nodetest.Cluster, member string) []byte {
	t.Helper()
	identity, pass := filepath.Join(t.TempDir(), "identity"), []byte("a passphrase in a safe")
	public, _, err := backup.Keygen(identity, pass, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	private, err := backup.OpenIdentity(identity, pass)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := c.Client(member).Backup(t.Context(), wire.Backup{To: []string{string(public)}}, &file); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "node")
	if _, err := backup.Restore(t.Context(), &file, private, backup.Target{Dir: dir}, nil); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "records.db"))
	if err != nil || len(raw) == 0 {
		t.Fatal(err)
	}
	return raw
}

// stillProved recomputes the whole tree from what is served, before and after.
func stillProved(ctx context.Context, t *testing.T, author *client.Client, before, after wire.FeedStatus) {
	t.Helper()
	tree := tlog.NewTiled(after.Size, func(tile tlog.Tile) ([]byte, error) { return author.FeedTile(ctx, "association", tile) })
	for _, at := range []wire.FeedStatus{before, after} {
		if root, err := tree.RootAt(at.Size); err != nil || root != at.Root {
			t.Errorf("the root over %d entries is not the one there was (%v)", at.Size, err)
		}
	}
	proof, err := tree.ProveConsistency(before.Size, after.Size)
	if err == nil {
		err = tlog.CheckConsistency(proof, before.Size, before.Root, after.Size, after.Root)
	}
	if err != nil {
		t.Error(err)
	}
}
