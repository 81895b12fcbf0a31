package tlog

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
)

// twoNotes are signed checkpoints of one small log, and the proof between them.
func twoNotes(t testing.TB) *ConsistencyFile {
	t.Helper()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := NewKey("accord/x/member/court", TypeCosignature, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	signer := NewSigner(key, rawSigner(private))
	tree := new(Tree)
	note := func() []byte {
		c := Checkpoint{Origin: "accord/x/ledger", Size: tree.Size(), Root: tree.Root()}
		sig, err := signer.Sign(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Format(c, sig)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	p := new(ConsistencyFile)
	for i := range 7 {
		tree.Append(LeafHash([]byte{byte(i)}))
		if i == 2 {
			p.Old = note()
		}
	}
	p.New = note()
	if p.Proof, err = tree.ProveConsistency(3, 7); err != nil {
		t.Fatal(err)
	}
	return p
}

type rawSigner ed25519.PrivateKey

func (s rawSigner) Sign(message []byte) ([]byte, error) {
	return ed25519.Sign(ed25519.PrivateKey(s), message), nil
}

func TestConsistencyFile(t *testing.T) {
	p := twoNotes(t)
	file, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseConsistencyFile(file)
	if err != nil || !bytes.Equal(back.Old, p.Old) || !bytes.Equal(back.New, p.New) || len(back.Proof) != len(p.Proof) {
		t.Fatalf("%+v %v", back, err)
	}
	text := string(file)
	for name, bad := range map[string]string{
		"nothing":          "",
		"another version":  strings.Replace(text, "@v1", "@v2", 1),
		"one note":         text[:strings.LastIndex(text, "\n\n")],
		"a third note":     text + "\n" + string(p.New),
		"a bad hash":       strings.Replace(text, p.Proof[0].String(), "x", 1),
		"no line feed":     text[:len(text)-1],
		"trailing data":    text + "x",
		"carriage returns": strings.ReplaceAll(text, "\n", "\r\n"),
	} {
		if _, err := ParseConsistencyFile([]byte(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseConsistencyFile(f *testing.F) {
	file, err := twoNotes(f).MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(ConsistencyHeader + "\n\n\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseConsistencyFile(data)
		if err != nil {
			return
		}
		if again, err := p.MarshalText(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("what was read is not what is written: %v", err)
		}
	})
}
