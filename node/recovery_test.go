package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/node"
	"accord/node/client"
	"accord/node/founding"
	"accord/node/nodetest"
	"accord/node/recovery"
	"accord/node/wire"
	"accord/node/witness"
)

// TestQuorumLostForGood loses two of four nodes, goes on with the others under a
// signed plan, and lets a lost one come back after all.
//
// Shows: F30, B13, B14, E21
func TestQuorumLostForGood(t *testing.T) {
	c := nodetest.New(t)
	entry := nominate(t, c, "association").ID
	c.Stop("court") // falls behind
	second := nominateAnother(t, c, "association")
	for m := range c.Nodes {
		c.Stop(m)
	}
	// The association and the court survive; the association has the longer log.
	base, other := survivor(t, c, "association"), survivor(t, c, "court")
	if other.report.Size >= base.report.Size {
		t.Fatalf("the court is not behind: %d and %d", other.report.Size, base.report.Size)
	}
	plan := draft(t, base.report, other.report)
	state := stateOf(t, c, "association")
	sigs := map[string][]byte{}
	for _, m := range []string{"association", "court", "regulator"} { // a member whose node is lost still has its keys
		sigs[m] = signPlan(t, c, m, plan)
	}
	refusals(t, c, plan, sigs, state)
	apply := func(m string, state io.Reader) (node.Applied, error) {
		return node.ApplyRecovery(t.Context(), c.Config(m), node.Options{}, plan, [][]byte{sigs["association"], sigs["court"], sigs["regulator"]}, state)
	}
	if a, err := apply("association", nil); err != nil || a.Dropped != 0 || a.Gained != 0 {
		t.Fatalf("on the base: %+v, %v", a, err)
	}
	crashed(t, c, apply)
	if a, err := apply("court", bytes.NewReader(state)); err != nil || a.Dropped != 0 || a.Gained < 1 {
		t.Fatalf("on the shorter log: %+v, %v", a, err)
	}
	if a, err := apply("court", bytes.NewReader(state)); err != nil || !a.Repeat {
		t.Errorf("a second time: %+v, %v", a, err)
	}
	c.Start("association")
	early := make(chan error, 1)
	go func() { early <- keepNominating(t.Context(), c.Client("association")) }() // nothing comes before the record
	c.Start("court")
	c.Ready()
	if err := <-early; err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"association", "court"} {
		if r := recordedAt(t, c, m, plan); r.Between != 0 || r.Summary.Base.Size != base.report.Size || len(r.By) != 3 || len(r.Summary.Lost) != 2 {
			t.Errorf("%s: %+v", m, r)
		}
		if u := c.Nodes[m].Unrecorded(); u != nil {
			t.Errorf("%s: %+v", m, u)
		}
	}
	for _, id := range []exchange.EntryID{entry, second} {
		if _, err := c.Client("court").Entry(t.Context(), id); err != nil {
			t.Errorf("entry %s is lost: %v", id, err)
		}
	}
	endEntry(t, c, "association", entry) // it writes again
	returns(t, c, plan)
}

