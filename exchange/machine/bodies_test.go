package machine_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"accord/exchange"
	"accord/exchange/bodies"
	"accord/exchange/journal"
	"accord/exchange/lists"
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

// turning gives bodies of which one bit turns where a test says so.
type turning struct {
	state.Blobs
	at, bit int64
}

func (b *turning) Get(n int64) ([]byte, error) {
	data, err := b.Blobs.Get(n)
	if n == b.at {
		data = bytes.Clone(data)
		data[b.bit/8%int64(len(data))] ^= 1 << (b.bit % 8)
	}
	return data, err
}

// TestAFlippedBitAnywhereIsFound turns bits in the signed bytes on disk, in the
// rows of statements and entries in memory, and in what ended entries. The node
// finds most by itself within one round; the rest, as the words of a refusal, shows
// in the digest of rows that nodes compare in the same round. The tree's own
// hashes are tlog's TestSound.
//
// Shows: F41, F15
func TestAFlippedBitAnywhereIsFound(t *testing.T) {
	rotten := new(turning)
	m := Found(t, machine.Options{Blobs: func() (state.Blobs, error) {
		var err error
		rotten.Blobs, err = bodies.In(t.TempDir(), func(err error) { t.Error(err) })()
		return rotten, err
	}})
	Apply(t, m, Sign(t, Order{By: "court", ID: "one", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "one", nil))}))
	Apply(t, m, Sign(t, Order{By: "court", ID: "none", Verb: exchange.VerbWithdraw, Body: lists.WithdrawBody{Entry: exchange.EntryID(ID("entry one")), Reason: "error"}}))
	for _, p := range append(Bulk(t, 0, 5, 8), History(t, 5, 60)...) {
		Apply(t, m, p)
	}
	scrub := func() error { _, err := m.Scrub(context.Background(), 0, 1000); return err }
	Must(t, scrub())
	whole, err := m.View().Content()
	Must(t, err)
	for seq := int64(1); seq <= m.View().Seq(); seq++ {
		rotten.at, rotten.bit = seq, 977*seq
		if err := scrub(); !errors.Is(err, state.ErrBlob) {
			t.Errorf("the signed bytes of statement %d: %v", seq, err)
		}
	}
	rotten.at = 0
	for _, table := range []string{"journal.statements", "lists.entries"} {
		flips, alone := 0, 0
		for _, block := range machine.Memory(m, table) {
			for bit := 0; bit < 8*len(block); bit += 151 {
				block[bit/8] ^= 1 << (bit % 8)
				found := scrub() != nil
				if flips++; found {
					alone++
				} else if again, err := m.View().Content(); err == nil && again == whole {
					t.Errorf("%s: bit %d turned unnoticed", table, bit)
				}
				block[bit/8] ^= 1 << (bit % 8)
			}
		}
		t.Logf("%s: %d of %d flips found by the node alone", table, alone, flips)
		if flips < 300 || 4*alone < 3*flips {
			t.Errorf("%s: of %d flips the node found %d by itself", table, flips, alone)
		}
	}
	Must(t, scrub())
	rows := m.View().Rows()
	ended := 0
	for e := range lists.All(rows) {
		if e.End == nil || e.End.Status != lists.Withdrawn {
			continue
		}
		ended++
		s, _ := m.View().Statement(e.End.Seq)
		Must(t, lists.ScrubWithdraw(rows, s, &lists.WithdrawBody{Entry: e.ID, Reason: e.End.Text}))
		if err := lists.ScrubWithdraw(rows, s, &lists.WithdrawBody{Entry: e.ID, Reason: e.End.Text + "!"}); !errors.Is(err, journal.ErrJournal) {
			t.Errorf("an end for another reason: %v", err)
		}
		s.Seq++
		if err := lists.ScrubWithdraw(rows, s, &lists.WithdrawBody{Entry: e.ID, Reason: e.End.Text}); !errors.Is(err, journal.ErrJournal) {
			t.Errorf("an end by another statement: %v", err)
		}
	}
	if ended == 0 {
		t.Error("no entry was withdrawn")
	}
}
