package consensustest

import (
	"errors"

	"accord/consensus/store"

	"github.com/hashicorp/raft"
)

// EmptyGroup is the data of an entry that holds no payload.
const EmptyGroup = "\x01\x00\x00\x00\x00"

// Alter changes the log of a node that does not run, as somebody at its disk could
// who knows the format: change gets the data of all command entries, in their order,
// and puts other data in their place. Every checksum is right afterwards.
func Alter(dir, node string, change func(data [][]byte)) error {
	return AlterTerm(dir, node, 0, change)
}

// AlterTerm is Alter that also gives all entries but the first this term, if it is
// not 0.
func AlterTerm(dir, node string, term uint64, change func(data [][]byte)) (err error) {
	s, err := store.Open(store.Options{Dir: dir, NodeID: node, Fatal: func(error) {}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	var entries []*raft.Log
	var data [][]byte
	for i := max(first, 1); i <= last; i++ {
		e := new(raft.Log)
		if err := s.GetLog(i, e); err != nil {
			return err
		}
		if entries = append(entries, e); e.Type == raft.LogCommand {
			data = append(data, e.Data)
		}
	}
	change(data)
	for _, e := range entries {
		if e.Type == raft.LogCommand {
			e.Data, data = data[0], data[1:]
		}
		if e != entries[0] && term > 0 {
			e.Term = term
		}
	}
	// The first entry stays: a log that is emptied begins where a snapshot ends.
	if err := s.DeleteRange(first+1, last); err != nil {
		return err
	}
	return s.StoreLogs(entries[1:])
}
