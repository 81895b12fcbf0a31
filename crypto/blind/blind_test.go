package blind

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// key is 00 01 02 … 1f.
func key() []byte {
	k := make([]byte, KeySize)
	for i := range k {
		k[i] = byte(i)
	}
	return k
}

func newBlinder(t *testing.T, k []byte) Blinder {
	t.Helper()
	b, err := NewHMAC(k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGolden pins the construction: ids live for as long as the federation, so
// a change of framing or tag must not pass unseen. The values were computed
// with Python's hmac and hashlib (see the comment at each).
func TestGolden(t *testing.T) {
	b := newBlinder(t, key())
	// hmac.new(bytes(range(32)), b"".join(len(p).to_bytes(8,"big")+p for p in
	//   (b"accord-blind-id/v1", b"cn-rid", b"11010519491231002X")), "sha256")
	got, err := b.Blind(context.Background(), "cn-rid", "11010519491231002X")
	if err != nil {
		t.Fatal(err)
	}
	if want := "h1.hwfkip2glwGxsN6Arib0Y59qq5l8au2S-vQKxwBxM44"; got != want {
		t.Errorf("Blind = %s, want %s", got, want)
	}
	// … for p in (b"accord-blind-commitment/v1",)
	if got, want := Commitment(key()), "yS7K-i8eiTyExTQIMtW1lUXVN74CaLdhH7bdzva1Cug"; got != want {
		t.Errorf("Commitment = %s, want %s", got, want)
	}
}

func TestFramingSeparates(t *testing.T) {
	b := newBlinder(t, key())
	other := key()
	other[0] ^= 1
	b2 := newBlinder(t, other)
	seen := map[string]string{}
	for _, c := range []struct {
		b             Blinder
		namespace, id string
	}{
		{b, "ab", "c"}, {b, "a", "bc"}, {b, "abc", "d"}, {b, "a", "b"}, {b, "b", "a"}, {b2, "a", "b"},
	} {
		id, err := c.b.Blind(context.Background(), c.namespace, c.id)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s|%s", c.namespace, c.id)
		if was, dup := seen[id]; dup {
			t.Errorf("%s and %s share an id", was, name)
		}
		seen[id] = name
		if err := Check(id); err != nil {
			t.Errorf("Check(%s): %v", id, err)
		}
	}
	if Commitment(key()) == Commitment(other) {
		t.Error("two keys share a commitment")
	}
}

func TestRefusals(t *testing.T) {
	for _, k := range [][]byte{nil, make([]byte, 31), make([]byte, 33), make([]byte, KeySize)} {
		if b, err := NewHMAC(k); b != nil || !errors.Is(err, ErrKey) {
			t.Errorf("key of %d bytes: %v, %v", len(k), b, err)
		}
		if Commitment(k) != "" {
			t.Errorf("commitment to a refused key of %d bytes", len(k))
		}
	}
	b := newBlinder(t, key())
	long := strings.Repeat("9", MaxPart+1)
	for _, c := range [][2]string{{"", "x"}, {"x", ""}, {"x", long}, {long, "x"}, {"x", "1 2"}, {"x", "12\n"},
		{"x", "\u3000" + "12"}, {"x", "12\x00"}, {"x", "\xff"}, {"x", "12\u200b"}, {"x\t", "12"}} {
		id, err := b.Blind(context.Background(), c[0], c[1])
		if id != "" || !errors.Is(err, ErrPart) {
			t.Errorf("%q %q: %q, %v", c[0], c[1], id, err)
		}
		if len(c[1]) > 1 && strings.Contains(err.Error(), c[1]) {
			t.Errorf("error tells the id")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Blind(ctx, "a", "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled context: %v", err)
	}
}

func TestCheck(t *testing.T) {
	good, err := newBlinder(t, key()).Blind(context.Background(), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "h1", "h1.", "h2" + good[2:], "H1" + good[2:], good + "A", good[:len(good)-1], good + "\n",
		good[:len(good)-1] + "_", good[:10] + "\n" + good[11:], good[:10] + "+" + good[11:], " " + good, "11010519491231002X"} {
		if err := Check(bad); !errors.Is(err, ErrForm) {
			t.Errorf("Check(%q) = %v", bad, err)
		}
	}
}

func TestKeyIsNeverFormatted(t *testing.T) {
	b := newBlinder(t, key())
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "blinder", b)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "blinder", b)
	js, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out += fmt.Sprintf(verb, b) + "\n"
	}
	for _, leak := range []string{"0 1 2 3", "0x0", "000102", "0, 1, 2", base64.StdEncoding.EncodeToString(key())[:8]} {
		if strings.Contains(out, leak) {
			t.Errorf("output holds key bytes (%q):\n%s", leak, out)
		}
	}
}

func FuzzBlind(f *testing.F) {
	f.Add("cn-rid", "11010519491231002X")
	f.Add("", "")
	f.Add("a", "军字第0001号")
	b, err := NewHMAC(key())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, namespace, id string) {
		out, err := b.Blind(context.Background(), namespace, id)
		if (err == nil) != (out != "") {
			t.Fatalf("result %q with error %v", out, err)
		}
		if err == nil && Check(out) != nil {
			t.Fatalf("made %q, refuses it", out)
		}
	})
}

func BenchmarkBlind(b *testing.B) {
	bl, err := NewHMAC(key())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := bl.Blind(context.Background(), "cn-rid", "11010519491231002X"); err != nil {
			b.Fatal(err)
		}
	}
}
