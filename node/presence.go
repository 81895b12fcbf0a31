package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"accord/exchange"
	"accord/exchange/machine"
)

// protoPresence is the ALPN name of the streams by which a node is seen to be
// alive, once for each peer, as long as it runs.
const protoPresence = "accord-presence/1"

// Times of presence. A peer that has lost its machine or its network without a word
// counts as alive for presenceSilence; one whose process ended is gone at once,
// since its kernel closes the stream.
const (
	presencePing    = 2 * time.Second
	presenceSilence = 3 * presencePing
	presenceAsk     = 2 * time.Second // for peers that may be away, at the start
)

// ErrTwice is a node id that runs twice: two processes would vote under one name.
var ErrTwice = exchange.Define(exchange.KindConflict, "NODE-012",
	exchange.Text{Zh: "节点标识 {node} 已在别处运行，成员 {peer} 正与它保持连接", En: "node id {node} runs elsewhere already; {peer} is in touch with it"},
	exchange.Text{Zh: "两处只能留一处。若这里是备份或复制的目录，请用 accord init --renew-node 换新标识", En: "only one of the two may run. If this folder is a copy or was restored, give it a new id: accord init --renew-node"})

// maxPresence bounds the streams of one run: reconnecting may overlap.
const maxPresence = 8

// A visitor's hello is its run, chosen at random at each start, when it started in
// milliseconds, and the machine version in force by its state. The answer is a sign
// and the same version of the peer. After that each ping is answered by a sign.
const (
	helloSize = 16 + 8 + 4
	replySize = 1 + 4
)

// What a peer says to a visitor.
const (
	signFine  = 0
	signAlarm = 1 // somebody else came under your id and was turned away
	signTwice = 2 // your id is taken by one that started before you
	signFull  = 3 // you have streams enough
	signGone  = 4 // a plan of recovery has given your id up; ask for it
)

// presence lets peers see that this node is alive, and sees that peers are so only
// once. It makes no vote impossible: while the network is cut in two, each half may
// hold one of two copies. It finds them within seconds where both are in touch with
// one and the same peer, and a copy that is started while the original runs does not
// come as far as its votes.
//
// A peer may lie. So this node stops only by the word of more than half of the
// peers that answer: a liar who can reach that could deny the quorum as well.
type presence struct {
	n       *Node
	run     [16]byte
	started int64
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu     sync.Mutex
	live   map[string]*visitor // the one run of each peer, by node id
	said   map[string]int      // what peers last said of this node, by node id; -1: no answer
	agreed map[string]int      // the machine version in force by a peer's state, by node id
	alarms []exchange.Text
	admit  bool          // the start is over: from now on signTwice ends the process
	news   chan struct{} // said has changed
}

// visitor is one run of a peer.
type visitor struct {
	run     [16]byte
	started int64
	streams int
	sign    byte
}

func newPresence(n *Node) (*presence, error) {
	p := &presence{n: n, started: n.started.UnixMilli(), live: map[string]*visitor{}, said: map[string]int{}, agreed: map[string]int{}, news: make(chan struct{}, 1)}
	_, err := io.ReadFull(rand.Reader, p.run[:])
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, err
}

func (p *presence) close() error {
	p.cancel()
	p.wg.Wait()
	return nil
}

// openPresence shows this node to its peers and waits for their word: any that is in
// touch with another run of our id ends the start.
func (n *Node) openPresence() error {
	n.closeWith(n.presence.close)
	p := n.presence
	p.wg.Go(p.visitAll)
	quiet := time.NewTimer(presenceAsk)
	defer quiet.Stop()
	patience := time.NewTimer(presenceSilence + presencePing) // the other run may just have died without a word
	defer patience.Stop()
	for waited := false; ; {
		pending, twice, agreed := p.verdict()
		switch {
		case agreed > machine.Version && (pending == 0 || waited):
			return machine.ErrTooOld.With("agreed", agreed, "version", machine.Version)
		case twice == "" && (pending == 0 || waited):
			p.mu.Lock()
			defer p.mu.Unlock()
			p.admit = true
			return nil
		}
		select {
		case <-p.news:
		case <-quiet.C:
			waited = true
		case <-patience.C:
			if twice != "" {
				return ErrTwice.With("node", n.id.Node, "peer", twice)
			}
		}
	}
}

