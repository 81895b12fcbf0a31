package faulttest_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/transport"
	"accord/crypto/keys"
	"accord/node/config"
	"accord/node/faulttest"
	"accord/node/founding"
)

// promoteAfter is how long a newcomer must have kept up here before it votes.
const promoteAfter = 4 * time.Second

// look is what the leader said of the newcomer.
type look struct {
	at              time.Time
	listed, reached bool
	voter           bool
	behind          int64
}

// stalls measures how long this process had to wait for a processor at worst. What a
// node says is judged by its time only as far as the machine itself kept time: where
// this process waits, the nodes wait, too, and elections come of it.
func stalls() (worst func() time.Duration) {
	var most atomic.Int64
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		for {
			begin := time.Now()
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			most.Store(max(most.Load(), int64(time.Since(begin))))
		}
	})
	return func() time.Duration { close(done); over.Wait(); return time.Duration(most.Load()) }
}

// TestStarvedJoiner has a node join that gets a twentieth of a processor, under
// load: it comes, stays, votes only after it has kept up for its time, costs no
// election, and nobody takes it off.
//
// Shows: F26
func TestStarvedJoiner(t *testing.T) {
	const timeout = 2 * time.Second
	f := faulttest.Run(t, faulttest.Options{Seed: *faultSeed, Settings: map[string]string{"raft.promote_after": promoteAfter.String(), "raft.timeout": timeout.String(), "api.request_timeout": "10s"}})
	const slow = "slow"
	var leader string
	var term uint64
	once(t, f, 0, func(r *round) {
		seats := slices.Clone(f.Members)
		r.load.Await(200)
		f.Invite(slow)
		f.Guests = []string{slow}
		f.Enact(seats, "--add", f.Introduction(slow))
		f.Welcome(seats[0], slow)
		how, feed := f.Starve(slow, 5)
		defer feed()
		leader, term = f.Leader(), r.term(f.Leader())
		looks, stop := watchNewcomer(f, leader, slow)
		worst := stalls()
		f.Start(slow)
		f.Eventually("it was heard of", func() bool { return slices.ContainsFunc(looks(), func(l look) bool { return l.reached }) })
		r.load.Await(200)
		r.load.Rest(100 * time.Millisecond)
		f.Settled(seats[0], 4)
		r.load.Await(20) // as a voter that is as slow
		stop()
		now, leads, stalled := r.term(f.Leader()), f.Leader(), worst()
		judgePromotion(t, looks(), stalled)
		t.Logf("starved by %s; the machine stalled for %v at most", how, stalled.Round(time.Millisecond))
		if now != term || leads != leader {
			if stalled < timeout/4 {
				t.Errorf("%d elections over a slow newcomer", now-term)
			} else {
				t.Logf("%d elections, and the machine stalled: nothing is said of the newcomer", now-term)
			}
		}
		f.Members, f.Guests = append(f.Members, slow), nil
	})
	oneAtATime(t, f, 3)
}

// watchNewcomer asks the leader again and again how far the newcomer is.
func watchNewcomer(f *faulttest.Federation, leader, newcomer string) (looks func() []look, stop func()) {
	var mu sync.Mutex
	var all []look
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
			m, err := f.Membership(leader)
			if err != nil || m.Alone {
				continue
			}
			l := look{at: time.Now()}
			for _, n := range m.Nodes {
				if string(n.Member) == newcomer {
					l.listed, l.voter = n.Role != "", n.Role == "voter"
					l.reached = n.Reached != nil && *n.Reached
					if n.Behind != nil {
						l.behind = *n.Behind
					}
				}
			}
			mu.Lock()
			all = append(all, l)
			mu.Unlock()
		}
	}()
	return func() []look { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }, func() { close(done); <-over }
}

