package consensus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// view is what the guard may ask of the node.
type view struct {
	l     *Log
	cache atomic.Pointer[memberships]
}

var _ transport.View = (*view)(nil)

// memberships are those held possible, beside what they were made of.
type memberships struct {
	latest, committed []raft.Server
	members           []Server
	all               [][]raft.Server
}

// equal says whether two lists are the same memory; raft, the fsm and the machine
// make a new one for each change.
func equal[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Memberships are the committed membership, the newest in the log and that of the
// newest papers. A node without any in its log goes by the servers it was told to
// believe. Papers say who shall vote; of itself a node knows better: until its log
// gives it a vote it has none, and is not counted among those that could have voted.
// It is asked for every request and made anew only after a change.
func (v *view) Memberships() [][]raft.Server {
	r := v.l.raft.Load()
	if r == nil {
		return nil
	}
	m := &memberships{latest: r.GetConfiguration().Configuration().Servers, committed: v.l.fsm.configuration().Servers}
	if p, ok := v.l.fsm.machine.(Papers); ok {
		m.members = p.Members()
	}
	if c := v.cache.Load(); c != nil && equal(c.latest, m.latest) && equal(c.committed, m.committed) && equal(c.members, m.members) {
		return c.all
	}
	for _, servers := range [][]raft.Server{m.latest, m.committed, v.told(m.members, m.latest)} {
		if len(servers) > 0 {
			m.all = append(m.all, servers)
		}
	}
	if len(m.latest) == 0 {
		m.all = append(m.all, v.told(v.l.cfg.Servers, nil))
	}
	v.cache.Store(m)
	return m.all
}

// told is a membership this node did not read in its log, without a vote of its own
// if it has none by its log. A founder's empty log stands for the founding.
func (v *view) told(list []Server, log []raft.Server) []raft.Server {
	out := configuration(list).Servers
	if !v.l.cfg.Newcomer || slices.ContainsFunc(log, func(s raft.Server) bool {
		return string(s.ID) == v.l.cfg.NodeID && s.Suffrage == raft.Voter
	}) {
		return out
	}
	for i := range out {
		if string(out[i].ID) == v.l.cfg.NodeID {
			out[i].Suffrage = raft.Nonvoter
		}
	}
	return out
}

// Governs asks the machine's governance; without any, the log's word holds.
func (v *view) Governs(servers []raft.Server) error {
	g, ok := v.l.fsm.machine.(Governor)
	if !ok {
		return nil
	}
	list := make([]Server, len(servers))
	for i, s := range servers {
		list[i] = fromRaft(s)
	}
	return g.Governs(list)
}

// LastIndex is the end of the log.
func (v *view) LastIndex() uint64 {
	last, err := v.l.store.LastIndex()
	if err != nil {
		return 0
	}
	return last
}

func (v *view) Leader() string {
	if r := v.l.raft.Load(); r != nil {
		_, id := r.LeaderWithID()
		return string(id)
	}
	return ""
}

func (v *view) Term() uint64 {
	if r := v.l.raft.Load(); r != nil {
		return r.CurrentTerm()
	}
	return 0
}

func (v *view) Floor() uint64 {
	applied, _ := v.l.fsm.position()
	if r := v.l.raft.Load(); r != nil {
		return max(applied, r.CommitIndex())
	}
	return applied
}

func (v *view) Stored(index uint64) (e raft.Log, ok bool) {
	return e, v.l.store.GetLog(index, &e) == nil
}

// Covered is the place of the last entry this node's newest snapshot covers.
func (v *view) Covered() (index, term uint64) { return v.l.snaps.Last() }

// Check judges the payloads of entries about to be stored.
func (v *view) Check(entries []*raft.Log) error {
	var payloads [][]byte
	for _, e := range entries {
		group, err := decodeGroup(e.Data, v.l.cfg.MaxEntry)
		if err != nil {
			return err
		}
		payloads = append(payloads, group...)
	}
	for _, err := range check(v.l.fsm.machine, payloads) {
		if err != nil {
			return errors.New("a payload does not pass the machine's check")
		}
	}
	return nil
}

// vouch reads where the state in a snapshot stands and asks the machine for what
// makes a peer believe it.
func (l *Log) vouch(ctx context.Context, snapshot io.Reader) (voucher []byte, whole io.Reader, err error) {
	head := make([]byte, bodyHead)
	if _, err := io.ReadFull(snapshot, head); err != nil {
		return nil, nil, fmt.Errorf("consensus: read snapshot: %w", err)
	}
	whole = io.MultiReader(bytes.NewReader(head), snapshot)
	v, ok := l.fsm.machine.(Voucher)
	if !ok {
		return nil, whole, nil
	}
	voucher, err = v.Vouch(ctx, binary.BigEndian.Uint64(head[len(bodyMagic):]))
	if err == nil && len(voucher) > transport.MaxVoucher {
		err = ErrTooLarge
	}
	return voucher, whole, err
}

// vet judges a whole snapshot before raft knows of it: that its state stands where
// the request says, that the machine believes it, and that its membership follows
// from governance, which the machine has now seen.
func (l *Log) vet(ctx context.Context, req *raft.InstallSnapshotRequest, voucher []byte, snapshot io.Reader) error {
	head := make([]byte, bodyHead)
	if _, err := io.ReadFull(snapshot, head); err != nil || string(head[:len(bodyMagic)]) != bodyMagic {
		return fmt.Errorf("%w: snapshot", ErrFormat)
	}
	index, term := binary.BigEndian.Uint64(head[len(bodyMagic):]), binary.BigEndian.Uint64(head[len(bodyMagic)+8:])
	if index > req.LastLogIndex || term > req.LastLogTerm {
		return fmt.Errorf("%w: snapshot stands at another index than it says", ErrFormat)
	}
	if v, ok := l.fsm.machine.(Voucher); ok {
		if err := v.Vet(ctx, voucher, snapshot); errors.Is(err, ErrUnjudged) {
			return fmt.Errorf("%w: %w", transport.ErrNotYet, err)
		} else if err != nil {
			return err
		}
	}
	configuration, err := transport.DecodeConfiguration(req.Configuration)
	if err != nil {
		return err
	}
	if err := l.view.Governs(configuration.Servers); err != nil {
		return err
	}
	l.installs.note(time.Now())
	return nil
}

// recall lets the machine learn again from a stored entry, which was judged when
// it came.
func (v *view) recall(e *raft.Log) {
	m, picks := v.l.fsm.machine.(Recaller)
	if !picks {
		_ = v.Check([]*raft.Log{e})
		return
	}
	group, err := decodeGroup(e.Data, v.l.cfg.MaxEntry)
	if err != nil {
		return // Apply says so
	}
	for _, payload := range group {
		m.Recall(payload)
	}
}

// recheck puts the stored entries that are not part of the newest snapshot through
// the machine's check again: a governor must know what they announce before the
// first membership that follows from it is judged.
func (l *Log) recheck() error {
	if _, ok := l.fsm.machine.(Governor); !ok {
		return nil
	}
	first, err := l.store.FirstIndex()
	if err != nil || first == 0 {
		return err
	}
	last, err := l.store.LastIndex()
	snap, _ := l.snaps.Newest()
	for i := max(first, snap+1); err == nil && i <= last; i++ {
		var e raft.Log
		if err = l.store.GetLog(i, &e); err == nil && e.Type == raft.LogCommand {
			l.view.recall(&e)
		}
	}
	return err
}
