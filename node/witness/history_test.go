package witness

import (
	"errors"
	"strings"
	"testing"

	"accord/exchange"
)

// TestAHistoryIsReplayed: what holds, holds; and every kind of tampering with a
// node's folder shows, with the number at which it begins.
//
// Shows: B8, I5
func TestAHistoryIsReplayed(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.grow(4)
	court := w.member["court"]
	point, err := court.Gather(ctx, 4)
	if err != nil {
		t.Fatal(err)
	}
	view := court.machine.View()
	all := func() (out []Stated) {
		for st := range view.Statements(0) {
			out = append(out, Stated{st.Seq, st.JWS, st.OK})
		}
		return out
	}
	replay := func(statements []Stated) (*History, error) {
		h, err := NewHistory(w.genesis)
		if err != nil {
			t.Fatal(err)
		}
		return h, h.Add(statements)
	}
	h, err := replay(all())
	if err != nil || h.Compare(view) != nil || h.Cosigned([]byte(point.Note)) != nil {
		t.Fatalf("a good history does not hold: %v", err)
	}
	if r := h.Report(); r.Statements != 4 || r.Refused != 4 || r.Cosigned != 4 || r.Beyond != 1 || r.Checkpoints != 1 || r.Root != view.Root() {
		t.Errorf("%+v", r)
	}
	for name, c := range map[string]struct {
		spoil func(s []Stated) []Stated
		seq   string
	}{
		"one left out":       {func(s []Stated) []Stated { return append(s[:1:1], s[2:]...) }, "2"},
		"two exchanged":      {func(s []Stated) []Stated { s[1].JWS, s[2].JWS = s[2].JWS, s[1].JWS; return s }, ""},
		"a changed body":     {func(s []Stated) []Stated { s[2].JWS = strings.Replace(s[2].JWS, "ey", "eY", 1); return s }, "3"},
		"a broken signature": {func(s []Stated) []Stated { s[3].JWS = s[3].JWS[:len(s[3].JWS)-6] + "AAAAAA"; return s }, "4"},
		"another answer":     {func(s []Stated) []Stated { s[0].OK = true; return s }, "1"},
		"one twice":          {func(s []Stated) []Stated { s[2].JWS = s[1].JWS; return s }, "3"},
	} {
		h, err := replay(c.spoil(all()))
		if c.seq == "" && err == nil {
			err = h.Compare(view)
		}
		var e *exchange.Error
		if !errors.Is(err, ErrHistory) || errors.As(err, &e) && c.seq != "" && e.Args[0].Value != c.seq {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, note := range map[string]string{
		"a minority":    string(signedBy(t, []byte(point.Note), "court", "regulator")),
		"another root":  string(forked(t, "court", []byte(point.Note))),
		"no note":       "x",
		"a changed one": strings.Replace(point.Note, "\n4\n", "\n3\n", 1),
	} {
		if err := h.Cosigned([]byte(note)); !errors.Is(err, ErrHistory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	spoilRow(court.machine)
	if err := h.Compare(court.machine.View()); !errors.Is(err, ErrHistory) {
		t.Errorf("a changed row: %v", err)
	}
}
