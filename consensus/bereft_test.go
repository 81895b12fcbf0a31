package consensus_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus/consensustest"
	"accord/consensus/transport"
)

const (
	heartbeat = time.Second
	silence   = heartbeat * 3 / 5 // after which raft doubts a leader by itself
)

// A leader whose process ends is followed by another within a lease and the turns of a
// majority; one that falls silent with its streams open, not before silence is noticed.
// In virtual time.
//
// Shows: F1
func TestALeaderThatIsGoneIsDoubtedAtOnce(t *testing.T) {
	const lease, turn, vote = heartbeat / 2, heartbeat / 20, 40 * time.Millisecond
	for _, nodes := range []int{3, 5, 7} {
		for run := range 4 {
			t.Run(fmt.Sprint("nodes=", nodes, "/", run), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := consensustest.New(t, nodes, consensustest.Options{Heartbeat: heartbeat})
					c.Propose(c.Leader(), "x=1")
					c.Settle()
					time.Sleep(time.Duration(run) * 130 * time.Millisecond)
					was := c.Leader()
					begun := time.Now()
					c.Kill(was)
					c.Leader()
					if took, most := time.Since(begun), lease+time.Duration(nodes/2+1)*turn+vote; took > most {
						t.Errorf("the next leads %v after the first was killed, later than %v", took, most)
					}
					c.Start(was)
					c.Settle()

					begun = time.Now()
					reelect(c, c.Hub)
					if took := time.Since(begun); took < silence {
						t.Errorf("the next leads %v after the first fell silent, sooner than that is noticed", took)
					}
					c.Settle()
					c.Stop()
					synctest.Wait()
				})
			})
		}
	}
}

// A leader whose streams are cut and that comes back is not doubted, then or later.
func TestALeaderThatComesBackIsNotDoubted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := &cutter{}
		hub := transport.NewHub()
		c := consensustest.New(t, 3, consensustest.Options{Heartbeat: heartbeat, Network: func(i int) transport.Network {
			return cutNetwork{hub.Join(fmt.Sprintf("n%d", i), fmt.Sprintf("host%d:1", i)), cut}
		}})
		leader := c.Leader()
		term := c.Nodes[leader].Log.Status().Term
		for range 20 {
			c.Propose(leader, "x=1")
			if cut.all() == 0 {
				t.Fatal("there were no streams: nothing was measured")
			}
			time.Sleep(700 * time.Millisecond)
		}
		if now := c.Nodes[c.Leader()].Log.Status(); now.Term != term {
			t.Errorf("term %d became %d", term, now.Term)
		}
		begun := time.Now()
		reelect(c, hub)
		if took := time.Since(begun); took < silence {
			t.Errorf("the next leads %v after the first fell silent, sooner than that is noticed", took)
		}
		c.Stop()
		synctest.Wait()
	})
}

// cutter ends the streams that its networks have accepted.
type cutter struct {
	mu    sync.Mutex
	conns []transport.Conn
}

func (c *cutter) all() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.conns)
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
	return n
}

type cutNetwork struct {
	transport.Network
	cutter *cutter
}

func (n cutNetwork) Accept() (transport.Conn, error) {
	conn, err := n.Network.Accept()
	if err == nil {
		n.cutter.mu.Lock()
		n.cutter.conns = append(n.cutter.conns, conn)
		n.cutter.mu.Unlock()
	}
	return conn, err
}

// Whoever completes the majority is elected, so over the terms it must be everybody.
func TestEverybodyComesToLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := consensustest.New(t, 5, consensustest.Options{Heartbeat: heartbeat})
		led := map[int]bool{}
		for range 40 {
			leader := c.Leader()
			led[leader] = true
			c.Kill(leader)
			c.Leader()
			c.Start(leader)
		}
		if len(led) < 5 {
			t.Errorf("in forty elections only these were elected: %v", led)
		}
		c.Stop()
		synctest.Wait()
	})
}
