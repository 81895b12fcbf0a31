package oprf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"accord/crypto/oprf/circloprf"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func fail(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// TestVectors: RFC 9497, appendix A.1.2: ristretto255-SHA512, mode VOPRF. The proofs
// there are made with known randomness and must verify; the holder's own proof is
// made with its own and must, too.
func TestVectors(t *testing.T) {
	key, err := ParseKey(unhex(t, "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909"))
	fail(t, err)
	public := key.Public()
	if hex.EncodeToString(public[:]) != "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e" {
		t.Fatalf("public key %x", public)
	}
	g, err := NewGroup([]Element{public}, 1)
	fail(t, err)
	for i, v := range []struct{ input, blind, blinded, evaluated, output, proof string }{
		{"00", "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
			"863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945", "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
			"b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
			"ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd066d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d"},
		{"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
			"cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c", "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
			"8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
			"401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02"},
		{"00,5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706,222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
			"863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945,90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
			"aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e,cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
			"b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c,8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
			"cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08"},
	} {
		var inputs [][]byte
		var blinds []*scalar.Scalar
		for _, s := range strings.Split(v.input, ",") {
			inputs = append(inputs, unhex(t, s))
		}
		for _, s := range strings.Split(v.blind, ",") {
			b, err := scalar.NewFromCanonicalBytes(unhex(t, s))
			fail(t, err)
			blinds = append(blinds, b)
		}
		r, err := blindWith(inputs, blinds)
		fail(t, err)
		own, err := key.Evaluate(r.Blinded)
		fail(t, err)
		if joined(r.Blinded) != v.blinded || joined(own.Elements) != v.evaluated {
			t.Errorf("vector %d: blinded %s, evaluated %s", i, joined(r.Blinded), joined(own.Elements))
		}
		for _, e := range []Evaluation{own, {own.Elements, unhex(t, v.proof)}} {
			out, err := g.Finish(r, []Partial{{Holder: 1, Evaluation: e}})
			fail(t, err)
			var got []string
			for _, o := range out {
				got = append(got, hex.EncodeToString(o))
			}
			if strings.Join(got, ",") != v.output {
				t.Errorf("vector %d: %v", i, got)
			}
		}
	}
}

func joined(all []Element) string {
	var s []string
	for _, e := range all {
		s = append(s, hex.EncodeToString(e[:]))
	}
	return strings.Join(s, ",")
}

// split is a key, whole and among 5 of whom 3 evaluate, and a batch.
type split struct {
	key    *Key
	whole  *Group
	group  *Group
	shares []*Key
	commit []Element
	r      *Request
}

func newSplit(tb testing.TB, k, n, batch int) split {
	tb.Helper()
	var s split
	var err error
	s.key, err = NewKey()
	fail(tb, err)
	public := s.key.Public()
	s.whole, err = NewGroup([]Element{public}, 1)
	fail(tb, err)
	s.commit, s.shares, err = Split(s.key, k, n)
	fail(tb, err)
	s.group, err = NewGroup(s.commit, n)
	fail(tb, err)
	if s.commit[0] != public {
		tb.Fatal("the split key has another public key")
	}
	s.r, err = Blind(inputs(batch))
	fail(tb, err)
	return s
}

func inputs(n int) (all [][]byte) {
	for i := range n {
		all = append(all, fmt.Appendf(nil, "1101051949123100%02d", i))
	}
	return all
}

func (s split) partials(tb testing.TB, holders ...int) (all []Partial) {
	tb.Helper()
	for _, h := range holders {
		e, err := s.shares[h-1].Evaluate(s.r.Blinded)
		fail(tb, err)
		all = append(all, Partial{Holder: h, Evaluation: e})
	}
	return all
}

// TestAnyKGiveTheSame: every set of 3 of 5 holders makes what the whole key makes, and
// what circl's own server makes.
func TestAnyKGiveTheSame(t *testing.T) {
	s := newSplit(t, 3, 5, 3)
	e, err := s.key.Evaluate(s.r.Blinded)
	fail(t, err)
	want, err := s.whole.Finish(s.r, []Partial{{Holder: 1, Evaluation: e}})
	fail(t, err)
	raw, err := s.key.Bytes()
	fail(t, err)
	server, err := circloprf.New(raw)
	fail(t, err)
	for i, in := range inputs(3) {
		if full, err := server.Output(in); err != nil || !bytes.Equal(full, want[i]) {
			t.Fatalf("circl makes another output: %v", err)
		}
	}
	all := s.partials(t, 1, 2, 3, 4, 5)
	if _, err := s.group.Finish(s.r, []Partial{all[0], all[1], all[0]}); !errors.Is(err, ErrFew) {
		t.Errorf("one holder twice: %v", err)
	}
	for a := 1; a <= 5; a++ {
		for b := a + 1; b <= 5; b++ {
			for c := b + 1; c <= 5; c++ {
				got, err := s.group.Finish(s.r, []Partial{all[c-1], all[a-1], all[b-1]})
				if err != nil || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
					t.Errorf("holders %d, %d, %d make other ids: %v", a, b, c, err)
				}
			}
		}
	}
	for i := range 5 {
		if !s.group.Holds(i+1, s.shares[i]) || s.group.Holds((i+1)%5+1, s.shares[i]) {
			t.Errorf("share %d is not known as its own", i+1)
		}
	}
}

