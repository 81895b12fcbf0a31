package intake

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// readCSV gives the cells or the fault of every record behind the header.
func readCSV(tb testing.TB, text string, repair bool) (out []string) {
	tb.Helper()
	l, err := newLines(context.Background(), strings.NewReader(text), int64(len(text)), UTF8)
	if err != nil {
		tb.Fatal(err)
	}
	rows := &csvRows{csv: &csvSource{lines: l, separator: ',', repair: repair}, headerRow: 1}
	if _, err := rows.header(); err != nil {
		return []string{"header"}
	}
	for {
		rec, err := rows.csv.next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			tb.Fatal(err)
		}
		switch {
		case rec.fault != "":
			out = append(out, rec.fault)
		case rec.flag != "":
			out = append(out, rec.flag+":"+strings.Join(rec.cells, "|"))
		default:
			out = append(out, strings.Join(rec.cells, "|"))
		}
	}
}

func TestCSV(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		repair   bool
		want     []string
	}{
		{"plain", "a,b\n1,2\n", false, []string{"1|2"}},
		{"no last line end, mixed ends", "a,b\r\n1,2\n3,4\r\n5,6", false, []string{"1|2", "3|4", "5|6"}},
		{"quotes, separator, line break", "a,b\n\"x,\"\"y\"\"\",\"1\r\n2\"\n3,4\n", false, []string{"x,\"y\"|1\n2", "3|4"}},
		{"empty cells", "a,b\n,\n\"\",x\n", false, []string{"|", "|x"}},
		{"blank lines are no records", "a,b\n\n1,2\n \t\n3,4\n\n\n", false, []string{"1|2", "3|4"}},
		{"too few, too many", "a,b\n1\n1,2,3\n4,5\n", false, []string{"column_missing", "column_extra", "4|5"}},
		{"an open quote costs one line", "a,b\n1,\"x\n3,4\n5,6\n", false, []string{"quote_unbalanced", "3|4", "5|6"}},
		{"an open quote before quoted rows", "a,b\n\"1\",\"x\n\"3\",\"4\"\n\"5\",\"6\"\n", false, []string{"quote_unbalanced", "3|4", "5|6"}},
		{"an open quote that a later one would close", "a,b\n1,\"x\n3,4\n5,\"6\"\n7,8\n", false, []string{"quote_unbalanced", "3|4", "5|6", "7|8"}},
		{"an open quote closed at another width", "a,b,c\n1,\"x\n3,4,5\n6,7,\"\n8,9,0\n", false, []string{"quote_unbalanced", "3|4|5", "quote_unbalanced", "8|9|0"}},
		{"an open quote at the end of the file", "a,b\n1,\"x", false, []string{"quote_unbalanced"}},
		{"a quote in an unquoted cell", "a,b\nx\"y,2\n3,4\n", false, []string{"quote_unbalanced", "3|4"}},
		{"text behind a closing quote", "a,b\n\"x\"y,2\n3,4\n", false, []string{"quote_unbalanced", "3|4"}},
		{"repair", "a,b\n\"\"In\" x\",2\n\"Co \"In\"\",3\nx\"y,4\n\"a\"b,c\n", true,
			[]string{`quote_repaired:"In" x|2`, `quote_repaired:Co "In"|3`, `quote_repaired:x"y|4`, "quote_unbalanced"}},
		{"repair leaves sound rows alone", "a,b\n\"x\"\"\",\"1\n2\"\n", true, []string{"x\"|1\n2"}},
		{"repair needs the header's width", "a,b\n\"x\"y\",2,3\n", true, []string{"quote_unbalanced"}},
		{"byte order mark", "\xef\xbb\xbfa,b\n1,2\n", false, []string{"1|2"}},
	} {
		if got := readCSV(t, tc.in, tc.repair); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// A line beyond the limit is refused as a row, and so is one with a million
// columns; both are read in bounded memory and the next row is found.
func TestCSVLimits(t *testing.T) {
	long := "a,b\n" + strings.Repeat("x", 3*maxLineBytes) + ",2\n3,4\n"
	if got := readCSV(t, long, true); !reflect.DeepEqual(got, []string{"line_too_long", "3|4"}) {
		t.Errorf("long line: %d records", len(got))
	}
	wide := "a,b\n" + strings.Repeat(",", 1_000_000) + "\n3,4\n"
	if got := readCSV(t, wide, true); !reflect.DeepEqual(got, []string{"column_extra", "3|4"}) {
		t.Errorf("wide line: %.100q", got)
	}
	if got := readCSV(t, strings.Repeat(",", 1_000_000)+"\n", false); got[0] != "header" {
		t.Errorf("a header of a million columns was taken")
	}
	edge := "a,b\n" + strings.Repeat("x", maxLineBytes-1) + ",2\n3,4\n"
	if got := readCSV(t, edge, true); !reflect.DeepEqual(got, []string{"line_too_long", "3|4"}) {
		t.Errorf("a line one byte too long: %d records", len(got))
	}
	late := "a,b\n1,\"" + strings.Repeat(strings.Repeat("x", 1023)+"\n", 1025) + "\"\n3,4\n"
	if got := readCSV(t, late, false); got[0] != "quote_unbalanced" || got[len(got)-1] != "3|4" {
		t.Error("a record beyond the limit was joined")
	}
	open := "a,b\n1,\"" + strings.Repeat("x\n", maxRecordBytes) + "3,4\n"
	got := readCSV(t, open, false)
	if got[0] != "quote_unbalanced" || got[len(got)-1] != "3|4" {
		t.Errorf("an open quote before many lines: %s … %s", got[0], got[len(got)-1])
	}
}

// What encoding/csv reads without complaint, we read the same way.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a,b\n\"1\n2\",\"\"\"\"\n", "a,b\n1,\"x\n3,4\n", "a\n\"\n", "a,b\n\"\"In\" x\",2\n", "\xef\xbb\xbfa\r\n\xff\r\n"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, repair bool) {
		got := readCSV(t, text, repair)
		if strings.ContainsAny(text, "\r") || strings.ContainsRune(text, 0xfeff) || !utf8.ValidString(text) || len(got) == 1 && got[0] == "header" {
			return
		}
		std := csv.NewReader(strings.NewReader(text))
		std.FieldsPerRecord = 0
		all, err := std.ReadAll()
		if err != nil || len(all) == 0 {
			return
		}
		var want []string
		for _, rec := range all[1:] {
			want = append(want, strings.Join(rec, "|"))
		}
		// A line of blanks is a record of one cell there and no record here.
		keep := func(in []string) (out []string) {
			for _, s := range in {
				if strings.Trim(s, " \t\u00a0\u3000") != "" {
					out = append(out, s)
				}
			}
			return out
		}
		if strings.Trim(strings.SplitN(text, "\n", 2)[0], " \t\u00a0\u3000") == "" {
			return // and so the header is another line
		}
		if got, want := keep(got), keep(want); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, encoding/csv %q", text, got, want)
		}
	})
}

