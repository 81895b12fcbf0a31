package machine_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"accord/exchange"
	"accord/exchange/bodies"
	"accord/exchange/journal"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/state"
)

// TestStatementsOnDisk: with the signed bytes in files everything is as with
// them in memory, also across snapshots, and views outlive the state they are of.
func TestStatementsOnDisk(t *testing.T) {
	place := bodies.In(t.TempDir(), func(err error) { t.Error(err) })
	m := Found(t, machine.Options{Blobs: place})
	plain := New(t)
	for _, p := range append(Bulk(t, 0, 40, 8), History(t, 5, 40)...) {
		Apply(t, m, p)
		Apply(t, plain, p)
	}
	if markOf(t, m) != markOf(t, plain) || !bytes.Equal(written(t, m), written(t, plain)) {
		t.Error("where the signed bytes lie makes a difference")
	}
	old := m.View()
	data := written(t, m)
	_, err := m.Prepare(context.Background(), bytes.NewReader(data), trusted(m), true)
	Must(t, err)
	Must(t, m.Restore(bytes.NewReader(data)))
	Must(t, m.Restore(bytes.NewReader(data)))
	Apply(t, m, Sign(t, withdrawal("later")))
	for seq := int64(1); seq <= old.Seq(); seq++ {
		want, _ := plain.View().Statement(seq)
		before, ok := old.Statement(seq)
		after, ok2 := m.View().Statement(seq)
		if !ok || !ok2 || before.JWS != want.JWS || after.JWS != want.JWS {
			t.Fatalf("statement %d", seq)
		}
	}
	Must(t, m.Close())
	if _, err := m.Apply(1000, nil); !errors.Is(err, machine.ErrStopped) {
		t.Errorf("applied after the end: %v", err)
	}
}

// liar gives other bytes than it was given.
type liar struct{ state.Blobs }

func (l liar) Get(n int64) ([]byte, error) {
	b, err := l.Blobs.Get(n)
	if len(b) > 0 {
		b[len(b)/2] ^= 1
	}
	return b, err
}

func (l liar) Part(n int64, from, length int) ([]byte, error) {
	b, err := l.Blobs.Part(n, from, length)
	if len(b) > 0 {
		b[len(b)/2] ^= 1
	}
	return b, err
}

// TestChangedBytesOnDisk: bytes that changed under the node are never shown;
// the node is told to stop.
//
// Shows: F15, F41
func TestChangedBytesOnDisk(t *testing.T) {
	var told []error
	place := bodies.In(t.TempDir(), func(err error) { t.Error(err) })
	m := Found(t, machine.Options{Fatal: func(err error) { told = append(told, err) },
		Blobs: func() (state.Blobs, error) { b, err := place(); return liar{b}, err }})
	payload := Sign(t, Order{By: "court", ID: "n", Verb: "list.nominate", Body: Nominate(Entry(t, "court", "1", nil))})
	Apply(t, m, payload)
	if s, ok := m.View().Statement(1); ok || len(told) != 1 || !errors.Is(told[0], state.ErrBlob) {
		t.Errorf("%+v, told %v", s, told)
	}
	e, _ := m.View().Entry(exchange.EntryID(ID("entry 1")))
	if doc, err := m.View().EntryDocument(&e); doc != "" || !errors.Is(err, state.ErrBlob) {
		t.Errorf("a document of them: %q, %v", doc, err)
	}
	s, err := m.Snapshot()
	Must(t, err)
	if _, err := s.WriteTo(&bytes.Buffer{}); !errors.Is(err, state.ErrBlob) {
		t.Errorf("a snapshot of them: %v", err)
	}
	if _, err := m.Scrub(context.Background(), 0, 10); !errors.Is(err, state.ErrBlob) {
		t.Errorf("the scrub does not see it: %v", err)
	}
	if r := Apply(t, m, payload)[0]; !r.OK || !r.Repeat {
		t.Error("a repeat is answered from the rows")
	}
}

// TestScrub goes over a life in slices and finds it whole; a row that no
// statement brought about is not whole.
//
// Shows: F41
func TestScrub(t *testing.T) {
	m := New(t)
	for _, p := range append(Bulk(t, 0, 5, 8), History(t, 5, 40)...) {
		Apply(t, m, p)
	}
	slices := 0
	for at := int64(0); ; slices++ {
		next, err := m.Scrub(context.Background(), at, 7)
		Must(t, err)
		if next == 0 {
			break
		}
		if next != at+7 {
			t.Fatalf("from %d to %d", at, next)
		}
		at = next
	}
	if int64(slices) != (m.View().Seq()-1)/7 {
		t.Errorf("%d slices of %d statements", slices, m.View().Seq())
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Scrub(done, 0, 7); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	Must(t, machine.SwapLeaves(m))
	if _, err := m.Scrub(context.Background(), 0, 1000); !errors.Is(err, journal.ErrJournal) {
		t.Errorf("a tree that is not of these rows: %v", err)
	}
}
