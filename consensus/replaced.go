package consensus

import (
	"fmt"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Replaced are entries that were on this node's disk at or below what [Config.Settled]
// knows to be committed, and were not what is committed: an elected leader, whose votes
// do not say that its log holds them, has others there. Raft takes them for the tail of
// a leader that failed and cuts them off; but what was once committed here is never
// such a tail. So this disk was altered, or had lost something and was not told.
type Replaced struct {
	From, To uint64
	Leader   string // by whose word, "" if unknown
}

// replacing looks at entries before they are cut off the log's end and keeps those that
// must not have been there.
func (l *Log) replacing(lo, hi uint64) {
	if l.cfg.Settled == nil {
		return
	}
	hi = min(hi, l.cfg.Settled())
	// Behind a snapshot that was just installed a whole log goes; nothing contradicts it.
	if covered, _ := l.snaps.Last(); lo > hi || lo <= covered {
		return
	}
	var body []byte
	for i := lo; i <= hi && len(body) < transport.MaxEvidenceBody; i++ {
		var e raft.Log
		if err := l.store.GetLog(i, &e); err != nil {
			break // the cut itself will say what is wrong with the disk
		}
		body = append(body, transport.EncodeEntry(e)...)
	}
	r := Replaced{From: lo, To: hi, Leader: l.view.Leader()}
	l.cfg.Logger.Error("entries on this disk were not those that were committed here; they are replaced, and kept as evidence",
		"from", lo, "to", hi, "leader", r.Leader)
	l.guard.Keep(transport.KindAppendEntries, "disk", fmt.Errorf("entries %d to %d of this node's own log, cut off when %q had others", lo, hi, r.Leader), body)
	if l.cfg.Replaced != nil {
		l.cfg.Replaced(r)
	}
}