func TestGB18030(t *testing.T) {
	decode := lineDecoder(GB18030)
	for _, tc := range []struct {
		name string
		in   string
		want string
	}{
		{"ASCII", "abc,1", "abc,1"},
		{"two bytes", "\xc7\xe0\xba\xa3", "青海"},
		{"four bytes inside the BMP", "\x82\x35\x95\x33", "鿢"},
		{"outside GBK", "\xfe\x9f", "䶮"},
		{"four bytes beyond it", "\x95\x32\x82\x36", "\U00020000"},
		{"a real replacement character", "\x84\x31\xa4\x37x", "\uFFFDx"},
		{"a byte that begins nothing", "\xc7\xe0\xff,\xba\xa3", "青\xff,海"},
		{"a broken character keeps the separator", "\xc7,\xba\xa3", "\xff,海"},
		{"a broken character keeps the quote", "\xc7\"x", "\xff\"x"},
		{"cut at the end", "\xba\xa3\xc7", "海\xff"},
		{"four bytes cut", "\x82\x35\x95", "\xff5\xff"},
		{"the euro sign of Windows files", "\x80\xba\xa3\xff", "€海\xff"},
	} {
		if got, foreign := decode([]byte(tc.in)); got != tc.want || foreign {
			t.Errorf("%s: %q (%v), want %q", tc.name, got, foreign, tc.want)
		}
	}
	if _, foreign := decode([]byte("这一整行都是另一种编码的文字")); !foreign {
		t.Error("a line of UTF-8 was taken for GB18030")
	}
}

func TestUTF16(t *testing.T) {
	le := func(units ...uint16) (b []byte) {
		for _, u := range units {
			b = append(b, byte(u), byte(u>>8))
		}
		return b
	}
	for _, tc := range []struct {
		name string
		in   []byte
		want string
	}{
		{"plain", le('a', 0x9752, '\n'), "a青\n"},
		{"astral", le(0xd842, 0xdfb7), "𠮷"},
		{"lone high", le(0xd842, 'x'), "\xffx"},
		{"lone low", le(0xdfb7, 'x'), "\xffx"},
		{"high at the end", le('x', 0xd842), "x\xff"},
		{"half a unit", append(le('x'), 0x41), "x\xff"},
	} {
		for _, chunk := range []int{1, 2, 3, 4096} {
			got, err := io.ReadAll(&utf16Reader{src: &chunked{bytes.NewReader(tc.in), chunk}})
			if err != nil || string(got) != tc.want {
				t.Errorf("%s in chunks of %d: %q %v, want %q", tc.name, chunk, got, err, tc.want)
			}
		}
	}
}

type chunked struct {
	r io.Reader
	n int
}

func (c *chunked) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.n)]) }

func TestDetect(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Encoding
	}{
		{"\xef\xbb\xbfx", UTF8}, {"\xff\xfex\x00", UTF16LE}, {"青海", UTF8}, {"\xc7\xe0\xba\xa3", GB18030}, {"", UTF8},
		{strings.Repeat("青海省\n", 20_000), UTF8},
		{"青海\n\xc7\xe0\n西宁\n", UTF8}, {"\xc7\xe0\n青海\n\xba\xa3\n", GB18030},
	} {
		got, _, err := detect(strings.NewReader(tc.in), int64(len(tc.in)), Auto)
		if err != nil || got != tc.want {
			t.Errorf("%.10q: %s %v, want %s", tc.in, got, err, tc.want)
		}
	}
}
