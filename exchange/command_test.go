package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"accord/crypto/strictjson"
)

func sample() Command {
	return Command{Federation: "qinghai", Issuer: "court", Operator: "zhang.san", At: 1448409600000,
		Catalogue: 1, ID: "AAAAAAAAAAAAAAAAAAAAAA", Verb: VerbNominate, Body: json.RawMessage(`{"entries":[]}`)}
}

func TestCommandRoundTrip(t *testing.T) {
	data, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"fed":"qinghai","iss":"court","op":"zhang.san","iat":1448409600000,"cat":1,"id":"AAAAAAAAAAAAAAAAAAAAAA","verb":"list.nominate","body":{"entries":[]}}`
	if string(data) != want {
		t.Errorf("encoding changed:\n%s", data)
	}
	back, err := DecodeCommand(data)
	if err != nil || !bytes.Equal(back.Body, sample().Body) || back.ID != sample().ID {
		t.Fatalf("%+v %v", back, err)
	}
}

func TestDecodeCommandRefusesOtherSpellings(t *testing.T) {
	good, _ := sample().Encode()
	for name, edit := range map[string][2]string{
		"white space":     {`{"fed"`, `{ "fed"`},
		"escape":          {`"court"`, `"\u0063ourt"`},
		"unknown member":  {`"cat":1`, `"cat":1,"x":1`},
		"duplicate":       {`"cat":1`, `"cat":1,"cat":1`},
		"wrong case":      {`"iss"`, `"Iss"`},
		"missing":         {`"op":"zhang.san",`, ``},
		"null":            {`"zhang.san"`, `null`},
		"float":           {`"cat":1`, `"cat":1.0`},
		"time zero":       {`1448409600000`, `0`},
		"time negative":   {`1448409600000`, `-1`},
		"time huge":       {`1448409600000`, `9007199254740992`},
		"short id":        {`AAAAAAAAAAAAAAAAAAAAAA`, `AAAA`},
		"verb without .":  {`list.nominate`, `nominate`},
		"verb upper case": {`list.nominate`, `List.nominate`},
		"body array":      {`{"entries":[]}`, `[]`},
		"body duplicate":  {`{"entries":[]}`, `{"a":1,"a":2}`},
		"body spaces":     {`{"entries":[]}`, `{"entries": []}`},
		"trailing":        {`]}}`, `]}} {}`},
		"issuer path":     {`"court"`, `"../x"`},
	} {
		data := []byte(strings.Replace(string(good), edit[0], edit[1], 1))
		if bytes.Equal(data, good) {
			t.Fatalf("%s: the edit does nothing", name)
		}
		if c, err := DecodeCommand(data); err == nil || c.ID != "" {
			t.Errorf("%s: accepted %s", name, data)
		}
	}
	if _, err := DecodeCommand(make([]byte, MaxCommand+1)); !errors.Is(err, ErrCommandSize) {
		t.Errorf("size: %v", err)
	}
}

func TestResultRoundTrip(t *testing.T) {
	for _, r := range []Result{
		{ID: sample().ID, Index: 7, Seq: 3, OK: true, Body: json.RawMessage(`{"n":1}`)},
		{ID: sample().ID, Index: 7, Repeat: true, Error: errProbe.With("entry", "e").At("/e")},
	} {
		data, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeResult(data)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := back.Encode()
		if !bytes.Equal(again, data) {
			t.Errorf("%s became %s", data, again)
		}
	}
	if _, err := DecodeResult([]byte(`{"id":"AAAAAAAAAAAAAAAAAAAAAA","index":1,"seq":0,"ok":false}`)); err == nil {
		t.Error("neither done nor refused, yet accepted")
	}
}

func TestPlainText(t *testing.T) {
	for s, want := range map[string]bool{
		"已经修复": true, "a b": true, "": false, " a": false, "a ": false, "a\nb": false, "a\u202eb": false,
		"a\u200bb": false, "\xff": false, "12345": false, "一二三四": true, "\u0085": false,
	} {
		if got := PlainText(s, 4); got != want {
			t.Errorf("PlainText(%q) = %v", s, got)
		}
	}
}

func TestValidDigest(t *testing.T) {
	good := "sha256:" + strings.Repeat("0a", 32)
	if !ValidDigest(good) || ValidDigest(strings.ToUpper(good)) || ValidDigest(good+"0") || ValidDigest(good[7:]) || !ValidHash(good[7:]) {
		t.Error("digest form")
	}
}

func FuzzDecodeCommand(f *testing.F) {
	good, _ := sample().Encode()
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"fed":"q","iss":"a","op":"b","iat":1,"cat":1,"id":"AAAAAAAAAAAAAAAAAAAAAA","verb":"a.b","body":{"x":"\u00e9","n":1e3}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeCommand(data)
		if general, other := anyCommand(data); len(data) <= MaxCommand && !reflect.DeepEqual(c, general) || (err == nil) != (other == nil) {
			t.Fatalf("read as %+v (%v), the general way as %+v (%v)", c, err, general, other)
		}
		if err != nil {
			if c.ID != "" || c.Body != nil {
				t.Fatal("an error with a command")
			}
			return
		}
		again, err := c.Encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s re-encodes as %s (%v)", data, again, err)
		}
	})
}

// TestPlainResults: the quick way of writing an answer writes what the general
// one does.
func TestPlainResults(t *testing.T) {
	taken := 0
	for _, id := range []CommandID{"AAAAAAAAAAAAAAAAAAAAAA", "short", "AAAAAAAAAAAAAAAAA\"AAAA"} {
		for _, body := range []string{"", "{}", `{"a":1}`, `{ "a":1}`, `{"a":"\u0041"}`, `{"entries":[{"id":"x","from":-1}]}`, `[1]`, `{"中":"文"}`} {
			for _, repeat := range []bool{false, true} {
				r := Result{ID: id, Index: 1 << 63, Seq: 7, OK: true, Repeat: repeat, Body: []byte(body)}
				want, err := strictjson.Marshal(r)
				got := r.plain()
				if got != nil {
					taken++
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s, want %s (%v)", got, want, err)
					}
				}
			}
		}
	}
	if taken != 4 {
		t.Errorf("%d taken", taken)
	}
}
