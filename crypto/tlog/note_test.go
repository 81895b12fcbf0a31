package tlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"accord/crypto/keys"
)

func testSigner(t testing.TB, member string) *Signer {
	t.Helper()
	private, err := keys.Generate(keys.Cosign, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewCosigner("qinghai", member, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testCheckpoint() Checkpoint {
	v := testTree(9).View()
	return Checkpoint{Origin: LedgerOrigin("qinghai"), Size: v.Size(), Root: v.Root()}
}

func signed(t testing.TB, c Checkpoint, signers ...*Signer) []byte {
	t.Helper()
	var sigs []Signature
	for i, s := range signers {
		sig, err := s.Sign(c, 1700000000+int64(i))
		if err != nil {
			t.Fatal(err)
		}
		sigs = append(sigs, sig)
	}
	msg, err := Format(c, sigs...)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestParseCheckpointRefuses(t *testing.T) {
	c := testCheckpoint()
	root := c.Root.String()
	for _, bad := range []string{
		"", "\n\n\n", "o\n1\n" + root, "\n1\n" + root + "\n", "o\n\n" + root + "\n",
		"o\n01\n" + root + "\n", "o\n+1\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n0x1\n" + root + "\n",
		"o\n1 \n" + root + "\n", "o\n1\n" + root + " \n", "o\n1\n" + root + "\n\n", "o\n1\n" + root + "\nextension\n",
		"o\n1152921504606846977\n" + root + "\n", "o\n9223372036854775808\n" + root + "\n",
		"o\n1\n" + strings.TrimRight(root, "=") + "\n", "o\n1\n" + root[:42] + "B=\n", "o\n1\n" + root[:20] + "\r" + root[20:] + "\n",
		"o\x01\n1\n" + root + "\n", "o\xff\n1\n" + root + "\n", strings.Repeat("o", 256) + "\n1\n" + root + "\n",
	} {
		if got, err := ParseCheckpoint(bad); !errors.Is(err, ErrFormat) || got != (Checkpoint{}) {
			t.Errorf("ParseCheckpoint(%q) = %v, %v", bad, got, err)
		}
	}
	if got, err := ParseCheckpoint(c.Text()); err != nil || got != c {
		t.Errorf("ParseCheckpoint(own text) = %v, %v", got, err)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	key := testSigner(t, "court").Key()
	good := key.String()
	if got, err := ParseKey(good); err != nil || got != key {
		t.Fatalf("ParseKey = %v, %v", got, err)
	}
	name, rest, _ := strings.Cut(good, "+")
	id, data, _ := strings.Cut(rest, "+")
	for _, bad := range []string{
		"", "+", "++", name, name + "+" + id, good + "=", good + "\n", " " + good, "x" + good,
		"a b+" + rest, "+" + rest, name + "+" + strings.ToUpper(id) + "Z+" + data, name + "+00000000+" + data,
		name + "+" + id + "+", name + "+" + id + "+BA==", name + "+" + id + "+Bg" + data[2:], name + "+" + id + "+" + data[:8],
	} {
		if got, err := ParseKey(bad); !errors.Is(err, ErrKey) || got != (Key{}) {
			t.Errorf("ParseKey(%q) = %v, %v", bad, got, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\tb", "a\u3000b", "a\u00a0b", "a\x01", "a\xff", strings.Repeat("a", 256)} {
		if _, err := NewKey(name, TypeCosignature, key.Public()); !errors.Is(err, ErrKey) {
			t.Errorf("NewKey(%q): %v", name, err)
		}
	}
	if _, err := NewKey("a", 0x06, key.Public()); !errors.Is(err, ErrKey) {
		t.Errorf("NewKey of type 6: %v", err)
	}
	command, _ := keys.Generate(keys.Command, rand.Reader)
	if _, err := NewCosigner("qinghai", "court", command); !errors.Is(err, ErrKey) {
		t.Errorf("a command key cosigns: %v", err)
	}
	if _, err := NewLogSigner("qinghai", command); !errors.Is(err, ErrKey) {
		t.Errorf("a command key signs as log: %v", err)
	}
}

// TestKeyAgainstMod: our plain Ed25519 notes open with x/mod and theirs here.
func TestKeyAgainstMod(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "example.com/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(skey)
	c := testCheckpoint()
	msg, _ := note.Sign(&note.Note{Text: c.Text()}, signer)
	key, err := ParseKey(vkey)
	if err != nil || key.String() != vkey {
		t.Fatalf("ParseKey(%q) = %v, %v", vkey, key, err)
	}
	if got, err := Open(msg, c.Origin, key); err != nil || got.Checkpoint != c {
		t.Fatalf("Open of x/mod's note: %v", err)
	}
	private, _ := keys.Generate(keys.Cosign, rand.Reader)
	log, err := NewLogSigner("qinghai", private)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := note.NewEd25519VerifierKey(c.Origin, private.Public().Ed25519())
	if log.Key().String() != want {
		t.Fatalf("vkey %s, want %s", log.Key(), want)
	}
	verifier, _ := note.NewVerifier(want)
	if n, err := note.Open(signed(t, c, log, testSigner(t, "court")), note.VerifierList(verifier)); err != nil || n.Text != c.Text() {
		t.Fatalf("x/mod opens our note: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	a, b := testSigner(t, "a"), testSigner(t, "b")
	mixed := NewSigner(a.Key(), b.signer)
	if _, err := mixed.Sign(testCheckpoint(), 1); !errors.Is(err, ErrSignature) {
		t.Errorf("signed with another key: %v", err)
	}
	if _, err := a.Sign(testCheckpoint(), -1); !errors.Is(err, ErrRange) {
		t.Errorf("signed at a negative time: %v", err)
	}
	for _, c := range []Checkpoint{{}, {Origin: "a\nb"}, {Origin: "a", Size: -1}, {Origin: "a", Size: MaxSize + 1}} {
		if _, err := a.Sign(c, 1); !errors.Is(err, ErrFormat) {
			t.Errorf("signed %+v: %v", c, err)
		}
		if _, err := Format(c, Signature{Name: "a", Bytes: []byte{1}}); !errors.Is(err, ErrFormat) {
			t.Errorf("formatted %+v: %v", c, err)
		}
	}
	if _, err := Format(testCheckpoint()); !errors.Is(err, ErrUnsigned) {
		t.Errorf("formatted without signatures: %v", err)
	}
	sig, _ := a.Sign(testCheckpoint(), 1)
	if _, err := Format(testCheckpoint(), sig, sig); !errors.Is(err, ErrFormat) {
		t.Errorf("formatted a repeated signature: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	a, b, stranger := testSigner(t, "a"), testSigner(t, "b"), testSigner(t, "c")
	c := testCheckpoint()
	msg := signed(t, c, a, b, stranger)
	got, err := Open(msg, c.Origin, a.Key(), b.Key())
	if err != nil || len(got.Signatures) != 2 || len(got.Unknown) != 1 || got.Signatures[1].Unix != 1700000001 {
		t.Fatalf("Open = %+v, %v", got, err)
	}
	lines := strings.SplitAfter(string(msg), "\n") // origin size root "" a b stranger ""
	join := func(parts ...string) string { return strings.Join(parts, "") }
	head := join(lines[:4]...)
	other := c
	other.Size--
	swapped := strings.SplitAfter(string(signed(t, other, a)), "\n")[4]
	for _, tc := range []struct {
		name string
		msg  string
		want error
	}{
		{"size changed", strings.Replace(string(msg), "\n9\n", "\n8\n", 1), ErrSignature},
		{"origin changed", strings.Replace(string(msg), "qinghai/ledger", "gansu/ledger", 1), ErrOrigin},
		{"signature of another size", join(head, swapped), ErrSignature},
		{"only strangers", join(head, lines[6]), ErrUnsigned},
		{"no signatures", head, ErrFormat},
		{"no text", join(lines[3:]...), ErrFormat},
		{"repeated signature", join(head, lines[4], lines[4]), ErrFormat},
		{"repeated unknown signature", join(head, lines[4], lines[6], lines[6]), ErrFormat},
		{"extension line", join(lines[:3]...) + "ext\n\n" + lines[4], ErrFormat},
		{"no final newline", strings.TrimSuffix(string(msg), "\n"), ErrFormat},
		{"carriage returns", strings.ReplaceAll(string(msg), "\n", "\r\n"), ErrFormat},
		{"invalid UTF-8", string(msg[:3]) + "\xff" + string(msg[3:]), ErrFormat},
		{"stray bits in base64", join(head, strayBits(lines[4])), ErrFormat},
		{"too long", string(msg) + strings.Repeat(lines[6], MaxNote/len(lines[6])), ErrFormat},
	} {
		got, err := Open([]byte(tc.msg), c.Origin, a.Key())
		if !errors.Is(err, tc.want) || got != nil {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if _, err := Open(msg, LedgerOrigin("gansu"), a.Key()); !errors.Is(err, ErrOrigin) {
		t.Errorf("other origin: %v", err)
	}
	bad := bytes.Replace(msg, []byte(lines[5]), []byte(forge(t, lines[5])), 1)
	if _, err := Open(bad, c.Origin, a.Key(), b.Key()); !errors.Is(err, ErrSignature) {
		t.Errorf("one good and one bad known signature: %v", err)
	}
}

// strayBits changes the text of a cosignature line and not its value: 76 bytes
// leave four unused bits in the last base64 digit before the padding.
func strayBits(line string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := len(line) - len("==\n") - 1
	return line[:i] + string(alphabet[strings.IndexByte(alphabet, line[i])^1]) + line[i+1:]
}

// forge flips a bit of a signature line's signature.
func forge(t *testing.T, line string) string {
	t.Helper()
	sig, err := ParseSignature(strings.TrimSuffix(line, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	sig.Bytes = bytes.Clone(sig.Bytes)
	sig.Bytes[20] ^= 1
	return sig.String() + "\n"
}

// TestCosignatureIsNotALogSignature: the two signature types never stand in for
// each other, though one key may make both.
func TestCosignatureIsNotALogSignature(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	k1, _ := NewKey("k", TypeEd25519, public)
	k4, _ := NewKey("k", TypeCosignature, public)
	if k1.ID() == k4.ID() {
		t.Fatal("same key id for both types")
	}
	text := testCheckpoint().Text()
	plain := ed25519.Sign(private, []byte(text))
	stamped := append(make([]byte, 8), ed25519.Sign(private, cosignedMessage(text, 0))...)
	if !k1.verify(text, plain) || !k4.verify(text, stamped) {
		t.Fatal("own signatures do not verify")
	}
	negative := append([]byte{0x80, 0, 0, 0, 0, 0, 0, 0}, ed25519.Sign(private, cosignedMessage(text, -1<<63))...)
	if k4.verify(text, plain) || k1.verify(text, stamped) || k1.verify(text, stamped[8:]) ||
		k4.verify(text, append(make([]byte, 8), plain...)) || k4.verify(text, negative) {
		t.Error("one signature type passed for the other")
	}
}
