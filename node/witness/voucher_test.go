package witness

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
)

func snapshotOf(t *testing.T, m *machine.Machine) []byte {
	t.Helper()
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOnlyACosignedSnapshotIsTaken: a node that lags takes the snapshot that a
// quorum signed, and no poisoned one, whoever sends it; then it is as it was.
//
// Shows: B9, F32, F33
func TestOnlyACosignedSnapshotIsTaken(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	others := []exchange.MemberID{"association", "commission", "regulator"}
	w.grow(2)
	w.grow(3, others...)
	sender, lagging := w.member["regulator"], w.member["court"]
	w.cut("court", true) // it does not vouch for itself
	index := sender.machine.View().Index()
	voucher, err := sender.Vouch(ctx, index)
	if err != nil {
		t.Fatal(err)
	}
	good := snapshotOf(t, sender.machine)
	old, err := sender.Vouch(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sender.Vouch(ctx, index+1); err == nil {
		t.Error("it vouches for a state that is not there")
	}

	elsewhere := newWorld(t)
	elsewhere.next = 100
	elsewhere.grow(5)
	left := newWorld(t)
	left.grow(4)
	poisoned := func(change func(m *machine.Machine)) []byte {
		o := newWorld(t)
		o.grow(5)
		change(o.member["regulator"].machine)
		return snapshotOf(t, o.member["regulator"].machine)
	}
	minority := signedBy(t, voucher, "regulator", "association")
	for name, c := range map[string]struct{ voucher, snapshot []byte }{
		"a statement left out": {voucher, snapshotOf(t, left.member["regulator"].machine)},
		"another history":      {voucher, snapshotOf(t, elsewhere.member["regulator"].machine)},
		"a row changed": {voucher, poisoned(func(m *machine.Machine) {
			row, _ := m.View().Member("regulator")
			row.Keys[0].From++
		})},
		"an old voucher":       {old, good},
		"a minority's voucher": {minority, good},
		"no voucher":           {nil, good},
		"a changed byte":       {voucher, append(bytes.Clone(good[:len(good)-40]), append([]byte{good[len(good)-40] ^ 1}, good[len(good)-39:]...)...)},
		"half of it":           {voucher, good[:len(good)/2]},
	} {
		before := lagging.machine.View()
		if err := lagging.Vet(ctx, lagging.machine, c.voucher, bytes.NewReader(c.snapshot)); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if lagging.machine.View() != before {
			t.Errorf("%s: the state has changed", name)
		}
	}
	if err := lagging.Vet(ctx, lagging.machine, minority, bytes.NewReader(good)); !errors.Is(err, ErrCosign) {
		t.Errorf("two of four: %v", err)
	}
	if err := lagging.Vet(ctx, lagging.machine, voucher, bytes.NewReader(good)); err != nil {
		t.Fatalf("the good one was refused: %v", err)
	}
	if err := lagging.machine.Restore(bytes.NewReader(good)); err != nil || lagging.machine.View().Root() != sender.machine.View().Root() {
		t.Errorf("restored: %v", err)
	}
}

// TestASnapshotAfterKeysWereExchanged: a node that was away while a member exchanged
// its keys believes a voucher that needs the new one once it was shown the roster,
// although its own ledger does not know it yet, and not before.
//
// Shows: B9, F37, g7
func TestASnapshotAfterKeysWereExchanged(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	others := []exchange.MemberID{"association", "commission", "regulator"}
	w.grow(2)
	w.pass(time.Hour)
	w.rekey("association", "association-2", others...)
	w.member["association"].Keys = fixedKeys("association-2")
	w.grow(3, others...)
	sender, lagging := w.member["regulator"], w.member["court"]
	w.cut("court", true) // it does not vouch for itself
	voucher, err := sender.Vouch(ctx, sender.machine.View().Index())
	if err != nil {
		t.Fatal(err)
	}
	snapshot := snapshotOf(t, sender.machine)
	if err := lagging.Vet(ctx, lagging.machine, voucher, bytes.NewReader(snapshot)); !errors.Is(err, ErrCosign) {
		t.Errorf("a key nobody has shown it: %v", err)
	}
	for _, paper := range sender.machine.View().Lineage().Since(0) {
		if _, err := lagging.machine.Book().Learn(paper, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := lagging.Vet(ctx, lagging.machine, signedBy(t, voucher, "regulator", "commission"), bytes.NewReader(snapshot)); !errors.Is(err, ErrCosign) {
		t.Errorf("two of four: %v", err)
	}
	if err := lagging.Vet(ctx, lagging.machine, voucher, bytes.NewReader(snapshot)); err != nil {
		t.Fatalf("the good one was refused: %v", err)
	}
	if err := lagging.machine.Restore(bytes.NewReader(snapshot)); err != nil || lagging.machine.View().Root() != sender.machine.View().Root() {
		t.Errorf("restored: %v", err)
	}
}

// signedBy keeps only these members' lines of a note.
func signedBy(t *testing.T, note []byte, ms ...exchange.MemberID) []byte {
	t.Helper()
	c, sigs, err := tlog.Read(note)
	if err != nil {
		t.Fatal(err)
	}
	var some []tlog.Signature
	for _, m := range ms {
		for _, s := range sigs {
			if s.Name == tlog.CosignerName("qinghai", string(m)) {
				some = append(some, s)
			}
		}
	}
	out, err := tlog.Format(c, some...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
