package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"accord/crypto/seal"
)

// sealStream seals chunks and gives the head and the sealed ones.
func sealStream(t testing.TB, key []byte, context string, chunks ...string) (head []byte, sealed [][]byte) {
	t.Helper()
	s, head, err := seal.NewStreamSealer(key, context, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range chunks {
		b, err := s.Seal(nil, []byte(c), i == len(chunks)-1)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, b)
	}
	if _, err := s.Seal(nil, nil, false); err == nil {
		t.Error("a chunk follows the last one")
	}
	return head, sealed
}

// openStream opens chunks, the last of them as the last one.
func openStream(key []byte, context string, head []byte, sealed ...[]byte) (string, error) {
	o, err := seal.NewStreamOpener(key, context, head)
	if err != nil {
		return "", err
	}
	var all []byte
	for i, b := range sealed {
		if all, err = o.Open(all, b, i == len(sealed)-1); err != nil {
			return "", err
		}
	}
	return string(all), nil
}

func TestStream(t *testing.T) {
	key, other := bytes.Repeat([]byte{7}, seal.KeySize), bytes.Repeat([]byte{8}, seal.KeySize)
	head, c := sealStream(t, key, "backup", "one ", "two ", "three")
	if got, err := openStream(key, "backup", head, c...); err != nil || got != "one two three" {
		t.Fatalf("%q, %v", got, err)
	}
	flipped := bytes.Clone(c[1])
	flipped[3] ^= 1
	foreignHead, foreign := sealStream(t, key, "backup", "one ", "two ", "three")
	hurt := bytes.Clone(head)
	hurt[seal.StreamHead-1] ^= 1
	for name, try := range map[string]func() (string, error){
		"other key":        func() (string, error) { return openStream(other, "backup", head, c...) },
		"other context":    func() (string, error) { return openStream(key, "backup2", head, c...) },
		"other head":       func() (string, error) { return openStream(key, "backup", foreignHead, c...) },
		"commitment":       func() (string, error) { return openStream(key, "backup", hurt, c...) },
		"flipped":          func() (string, error) { return openStream(key, "backup", head, c[0], flipped, c[2]) },
		"cut off":          func() (string, error) { return openStream(key, "backup", head, c[0], c[1]) },
		"left out":         func() (string, error) { return openStream(key, "backup", head, c[0], c[2]) },
		"order":            func() (string, error) { return openStream(key, "backup", head, c[1], c[0], c[2]) },
		"twice":            func() (string, error) { return openStream(key, "backup", head, c[0], c[0], c[1], c[2]) },
		"of another":       func() (string, error) { return openStream(key, "backup", head, c[0], foreign[1], c[2]) },
		"after the end":    func() (string, error) { return openStream(key, "backup", head, c[0], c[1], c[2], c[2]) },
		"short key":        func() (string, error) { return openStream(key[1:], "backup", head, c...) },
		"head of nothing":  func() (string, error) { return openStream(key, "backup", nil, c...) },
		"chunk of nothing": func() (string, error) { return openStream(key, "backup", head, c[0], nil, c[2]) },
	} {
		if got, err := try(); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, _, err := seal.NewStreamSealer(key[1:], "", rand.Reader); !errors.Is(err, seal.ErrKey) {
		t.Error(err)
	}
	if _, _, err := seal.NewStreamSealer(key, "", bytes.NewReader(nil)); !errors.Is(err, seal.ErrRandom) {
		t.Error(err)
	}
	s, _, err := seal.NewStreamSealer(key, "", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(nil, make([]byte, seal.StreamChunk+1), false); !errors.Is(err, seal.ErrSize) {
		t.Error(err)
	}
}

func FuzzStreamOpener(f *testing.F) {
	key := bytes.Repeat([]byte{7}, seal.KeySize)
	head, c := sealStream(f, key, "x", "one", "two")
	f.Add(head, c[0], c[1])
	f.Fuzz(func(t *testing.T, head, a, b []byte) {
		got, err := openStream(key, "x", head, a, b)
		if err != nil && !errors.Is(err, seal.ErrOpen) {
			t.Fatal(fmt.Sprint(err, got))
		}
	})
}
