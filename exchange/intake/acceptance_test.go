package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"accord/exchange/catalogue"
	"accord/exchange/records"
)

// sharedData finds the agencies' exports: ACCORD_DATA, or shared/data beside the
// checkout.
func sharedData(tb testing.TB, parts ...string) string {
	tb.Helper()
	name := filepath.Join(parts...)
	if dir := os.Getenv("ACCORD_DATA"); dir != "" {
		if path := filepath.Join(dir, name); exists(path) {
			return path
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "shared", "data", name); exists(path) {
			return path
		}
		if dir == filepath.Dir(dir) {
			tb.Skip("needs shared data: " + name)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// manifest is the part of the agencies' manifest.json the tests judge by.
type manifest struct {
	AsOf  string `json:"as_of"`
	Files []manifestFile
}

type manifestFile struct {
	File, Sheet    string
	Format         string
	Columns        []string
	PrivateColumns []string `json:"private_columns"`
	Rows           int
	Expected       expectation
	ExpectedAlone  expectation `json:"expected_alone"`
	Controls       controls
	Defects        []defect
}

type expectation struct{ Refused, Same, New, Flagged int }

type controls struct {
	Sum      map[string]string
	CountBy  map[string]map[string]int `json:"count_by"`
	Distinct map[string]int
	Range    map[string][2]string
}

type defect struct {
	ID       string
	Row      int
	Line     int
	ExcelRow int `json:"excel_row"`
	Cell     string
	Column   string
	Kind     string
	Effect   Effect
	WithRow  int `json:"with_row"`
	Needs    []string
	Normal   string
}

func readManifest(tb testing.TB) *manifest {
	tb.Helper()
	data, err := os.ReadFile(sharedData(tb, "agencies", "manifest.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		tb.Fatal(err)
	}
	return &m
}

func (m *manifest) asOf(tb testing.TB) time.Time {
	tb.Helper()
	t, err := time.ParseInLocation(dayLayout, m.AsOf, beijing)
	if err != nil {
		tb.Fatal(err)
	}
	return t.Add(12 * time.Hour)
}

func (m *manifest) file(tb testing.TB, name, sheet string) *manifestFile {
	tb.Helper()
	for i := range m.Files {
		if m.Files[i].File == name && m.Files[i].Sheet == sheet {
			return &m.Files[i]
		}
	}
	tb.Fatalf("the manifest has no %s %s", name, sheet)
	return nil
}

// readAll reads a shared file by a built-in mapping.
func readAll(tb testing.TB, mapping, path string, opts Options) (*Reader, map[string][]*Row) {
	tb.Helper()
	m, err := Builtin(mapping)
	if err != nil {
		tb.Fatalf("mapping %s: %v", mapping, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	_, doc := catalogue.Default()
	r, rows, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, opts)
	if err != nil {
		tb.Fatal(err)
	}
	byTable := map[string][]*Row{}
	for row, err := range rows {
		if err != nil {
			tb.Fatal(err)
		}
		byTable[row.Table] = append(byTable[row.Table], row)
	}
	return r, byTable
}

// importable are the manifest's files in the order of its import_order, with the
// built-in mapping of each.
var importable = []struct{ mapping, file, sheet string }{
	{"enterprises", "enterprises.xlsx", "机构信息"},
	{"practitioners", "practitioners.csv", ""},
	{"policies", "policies.csv", ""},
	{"penalties", "penalties.csv", ""},
	{"discipline", "discipline.xlsx", "从业人员"},
	{"discipline", "discipline.xlsx", "机构"},
	{"court", "court.ndjson", ""},
	{"complaints", "complaints.tsv", ""},
	{"tax", "tax.csv", ""},
	{"awards", "awards.xlsx", "2022-2026"},
	{"commitments", "commitments.ndjson", ""},
	{"groups", "groups.json", ""},
	{"media", "media.xml", ""},
}

func TestAgenciesFilesAlone(t *testing.T) {
	m := readManifest(t)
	if len(m.Files) != len(importable) {
		t.Errorf("the manifest has %d parts, we have mappings for %d", len(m.Files), len(importable))
	}
	for _, f := range importable {
		t.Run(f.file+f.sheet, func(t *testing.T) {
			mf := m.file(t, f.file, f.sheet)
			_, tables := readAll(t, f.mapping, sharedData(t, "agencies", f.file), Options{AsOf: m.asOf(t)})
			rows := tables[f.sheet]
			checkCounts(t, rows, mf.Rows, mf.ExpectedAlone)
			checkVerdicts(t, rows, mf, true)
			if mf.Expected == mf.ExpectedAlone { // the controls hold for all files in order
				checkControls(t, f.mapping, rows, mf)
			}
			checkSilence(t, rows)
			checkStorable(t, rows, m.asOf(t))
		})
	}
}

func checkCounts(t *testing.T, rows []*Row, total int, want expectation) {
	t.Helper()
	var r Report
	for _, row := range rows {
		r.add(row)
	}
	got := expectation{Refused: r.Refused, Same: r.Same, New: r.New, Flagged: r.Flagged}
	if r.Rows != total || got != want {
		t.Errorf("%d rows %+v, want %d rows %+v", r.Rows, got, total, want)
	}
}

// checkVerdicts holds every row against the manifest: its verdict, and for a
// spoiled row the kind, place and earlier row of exactly one issue.
func checkVerdicts(t *testing.T, rows []*Row, mf *manifestFile, alone bool) {
	t.Helper()
	planted := map[int]*defect{}
	for i := range mf.Defects {
		planted[mf.Defects[i].Row] = &mf.Defects[i]
	}
	for i, row := range rows {
		if row.Number != i+1 {
			t.Fatalf("row %d stands at %d", row.Number, i+1)
		}
		d := planted[row.Number]
		want := Accept
		if d != nil && !(alone && len(d.Needs) > 0) {
			want = d.Effect
		}
		if row.Verdict != want {
			t.Errorf("row %d: %s %v, want %s (%+v)", row.Number, row.Verdict, row.Issues, want, d)
			continue
		}
		if want == Accept {
			if len(row.Issues) != 0 {
				t.Errorf("row %d: complaint about a sound row: %+v", row.Number, row.Issues)
			}
			continue
		}
		checkIssue(t, row, d)
	}
}

func checkIssue(t *testing.T, row *Row, d *defect) {
	t.Helper()
	if len(row.Issues) != 1 {
		t.Errorf("row %d (%s): %d issues, want one: %+v", row.Number, d.Kind, len(row.Issues), row.Issues)
		return
	}
	is := row.Issues[0]
	if is.Kind != d.Kind || is.Column != d.Column || is.WithRow != d.WithRow || is.Cell != d.Cell {
		t.Errorf("row %d: %s in %s %s with %d, want %s in %s %s with %d", row.Number,
			is.Kind, is.Column, is.Cell, is.WithRow, d.Kind, d.Column, d.Cell, d.WithRow)
	}
	if row.Line != d.Line && d.Line != 0 || row.ExcelRow != d.ExcelRow {
		t.Errorf("row %d: line %d, sheet row %d, want %d, %d", row.Number, row.Line, row.ExcelRow, d.Line, d.ExcelRow)
	}
	if is.Message.Zh == "" || is.Message.En == "" {
		t.Errorf("row %d: %s has no message in both languages", row.Number, is.Kind)
	}
}

// checkControls recomputes the manifest's sums, counts, distinct values and
// ranges over the new records, in the manifest's units and words.
func checkControls(t *testing.T, mapping string, rows []*Row, mf *manifestFile) {
	t.Helper()
	m, err := Builtin(mapping)
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) *Column {
		for i := range m.Tables {
			for j := range m.Tables[i].Columns {
				if c := &m.Tables[i].Columns[j]; m.Tables[i].Sheet == mf.Sheet && c.Source == name {
					return c
				}
			}
		}
		t.Fatalf("no column %s", name)
		return nil
	}
	each := func(name string, do func(c *Column, v any)) {
		c := column(name)
		for _, row := range rows {
			if v, ok := row.Values[c.Field]; ok && (row.Verdict == Accept || row.Verdict == Flag) {
				do(c, v)
			}
		}
	}
	for name, want := range mf.Controls.Sum {
		var sum int64
		each(name, func(_ *Column, v any) { sum += v.(int64) })
		got := strconv.FormatInt(sum, 10)
		if typeOf(m, mf.Sheet, column(name).Field) == catalogue.TypeMoney {
			got = inUnit(sum, column(name).Unit)
		}
		if got != want {
			t.Errorf("sum of %s = %s, want %s", name, got, want)
		}
	}
	for name, want := range mf.Controls.CountBy {
		got := map[string]int{}
		each(name, func(c *Column, v any) {
			for word, id := range c.Values {
				if id == v {
					got[word]++
				}
			}
			if len(c.Values) == 0 {
				got[v.(string)]++
			}
		})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("count by %s = %v, want %v", name, got, want)
		}
	}
	for name, want := range mf.Controls.Distinct {
		got := map[any]bool{}
		each(name, func(_ *Column, v any) { got[v] = true })
		if len(got) != want {
			t.Errorf("%d distinct %s, want %d", len(got), name, want)
		}
	}
	for name, want := range mf.Controls.Range {
		var got [2]string
		each(name, func(_ *Column, v any) {
			v = v.(string)[:min(len(v.(string)), len(dayLayout))]
			if len(v.(string)) == len(monthLayout) {
				v = v.(string) + "-01"
			}
			if s := v.(string); got[0] == "" || s < got[0] {
				got[0] = s
			}
			got[1] = max(got[1], v.(string))
		})
		if got != want {
			t.Errorf("range of %s = %v, want %v", name, got, want)
		}
	}
}

// typeOf is the type of a field of a mapping's table in the default catalogue.
func typeOf(m *Mapping, sheet, field string) catalogue.Type {
	_, doc := catalogue.Default()
	for i := range m.Tables {
		for _, c := range doc.Categories {
			for _, f := range c.Fields {
				if m.Tables[i].Sheet == sheet && c.ID == m.Tables[i].Category && f.ID == field {
					return f.Type
				}
			}
		}
	}
	return ""
}

// inUnit writes fen as an exact decimal of yuan or ten thousand yuan.
func inUnit(fen int64, unit Unit) string {
	places := 2
	if unit == Wan {
		places = 6
	}
	s := fmt.Sprintf("%0*d", places+1, fen)
	return strings.TrimRight(strings.TrimRight(s[:len(s)-places]+"."+s[len(s)-places:], "0"), ".")
}

// checkSilence scans messages and printed rows for private plaintexts.
func checkSilence(t *testing.T, rows []*Row) {
	t.Helper()
	_, doc := catalogue.Default()
	private, restricted := map[string]bool{}, map[string]bool{}
	classes := map[string]catalogue.Class{}
	for _, c := range doc.Categories {
		for _, f := range c.Fields {
			classes[c.ID+"."+f.ID] = f.Class
			restricted[c.ID] = restricted[c.ID] || f.Class == catalogue.Restricted
		}
	}
	var said strings.Builder
	for _, row := range rows {
		for id, v := range row.Values {
			word := strings.HasSuffix(id, "id_kind") // a kind of document, which messages do name
			if len(private) >= 60 {
				break
			}
			if list, ok := v.([]string); ok && len(list) > 0 {
				v = list[0]
			}
			if s, ok := v.(string); ok && classes[row.Category+"."+id].Private() && len(s) > 15 && !word {
				private[s] = true
			}
		}
		for _, is := range row.Issues {
			said.WriteString(is.Message.Zh + is.Message.En + is.Column + "\n")
		}
		fmt.Fprintf(&said, "%v %+v %#v\n", *row, *row, *row)
	}
	if len(private) == 0 && restricted[rows[0].Category] {
		t.Error("no private values to look for: the scan proves nothing")
	}
	text := said.String()
	for s := range private {
		if strings.Contains(text, s) {
			t.Fatalf("a private value stands in a message or a printed row")
		}
	}
}

// registry is a register as importing fills it: organisations by code and name,
// sales staff by identity number and certificate, policy holders by number.
// Holders' names are not compared; the register of names is the staff's.
type registry struct {
	organisations, names, staff, licences, holders map[string]string
}

func (f *registry) store(rows []*Row) {
	put := func(to *map[string]string, key, name string) {
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[fold(key)] = name
	}
	for _, row := range rows {
		if row.Verdict != Accept && row.Verdict != Flag {
			continue
		}
		name := row.Values.Text("name")
		switch row.Category {
		case "enterprise-basic":
			put(&f.organisations, row.Values.Text("uscc"), name)
			put(&f.names, name, name)
		case "practitioner-basic":
			put(&f.staff, row.Values.Text("resident_id"), name)
			put(&f.licences, row.Values.Text("licence_number"), name)
		case "consumer-insurance":
			put(&f.holders, row.Values.Text("id_number"), "")
		}
	}
}

func (f *registry) ask(_ context.Context, ref Reference) (Answer, error) {
	for _, kind := range []struct {
		kind    RefKind
		in      []map[string]string
		checked bool
	}{
		{RefOrganisation, []map[string]string{f.organisations}, f.organisations != nil},
		{RefName, []map[string]string{f.names}, f.names != nil},
		{RefLicence, []map[string]string{f.licences}, f.licences != nil},
		{RefPerson, []map[string]string{f.staff, f.holders}, f.staff != nil && f.holders != nil},
	} {
		if kind.kind != ref.Kind {
			continue
		}
		for _, in := range kind.in {
			if name, ok := in[fold(ref.Key)]; ok {
				return Answer{Checked: kind.checked, Known: true, Name: name}, nil
			}
		}
		return Answer{Checked: kind.checked}, nil
	}
	return Answer{}, nil
}

func TestAgenciesFilesInOrder(t *testing.T) {
	m := readManifest(t)
	register := &registry{}
	for _, f := range importable {
		t.Run(f.file+f.sheet, func(t *testing.T) {
			mf := m.file(t, f.file, f.sheet)
			_, tables := readAll(t, f.mapping, sharedData(t, "agencies", f.file), Options{AsOf: m.asOf(t), Register: register.ask})
			rows := tables[f.sheet]
			register.store(rows)
			checkCounts(t, rows, mf.Rows, mf.Expected)
			checkVerdicts(t, rows, mf, false)
			checkControls(t, f.mapping, rows, mf)
		})
	}
}

// checkStorable holds every new row against the record store's own judgement,
// which was written apart from this package.
func checkStorable(t *testing.T, rows []*Row, asOf time.Time) {
	t.Helper()
	_, doc := catalogue.Default()
	cat := catalogue.New(doc)
	for _, row := range rows {
		if row.Verdict != Accept && row.Verdict != Flag {
			continue
		}
		flags, err := records.Validate(cat, row.Category, row.SubjectKind, records.Values(row.Values), asOf)
		if err != nil {
			t.Errorf("row %d: the record store refuses it: %v", row.Number, err)
		}
		for _, flag := range flags {
			if !slices.ContainsFunc(row.Issues, func(is Issue) bool { return is.Kind == flag }) {
				t.Errorf("row %d: the record store flags %s, we do not", row.Number, flag)
			}
		}
	}
}
