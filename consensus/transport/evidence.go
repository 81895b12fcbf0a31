package transport

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Evidence is a refused request that no honest peer sends, as it came. It is this
// node's testimony: streams are proven to this node and to nobody else. What is
// signed inside, such as two certificates with one voter's two votes of a term,
// proves itself to everybody.
type Evidence struct {
	Time time.Time
	Self string // who keeps it
	Peer string // who sent it, proven by its key
	Kind Kind
	Rule string // the guard's rule it broke
	Why  string
	// Body is the request without its frame, with its certificate; of a longer one
	// the first [MaxEvidenceBody] bytes. Size and Digest are of all of it.
	Body   []byte
	Size   uint64
	Digest [32]byte // SHA-256
	// Own is what this node holds against it: its entry of that index, see
	// [EncodeEntry], or the certificate it knows.
	Own []byte
}

// Bounds of what is kept. The first evidence of a kind says the most, so when the
// room is used up, new evidence is dropped and counted.
const (
	MaxEvidenceBody   = 1 << 20
	maxEvidenceOwn    = 1 << 20
	maxEvidenceFile   = MaxEvidenceBody + maxEvidenceOwn + 4<<10
	maxEvidence       = 128      // files
	maxEvidenceOfPeer = 16       // files that accuse one peer
	maxEvidenceBytes  = 64 << 20 // all files together
)

const (
	evidenceMagic  = "accord-evidence/1\n"
	evidenceSuffix = ".evidence"
)

// Encode is the file format: a line of magic; time in nanoseconds since 1970
// (64-bit big-endian); keeper, peer, one byte of kind, rule and reason; the size
// of the body (64-bit) and its SHA-256; the body and the own item; the SHA-256 of
// everything before. Strings have a 32-bit length in front.
func (e *Evidence) Encode() []byte {
	b := putU64([]byte(evidenceMagic), uint64(unixNano(e.Time)))
	b = putBytes(putBytes(b, []byte(e.Self)), []byte(e.Peer))
	b = putBytes(putBytes(append(b, byte(e.Kind)), []byte(e.Rule)), []byte(e.Why))
	b = append(putU64(b, e.Size), e.Digest[:]...)
	b = putBytes(putBytes(b, e.Body), e.Own)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// DecodeEvidence reads a file of evidence and checks its sums.
func DecodeEvidence(b []byte) (*Evidence, error) {
	if len(b) > maxEvidenceFile || len(b) < len(evidenceMagic)+sha256.Size || string(b[:len(evidenceMagic)]) != evidenceMagic {
		return nil, malformed("evidence")
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if have := sha256.Sum256(body); !bytes.Equal(have[:], sum) {
		return nil, malformed("evidence does not match its checksum")
	}
	r := &reader{b: body[len(evidenceMagic):]}
	e := &Evidence{Time: fromUnixNano(int64(r.u64("time"))), Self: string(r.bytes(maxID, "self")), Peer: string(r.bytes(maxID, "peer"))}
	e.Kind, e.Rule, e.Why = Kind(r.u8("kind")), string(r.bytes(maxSmallBody, "rule")), string(r.bytes(maxSmallBody, "why"))
	e.Size = r.u64("size")
	copy(e.Digest[:], r.take(sha256.Size, "digest"))
	e.Body, e.Own = bytes.Clone(r.bytes(MaxEvidenceBody, "body")), bytes.Clone(r.bytes(maxEvidenceOwn, "own"))
	if err := r.done(); err != nil {
		return nil, err
	}
	whole := sha256.Sum256(e.Body)
	if e.Size < uint64(len(e.Body)) || (e.Size == uint64(len(e.Body)) && whole != e.Digest) || (e.Size > uint64(len(e.Body)) && len(e.Body) != MaxEvidenceBody) {
		return nil, malformed("evidence body")
	}
	return e, nil
}

// name is the file's name: equal for the same request refused by the same rule.
func (e *Evidence) name() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %q ", e.Peer, e.Kind, e.Rule)
	h.Write(e.Digest[:])
	return hex.EncodeToString(h.Sum(nil)[:16]) + evidenceSuffix
}

// EncodeEntry is a log entry as evidence carries it: index and term (64-bit
// big-endian), one byte of type, the data.
func EncodeEntry(e raft.Log) []byte {
	return append(append(putU64(nil, e.Index, e.Term), byte(e.Type)), e.Data...)
}

// accusation is a refusal that no honest peer causes.
type accusation struct {
	error
	own []byte
}

func (a *accusation) Unwrap() error { return a.error }

// accuse marks a refusal as evidence, with what this node holds against it.
func accuse(err error, own []byte) error { return &accusation{error: err, own: own} }

// archive keeps evidence in a directory.
type archive struct {
	dir    string
	noSync bool

	mu      sync.Mutex
	kept    map[string]bool // file names
	ofPeer  map[string]int
	bytes   int64
	dropped uint64
}

// openArchive counts what is there; an empty dir keeps nothing.
func openArchive(dir string, noSync bool) (*archive, error) {
	a := &archive{dir: dir, noSync: noSync, kept: map[string]bool{}, ofPeer: map[string]int{}}
	if dir == "" {
		return a, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("transport: evidence: %w", err)
	}
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		a.kept[e.name()] = true
		a.ofPeer[e.Peer]++
		a.bytes += int64(len(e.Body) + len(e.Own))
	}
	return a, nil
}

// keep writes evidence to the disk, unless it is there or there is no room.
func (a *archive) keep(e *Evidence) (kept bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, size := e.name(), int64(len(e.Body)+len(e.Own))
	switch {
	case a.dir == "" || a.kept[name]:
		return false, nil
	case len(a.kept) >= maxEvidence || a.ofPeer[e.Peer] >= maxEvidenceOfPeer || a.bytes+size > maxEvidenceBytes:
		a.dropped++
		return false, nil
	}
	if err := writeDurably(filepath.Join(a.dir, name), e.Encode(), a.noSync); err != nil {
		return false, fmt.Errorf("transport: evidence: %w", err)
	}
	a.kept[name] = true
	a.ofPeer[e.Peer]++
	a.bytes += size
	return true, nil
}

func (a *archive) count() (kept int, dropped uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.kept), a.dropped
}

// list reads all evidence, oldest first. A file that is damaged is left out.
func (a *archive) list() ([]*Evidence, error) {
	if a.dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(a.dir)
	if err != nil {
		return nil, fmt.Errorf("transport: evidence: %w", err)
	}
	var out []*Evidence
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), evidenceSuffix) || !f.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(a.dir, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("transport: evidence: %w", err)
		}
		if e, err := DecodeEvidence(b); err == nil && e.name() == f.Name() {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(x, y *Evidence) int {
		return cmp.Or(x.Time.Compare(y.Time), strings.Compare(x.name(), y.name()))
	})
	return out, nil
}
