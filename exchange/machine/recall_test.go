package machine_test

import (
	"strings"
	"testing"

	"accord/crypto/jws"
	"accord/exchange"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// TestRecall: of all that was stored only rosters are learned again, and all of
// them.
func TestRecall(t *testing.T) {
	m := New(t)
	rosters := 0
	for _, p := range append(History(t, 5, 200), Bulk(t, 0, 1, 3)...) {
		token, err := jws.Parse(string(p))
		Must(t, err)
		cmd, err := exchange.DecodeCommand(token.Payload)
		if err != nil {
			continue
		}
		if verb, known := machine.VerbOf(p); !known || verb != cmd.Verb {
			t.Fatalf("verb %q, %v of %s", verb, known, cmd.Verb)
		}
		m.Recall(p)
		got := machine.Remembered(m, p)
		if cmd.Verb == exchange.VerbRoster && m.Check(p) == nil {
			if rosters++; !got {
				t.Fatal("a roster was not learned")
			}
		} else if got {
			t.Fatalf("%s was judged again", cmd.Verb)
		}
	}
	if rosters == 0 {
		t.Error("no roster among them")
	}
	for _, odd := range []string{"", ".", "a.b.c", "." + strings.Repeat("A", 2000), strings.Repeat(".", 9)} {
		m.Recall([]byte(odd))
		if _, known := machine.VerbOf([]byte(odd)); known {
			t.Errorf("a verb in %q", odd)
		}
	}
}
