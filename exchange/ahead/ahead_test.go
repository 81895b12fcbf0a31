package ahead

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func TestStreamGivesAndSums(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 100, chunkLen - 1, chunkLen, chunkLen + 1, chunkLen + 31, chunkLen + 33, 3*chunkLen + 7} {
		body := make([]byte, n)
		for i := range body {
			body[i] = byte(i * 7)
		}
		for name, from := range map[string]io.Reader{"whole": bytes.NewReader(body), "in halves": iotest.HalfReader(bytes.NewReader(body)),
			"end with data": iotest.DataErrReader(bytes.NewReader(body))} {
			s := NewStream(from)
			got, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(s, 40)))
			if err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(s)
			if err != nil || !bytes.Equal(append(got, rest...), body) {
				t.Errorf("%d bytes %s: %d given, %v", n, name, len(got)+len(rest), err)
			}
			before, whole := s.Sums()
			if before != sha256.Sum256(body[:max(0, n-sha256.Size)]) || whole != sha256.Sum256(body) {
				t.Errorf("%d bytes %s: summed wrong", n, name)
			}
			s.Close()
		}
	}
}

// A stream that is verified elsewhere is given as it is.
func TestVerifiedStream(t *testing.T) {
	body := bytes.Repeat([]byte("abc"), chunkLen)
	s := NewVerified(bytes.NewReader(body))
	defer s.Close()
	if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Every text is compared, whatever becomes of the memory of those before.
func TestSums(t *testing.T) {
	for wrong := range 12 {
		s := NewSums()
		var memory []byte
		for i := range 10 {
			text := append(memory, bytes.Repeat([]byte{byte(i)}, 1000*(i%3))...)
			want := sha256.Sum256(text)
			if i == wrong {
				want[0] ^= 1
			}
			memory = s.Compare(string(rune('a'+i)), text, want)
			if len(memory) > 0 {
				t.Fatal("memory with something in it")
			}
		}
		name, found := s.End()
		if found != (wrong < 10) || found && name != string(rune('a'+wrong)) {
			t.Errorf("text %d is wrong: found %v, %q", wrong, found, name)
		}
		if again, _ := s.End(); again != name {
			t.Error("another answer")
		}
	}
}

func TestStreamPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	s := NewStream(io.MultiReader(bytes.NewReader(make([]byte, 2*chunkLen)), iotest.ErrReader(broken)))
	defer s.Close()
	if got, err := io.ReadAll(s); !errors.Is(err, broken) || len(got) != 2*chunkLen {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("once more: %v", err)
	}
}

// tally counts how often it is read.
type tally struct{ reads int }

func (c *tally) Read(b []byte) (int, error) { c.reads++; return len(b), nil }

// Who closes early may take the source back.
func TestStreamEndsEarly(t *testing.T) {
	from := &tally{}
	s := NewStream(from)
	if _, err := io.ReadFull(s, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if from.reads++; from.reads > 2*chunkCount {
		t.Errorf("read %d times ahead", from.reads)
	}
}

func TestValues(t *testing.T) {
	made, ended := 0, false
	count := func(yield func(int) bool) {
		defer func() { ended = true }()
		for i := range 1000 {
			if made++; !yield(i) {
				return
			}
		}
	}
	if got := slices.Collect(Values(3, count)); len(got) != 1000 || !slices.IsSorted(got) || !ended {
		t.Errorf("%d values, ended %v", len(got), ended)
	}
	made, ended = 0, false
	for v := range Values(3, count) {
		if v == 5 {
			break
		}
	}
	if !ended || made > 5+1+3+2 {
		t.Errorf("left early: ended %v, %d made", ended, made)
	}
}
