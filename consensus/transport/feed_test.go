package transport

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// large are entries of which two have room in a message.
func large(first, n uint64) []*raft.Log {
	var all []*raft.Log
	for i := range n {
		all = append(all, cmd(first+i, 5, string(make([]byte, 3<<20))))
	}
	return all
}

// slowNode is n0 with a raft that gives these answers, one to each message, and tells
// what came.
func slowNode(t *testing.T, h *Hub, ahead func([]*raft.Log), answer func(n int, c *raft.AppendEntriesRequest) *raft.AppendEntriesResponse) <-chan *raft.AppendEntriesRequest {
	t.Helper()
	tr := New(Config{Network: h.Join("n0", "host-n0"), Guard: guarded(t, newFakeView()), HeartbeatTimeout: time.Minute, Timeout: time.Minute, Calls: echo, Ahead: ahead})
	came, done := make(chan *raft.AppendEntriesRequest, 100), make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case rpc := <-tr.Consumer():
				c := rpc.Command.(*raft.AppendEntriesRequest)
				came <- c
				rpc.Respond(answer(n, c), nil)
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { _ = tr.Close(); close(done) })
	return came
}

func yes(_ int, c *raft.AppendEntriesRequest) *raft.AppendEntriesResponse {
	return &raft.AppendEntriesResponse{Term: 5, Success: true, LastLog: c.PrevLogEntry + uint64(len(c.Entries))}
}

// What raft wants to send and one message does not hold goes in several, one behind
// the other, and raft is told of exactly what the peer took: up to the first message
// that was no success.
func TestSeveralMessagesForOneCall(t *testing.T) {
	for _, c := range []struct {
		what     string
		entries  uint64
		answer   func(n int, c *raft.AppendEntriesRequest) *raft.AppendEntriesResponse
		taken    int
		messages int // that reach the peer's raft, at most
	}{
		{"all taken", 7, yes, 7, 4},
		{"more than one call sends", 20, yes, 2 * feedMessages, feedMessages},
		{"the first is none", 7, func(int, *raft.AppendEntriesRequest) *raft.AppendEntriesResponse {
			return &raft.AppendEntriesResponse{Term: 5}
		}, 2, 1},
		{"the third is none", 7, func(n int, c *raft.AppendEntriesRequest) *raft.AppendEntriesResponse {
			if n == 3 {
				return &raft.AppendEntriesResponse{Term: 5}
			}
			return yes(n, c)
		}, 4, 4},
		{"the second names another term, unproven", 7, func(n int, c *raft.AppendEntriesRequest) *raft.AppendEntriesResponse {
			if n == 2 {
				return &raft.AppendEntriesResponse{Term: 9, Success: true}
			}
			return yes(n, c)
		}, 2, 4},
	} {
		h := NewHub()
		came := slowNode(t, h, nil, c.answer)
		n1, _ := node(t, h, "n1", leading(t, "n1"))
		n1.cfg.Timeout = time.Minute
		args, resp := appendFrom("n1", 5, 12, 4, large(13, c.entries)...), new(raft.AppendEntriesResponse)
		if err := n1.AppendEntries("n0", "host-n0", args, resp); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if len(args.Entries) != c.taken || resp.Success && resp.LastLog != uint64(12+c.taken) || resp.Success != (c.taken > 2 || c.what != "the first is none") {
			t.Errorf("%s: %d entries, %+v; want %d", c.what, len(args.Entries), resp, c.taken)
		}
		if n := len(came); n > c.messages || n < (c.taken+1)/2 {
			t.Errorf("%s: %d messages", c.what, n)
		}
		for prev := uint64(12); len(came) > 0; {
			m := <-came
			if m.PrevLogEntry != prev || m.PrevLogTerm == 0 || m.Entries[0].Index != prev+1 || m.Term != 5 || string(m.ID) != "n1" {
				t.Errorf("%s: a message behind %d begins at %d, want %d", c.what, m.PrevLogEntry, m.Entries[0].Index, prev)
			}
			prev = m.Entries[len(m.Entries)-1].Index
		}
		// Whatever became of the stream, the next call finds one.
		if err := n1.AppendEntries("n0", "host-n0", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x")), resp); err != nil {
			t.Errorf("%s: the next call: %v", c.what, err)
		}
	}
}

// A leader that keeps silent sends nothing more.
func TestSilenceBetweenMessages(t *testing.T) {
	h := NewHub()
	came := slowNode(t, h, nil, yes)
	n1, _ := node(t, h, "n1", leading(t, "n1"))
	asked := 0
	n1.cfg.Silent = func() bool { asked++; return asked > 1 }
	args, resp := appendFrom("n1", 5, 12, 4, large(13, 6)...), new(raft.AppendEntriesResponse)
	if err := n1.AppendEntries("n0", "host-n0", args, resp); err != nil || len(args.Entries) != 2 || !resp.Success || len(came) != 1 {
		t.Errorf("%v, %d entries in %d messages, %+v", err, len(args.Entries), len(came), resp)
	}
}

// While raft is busy with one message of the leader, the next is read and its commands
// are checked.
func TestTheNextMessageIsCheckedMeanwhile(t *testing.T) {
	h, checked := NewHub(), make(chan uint64, 10)
	missed := errors.New("the next message was not read")
	failed := make(chan error, 10)
	came := slowNode(t, h, func(es []*raft.Log) { checked <- es[0].Index }, func(n int, c *raft.AppendEntriesRequest) *raft.AppendEntriesResponse {
		if n == 2 { // the first is answered before the second is sent, and the third is the last
			for at := uint64(0); at != c.Entries[len(c.Entries)-1].Index+1; {
				select {
				case at = <-checked: // or the message that is stored now
				case <-time.After(time.Minute):
					failed <- missed
					return yes(n, c)
				}
			}
		}
		return yes(n, c)
	})
	n1, _ := node(t, h, "n1", leading(t, "n1"))
	n1.cfg.Timeout = 3 * time.Minute
	args, resp := appendFrom("n1", 5, 12, 4, large(13, 6)...), new(raft.AppendEntriesResponse)
	if err := n1.AppendEntries("n0", "host-n0", args, resp); err != nil || len(args.Entries) != 6 || len(came) != 3 {
		t.Fatalf("%v, %d entries in %d messages", err, len(args.Entries), len(came))
	}
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// Only a leader of this term that sends a lot has its next message read ahead: nobody
// else can make this node hold more than one, or check what it has not judged.
func TestWhoIsReadAhead(t *testing.T) {
	tr := New(Config{Network: NewHub().Join("n0", "host-n0"), Guard: guarded(t, newFakeView()), Timeout: time.Second})
	defer tr.Close()
	for what, c := range map[string]struct {
		request *raft.AppendEntriesRequest
		size    int
	}{
		"a term that is over": {appendFrom("n2", 4, 12, 4, cmd(13, 4, "x")), aheadBody},
		"a small request":     {appendFrom("n1", 5, 12, 4, cmd(13, 5, "x")), aheadBody - 1},
		"no entries":          {appendFrom("n1", 5, 12, 4), aheadBody},
	} {
		in := &inbound{t: tr}
		if in.begin(c.request, c.size); in.next != nil {
			t.Errorf("%s: read ahead", what)
		}
	}
}