// verdict counts the peers that have not spoken yet, names one that knows another
// run of this node's id if most that answer do, and gives the machine version that
// most of them have come to, if it is beyond this build.
func (p *presence) verdict() (pending int, twice string, agreed int) {
	peers := p.n.peers()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count(peers)
}

// count is verdict for who holds mu.
func (p *presence) count(peers *peerTable) (pending int, twice string, agreed int) {
	answered, doubles, ahead := 0, 0, 0
	for _, m := range peers.list {
		if m.Node == p.n.id.Node || m.ID == p.n.id.Member {
			continue
		}
		sign, ok := p.said[m.Node]
		switch {
		case !ok:
			pending++
			continue
		case sign < 0:
			continue
		case sign == signTwice:
			doubles++
			twice = string(m.ID)
		}
		answered++
		if v := p.agreed[m.Node]; v > machine.Version {
			ahead++
			agreed = max(agreed, v)
		}
	}
	if 2*doubles <= answered {
		twice = ""
	}
	if 2*ahead <= answered {
		agreed = 0
	}
	return pending, twice, agreed
}

// visitAll keeps a stream to every peer of the table.
func (p *presence) visitAll() {
	type place struct{ node, address string }
	visits := map[place]context.CancelFunc{}
	for {
		wanted := map[place]bool{}
		for _, m := range p.n.peers().list {
			if m.Node != p.n.id.Node && m.ID != p.n.id.Member {
				wanted[place{m.Node, m.Address}] = true
			}
		}
		for at := range wanted {
			if visits[at] == nil {
				ctx, cancel := context.WithCancel(p.ctx)
				visits[at] = cancel
				p.wg.Go(func() { p.visit(ctx, at.node, at.address) })
			}
		}
		for at, cancel := range visits {
			if !wanted[at] {
				cancel()
				delete(visits, at)
			}
		}
		select {
		case <-p.ctx.Done():
			for _, cancel := range visits {
				cancel()
			}
			return
		case <-time.After(presencePing):
		}
	}
}

// visit keeps one stream up.
func (p *presence) visit(ctx context.Context, node, address string) {
	for ctx.Err() == nil {
		p.attend(ctx, node, address)
		select {
		case <-ctx.Done():
		case <-time.After(presencePing / 4):
		}
	}
}

// attend opens a stream and pings until it breaks.
func (p *presence) attend(ctx context.Context, node, address string) {
	attempt, cancel := context.WithTimeout(ctx, presenceAsk)
	defer cancel()
	conn, err := dialTLS(attempt, "tcp", address, p.n.tls.ClientConfig(node, protoPresence))
	if err != nil {
		p.hear(node, -1)
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	hello := append(make([]byte, 0, helloSize), p.run[:]...)
	hello = binary.BigEndian.AppendUint64(hello, uint64(p.started))
	hello = binary.BigEndian.AppendUint32(hello, uint32(p.n.machine.View().Federation().MachineVersion))
	reply := make([]byte, replySize)
	if p.exchange(conn, hello, reply) != nil {
		p.hear(node, -1)
		return
	}
	p.learn(node, binary.BigEndian.Uint32(reply[1:]))
	for sign := reply[:1]; ; {
		p.hear(node, int(sign[0]))
		if sign[0] >= signTwice {
			return // and a little later it visits again
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(presencePing):
		}
		if p.exchange(conn, []byte{0}, sign) != nil {
			return
		}
	}
}

// exchange writes and reads within the time in which a peer must answer.
func (p *presence) exchange(conn net.Conn, out, in []byte) error {
	if err := conn.SetDeadline(time.Now().Add(presenceSilence)); err != nil {
		return err
	}
	if _, err := conn.Write(out); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, in)
	return err
}

func (p *presence) learn(node string, agreed uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agreed[node] = int(agreed)
}

