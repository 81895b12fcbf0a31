package witness

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/machine"
)

func TestAQuorumCosignsWhatAllHold(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.grow(3)
	court := w.member["court"]
	c, err := court.Gather(ctx, 4)
	if err != nil || c.Size != 4 || len(c.Signers) != 4 {
		t.Fatalf("%+v %v", c, err)
	}
	if point, err := w.member["regulator"].Trust([]byte(c.Note)); err != nil || point.Size != 4 || point.Root != c.Root {
		t.Errorf("another member does not believe it: %v", err)
	}
	w.cut("association", true)
	w.grow(1)
	if c, err = court.Gather(ctx, 5); err != nil || len(c.Signers) != 3 {
		t.Errorf("with one away: %+v %v", c.Signers, err)
	}
	w.cut("regulator", true)
	w.grow(1)
	if _, err := court.Gather(ctx, 6); !errors.Is(err, ErrCosign) {
		t.Errorf("two of four made a quorum: %v", err)
	}
	if n, ok := court.Newest(); !ok || n.Size != 5 {
		t.Errorf("the newest is of size %d", n.Size)
	}
	if again := w.open("court"); len(again.Chain()) != 2 || again.Signed().Size != 6 {
		t.Errorf("after a restart: %d checkpoints, signed up to %d", len(again.Chain()), again.Signed().Size)
	}
}

