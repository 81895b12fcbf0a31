package node_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus/transport"
	"accord/exchange/identifiers"
	"accord/node"
	"accord/node/config"
	"accord/node/nodetest"
)

// short makes nodes that take snapshots often and keep little behind them.
func short(_ string, cfg *config.Config, _ *node.Options) {
	cfg.SnapshotEvery, cfg.TrailingLogs, cfg.SnapshotLooks = 16, 8, 100*time.Millisecond
}

// enter puts entries of made-up enterprises on the red list.
func enter(t *testing.T, c *nodetest.Cluster, member string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		first := fmt.Sprintf("91632801MA%07d", i)
		check, err := identifiers.USCCCheck(first)
		if err != nil {
			t.Fatal(err)
		}
		put(t, c, member, first+string(check), fmt.Sprint(i))
	}
}

// leave stops a member's node and has the others go on until none of them has the
// log any more that it would need.
func leave(t *testing.T, c *nodetest.Cluster, member, writer string, from int) (next int) {
	t.Helper()
	c.Stop(member)
	c.Ready()
	// What it has stored is no more than what was committed by now; it may be more than
	// what it had applied when it stopped.
	var at uint64
	for m := range c.Nodes {
		until(t, m+" has applied all there is", func() bool { _, err := c.Client(m).Ledger(t.Context(), true); return err == nil })
		at = max(at, c.Nodes[m].Status().Applied)
	}
	next = from
	for deadline := time.Now().Add(nodetest.Patience); ; next += 10 {
		gone := true
		for m := range c.Nodes {
			st, err := c.Client(m).Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check, err := c.Client(m).Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			gone = gone && int64(st.Applied)-check.LogEntries > int64(at)+1
		}
		if gone {
			return next
		}
		if time.Now().After(deadline) {
			t.Fatal("the log is never cut")
		}
		enter(t, c, writer, next, next+10)
	}
}

// same waits until all nodes hold the same ledger.
func same(t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	until(t, "all nodes hold the same ledger", func() bool {
		roots := map[string]bool{}
		for m := range c.Nodes {
			l, err := c.Client(m).Ledger(t.Context(), false)
			if err != nil {
				return false
			}
			roots[fmt.Sprint(l.Size, l.Root)] = true
		}
		return len(roots) == 1
	})
}

// A node that was away longer than the log is kept gets a snapshot, believes it
// because a quorum has cosigned it, holds the same ledger as the others, and its
// folder verifies from the charter on.
//
// Shows: B9, g7, E11, E12
func TestANodeFarBehindTakesASnapshot(t *testing.T) {
	c := nodetest.NewTuned(t, short)
	enter(t, c, "regulator", 0, 3)
	next := leave(t, c, "court", "regulator", 3)
	c.Start("court")
	c.Ready()
	same(t, c)
	check, err := c.Client("court").Check(t.Context())
	if err != nil || check.Installs != 1 {
		t.Errorf("%d snapshots were taken, %v", check.Installs, err)
	}
	enter(t, c, "association", next, next+3) // it works on from there
	same(t, c)
	before, err := c.Client("court").Ledger(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	c.Stop("court")
	report, err := node.VerifyHistory(t.Context(), c.Config("court"), node.Options{}, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	// A node says things of its own, and the last may have come between: the folder holds
	// what the court knew, and nothing the others do not.
	after, err := c.Client("regulator").Ledger(t.Context(), true)
	if size := report.Statements + 1; err != nil || size < before.Size || size > after.Size {
		t.Errorf("%+v between %d and %d, %v", report, before.Size, after.Size, err)
	}
	c.Start("court")
	c.Ready()
	same(t, c)
}

// A leader that sends its snapshots with a voucher whose signatures do not hold is
// refused, evidence of it is kept, and the node stays as it was. When an honest member
// leads, the node gets an honest snapshot and goes on.
//
// Shows: B9, F32, g7
func TestAForgedSnapshotIsRefusedAndAnHonestOneTaken(t *testing.T) {
	c, honest := vouching(t, forge)
	until(t, "evidence is kept", func() bool { return len(evidence(t, c, "court")) > 0 })
	for _, e := range evidence(t, c, "court") {
		if e.Kind != transport.KindInstallSnapshot || e.Rule != "voucher" || e.Peer == c.Nodes["court"].Status().Node {
			t.Errorf("evidence of %s of %s by rule %s: %s", e.Kind, e.Peer, e.Rule, e.Why)
		}
	}
	unmoved(t, c, honest)
}

// A voucher of signers this node does not know, of newcomers perhaps whose roster has
// not come, is put off: the snapshot is not taken and nobody is accused.
//
// Shows: B9, g7
func TestAVoucherOfUnknownSignersIsPutOff(t *testing.T) {
	c, honest := vouching(t, func(note []byte) []byte { return bytes.ReplaceAll(note, []byte("\n— "), []byte("\n— x")) })
	until(t, "it is put off", func() bool { return strings.Contains(metricsOf(t, c, "court"), `,reason="snapshot-unjudged"}`) })
	if e := evidence(t, c, "court"); len(e) > 0 {
		t.Errorf("evidence is kept: %s", e[0].Why)
	}
	unmoved(t, c, honest)
}

// vouching starts the court's node far behind leaders that change their vouchers,
// whoever leads, until honest is called.
func vouching(t *testing.T, change func(note []byte) []byte) (c *nodetest.Cluster, honest func()) {
	t.Helper()
	var lying atomic.Bool
	c = nodetest.NewTuned(t, func(m string, cfg *config.Config, o *node.Options) {
		short(m, cfg, o)
		o.Vouch = func(voucher []byte) []byte {
			if lying.Load() {
				return change(voucher)
			}
			return voucher
		}
	})
	enter(t, c, "regulator", 0, 3)
	leave(t, c, "court", "regulator", 3)
	lying.Store(true)
	c.Start("court")
	return c, func() { lying.Store(false) }
}

// unmoved sees that the court's node holds nothing new, and catches up under an honest
// leader.
func unmoved(t *testing.T, c *nodetest.Cluster, honest func()) {
	t.Helper()
	leader := ""
	until(t, "somebody leads", func() bool { leader = string(c.Nodes["regulator"].Status().LeaderOf); return leader != "" })
	now := c.Nodes["court"].Status()
	if at := c.Nodes[leader].Status(); now.Ready || now.Ledger.Size >= at.Ledger.Size || strings.Contains(c.Log.String(), "the node must stop") {
		t.Errorf("ready %v, the ledger is at %+v, the leader's at %+v", now.Ready, now.Ledger, at.Ledger)
	}
	honest()
	c.Stop(leader)
	until(t, "an honest member leads", func() bool {
		l := c.Nodes["court"].Status().LeaderOf
		return l != "" && string(l) != leader
	})
	c.Start(leader) // as a follower it cosigns as before
	c.Ready()
	same(t, c)
}

// forge turns a bit in every signature under a note.
func forge(note []byte) []byte {
	lines := bytes.Split(bytes.Clone(note), []byte("\n"))
	for _, l := range lines {
		if bytes.HasPrefix(l, []byte("— ")) {
			if at := len(l) - 8; l[at] == 'A' {
				l[at] = 'B'
			} else {
				l[at] = 'A'
			}
		}
	}
	return bytes.Join(lines, []byte("\n"))
}

// evidence is what a member's node keeps against others.
func evidence(t *testing.T, c *nodetest.Cluster, member string) (out []*transport.Evidence) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Dir, member, "ledger", "evidence", "*.evidence"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		e, err := transport.DecodeEvidence(raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}
