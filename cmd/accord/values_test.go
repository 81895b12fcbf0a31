package main

import (
	"encoding/json"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

func TestStoredAndShown(t *testing.T) {
	code := catalogue.Field{ID: "f", Type: catalogue.TypeCode, Values: []catalogue.Value{{ID: "warning", Title: exchange.Text{Zh: "警告", En: "Warning"}}}}
	codes := code
	codes.Type = catalogue.TypeCodes
	of := func(t catalogue.Type) catalogue.Field { return catalogue.Field{ID: "f", Type: t} }
	for _, test := range []struct {
		field          catalogue.Field
		text, want, zh string // want "" is an error
	}{
		{of(catalogue.TypeMoney), "1234.5", "123450", "1234.50 元"},
		{of(catalogue.TypeMoney), "0.07", "7", "0.07 元"},
		{of(catalogue.TypeMoney), "12", "1200", "12.00 元"},
		{of(catalogue.TypeMoney), "1.234", "", ""},
		{of(catalogue.TypeMoney), "1.", "", ""},
		{of(catalogue.TypeMoney), "-1", "", ""},
		{of(catalogue.TypeMoney), "1,000", "", ""},
		{of(catalogue.TypeMoney), "99999999999999999999", "", ""},
		{of(catalogue.TypeCount), "3", "3", "3"},
		{of(catalogue.TypeCount), "3.5", "", ""},
		{of(catalogue.TypeBool), "true", "true", "是"},
		{of(catalogue.TypeBool), "yes", "", ""},
		{of(catalogue.TypeText), `a"b<`, `"a\"b<"`, `a"b<`},
		{of(catalogue.TypeTexts), "a", `["a"]`, "a"},
		{code, "warning", `"warning"`, "警告"},
		{codes, "warning", `["warning"]`, "警告"},
	} {
		got, err := stored(&test.field, test.text)
		if (err != nil) != (test.want == "") || err == nil && string(got) != test.want {
			t.Errorf("%s %q: %s %v, want %s", test.field.Type, test.text, got, err, test.want)
		} else if err == nil && shown(&test.field, got, exchange.Zh) != test.zh {
			t.Errorf("%s is shown as %s", got, shown(&test.field, got, exchange.Zh))
		}
	}
	if got := shown(nil, json.RawMessage("12"), exchange.Zh); got != "12" {
		t.Errorf("a number of an unknown field is shown as %s", got)
	}
}

func TestRepeatedValues(t *testing.T) {
	document, _ := catalogue.Default()
	cat, err := catalogue.Load(document)
	if err != nil {
		t.Fatal(err)
	}
	var several string // a field of several values in the default catalogue
	category := ""
	for _, c := range cat.Document().Categories {
		for _, f := range c.Fields {
			if f.Type == catalogue.TypeTexts {
				category, several = c.ID, f.ID
			}
		}
	}
	p := newProbe()
	got, err := p.recordValues(cat, category, []string{several + "=a", several + "=b=c", several + "=d"}, "")
	if err != nil || string(got[several]) != `["a","b=c","d"]` {
		t.Errorf("%s %v", got[several], err)
	}
	for pairs, code := range map[string]string{"degree=warning": "", "degree": "CLI-032", "degre=x": "CLI-033", "decided_on=2026-01-01": ""} {
		_, err := p.recordValues(cat, "discipline-practitioner", []string{pairs}, "")
		if (err == nil) != (code == "") || err != nil && exchange.AsError(err).Code != code {
			t.Errorf("%s: %v", pairs, err)
		}
	}
	if _, err := p.recordValues(cat, "discipline-practitioner", []string{"degree=a", "degree=b"}, ""); exchange.AsError(err) == nil || exchange.AsError(err).Code != "CLI-005" {
		t.Errorf("one field twice: %v", err)
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "72h": 72 * time.Hour, "30m": 30 * time.Minute,
		"0d": 0, "-1d": 0, "d": 0, "0s": 0, "-1h": 0, "99999999d": 0, "1w": 0} {
		var s span
		if err := s.Set(text); (err == nil) != (want != 0) || time.Duration(s) != want {
			t.Errorf("%s is %s, %v", text, time.Duration(s), err)
		}
	}
	if s := span(72 * time.Hour); s.String() != "3d" {
		t.Error(s.String())
	}
}

func TestSettings(t *testing.T) {
	got, err := settingsOf([]string{"raft.timeout=1s", "audit.files=a,b=c"})
	if err != nil || got["raft.timeout"] != "1s" || got["audit.files"] != "a,b=c" {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range [][]string{{"raft.timeout"}, {"=x"}, {"operators=x"}, {"lang=zh", "lang=zh"}} {
		if _, err := settingsOf(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
