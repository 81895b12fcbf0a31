package consensus

import (
	"errors"
	"fmt"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// view is what the guard may ask of the node.
type view struct{ l *Log }

var _ transport.View = view{}

// Servers is the committed membership and the newest in the log. A node without
// any goes by the servers it was told to believe.
func (v view) Servers() []raft.Server {
	r := v.l.raft.Load()
	if r == nil {
		return nil
	}
	latest := r.GetConfiguration().Configuration().Servers
	if len(latest) == 0 {
		return configuration(v.l.cfg.Servers).Servers
	}
	return append(latest, v.l.fsm.configuration().Servers...)
}

func (v view) Leader() string {
	if r := v.l.raft.Load(); r != nil {
		_, id := r.LeaderWithID()
		return string(id)
	}
	return ""
}

func (v view) Term() uint64 {
	if r := v.l.raft.Load(); r != nil {
		return r.CurrentTerm()
	}
	return 0
}

func (v view) Floor() uint64 {
	applied, _ := v.l.fsm.position()
	if r := v.l.raft.Load(); r != nil {
		return max(applied, r.CommitIndex())
	}
	return applied
}

func (v view) Stored(index uint64) (e raft.Log, ok bool) {
	return e, v.l.store.GetLog(index, &e) == nil
}

// Check judges the payloads of entries about to be stored.
func (v view) Check(entries []*raft.Log) error {
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

// Installing watches for raft#697: after an installed snapshot raft can go on
// believing in entries the log no longer holds, and then asks for the same
// snapshot for ever. A restart heals it, because our log has no gaps.
func (v view) Installing(index uint64) error {
	r := v.l.raft.Load()
	last, err := v.l.store.LastIndex()
	if r == nil || err != nil {
		return ErrClosed
	}
	snap, _ := v.l.snaps.Newest()
	if believed := r.LastIndex(); snap >= index && believed > max(last, snap) {
		go v.l.fail(fmt.Errorf("consensus: raft believes in entry %d, the log ends at %d (raft#697): restart this node", believed, max(last, snap)))
		return ErrClosed
	}
	return nil
}
