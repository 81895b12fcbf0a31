package machine

import (
	"context"
	"crypto/sha256"
	"io"

	"accord/crypto/tlog"
	"accord/exchange/state"
)

// Trusted is what a checkpoint cosigned by a quorum says of the ledger: the
// tree had this root when it held this many leaves.
type Trusted struct {
	Size int64
	Root tlog.Hash
}

// Prepared is a snapshot that was read whole, rebuilt beside the state and
// judged, and that is not in force.
type Prepared struct {
	Index uint64    // the last log entry in it
	Size  int64     // leaves of its tree
	Root  tlog.Hash // of its tree

	header []byte // as it stands in the file
	sum    [32]byte
	store  *state.Store
	tree   *tlog.Tree
	cat    force
}

// Prepare judges a snapshot of somebody else's making, as Snapshot.WriteTo
// writes it. It reads all of r and verifies all that Restore verifies; that the
// snapshot's tree has exactly the trusted size and root; and that it begins
// with this machine's own tree, or is a beginning of it. With audit it also
// replays every command, so that each row follows from signed statements; this
// costs as much as applying them. The state stays as it is and Apply goes on
// meanwhile.
//
// What was built is kept for the next Restore of the same bytes, which then
// only compares their digest; preparing another one, restoring, or Forget lets
// go of it. The errors are those of Restore.
func (m *Machine) Prepare(ctx context.Context, r io.Reader, t Trusted, audit bool) (*Prepared, error) {
	p, err := m.rebuild(&cancelled{ctx, r})
	if err != nil {
		return nil, asSnapshotError(err)
	}
	if err := m.trust(ctx, p, t, audit); err != nil {
		_ = p.store.Close()
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	m.prepared = p
	return p, nil
}

// trust judges what was rebuilt by what this node knows and was told.
func (m *Machine) trust(ctx context.Context, p *Prepared, t Trusted, audit bool) error {
	if p.Size != t.Size || p.Root != t.Root {
		return ErrSnapshot.With("why", "it is not the state that was cosigned")
	}
	if err := p.continues(m.View().Tree()); err != nil {
		return err
	}
	if audit && !m.options.Audit {
		if err := m.audit(ctx, p.store.View()); err != nil {
			return asSnapshotError(err)
		}
	}
	return nil
}

// Forget lets go of what Prepare built, when no Restore will follow.
func (m *Machine) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
}

// forget is Forget for who holds mu.
func (m *Machine) forget() {
	if m.prepared != nil {
		_ = m.prepared.store.Close() // it only had scratch files
		m.prepared = nil
	}
}

// continues checks that of two trees the smaller one is the beginning of the
// other: nothing this node has seen may be missing or different.
func (p *Prepared) continues(own tlog.View) error {
	size := min(own.Size(), p.Size)
	ours, err := own.RootAt(size)
	if err != nil {
		return err
	}
	theirs, err := p.tree.RootAt(size)
	if err != nil {
		return err
	}
	if ours != theirs {
		return ErrSnapshot.With("why", "it does not continue this node's own journal")
	}
	return nil
}

// same reads the rest of a stream whose header is the prepared one's and says
// whether it is the prepared stream.
func (p *Prepared) same(rest io.Reader) error {
	sum := sha256.New()
	sum.Write(p.header)
	if _, err := io.Copy(sum, rest); err != nil {
		return err
	}
	if [32]byte(sum.Sum(nil)) != p.sum {
		return ErrSnapshot.With("why", "it is not the one that was judged")
	}
	return nil
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
