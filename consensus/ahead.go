package consensus

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// aheadBytes is how far in front of Apply a start has entries checked: about as
// much as a machine remembers of what it has checked.
const aheadBytes = 4 << 20

// checkAhead has the stored entries that are not applied yet checked again, a
// little ahead of Apply and beside it. What they cost is mostly the check, and what
// passed is remembered by the machine: so a start applies its log on two
// processors. A verdict is not needed here: each entry had a good one when it was
// stored, and Apply judges for itself, also an entry that makes the machine panic:
// only Apply keeps count of those.
func (l *Log) checkAhead(b BatchChecker, first, last uint64) {
	defer func() {
		if recover() != nil {
			l.cfg.Logger.Warn("checking ahead of Apply has ended: the machine's check panicked")
		}
	}()
	var before []checkedEntry // entries checked and not applied, oldest first
	size := 0
	for i := first; i <= last; i++ {
		for {
			applied, _ := l.fsm.position()
			for len(before) > 0 && before[0].index <= applied {
				size -= before[0].size
				before = before[1:]
			}
			if i <= applied {
				i = applied + 1
			}
			if size < aheadBytes {
				break
			}
			select {
			case <-l.fsm.stepped:
			case <-l.stop:
				return
			}
		}
		var e raft.Log
		if i > last || l.store.GetLog(i, &e) != nil {
			return // removed meanwhile: another leader's entries come as all do
		}
		if e.Type != raft.LogCommand {
			continue
		}
		if group, err := decodeGroup(e.Data, l.cfg.MaxEntry); err == nil && len(group) > 0 {
			_ = b.CheckAll(group)
			before, size = append(before, checkedEntry{i, len(e.Data)}), size+len(e.Data)
		}
		select {
		case <-l.stop:
			return
		default:
		}
	}
}

// nextBytes is how much of what was checked of a leader's messages may wait to be
// applied when the next one is checked: one message.
const nextBytes = 8 << 20

// checkNext has the commands of the leader's next message checked while those of the
// last one are stored. It keeps in step with Apply, so that what the machine remembers
// is still remembered when it is applied.
func (l *Log) checkNext(entries []*raft.Log) {
	if _, ok := l.fsm.machine.(BatchChecker); !ok {
		return
	}
	defer func() {
		if recover() != nil {
			l.cfg.Logger.Warn("checking ahead of the guard has failed: the machine's check panicked")
		}
	}()
	l.next.mu.Lock()
	defer l.next.mu.Unlock()
	l.next.await(l)
	var payloads [][]byte
	for _, e := range entries {
		if e.Type != raft.LogCommand {
			continue
		}
		if group, err := decodeGroup(e.Data, l.cfg.MaxEntry); err == nil {
			payloads = append(payloads, group...)
			l.next.add(e.Index, len(e.Data))
		}
	}
	if len(payloads) > 0 {
		_ = check(l.fsm.machine, payloads)
	}
}

// inStep is what was checked of messages and not applied yet, oldest first.
type inStep struct {
	mu   sync.Mutex
	of   []checkedEntry
	size int // bytes of it
}

type checkedEntry struct {
	index uint64
	size  int
}

func (s *inStep) add(index uint64, size int) {
	s.of, s.size = append(s.of, checkedEntry{index, size}), s.size+size
}

// await waits until there is little enough of it. It waits only for what is committed
// and here, which needs nothing more from anybody to be applied.
func (s *inStep) await(l *Log) {
	for len(s.of) > 0 {
		applied, _ := l.fsm.position()
		stored, err := l.store.LastIndex()
		switch oldest := s.of[0]; {
		case err != nil:
			return
		case oldest.index <= applied:
			s.of, s.size = s.of[1:], s.size-oldest.size
		case s.size < nextBytes || oldest.index > min(l.fsm.growth.known.Load(), stored):
			return
		case l.fsm.reach(context.Background(), l.stop, oldest.index) != nil:
			return
		}
	}
}
