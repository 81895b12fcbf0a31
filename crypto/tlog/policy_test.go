package tlog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"accord/crypto/keys"
)

// TestPolicyExample is the example of the C2SP specification: two of the X
// witnesses and one of the Y witnesses.
func TestPolicyExample(t *testing.T) {
	c := testCheckpoint()
	s := map[string]*Signer{}
	var file strings.Builder
	file.WriteString("# 示例 an example\n\n")
	for _, name := range []string{"X1", "X2", "X3", "Y1", "Y2", "Y3"} {
		s[name] = testSigner(t, name)
		fmt.Fprintf(&file, "\twitness %s  %s https://%s.example/ \n", name, s[name].Key(), name)
	}
	file.WriteString("group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n" +
		"group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n")
	p, err := ParsePolicy([]byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePolicy([]byte(p.String()))
	if err != nil || again.String() != p.String() {
		t.Fatalf("canonical form does not survive: %v\n%s", err, p)
	}
	for _, tc := range []struct {
		names string
		want  error
	}{
		{"X1 X2 Y1", nil}, {"X2 X3 Y3", nil}, {"X1 X2 X3 Y1 Y2 Y3", nil},
		{"X1 X2 X3", ErrQuorum}, {"X1 Y1 Y2 Y3", ErrQuorum}, {"Y1", ErrQuorum},
	} {
		var signers []*Signer
		for _, name := range strings.Fields(tc.names) {
			signers = append(signers, s[name])
		}
		_, err := p.Check(signed(t, c, signers...), c.Origin)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.names, err, tc.want)
		}
	}
	if _, err := p.Check(signed(t, c, testSigner(t, "X1"), testSigner(t, "X2"), testSigner(t, "Y1")), c.Origin); !errors.Is(err, ErrUnsigned) {
		t.Errorf("cosigned by namesakes with other keys: %v", err)
	}
}

func TestPolicyLogs(t *testing.T) {
	c := testCheckpoint()
	w := testSigner(t, "w")
	log := func() *Signer {
		private, err := keys.Generate(keys.Cosign, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewLogSigner("qinghai", private)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l1, l2, other := log(), log(), log()
	file := fmt.Sprintf("log %s\nlog %s https://log.example/\nwitness w %s\nquorum w\n", l1.Key(), l2.Key(), w.Key())
	p, err := ParsePolicy([]byte(file))
	if err != nil || p.String() != file {
		t.Fatalf("ParsePolicy = %q, %v", p, err)
	}
	none, err := ParsePolicy(fmt.Appendf(nil, "log %s\nquorum none\n", l1.Key()))
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := ParsePolicy([]byte("quorum none\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		policy  *Policy
		signers []*Signer
		want    error
	}{
		{"first log and witness", p, []*Signer{l1, w}, nil},
		{"second log and witness", p, []*Signer{w, l2}, nil},
		{"witness alone", p, []*Signer{w}, ErrUnsigned},
		{"log alone", p, []*Signer{l1}, ErrQuorum},
		{"a log of the same origin that is not listed", p, []*Signer{other, w}, ErrUnsigned},
		{"log alone suffices", none, []*Signer{l1}, nil},
		{"witness where a log is asked for", none, []*Signer{w}, ErrUnsigned},
		{"a policy that asks for nothing believes nothing", nothing, []*Signer{l1, w}, ErrQuorum},
	} {
		if _, err := tc.policy.Check(signed(t, c, tc.signers...), c.Origin); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	gansu := c
	gansu.Origin = LedgerOrigin("gansu")
	if _, err := p.Check(signed(t, gansu, w), gansu.Origin); !errors.Is(err, ErrOrigin) {
		t.Errorf("origin without a log line: %v", err)
	}
}

func TestNewPolicy(t *testing.T) {
	c := testCheckpoint()
	a, b, d := testSigner(t, "a"), testSigner(t, "b"), testSigner(t, "d")
	p, err := NewPolicy(2, a.Key(), b.Key(), d.Key())
	if err != nil || len(p.Witnesses()) != 3 {
		t.Fatal(err)
	}
	if again, err := ParsePolicy([]byte(p.String())); err != nil || again.String() != p.String() {
		t.Fatalf("%v\n%s", err, p)
	}
	if _, err := p.Check(signed(t, c, a, d), c.Origin); err != nil {
		t.Error(err)
	}
	if _, err := p.Check(signed(t, c, a), c.Origin); !errors.Is(err, ErrQuorum) {
		t.Error(err)
	}
	for k, list := range map[int][]Key{0: {a.Key()}, 2: {a.Key()}, 1: {}, -1: {a.Key()}} {
		if p, err := NewPolicy(k, list...); err == nil || p != nil {
			t.Errorf("NewPolicy(%d of %d) accepted", k, len(list))
		}
	}
	if _, err := NewPolicy(1, a.Key(), a.Key()); !errors.Is(err, ErrKey) {
		t.Errorf("duplicate: %v", err)
	}
}

func TestParsePolicyRefuses(t *testing.T) {
	key := testSigner(t, "a").Key()
	renamed, err := NewKey("renamed", key.Type(), key.Public())
	if err != nil {
		t.Fatal(err)
	}
	same := "witness a " + key.String() + "\nwitness b " + renamed.String() + "\nquorum a\n"
	if p, err := ParsePolicy([]byte(same)); !errors.Is(err, ErrKey) || p != nil {
		t.Errorf("one key under two names: %v", err)
	}
	a, b := testSigner(t, "a").Key().String(), testSigner(t, "b").Key().String()
	w := "witness a " + a + "\nwitness b " + b + "\n"
	for _, bad := range []string{
		"", "\n", "# nothing\n", "quorum none", w + "quorum a", w, "quorum none\nquorum none\n",
		w + "quorum c\n", "quorum a\n" + w, w + "quorum\n", w + "quorum a b\n", w + "quorum all a\n",
		w + "group g 0 a\nquorum g\n", w + "group g 3 a b\nquorum g\n", w + "group g 01 a\nquorum g\n",
		w + "group g -1 a\nquorum g\n", w + "group g one a\nquorum g\n", w + "group g 1\nquorum g\n",
		w + "group g any a a\nquorum g\n", w + "group g any a\ngroup h any a\nquorum g\n",
		w + "group g any g\nquorum g\n", w + "group g any h\ngroup h any a\nquorum g\n",
		w + "group g any none\nquorum g\n", w + "group none any a\nquorum none\n", w + "group a any b\nquorum a\n",
		w + "witness a " + b + "\nquorum a\n", w + "witness c " + b + "\nquorum a\n", "witness none " + a + "\nquorum none\n",
		"witness a\nquorum none\n", "witness a " + a + " url more\nquorum a\n", "witness a key\nquorum a\n",
		"log " + a + "\nquorum none\n", "log\nquorum none\n", w + "Quorum a\n", w + "quorum a\nnew item\n",
		w + "quorum a\r\n", w + "quorum a\x00\n", w + "quorum a\x7f\n", w + "quorum a\v\n",
		strings.Repeat("#\n", maxPolicy),
	} {
		if p, err := ParsePolicy([]byte(bad)); err == nil || p != nil {
			t.Errorf("accepted %.200q", bad)
		}
	}
}
