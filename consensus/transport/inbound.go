package transport

import (
	"bufio"
	"encoding/binary"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

// inbound reads the requests of one stream.
type inbound struct {
	t    *Transport
	conn Conn
	r    *bufio.Reader
	next chan frame // what is being read ahead, nil while nothing is
}

// frame is one request as it came, or why there is none.
type frame struct {
	kind    Kind
	body    []byte
	refused bool // the peer is to be told so
	ended   bool
}

// take gives the next request; false ends the stream.
func (in *inbound) take() (Kind, []byte, bool) {
	f := frame{}
	if in.next != nil {
		f = <-in.next
		in.next = nil
	} else {
		f = in.read()
	}
	if f.refused {
		in.t.answer(in.conn, statusRefused, nil)
	}
	return f.kind, f.body, !f.refused && !f.ended
}

// read reads one request.
func (in *inbound) read() frame {
	var head [5]byte
	_ = in.conn.SetReadDeadline(time.Now().Add(acceptedLimit))
	if _, err := io.ReadFull(in.r, head[:]); err != nil {
		return frame{ended: true}
	}
	kind, n := Kind(head[0]), binary.BigEndian.Uint32(head[1:])
	if err := in.t.cfg.Guard.admitFrame(in.conn, kind, n); err != nil {
		return frame{refused: true}
	}
	_ = in.conn.SetReadDeadline(time.Now().Add(allowance(in.t.cfg.Timeout, int64(n))))
	body, err := readBody(in.r, n, maxBody(kind))
	if err != nil || !in.t.wait(in.conn.Peer(), 1, len(head)+len(body)) {
		return frame{ended: true}
	}
	return frame{kind: kind, body: body}
}

// aheadBody is from what size of a request on the next one is read while it is served.
// Only a leader that feeds somebody far behind sends such, and for small ones another
// goroutine costs more than it saves.
const aheadBody = 1 << 20

// begin reads the next request while this one is stored, and has its commands checked.
// The guard has found that the sender leads: nobody else can make this node hold a
// second body or do anything for a request that it has not judged. What the check says
// counts for nothing yet; the guard asks again when the request's turn has come.
func (in *inbound) begin(now *raft.AppendEntriesRequest, size int) {
	if size < aheadBody || len(now.Entries) == 0 || in.next != nil || now.Term < in.t.cfg.Guard.view.Term() {
		return // of a term that is over the guard has not asked who led it
	}
	next := make(chan frame, 1)
	in.next = next
	go func() {
		f := in.read()
		defer func() { next <- f }()
		if f.refused || f.ended || f.kind != KindAppendEntries || in.t.cfg.Ahead == nil {
			return
		}
		cmd, _, err := DecodeRequest(f.kind, f.body)
		if c, ok := cmd.(*raft.AppendEntriesRequest); err == nil && ok && c.Term == now.Term {
			in.t.cfg.Ahead(c.Entries)
		}
	}()
}

// end ends the stream, with what is being read on it.
func (in *inbound) end() {
	if in.next != nil {
		in.t.release(in.conn)
		<-in.next
	}
}
