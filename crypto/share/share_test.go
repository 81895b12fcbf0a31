package share

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/math/polynomial"
)

func split(tb testing.TB, k, n int) (Commitment, []Share, []byte) {
	tb.Helper()
	c, shares, key, err := Split(k, n, "ctx")
	if err != nil || len(shares) != n || len(key) != KeySize || c.Threshold() != k {
		tb.Fatal(err, len(shares), len(key), c.Threshold())
	}
	return c, shares, key
}

// TestAnyThresholdOpens: every subset of at least k shares gives the key, every
// smaller one ErrTooFew.
func TestAnyThresholdOpens(t *testing.T) {
	for _, kn := range [][2]int{{2, 2}, {2, 3}, {3, 5}, {5, 5}} {
		k, n := kn[0], kn[1]
		c, shares, key := split(t, k, n)
		for set := range 1 << n {
			var some []Share
			for i := range n {
				if set>>i&1 == 1 {
					some = append(some, shares[n-1-i])
				}
			}
			got, bad, err := Combine(c, "ctx", some)
			switch {
			case len(bad) > 0:
				t.Fatal(bad)
			case len(some) < k && (!errors.Is(err, ErrTooFew) || got != nil):
				t.Fatalf("%d of %d shares: %v", len(some), k, err)
			case len(some) >= k && !bytes.Equal(got, key):
				t.Fatalf("%d of %d shares: another key, %v", len(some), k, err)
			}
		}
		if other, _, err := Combine(c, "another", shares); err != nil || bytes.Equal(other, key) {
			t.Error("the key is the same for another context", err)
		}
	}
}

// TestFewerSayNothing: through k−1 shares and any secret whatever there goes a
// polynomial of the dealing's degree, so they do not tell one secret from another.
func TestFewerSayNothing(t *testing.T) {
	_, shares, _ := split(t, 3, 5)
	for range 20 {
		any := g.RandomNonZeroScalar(rand.Reader)
		x, y := []group.Scalar{g.NewScalar()}, []group.Scalar{any}
		for _, s := range shares[1:3] {
			v := g.NewScalar()
			if err := v.UnmarshalBinary(s.Value); err != nil {
				t.Fatal(err)
			}
			x, y = append(x, g.NewScalar().SetUint64(uint64(s.Index))), append(y, v)
		}
		through := polynomial.NewLagrangePolynomial(x, y)
		for i := range x {
			if !through.Evaluate(x[i]).IsEqual(y[i]) {
				t.Fatal("there is a secret that two shares rule out")
			}
		}
	}
}

func TestBadSharesAreNamed(t *testing.T) {
	c, shares, key := split(t, 3, 5)
	_, others, _ := split(t, 3, 5)
	turned := bytes.Clone(shares[1].Value)
	turned[3] ^= 4
	for name, bad := range map[string]Share{
		"turned bit":          {2, turned},
		"of another dealing":  {2, others[1].Value},
		"of another holder":   {2, shares[2].Value},
		"nothing":             {2, nil},
		"zeros":               {2, make([]byte, 32)},
		"not canonical":       {2, bytes.Repeat([]byte{255}, 32)},
		"index zero":          {0, shares[1].Value},
		"index out of bounds": {MaxHolders + 1, shares[1].Value},
	} {
		if err := Verify(c, bad); !errors.Is(err, ErrShare) {
			t.Errorf("%s: %v", name, err)
		}
		got, named, err := Combine(c, "ctx", []Share{bad, shares[0], shares[2], shares[3]})
		if err != nil || !bytes.Equal(got, key) || len(named) != 1 || named[0] != bad.Index {
			t.Errorf("%s beside three good ones: %v, %v", name, named, err)
		}
		if _, named, err := Combine(c, "ctx", []Share{bad, shares[0], shares[2]}); !errors.Is(err, ErrTooFew) || len(named) != 1 {
			t.Errorf("%s beside two good ones: %v, %v", name, named, err)
		}
	}
	if _, _, err := Combine(c, "ctx", []Share{shares[0], shares[0], shares[0]}); !errors.Is(err, ErrTooFew) {
		t.Error("one holder counts three times", err)
	}
}

func TestCommitments(t *testing.T) {
	c, shares, _ := split(t, 3, 5)
	identity := append(bytes.Clone(c[:2*ElementSize]), make([]byte, ElementSize)...)
	for name, bad := range map[string]Commitment{"empty": nil, "one element": c[:ElementSize], "cut": c[:len(c)-1],
		"no element": append(bytes.Clone(c[:2*ElementSize]), bytes.Repeat([]byte{255}, ElementSize)...), "degree too low": identity,
		"too long": bytes.Repeat(c, 11)} {
		if err := bad.Check(); !errors.Is(err, ErrCommitment) {
			t.Errorf("%s: %v", name, err)
		}
		if err := Verify(bad, shares[0]); !errors.Is(err, ErrCommitment) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kn := range [][2]int{{1, 3}, {4, 3}, {0, 0}, {2, MaxHolders + 1}} {
		if _, _, _, err := Split(kn[0], kn[1], ""); !errors.Is(err, ErrParameters) {
			t.Error(kn, err)
		}
	}
}

func TestSharesDoNotPrint(t *testing.T) {
	_, shares, _ := split(t, 2, 2)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		if s := fmt.Sprintf(verb, shares[0]); strings.Contains(s, fmt.Sprintf("%x", shares[0].Value[:4])) || !strings.HasPrefix(s, "share.Share") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}

func FuzzVerify(f *testing.F) {
	c, shares, _, _ := Split(2, 3, "")
	f.Add([]byte(c), 1, shares[0].Value)
	f.Add([]byte(c), 2, shares[0].Value)
	f.Add([]byte(nil), 0, []byte(nil))
	f.Fuzz(func(t *testing.T, c []byte, index int, value []byte) {
		s := Share{index, value}
		if Verify(c, s) == nil && (len(value) != ScalarSize || Commitment(c).Check() != nil) {
			t.Fatal("took a malformed share")
		}
		_, _, _ = Combine(c, "", []Share{s, s})
	})
}

func BenchmarkSplit3of5(b *testing.B) {
	for b.Loop() {
		if _, _, _, err := Split(3, 5, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify3of5(b *testing.B) {
	c, shares, _ := split(b, 3, 5)
	for b.Loop() {
		if err := Verify(c, shares[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCombine3of5(b *testing.B) {
	c, shares, _ := split(b, 3, 5)
	for b.Loop() {
		if _, _, err := Combine(c, "", shares[:3]); err != nil {
			b.Fatal(err)
		}
	}
}
