package node_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node"
	"accord/node/client"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/nodetest"
	"accord/node/wire"
	"accord/node/witness"
)

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestACosignedHistoryStandsAlone: what a node serves proves itself to somebody
// who has only its policy, and a stopped node's folder proves the same.
//
// Shows: B8
func TestACosignedHistoryStandsAlone(t *testing.T) {
	c := nodetest.New(t)
	ctx := t.Context()
	entry := nominate(t, c, "regulator")
	court := c.Client("court")
	until(t, "the entry is under a cosigned checkpoint", func() bool {
		got, err := court.Checkpoints(ctx)
		n := len(got.Checkpoints)
		return err == nil && n > 0 && got.Checkpoints[n-1].Size > entry.Seq && len(got.Checkpoints[n-1].Signers) >= 3
	})
	text, err := court.Policy(ctx)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := tlog.ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	note, err := court.Cosigned(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f, err := court.Federation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err := policy.Check(note, tlog.LedgerOrigin(f.Federation)); err != nil || signed.Size < 2 {
		t.Errorf("the served checkpoint: %v", err)
	}
	for name, get := range map[string]func() ([]byte, error){
		"inclusion":   func() ([]byte, error) { return court.InclusionProof(ctx, client.ProofQuery{Entry: entry.ID, Seq: -1}) },
		"charter":     func() ([]byte, error) { return court.InclusionProof(ctx, client.ProofQuery{Seq: 0}) },
		"consistency": func() ([]byte, error) { return court.ConsistencyProof(ctx, 1, 2) },
	} {
		file, err := get()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if report := bundle.VerifyFile(file, bundle.Options{Policy: policy}); !report.OK || !report.Anchored {
			t.Errorf("%s does not verify: %+v", name, report.Checks)
		}
		if bundle.VerifyFile(file, bundle.Options{}).OK {
			t.Errorf("%s is believed without anybody's keys", name)
		}
	}
	if _, err := node.VerifyHistory(ctx, c.Config("court"), node.Options{}, func(int64, int64) {}); !errors.Is(err, node.ErrRunning) {
		t.Errorf("a running node's folder was read: %v", err)
	}
	c.Stop("court")
	report, err := node.VerifyHistory(ctx, c.Config("court"), node.Options{}, func(int64, int64) {})
	// What a node says of itself may come after the last checkpoint; what is under one is certain.
	if err != nil || report.Statements < 1 || report.Cosigned < 2 || report.Checkpoints < 1 || report.Uncertain > report.Beyond {
		t.Errorf("offline: %+v %v", report, err)
	}
}

// TestACensoringLeaderIsExposed: it refuses one member's statements. The member
// hears that they are held and not that they are wrong; all nodes show the
// complaint; whoever leads next takes the statement.
//
// Whoever leads censors at first, so that an election on a slow machine changes
// nothing; then who leads at that moment alone does, and is stopped.
//
// Shows: B6, F35
func TestACensoringLeaderIsExposed(t *testing.T) {
	const victim = "association"
	var honest atomic.Bool // whether only the censor censors
	var censor atomic.Value
	c := nodetest.NewTuned(t, func(member string, cfg *config.Config, o *node.Options) {
		cfg.ComplainAfter = 2 * time.Second
		o.Admit = func(payload []byte) error {
			tok, err := jws.Parse(string(payload))
			if err != nil {
				return err
			}
			cmd, err := exchange.DecodeCommand(tok.Payload)
			if by := censor.Load(); err == nil && cmd.Issuer == victim && by != nil && (by == member || !honest.Load()) {
				return errors.New("not today")
			}
			return err
		}
	})
	ctx := t.Context()
	led := map[string]bool{}
	leads := func() string {
		var leader string
		until(t, "somebody leads", func() bool { leader = string(c.Nodes["court"].Status().LeaderOf); return leader != "" })
		led[leader] = true
		return leader
	}
	leads()
	censor.Store("anybody")
	f, err := c.Client(victim).Federation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Client(victim).Nominate(ctx, "red", wire.Nominate{SubjectKind: "enterprise", USCC: f.Members[0].USCC, Name: "例",
		Ground: "decision", Decision: &wire.DecisionRef{Number: "1", Authority: "例"}, TermDays: 365})
	if !errors.Is(err, node.ErrHeld) {
		t.Fatalf("the censored member is told %v", err)
	}
	// What its node says of its own accord, a newer build or an anchor, is kept out
	// as well: the oldest complaint will do.
	status := func(at string) wire.Complaint {
		got, err := c.Client(at).Complaints(ctx)
		if err != nil || len(got.Complaints) == 0 {
			return wire.Complaint{}
		}
		return got.Complaints[0]
	}
	for m := range c.Nodes {
		until(t, m+" shows the complaint", func() bool { leads(); return status(m).Status == witness.ComplaintOpen })
		if got := status(m); got.Member != victim || len(got.Leaders) == 0 || !led[string(got.Leaders[0])] {
			t.Errorf("%s shows %+v; %v have led", m, got, led)
		}
	}
	for leader := leads(); ; leader = leads() {
		censor.Store(leader)
		honest.Store(true)
		if leads() == leader {
			c.Stop(leader)
			break
		}
	}
	for m := range c.Nodes {
		until(t, "the statement is included at "+m, func() bool { return status(m).Status == witness.ComplaintIncluded })
	}
}

// TestANodeUnderAnAlarmServesNothing: its memory says that it signed another
// ledger than it holds. It stops, says why, stays stopped, and serves again when
// the cause is gone and an operator has said so.
//
// Shows: F34, F41, B8
func TestANodeUnderAnAlarmServesNothing(t *testing.T) {
	c := nodetest.New(t)
	ctx := t.Context()
	nominate(t, c, "regulator")
	court := c.Client("court")
	until(t, "it has signed", func() bool { p, err := court.Checkpoints(ctx); return err == nil && len(p.Checkpoints) > 0 })
	c.Stop("court")
	path := filepath.Join(c.Dir, "court", "witness", "signed.note")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, otherNote(t, c, good), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() {
		n, err := node.Open(c.Config("court"), node.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c.Nodes["court"] = n
	}
	start()
	stopped := func() bool {
		st, err := court.Status(ctx)
		return err == nil && !st.Ready && strings.Contains(st.Why, "evidence in witness/evidence/")
	}
	until(t, "the alarm", stopped)
	if _, err := court.Entries(ctx, "red", client.EntryQuery{}); !errors.Is(err, witness.ErrStoppedService) {
		t.Errorf("it serves a list: %v", err)
	}
	if page := metricsOf(t, c, "court"); !strings.Contains(page, "accord_ledger_fork 1") || !strings.Contains(page, "accord_ledger_stopped 1") {
		t.Error("the metrics do not show it")
	}
	c.Stop("court")
	start()
	if !stopped() {
		t.Error("a restart made it serve again")
	}
	alarms, err := court.Alarms(ctx)
	if err != nil || len(alarms.Alarms) != 1 || !alarms.Stopped {
		t.Fatalf("%+v %v", alarms, err)
	}
	if file, err := court.AlarmEvidence(ctx, alarms.Alarms[0].ID); err != nil || !strings.Contains(string(file), "accord-finding/1") {
		t.Errorf("%.80s %v", file, err)
	}
	nominateAnother(t, c, "regulator") // the others go on without it
	c.Stop("court")
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	start()
	if _, err := court.SettleAlarm(ctx, alarms.Alarms[0].ID, wire.Settle{Reason: "the file was exchanged"}); err != nil {
		t.Fatal(err)
	}
	c.Ready()
	if page, err := court.Entries(ctx, "red", client.EntryQuery{Linear: true}); err != nil || len(page.Entries) != 2 {
		t.Errorf("it serves again: %v", err)
	}
}

// otherNote is the court's memory with another root, signed by its own key.
func otherNote(t *testing.T, c *nodetest.Cluster, memory []byte) []byte {
	t.Helper()
	_, note, _ := strings.Cut(string(memory), "\n")
	point, _, err := tlog.Read([]byte(note))
	if err != nil {
		t.Fatal(err)
	}
	point.Root[0] ^= 1
	cfg := c.Config("court")
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	key, err := store.Key(keys.Cosign)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := tlog.NewCosigner(cfg.Federation, "court", key)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(point, time.Now().Unix())
	if err != nil {
		t.Fatal(err)
	}
	forged, err := tlog.Format(point, sig)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(forged)
	return fmt.Appendf(nil, "%s\n%s", hex.EncodeToString(sum[:]), forged)
}

func metricsOf(t *testing.T, c *nodetest.Cluster, member string) string {
	t.Helper()
	page, err := c.Client(member).Raw(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
