package consensus

import "github.com/hashicorp/raft"

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
	type read struct {
		index uint64
		size  int
	}
	var before []read // entries checked and not applied, oldest first
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
			before, size = append(before, read{i, len(e.Data)}), size+len(e.Data)
		}
		select {
		case <-l.stop:
			return
		default:
		}
	}
}
