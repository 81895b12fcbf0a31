package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

type event struct {
	ID, Kind string
	Sum      Digest
}

var (
	eventByID   = NewKey(func(dst []byte, e *event) []byte { return append(dst, e.ID...) })
	eventByKind = NewKey(func(dst []byte, e *event) []byte { return append(dst, e.Kind...) })
	events      = NewLog("events", func(dst []byte, e *event) []byte {
		return append(AppendText(AppendID(dst, e.ID), e.Kind), e.Sum[:]...)
	}, func(f *Fields, e *event) {
		e.ID, e.Kind, e.Sum = f.ID(), f.Text(), Digest([]byte(f.Raw(32)))
	}, eventByID, eventByKind).Carrying(func(e *event) Digest { return e.Sum })
)

func openLog(t testing.TB) *Store {
	t.Helper()
	s, err := Open(NewSchema(events, pets), Options{})
	must(t, err)
	return s
}

func blobOf(i int) string { return fmt.Sprint("blob ", i) }

func addEvent(t testing.TB, tx *Tx, i int, kind string) {
	t.Helper()
	_, err := events.Append(tx, &event{ID: fmt.Sprint("event number ", i), Kind: kind, Sum: sumOf(blobOf(i))}, blobOf(i))
	must(t, err)
}

// TestLogAgainstModel compares every way to find a row with a plain slice, in
// the open transaction and in views of all ages.
func TestLogAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s := openLog(t)
	type aged struct {
		v *View
		n int
	}
	var model []string // kinds
	var views []aged
	for round := range 60 {
		tx := s.Begin()
		for range rnd.IntN(90) {
			kind := fmt.Sprint("kind ", rnd.IntN(7))
			addEvent(t, tx, len(model)+1, kind)
			model = append(model, kind)
			if rnd.IntN(20) == 0 {
				compareLog(t, tx, model, rnd)
			}
			tx.CloseCommand(Digest{}, 1, false)
		}
		if round%10 == 9 { // what is given up leaves nothing
			addEvent(t, tx, 1_000_000, "lost")
			tx.Abort()
			model = model[:views[len(views)-1].n]
			continue
		}
		v, err := tx.Commit(uint64(round) + 1)
		must(t, err)
		views = append(views, aged{v, len(model)})
		old := views[rnd.IntN(len(views))]
		compareLog(t, old.v, model[:old.n], rnd)
		compareLog(t, v, model, rnd)
	}
	if len(model) < 3*placesLen/2 {
		t.Fatalf("only %d rows", len(model))
	}
}

func compareLog(t *testing.T, r Reader, model []string, rnd *rand.Rand) {
	t.Helper()
	if events.Len(r) != int64(len(model)) {
		t.Fatalf("%d rows, want %d", events.Len(r), len(model))
	}
	kind := fmt.Sprint("kind ", rnd.IntN(8))
	var want, got []int64
	for i, k := range slices.Backward(model) {
		if k == kind {
			want = append(want, int64(i)+1)
		}
	}
	for n, e := range eventByKind.Newest(r, kind) {
		if got = append(got, n); e.Kind != kind {
			t.Fatalf("row %d is of %s", n, e.Kind)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %v, want %v", kind, got, want)
	}
	if len(want) > 0 {
		from := rnd.IntN(len(want))
		got = nil
		for n := range eventByKind.Older(r, want[from]) {
			got = append(got, n)
		}
		if !slices.Equal(got, want[from+1:]) {
			t.Fatalf("%s older than %d: %v, want %v", kind, want[from], got, want[from+1:])
		}
	}
	i := rnd.IntN(len(model) + 1)
	n, e, ok := eventByID.Get(r, fmt.Sprint("event number ", i))
	if ok != (i > 0) || ok && (n != int64(i) || e.Kind != model[i-1]) {
		t.Fatalf("event %d: row %d, %v", i, n, ok)
	}
	if i > 0 {
		blob, err := events.Blob(r, int64(i))
		if err != nil || blob != blobOf(i) {
			t.Fatalf("blob %d: %q, %v", i, blob, err)
		}
	}
	if _, ok := events.Get(r, int64(len(model))+1); ok {
		t.Fatal("a row behind the end")
	}
}

// TestLogReadersBesideTheWriter is for the race detector.
func TestLogReadersBesideTheWriter(t *testing.T) {
	s := openLog(t)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := s.View()
				end := events.Len(v)
				seen, last := 0, end+1
				for k := range 5 {
					for n := range eventByKind.Newest(v, fmt.Sprint("kind ", k)) {
						if n > end {
							t.Errorf("row %d in a view of %d", n, end)
							return
						}
						seen, last = seen+1, n
					}
				}
				if int64(seen) != end {
					t.Errorf("a view of %d rows shows %d", end, seen)
					return
				}
				if last <= end {
					if _, err := events.Blob(v, last); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for i := range 400 {
		tx := s.Begin()
		for j := range 5 {
			addEvent(t, tx, 5*i+j, fmt.Sprint("kind ", j))
			tx.CloseCommand(Digest{}, 1, false)
		}
		_, err := tx.Commit(uint64(i) + 1)
		must(t, err)
	}
	close(stop)
	readers.Wait()
}

func TestLogInSnapshots(t *testing.T) {
	s := openLog(t)
	tx := s.Begin()
	for i := range 2*readBatch + 10 {
		addEvent(t, tx, i+1, fmt.Sprint("kind ", i%3))
		tx.CloseCommand(Digest{}, 1, false)
	}
	v, err := tx.Commit(1)
	must(t, err)
	var buf bytes.Buffer
	written, err := v.WriteRows(&buf)
	must(t, err)
	back, read, err := ReadRows(bytes.NewReader(buf.Bytes()), NewSchema(events, pets), Options{}, v.Head())
	must(t, err)
	if read != written {
		t.Error("the content digests differ")
	}
	compareLog(t, back.View(), func() []string {
		var kinds []string
		for i := range 2*readBatch + 10 {
			kinds = append(kinds, fmt.Sprint("kind ", i%3))
		}
		return kinds
	}()[:events.Len(back.View())], rand.New(rand.NewPCG(3, 4)))
	at := bytes.Index(buf.Bytes(), []byte(blobOf(700)))
	bad := bytes.Clone(buf.Bytes())
	bad[at] ^= 1
	if _, _, err := ReadRows(bytes.NewReader(bad), NewSchema(events, pets), Options{}, v.Head()); !errors.Is(err, ErrSnapshot) {
		t.Errorf("a changed blob: %v", err)
	}
}

func TestAChangedBlobIsNoticed(t *testing.T) {
	s := openLog(t)
	tx := s.Begin()
	_, err := events.Append(tx, &event{ID: "some random id", Sum: sumOf("one")}, "another")
	must(t, err)
	tx.CloseCommand(Digest{}, 1, false)
	v, err := tx.Commit(1)
	must(t, err)
	if blob, err := events.Blob(v, 1); !errors.Is(err, ErrBlob) || blob != "" {
		t.Errorf("%q, %v", blob, err)
	}
	if _, err := v.WriteRows(&bytes.Buffer{}); !errors.Is(err, ErrBlob) {
		t.Errorf("a snapshot of it: %v", err)
	}
}

func sumOf(blob string) Digest { return sha256.Sum256([]byte(blob)) }