func texts(all []Element) (raw [][]byte) {
	for _, e := range all {
		raw = append(raw, e[:])
	}
	return raw
}

// TestCirclSpeaksTheSame: its asker takes our answer, our asker takes its, each proof is
// judged by the other, and the outputs are one.
func TestCirclSpeaksTheSame(t *testing.T) {
	s := newSplit(t, 2, 3, 7)
	raw, err := s.key.Bytes()
	fail(t, err)
	server, err := circloprf.New(raw)
	fail(t, err)
	want, err := s.key.Outputs(inputs(7))
	fail(t, err)

	theirs, err := server.EvaluateBytes(texts(s.r.Blinded))
	fail(t, err)
	e := Evaluation{Proof: theirs.Proof}
	for _, raw := range theirs.Elements {
		e.Elements = append(e.Elements, Element(raw))
	}
	got, err := s.whole.Finish(s.r, []Partial{{Holder: 1, Evaluation: e}})
	if err != nil || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
		t.Errorf("circl's answer: %v", err)
	}

	public := s.key.Public()
	client, blinded, err := circloprf.Ask(public[:], inputs(7))
	fail(t, err)
	var ours []Element
	for _, raw := range blinded {
		ours = append(ours, Element(raw))
	}
	answer, err := s.key.Evaluate(ours)
	fail(t, err)
	got, err = client.Finish(circloprf.Evaluation{Elements: texts(answer.Elements), Proof: answer.Proof})
	if err != nil || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
		t.Errorf("circl's asker: %v", err)
	}
	answer.Proof[40] ^= 1
	if _, err := client.Finish(circloprf.Evaluation{Elements: texts(answer.Elements), Proof: answer.Proof}); err == nil {
		t.Error("circl takes a changed proof")
	}
}

