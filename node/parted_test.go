package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node"
	"accord/node/founding"
	"accord/node/nodetest"
	"accord/node/recovery"
	"accord/node/wire"
	"accord/node/witness"
)

// carryOut stops every node, draws up a plan with these survivors, has three seats
// sign it, and carries it out on the survivors.
func carryOut(t *testing.T, c *nodetest.Cluster, survivors ...string) []byte {
	t.Helper()
	for m := range c.Nodes {
		c.Stop(m)
	}
	var reports []recovery.Report
	for _, m := range survivors {
		reports = append(reports, survivor(t, c, m).report)
	}
	plan, err := recovery.Draft(reports, "the others burned down", false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := recovery.ReadPlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	var sigs [][]byte
	for _, m := range []string{"association", "court", "regulator"} {
		sigs = append(sigs, signPlan(t, c, m, plan))
	}
	var state []byte
	for i, m := range survivors {
		if reports[i].Node == p.Base.Node {
			state = stateOf(t, c, m)
		}
	}
	for i, m := range survivors {
		var r io.Reader
		if reports[i].Node != p.Base.Node {
			r = bytes.NewReader(state)
		}
		if _, err := node.ApplyRecovery(t.Context(), c.Config(m), node.Options{}, plan, sigs, r); err != nil {
			t.Fatalf("%s: %v", m, err)
		}
	}
	return plan
}

// eventually waits for what must come by itself.
func eventually(t *testing.T, c *nodetest.Cluster, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(nodetest.Patience); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so\n%s", what, c.Log.String())
		}
	}
}

// recordedAt waits until a member's ledger holds the plan, and gives the record.
func recordedAt(t *testing.T, c *nodetest.Cluster, m string, plan []byte) (r wire.Recovery) {
	t.Helper()
	eventually(t, c, m+" holds the record", func() bool {
		got, err := c.Client(m).Recoveries(t.Context())
		i := slices.IndexFunc(got.Recoveries, func(x wire.Recovery) bool { return x.Digest == recovery.Digest(plan) && x.Seq > 0 })
		if err != nil || i < 0 {
			return false
		}
		r = got.Recoveries[i]
		return true
	})
	return r
}