// TestANodeNeverContradictsItsSignature: not after its ledger was exchanged,
// nor while it lacks what it has signed, nor after its memory was set back.
//
// Shows: B8, I7
func TestANodeNeverContradictsItsSignature(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.grow(4)
	court := w.member["court"]
	for _, id := range []exchange.MemberID{"court", "regulator"} {
		if _, err := w.member[id].Gather(ctx, 5); err != nil {
			t.Fatal(err)
		}
	}
	fresh := func() *machine.Machine {
		m, err := machine.New(w.genesis, machine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	old := court.machine
	court.machine = fresh() // restored from an old backup of the log
	w.open("court")
	if _, err := court.Sign(ctx, 0); !errors.Is(err, ErrBehind) {
		t.Errorf("behind its own signature: %v", err)
	}
	w.grow(5, "court") // and then another history
	w.open("court")
	if _, err := court.Sign(ctx, 0); !errors.Is(err, ErrContradiction) || !court.Stopped() || !slices.Equal(court.stops, []bool{true}) {
		t.Errorf("another history was signed: %v, stopped %v", err, court.Stopped())
	}
	if w.open("court"); !court.Stopped() || !strings.Contains(court.Why(), "evidence in witness/evidence/5-self.json") {
		t.Errorf("a restart made it go on: %q", court.Why())
	}
	// the whole folder is from an old backup: the others remember
	court.machine = fresh()
	if err := os.RemoveAll(court.Dir); err != nil {
		t.Fatal(err)
	}
	w.open("court")
	if _, err := court.Sign(ctx, 1); !errors.Is(err, ErrBehind) {
		t.Errorf("it signed without asking what it had signed: %v", err)
	}
	court.machine = old
	w.open("court")
	if _, err := court.Sign(ctx, 0); err != nil || court.Signed().Size != 5 {
		t.Errorf("with its old ledger: %v, signed %d", err, court.Signed().Size)
	}
}

func TestADamagedMemoryIsNoMemory(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.grow(2)
	court := w.member["court"]
	if _, err := court.Gather(ctx, 3); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{signedFile, chainFile} {
		path := filepath.Join(court.Dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{1, len(good) / 2, len(good) - 3} {
			bad := slices.Clone(good)
			bad[at] ^= 2
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(court.config()); err == nil && name == signedFile {
				t.Errorf("%s with byte %d changed was taken", name, at)
			}
		}
		if err := os.WriteFile(path, good[:len(good)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(court.config()); !errors.Is(err, ErrFolder) {
			t.Errorf("half of %s was taken: %v", name, err)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheChainStaysBounded(t *testing.T) {
	var chain []Cosigned
	for i := range int64(10_000) {
		chain = thin(append(chain, Cosigned{Size: i + 1}))
	}
	if len(chain) > chainMost || chain[0].Size != 1 || chain[len(chain)-1].Size != 10_000 || chain[len(chain)-chainRecent].Size != 10_000-chainRecent+1 {
		t.Errorf("%d kept, from %d to %d", len(chain), chain[0].Size, chain[len(chain)-1].Size)
	}
	for i := 1; i < len(chain); i++ {
		if gap, age := chain[i].Size-chain[i-1].Size, 10_000-chain[i-1].Size; gap > 1 && gap*8 > age {
			t.Errorf("a gap of %d after %d", gap, chain[i-1].Size)
		}
	}
}

// TestRunSignsWithTraffic: every ten seconds, or every thousand entries.
func TestRunSignsWithTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		court := w.member["court"]
		cfg := court.config()
		cfg.Clock, cfg.Entries = time.Now, 5
		begin := time.Now()
		wit, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		court.Witness = wit
		go wit.Run(t.Context())
		synctest.Wait()
		if c, ok := wit.Newest(); !ok || c.Size != 1 {
			t.Fatalf("nothing was signed at the start: %+v", c)
		}
		w.grow(2)
		time.Sleep(9 * time.Second)
		if wit.Signed().Size != 1 {
			t.Errorf("two entries were signed after %v", time.Since(begin))
		}
		time.Sleep(2 * time.Second)
		if c, _ := wit.Newest(); c.Size != 3 {
			t.Errorf("after ten seconds the newest is of size %d", c.Size)
		}
		w.grow(5)
		time.Sleep(2 * time.Second)
		if wit.Signed().Size != 8 {
			t.Errorf("five new entries are signed up to %d", wit.Signed().Size)
		}
	})
}

// TestForkVerdicts: who is wrong when roots differ, and what it does about it.
//
// Shows: B8, F34, I7
func TestForkVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		other   []exchange.MemberID // hold another entry at size 4
		away    []exchange.MemberID
		verdict string // at the court
		stops   bool
		later   bool // only when the grace is over
	}{
		"one member differs from all":         {[]exchange.MemberID{"association"}, nil, VerdictMember, false, false},
		"all differ from this node":           {[]exchange.MemberID{"court"}, nil, VerdictSelf, true, false},
		"two against two":                     {[]exchange.MemberID{"court", "regulator"}, nil, VerdictUndecided, true, true},
		"one differs, too few can be reached": {[]exchange.MemberID{"association"}, []exchange.MemberID{"regulator", "commission"}, VerdictUndecided, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, ctx := newWorld(t), t.Context()
			w.grow(2)
			court := w.member["court"]
			if _, err := court.Gather(ctx, 3); err != nil {
				t.Fatal(err)
			}
			one, other := w.statement("regulator"), w.statement("regulator")
			for _, id := range everyone {
				if slices.Contains(c.other, id) {
					w.apply(other, id)
				} else {
					w.apply(one, id)
				}
			}
			for _, id := range c.away {
				w.cut(id, true)
			}
			_, _ = court.Gather(ctx, 4)
			court.judge(ctx)
			if c.later {
				if len(court.Alarms()) != 0 {
					t.Fatal("it was judged before all could answer")
				}
				w.pass(31 * time.Second)
				court.judge(ctx)
			}
			alarms := court.Alarms()
			if len(alarms) == 0 || alarms[0].Verdict != c.verdict || court.Stopped() != c.stops {
				t.Fatalf("%+v, stopped %v", alarms, court.Stopped())
			}
			a := alarms[0]
			if a.Size != 4 || a.Index != 3 || a.Member == "" || a.Evidence == "" || !strings.Contains(a.Why, "size 4") {
				t.Errorf("%+v", a)
			}
			checkEvidence(t, w, court, a)
			if again := w.open("court"); again.Stopped() != c.stops || len(again.Alarms()) != len(alarms) {
				t.Errorf("after a restart: stopped %v, %d alarms", again.Stopped(), len(again.Alarms()))
			}
			if _, err := court.Settle(a.ID, "zhao", "replaced the node"); err != nil || court.Stopped() {
				t.Errorf("settled: %v, stopped %v", err, court.Stopped())
			}
			if _, err := court.Settle(a.ID, "zhao", "again"); !errors.Is(err, ErrSettled) {
				t.Errorf("settled twice: %v", err)
			}
		})
	}
}

// checkEvidence verifies an alarm's file as a stranger would.
func checkEvidence(t *testing.T, w *world, p *party, a Alarm) {
	t.Helper()
	file, err := p.Evidence(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	report := bundle.VerifyFile(file, bundle.Options{Trust: &trust})
	if !report.OK || !report.Anchored || report.Fork == nil || len(report.Fork.Conflicts) != 1 || report.Fork.Conflicts[0].Size != a.Size {
		t.Errorf("the evidence proves nothing: %s", mustJSON(t, report))
	}
	damaged := slices.Clone(file)
	at := strings.Index(string(damaged), `"notes":["`) + 200
	damaged[at] ^= 1
	if bundle.VerifyFile(damaged, bundle.Options{Trust: &trust}).OK {
		t.Error("changed evidence verifies")
	}
}

// TestEquivocationIsProven: a member that signs one root for one and another
// for the other is convicted by its own two signatures.
//
// Shows: B8, F34
func TestEquivocationIsProven(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.grow(2)
	liar, court := w.member["association"], w.member["court"]
	calls := 0
	liar.lie = func(note []byte) []byte {
		if calls++; calls > 1 {
			return note
		}
		return forked(t, "association", note)
	}
	if _, err := court.Gather(ctx, 3); err != nil {
		t.Fatal(err)
	}
	court.judge(ctx)
	alarms := court.Alarms()
	if len(alarms) != 1 || alarms[0].Verdict != VerdictMember || court.Stopped() {
		t.Fatalf("%+v", alarms)
	}
	file, err := court.Evidence(alarms[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	report := bundle.VerifyFile(file, bundle.Options{})
	if !report.OK || !slices.Equal(report.Fork.Equivocators, []string{"association"}) {
		t.Errorf("%s", mustJSON(t, report))
	}
	// a member under an alarm is not counted
	w.grow(1)
	if c, err := court.Gather(ctx, 4); err != nil || slices.Contains(c.Signers, "association") {
		t.Errorf("%v %v", c.Signers, err)
	}
	w.cut("regulator", true)
	w.grow(1)
	if _, err := court.Gather(ctx, 5); !errors.Is(err, ErrCosign) {
		t.Errorf("it was counted for the quorum: %v", err)
	}
}

// TestAForkStopsWithinAMinute: with Run at work and nobody asking.
//
// Shows: F34, F41, B8
func TestAForkStopsWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.grow(2)
		w.grow(1, "association", "commission", "regulator")
		w.grow(1, "court")
		for _, id := range everyone {
			cfg := w.member[id].config()
			cfg.Clock = time.Now
			wit, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			w.member[id].Witness = wit
		}
		for _, id := range everyone {
			go w.member[id].Run(t.Context())
		}
		time.Sleep(59 * time.Second)
		if court := w.member["court"]; !court.Stopped() {
			t.Errorf("the node with another history serves on: %+v", court.Alarms())
		}
		for _, id := range []exchange.MemberID{"association", "commission", "regulator"} {
			p := w.member[id]
			if p.Stopped() || p.OpenAlarms() != 1 || p.Alarms()[0].Member != "court" {
				t.Errorf("%s: stopped %v, %+v", id, p.Stopped(), p.Alarms())
			}
			if c, ok := p.Newest(); !ok || c.Size != 4 {
				t.Errorf("%s has no cosigned checkpoint without the court: %+v", id, c)
			}
		}
	})
}