// keepNominating writes as soon as it may.
func keepNominating(ctx context.Context, c *client.Client) error {
	for {
		f, err := c.Federation(ctx)
		if err == nil {
			_, err = c.Nominate(ctx, "red", wire.Nominate{SubjectKind: "enterprise", USCC: f.Members[2].USCC, Name: "例",
				Ground: "decision", Decision: &wire.DecisionRef{Number: "3", Authority: "例"}, TermDays: 365})
		}
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if k := exchange.AsError(err).Kind; k != exchange.KindUnavailable && k != exchange.KindNoQuorum && k != exchange.KindUnknownOutcome {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type survived struct {
	report recovery.Report
	token  []byte
}

func survivor(t *testing.T, c *nodetest.Cluster, m string) survived {
	t.Helper()
	s, err := node.OpenStopped(c.Config(m), node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, token, err := s.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := recovery.ReadReport(token, s.Members()); err != nil || got.Node != r.Node || len(got.Voters) != 4 {
		t.Fatalf("its own report: %+v, %v", got, err)
	}
	return survived{r, token}
}

func draft(t *testing.T, reports ...recovery.Report) []byte {
	t.Helper()
	plan, err := recovery.Draft(reports, "two machines burned down", false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	three := append(reports, recovery.Report{Federation: reports[0].Federation, Charter: reports[0].Charter, Node: reports[0].Voters[0], Voters: reports[0].Voters})
	if three[2].Node == reports[0].Node || three[2].Node == reports[1].Node {
		three[2].Node = reports[0].Voters[1]
	}
	if three[2].Node == reports[0].Node || three[2].Node == reports[1].Node {
		three[2].Node = reports[0].Voters[2]
	}
	if _, err := recovery.Draft(three, "no need", false, time.Now()); !errors.Is(err, recovery.ErrNeedless) {
		t.Errorf("with a majority alive: %v", err)
	}
	behind := reports[1]
	behind.Cosigned = reports[0].Size + 1
	if _, err := recovery.Draft([]recovery.Report{reports[0], behind}, "a loss", false, time.Now()); !errors.Is(err, recovery.ErrBehind) {
		t.Errorf("a loss that is proven: %v", err)
	}
	return plan
}

func stateOf(t *testing.T, c *nodetest.Cluster, m string) []byte {
	t.Helper()
	s, err := node.OpenStopped(c.Config(m), node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var state bytes.Buffer
	if err := s.ExportState(&state); err != nil {
		t.Fatal(err)
	}
	return state.Bytes()
}

func signPlan(t *testing.T, c *nodetest.Cluster, m string, plan []byte) []byte {
	t.Helper()
	store, err := founding.OpenKeys(c.Config(m))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	key, err := store.Key(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := recovery.Sign(plan, key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// refusals: none of these changes a thing.
func refusals(t *testing.T, c *nodetest.Cluster, plan []byte, sigs map[string][]byte, state []byte) {
	t.Helper()
	all := [][]byte{sigs["association"], sigs["court"], sigs["regulator"]}
	edited := bytes.Replace(plan, []byte("burned"), []byte("melted"), 1)
	hurt := bytes.Clone(state)
	hurt[len(hurt)/2] ^= 1
	for name, x := range map[string]struct {
		member string
		plan   []byte
		sigs   [][]byte
		state  []byte
		want   *exchange.Definition
	}{
		"two of four seats":    {"association", plan, all[:2], nil, recovery.ErrQuorum},
		"one seat three times": {"association", plan, [][]byte{all[0], all[0], all[0]}, nil, recovery.ErrQuorum},
		"another plan":         {"association", edited, all, nil, recovery.ErrPaper},
		"a lost node":          {"commission", plan, all, state, recovery.ErrPlan},
		"without the state":    {"court", plan, all, nil, recovery.ErrState},
		"a damaged state":      {"court", plan, all, hurt, recovery.ErrState},
		"its own short state":  {"court", plan, all, stateOf(t, c, "court"), recovery.ErrState},
	} {
		var r io.Reader
		if x.state != nil {
			r = bytes.NewReader(x.state)
		}
		if _, err := node.ApplyRecovery(t.Context(), c.Config(x.member), node.Options{}, x.plan, x.sigs, r); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %s", name, err, x.want.Code)
		}
		if _, err := os.Stat(filepath.Join(c.Dir, x.member, "recovery")); err == nil {
			t.Errorf("%s: it left something behind", name)
		}
	}
}

// crashed is a crash between setting the old log aside and putting the new one
// in its place: the node must not start, and the same command ends it.
func crashed(t *testing.T, c *nodetest.Cluster, apply func(string, io.Reader) (node.Applied, error)) {
	t.Helper()
	dir := filepath.Join(c.Dir, "association")
	if err := os.Rename(filepath.Join(dir, "ledger"), filepath.Join(dir, "ledger.new")); err != nil {
		t.Fatal(err)
	}
	if n, err := node.Open(c.Config("association"), node.Options{}); err == nil {
		n.Close()
		t.Fatal("a node started in the middle of a recovery")
	}
	if a, err := apply("association", nil); err != nil || !a.Repeat {
		t.Fatalf("after a crash: %+v, %v", a, err)
	}
}

// returns starts a lost node after all: it neither leads nor serves, the others go
// on without it, and both sides say so.
func returns(t *testing.T, c *nodetest.Cluster, plan []byte) {
	t.Helper()
	c.Start("regulator")
	defer c.Stop("regulator")
	lost := c.Nodes["regulator"].Status().Node
	if _, file := partedAlarm(t, c, "regulator", "association", witness.VerdictSelf); !stoppedOver(c, "regulator") || !holdsPlan(t, file, "theirs", plan) {
		t.Errorf("it does not stop: %+v, %s", c.Nodes["regulator"].Status(), file)
	}
	partedAlarm(t, c, "association", "regulator", witness.VerdictMember)
	for range 40 {
		time.Sleep(50 * time.Millisecond)
		if c.Nodes["regulator"].Status().Ready {
			t.Fatal("a lost node serves again")
		}
		if c.Nodes["association"].Status().Leader == lost {
			t.Fatal("a lost node leads again")
		}
	}
	var err error
	for range 10 { // a busy machine may have them elect anew meanwhile
		if _, err = c.Client("association").Ledger(t.Context(), true); err == nil {
			return
		}
	}
	t.Errorf("no read point any more: %v", err)
}

func nominateAnother(t *testing.T, c *nodetest.Cluster, member string) exchange.EntryID {
	t.Helper()
	return put(t, c, member, founderCode(t, c, member, 1), "2").ID
}

func endEntry(t *testing.T, c *nodetest.Cluster, member string, id exchange.EntryID) {
	t.Helper()
	until(t, "it is listed, and ended", func() bool {
		_, err := c.Client(member).Remove(t.Context(), id, wire.EndEntry{Reason: "error", Text: "依据有误", Basis: "1"})
		if err != nil && exchange.AsError(err).Code != "LIST-017" { // ledger time has not come to its listing
			t.Fatal(err)
		}
		return err == nil
	})
}
