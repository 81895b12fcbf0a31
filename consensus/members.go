package consensus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Servers is the membership this node goes by, the newest it knows.
func (l *Log) Servers() []Server {
	var out []Server
	for _, s := range l.raft.Load().GetConfiguration().Configuration().Servers {
		out = append(out, fromRaft(s))
	}
	return out
}

// AddNonvoter adds a node that receives the log and has no vote. A newcomer
// starts here, with a new id, and gets its vote once it has caught up. A node that
// is there gets the new address and keeps what vote it has. Leader only, like all
// changes; one change at a time.
func (l *Log) AddNonvoter(id, address string) error {
	return l.alter(func(r *raft.Raft, prev uint64) raft.IndexFuture {
		return r.AddNonvoter(raft.ServerID(id), raft.ServerAddress(address), prev, l.cfg.RPCTimeout)
	}, Server{ID: id, Address: address})
}

// maxLag is how many entries a node may be behind when it gets its vote.
const maxLag = 100

// AddVoter gives a node of the membership its vote. It must have caught up, and
// every voter must be there: one that misses the change would take the newcomer
// for somebody without a vote and, should it come to lead, not follow it.
func (l *Log) AddVoter(id, address string) error {
	for _, s := range l.Servers() {
		if s.ID == id && s.Address == address {
			if err := l.ready(id); err != nil {
				return err
			}
			return l.alter(func(r *raft.Raft, prev uint64) raft.IndexFuture {
				return r.AddVoter(raft.ServerID(id), raft.ServerAddress(address), prev, l.cfg.RPCTimeout)
			}, Server{ID: id, Address: address, Voter: true})
		}
	}
	return fmt.Errorf("%w: %q is not a non-voter; add it as one first", ErrConfig, id)
}

// ready asks the newcomer and all voters how far they are.
func (l *Log) ready(newcomer string) error {
	if l.raft.Load().State() != raft.Leader {
		return ErrNotLeader
	}
	ours, _ := l.fsm.position()
	for _, s := range l.Servers() {
		if s.ID == l.cfg.NodeID || (!s.Voter && s.ID != newcomer) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), l.cfg.Heartbeat)
		at, err := l.Position(ctx, s)
		cancel()
		if err != nil {
			return err
		}
		if at+maxLag < ours {
			return fmt.Errorf("%w: %q is at %d of %d", ErrNotReady, s.ID, at, ours)
		}
	}
	return nil
}

// Position asks a server which entry it has applied; this node's own it knows. An
// error says that the server does not answer.
func (l *Log) Position(ctx context.Context, s Server) (uint64, error) {
	if s.ID == l.cfg.NodeID {
		at, _ := l.fsm.position()
		return at, nil
	}
	body, err := l.trans.Call(ctx, s.ID, s.Address, transport.KindPosition, nil)
	if err != nil || len(body) != 8 {
		return 0, fmt.Errorf("%w: %q does not answer", ErrNotReady, s.ID)
	}
	return binary.BigEndian.Uint64(body), nil
}

// Demote takes a node's vote; it goes on receiving the log. Whether a quorum of the
// others is there is for the caller to see.
func (l *Log) Demote(id string) error {
	for _, s := range l.Servers() {
		if s.ID == id {
			return l.alter(func(r *raft.Raft, prev uint64) raft.IndexFuture {
				return r.DemoteVoter(raft.ServerID(id), prev, l.cfg.RPCTimeout)
			}, Server{ID: id, Address: s.Address})
		}
	}
	return fmt.Errorf("%w: no server %q", ErrConfig, id)
}

// Remove takes a node out of the membership. Its id never comes back.
func (l *Log) Remove(id string) error {
	return l.alter(func(r *raft.Raft, prev uint64) raft.IndexFuture {
		return r.RemoveServer(raft.ServerID(id), prev, l.cfg.RPCTimeout)
	}, Server{ID: id, Address: gone})
}

// governs asks the machine's governance about the membership that a change would
// lead to; a follower would refuse the entry otherwise. A server at "-" goes.
func (l *Log) governs(now []raft.Server, s Server) error {
	var next []raft.Server
	for _, have := range now {
		if string(have.ID) != s.ID {
			next = append(next, have)
		}
	}
	if s.Address != gone {
		next = append(next, configuration([]Server{s}).Servers...)
	}
	if err := l.view.Governs(next); err != nil {
		return fmt.Errorf("%w: %w", ErrUngoverned, err)
	}
	return nil
}

// gone stands for the address of a server that is taken out.
const gone = "-"

// alter does one change on the membership as it is now, so that two changes
// decided on the same membership cannot both happen.
func (l *Log) alter(f func(*raft.Raft, uint64) raft.IndexFuture, s Server) error {
	if s.ID == "" || s.Address == "" || len(s.ID) > 128 || len(s.Address) > 256 {
		return fmt.Errorf("%w: id or address", ErrConfig)
	}
	l.change.Lock()
	defer l.change.Unlock()
	if err := l.failure(); err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	r := l.raft.Load()
	current := r.GetConfiguration()
	if err := current.Error(); err != nil {
		return fmt.Errorf("consensus: membership: %w", err)
	}
	if err := l.governs(current.Configuration().Servers, s); err != nil {
		return err
	}
	err := f(r, current.Index()).Error()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader):
		return ErrNotLeader
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return ErrNoQuorum
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return ErrUnknownOutcome
	}
	return fmt.Errorf("consensus: membership: %w", err)
}