// TestWhatNeedsNoProof: a holder's own part, and what holds the whole key makes by
// itself, are what the proven way makes; and what was judged for one request is judged
// again for another.
func TestWhatNeedsNoProof(t *testing.T) {
	s := newSplit(t, 3, 5, 3)
	want, err := s.group.Finish(s.r, s.partials(t, 1, 2, 4))
	fail(t, err)
	alone, err := s.key.Outputs(inputs(3))
	fail(t, err)
	parts := s.partials(t, 2, 4)
	fail(t, s.group.Verify(s.r, &parts[0]))
	own, err := s.group.Finish(s.r, append(parts, s.shares[0].Own(s.r, 1)))
	fail(t, err)
	for i := range want {
		if !bytes.Equal(alone[i], want[i]) || !bytes.Equal(own[i], want[i]) {
			t.Errorf("input %d has other ids", i)
		}
	}
	again, err := s.group.Finish(s.r, append(parts, s.shares[0].Own(s.r, 1))) // Finish changes none of them
	if err != nil || !bytes.Equal(again[0], want[0]) {
		t.Errorf("a second time: %v", err)
	}
	other, err := Blind(inputs(3))
	fail(t, err)
	if _, err := s.group.Finish(other, parts); !errors.Is(err, ErrFew) {
		t.Errorf("%v", err)
	}
	var wrong WrongPartial
	if _, err := s.group.Finish(other, append(parts, s.shares[0].Own(s.r, 1))); !errors.As(err, &wrong) {
		t.Errorf("parts of another request are taken: %v", err)
	}
	if _, err := s.key.Outputs([][]byte{make([]byte, MaxInput+1)}); !errors.Is(err, ErrBatch) {
		t.Errorf("%v", err)
	}
}

// TestKMinusOneCannot: two partials are refused, and what two shares make by
// Lagrange's rule for two is another output.
func TestKMinusOneCannot(t *testing.T) {
	s := newSplit(t, 3, 5, 1)
	two := s.partials(t, 1, 2)
	if _, err := s.group.Finish(s.r, two); !errors.Is(err, ErrFew) {
		t.Errorf("%v", err)
	}
	e, err := s.key.Evaluate(s.r.Blinded)
	fail(t, err)
	want, err := s.whole.Finish(s.r, []Partial{{Holder: 1, Evaluation: e}})
	fail(t, err)
	sum := curve.NewRistrettoPoint().Identity()
	for _, p := range two {
		pt, err := p.Elements[0].point()
		fail(t, err)
		sum = plus(sum, times(lagrange(p.Holder, []int{1, 2}), pt))
	}
	if got, err := s.r.finish([]*curve.RistrettoPoint{sum}); err != nil || bytes.Equal(got[0], want[0]) {
		t.Errorf("two shares made the output: %v", err)
	}
}

