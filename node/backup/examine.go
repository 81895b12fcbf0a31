package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/founding"
)

// Verified counts what was proven, one by one.
type Verified struct {
	Statements int64 `json:"statements"` // replayed from the genesis, to the same state
	Records    int64 `json:"records"`    // whose signatures hold
	Audit      int64 `json:"audit_lines"`
	// Missing are records that the ledger names as this member's and that are
	// not among its records.
	Missing int64 `json:"missing_records"`
}

// held is the ledger of a backup without a node around it.
type held struct{ m *machine.Machine }

func (h held) View() *machine.View { return h.m.View() }

// examine proves what was unpacked: nothing in a backup is believed because it
// was sealed or signed by one node.
func examine(ctx context.Context, dir string, m Manifest) (Verified, error) {
	var v Verified
	id, err := founding.ReadIdentity(dir)
	if err != nil || id.Member != m.Member || id.Node != m.Node {
		return v, ErrContent.Wrap(err, "why", "node.json is not the manifest's node")
	}
	g, err := founding.ReadGenesis(dir)
	if err != nil {
		return v, ErrContent.Wrap(err, "why", "the genesis")
	}
	if g.Digest() != m.Charter {
		return v, ErrContent.With("why", "the charter is not the manifest's")
	}
	led, err := replay(dir, g, m)
	if err != nil {
		return v, err
	}
	view := led.View()
	v.Statements = view.Seq()
	if who, _, ok := view.KeyAt(m.Signer.KID(), view.Time()); !ok || who.ID != m.Member {
		return v, ErrContent.With("why", "its signature is by a key that is not the member's")
	}
	if err := examineRecords(ctx, dir, m, led, &v); err != nil {
		return v, err
	}
	logs, err := filepath.Glob(filepath.Join(dir, restoredFolder, "audit-*.log"))
	if err != nil {
		return v, err
	}
	for _, p := range logs {
		n, err := audit.Verify(p)
		if err != nil {
			return v, ErrContent.Wrap(err, "why", "an audit file")
		}
		v.Audit += n
	}
	if v.Audit != m.Audit || v.Records != m.Records {
		return v, ErrContent.With("why", "there are more or fewer records or audit lines than the manifest says")
	}
	raw, err := strictjson.Marshal(m)
	if err != nil {
		return v, err
	}
	return v, named(founding.WriteFile(filepath.Join(dir, restoredFolder, manifestName), append(raw, '\n')))
}

// replay restores the ledger's state and brings it about once more from its
// statements alone.
func replay(dir string, g members.Genesis, m Manifest) (held, error) {
	led, err := machine.New(g, machine.Options{Audit: true})
	if err != nil {
		return held{}, ErrContent.Wrap(err, "why", "the genesis")
	}
	f, err := os.Open(filepath.Join(dir, restoredFolder, ledgerName))
	if err != nil {
		return held{}, ErrContent.Wrap(err, "why", "the ledger is missing")
	}
	defer f.Close()
	if err := led.Restore(f); err != nil {
		return held{}, ErrContent.Wrap(err, "why", "the ledger does not follow from its statements")
	}
	view := led.View()
	root := view.Root()
	if view.Size() != m.Ledger.Size || hex.EncodeToString(root[:]) != m.Ledger.Root || view.Digest().String() != m.Ledger.Digest {
		return held{}, ErrContent.With("why", "the ledger is not the manifest's")
	}
	return held{led}, nil
}

// page is how many records are read and verified at once.
const page = 500

// examineRecords verifies every own record's signature and looks for those that
// the ledger names.
func examineRecords(ctx context.Context, dir string, m Manifest, led held, v *Verified) error {
	store, err := records.OpenSQLite(ctx, filepath.Join(dir, recordsName))
	if err != nil {
		return ErrContent.Wrap(err, "why", "the record store does not open")
	}
	err = checkRecords(ctx, store, m, led, v)
	if cerr := store.Close(); err == nil {
		err = cerr
	}
	return err
}

func checkRecords(ctx context.Context, store records.Store, m Manifest, led held, v *Verified) error {
	verifier := &agency.Agency{Config: agency.Config{Federation: m.Federation, Self: m.Member, Ledger: led}}
	cursor := records.Cursor("")
	for {
		batch, next, err := store.List(ctx, records.Filter{Author: m.Member}, cursor, page)
		if err != nil {
			return ErrContent.Wrap(err, "why", "the record store")
		}
		if id, err := verifyAll(verifier, batch); err != nil {
			return ErrContent.Wrap(err, "why", "the signature of record "+string(id))
		}
		v.Records += int64(len(batch))
		if cursor = next; next == "" {
			break
		}
	}
	missing, err := Missing(ctx, store, led.View(), m.Member)
	v.Missing = int64(len(missing))
	return err
}

// verifyAll verifies records side by side and names one that fails.
func verifyAll(a *agency.Agency, batch []records.Record) (exchange.RecordID, error) {
	errs := make([]error, len(batch))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(batch); i += workers {
				claims, _, err := a.VerifyRecord(batch[i].Author, batch[i].JWT)
				if err == nil && (claims.ID != batch[i].ID || batch[i].Digest != records.DigestOf(batch[i].JWT)) {
					err = records.ErrRecord.With("member", "id")
				}
				errs[i] = err
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return batch[i].ID, err
		}
	}
	return "", nil
}

// Missing are the records that the ledger names as a member's own and that are
// not in its store: what a restore from an older backup has lost.
func Missing(ctx context.Context, store records.Store, view *machine.View, self exchange.MemberID) ([]exchange.RecordID, error) {
	var missing []exchange.RecordID
	seen := map[exchange.RecordID]bool{}
	look := func(ref lists.RecordRef) error {
		if ref.Author != self || seen[ref.ID] {
			return nil
		}
		seen[ref.ID] = true
		_, err := store.Get(ctx, ref.ID)
		if errors.Is(err, records.ErrNotFound) {
			missing, err = append(missing, ref.ID), nil
		}
		return err
	}
	for e := range lists.All(view.Rows()) {
		if e.By != self { // anybody can name a record there never was
			continue
		}
		for _, ref := range e.Records {
			if err := look(ref); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}
