package state

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"
)

type pet struct {
	ID    string   `json:"id"`
	Kind  string   `json:"kind"`
	Tags  []string `json:"tags,omitempty"`
	Count int      `json:"count"`
}

type note struct {
	ID string `json:"id"`
}

var (
	byKind = NewIndex("kind", func(p *pet) [][]string { return [][]string{{p.Kind, fmt.Sprintf("%04d", p.Count)}} })
	byTag  = NewIndex("tag", func(p *pet) [][]string {
		var keys [][]string
		for _, t := range p.Tags {
			keys = append(keys, []string{t})
		}
		return keys
	})
	pets  = NewTable("pets", func(p *pet) string { return p.ID }, byKind, byTag)
	notes = NewTable("notes", func(n *note) string { return n.ID })
)

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(NewSchema(pets, notes), Options{Frozen: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do runs one command and commits it.
func do(t testing.TB, s *Store, change func(tx *Tx)) *View {
	t.Helper()
	tx := s.Begin()
	change(tx)
	tx.CloseCommand(Digest{1}, 5, false)
	v, err := tx.Commit(s.View().Head().Index + 1)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ids(rows iter.Seq[pet]) string {
	var all []string
	for p := range rows {
		all = append(all, p.ID)
	}
	return strings.Join(all, " ")
}

func TestQueriesAndOrder(t *testing.T) {
	s := open(t)
	v := do(t, s, func(tx *Tx) {
		for _, p := range []pet{{ID: "b", Kind: "cat", Count: 2}, {ID: "a", Kind: "cat", Count: 3, Tags: []string{"x", "y"}},
			{ID: "ab", Kind: "dog", Count: 1, Tags: []string{"y"}}, {ID: "c", Kind: "ca", Count: 9}, {ID: "d", Kind: "cat", Count: 2}} {
			must(t, pets.Insert(tx, &p))
		}
	})
	for name, c := range map[string]struct{ got, want string }{
		"all":          {ids(pets.Scan(v, "")), "a ab b c d"},
		"after a":      {ids(pets.Scan(v, "a")), "ab b c d"},
		"after gone":   {ids(pets.Scan(v, "aa")), "ab b c d"},
		"kind exact":   {ids(byKind.Scan(v, "cat")), "b d a"},
		"kind shorter": {ids(byKind.Scan(v, "ca")), "c"},
		"two parts":    {ids(byKind.Scan(v, "cat", "0002")), "b d"},
		"cursor":       {ids(byKind.ScanAfter(v, []string{"cat"}, []string{"cat", "0002"}, "b")), "d a"},
		"cursor end":   {ids(byKind.ScanAfter(v, []string{"cat"}, []string{"cat", "0003"}, "a")), ""},
		"many keys":    {ids(byTag.Scan(v, "y")), "a ab"},
		"no keys":      {ids(byTag.Scan(v, "z")), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
	v2 := do(t, s, func(tx *Tx) {
		must(t, pets.Insert(tx, &pet{ID: "a", Kind: "dog", Count: 3}))
		must(t, pets.Delete(tx, "d"))
		if p, ok := pets.Get(tx, "a"); !ok || p.Kind != "dog" {
			t.Error("a transaction does not see its own writes")
		}
	})
	if got := ids(byKind.Scan(v2, "cat")) + "|" + ids(byTag.Scan(v2, "x")) + "|" + ids(byKind.Scan(v, "cat")); got != "b||b d a" {
		t.Errorf("after replacing: %q", got)
	}
	if pets.Len(v) != 5 || pets.Len(v2) != 4 {
		t.Errorf("lengths %d %d", pets.Len(v), pets.Len(v2))
	}
}

func TestFaultsLeaveTheStoreAsItWas(t *testing.T) {
	s := open(t)
	before := s.View()
	tx := s.Begin()
	if err := pets.Insert(tx, &pet{ID: "a\x00b"}); !errors.Is(err, ErrRow) {
		t.Errorf("NUL in an id: %v", err)
	}
	if err := pets.Insert(tx, &pet{}); !errors.Is(err, ErrRow) {
		t.Errorf("empty id: %v", err)
	}
	if err := pets.Delete(tx, "nobody"); !errors.Is(err, ErrRow) {
		t.Errorf("deleting nothing: %v", err)
	}
	must(t, pets.Insert(tx, &pet{ID: "x"}))
	if _, err := tx.Commit(1); err == nil {
		t.Error("committed changes that belong to no command")
	}
	if s.View() != before || pets.Len(s.View()) != 0 {
		t.Error("a failed transaction left something")
	}
	if _, err := Open(NewSchema(pets, pets), Options{}); err == nil {
		t.Error("one table twice")
	}
}

func TestChainSeesEveryChangeAndOrder(t *testing.T) {
	run := func(commands ...func(tx *Tx)) Digest {
		s := open(t)
		for _, c := range commands {
			do(t, s, c)
		}
		return s.View().Head().Chain
	}
	a := func(tx *Tx) { must(t, pets.Insert(tx, &pet{ID: "a"})) }
	b := func(tx *Tx) { must(t, pets.Insert(tx, &pet{ID: "b"})) }
	drop := func(tx *Tx) { must(t, pets.Delete(tx, "a")) }
	both := func(tx *Tx) { a(tx); b(tx) }
	seen := map[Digest]string{}
	for name, d := range map[string]Digest{"a b": run(a, b), "b a": run(b, a), "ab": run(both),
		"a": run(a), "a drop": run(a, drop), "none": run(), "noop": run(func(*Tx) {})} {
		if other, dup := seen[d]; dup {
			t.Errorf("%q and %q have one chain digest", name, other)
		}
		seen[d] = name
	}
	if first, again := run(a, b), run(a, b); first != again {
		t.Error("the chain is not a function of its changes")
	}
	batched := open(t)
	tx := batched.Begin()
	a(tx)
	tx.CloseCommand(Digest{1}, 5, false)
	b(tx)
	tx.CloseCommand(Digest{1}, 5, false)
	if _, err := tx.Commit(9); err != nil || batched.View().Head().Chain != run(a, b) {
		t.Errorf("two commands in one transaction differ from two transactions: %v", err)
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	s := open(t)
	tx := s.Begin()
	tx.CloseCommand(Digest{}, 10, false)
	tx.CloseCommand(Digest{}, 3, true)
	v, err := tx.Commit(1)
	must(t, err)
	if h := v.Head(); h.Time != 10 || h.Seq != 2 || h.Refused != 1 {
		t.Errorf("%+v", h)
	}
}

func TestFrozenRowsAreGuarded(t *testing.T) {
	s := open(t)
	p := &pet{ID: "a", Tags: []string{"x"}}
	do(t, s, func(tx *Tx) { must(t, pets.Insert(tx, p)) })
	do(t, s, func(tx *Tx) { must(t, pets.Insert(tx, &pet{ID: "a"})) })
	must(t, s.VerifyFrozen())
	got := p.Tags
	got[0] = "changed after it was replaced"
	if err := s.VerifyFrozen(); !errors.Is(err, ErrFrozen) {
		t.Errorf("a changed row went unnoticed: %v", err)
	}
}

func filled(t testing.TB, order []int) *Store {
	s := open(t)
	for _, i := range order {
		do(t, s, func(tx *Tx) {
			must(t, pets.Insert(tx, &pet{ID: fmt.Sprint("p", i), Kind: "k", Count: i}))
			must(t, notes.Insert(tx, &note{ID: fmt.Sprint("n", i)}))
		})
	}
	return s
}

func TestStreamRestoresEqual(t *testing.T) {
	order := rand.New(rand.NewSource(1)).Perm(40)
	s := filled(t, order)
	other := filled(t, slices.Sorted(slices.Values(order)))
	sum, err := s.View().Content()
	must(t, err)
	if again, _ := other.View().Content(); again != sum {
		t.Error("the content digest depends on the order of insertion")
	}
	var buf bytes.Buffer
	written, err := s.View().WriteRows(&buf)
	must(t, err)
	back, read, err := ReadRows(bytes.NewReader(buf.Bytes()), NewSchema(pets, notes), Options{}, s.View().Head())
	must(t, err)
	if read != sum || written != sum || back.View().Head() != s.View().Head() || pets.Len(back.View()) != 40 {
		t.Error("the restored store differs")
	}
	if _, _, err := ReadRows(bytes.NewReader(buf.Bytes()), NewSchema(pets), Options{}, Head{}); !errors.Is(err, ErrSnapshot) {
		t.Errorf("another schema: %v", err)
	}
	for at := 0; at < buf.Len(); at += 5 {
		for _, bad := range [][]byte{buf.Bytes()[:at], flip(buf.Bytes(), at)} {
			if st, _, err := ReadRows(bytes.NewReader(bad), NewSchema(pets, notes), Options{}, Head{}); err == nil || st != nil {
				t.Fatalf("damage at byte %d went unnoticed", at)
			}
		}
	}
}

func flip(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 4
	return c
}

func TestReadersDoNotDisturbTheWriter(t *testing.T) {
	s := open(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := s.View()
				n := 0
				for range pets.Scan(v, "") {
					n++
				}
				if n != pets.Len(v) || int64(n) != v.Head().Seq {
					t.Errorf("a view shows %d rows, counts %d at seq %d", n, pets.Len(v), v.Head().Seq)
					return
				}
			}
		})
	}
	for i := range 200 {
		do(t, s, func(tx *Tx) { must(t, pets.Insert(tx, &pet{ID: fmt.Sprint(i), Kind: "k"})) })
	}
	close(stop)
	wg.Wait()
}

func FuzzReadRows(f *testing.F) {
	var buf bytes.Buffer
	if _, err := filled(f, []int{1, 2}).View().WriteRows(&buf); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte(rowsMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		st, _, err := ReadRows(bytes.NewReader(data), NewSchema(pets, notes), Options{}, Head{})
		if (err == nil) != (st != nil) {
			t.Fatal("error and store exclude each other")
		}
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := st.View().WriteRows(&again); err != nil || !bytes.HasPrefix(data, again.Bytes()) {
			t.Fatalf("what was read is not what is written: %v", err)
		}
	})
}
