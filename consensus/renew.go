package consensus

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// doubt notes that a peer could not judge this leader's certificate.
func (l *Log) doubt() {
	select {
	case l.doubted <- struct{}{}:
	default:
	}
}

// runRenewals has this leader's election confirmed by those who follow it now,
// when a peer cannot judge the votes of then: keys were exchanged or members
// replaced since. Once a heartbeat timeout is enough.
func (l *Log) runRenewals() {
	for {
		select {
		case <-l.doubted:
			l.renew()
		case <-l.stop:
			return
		}
		select {
		case <-time.After(l.cfg.Heartbeat):
		case <-l.stop:
			return
		}
	}
}

func (l *Log) renew() {
	r := l.raft.Load()
	if l.elect == nil || r.State() != raft.Leader {
		return
	}
	term := r.CurrentTerm()
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.Heartbeat)
	defer cancel()
	signed := map[string][]byte{}
	for _, s := range l.Servers() {
		if !s.Voter || s.ID == l.cfg.NodeID {
			continue
		}
		token, err := l.trans.Call(ctx, s.ID, s.Address, transport.KindFollow, binary.BigEndian.AppendUint64(nil, term))
		if err == nil {
			signed[s.ID] = token
		}
	}
	if l.elect.Renew(term, signed) {
		l.cfg.Logger.Info("the election was confirmed anew", "term", term)
	}
}

// runPapers asks for governance papers while this node has no leader. It may have
// missed how the membership changed, and then refuses the leader, whom it does not
// know; those it does know can show it.
func (l *Log) runPapers() {
	p, ok := l.fsm.machine.(Papers)
	if !ok {
		return
	}
	for n := 0; ; n++ {
		select {
		case <-time.After(2 * l.cfg.Heartbeat):
		case <-l.stop:
			return
		}
		if _, leader := l.raft.Load().LeaderWithID(); leader == "" {
			l.askPapers(p, n)
		}
	}
}

// askPapers asks one peer, another one each time.
func (l *Log) askPapers(p Papers, n int) {
	var peers []raft.Server
	known := map[raft.ServerID]bool{raft.ServerID(l.cfg.NodeID): true}
	for _, servers := range l.view.Memberships() {
		for _, s := range servers {
			if !known[s.ID] {
				known[s.ID] = true
				peers = append(peers, s)
			}
		}
	}
	if len(peers) == 0 {
		return
	}
	s := peers[n%len(peers)]
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.Heartbeat)
	defer cancel()
	held := p.Held()
	papers, err := l.trans.Call(ctx, string(s.ID), string(s.Address), transport.KindPapers, held)
	if err != nil || len(papers) == 0 || len(papers) > maxPapers {
		return
	}
	if err := p.Learn(papers); err != nil {
		l.cfg.Logger.Warn("a peer's papers are not proven", "peer", string(s.ID), "error", err)
	} else if !bytes.Equal(held, p.Held()) {
		l.cfg.Logger.Info("learnt newer governance from a peer", "peer", string(s.ID))
	}
}

// maxPapers and maxHeld bound what travels.
const (
	maxPapers = 1 << 20
	maxHeld   = 256
)

// servePapers answers a peer that asks for papers.
func (l *Log) servePapers(held []byte) ([]byte, error) {
	p, ok := l.fsm.machine.(Papers)
	if !ok {
		return nil, nil
	}
	if len(held) > maxHeld {
		return nil, transport.ErrMalformed
	}
	papers, err := p.PapersSince(held)
	if err == nil && len(papers) > maxPapers {
		err = ErrTooLarge
	}
	return papers, err
}

// serveFollow signs that this node follows the leader that asks, if it does.
func (l *Log) serveFollow(body []byte) ([]byte, error) {
	if len(body) != 8 || l.elect == nil {
		return nil, transport.ErrMalformed
	}
	token := l.elect.SignFollow(binary.BigEndian.Uint64(body))
	if token == nil {
		return nil, errNotLeading
	}
	return token, nil
}
