package consensustest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"accord/consensus"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Peer is a hostile member: it has a member's key and proves itself with it, and
// nothing else binds it. It sends what it is told, byte by byte if need be.
type Peer struct {
	Network transport.Network // proves As
	As      consensus.Server
	Cluster string // what signatures are bound to
}

// Answer is what a victim said.
type Answer struct {
	Status byte // 0 for a request that raft answered
	Body   []byte
}

// ErrNoAnswer: the victim ended the stream instead of answering.
var ErrNoAnswer = errors.New("consensustest: no answer")

// Header is the honest header of the member.
func (p *Peer) Header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: 3, ID: []byte(p.As.ID), Addr: []byte(p.As.Address)}
}

// Send sends a request with these proofs, followed by more bytes, and reads the
// answer.
func (p *Peer) Send(to consensus.Server, cmd any, proofs transport.Proofs, more []byte) (Answer, error) {
	b, err := frame(cmd, proofs, more)
	if err != nil {
		return Answer{}, err
	}
	return p.Raw(to, b)
}

func frame(cmd any, proofs transport.Proofs, more []byte) ([]byte, error) {
	kind, body, err := transport.EncodeRequest(cmd, proofs)
	head := binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(len(body)))
	return append(append(head, body...), more...), err
}

// Start sends a request and part of what should follow it, and leaves the stream
// open until the returned function is called.
func (p *Peer) Start(to consensus.Server, cmd any, proofs transport.Proofs, more []byte) (let func(), err error) {
	b, err := frame(cmd, proofs, more)
	if err != nil {
		return nil, err
	}
	return p.Hold(to, b)
}

// Raw sends bytes on a stream of its own and reads one answer.
func (p *Peer) Raw(to consensus.Server, b []byte) (Answer, error) {
	conn, err := p.dial(to)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(b); err != nil {
		return Answer{}, err
	}
	var head [5]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return Answer{}, ErrNoAnswer
	}
	body := make([]byte, min(binary.BigEndian.Uint32(head[1:]), 1<<20))
	_, err = io.ReadFull(conn, body)
	return Answer{Status: head[0], Body: body}, err
}

// Hold opens a stream, sends some bytes and leaves it open until the returned
// function is called.
func (p *Peer) Hold(to consensus.Server, b []byte) (let func(), err error) {
	conn, err := p.dial(to)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write(b)
	return func() { _ = conn.Close() }, err
}

func (p *Peer) dial(to consensus.Server) (transport.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return p.Network.Dial(ctx, to.ID, to.Address)
}

// Certify signs a certificate as each of these voters, with the one key the peer
// has: only its own vote is a good one.
func (p *Peer) Certify(c transport.Certificate, voters ...string) []byte {
	for _, v := range voters {
		c.Votes = append(c.Votes, transport.SignedVote{Voter: v, Signature: p.Network.Sign(c.Message(p.Cluster, v, 0))})
	}
	return c.Encode()
}

// Serve answers in the member's place whatever comes in, until the network closes.
func (p *Peer) Serve(answer func(kind transport.Kind, body []byte) []byte) {
	for {
		conn, err := p.Network.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			for {
				var head [5]byte
				if _, err := io.ReadFull(conn, head[:]); err != nil {
					return
				}
				body := make([]byte, min(binary.BigEndian.Uint32(head[1:]), transport.MaxAppendBody))
				if _, err := io.ReadFull(conn, body); err != nil {
					return
				}
				out := answer(transport.Kind(head[0]), body)
				if _, err := conn.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(out))), out...)); err != nil {
					return
				}
			}
		}()
	}
}

// TimeoutNow tells a server to stand for election at once, as a leader does that
// hands its leadership on.
func (p *Peer) TimeoutNow(to consensus.Server) (Answer, error) {
	return p.Send(to, &raft.TimeoutNowRequest{RPCHeader: p.Header()}, transport.Proofs{}, nil)
}

// TransferVote asks for a vote against a living leader, as the one does that
// leadership is handed to.
func (p *Peer) TransferVote(to consensus.Server, term uint64) (Answer, error) {
	return p.Send(to, &raft.RequestVoteRequest{RPCHeader: p.Header(), Term: term, LastLogIndex: 1 << 40, LastLogTerm: term,
		LeadershipTransfer: true}, transport.Proofs{}, nil)
}
