package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/ahead"
	"accord/exchange/catalogue"
	"accord/exchange/journal"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/state"
)

const (
	snapshotMagic = "accord-snapshot/1\n"
	maxHeader     = 64 << 10
)

// header opens a snapshot: what the rows stand on.
type header struct {
	Genesis string          `json:"genesis"` // the charter's digest
	Machine int             `json:"machine"` // machine version the federation runs
	Index   uint64          `json:"index"`
	Seq     int64           `json:"seq"`
	Refused int64           `json:"refused"`
	Time    exchange.Millis `json:"time"`
	Chain   string          `json:"chain"` // hex
}

// Snapshot holds a state for writing.
type Snapshot struct{ view *View }

// Snapshot takes hold of the newest state. It costs nothing; writing happens
// beside later calls of Apply.
func (m *Machine) Snapshot() (*Snapshot, error) {
	m.at("machine.snapshot.taken")
	return &Snapshot{m.View()}, nil
}

// View is the state that is written.
func (s *Snapshot) View() *View { return s.view }

// Release lets go of the state.
func (s *Snapshot) Release() { s.view = nil }

// WriteTo writes the snapshot: "accord-snapshot/1\n"; the header in JSON with
// its length (4 bytes, big-endian) in front; the rows as state.View.WriteRows
// writes them, which end with their content digest; the root of the journal's
// tree; and the SHA-256 of everything before.
func (s *Snapshot) WriteTo(w io.Writer) (int64, error) {
	if s.view == nil {
		return 0, ErrSnapshot.With("why", "released")
	}
	s.view.machine.at("machine.snapshot.write.before")
	sum := sha256.New()
	out := &counted{w: io.MultiWriter(w, sum)}
	h := s.view.state.Head()
	head, err := strictjson.Marshal(header{Genesis: s.view.federation.Digest, Machine: s.view.federation.MachineVersion,
		Index: h.Index, Seq: h.Seq, Refused: h.Refused, Time: h.Time, Chain: h.Chain.String()})
	if err != nil {
		return 0, err
	}
	lead := binary.BigEndian.AppendUint32([]byte(snapshotMagic), uint32(len(head)))
	if _, err := out.Write(append(lead, head...)); err != nil {
		return out.n, err
	}
	if _, err := s.view.state.WriteRows(out); err != nil {
		return out.n, err
	}
	root := s.view.tree.Root()
	if _, err := out.Write(root[:]); err != nil {
		return out.n, err
	}
	s.view.machine.at("machine.snapshot.write.seal")
	_, err = out.Write(sum.Sum(nil))
	return out.n, err
}

type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// Restore replaces the state by a snapshot's. The new state is built beside the
// old one and becomes visible, waking everybody who waits for a change, only
// when all of it has been verified: format, checksum, content digest, the
// journal's tree and its root, the genesis, and every catalogue. Of a snapshot
// that Prepare has judged only the digest is compared. If the stream can be held (Hold)
// it is out of the node's own store, which sums it as it is read, and what was signed
// stays in its file. After an error the machine is as it was.
func (m *Machine) Restore(r io.Reader) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at("machine.restore.before")
	p, err := m.take(r)
	if err != nil {
		return asSnapshotError(err)
	}
	m.at("machine.restore.swap")
	old := m.store
	m.publish(p.store, p.tree, p.store.View(), p.cat)
	_ = old.Close() // its views go on reading
	m.documents.forget()
	m.remembered.clear() // an older state may not have agreed on every verb
	m.fault = nil
	m.at("machine.restore.after")
	return nil
}

func asSnapshotError(err error) error {
	var known *exchange.Error
	if errors.As(err, &known) {
		return known
	}
	return ErrSnapshot.Wrap(err, "why", "damaged")
}

