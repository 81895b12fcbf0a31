package catalogue_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

func TestParseIsStrict(t *testing.T) {
	good := string(encode(t, complete()))
	if _, err := catalogue.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the document has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, data := range map[string]string{
		"empty":            "",
		"null":             "null",
		"array":            "[]",
		"trailing":         good + " {}",
		"unknown member":   swap(`"id":"small"`, `"id":"small","colour":"red"`),
		"duplicate member": swap(`"id":"small"`, `"id":"small","id":"small"`),
		"wrong case":       swap(`"version":3`, `"Version":3`),
		"number as text":   swap(`"version":3`, `"version":"3"`),
		"fraction":         swap(`"version":3`, `"version":3.5`),
		"bad UTF-8":        swap("（中）", "\xff"),
		"other format":     swap(catalogue.Format, "accord-catalogue/9"),
		"too long":         good + strings.Repeat(" ", catalogue.MaxBytes),
	} {
		doc, err := catalogue.Parse([]byte(data))
		if err == nil || doc != nil {
			t.Errorf("%s: accepted", name)
		}
		if !errors.Is(err, catalogue.ErrMalformed) && !errors.Is(err, catalogue.ErrFormat) && !errors.Is(err, catalogue.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := catalogue.Parse([]byte(" " + good)); err != nil {
		t.Errorf("white space is not part of the meaning: %v", err)
	}
	if catalogue.Digest([]byte(good)) == catalogue.Digest([]byte(" "+good)) {
		t.Error("the digest is not over the exact bytes")
	}
}

func TestDigest(t *testing.T) {
	const want = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing, FIPS 180-4
	if got := catalogue.Digest(nil); got != want {
		t.Errorf("%s", got)
	}
}

func TestCompile(t *testing.T) {
	source := catalogue.DefaultSource()
	first, err := catalogue.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := catalogue.Compile(source)
	if !bytes.Equal(first, second) {
		t.Error("one source gave two documents")
	}
	doc, err := catalogue.Parse(first)
	if err != nil || !bytes.Equal(encode(t, doc), first) {
		t.Errorf("the compiled form does not survive a reading: %v", err)
	}
	// JSON is YAML: the compiled form compiles to itself.
	small := encode(t, complete())
	if again, err := catalogue.Compile(small); err != nil || !bytes.Equal(again, small) {
		t.Errorf("JSON as YAML: %v", err)
	}
}

func TestCompileRefuses(t *testing.T) {
	good := string(catalogue.DefaultSource())
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the source has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, test := range map[string]struct {
		source string
		want   error
	}{
		"empty":             {"", catalogue.ErrYAML},
		"comment only":      {"# nothing\n", catalogue.ErrYAML},
		"scalar":            {"hello", catalogue.ErrMalformed},
		"two documents":     {good + "\n---\na: 1\n", catalogue.ErrYAML},
		"anchor":            {swap("version: 1", "version: &v 1"), catalogue.ErrYAML},
		"alias":             {swap("version: 1", "version: *v"), catalogue.ErrYAML},
		"merge":             {swap("version: 1", "version: 1\n<<: {a: b}"), catalogue.ErrYAML},
		"tag":               {swap("version: 1", "version: !!int 1"), catalogue.ErrYAML},
		"null":              {swap("version: 1", "version:"), catalogue.ErrYAML},
		"float":             {swap("version: 1", "version: 1.0"), catalogue.ErrYAML},
		"text for a number": {swap("version: 1", `version: "1"`), catalogue.ErrMalformed},
		"number for text":   {swap("id: qinghai-insurance", "id: 5"), catalogue.ErrMalformed},
		"unknown member":    {swap("version: 1", "version: 1\ncolour: red"), catalogue.ErrMalformed},
		"duplicate member":  {swap("version: 1", "version: 1\nversion: 1"), nil},
		"deep flow":         {strings.Repeat("[", 100), catalogue.ErrYAML},
		"deep blocks":       {strings.Repeat("- ", 20_000), catalogue.ErrYAML},
		"too long":          {good + strings.Repeat("#\n", catalogue.MaxBytes/2), catalogue.ErrTooLong},
		"lint error":        {swap("requesters: [court]", "requesters: [mayor]"), catalogue.ErrUnusable},
	} {
		data, err := catalogue.Compile([]byte(test.source))
		if err == nil || data != nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %d bytes, %v; want %v", name, len(data), err, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, complete()))
	f.Add(encode(f, full()))
	f.Add([]byte(`{"format":"accord-catalogue/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		old, errOld := catalogue.ParseV1(data)
		doc, err := catalogue.Decode(data)
		if errOld == nil && (err != nil || old.Format != catalogue.Format) {
			t.Fatalf("the old reader takes what the new one refuses: %v", err)
		}
		if (err == nil) != (doc != nil) {
			t.Fatal("error and document together, or neither")
		}
		if doc == nil {
			return
		}
		invalid := catalogue.Validate(doc) // must not panic on any document
		catalogue.New(doc).Table()
		catalogue.Diff(doc, small())
		if parsed, err := catalogue.Parse(data); (err == nil) != (invalid == nil) || (parsed == nil) != (err != nil) {
			t.Fatalf("Parse %v, Validate %v", err, invalid)
		}
		if invalid != nil {
			return
		}
		again, err := catalogue.Parse(encode(t, doc))
		if err != nil || !bytes.Equal(encode(t, again), encode(t, doc)) {
			t.Fatalf("a parsed document does not survive: %v", err)
		}
	})
}

func FuzzCompile(f *testing.F) {
	f.Add(encode(f, complete()))
	f.Add([]byte("format: accord-catalogue/1\nid: x\ntitle: {zh: 甲, en: a}\nchecks:\n- title: |\n    a\n  fields: [a, 'b', \"c\"]\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		data, err := catalogue.Compile(source)
		if err != nil {
			if data != nil {
				t.Fatal("bytes beside an error")
			}
			return
		}
		if _, err := catalogue.Parse(data); err != nil {
			t.Fatalf("compiled what cannot be parsed: %v", err)
		}
	})
}
