package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/state"
)

func statement(seq int64) Statement {
	token := fmt.Sprint("jws ", seq)
	return Statement{Seq: seq, ID: exchange.CommandID(fmt.Sprintf("AAAAAAAAAAAAAAAA%d", seq)), Verb: "list.nominate", OK: true,
		Digest: sha256.Sum256([]byte(token)), JWS: token}
}

func store(t *testing.T) *state.Store {
	t.Helper()
	s, err := state.Open(state.NewSchema(Tables()...), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, s *state.Store, index uint64, change func(tx *state.Tx) error) {
	t.Helper()
	tx := s.Begin()
	defer tx.Abort()
	if err := change(tx); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Commit(index); err != nil {
		t.Fatal(err)
	}
}

// add appends statements and closes their commands.
func add(tx *state.Tx, seqs ...int64) error {
	for _, seq := range seqs {
		s := statement(seq)
		if err := Append(tx, s); err != nil {
			return err
		}
		tx.CloseCommand(state.Digest(s.Leaf()), 1, false)
	}
	return nil
}

func TestTreeGrowsBackFromTheStatements(t *testing.T) {
	s := store(t)
	charter := []byte("charter")
	tree := Plant(charter)
	for seq := int64(1); seq <= 9; seq++ {
		write(t, s, uint64(10*seq), func(tx *state.Tx) error {
			st := statement(seq)
			if err := Append(tx, st); err != nil {
				return err
			}
			tree.Append(st.Leaf())
			tx.CloseCommand(state.Digest(st.Leaf()), 1, false)
			return Pack(tx, uint64(10*seq))
		})
	}
	again, err := Regrow(s.View(), charter)
	if err != nil || again.Root() != tree.Root() || again.Size() != 10 {
		t.Fatalf("%v", err)
	}
	proof, err := tree.ProveInclusion(4, 10)
	if err != nil {
		t.Fatal(err)
	}
	leaf := tlog.LeafHash(bundle.Leaf("AAAAAAAAAAAAAAAA4", []byte("jws 4"), bundle.Accepted))
	if err := tlog.CheckInclusion(proof, 10, 4, tree.Root(), leaf); err != nil {
		t.Errorf("a statement's seq is not its leaf: %v", err)
	}
	v := s.View()
	for seq, want := range map[int64]uint64{0: 0, 1: 10, 9: 90, 10: 0, -1: 0} {
		if got := IndexOf(v, seq); got != want {
			t.Errorf("index of %d: %d, want %d", seq, got, want)
		}
	}
	count := 0
	for st := range Scan(v, 6) {
		count++
		if got, ok, err := Get(v, st.Seq); !ok || err != nil || got.ID != st.ID || got.JWS != fmt.Sprint("jws ", st.Seq) || st.Seq != int64(6+count) {
			t.Errorf("%+v", st)
		}
	}
	if found, ok := Find(v, "AAAAAAAAAAAAAAAA3"); count != 3 || !ok || found.Seq != 3 {
		t.Errorf("%d after 6, %+v", count, found)
	}
}

func TestPackedTogether(t *testing.T) {
	s := store(t)
	write(t, s, 7, func(tx *state.Tx) error {
		if err := add(tx, 1, 2, 3); err != nil {
			return err
		}
		return Pack(tx, 7)
	})
	for seq := int64(1); seq <= 3; seq++ {
		if got := IndexOf(s.View(), seq); got != 7 {
			t.Errorf("index of %d: %d", seq, got)
		}
	}
}

func TestAppendAndRegrowWantEveryNumber(t *testing.T) {
	s := store(t)
	write(t, s, 1, func(tx *state.Tx) error {
		if err := add(tx, 1, 2); err != nil {
			return err
		}
		tx.CloseCommand(state.Digest{}, 1, false) // a leaf without its statement
		return nil
	})
	if tree, err := Regrow(s.View(), nil); !errors.Is(err, ErrJournal) || tree != nil {
		t.Errorf("a statement short: %v", err)
	}
	s = store(t)
	tx := s.Begin()
	defer tx.Abort()
	for _, seq := range []int64{0, 2, -1} {
		if err := Append(tx, statement(seq)); !errors.Is(err, ErrJournal) {
			t.Errorf("statement %d as the first: %v", seq, err)
		}
	}
	odd := statement(1)
	odd.OK = false
	if err := Append(tx, odd); !errors.Is(err, ErrJournal) {
		t.Errorf("refused for no reason: %v", err)
	}
}

// FuzzRows: a row that reads is written again byte for byte.
func FuzzRows(f *testing.F) {
	refused := statement(3)
	refused.OK, refused.Error, refused.ID = false, ErrJournal.With("why", "x"), "short-and-not-random-id"
	outcome := statement(4)
	outcome.Outcome = []byte(`{"a":1}`)
	for _, s := range []Statement{statement(1), refused, outcome} {
		f.Add(writeStatement(nil, &s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := statements.CheckEncoding(data); err != nil {
			t.Fatal(err)
		}
	})
}
