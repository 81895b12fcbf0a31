package tlog

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	ours "accord/crypto/tlog"
	"accord/node/client"
	"accord/node/nodetest"
	"accord/node/wire"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	tessera "github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// entries is how many statements the test makes: more than one full tile. The
// charter and what nodes say of themselves come on top.
const entries = 300

// served is a federation whose ledger is under a cosigned checkpoint, and what
// a stranger needs to read it at one node.
type served struct {
	origin  string
	key     note.Verifier // of the member that serves
	fetcher *tessera.HTTPFetcher
	local   *client.Client
}

func serve(t *testing.T) served {
	t.Helper()
	c := nodetest.New(t)
	ctx := t.Context()
	node := c.Client("regulator")
	f, err := node.Federation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	size := fill(t, node, f)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		points, err := node.Checkpoints(ctx)
		if n := len(points.Checkpoints); err == nil && n > 0 && points.Checkpoints[n-1].Size >= size {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no cosigned checkpoint over the whole ledger: %v", err)
		}
	}
	address, err := url.Parse("https://" + c.Address("regulator") + "/ledger/")
	if err != nil {
		t.Fatal(err)
	}
	// Nodes pin keys and have no certificates that a stranger could check; what
	// they serve is signed.
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	fetcher, err := tessera.NewHTTPFetcher(address, hc)
	if err != nil {
		t.Fatal(err)
	}
	s := served{origin: ours.LedgerOrigin(f.Federation), fetcher: fetcher, local: node}
	s.key = s.serving(t)
	return s
}

// fill brings statements onto the ledger, several at once, and gives its size then.
func fill(t *testing.T, node *client.Client, f wire.Federation) int64 {
	t.Helper()
	var wg sync.WaitGroup
	work := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range work {
				// Most are refused, since the subject is listed already: a refused
				// statement is an entry of the log like any other.
				_, _ = node.Nominate(context.Background(), "red", wire.Nominate{SubjectKind: "enterprise", USCC: f.Members[i%len(f.Members)].USCC,
					Name: "例", Ground: "decision", Decision: &wire.DecisionRef{Number: fmt.Sprint(i), Authority: "例"}, TermDays: 365})
			}
		})
	}
	for i := range entries {
		work <- i
	}
	close(work)
	wg.Wait()
	at, err := node.Ledger(t.Context(), true)
	if err != nil || at.Size < entries+1 {
		t.Fatalf("%d entries: %v", at.Size, err)
	}
	return at.Size
}

// serving finds, among the log keys of the policy, the one the checkpoint was
// signed with.
func (s served) serving(t *testing.T) note.Verifier {
	t.Helper()
	policy, err := s.local.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := s.fetcher.ReadCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(policy)) {
		vkey, ok := strings.CutPrefix(line, "log ")
		if !ok {
			continue
		}
		v, err := note.NewVerifier(strings.TrimSpace(vkey))
		if err != nil {
			t.Errorf("x/mod does not read %q: %v", vkey, err)
			continue
		}
		if _, err := note.Open(checkpoint, note.VerifierList(v)); err == nil {
			return v
		}
	}
	t.Fatal("the checkpoint bears none of the policy's log keys")
	return nil
}

// hashes is how a foreign tool makes leaf hashes of an entry bundle.
func hashes(bundle []byte) ([][]byte, error) {
	var eb api.EntryBundle
	if err := eb.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var out [][]byte
	for _, e := range eb.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return out, nil
}

// workers: with one alone fsck hangs when it finds a fault.
const workers = 4

// check runs fsck with a limit of time.
func check(t *testing.T, s served, f fsck.Fetcher) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- fsck.New(s.origin, s.key, f, hashes, fsck.Opts{N: workers}).Check(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flipped serves a log with one byte changed.
type flipped struct {
	fsck.Fetcher
	level int // -1: the entries
}

func (f flipped) ReadTile(ctx context.Context, l, i uint64, p uint8) ([]byte, error) {
	b, err := f.Fetcher.ReadTile(ctx, l, i, p)
	if err == nil && int(l) == f.level {
		b[5] ^= 1
	}
	return b, err
}

func (f flipped) ReadEntryBundle(ctx context.Context, i uint64, p uint8) ([]byte, error) {
	b, err := f.Fetcher.ReadEntryBundle(ctx, i, p)
	if err == nil && f.level < 0 && i == 0 {
		b[40] ^= 1
	}
	return b, err
}

// Shows: B8
func TestForeignToolsAuditTheLedger(t *testing.T) {
	s := serve(t)
	if err := check(t, s, s.fetcher); err != nil {
		t.Errorf("tessera fsck refuses the served log: %v", err)
	}
	for level, what := range map[int]string{-1: "an entry", 0: "a tile of leaf hashes", 1: "a tile above"} {
		if err := check(t, s, flipped{s.fetcher, level}); err == nil {
			t.Errorf("tessera fsck takes a log with a changed byte in %s", what)
		}
	}
	ctx := t.Context()
	point, _, _, err := tessera.FetchCheckpoint(ctx, s.fetcher.ReadCheckpoint, s.key, s.origin)
	if err != nil {
		t.Fatal(err)
	}
	builder, err := tessera.NewProofBuilder(ctx, point.Size, s.fetcher.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []uint64{0, 1, 255, 256, point.Size - 1} {
		bundle, err := tessera.GetEntryBundle(ctx, s.fetcher.ReadEntryBundle, index/256, point.Size)
		if err != nil {
			t.Fatal(err)
		}
		path, err := builder.InclusionProof(ctx, index)
		if err != nil {
			t.Fatal(err)
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(bundle.Entries[index%256])
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, point.Size, leaf, path, point.Hash); err != nil {
			t.Errorf("entry %d is not proven by foreign tools: %v", index, err)
		}
	}
	proofFile(t, s)
}

// proofFile: a proof file of ours holds for a foreign verifier, and x/mod's note
// reader keeps the cosignatures it passes over.
func proofFile(t *testing.T, s served) {
	t.Helper()
	file, err := s.local.InclusionProof(t.Context(), client.ProofQuery{Seq: 5})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ours.ParseProofFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(p.Checkpoint, note.VerifierList(s.key))
	if err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) < 3 {
		t.Fatalf("%d and %d signatures: %v", len(n.Sigs), len(n.UnverifiedSigs), err)
	}
	point, _, _, err := tessera.FetchCheckpoint(t.Context(), func(context.Context) ([]byte, error) { return p.Checkpoint, nil }, s.key, s.origin)
	if err != nil {
		t.Fatal(err)
	}
	path := make([][]byte, len(p.Proof))
	for i, h := range p.Proof {
		path[i] = h[:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(p.Index), point.Size, rfc6962.DefaultHasher.HashLeaf(p.Extra), path, point.Hash); err != nil {
		t.Errorf("a foreign verifier refuses our proof file: %v", err)
	}
}
