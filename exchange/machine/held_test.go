package machine_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/exchange/bodies"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// heldFile is a snapshot's file that can be held.
type heldFile struct {
	io.Reader
	f    *os.File
	held int
}

func (h *heldFile) Hold() io.ReaderAt { h.held++; return h.f }

// restoredFrom is a machine that was restored from a file, which is gone by now, and
// the file.
func restoredFrom(t *testing.T, data []byte) (*machine.Machine, *heldFile) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "snapshot")
	Must(t, os.WriteFile(name, data, 0o600))
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	Must(t, err)
	h := &heldFile{Reader: f, f: f}
	m := Found(t, machine.Options{Blobs: bodies.In(t.TempDir(), func(err error) { t.Error(err) })})
	Must(t, m.Restore(h))
	Must(t, os.Remove(name))
	return m, h
}

// What was signed stays in the snapshot's file, also when that is removed. What comes
// later lies behind it.
//
// Shows: F41
func TestRestoreLeavesBodiesInTheSnapshot(t *testing.T) {
	m := lived(t, 40)
	data := written(t, m)
	fresh, h := restoredFrom(t, data)
	if h.held != 1 {
		t.Fatal("the file was held", h.held, "times")
	}
	for _, p := range History(t, 6, 10) {
		Apply(t, m, p)
		Apply(t, fresh, p)
	}
	if markOf(t, fresh) != markOf(t, m) || !bytes.Equal(written(t, fresh), written(t, m)) {
		t.Error("the two went different ways")
	}
	n := 0
	for st := range m.View().Statements(0) {
		n++
		if got, ok := fresh.View().Statement(st.Seq); !ok || got.JWS != st.JWS {
			t.Error("another statement", st.Seq)
		}
	}
	if n < 30 {
		t.Error("only", n, "statements")
	}
	again, _ := restoredFrom(t, written(t, fresh))
	if markOf(t, again) != markOf(t, m) {
		t.Error("a second restore differs")
	}

	// Every body of the snapshot is read from there: a byte that turns is noticed.
	first, _ := m.View().Statement(1)
	at := bytes.Index(data, []byte(first.JWS))
	_, err := h.f.WriteAt([]byte{data[at+7] ^ 1}, int64(at)+7)
	Must(t, err)
	s, err := fresh.Snapshot()
	Must(t, err)
	if _, err := s.WriteTo(io.Discard); err == nil || !strings.Contains(err.Error(), "STATE-001") {
		t.Error("a turned byte:", err)
	}
}