// judgePromotion holds what the leader said against the rules of a newcomer's vote.
// What it tells is up to a second old, twice, and older by as long as the machine stalled.
func judgePromotion(t *testing.T, all []look, stalled time.Duration) {
	t.Helper()
	voted := slices.IndexFunc(all, func(l look) bool { return l.voter })
	if voted < 0 {
		t.Fatal("it never got its vote")
	}
	listed, worst, kept := false, int64(0), 0
	for i, l := range all {
		if listed && !l.listed || i > voted && !l.voter {
			t.Errorf("it was taken off %v after it got its vote: %+v", l.at.Sub(all[voted].at), l)
		}
		listed = listed || l.listed
		worst = max(worst, l.behind)
		if before := all[voted].at.Sub(l.at); i < voted && before < promoteAfter-2*(time.Second+stalled) {
			kept++
			if !l.reached || l.behind > 100 {
				t.Errorf("it votes, and %v before it was %d entries behind (reached %t)", before, l.behind, l.reached)
			}
		}
	}
	if kept == 0 && stalled < promoteAfter/8 {
		t.Error("nobody looked before it got its vote")
	}
	t.Logf("%d looks, %d behind at worst, in time for %v", len(all), worst, all[voted].at.Sub(all[0].at).Round(time.Millisecond))
}

// transfer has somebody with the leader's own key, and with the one of the node
// that leadership is to go to, ask for a transfer, while the network is cut so that
// the one chosen cannot win (raft#696): nobody stands for election, nobody stops
// taking writes.
func transfer(r *round) {
	leader := r.Leader()
	term := r.term(leader)
	others := r.Others(leader)
	chosen, third := others[0], others[1]
	from := impostor(r, leader)
	ask := func(when string) {
		for range 5 {
			for _, m := range others {
				if a, err := from.TimeoutNow(r.server(m)); err == nil && a.Status == 0 {
					r.T.Errorf("%s: %s obeys a transfer", when, m)
				}
			}
		}
		if a, err := impostor(r, chosen).TransferVote(r.server(third), term+1); err == nil && a.Status == 0 && a.Body[8] == 1 {
			r.T.Errorf("%s: %s votes against a living leader", when, third)
		}
		r.load.Await(10)
	}
	ask("whole")
	r.Wire.CutBetween([]string{chosen}, []string{third})
	ask("the one chosen cannot reach the third")
	r.Wire.HealAll()
	r.Wire.CutBetween([]string{chosen}, r.Others(chosen))
	ask("the one chosen is cut off")
	r.Wire.HealAll()
	r.load.Await(10)
	if now := r.term(r.Leader()); now != term || r.Leader() != leader {
		r.T.Errorf("%d elections over transfers", now-term)
	}
	if gap := r.load.Gap(); gap > 10*time.Second {
		r.T.Errorf("no write for %v", gap)
	}
}

func (r *round) server(member string) consensus.Server {
	r.T.Helper()
	fed, err := r.Client(member).Federation(r.T.Context())
	if err != nil {
		r.T.Fatal(err)
	}
	for _, m := range fed.Members {
		if string(m.ID) == member {
			return consensus.Server{ID: m.Node, Address: m.Address, Voter: true}
		}
	}
	r.T.Fatalf("%s is not a member", member)
	return consensus.Server{}
}

// impostor is somebody who has a member's key.
func impostor(r *round, member string) *consensustest.Peer {
	t := r.T
	t.Helper()
	cfg, _, err := config.Load(r.DataDir(member), func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	key, err := store.Key(keys.TLS)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	private := key.Ed25519()
	der, err := x509.CreateCertificate(nil, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	fed, err := r.Client(member).Federation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pins := map[string][][32]byte{}
	for _, m := range fed.Members {
		for _, raw := range m.Keys {
			if k, err := keys.ParsePublic(raw); err == nil && k.Use() == keys.TLS {
				spki, err := x509.MarshalPKIXPublicKey(k.Ed25519())
				if err != nil {
					t.Fatal(err)
				}
				pins[m.Node] = append(pins[m.Node], sha256.Sum256(spki))
			}
		}
	}
	as := r.server(member)
	network, err := transport.NewTLS(transport.TLSConfig{NodeID: as.ID, Address: as.Address, Pins: func() map[string][][32]byte { return pins },
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = network.Close() })
	return &consensustest.Peer{Network: network, As: as}
}
