package machine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// lived is a machine with some history.
func lived(tb testing.TB, n int) *machine.Machine {
	tb.Helper()
	m := Found(tb, machine.Options{})
	for _, p := range History(tb, 5, n) {
		Apply(tb, m, p)
	}
	return m
}

func TestRestoreIsEqualAndWakes(t *testing.T) {
	m := lived(t, 40)
	data := written(t, m)
	fresh := New(t)
	waiting := fresh.View()
	Must(t, fresh.Restore(bytes.NewReader(data)))
	<-waiting.Changed()
	if markOf(t, fresh) != markOf(t, m) || fresh.View().Index() != m.View().Index() {
		t.Error("the restored state differs")
	}
	if fresh.View().IndexOf(3) != m.View().IndexOf(3) || m.View().IndexOf(3) == 0 {
		t.Error("where commands stood in the log is lost")
	}
	if !bytes.Equal(written(t, fresh), data) {
		t.Error("a snapshot of the restored state is another file")
	}
	Must(t, fresh.Restore(bytes.NewReader(written(t, New(t))))) // an older one, as consensus may ask
	if fresh.View().Seq() != 0 {
		t.Error("restoring an older snapshot")
	}
}

func TestSnapshotIsOfItsMoment(t *testing.T) {
	m := lived(t, 10)
	before := markOf(t, m)
	s, err := m.Snapshot()
	Must(t, err)
	for _, p := range History(t, 6, 10) {
		Apply(t, m, p)
	}
	var b bytes.Buffer
	_, err = s.WriteTo(&b)
	Must(t, err)
	fresh := New(t)
	Must(t, fresh.Restore(&b))
	if markOf(t, fresh) != before {
		t.Error("later commands are in an earlier snapshot")
	}
	s.Release()
	if _, err := s.WriteTo(&b); err == nil {
		t.Error("a released snapshot can be written")
	}
	s, _ = m.Snapshot()
	if _, err := s.WriteTo(&failing{after: 2000}); err == nil {
		t.Error("a failed write went unnoticed")
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after -= len(b); f.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestDamagedSnapshotsChangeNothing(t *testing.T) {
	data := written(t, lived(t, 12))
	m := lived(t, 3)
	before := m.View()
	refuse := func(what string, bad []byte) {
		t.Helper()
		if err := m.Restore(bytes.NewReader(bad)); err == nil || m.View() != before {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for at := 0; at < len(data); at += 1 + len(data)/400 {
		refuse("cut", data[:at])
		flipped := bytes.Clone(data)
		flipped[at] ^= 0x20
		refuse("flipped", flipped)
	}
	refuse("longer", append(bytes.Clone(data), 0))
	refuse("nothing", nil)
	Must(t, m.Restore(bytes.NewReader(data)))
}

// resealed changes a snapshot's header and makes the checksum fit again.
func resealed(data []byte, old, new string) []byte {
	const lead = len("accord-snapshot/1\n")
	size := binary.BigEndian.Uint32(data[lead:])
	head := strings.Replace(string(data[lead+4:lead+4+int(size)]), old, new, 1)
	out := binary.BigEndian.AppendUint32(bytes.Clone(data[:lead]), uint32(len(head)))
	return summed(append(append(out, head...), data[lead+4+int(size):len(data)-32]...))
}

// resummed changes what stands before the checksum and makes it fit again.
func resummed(data []byte, change func(body []byte)) []byte {
	body := bytes.Clone(data[:len(data)-32])
	change(body)
	return summed(body)
}

func summed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(body, sum[:]...)
}

func TestSnapshotsThatDoNotFit(t *testing.T) {
	m := lived(t, 12)
	data := written(t, m)
	seq := m.View().Seq()
	if seq < 9 {
		t.Fatal("too short a history")
	}
	for name, bad := range map[string][]byte{
		"another federation":    resealed(data, Genesis(t).Digest(), "sha256:"+strings.Repeat("0", 64)),
		"a later machine":       resealed(data, `"machine":1`, `"machine":2`),
		"another sequence":      resealed(data, `"seq":`, `"seq":1`),
		"negative":              resealed(data, `"refused":`, `"refused":-`),
		"unknown member":        resealed(data, `{"genesis"`, `{"x":1,"genesis"`),
		"another chain's form":  resealed(data, `"chain":"`, `"chain":"0`),
		"another root":          resummed(data, func(body []byte) { body[len(body)-1] ^= 1 }),
		"a cut of another file": append(bytes.Clone(data[:len(data)-32]), make([]byte, 32)...),
	} {
		fresh := New(t)
		if err := fresh.Restore(bytes.NewReader(bad)); err == nil || fresh.View().Seq() != 0 {
			t.Errorf("%s: restored (%v)", name, err)
		}
	}
	cat := Catalogue(t, 1)
	other := Charter(cat)
	other.AdoptQuorum = 4
	foreign, err := machine.New(GenesisOf(t, other, cat), machine.Options{})
	Must(t, err)
	if err := foreign.Restore(bytes.NewReader(data)); !errors.Is(err, machine.ErrSnapshot) {
		t.Errorf("another federation's machine: %v", err)
	}
	Must(t, New(t).Restore(bytes.NewReader(resealed(data, "\x00", ""))))
}

// TestPoisonedSnapshot: rows that no command brought about are consistent in
// themselves; only replaying the commands finds them.
//
// Shows: B9
func TestPoisonedSnapshot(t *testing.T) {
	m := Found(t, machine.Options{})
	Do(t, m, Order{By: "court", ID: "n", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "1", nil))})
	clean := written(t, m)
	Must(t, machine.Poison(m, "court", exchange.EntryID(ID("entry 1"))))
	poisoned := written(t, m)
	if e, _ := m.View().Entry(exchange.EntryID(ID("entry 1"))); e.StatusAt(Start) != lists.Withdrawn {
		t.Fatal("the poison has no effect")
	}
	if err := m.Audit(); !errors.Is(err, machine.ErrSnapshot) {
		t.Errorf("the audit does not find it: %v", err)
	}
	careful := Found(t, machine.Options{Audit: true})
	if err := careful.Restore(bytes.NewReader(poisoned)); !errors.Is(err, machine.ErrSnapshot) {
		t.Errorf("a careful restore does not find it: %v", err)
	}
	Must(t, careful.Restore(bytes.NewReader(clean)))
	if markOf(t, careful).digest == markOf(t, m).digest {
		t.Error("the chain digest does not tell them apart")
	}
}

func TestRestoreHealsAStoppedMachine(t *testing.T) {
	m := lived(t, 5)
	data := written(t, m)
	if _, err := m.Apply(100, [][]byte{[]byte("garbage")}); err == nil {
		t.Fatal("did not stop")
	}
	Must(t, m.Restore(bytes.NewReader(data)))
	if _, err := m.Apply(100, nil); err != nil {
		t.Errorf("does not go on after a restore: %v", err)
	}
}
