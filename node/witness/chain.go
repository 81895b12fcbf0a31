package witness

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/failpoint"
	"accord/node/founding"
)

// ErrNoCheckpoint is given until a first checkpoint has its cosignatures.
var ErrNoCheckpoint = exchange.Define(exchange.KindUnavailable, "LEDGER-018",
	exchange.Text{Zh: "尚无达到法定共签数的检查点", En: "no checkpoint has a quorum of cosignatures yet"},
	exchange.Text{Zh: "待多数成员节点在线后稍候", En: "wait until enough members' nodes are up"})

// Cosigned is a checkpoint of the ledger that a quorum signed.
type Cosigned struct {
	Size    int64               `json:"size"`
	Root    tlog.Hash           `json:"root"`
	Index   uint64              `json:"index"` // log entry that brought its last statement, here
	At      exchange.Millis     `json:"at"`    // when this node had gathered it
	Signers []exchange.MemberID `json:"signers"`
	Note    string              `json:"note"`
}

// The chain is bounded: all of the newest, then ever fewer of the older ones.
const (
	chainRecent = 64
	chainMost   = 256
)

type chainPaper struct {
	Format string     `json:"format"`
	Chain  []Cosigned `json:"chain"`
}

const chainFormat = "accord-cosigned/1"

func (w *Witness) readChain() error {
	path := filepath.Join(w.Dir, chainFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p chainPaper
	if err == nil {
		err = strictjson.Unmarshal(raw, &p)
	}
	if err != nil || p.Format != chainFormat {
		return ErrFolder.Wrap(err, "file", path)
	}
	for i, c := range p.Chain {
		read, _, err := tlog.Read([]byte(c.Note))
		if err != nil || read != (tlog.Checkpoint{Origin: w.origin(), Size: c.Size, Root: c.Root}) || i > 0 && p.Chain[i-1].Size >= c.Size {
			return ErrFolder.Wrap(err, "file", path)
		}
	}
	w.chain = p.Chain
	return nil
}

// keep puts a cosigned checkpoint into the chain, on disk first.
func (w *Witness) keep(c Cosigned) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, there := slices.BinarySearchFunc(w.chain, c.Size, func(x Cosigned, size int64) int { return int(x.Size - size) })
	if there {
		return nil
	}
	next := thin(slices.Insert(slices.Clone(w.chain), at, c))
	raw, err := strictjson.Marshal(chainPaper{chainFormat, next})
	failpoint.Hit("witness.chain.before")
	if err == nil {
		err = founding.WriteFile(filepath.Join(w.Dir, chainFile), raw)
	}
	failpoint.Hit("witness.chain.after")
	if err != nil {
		return ErrKeep.Wrap(err, "file", chainFile)
	}
	w.chain = next
	return nil
}

// thin takes out, as long as there are too many, the one whose absence shows
// least: the gap it leaves is the smallest part of its distance from the end.
// So the whole history stays covered, ever more sparsely towards its beginning.
func thin(chain []Cosigned) []Cosigned {
	for len(chain) > chainMost {
		end, worst, at := chain[len(chain)-1].Size, math.Inf(1), 1
		for i := 1; i < len(chain)-chainRecent; i++ {
			if gap := float64(chain[i+1].Size-chain[i-1].Size) / float64(end-chain[i].Size); gap < worst {
				worst, at = gap, i
			}
		}
		chain = slices.Delete(chain, at, at+1)
	}
	return chain
}

// Newest is the newest cosigned checkpoint, ok false if there is none.
func (w *Witness) Newest() (c Cosigned, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.chain) == 0 {
		return c, false
	}
	return w.chain[len(w.chain)-1], true
}

// At is the cosigned checkpoint of exactly this size, if it was kept.
func (w *Witness) At(size int64) (c Cosigned, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := slices.BinarySearchFunc(w.chain, size, func(x Cosigned, size int64) int { return int(x.Size - size) })
	if !ok {
		return c, false
	}
	return w.chain[at], true
}

// Chain is every cosigned checkpoint kept, oldest first.
func (w *Witness) Chain() []Cosigned {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.chain)
}
