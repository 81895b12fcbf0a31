package intake

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

func TestBuiltinMappingsFitTheCatalogue(t *testing.T) {
	_, doc := catalogue.Default()
	if want := []string{"awards", "commitments", "complaints", "court", "discipline", "ebrd", "enterprises", "groups",
		"media", "penalties", "policies", "practitioners", "tax", "worldbank"}; !slices.Equal(Builtins(), want) {
		t.Errorf("built in are %v, want %v", Builtins(), want)
	}
	for _, name := range Builtins() {
		m, err := Builtin(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Name != name {
			t.Errorf("%s calls itself %s", name, m.Name)
		}
		for i := range m.Tables {
			if _, err := bind(m, &m.Tables[i], doc, Options{AsOf: sampleDay}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"", "none", "../mappings/court", "court.yaml"} {
		if _, err := Builtin(name); !errors.Is(err, ErrNoMapping) {
			t.Errorf("Builtin(%q): %v", name, err)
		}
	}
}

func TestParseMappingRefuses(t *testing.T) {
	edit := func(old, new string) string {
		if !strings.Contains(testMapping, old) {
			t.Fatalf("the mapping has no %q", old)
		}
		return strings.Replace(testMapping, old, new, 1)
	}
	for name, text := range map[string]string{
		"nothing": "", "no YAML": "{", "a list": "- x", "two documents": testMapping + "---\n" + testMapping,
		"another format": edit("accord-mapping/1", "accord-mapping/2"), "an unknown key": edit("name: test", "name: test\nextra: 1"), "a key twice": edit("name: test", "name: test\nname: test"),
		"an unknown key of a column": edit("field: number}", "field: number, unknown: 1}"), "a wrong type": edit("name: test", "name: [test]"),
		"an anchor": edit("title: {", "title: &t {"), "a tag": edit("name: test", "name: !!str test"),
		"a bad name": edit("name: test", "name: te st"), "no title": edit("en: test}\nsource", "en: \"\"}\nsource"), "a bad grade": edit("grade: B", "grade: E"),
		"a bad file format": edit("format: csv", "format: xls"), "a bad encoding": edit("csv,", "csv, encoding: latin1,"), "a bad separator": edit("csv,", "csv, separator: ab,"),
		"a quote as separator": edit("csv,", "csv, separator: '\"',"), "bad quotes": edit("csv,", "csv, quotes: none,"), "a bad day": edit("csv,", "csv, day_of: utc,"),
		"no tables":        "format: accord-mapping/1\nname: x\ntitle: {zh: x, en: x}\nsource: {name: {zh: x, en: x}, grade: A}\nfile: {format: csv}\ntables: []\n",
		"a sheet in a CSV": edit("- category", "- sheet: S\n    category"), "a workbook without sheet": edit("format: csv", "format: xlsx"),
		"a header row far away": edit("footers:", "header_row: 1001\n    footers:"), "two header rows in a CSV": edit("footers:", "header_rows: 2\n    footers:"),
		"bad extra": edit("footers:", "extra: keep\n    footers:"), "a source twice": edit("source: 名", "source: 止"), "a field twice": edit("field: name", "field: until"),
		"a constant for a column": edit("origin: 某处", "name: 某处"), "field and ignore": edit("field: name}", "field: name, ignore: true}"), "neither": edit("{source: 名, field: name}", "{source: 名}"),
		"a bad unit": edit("field: name}", "field: name, unit: dollar}"), "no subject": testMapping[:strings.Index(testMapping, "    subject:")],
		"cases without a field": edit("by: kind", "by: \"\""), "too long": testMapping + "#" + strings.Repeat("x", maxMappingBytes),
	} {
		m, err := ParseMapping([]byte(text))
		if !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %v", name, err)
		}
		if m != nil {
			t.Errorf("%s: a mapping beside an error", name)
		}
	}
}

func FuzzParseMapping(f *testing.F) {
	f.Add(testMapping)
	for _, name := range Builtins() {
		data, err := builtins.ReadFile("mappings/" + name + ".yaml")
		must(f, err)
		f.Add(string(data))
	}
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMapping([]byte(text))
		if (m == nil) != (err != nil) || err != nil && !errors.Is(err, ErrMapping) {
			t.Errorf("%v %v", m, err)
		}
	})
}