// TestAWrongPartialIsNamed: whoever answers with another key, for other elements, or
// under another's number is named.
func TestAWrongPartialIsNamed(t *testing.T) {
	s := newSplit(t, 3, 5, 2)
	other := newSplit(t, 3, 5, 2)
	for name, spoil := range map[string]func(p *Partial){
		"another key":     func(p *Partial) { *p = Partial{Holder: 2, Evaluation: other.partials(t, 2)[0].Evaluation} },
		"another share":   func(p *Partial) { p.Evaluation = s.partials(t, 3)[0].Evaluation },
		"swapped":         func(p *Partial) { p.Elements[0], p.Elements[1] = p.Elements[1], p.Elements[0] },
		"no proof":        func(p *Partial) { p.Proof = nil },
		"a changed proof": func(p *Partial) { p.Proof[3] ^= 1 },
		"fewer elements":  func(p *Partial) { p.Elements = p.Elements[:1] },
		"no elements":     func(p *Partial) { p.Elements = nil },
		"the identity":    func(p *Partial) { p.Elements[0] = Element{} },
		"no element":      func(p *Partial) { p.Elements[0] = Element{0xff} },
	} {
		parts := s.partials(t, 1, 2, 5)
		spoil(&parts[1])
		_, err := s.group.Finish(s.r, parts)
		var wrong WrongPartial
		if !errors.As(err, &wrong) || wrong.Holder != 2 || !errors.Is(err, ErrPartial) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.group.Finish(s.r, append(s.partials(t, 1, 2), Partial{Holder: 6, Evaluation: s.partials(t, 3)[0].Evaluation})); !errors.Is(err, ErrGroup) {
		t.Errorf("a holder that is none: %v", err)
	}
}

func TestRefused(t *testing.T) {
	s := newSplit(t, 2, 3, 1)
	zero, order := make([]byte, KeySize), unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	for _, raw := range [][]byte{nil, zero, order, make([]byte, 31), bytes.Repeat([]byte{0xff}, 32)} {
		if _, err := ParseKey(raw); !errors.Is(err, ErrKey) {
			t.Errorf("%x: %v", raw, err)
		}
	}
	for _, batch := range [][]Element{nil, {{}}, {{0xff}}, make([]Element, MaxBatch+1)} {
		if _, err := s.key.Evaluate(batch); err == nil {
			t.Errorf("%d elements evaluated", len(batch))
		}
	}
	for _, in := range [][][]byte{nil, make([][]byte, MaxBatch+1), {make([]byte, MaxInput+1)}} {
		if _, err := Blind(in); !errors.Is(err, ErrBatch) {
			t.Errorf("%d inputs: %v", len(in), err)
		}
	}
	for _, c := range []struct {
		commitment []Element
		n          int
	}{{nil, 1}, {s.commit[:1], 2}, {s.commit, 1}, {s.commit, 33}, {[]Element{s.commit[0], {}}, 3}} {
		if _, err := NewGroup(c.commitment, c.n); !errors.Is(err, ErrGroup) {
			t.Errorf("%d of %d: %v", len(c.commitment), c.n, err)
		}
	}
	for _, kn := range [][2]int{{1, 1}, {1, 3}, {4, 3}, {2, 33}} {
		if _, _, err := Split(s.key, kn[0], kn[1]); !errors.Is(err, ErrGroup) {
			t.Errorf("%v: %v", kn, err)
		}
	}
}

// TestAKeyIsNotPrinted by any verb, nor by slog.
func TestAKeyIsNotPrinted(t *testing.T) {
	key, err := NewKey()
	fail(t, err)
	raw, err := key.Bytes()
	fail(t, err)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %x %s %d", key, key, key, key, key, key)
	slog.New(slog.NewTextHandler(&out, nil)).Info("k", "key", key)
	for _, secret := range []string{string(raw), hex.EncodeToString(raw), hex.EncodeToString(raw[:8])} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q", out.String())
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	key, err := NewKey()
	fail(f, err)
	r, err := Blind(inputs(1))
	fail(f, err)
	f.Add(r.Blinded[0][:])
	f.Add(make([]byte, ElementSize))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) != ElementSize {
			return
		}
		e, err := key.Evaluate([]Element{Element(raw)})
		if err == nil && (len(e.Elements) != 1 || len(e.Proof) != ProofSize) {
			t.Errorf("%+v", e)
		}
	})
}

// The benchmarks count ids: circl's bare evaluation of a batch, a key's with proof,
// verification and all, and three of five holders'.
func BenchmarkCirclEvaluate(b *testing.B) {
	s := newSplit(b, 3, 5, 100)
	raw, err := s.key.Bytes()
	fail(b, err)
	server, err := circloprf.New(raw)
	fail(b, err)
	batch, err := circloprf.Read(texts(s.r.Blinded))
	fail(b, err)
	for b.Loop() {
		if _, err := server.Evaluate(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "ids/s")
}

func BenchmarkSingleKey(b *testing.B) {
	s := newSplit(b, 3, 5, 100)
	for b.Loop() {
		r, err := Blind(inputs(100))
		fail(b, err)
		e, err := s.key.Evaluate(r.Blinded)
		fail(b, err)
		_, err = s.whole.Finish(r, []Partial{{Holder: 1, Evaluation: e}})
		fail(b, err)
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "ids/s")
}

func BenchmarkThreeOfFive(b *testing.B) {
	s := newSplit(b, 3, 5, 100)
	for b.Loop() {
		var err error
		s.r, err = Blind(inputs(100))
		fail(b, err)
		_, err = s.group.Finish(s.r, s.partials(b, 1, 3, 5))
		fail(b, err)
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "ids/s")
}