// hear takes a peer's word about this node's own id.
func (p *presence) hear(node string, sign int) {
	peers := p.n.peers()
	peer := peers.nodes[node]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said[node] = sign
	_, twice, _ := p.count(peers)
	select {
	case p.news <- struct{}{}:
	default:
	}
	switch {
	case sign == signTwice && twice != "" && p.admit:
		p.n.fatal(ErrTwice.With("node", p.n.id.Node, "peer", peer))
	case sign == signTwice || sign == signAlarm:
		p.alarm(p.n.id.Node, exchange.Text{Zh: "成员 " + string(peer) + " 见到另一个进程使用本节点标识 " + p.n.id.Node + "；请查找复制的目录",
			En: string(peer) + " has seen another process under this node's id " + p.n.id.Node + "; look for a copied folder"})
	}
}

// alarm keeps a text, once; the caller holds mu.
func (p *presence) alarm(node string, text exchange.Text) {
	for _, a := range p.alarms {
		if a == text {
			return
		}
	}
	p.n.log.Error("ALARM: a node id runs twice", "node", node, "what", text.En)
	if len(p.alarms) < 16 {
		p.alarms = append(p.alarms, text)
	}
}

// receive is the peer's side of a stream, until it ends.
func (p *presence) receive(conn net.Conn, node string) {
	defer conn.Close()
	defer context.AfterFunc(p.ctx, func() { conn.Close() })()
	hello := make([]byte, helloSize)
	if conn.SetDeadline(time.Now().Add(presenceSilence)) != nil {
		return
	}
	if _, err := io.ReadFull(conn, hello); err != nil {
		return
	}
	v := p.arrive(node, [16]byte(hello), int64(binary.BigEndian.Uint64(hello[16:])))
	defer p.leave(node, v)
	p.learn(node, binary.BigEndian.Uint32(hello[24:]))
	answer := binary.BigEndian.AppendUint32([]byte{p.signFor(node, v)}, uint32(p.n.machine.View().Federation().MachineVersion))
	for ping := make([]byte, 1); ; answer = []byte{p.signFor(node, v)} {
		if _, err := conn.Write(answer); err != nil || answer[0] >= signTwice {
			return
		}
		if conn.SetDeadline(time.Now().Add(presenceSilence)) != nil {
			return
		}
		if _, err := io.ReadFull(conn, ping); err != nil {
			return
		}
	}
}

// arrive takes a visitor in. Of two runs of one id the one that started first stays.
func (p *presence) arrive(node string, run [16]byte, started int64) *visitor {
	peer, _ := p.n.memberOf(node)
	p.mu.Lock()
	defer p.mu.Unlock()
	have := p.live[node]
	if have != nil && have.run == run && have.streams < maxPresence {
		have.streams++
		return have
	}
	if have != nil && have.run == run {
		return &visitor{run: run, started: started, streams: 1, sign: signFull} // it has enough streams
	}
	v := &visitor{run: run, started: started, streams: 1}
	if have == nil {
		p.live[node] = v
		return v
	}
	p.alarm(node, exchange.Text{Zh: "成员 " + string(peer) + " 的节点 " + node + " 同时运行了两次；后启动的已被拒绝",
		En: "node " + node + " of " + string(peer) + " runs twice; the one that started later was turned away"})
	if cmp.Or(cmp.Compare(have.started, started), bytes.Compare(have.run[:], run[:])) <= 0 {
		have.sign, v.sign = signAlarm, signTwice
		return v
	}
	have.sign, v.sign = signTwice, signAlarm
	p.live[node] = v
	return v
}

func (p *presence) leave(node string, v *visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.streams--; v.streams == 0 && p.live[node] == v {
		delete(p.live, node)
	}
}

func (p *presence) signFor(node string, v *visitor) byte {
	if p.n.givenUp(node) != "" {
		return signGone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return v.sign
}

// gone says whether some peer says that this node was given up.
func (p *presence) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sign := range p.said {
		if sign == signGone {
			return true
		}
	}
	return false
}

// alarmTexts are the alarms of this node about the membership.
func (n *Node) alarmTexts() []exchange.Text {
	n.presence.mu.Lock()
	defer n.presence.mu.Unlock()
	return append([]exchange.Text(nil), n.presence.alarms...)
}
