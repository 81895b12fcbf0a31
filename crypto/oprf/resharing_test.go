package oprf

import (
	"bytes"
	"crypto/rand"
	"crypto/sha3"
	"slices"
	"testing"
)

// outputs are what k holders make of inputs.
func outputs(t *testing.T, g *Group, shares map[int]*Key, inputs [][]byte) [][]byte {
	t.Helper()
	r, err := Blind(inputs)
	if err != nil {
		t.Fatal(err)
	}
	var partials []Partial
	for h, s := range shares {
		e, err := s.Evaluate(r.Blinded)
		if err != nil {
			t.Fatal(err)
		}
		partials = append(partials, Partial{Holder: h, Evaluation: e})
	}
	out, err := g.Finish(r, partials)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// reshare gives a key on: dealers deal, the next holders join what they got.
func reshare(t *testing.T, g *Group, shares map[int]*Key, k, n int) (*Group, map[int]*Key) {
	t.Helper()
	var dealings []Dealing
	var dealers []int
	parts := map[int][]*Key{}
	for h, s := range shares {
		c, p, err := Deal(s, k, n, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		d := Dealing{h, c}
		if !g.Deals(d, k) {
			t.Fatal("an honest dealing is not of the dealer's share")
		}
		dealings, dealers = append(dealings, d), append(dealers, h)
		for i := range p {
			if !d.Gives(i+1, p[i]) || d.Gives((i+1)%n+1, p[i]) {
				t.Fatal("a part is not its holder's, or another's, too")
			}
			parts[i+1] = append(parts[i+1], p[i])
		}
	}
	c, err := g.Reshared(dealings, k, n)
	if err != nil {
		t.Fatal(err)
	}
	next, err := NewGroup(c, n)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]*Key{}
	for h := range parts {
		if out[h], err = Join(dealers, parts[h]); err != nil {
			t.Fatal(err)
		}
		if !next.Holds(h, out[h]) {
			t.Fatalf("holder %d's new share is not the new group's", h)
		}
	}
	return next, out
}

func some(shares map[int]*Key, holders ...int) map[int]*Key {
	out := map[int]*Key{}
	for _, h := range holders {
		out[h] = shares[h]
	}
	return out
}

// TestIdsStayWhenAKeyChangesHands: from one holder to 2 of 3, to 3 of 5, to 2 of 2,
// whoever deals and whoever evaluates.
func TestIdsStayWhenAKeyChangesHands(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	inputs := [][]byte{[]byte("a"), []byte("b")}
	want, err := key.Outputs(inputs)
	if err != nil {
		t.Fatal(err)
	}
	public := key.Public()
	g, err := NewGroup([]Element{public}, 1)
	if err != nil {
		t.Fatal(err)
	}
	shares := map[int]*Key{1: key}
	for _, step := range []struct {
		dealers, evaluators []int
		k, n                int
	}{{[]int{1}, []int{2, 3}, 2, 3}, {[]int{3, 1}, []int{5, 1, 4}, 3, 5}, {[]int{2, 3, 5}, []int{1, 2}, 2, 2}} {
		old, had := g, shares
		g, shares = reshare(t, g, some(shares, step.dealers...), step.k, step.n)
		if got := outputs(t, g, some(shares, step.evaluators...), inputs); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%d of %d give other ids", step.k, step.n)
		}
		if old.Holds(1, shares[1]) || g.Holds(1, had[1]) {
			t.Error("a share is one of both groups")
		}
	}
}

