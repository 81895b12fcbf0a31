package transport

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// feedMessages bounds how many messages one call of AppendEntries becomes: raft learns
// how far a peer got only at the end of it.
const feedMessages = 8

// feed sends a peer that is far behind the entries that had no room in the first
// message, which it has taken: one message on its way while it is busy with the one
// before. Raft itself waits for each answer before it sends more, and so the one end
// would always wait for the other. All holds what raft asked for; args, as far as the
// peer has taken it, and resp say what became of it. An error here is none of the call:
// what was answered before it holds, and raft will meet it with its next one.
func (t *Transport) feed(id raft.ServerID, target raft.ServerAddress, all []*raft.Log, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) {
	c, err := t.get(t.ctx, string(id), string(target))
	if err != nil {
		return
	}
	whole := false // the stream can be used again: nothing is on its way
	defer func() {
		if whole {
			t.put(string(id), c)
		} else {
			t.release(c.Conn)
		}
	}()
	on := args // the newest message sent
	var before *message
	for range feedMessages - 1 {
		next := t.follow(on, all[taken(all, on):])
		if next == nil {
			break
		}
		if err := t.send(c, next, before); err != nil {
			return
		}
		on = next.args
		if before != nil && !t.settle(string(id), c, before, args, resp, all) {
			return
		}
		before = next
	}
	whole = before == nil || t.settle(string(id), c, before, args, resp, all)
}

// message is one of several.
type message struct {
	args *raft.AppendEntriesRequest
	body []byte
}

// taken is how many of all entries there are up to the last one of a message.
func taken(all []*raft.Log, m *raft.AppendEntriesRequest) int {
	return int(m.Entries[len(m.Entries)-1].Index-all[0].Index) + 1
}

// follow makes the message behind another one, nil if there is none to make.
func (t *Transport) follow(on *raft.AppendEntriesRequest, rest []*raft.Log) *message {
	if len(rest) == 0 || t.silent() || t.ctx.Err() != nil {
		return nil
	}
	last := on.Entries[len(on.Entries)-1]
	next := *on
	next.PrevLogEntry, next.PrevLogTerm, next.Entries = last.Index, last.Term, rest
	if err := trim(&next, t.cfg.Fill); err != nil {
		return nil
	}
	proofs, err := t.proofs(&next)
	if err != nil {
		return nil
	}
	_, body, err := EncodeRequest(&next, proofs)
	if err != nil {
		return nil
	}
	return &message{&next, body}
}

// send writes a message; the peer may be busy with the one before.
func (t *Transport) send(c *clientConn, m, before *message) error {
	patience := t.limit(m.args, len(m.body))
	if before != nil {
		patience += t.limit(before.args, len(before.body))
	}
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	if err := writeFrame(c, byte(KindAppendEntries), m.body); err != nil {
		return fmt.Errorf("transport: send append-entries: %w", err)
	}
	return nil
}

// settle takes the answer to a message. If it is a success the call has come so far.
func (t *Transport) settle(id string, c *clientConn, m *message, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse, all []*raft.Log) bool {
	_ = c.SetReadDeadline(time.Now().Add(t.limit(m.args, len(m.body))))
	answer, err := readAnswer(c.r, maxAnswer)
	if err != nil {
		_ = t.failed(err)
		return false
	}
	t.answered(id)
	var got raft.AppendEntriesResponse
	if err := t.accepted(id, KindAppendEntries, m.args, answer, &got); err != nil || !got.Success || got.Term > m.args.Term {
		return false
	}
	args.Entries, *resp = all[:taken(all, m.args)], got
	for _, e := range m.args.Entries {
		e.Data = nil // raft wants to know where the list ends
	}
	return true
}
