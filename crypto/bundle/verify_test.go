package bundle

import (
	"bytes"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
)

func TestVerifies(t *testing.T) {
	f, b := full(t)
	data := marshal(t, b)
	digest := DigestOf(f.payload())
	r := Verify(data, Options{Trust: &digest})
	if !r.OK || !r.Anchored || failed(r) != "" {
		t.Fatalf("failed: %s\n%s", failed(r), render(t, r))
	}
	if r.Charter != digest.String() || len(r.Commands) != 2 || len(r.Documents) != 3 || len(r.Checkpoint.Cosigners) != 3 {
		t.Errorf("report %+v", r)
	}
	for i, d := range r.Documents {
		if !d.OK || d.Type != "penalty" || len(d.Disclosed) == 0 || d.Disclosed[0].Value != "" || d.Subject != "org:91350100M000100Y43" {
			t.Errorf("document %d: %+v", i, d)
		}
	}
	if got := r.Commands[0]; !got.OK || got.Issuer != "association" || got.Verb != "list.nominate" || got.Index != 1 {
		t.Errorf("command %+v", got)
	}
}

func render(t *testing.T, r *Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := Render(&out, r, "en"); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestWithoutTrust: consistent in itself is not verified, and the report says so.
func TestWithoutTrust(t *testing.T) {
	_, b := full(t)
	r := Verify(marshal(t, b), Options{})
	if !r.OK || r.Anchored {
		t.Fatalf("OK %v, anchored %v: %s", r.OK, r.Anchored, failed(r))
	}
	text := render(t, r)
	digest := must(ParseDigest(r.Charter))(t)
	for _, want := range []string{"CONSISTENT", "not compared", digest.Grouped()} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "VERIFIED") {
		t.Errorf("claims more than was compared:\n%s", text)
	}
}

func TestTrust(t *testing.T) {
	f, b := full(t)
	other := DigestOf([]byte("another charter"))
	r := Verify(marshal(t, b), Options{Trust: &other})
	if failed(r) != CheckTrust || r.Anchored {
		t.Errorf("another digest: %q", failed(r))
	}
	// A whole federation of an attacker's: consistent in itself, caught by the anchor.
	evil := newFixture(t)
	evil.charter["founded"] = testFounded - 1
	r = Verify(marshal(t, evil.full()), Options{})
	if !r.OK {
		t.Fatalf("the attacker's own federation: %s", failed(r))
	}
	real := DigestOf(f.payload())
	if r = Verify(marshal(t, evil.full()), Options{Trust: &real}); failed(r) != CheckTrust {
		t.Errorf("the attacker's federation against the real digest: %q", failed(r))
	}
}

func TestPolicyAnchor(t *testing.T) {
	policy := func(k int, members ...string) *tlog.Policy {
		var cosigners []tlog.Key
		for _, m := range members {
			cosigners = append(cosigners, must(tlog.CosignerKey(testFederation, m, cryptotest.Public(m, keys.Cosign)))(t))
		}
		return must(tlog.NewPolicy(k, cosigners...))(t)
	}
	_, b := full(t)
	data := marshal(t, b)
	if r := Verify(data, Options{Policy: policy(2, "regulator", "court")}); !r.Anchored {
		t.Errorf("policy satisfied: %q", failed(r))
	}
	if r := Verify(data, Options{Policy: policy(2, "regulator", "platform")}); failed(r) != CheckPolicy {
		t.Errorf("one of two: %q", failed(r))
	}
	if r := Verify(data, Options{Policy: policy(1, "stranger")}); failed(r) != CheckPolicy {
		t.Errorf("none: %q", failed(r))
	}
	// A policy vouches for the ledger, and only a logged charter is the ledger's.
	b.Charter.Logged = nil
	if r := Verify(marshal(t, b), Options{Policy: policy(2, "regulator", "court")}); failed(r) != CheckCharterLogged {
		t.Errorf("charter not logged: %q", failed(r))
	}
	_, b = full(t)
	b.Charter.Logged.Index = 1
	if r := Verify(marshal(t, b), Options{}); failed(r) != CheckCharterLogged {
		t.Errorf("charter logged elsewhere: %q", failed(r))
	}
}