// TestADealingThatLies: of another share, of another threshold, twice the same dealer,
// too few.
func TestADealingThatLies(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c, shares, err := Split(key, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGroup(c, 3)
	if err != nil {
		t.Fatal(err)
	}
	deal := func(dealer int, share *Key, k int) Dealing {
		c, _, err := Deal(share, k, 3, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return Dealing{dealer, c}
	}
	good := deal(1, shares[0], 2)
	for name, all := range map[string][]Dealing{
		"another's share":   {good, deal(2, shares[2], 2)},
		"the whole key":     {good, deal(2, key, 2)},
		"another threshold": {good, deal(2, shares[1], 3)},
		"the same twice":    {good, deal(1, shares[0], 2)},
		"too few":           {good},
		"too many":          {good, deal(2, shares[1], 2), deal(3, shares[2], 2)},
		"nobody":            {good, deal(4, shares[1], 2)},
		"no element":        {good, {2, []Element{good.Commitment[0], {}}}},
	} {
		if _, err := g.Reshared(all, 2, 3); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := g.Reshared([]Dealing{good, deal(3, shares[2], 2)}, 2, 3); err != nil {
		t.Error(err)
	}
	if _, err := Join([]int{1, 1}, shares[:2]); err == nil {
		t.Error("one dealer counted twice")
	}
	for _, bad := range [][2]int{{1, 3}, {4, 3}, {2, MaxHolders + 1}} {
		if _, _, err := Deal(key, bad[0], bad[1], rand.Reader); err == nil {
			t.Errorf("%d of %d was dealt", bad[0], bad[1])
		}
	}
}

// TestADealingIsMadeAgain: of the same bytes, so that a dealer that crashed says what it
// said before.
func TestADealingIsMadeAgain(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	stream := func(s string) *sha3.SHAKE { h := sha3.NewSHAKE256(); h.Write([]byte(s)); return h }
	a, p, err := Deal(key, 3, 5, stream("x"))
	if err != nil {
		t.Fatal(err)
	}
	b, q, err := Deal(key, 3, 5, stream("x"))
	if err != nil || !slices.Equal(a, b) || p[4].scalar.Equal(q[4].scalar) != 1 {
		t.Error("two dealings of the same bytes differ", err)
	}
	if c, _, _ := Deal(key, 3, 5, stream("y")); slices.Equal(a[1:], c[1:]) {
		t.Error("two dealings of different bytes are one")
	}
}

// TestAKeyThatNobodyDealt: of three parts, any two holders evaluate it, and nobody's part
// is the key.
func TestAKeyThatNobodyDealt(t *testing.T) {
	const k, n = 2, 3
	var dealings []Dealing
	parts := map[int][]*Key{}
	for dealer := 1; dealer <= n; dealer++ {
		own, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		c, p, err := Deal(own, k, n, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := own.Knows([]byte("x"))
		if err != nil || !Known(c[0], proof, []byte("x")) {
			t.Fatalf("an honest proof is refused: %v", err)
		}
		other, _ := NewKey()
		public := other.Public()
		flipped := bytes.Clone(proof)
		flipped[3] ^= 1
		if Known(c[0], proof, []byte("y")) || Known(public, proof, []byte("x")) || Known(c[0], flipped, []byte("x")) || Known(c[0], nil, []byte("x")) || Known(Element{}, proof, []byte("x")) {
			t.Error("a proof holds for something else")
		}
		d := Dealing{dealer, c}
		dealings = append(dealings, d)
		for i := range p {
			if !d.Gives(i+1, p[i]) {
				t.Fatal("a part is not its holder's")
			}
			parts[i+1] = append(parts[i+1], p[i])
		}
	}
	c, err := Fresh(dealings, k, n)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGroup(c, n)
	if err != nil {
		t.Fatal(err)
	}
	shares := map[int]*Key{}
	for h := range parts {
		if shares[h], err = Sum(parts[h]); err != nil || !g.Holds(h, shares[h]) {
			t.Fatalf("holder %d: %v", h, err)
		}
	}
	inputs := [][]byte{[]byte("a")}
	one := outputs(t, g, some(shares, 1, 2), inputs)
	if !bytes.Equal(one[0], outputs(t, g, some(shares, 3, 1), inputs)[0]) {
		t.Error("two pairs of holders make different ids")
	}
	for _, bad := range [][]Dealing{dealings[:2], {dealings[0], dealings[1], dealings[1]}, {dealings[0], dealings[1], {4, dealings[2].Commitment}}, {dealings[0], dealings[1], {3, dealings[2].Commitment[:1]}}} {
		if _, err := Fresh(bad, k, n); err == nil {
			t.Error("too few, or one twice, or a stranger, or another threshold was taken")
		}
	}
}