// take gives the state of a stream: the prepared one if that is what it is.
// The caller holds mu.
func (m *Machine) take(r io.Reader) (*Prepared, error) {
	p := m.prepared
	if p == nil {
		return m.rebuild(r)
	}
	lead := make([]byte, len(p.header))
	n, err := io.ReadFull(r, lead)
	if err != nil || !bytes.Equal(lead, p.header) {
		m.forget()
		return m.rebuild(io.MultiReader(bytes.NewReader(lead[:n]), r))
	}
	if err := p.same(r); err != nil {
		m.forget()
		return nil, err
	}
	m.prepared = nil
	return p, nil
}

// holder is a stream out of a file that never changes and is verified as it is read:
// the last bytes come only when all of it was found to be what was written. Hold gives
// it to be read at any place, 0 being where the stream began; it stays open while it
// is referred to, whatever is closed or removed.
type holder interface{ Hold() io.ReaderAt }

// rebuild reads a whole stream and makes the state it holds.
func (m *Machine) rebuild(r io.Reader) (*Prepared, error) {
	own, held := r.(holder)
	stream := ahead.NewStream
	if held {
		stream = ahead.NewVerified // summed where it is kept
	}
	in := stream(r)
	defer in.Close()
	head, raw, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	if head.Genesis != m.genesis.Digest() {
		return nil, ErrSnapshot.With("why", "it is of another federation")
	}
	if head.Machine > Version {
		return nil, ErrTooOld.With("agreed", head.Machine, "version", Version)
	}
	chain, err := hex.DecodeString(head.Chain)
	if err != nil || len(chain) != len(state.Digest{}) {
		return nil, ErrSnapshot.With("why", "header")
	}
	options := m.stateOptions()
	if held {
		options.Held = func() io.ReaderAt {
			return io.NewSectionReader(own.Hold(), int64(len(raw)), math.MaxInt64-int64(len(raw)))
		}
	}
	store, _, err := state.ReadRows(in, schema(), options, state.Head{Index: head.Index,
		Seq: head.Seq, Refused: head.Refused, Time: head.Time, Chain: state.Digest(chain)})
	if err != nil {
		return nil, err
	}
	p := &Prepared{Index: head.Index, header: raw, store: store}
	if err := p.finish(m, head, in, !held); err != nil {
		_ = store.Close()
		return nil, err
	}
	return p, nil
}

// finish reads what stands behind the rows and judges the whole, by its sum too if it
// was summed.
func (p *Prepared) finish(m *Machine, head header, in *ahead.Stream, summed bool) (err error) {
	if _, err := io.ReadFull(in, p.Root[:]); err != nil {
		return err
	}
	tail := make([]byte, sha256.Size+1)
	n, err := io.ReadFull(in, tail)
	if err != io.ErrUnexpectedEOF || n != sha256.Size {
		return ErrSnapshot.Wrap(err, "why", "checksum")
	}
	if summed {
		want, whole := in.Sums()
		if !bytes.Equal(tail[:n], want[:]) {
			return ErrSnapshot.With("why", "checksum")
		}
		p.sum = whole
	}
	if p.tree, p.cat, err = m.judge(p.store.View(), head, p.Root); err != nil {
		return err
	}
	p.Size = p.tree.Size()
	return nil
}

