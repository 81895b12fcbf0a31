package strictjson

import (
	"bytes"
	"encoding/json"
	"testing"
)

type plainDoc struct {
	Name  string          `json:"name"`
	Count int64           `json:"count"`
	Tags  []string        `json:"tags"`
	Raw   json.RawMessage `json:"raw"`
}

func readPlain(text string) (d plainDoc, ok bool) {
	p := NewPlain(text)
	p.Skip(`{"name":`)
	d.Name = p.String()
	p.Skip(`,"count":`)
	d.Count = p.Int()
	p.Skip(`,"tags":`)
	d.Tags = p.Strings()
	p.Skip(`,"raw":`)
	d.Raw = json.RawMessage(p.Value())
	p.Skip("}")
	return d, p.Done()
}

var plainSeeds = []string{
	`{"name":"a","count":1,"tags":["x","中"],"raw":{"a":[1,{"b":"c"}],"d":true}}`,
	`{"name":"","count":0,"tags":[],"raw":[]}`,
	`{"name":"a","count":01,"tags":[],"raw":1}`,
	`{"name":"a","count":999999999999999999,"tags":[],"raw":"` + "\x7f" + `"}`,
	`{"name":"a","count":1,"tags":[],"raw":{"a":1,"a":2}}`,
	`{"name":"a","count":1,"tags":["\u0041"],"raw":1}`,
	`{"name":"` + "\xff" + `","count":1,"tags":[],"raw":1}`,
	`{"name":"a","count":1,"tags":[],"raw":[1,]}`,
	`{"name":"a","count":1,"tags":[],"raw":{"a":1,}}`,
	`{"name":"a","count":1,"tags":[],"raw":1} `,
	`{"name":"a","count":1,"tags":[],"raw":00}`,
	`{"name":"a","count":1,"tags":[],"raw":[[[[[[[[[[1]]]]]]]]]]}`,
}

func TestPlainTakesThePlain(t *testing.T) {
	for i, s := range plainSeeds {
		if _, ok := readPlain(s); ok != (i < 2) {
			t.Errorf("%s: %v", s, ok)
		}
	}
}

// FuzzPlain: what Plain takes Unmarshal takes, with the same values, and
// Marshal writes the same text again.
func FuzzPlain(f *testing.F) {
	for _, s := range plainSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := readPlain(text)
		if !ok {
			return
		}
		var want plainDoc
		if err := Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("Plain took %q, Unmarshal says %v", text, err)
		}
		again, err := Marshal(got)
		wanted, err2 := Marshal(want)
		if err != nil || err2 != nil || string(again) != string(wanted) || string(again) != text {
			t.Fatalf("%q, %q, %q", again, wanted, text)
		}
	})
}

// TestPlainText: wherever a byte stands, and beside whatever, it is judged as alone.
func TestPlainText(t *testing.T) {
	for b := range 256 {
		alone := b >= 0x20 && b != '\\' && b != 0x7f && b < 0x80
		for length := 1; length <= 26; length++ {
			for _, beside := range []byte{' ', 'a', '~', 0x7e, 0x5b, 0x5d} {
				text := bytes.Repeat([]byte{beside}, length)
				for at := range text {
					text[at] = byte(b)
					if plainText(string(text)) != alone {
						t.Fatalf("%q: %v", text, !alone)
					}
					text[at] = beside
				}
			}
		}
	}
	for text, want := range map[string]bool{"": true, "名单条目名单条目": true, "名单条目名单条目\xe5": false, "abcdefgh\xff": false, "名单\x01条目名单条目": false} {
		if plainText(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
