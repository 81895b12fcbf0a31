package store

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// unread stands in an entry whose data was left on the disk. No entry that is stored
// has extensions: one that was never filled cannot be stored by mistake.
var unread = []byte("unread")

// wholeBytes is up to where a record is read whole: a second call would cost more.
const wholeBytes = 16 << 10

// GetBrief is GetLog for a reader who may not need the data: of a large entry that is
// not in memory it reads the head only, and [Store.Fill] the rest. Raft reads 64
// entries to send as many of them as one message holds, which may be three.
func (s *Store) GetBrief(index uint64, e *raft.Log) error { return s.get(index, e, s.readBrief) }

func (s *Store) readBrief(index uint64, e *raft.Log) error {
	g, at := s.place(index)
	if at.size <= wholeBytes {
		return s.read(index, e)
	}
	b := make([]byte, recordHead)
	if err := readFull(g.file, b, int64(at.at)); err != nil {
		return err
	}
	h, err := decodeHead(b, s.seed)
	if err != nil || h.index != index {
		return fmt.Errorf("%w: entry %d no longer reads as it was written", ErrDamaged, index)
	}
	if raft.LogType(h.kind) != raft.LogCommand {
		return s.read(index, e) // raft looks into the others
	}
	*e = h.entry(nil)
	e.Extensions = unread
	return nil
}

// Fill reads what GetBrief left out; other entries stay as they are. It is
// raft.ErrLogNotFound if the entry has given way to another one meanwhile.
func (s *Store) Fill(e *raft.Log) error {
	if len(e.Extensions) == 0 || &e.Extensions[0] != &unread[0] {
		return nil
	}
	var whole raft.Log
	if err := s.GetLog(e.Index, &whole); err != nil {
		return err
	}
	if whole.Term != e.Term {
		return raft.ErrLogNotFound
	}
	*e = whole
	return nil
}
