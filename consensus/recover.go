package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"accord/consensus/store"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Position is where a stopped node's log stands.
type Position struct {
	Index    uint64 // of the last entry or of the snapshot behind which there is none
	Term     uint64 // of that entry
	Current  uint64 // the last term this node has seen
	Snapshot uint64 // up to here everything is known to be committed; 0 without a snapshot
	Servers  []Server
}

// Inspect opens a stopped node's log, brings the machine to its end and closes
// the log again. What lies behind the newest snapshot was stored here and may
// never have been committed: nothing in a log says so. The machine's Restore is
// called first, if there is a snapshot, then Apply for every entry.
func Inspect(dir, nodeID string, m Machine, logger *slog.Logger) (p Position, err error) {
	opt := store.Options{Dir: dir, NodeID: nodeID, Fatal: func(error) {}, Logger: logger}
	logs, _, err := store.OpenBoth(opt, func(meta *raft.SnapshotMeta, body io.ReadCloser) error { return p.restore(m, meta, body) })
	if err != nil {
		return Position{}, err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	return p, replay(logs, m, &p)
}

// restore brings the machine to a snapshot.
func (p *Position) restore(m Machine, meta *raft.SnapshotMeta, body io.ReadCloser) error {
	head := make([]byte, bodyHead)
	if _, err := io.ReadFull(body, head); err != nil || string(head[:len(bodyMagic)]) != bodyMagic {
		return fmt.Errorf("%w: snapshot", ErrFormat)
	}
	if err := m.Restore(lend(body, body)); err != nil {
		return fmt.Errorf("%w: %w", errRestore, err)
	}
	*p = Position{Index: meta.Index, Term: meta.Term, Snapshot: meta.Index, Servers: servers(meta.Configuration)}
	return nil
}

// replay applies the entries behind the snapshot.
func replay(logs *store.Store, m Machine, p *Position) error {
	term, err := logs.GetUint64([]byte("CurrentTerm"))
	if err != nil {
		return err
	}
	last, err := logs.LastIndex()
	if err != nil {
		return err
	}
	p.Current = term
	for i := p.Index + 1; i <= last; i++ {
		var e raft.Log
		if err := logs.GetLog(i, &e); err != nil {
			return fmt.Errorf("consensus: entry %d: %w", i, err)
		}
		p.Index, p.Term = e.Index, e.Term
		switch e.Type {
		case raft.LogConfiguration:
			c, err := transport.DecodeConfiguration(e.Data)
			if err != nil {
				return fmt.Errorf("%w: membership in entry %d", ErrFormat, i)
			}
			p.Servers = servers(c)
		case raft.LogCommand:
			if err := replayEntry(m, &e); err != nil {
				return err
			}
		}
	}
	return nil
}

func replayEntry(m Machine, e *raft.Log) error {
	payloads, err := decodeGroup(e.Data, MaxGroupBytes)
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	if len(payloads) == 0 {
		return nil
	}
	if _, err := m.Apply(e.Index, payloads); err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrMachine, e.Index, err)
	}
	return nil
}

func servers(c raft.Configuration) []Server {
	var out []Server
	for _, s := range c.Servers {
		out = append(out, fromRaft(s))
	}
	return out
}

// Seed is what a log begins anew from after a quorum was lost for good.
type Seed struct {
	Index, Term uint64 // of the last entry that the state holds
	// Current is above every term that any node of the seed has seen: no vote was
	// given in it, so none can be given twice.
	Current uint64
	Servers []Server
}

// Reseed makes a new log in a folder without one: empty behind a snapshot of the
// machine, with a membership that only a signed plan of recovery may have brought
// about. Every node of the plan must begin from the same seed and state. What a
// crash leaves is not to be used.
func Reseed(dir, nodeID string, seed Seed, s Snapshot, logger *slog.Logger) error {
	conf := configuration(seed.Servers)
	if err := transport.CheckConfiguration(conf); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var failed error
	opt := store.Options{Dir: dir, NodeID: nodeID, Create: true, Fatal: func(err error) { failed = err }, Logger: logger}
	logs, err := store.Open(opt)
	if err != nil {
		return err
	}
	err = reseed(opt, logs, seed, conf, s)
	return errors.Join(err, failed, logs.Close())
}

func reseed(opt store.Options, logs *store.Store, seed Seed, conf raft.Configuration, s Snapshot) error {
	last, err := logs.LastIndex()
	if err != nil {
		return err
	}
	if last != 0 {
		return ErrExists
	}
	snaps, err := store.OpenSnapshots(opt)
	if err != nil {
		return err
	}
	if at, _ := snaps.Newest(); at != 0 {
		return ErrExists
	}
	if err := logs.SetUint64([]byte("CurrentTerm"), seed.Current); err != nil {
		return err
	}
	sink, err := snaps.Create(raft.SnapshotVersionMax, seed.Index, seed.Term, conf, seed.Index, nil)
	if err != nil {
		return err
	}
	head := append(make([]byte, 0, bodyHead), bodyMagic...)
	head = binary.BigEndian.AppendUint64(head, seed.Index)
	head = binary.BigEndian.AppendUint64(head, seed.Term)
	_, err = sink.Write(head)
	if err == nil {
		_, err = s.WriteTo(sink)
	}
	if err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}
