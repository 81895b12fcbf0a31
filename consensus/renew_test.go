package consensus_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus/consensustest"
	"accord/consensus/transport"
)

// ring is which key each node signs with, and whose signatures count, at the moment.
type ring struct {
	mu         sync.Mutex
	generation map[string]int
}

func (r *ring) key(id string) ed25519.PrivateKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	seed := sha256.Sum256(fmt.Appendf(nil, "key %d of %s", r.generation[id], id))
	return ed25519.NewKeyFromSeed(seed[:])
}

// exchange gives nodes new keys; the old ones are worth nothing from now on.
func (r *ring) exchange(ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.generation[id]++
	}
}

// keyedNetwork signs and verifies by the ring.
type keyedNetwork struct {
	transport.Network
	id   string
	ring *ring
}

func (n keyedNetwork) Sign(message []byte) []byte {
	k := n.ring.key(n.id)
	return append(slices.Clone(k.Public().(ed25519.PublicKey)), ed25519.Sign(k, message)...)
}

func (n keyedNetwork) Verify(id string, message, sig []byte) error {
	pub := n.ring.key(id).Public().(ed25519.PublicKey)
	switch {
	case len(sig) != transport.SignatureSize:
		return transport.ErrMalformed
	case !slices.Equal(sig[:len(pub)], pub):
		return transport.ErrUnknown
	case !ed25519.Verify(pub, message, sig[len(pub):]):
		return transport.ErrMalformed
	}
	return nil
}

// A node that was away while a leader was elected and the voters' keys were
// exchanged afterwards cannot judge that leader's votes. It says so, the leader has
// its followers sign anew, and the node follows it: nobody stands for election.
//
// Shows: F37, g3
func TestRenewalAfterKeysWereExchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := &ring{generation: map[string]int{}}
		hub := transport.NewHub()
		c := consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second, Network: func(i int) transport.Network {
			id, address := fmt.Sprintf("n%d", i), fmt.Sprintf("host%d:1", i)
			return keyedNetwork{hub.Join(id, address), id, keys}
		}})
		away := others(c, c.Leader())[0]
		c.Kill(away)
		reelect(c, hub)
		leader := c.Leader()
		term := c.Nodes[leader].Log.Status().Term
		c.Propose(leader, "x=1")
		keys.exchange("n0", "n1", "n2")
		c.Start(away)
		c.Settle()
		if st := c.Nodes[away].Log.Status(); st.Term != term || st.Leader != c.Nodes[leader].ID {
			t.Errorf("term %d led by %s became %d led by %q", term, c.Nodes[leader].ID, st.Term, st.Leader)
		}
		// So can one that comes later still, and the certificate is the new one.
		c.Kill(away)
		c.Start(away)
		c.Settle()
		if now := c.Nodes[c.Leader()].Log.Status().Term; now != term {
			t.Errorf("an election was needed: term %d became %d", term, now)
		}
		c.Stop()
		synctest.Wait()
	})
}

// reelect makes the running nodes elect again, so that only they know how.
func reelect(c *consensustest.Cluster, hub *transport.Hub) {
	leader := c.Leader()
	term := c.Nodes[leader].Log.Status().Term
	hub.Isolate(c.Nodes[leader].ID)
	c.Eventually("the leader steps down", func() bool { return c.Nodes[leader].Log.Status().State != "leader" })
	hub.MendAll()
	c.Eventually("a leader of a later term", func() bool { return c.Nodes[c.Leader()].Log.Status().Term > term })
}

// A node that joins after a voter the leader was elected by was replaced does not
// know that voter. It gets a certificate by those it knows.
//
// Shows: F24, g3
func TestRenewalAfterMembersWereReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second})
		away := others(c, c.Leader())[0]
		c.Kill(away) // so that the other two elect the leader
		reelect(c, c.Hub)
		c.Start(away)
		c.Settle()
		leader := c.Leader()
		voted := 3 - leader - away
		term := c.Nodes[leader].Log.Status().Term
		log := c.Nodes[leader].Log
		fresh := c.Add()
		steps := []func() error{
			func() error { return log.AddNonvoter(c.Nodes[fresh].ID, c.Nodes[fresh].Address) },
			func() error { return log.AddVoter(c.Nodes[fresh].ID, c.Nodes[fresh].Address) },
			func() error { return log.Remove(c.Nodes[voted].ID) },
		}
		for i, step := range steps {
			if err := step(); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
			if i < 2 {
				c.Settle()
			}
		}
		c.Kill(voted)
		c.Settle()
		c.Servers = log.Servers() // what a newcomer is told
		late := c.Add()
		if err := log.AddNonvoter(c.Nodes[late].ID, c.Nodes[late].Address); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if st := c.Nodes[late].Log.Status(); st.Term != term || st.Leader != c.Nodes[leader].ID || st.Applied == 0 {
			t.Errorf("term %d led by %s: the newcomer has %+v", term, c.Nodes[leader].ID, st)
		}
		if c.Nodes[leader].Log.Status().Term != term {
			t.Error("an election was needed")
		}
		c.Stop()
		synctest.Wait()
	})
}
