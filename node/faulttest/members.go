package faulttest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/wire"
)

// Try runs the program on a member's folder as an operator does.
func (f *Federation) Try(member string, args ...string) (string, error) {
	cmd := exec.Command(Program(f.T), append(args, "--dir", f.DataDir(member), "--operator", string(demo.Operator), "--lang", "en")...)
	cmd.Env = clean(os.Environ())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Command is Try where it must succeed.
func (f *Federation) Command(member string, args ...string) string {
	f.T.Helper()
	out, err := f.Try(member, args...)
	if err != nil {
		f.T.Fatalf("accord %s at %s: %v\n%s", strings.Join(args, " "), member, err, out)
	}
	return out
}

// paper is a file that goes from hand to hand.
func (f *Federation) paper(name string) string { return filepath.Join(f.Dir, name+".paper") }

// Introduction is where a member's introduction lies.
func (f *Federation) Introduction(member string) string {
	return filepath.Join(f.DataDir(member), "introduction.jws")
}

// Invite makes the folder of a newcomer, with proxies in all its
// links. It is not in Members yet.
func (f *Federation) Invite(member string) {
	f.T.Helper()
	addresses, err := freeAddresses(1)
	if err != nil {
		f.T.Fatal(err)
	}
	host := f.Members[0]
	os.Remove(f.paper("invitation")) // of the one before
	f.Command(host, "member", "invite", "--name-zh", "例", "--name-en", "Example", "--out", f.paper("invitation"))
	f.Command(member, "init", "--invite", f.paper("invitation"), "--member", member, "--kind", "association",
		"--name-zh", "例平台", "--name-en", "Example platform", "--listen", addresses[0])
	newcomer := demo.PlanNode{Member: member, Kind: exchange.KindAssociation, Listen: addresses[0], Advertise: addresses[0]}
	for _, n := range f.plan.Nodes {
		if !slices.Contains(f.Members, n.Member) {
			continue
		}
		f.connect(n, newcomer)
		f.connect(newcomer, n)
		f.mu.Lock()
		orders := f.orders[n.Member]
		f.mu.Unlock()
		f.Order(n.Member, orders...) // as they are, with the new proxy
	}
	f.plan.Nodes = append(f.plan.Nodes, newcomer)
}

// Welcome lets a newcomer that the roster lists join by a paper of a member.
func (f *Federation) Welcome(host, member string) {
	f.T.Helper()
	os.Remove(f.paper("welcome"))
	f.Eventually("the roster lies in the folder of "+host, func() bool {
		_, err := f.Try(host, "member", "welcome", member, "--out", f.paper("welcome"))
		return err == nil
	})
	f.Command(member, "member", "join", f.paper("welcome"), "--yes")
}

// Enact drafts a roster at the first of the seats, has all of them endorse it, and
// carries it to the ledger at the last.
func (f *Federation) Enact(seats []string, change ...string) {
	f.T.Helper()
	if err := f.TryEnact(seats, change...); err != nil {
		f.T.Fatal(err)
	}
}

// TryEnact is Enact where it may fail.
func (f *Federation) TryEnact(seats []string, change ...string) error {
	old, err := filepath.Glob(filepath.Join(f.Dir, "roster*.paper"))
	if err != nil {
		return err
	}
	for _, path := range old {
		os.Remove(path)
	}
	steps := [][]string{append([]string{seats[0], "member", "propose", "--out", f.paper("roster")}, change...)}
	enact := []string{"member", "enact", f.paper("roster")}
	for _, seat := range seats {
		steps = append(steps, []string{seat, "member", "endorse", f.paper("roster"), "--out", f.paper("roster-" + seat)})
		enact = append(enact, f.paper("roster-"+seat))
	}
	for _, s := range steps {
		if out, err := f.Try(s[0], s[1:]...); err != nil {
			return fmt.Errorf("accord %s at %s: %w\n%s", strings.Join(s[1:], " "), s[0], err, out)
		}
	}
	end := time.Now().Add(f.Patience)
	for again := false; ; again = true { // who leads may change meanwhile
		out, err := f.Try(seats[len(seats)-1], enact...)
		if err == nil || again && strings.Contains(out, "MEM-031") { // it was taken, and the answer was lost
			return nil
		}
		passes := slices.ContainsFunc([]string{"LEDGER-001", "LEDGER-002", "LEDGER-022"}, func(code string) bool { return strings.Contains(out, code) })
		if !passes || time.Now().After(end) {
			return fmt.Errorf("enacting: %w\n%s", err, out)
		}
	}
}

// Wipe takes a stopped node's log away and gives it a new id, as the program says.
func (f *Federation) Wipe(member string) {
	f.T.Helper()
	if err := os.RemoveAll(filepath.Join(f.DataDir(member), "ledger")); err != nil {
		f.T.Fatal(err)
	}
	f.Command(member, "init", "--renew-node")
}

// Membership is what a member's node says of the nodes.
func (f *Federation) Membership(at string) (wire.Membership, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return f.Client(at).Membership(ctx)
}

// Settled waits until the nodes are what the roster says, by the word of a member.
func (f *Federation) Settled(at string, voters int) {
	f.T.Helper()
	f.Eventually("the membership is settled", func() bool {
		m, err := f.Membership(at)
		if err != nil || m.Alone || m.Announced > m.Version || m.Voters != voters {
			return false
		}
		return !slices.ContainsFunc(m.Nodes, func(n wire.MembershipNode) bool { return n.Role != n.Wanted || n.Next != "" })
	})
}

// LearnsThatItLeft waits until a node that was taken off while it was away says so,
// and sees that it answers as a member no more.
func (f *Federation) LearnsThatItLeft(member string) {
	f.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), f.Patience)
	defer cancel()
	f.Eventually(member+" knows that it left", func() bool {
		st, err := f.Client(member).Status(ctx)
		return err == nil && strings.Contains(st.Why, "took this node out")
	})
	if _, err := f.Client(member).Entries(ctx, "red", client.EntryQuery{}); exchange.AsError(err).Code != "NODE-011" {
		f.T.Errorf("%s still answers as a member: %v", member, err)
	}
}
