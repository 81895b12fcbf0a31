package consensustest

import (
	"errors"
	"fmt"

	"accord/consensus"
	"accord/consensus/store"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Memberships reads what memberships stand in a stopped node's log, in their order,
// with the index of each entry.
func Memberships(dir, nodeID string) (all [][]consensus.Server, at []uint64, err error) {
	log, err := store.Open(store.Options{Dir: dir, NodeID: nodeID, Fatal: func(error) {}})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	first, err1 := log.FirstIndex()
	last, err2 := log.LastIndex()
	if err := errors.Join(err1, err2); err != nil || last == 0 {
		return nil, nil, err
	}
	for i := first; i <= last; i++ {
		var e raft.Log
		if err := log.GetLog(i, &e); err != nil {
			return nil, nil, fmt.Errorf("consensustest: entry %d: %w", i, err)
		}
		if e.Type != raft.LogConfiguration {
			continue
		}
		c, err := transport.DecodeConfiguration(e.Data)
		if err != nil {
			return nil, nil, err
		}
		var servers []consensus.Server
		for _, s := range c.Servers {
			servers = append(servers, consensus.Server{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter})
		}
		all, at = append(all, servers), append(at, i)
	}
	return all, at, nil
}