// partedAlarm waits for a member's alarm over a plan, about another member.
func partedAlarm(t *testing.T, c *nodetest.Cluster, at, about string, verdict string) (a wire.Alarm, evidence string) {
	t.Helper()
	eventually(t, c, at+" raises an alarm about "+about, func() bool {
		got, err := c.Client(at).Alarms(t.Context())
		i := slices.IndexFunc(got.Alarms, func(x wire.Alarm) bool {
			return x.Kind == witness.KindRecovery && x.Verdict == verdict && string(x.Member) == about
		})
		if err != nil || i < 0 {
			return false
		}
		a = got.Alarms[i]
		return true
	})
	file, err := c.Client(at).AlarmEvidence(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(file)
}

// holdsPlan says whether an evidence file holds a plan on one side.
func holdsPlan(t *testing.T, file, side string, plan []byte) bool {
	t.Helper()
	var e map[string]json.RawMessage
	if err := json.Unmarshal([]byte(file), &e); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(string(bytes.TrimSpace(plan)))
	return strings.Contains(string(e[side]), string(text))
}

// stoppedOver says whether a member serves nothing over a plan.
func stoppedOver(c *nodetest.Cluster, m string) bool {
	st := c.Nodes[m].Status()
	_, err := c.Client(m).Ledger(context.Background(), false)
	return !st.Ready && strings.Contains(st.Why, "recovery") && errors.Is(err, witness.ErrStoppedService)
}

// TestALostMajorityReturns: three of four nodes are given up; they come back, and
// being a majority of the old membership they go on by themselves while they hear
// nothing. As soon as they hear the survivor they stop by the seats' word; nobody
// takes over anything of the other's ledger; both sides keep evidence.
//
// Shows: F30, B13, B14
func TestALostMajorityReturns(t *testing.T) {
	c := nodetest.New(t)
	nominate(t, c, "association")
	plan := carryOut(t, c, "association")
	lost := []string{"commission", "court", "regulator"}
	for _, m := range lost {
		c.Start(m)
	}
	c.Ready() // exposed, not stopped: they cannot know
	theirs := nominateAnother(t, c, "regulator")

	c.Start("association")
	for _, m := range lost {
		eventually(t, c, m+" stops", func() bool { return stoppedOver(c, m) })
		if _, file := partedAlarm(t, c, m, "association", witness.VerdictSelf); !holdsPlan(t, file, "theirs", plan) {
			t.Errorf("%s: the plan is not in its evidence: %s", m, file)
		}
	}
	if r := recordedAt(t, c, "association", plan); r.Between != 0 || len(r.By) != 3 || len(r.Summary.Lost) != 3 {
		t.Errorf("%+v", r)
	}
	for _, m := range lost {
		a, file := partedAlarm(t, c, "association", m, witness.VerdictMember)
		if a.Stops || !holdsPlan(t, file, "ours", plan) {
			t.Errorf("%+v: %s", a, file)
		}
	}
	if !c.Nodes["association"].Status().Ready {
		t.Errorf("the survivor: %+v", c.Nodes["association"].Status())
	}
	mine := nominateAnother(t, c, "association")
	if _, err := c.Client("association").Entry(t.Context(), theirs); err == nil {
		t.Error("the survivor took over the other side's ledger")
	}
	c.Stop("court")
	c.Start("court") // it does not get as far as its votes
	if !stoppedOver(c, "court") {
		t.Errorf("it starts again: %+v", c.Nodes["court"].Status())
	}
	if _, err := c.Client("court").Entry(t.Context(), mine); !errors.Is(err, witness.ErrStoppedService) {
		t.Errorf("a node that was given up serves: %v", err)
	}
	m, err := c.Client("association").Membership(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range m.Nodes {
		if string(n.Member) != "association" && (n.Role != "" || n.Waits == nil) {
			t.Errorf("it is taken in again: %+v", n)
		}
	}
}

// TestTwoPlansExcludeOneAnother: seats that sign two plans split the federation;
// each side stops as soon as it hears of the other, with both plans in hand and the
// names of those who signed both.
//
// Shows: F30, B13
func TestTwoPlansExcludeOneAnother(t *testing.T) {
	c := nodetest.New(t)
	nominate(t, c, "association")
	one := carryOut(t, c, "association", "commission")
	two := carryOut(t, c, "court", "regulator")
	c.Start("association")
	c.Start("commission")
	c.Ready()
	recordedAt(t, c, "commission", one)
	c.Start("court")
	c.Start("regulator")
	for m, x := range map[string]struct {
		about        string
		ours, theirs []byte
	}{"association": {"court", one, two}, "court": {"association", two, one}} {
		eventually(t, c, m+" stops", func() bool { return stoppedOver(c, m) })
		a, file := partedAlarm(t, c, m, x.about, witness.VerdictUndecided)
		if !a.Stops || !holdsPlan(t, file, "ours", x.ours) || !holdsPlan(t, file, "theirs", x.theirs) ||
			!strings.Contains(file, `"both":["association","court","regulator"]`) {
			t.Errorf("%s: %+v: %s", m, a, file)
		}
	}

	for _, m := range []string{"commission", "regulator"} {
		eventually(t, c, m+" stops", func() bool { return stoppedOver(c, m) })
	}

	// The seats decide for the first plan.
	c.Stop("court")
	c.Stop("regulator")
	for _, m := range []string{"association", "commission"} {
		alarms, err := c.Client(m).Alarms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alarms.Alarms {
			if _, err := c.Client(m).SettleAlarm(t.Context(), a.ID, wire.Settle{Reason: "the second plan does not hold"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Ready()
	nominateAnother(t, c, "association")
}

// TestAForgottenSurvivorStops: a plan counts on a node whose operator never carried
// it out and started it with the lost ones. It must not help them to a majority.
//
// Shows: F30, B14
func TestAForgottenSurvivorStops(t *testing.T) {
	c := nodetest.New(t)
	plan := carryOut(t, c, "association", "court")
	dir := filepath.Join(c.Dir, "court")
	for _, undo := range [][2]string{{"ledger", "ledger.unused"}, {"ledger.before-" + strings.TrimPrefix(recovery.Digest(plan), "sha256:")[:16], "ledger"}} {
		if err := os.Rename(filepath.Join(dir, undo[0]), filepath.Join(dir, undo[1])); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []string{"court", "regulator", "commission"} {
		c.Start(m)
	}
	c.Ready()
	c.Start("association")
	eventually(t, c, "the court stops", func() bool { return stoppedOver(c, "court") })
	a, _ := partedAlarm(t, c, "court", "association", witness.VerdictSelf)
	if !strings.Contains(a.Why, "recover apply") {
		t.Errorf("%+v", a)
	}
}

// TestAnAbandonedPlanCutsNobodyOff: the seats signed it, the lost nodes were found
// after all, and somebody puts the plan on the ledger. Everybody goes on and says so.
//
// Shows: F30, B4
func TestAnAbandonedPlanCutsNobodyOff(t *testing.T) {
	c := nodetest.New(t)
	nominate(t, c, "association")
	for m := range c.Nodes {
		c.Stop(m)
	}
	plan, err := recovery.Draft([]recovery.Report{survivor(t, c, "association").report, survivor(t, c, "court").report}, "not so", false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var sigs [][]byte
	for _, m := range []string{"association", "court", "regulator"} {
		sigs = append(sigs, signPlan(t, c, m, plan))
	}
	for _, n := range c.Plan.Nodes {
		c.Start(n.Member)
	}
	c.Ready()
	body, err := strictjson.Marshal(recovery.Signed(plan, sigs))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := c.Client("court").Submit(t.Context(), command(t, c, "court", "members.recover", body)); err != nil || !res.OK {
		t.Fatalf("%+v, %v", res, err)
	}
	for _, m := range []string{"association", "commission"} {
		a, file := partedAlarm(t, c, m, "", witness.VerdictUndecided)
		if a.Stops || !holdsPlan(t, file, "ours", plan) {
			t.Errorf("%s: %+v", m, a)
		}
	}
	c.Stop("court") // the others need the nodes that the plan would give up
	c.Ready()
	nominateAnother(t, c, "regulator")
}

// command signs a command of a member.
func command(t *testing.T, c *nodetest.Cluster, m string, verb exchange.Verb, body []byte) []byte {
	t.Helper()
	cfg := c.Config(m)
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	key, err := store.Key(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := exchange.Command{Federation: cfg.Federation, Issuer: exchange.MemberID(m), Operator: "li", At: exchange.MillisOf(time.Now()),
		Catalogue: 1, ID: "abandoned-000000000001", Verb: verb, Body: body}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.Sign(key, jws.TypCommand, payload)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(token)
}
