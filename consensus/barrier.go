package consensus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// errNotLeading: whoever was asked does not lead, or has just ceased to.
var errNotLeading = errors.New("consensus: asked a node that does not lead")

// readPoint is one request for a read point.
type readPoint struct{ answer chan readAnswer }

type readAnswer struct {
	index uint64
	err   error
}

// Barrier gives a linearizable read point: it returns when this node's machine
// has applied everything that was committed, anywhere, before the call. What is
// read from the machine afterwards is at least that new; index says how new.
//
// Raft's own VerifyLeader can be satisfied by an answer to a heartbeat sent
// before it was called, so it is sound only as far as clocks and pauses allow.
// Here the leader notes its commit index and then asks a majority of voters
// whether they have seen a later term. Who has not has elected nobody since.
func (l *Log) Barrier(ctx context.Context) (index uint64, err error) {
	patience := time.NewTimer(4 * l.cfg.Heartbeat)
	defer patience.Stop()
	for {
		index, err = l.readIndex(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("%w: %w", ErrNoQuorum, ctx.Err())
		}
		if err := l.pause(ctx, "", patience.C); err != nil {
			return 0, err
		}
		select {
		case <-time.After(max(time.Millisecond, l.cfg.Heartbeat/100)):
		case <-patience.C:
			return 0, ErrNoQuorum
		case <-ctx.Done():
		case <-l.stop:
			return 0, ErrClosed
		}
	}
	if err := l.fsm.reach(ctx, l.stop, index); err != nil {
		if errors.Is(err, ErrClosed) {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %w", ErrNoQuorum, err)
	}
	return index, nil
}

// readIndex asks the leader, here or elsewhere, for a read point.
func (l *Log) readIndex(ctx context.Context) (uint64, error) {
	addr, id := l.raft.Load().LeaderWithID()
	switch string(id) {
	case "":
		return 0, errNotLeading
	case l.cfg.NodeID:
		return l.askRound(ctx)
	}
	body, err := l.trans.Call(ctx, string(id), string(addr), transport.KindReadIndex, nil)
	if err != nil {
		return 0, err
	}
	if len(body) != 8 {
		return 0, ErrFormat
	}
	return binary.BigEndian.Uint64(body), nil
}

// askRound takes part in this node's next round of questions.
func (l *Log) askRound(ctx context.Context) (uint64, error) {
	p := &readPoint{answer: make(chan readAnswer, 1)}
	select {
	case l.reads <- p:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.stop:
		return 0, ErrClosed
	}
	select {
	case a := <-p.answer:
		return a.index, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.stop:
		return 0, ErrClosed
	}
}

// runReads answers requests for read points: one round under way, all that came
// before its start share it.
func (l *Log) runReads() {
	for {
		var waiting []*readPoint
		select {
		case p := <-l.reads:
			waiting = append(waiting, p)
		case <-l.stop:
			return
		}
	gather:
		for len(waiting) < 10_000 {
			select {
			case p := <-l.reads:
				waiting = append(waiting, p)
			default:
				break gather
			}
		}
		index, err := l.round()
		for _, p := range waiting {
			p.answer <- readAnswer{index, err}
		}
	}
}

// round finds a read point: the commit index of a leader that has committed in
// its term and that no majority has deserted after the index was noted.
func (l *Log) round() (uint64, error) {
	r := l.raft.Load()
	term := r.CurrentTerm()
	if r.State() != raft.Leader {
		return 0, errNotLeading
	}
	if err := l.settleTerm(); err != nil {
		return 0, errNotLeading
	}
	index := r.CommitIndex()
	l.cfg.hit("barrier.round")
	if r.State() != raft.Leader || r.CurrentTerm() != term {
		return 0, errNotLeading
	}
	if err := l.confirm(term); err != nil {
		return 0, err
	}
	l.cfg.hit("barrier.confirm")
	return index, nil
}

// confirm asks all voters and returns as soon as a majority, with this node, has
// not seen a later term.
func (l *Log) confirm(term uint64) error {
	var voters []raft.Server
	votes, seated := 0, 0
	for _, s := range l.raft.Load().GetConfiguration().Configuration().Servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		if seated++; string(s.ID) == l.cfg.NodeID {
			votes++
		} else {
			voters = append(voters, s)
		}
	}
	need := seated/2 + 1
	if votes >= need {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.Heartbeat)
	defer cancel()
	answers := make(chan bool, len(voters))
	for _, s := range voters {
		go func() { answers <- l.askTerm(ctx, s, term) }()
	}
	for range voters {
		select {
		case yes := <-answers:
			if yes {
				votes++
			}
		case <-l.stop:
			return ErrClosed
		}
		if votes >= need {
			return nil
		}
	}
	return errNotLeading
}

func (l *Log) askTerm(ctx context.Context, s raft.Server, term uint64) bool {
	body, err := l.trans.Call(ctx, string(s.ID), string(s.Address), transport.KindConfirmTerm, binary.BigEndian.AppendUint64(nil, term))
	return err == nil && len(body) == 1 && body[0] == 1
}

// serveCall answers what another node asks beside raft.
func (l *Log) serveCall(ctx context.Context, peer string, kind transport.Kind, body []byte) ([]byte, error) {
	r := l.raft.Load()
	if r == nil || l.failure() != nil {
		return nil, ErrClosed
	}
	switch kind {
	case transport.KindPropose:
		return l.serveProposals(ctx, peer, body)
	case transport.KindReadIndex:
		if len(body) != 0 {
			return nil, transport.ErrMalformed
		}
		index, err := l.askRound(ctx)
		if err != nil {
			return nil, err
		}
		l.nudge(peer, index)
		return binary.BigEndian.AppendUint64(nil, index), nil
	case transport.KindConfirmTerm:
		if len(body) != 8 {
			return nil, transport.ErrMalformed
		}
		// Raft raises the term it reports before it grants a vote in it.
		if r.CurrentTerm() <= binary.BigEndian.Uint64(body) {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	case transport.KindFollow:
		return l.serveFollow(body)
	case transport.KindPapers:
		return l.servePapers(body)
	case transport.KindPosition:
		if len(body) != 0 {
			return nil, transport.ErrMalformed
		}
		index, _ := l.fsm.position()
		return binary.BigEndian.AppendUint64(nil, index), nil
	}
	return nil, transport.ErrMalformed
}