// readHeader gives the header and its bytes as they stand in the stream.
func readHeader(in io.Reader) (header, []byte, error) {
	lead := make([]byte, len(snapshotMagic)+4)
	if _, err := io.ReadFull(in, lead); err != nil {
		return header{}, nil, err
	}
	size := binary.BigEndian.Uint32(lead[len(snapshotMagic):])
	if string(lead[:len(snapshotMagic)]) != snapshotMagic || size > maxHeader {
		return header{}, nil, ErrSnapshot.With("why", "format")
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(in, text); err != nil {
		return header{}, nil, err
	}
	var h header
	if err := strictjson.Unmarshal(text, &h); err != nil {
		return header{}, nil, ErrSnapshot.Wrap(err, "why", "header")
	}
	if h.Seq < 0 || h.Refused < 0 || h.Refused > h.Seq || h.Time <= 0 {
		return header{}, nil, ErrSnapshot.With("why", "header")
	}
	return h, append(lead, text...), nil
}

// judge compares rows that are intact with what this node knows by itself.
func (m *Machine) judge(v *state.View, h header, root tlog.Hash) (*tlog.Tree, force, error) {
	var cat force
	fed := members.Fed(v)
	if fed.Digest != m.genesis.Digest() || fed.Charter != string(m.genesis.Charter) || fed.MachineVersion != h.Machine {
		return nil, cat, ErrSnapshot.With("why", "its charter is not ours")
	}
	tree, err := journal.Regrow(v, m.genesis.Charter)
	if err != nil {
		return nil, cat, err
	}
	if tree.Root() != root {
		return nil, cat, ErrSnapshot.With("why", "root of the journal")
	}
	for version := range members.Versions(v) {
		if catalogue.Digest([]byte(version.Document)) != version.Digest {
			return nil, cat, ErrSnapshot.With("why", "a catalogue is not the one it is named")
		}
		if _, err = m.tools.Catalogue(version); err != nil {
			return nil, cat, err
		}
	}
	if cat, err = m.forceOf(v, h.Time); err != nil {
		return nil, cat, ErrSnapshot.Wrap(err, "why", "no catalogue in force")
	}
	if err := m.tools.Book.Follow(v, m.tools.Verify); err != nil {
		return nil, cat, ErrSnapshot.Wrap(err, "why", "its rosters do not follow from the charter")
	}
	meeting.Recall(v, m.tools.Book, m.tools.Verify)
	if m.options.Audit {
		err = m.audit(context.Background(), v)
	}
	return tree, cat, err
}

// Audit replays every command of the state from the genesis on a fresh machine
// and compares: rows that no command brought about, or a command whose answer
// was changed, cannot hide from it. It costs as much as applying the commands.
func (m *Machine) Audit() error { return m.audit(context.Background(), m.View().state) }

// replay is a group of commands that audit applies at once.
type replay struct {
	payloads [][]byte
	err      error
}

// opened gives a state's commands in groups, checked by m ahead of Apply, which
// judges for itself.
func (m *Machine) opened(v *state.View) iter.Seq[replay] {
	const most, mostBytes = 256, 1 << 20
	return func(yield func(replay) bool) {
		for seq := int64(1); seq <= v.Head().Seq; {
			var g replay
			for size := 0; seq <= v.Head().Seq && len(g.payloads) < most && size < mostBytes; seq++ {
				s, ok, err := journal.Get(v, seq)
				if err == nil && !ok {
					err = ErrSnapshot.With("why", fmt.Sprintf("command %d is missing", seq))
				}
				if err != nil {
					yield(replay{err: err})
					return
				}
				g.payloads = append(g.payloads, []byte(s.JWS))
				size += len(s.JWS)
			}
			_ = m.CheckAll(g.payloads)
			if !yield(g) {
				return
			}
		}
	}
}

func (m *Machine) audit(ctx context.Context, v *state.View) error {
	fresh, err := New(m.genesis, Options{Blobs: m.options.Blobs})
	if err != nil {
		return err
	}
	defer func() { _ = fresh.Close() }()
	seq := int64(1)
	for g := range ahead.Values(2, fresh.opened(v)) {
		if g.err != nil {
			return g.err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		seq += int64(len(g.payloads))
		if _, err := fresh.Apply(uint64(seq), g.payloads); err != nil {
			return err
		}
		if fresh.View().Seq() != seq-1 {
			return ErrSnapshot.With("why", fmt.Sprintf("one of the commands up to %d is not authentic or not the first of its id", seq-1))
		}
	}
	want, have := v.Head(), fresh.View().state.Head()
	want.Index, have.Index = 0, 0
	if want != have {
		return ErrSnapshot.With("why", "replaying its commands gives another state")
	}
	rows, err := v.Content()
	if err != nil {
		return err
	}
	if again, err := fresh.View().Content(); err != nil || again != rows {
		return ErrSnapshot.With("why", "replaying its commands gives other rows")
	}
	return nil
}
