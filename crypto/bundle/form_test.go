package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"accord/crypto/tlog"
)

func TestParseRefuses(t *testing.T) {
	_, b := full(t)
	good := string(marshal(t, b))
	b.Documents = nil
	bare := string(marshal(t, b)) // where nothing else refers to an index
	for name, bad := range map[string]string{
		"empty":                    "",
		"not JSON":                 "bundle",
		"null":                     "null",
		"array":                    "[]",
		"trailing data":            good + "{}",
		"unknown format":           strings.Replace(good, Format, "accord-bundle/2", 1),
		"no format":                strings.Replace(good, `"format":"accord-bundle/1",`, "", 1),
		"unknown member":           `{"extra":1,` + good[1:],
		"member twice":             `{"format":"accord-bundle/1",` + good[1:],
		"member in other case":     strings.Replace(good, `"commands"`, `"Commands"`, 1),
		"federation's name":        strings.Replace(good, `"federation":"qinghai"`, `"federation":"../gansu"`, 1),
		"no charter":               strings.Replace(good, `"signatures":[`, `"signatures":[],"x":[`, 1),
		"negative index":           strings.Replace(bare, `"index":1,`, `"index":-1,`, 1),
		"index twice":              strings.Replace(bare, `"index":2,`, `"index":1,`, 1),
		"index out of order":       strings.Replace(bare, `"index":1,`, `"index":9,`, 1),
		"index not whole":          strings.Replace(good, `"index":1,`, `"index":1.5,`, 1),
		"rests on what is absent":  strings.Replace(good, `"rests_on":1`, `"rests_on":7`, 1),
		"change of what is absent": strings.Replace(good, `"commands"`, `"changes":[7],"commands"`, 1),
		"change twice":             strings.Replace(good, `"commands"`, `"changes":[1,1],"commands"`, 1),
		"short hash":               strings.Replace(good, `"proof":["`, `"proof":["AAAA","`, 1),
	} {
		b, err := Parse([]byte(bad))
		if b != nil || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
		if r := Verify([]byte(bad), Options{}); r.OK || failed(r) != CheckForm {
			t.Errorf("%s: failed %q", name, failed(r))
		}
	}
}

func TestLimits(t *testing.T) {
	if _, err := Parse(make([]byte, MaxFile+1)); !errors.Is(err, ErrLimit) {
		t.Errorf("file: %v", err)
	}
	for name, change := range map[string]func(*Bundle){
		"commands": func(b *Bundle) {
			for i := range int64(MaxCommands + 1) {
				b.Commands = append(b.Commands, Command{Index: i})
			}
		},
		"documents":  func(b *Bundle) { b.Documents = make([]Document, MaxDocuments+1) },
		"signatures": func(b *Bundle) { b.Charter.Signatures = make([]string, MaxMembers+1) },
	} {
		b := New("qinghai", []string{"x"}, nil)
		change(b)
		if data, err := b.Marshal(); data != nil || !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(data); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: read: %v", name, err)
		}
	}
}

func TestMarshal(t *testing.T) {
	_, b := full(t)
	data := marshal(t, b)
	back, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if again := marshal(t, back); !bytes.Equal(again, data) {
		t.Error("written differently after reading")
	}
}

// TestBuild: the node cannot by mistake prove against another ledger or size.
func TestBuild(t *testing.T) {
	f, b := full(t)
	view := f.ledger.View()
	if err := b.AddCommand(view, 2, f.commands[1], Accepted); !errors.Is(err, ErrFormat) {
		t.Errorf("a command twice: %v", err)
	}
	if err := b.AddCommand(view, 4, "x", Accepted); !errors.Is(err, tlog.ErrRange) {
		t.Errorf("a command beyond the checkpoint: %v", err)
	}
	var other tlog.Tree
	for i := range int64(9) {
		other.Append(tlog.LeafHash(fmt.Append(nil, i)))
	}
	if err := b.AddCommand(other.View(), 3, "x", Accepted); !errors.Is(err, ErrFormat) {
		t.Errorf("a command of another ledger: %v", err)
	}
	if err := b.LogCharter(tlog.View{}, 0); !errors.Is(err, ErrFormat) {
		t.Errorf("a ledger that is behind the checkpoint: %v", err)
	}
	if err := New("qinghai", nil, []byte("no note")).AddCommand(view, 1, "x", Accepted); !errors.Is(err, tlog.ErrFormat) {
		t.Errorf("no checkpoint: %v", err)
	}
	// The ledger may have gone on since the checkpoint.
	f.ledger.Append(tlog.LeafHash([]byte("later")))
	late := New("qinghai", b.Charter.Signatures, []byte(b.Checkpoint))
	if err := late.AddCommand(f.ledger.View(), 1, f.commands[0], Accepted); err != nil {
		t.Fatal(err)
	}
	if r := Verify(marshal(t, late), Options{}); !r.OK {
		t.Errorf("failed %q", failed(r))
	}
}

// TestLeaf fixes the bytes of a leaf; they can never change.
func TestLeaf(t *testing.T) {
	const want = "accord-ledger-leaf/1\ncommand-0000000001\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\naccepted\n"
	if got := string(Leaf("command-0000000001", []byte("abc"), Accepted)); got != want {
		t.Errorf("Leaf = %q", got)
	}
	if got := string(CharterLeaf([]byte("abc"))); got != strings.Replace(want, "command-0000000001", "charter", 1) {
		t.Errorf("CharterLeaf = %q", got)
	}
}

// TestEveryCheckHasTexts: no check can be reported without a sentence.
func TestEveryCheckHasTexts(t *testing.T) {
	_, b := full(t)
	b.Changes = []int64{1}
	for _, c := range Verify(marshal(t, b), Options{}).Checks {
		if c.Text.Zh == "" || c.Text.En == "" {
			t.Errorf("%s has no text", c.Name)
		}
	}
	for name, c := range checks {
		for _, text := range []Text{c.passed, c.failed} {
			if text.Zh == "" || text.En == "" {
				t.Errorf("%s lacks a text", name)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	fix, b := full(f)
	good := marshal(f, b)
	digest := DigestOf(fix.payload())
	f.Add(good)
	f.Add([]byte(`{"format":"accord-bundle/1","federation":"q","charter":{"signatures":["a.b.c"]},"checkpoint":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := Parse(data)
		if (err == nil) == (parsed == nil) {
			t.Fatal("neither or both of a bundle and an error")
		}
		r := Verify(data, Options{Trust: &digest})
		if r.OK {
			// Whatever else the bytes say, the charter is the real one and what
			// is reported as verified was signed with the fixture's keys.
			if r.Charter != digest.String() {
				t.Error("verified another charter")
			}
			for _, c := range r.Commands {
				if c.ID != fix.ids[0] && c.ID != fix.ids[1] {
					t.Errorf("verified a command nobody gave: %q", c.ID)
				}
			}
		}
		if (failed(r) == "") != r.OK {
			t.Error("OK and the checks disagree")
		}
		for _, lang := range []string{"zh", "en"} {
			if err := Render(&bytes.Buffer{}, r, lang); err != nil {
				t.Error(err)
			}
		}
		if parsed == nil {
			return
		}
		again, err := parsed.Marshal()
		if err != nil {
			t.Fatalf("what parses does not marshal: %v", err)
		}
		if r2 := Verify(again, Options{Trust: &digest}); r2.OK != r.OK || len(r2.Checks) != len(r.Checks) {
			t.Error("verdict changes by reading and writing")
		}
	})
}
