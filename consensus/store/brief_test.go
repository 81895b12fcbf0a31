package store

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

// The data of a large command may be left on the disk and read later. What is small, is
// no command or is still in memory comes whole; what was never filled cannot be stored.
func TestGetBrief(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	large := func(n byte) []byte { return bytes.Repeat([]byte{n}, wholeBytes) }
	for i, e := range []*raft.Log{{Data: large(1)}, {Data: []byte("small")}, {Data: large(3), Type: raft.LogConfiguration}, {Data: large(4)}} {
		e.Index, e.Term = uint64(i+1), 7
		if err := s.StoreLog(e); err != nil {
			t.Fatal(err)
		}
	}
	var e raft.Log
	if err := s.GetBrief(4, &e); err != nil || !bytes.Equal(e.Data, large(4)) {
		t.Fatal("an entry in memory:", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, false)
	for i, brief := range []bool{true, false, false, true} {
		var got, want raft.Log
		index := uint64(i + 1)
		if err := errors.Join(s.GetBrief(index, &got), s.GetLog(index, &want)); err != nil {
			t.Fatal(err)
		}
		if (len(got.Data) == 0) != brief || got.Index != index || got.Term != 7 || got.Type != want.Type {
			t.Errorf("entry %d: %d bytes, %+v", index, len(got.Data), got.Type)
		}
		if brief {
			stray := got
			stray.Index = 5
			if storable(&stray) {
				t.Error("an entry without its data can be stored")
			}
		}
		if err := s.Fill(&got); err != nil || !bytes.Equal(got.Data, want.Data) || len(got.Extensions) > 0 {
			t.Errorf("entry %d filled: %d bytes, %v", index, len(got.Data), err)
		}
		if err := s.Fill(&got); err != nil || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("entry %d filled again: %v", index, err)
		}
	}
	// It gave way to another leader's, and then to nothing.
	var old raft.Log
	if err := s.GetBrief(4, &old); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.DeleteRange(4, 4), s.StoreLog(&raft.Log{Index: 4, Term: 8, Data: large(9)})); err != nil {
		t.Fatal(err)
	}
	again := old
	if err := s.Fill(&again); !errors.Is(err, raft.ErrLogNotFound) {
		t.Error("another entry's data:", err)
	}
	if err := s.DeleteRange(4, 4); err != nil {
		t.Fatal(err)
	}
	if err := s.Fill(&old); !errors.Is(err, raft.ErrLogNotFound) {
		t.Error("no entry's data:", err)
	}
}
