package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"accord/exchange"

	"github.com/mattn/go-runewidth"
)

func sample() rows {
	r := rows{Columns: []column{
		{ID: "no", Title: exchange.Text{Zh: "编号", En: "NO."}, Right: true},
		{ID: "subject", Title: exchange.Text{Zh: "主体", En: "SUBJECT"}},
		{ID: "digest", Title: exchange.Text{Zh: "摘要", En: "DIGEST"}, Whole: true},
	}}
	r.add(7, "甲保险代理有限公司", "7c1e")
	r.add(42, "Qinghai Insurance Agency", "0123456789abcdef")
	r.add(108, "才让·卓玛", nil)
	return r
}

func TestTableAlignsChinese(t *testing.T) {
	p := newProbe()
	p.Format, p.Lang, p.Ambiguous = formatTable, exchange.Zh, 1
	if err := p.print(sample()); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"编号  主体                      摘要\n" +
		"   7  甲保险代理有限公司        7c1e\n" +
		"  42  Qinghai Insurance Agency  0123456789abcdef\n" +
		" 108  才让·卓玛\n"
	if p.out.String() != want {
		t.Errorf("got\n%swant\n%s", p.out.String(), want)
	}
}

func TestAmbiguousWidthMovesTheNextColumn(t *testing.T) {
	for ambiguous, want := range map[int]string{1: "a·b   x\n", 2: "a·b  x\n"} { // the column is 4 wide
		p := newProbe()
		p.Lang, p.Ambiguous = exchange.En, ambiguous
		r := rows{Columns: []column{{ID: "a", Title: exchange.Text{En: "AAAA"}}, {ID: "b", Title: exchange.Text{En: "B"}}}}
		r.add("a·b", "x")
		if _, got, _ := strings.Cut(p.tableText(r), "\n"); got != want {
			t.Errorf("ambiguous %d: %q, want %q", ambiguous, got, want)
		}
	}
}

func TestTableIsCutOnATerminalOnly(t *testing.T) {
	for _, width := range []int{10, 30, 36, 40, 80} {
		p := newProbe()
		p.Lang, p.Ambiguous, p.Width = exchange.Zh, 1, func() int { return width }
		p.NoColor = true
		whole := p.tableText(sample())
		p.tty = true
		cut := p.tableText(sample())
		if !strings.Contains(whole, "Qinghai Insurance Agency") || !strings.Contains(cut, "0123456789abcdef") {
			t.Fatalf("width %d: lost what must stay\n%s%s", width, whole, cut)
		}
		least := 4 + 2 + leastWidth + 2 + 16 // the digest is never cut
		for _, line := range strings.Split(cut, "\n") {
			if w := (&runewidth.Condition{}).StringWidth(line); w > max(width, least) {
				t.Errorf("width %d: a line of %d: %q", width, w, line)
			}
		}
		if width < 50 && !strings.Contains(cut, "…") {
			t.Errorf("width %d: nothing was cut\n%s", width, cut)
		}
	}
}

func TestControlCharactersDoNotReachATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[31mb":    `a\u001b[31mb`,
		"a\u202eb":      `a\u202eb`,
		"a\u2028b":      `a\u2028b`,
		"a\u009b31mb":   `a\u009b31mb`,
		"a\nb\tc":       "a b c",
		"\xff":          `\xff`,
		"\ufffd":        "\ufffd",
		"西宁　𠮷 བོད་ ᠮᠣᠩ": "西宁　𠮷 བོད་ ᠮᠣᠩ",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestJSONRows(t *testing.T) {
	p := newProbe()
	p.Format, p.Lang = formatJSON, exchange.Zh
	r := rows{Columns: []column{{ID: "z"}, {ID: "a"}, {ID: "since"}, {ID: "never"}, {ID: "on"}, {ID: "tags"}, {ID: "text"}, {ID: "kind"}}}
	r.add("<甲>", 42, exchange.Millis(1700000000000), time.Time{}, true, []string{"x"}, exchange.Text{Zh: "是", En: "yes"}, exchange.KindRefused)
	if err := p.print(r); err != nil {
		t.Fatal(err)
	}
	want := `{"schemaVersion":1,"rows":[{"z":"<甲>","a":42,"since":"2023-11-14T22:13:20Z","never":null,"on":true,"tags":["x"],"text":{"zh":"是","en":"yes"},"kind":"refused"}]}` + "\n"
	if p.out.String() != want {
		t.Errorf("got  %swant %s", p.out.String(), want)
	}
}

func TestEmptyListIsStillAnObjectOrAHeader(t *testing.T) {
	for f, want := range map[format]string{formatJSON: `{"schemaVersion":1,"rows":[]}` + "\n",
		formatCSV: "no,subject,digest\r\n", formatTable: ""} {
		p := newProbe()
		p.Format = f
		r := sample()
		r.Cells = nil
		if err := p.print(r); err != nil || p.out.String() != want {
			t.Errorf("%s: %q %v, want %q", f, p.out.String(), err, want)
		}
	}
}

func TestObject(t *testing.T) {
	type thing struct {
		Name string   `json:"name"`
		None *int     `json:"none"`
		Tags []string `json:"tags"`
	}
	for f, want := range map[format]string{
		formatJSON:   `{"schemaVersion":1,"name":"甲<","none":null,"tags":["a"]}` + "\n",
		formatCSV:    "member,value\r\nname,甲<\r\nnone,\r\ntags,\"[\"\"a\"\"]\"\r\n",
		formatCSVBOM: "\ufeffmember,value\r\nname,甲<\r\nnone,\r\ntags,\"[\"\"a\"\"]\"\r\n",
		formatTable:  "the thing\n",
	} {
		p := newProbe()
		p.Format = f
		err := p.object(thing{Name: "甲<", Tags: []string{"a"}}, func(w io.Writer) { io.WriteString(w, "the thing\n") })
		if err != nil || p.out.String() != want {
			t.Errorf("%s: %q %v, want %q", f, p.out.String(), err, want)
		}
	}
	p := newProbe()
	p.Format = formatJSON
	if err := p.object([]int{1}, nil); !errors.Is(err, exchange.ErrInternal) || p.out.Len() > 0 {
		t.Errorf("an array passed for an object: %v %q", err, p.out.String())
	}
	if got := string(versioned([]byte(`{"schemaVersion":2}`))); got != `{"schemaVersion":2}` {
		t.Errorf("version overwritten: %s", got)
	}
	if got := string(versioned([]byte(`{}`))); got != `{"schemaVersion":1}` {
		t.Errorf("empty object: %s", got)
	}
}

func TestRaggedRowsAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	p := newProbe()
	r := sample()
	r.add("too few")
	if err := p.print(r); !errors.Is(err, exchange.ErrInternal) || p.out.Len() > 0 {
		t.Errorf("%v %q", err, p.out.String())
	}
}

func TestCSVField(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "a,b": `"a,b"`, `a"b`: `"a""b"`, "a\nb": "\"a\nb\"", " a": `" a"`, "it's": "it's",
		"=1+1": `"'=1+1"`, "+86": `"'+86"`, "@x": `"'@x"`, "-": `"'-"`, "-x": `"'-x"`, "－x": `"'－x"`, "＝1": `"'＝1"`, "\t=1": "\"'\t=1\"",
		"-5": "-5", "-5.25": "-5.25", "-5.": `"'-5."`, "-1-1": `"'-1-1"`, "110105194912310002": "110105194912310002",
	} {
		if got := csvField(in); got != want {
			t.Errorf("csvField(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzCSV: whatever is in a cell, a CSV reader finds the same cells again, and
// none of them begins like a formula.
func FuzzCSV(f *testing.F) {
	f.Add("a,\"b\r\n", "=1")
	f.Add(" ", "\r")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := rows{Columns: []column{{ID: "a"}, {ID: "b"}}}
		r.add(a, b)
		text := csvText(r, false)
		records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(records) != 2 || len(records[1]) != 2 {
			t.Fatalf("%q: %v %v", text, records, err)
		}
		for i, in := range []string{a, b} {
			want := in
			if isFormula(in) {
				want = "'" + in
			}
			want = strings.ReplaceAll(want, "\r\n", "\n") // as encoding/csv reads
			if records[1][i] != want {
				t.Fatalf("%q came back as %q", in, records[1][i])
			}
		}
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAResultThatCannotBeWrittenIsAnError(t *testing.T) {
	p := newProbe("version")
	p.Stdout = brokenPipe{}
	if code := p.run(); code != 4 || !strings.Contains(p.err.String(), "CLI-017") {
		t.Errorf("exit %d, %s", code, p.err.String())
	}
}

func TestJSONIsSetOutOnATerminal(t *testing.T) {
	p := newProbe("version", "-o", "json")
	p.tty = true
	if p.run() != 0 || !strings.Contains(p.out.String(), "{\n  \"schemaVersion\": 1,\n") || !json.Valid(p.out.Bytes()) {
		t.Errorf("%s", p.out.String())
	}
}