// TestShow: values and persons' ids appear only if asked for.
func TestShow(t *testing.T) {
	f := newFixture(t)
	jwt, ds := f.document("regulator", "accord-record+sd-jwt", func(c map[string]any) { c["sub"] = "person:blinded-id-0001" })
	b := f.seal()
	b.AddDocument(KindRecord, jwt+"~"+ds[0].Encoded+"~"+ds[1].Encoded+"~")
	data := marshal(t, b)
	for _, lang := range []string{"zh", "en"} {
		for _, show := range []bool{false, true} {
			r := Verify(data, Options{Show: show})
			var text bytes.Buffer
			if err := Render(&text, r, lang); err != nil {
				t.Fatal(err)
			}
			both := text.String() + string(must(strictjson.Marshal(r))(t))
			for _, private := range []string{"secret reason", "250000", "blinded-id-0001"} {
				if strings.Contains(both, private) != show {
					t.Errorf("show %v: %q in the output is %v", show, private, !show)
				}
			}
			for _, name := range []string{"amount", "reason"} {
				if !strings.Contains(text.String(), name) || !strings.Contains(both, `"`+name+`"`) {
					t.Errorf("show %v: disclosed field %q is not listed", show, name)
				}
			}
		}
	}
}

// TestDefaultQuorum: a charter that says nothing asks for a majority of founders.
func TestDefaultQuorum(t *testing.T) {
	f := newFixture(t)
	delete(f.charter, "cosign_quorum")
	if r := Verify(marshal(t, f.seal()), Options{}); !r.OK || r.Checkpoint.Quorum != 3 {
		t.Errorf("three of five: %q", failed(r))
	}
	f.cosigners = f.cosigners[:2]
	if r := Verify(marshal(t, f.seal()), Options{}); failed(r) != CheckQuorum {
		t.Errorf("two of five: %q", failed(r))
	}
}

// TestTerminal: what a file holds cannot steer the terminal it is shown on.
func TestTerminal(t *testing.T) {
	f := newFixture(t)
	evil := "\x1b[2J\r\n\u202eevil" + strings.Repeat("x", 500)
	f.charter["name"] = Text{evil, evil}
	f.command("court", evil, map[string]any{}, func(p map[string]any) { p["op"] = evil })
	b := f.seal()
	f.add(b)
	b.AddDocument(evil, evil)
	text := render(t, Verify(marshal(t, b), Options{Show: true}))
	for _, bad := range []string{"\x1b", "\r", "\u202e", strings.Repeat("x", 300)} {
		if strings.Contains(text, bad) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
}

// TestMany: the text stays readable and the report complete.
func TestMany(t *testing.T) {
	f := newFixture(t)
	for range 120 {
		f.command("court", "list.nominate", map[string]any{}, func(p map[string]any) { p["fed"] = "gansu" })
	}
	b := f.seal()
	f.add(b)
	r := Verify(marshal(t, b), Options{})
	if failed(r) != CheckCommandForm || len(r.Commands) != 120 {
		t.Fatalf("failed %q", failed(r))
	}
	if lines := strings.Count(render(t, r), "\n"); lines > 2*maxListed+30 {
		t.Errorf("%d lines of text", lines)
	}
}

func TestDigest(t *testing.T) {
	d := DigestOf([]byte("abc"))
	const hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if d.String() != "sha256:"+hex || strings.ReplaceAll(d.Grouped(), " ", "") != hex {
		t.Errorf("%s, %s", d, d.Grouped())
	}
	for _, s := range []string{d.String(), hex, strings.ToUpper(hex), d.Grouped(), " sha256: " + d.Grouped() + " "} {
		if got, err := ParseDigest(s); err != nil || got != d {
			t.Errorf("ParseDigest(%q) = %v", s, err)
		}
	}
	for _, s := range []string{"", "sha256:", hex[:62], hex + "00", "g" + hex[1:], "sha512:" + hex, "sha256:sha256:" + hex, hex[:63]} {
		if _, err := ParseDigest(s); err == nil {
			t.Errorf("ParseDigest(%q) accepted", s)
		}
	}
}
