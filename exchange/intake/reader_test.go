package intake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// testDocument is the smallest catalogue these tests need.
func testDocument() *catalogue.Document {
	return &catalogue.Document{
		Subjects: []catalogue.SubjectKind{{ID: "enterprise", Namespace: "org"}, {ID: "consumer", Namespace: "person"}},
		Limits:   catalogue.Limits{NameCharacters: 20},
		Categories: []catalogue.Category{{
			ID: "note", Subjects: []string{"enterprise", "consumer"}, Key: []string{"number", "id"}, Adverse: true, EventField: "day", RetentionDays: 100,
			Fields: []catalogue.Field{
				{ID: "number", Type: catalogue.TypeLicence, Required: true},
				{ID: "kind", Type: catalogue.TypeCode, Values: []catalogue.Value{{ID: "p", Title: exchange.Text{Zh: "人"}}, {ID: "o", Title: exchange.Text{Zh: "企"}}}},
				{ID: "id_kind", Type: catalogue.TypeText},
				{ID: "id", Type: catalogue.TypeIDNumber, Class: catalogue.Restricted, KindField: "id_kind"},
				{ID: "name", Type: catalogue.TypeName, RequiredFor: []string{"enterprise"}},
				{ID: "day", Type: catalogue.TypeDate, Past: true},
				{ID: "until", Type: catalogue.TypeDate, NotBefore: "day"},
				{ID: "origin", Type: catalogue.TypeText},
			},
		}},
	}
}

const testMapping = `
format: accord-mapping/1
name: test
title: {zh: 试, en: test}
source: {name: {zh: 试, en: test}, grade: B}
file: {format: csv, empty: ["无"]}
tables:
  - category: note
    footers: ["合计:"]
    columns:
      - {source: 号, field: number}
      - {source: "证件\n号码", field: id}
      - {source: 类, field: kind}
      - {source: 证件类型, field: id_kind}
      - {source: 名, field: name}
      - {source: 日, field: day}
      - {source: 止, field: until}
    constants: {origin: 某处}
    subject:
      by: kind
      cases:
        - {when: p, kind: consumer, namespace: person, key: id, name: name}
        - {when: o, kind: enterprise, namespace: org, key: id, name: name}
`

const testHeader = "号,证件号码,类,证件类型,名,日,止\n"

func parse(tb testing.TB, text string) *Mapping {
	tb.Helper()
	m, err := ParseMapping([]byte(text))
	must(tb, err)
	return m
}

func readText(tb testing.TB, text string, opts Options) ([]*Row, error) {
	tb.Helper()
	if opts.AsOf.IsZero() {
		opts.AsOf = sampleDay
	}
	_, rows, err := Read(context.Background(), strings.NewReader(text), int64(len(text)), parse(tb, testMapping), testDocument(), opts)
	if err != nil {
		return nil, err
	}
	var all []*Row
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}

const (
	personID = "11010519491231002X"
	orgCode  = "91350100M000100Y43"
)

func TestRows(t *testing.T) {
	text := testHeader +
		"1," + personID + ",人,身份证,例川,2026-10-01,2027-01-01\n" +
		"1," + personID + ",人,身份证,例川,2026-10-01,2027-01-01\n" + // the same
		"１, 11010519491231002x ,人,身份证,例 川,2026/10/1,2027-01-01\n" + // the same in another spelling
		"1," + personID + ",人,身份证,例川,2026-10-02,2027-01-01\n" + // contradicts
		"2," + personID + ",人,身份证,,2026-10-01,\n" + // a person needs no name here
		"2," + orgCode + ",企,统一社会信用代码,,2026-10-01,\n" + // an enterprise does
		"3," + orgCode + ",企,统一社会信用代码,无,2026-10-01,\n" +
		"4," + personID + ",人,身份证,例川,2026-01-01,\n" + // too old for a person
		"4," + orgCode + ",企,统一社会信用代码,例川公司,2026-01-01,\n" + // old, flagged
		"5," + personID + ",人,身份证,例川,2026-10-01,2026-09-30\n" +
		"6,,人,,例川,2026-10-01,\n" +
		"7," + personID + ",,身份证,例川,2026-10-01,\n" +
		"号,证件号码,类,证件类型,名,日,止\n" +
		"合计:9,,,,,,\n" +
		",,,,,,\n" +
		"8,\x00,人,身份证,例川,2026-10-01,\n" +
		"9," + personID + ",人,身份证,阿依·古丽（例）,2026-10-01,2026-10-01\n" + // ends on the day it begins
		"9," + personID + ",人,身份证,阿依•古丽(例),2026-10-01,2026-10-01\n" +
		"\xff," + personID + ",人,身份证,例川,2026-10-01,\n" +
		"10," + personID + ",人,身份证,\xff,\xff,\n"
	rows, err := readText(t, text, Options{})
	must(t, err)
	var got []string
	for _, r := range rows {
		s := fmt.Sprint(r.Number, " ", r.Line, " ", r.Verdict)
		for _, is := range r.Issues {
			s += fmt.Sprintf(" %s@%s/%s", is.Kind, is.Column, is.Field)
			if is.WithRow > 0 {
				s += fmt.Sprint("=", is.WithRow)
			}
		}
		got = append(got, s)
	}
	want := []string{
		"1 2 accept", "2 3 same dup_exact@*/=1", "3 4 same dup_normalised@号/number=1", "4 5 refuse dup_conflict@日/day=1", "5 6 accept",
		"6 7 refuse missing_required@名/name", "7 8 refuse missing_placeholder@名/name", "8 9 refuse past_retention_person@日/day",
		"9 10 flag past_retention_enterprise@日/day", "10 11 refuse date_end_before_start@止/until", "11 12 refuse missing_required@证件\n号码/id",
		"12 13 refuse subject_unknown@*/", "13 14 refuse repeated_header@*/", "14 17 refuse nul_byte@证件号码/",
		"15 18 accept", "16 19 same dup_normalised@名/name=15", "17 20 refuse bad_encoding@号/number", "18 21 refuse bad_encoding@*/",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if rows[0].Values["origin"] != "某处" || rows[0].SubjectKind != "consumer" || rows[0].SubjectKey.Reveal() != personID {
		t.Error("the first row lacks its constant or its subject")
	}
	for _, r := range rows {
		if r.Verdict == Refuse && (r.Values != nil || !r.SubjectKey.Empty() || r.RowKey != "") {
			t.Errorf("row %d was refused and still carries values", r.Number)
		}
	}
}

func TestRowKeys(t *testing.T) {
	text := testHeader + "1," + personID + ",人,身份证,例川,2026-10-01,\n2," + personID + ",人,身份证,例川,2026-10-01,\n"
	plain, err := readText(t, text, Options{})
	must(t, err)
	again, err := readText(t, text, Options{})
	must(t, err)
	keyed, err := readText(t, text, Options{KeyHash: func(b []byte) string {
		h := hmac.New(sha256.New, []byte("a key"))
		h.Write(b)
		return fmt.Sprintf("%x", h.Sum(nil))
	}})
	must(t, err)
	for i := range plain {
		switch {
		case plain[i].RowKey != again[i].RowKey || plain[i].RowDigest != again[i].RowDigest:
			t.Error("keys differ between two readings")
		case plain[i].RowKey == keyed[i].RowKey:
			t.Error("the key hash was not used")
		case len(plain[i].RowKey) != 64 || plain[i].RowKey == plain[i].RowDigest:
			t.Error("a key is no digest of its own")
		}
	}
	if plain[0].RowKey == plain[1].RowKey {
		t.Error("two keys collide")
	}
}

func TestRegister(t *testing.T) {
	text := testHeader + "1," + personID + ",人,身份证,例川,2026-10-01,\n2," + orgCode + ",企,uscc,例川（西宁）公司,2026-10-01,\n3," + orgCode + ",企,uscc,例山公司,2026-10-01,\n"
	rows, err := readText(t, text, Options{Register: func(_ context.Context, ref Reference) (Answer, error) {
		return Answer{Checked: true, Known: ref == Reference{RefOrganisation, orgCode}, Name: "例川(西宁)公司"}, nil
	}})
	must(t, err)
	want := []string{"unregistered_subject", "", "name_mismatch"}
	for i, r := range rows {
		got := ""
		if len(r.Issues) > 0 {
			got = r.Issues[0].Kind
		}
		if got != want[i] {
			t.Errorf("row %d: %q, want %q", r.Number, got, want[i])
		}
	}
}

// Nothing that prints a row shows what is in it.
func TestRowsPrintNothingPrivate(t *testing.T) {
	rows, err := readText(t, testHeader+"1,"+personID+",人,身份证,例川,2026-10-01,\n", Options{})
	must(t, err)
	r := rows[0]
	out := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %#v", *r, *r, *r, r.SubjectKey, r.SubjectKey, r.SubjectKey, r.SubjectKey, r.Values, r.Values)
	data, err := json.Marshal(r.SubjectKey)
	must(t, err)
	if out += string(data) + r.SubjectKey.LogValue().String() + r.Values.LogValue().String(); strings.Contains(out, personID) || strings.Contains(out, "例川") {
		t.Errorf("printed: %s", out)
	}
}

func TestOpenRefuses(t *testing.T) {
	ok := testHeader
	for _, tc := range []struct {
		name, text, mapping string
		want                *exchange.Definition
	}{
		{"a workbook under another name", "PK\x03\x04", testMapping, ErrFormat},
		{"an old workbook", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", testMapping, ErrFormat},
		{"text under a workbook's name", ok, strings.Replace(strings.Replace(testMapping, "csv", "xlsx", 1), "- category", "- sheet: S\n    category", 1), ErrFormat},
		{"a column missing", "号,类\n", testMapping, ErrHeader},
		{"a column too many", strings.Replace(ok, "止", "止,新列", 1), testMapping, ErrHeader},
		{"a column twice", strings.Replace(ok, "止", "止,名", 1), testMapping, ErrHeader},
		{"an empty file", "", testMapping, ErrHeader},
		{"another encoding", "\xff\xfe\x53\x00", strings.Replace(testMapping, "csv,", "csv, encoding: gb18030,", 1), ErrHeader},
		{"an unknown category", ok, strings.Replace(testMapping, "category: note", "category: other", 1), ErrUnfit},
		{"an unknown field", ok, strings.Replace(testMapping, "field: until", "field: beyond", 1), ErrUnfit},
		{"an unknown value", ok, strings.Replace(testMapping, "field: kind}", "field: kind, values: {人: x}}", 1), ErrUnfit},
		{"values of a text", ok, strings.Replace(testMapping, "field: name}", "field: name, values: {人: p}}", 1), ErrUnfit},
		{"a constant that does not fit", ok, strings.Replace(testMapping, "origin: 某处", "origin: 无", 1), ErrUnfit},
		{"a subject kind of another namespace", ok, strings.Replace(testMapping, "namespace: org", "namespace: person", 1), ErrUnfit},
		{"a key without a column", ok, strings.Replace(testMapping, "field: number", "ignore: true", 1), ErrUnfit},
		{"a subject that no column names", ok, strings.Replace(testMapping, "key: id", "key: other", 1), ErrUnfit},
		{"an order with nothing", ok, strings.Replace(testMapping, "field: name}", "field: name, not_before: other}", 1), ErrUnfit},
	} {
		m, err := ParseMapping([]byte(tc.mapping))
		if err != nil {
			t.Errorf("%s: the mapping itself: %v", tc.name, err)
			continue
		}
		_, rows, err := Read(context.Background(), strings.NewReader(tc.text), int64(len(tc.text)), m, testDocument(), Options{AsOf: sampleDay})
		if err == nil {
			for _, err = range rows {
				break
			}
		}
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want.Code)
		}
	}
	if _, err := Open(strings.NewReader(""), 0, parse(t, testMapping), testDocument(), Options{}); err == nil {
		t.Error("a reading without a day was begun")
	}
}

func TestExtraColumnsIgnored(t *testing.T) {
	m := parse(t, strings.Replace(testMapping, "footers:", "extra: ignore\n    footers:", 1))
	text := "新列," + testHeader + "x,1," + personID + ",人,身份证,例川,2026-10-01,\n"
	_, rows, err := Read(context.Background(), strings.NewReader(text), int64(len(text)), m, testDocument(), Options{AsOf: sampleDay})
	must(t, err)
	for row, err := range rows {
		if must(t, err); row.Verdict != Accept {
			t.Errorf("%v", row.Issues)
		}
	}
}

// changing is a file that somebody writes to while it is read.
type changing struct {
	data  []byte
	reads int
}

func (c *changing) ReadAt(p []byte, at int64) (int, error) {
	if c.reads++; c.reads > 3 {
		c.data[len(c.data)-2]++
	}
	return bytes.NewReader(c.data).ReadAt(p, at)
}

func TestFileThatChanges(t *testing.T) {
	text := testHeader + "1," + personID + ",人,身份证,例川,2026-10-01,2027-01-01\n"
	src := &changing{data: []byte(text)}
	_, rows, err := Read(context.Background(), src, int64(len(text)), parse(t, testMapping), testDocument(), Options{AsOf: sampleDay})
	for _, e := range rows {
		err = e
	}
	if !errors.Is(err, ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
	_, err = Open(strings.NewReader(text), int64(len(text))+1, parse(t, testMapping), testDocument(), Options{AsOf: sampleDay})
	if !errors.Is(err, ErrChanged) {
		t.Errorf("a file that shrank: %v, want ErrChanged", err)
	}
}

type failing struct{ bytes.Reader }

func (*failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk") }

func TestReadingStops(t *testing.T) {
	text := testHeader + strings.Repeat("1,"+personID+",人,身份证,例川,2026-10-01,\n", 3000)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, rows, err := Read(ctx, strings.NewReader(text), int64(len(text)), parse(t, testMapping), testDocument(), Options{AsOf: sampleDay})
	must(t, err)
	n := 0
	for _, err = range rows {
		if n++; n == 10 {
			cancel()
		}
	}
	if !errors.Is(err, context.Canceled) || n > 300 {
		t.Errorf("after %d rows: %v", n, err)
	}
	for range r.Rows(context.Background()) { // a caller that has enough
		break
	}
	if r.Report().Rows != 1 {
		t.Errorf("the report counts %d rows", r.Report().Rows)
	}
	if _, err := Open(&failing{}, 10, parse(t, testMapping), testDocument(), Options{AsOf: sampleDay}); !errors.Is(err, ErrRead) {
		t.Errorf("a disk that fails: %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	must(t, os.WriteFile(path, []byte(testHeader+"1,"+personID+",人,身份证,例川,2026-10-01,\n"), 0o600))
	r, file, err := OpenFile(path, parse(t, testMapping), testDocument(), Options{AsOf: sampleDay})
	must(t, err)
	defer func(c io.Closer) { must(t, c.Close()) }(file)
	for _, err := range r.Rows(context.Background()) {
		must(t, err)
	}
	if r.Report().New != 1 || len(r.Digest()) != 64 {
		t.Errorf("%+v", r.Report())
	}
	for _, bad := range []string{t.TempDir(), path + "x"} {
		if _, _, err := OpenFile(bad, parse(t, testMapping), testDocument(), Options{AsOf: sampleDay}); !errors.Is(err, ErrRead) {
			t.Errorf("%v, want ErrRead", err)
		}
	}
}

func TestReport(t *testing.T) {
	text := testHeader + strings.Repeat("1,1,人,身份证,例川,2026-10-01,\n", maxFindings+5)
	r, rows, err := Read(context.Background(), strings.NewReader(text), int64(len(text)), parse(t, testMapping), testDocument(), Options{AsOf: sampleDay})
	must(t, err)
	for _, err := range rows {
		must(t, err)
	}
	rep := r.Report()
	if rep.Refused != maxFindings+5 || len(rep.Findings) != maxFindings || rep.Omitted != 5 || rep.Kinds["id_too_short"] != maxFindings+5 {
		t.Errorf("refused %d, findings %d, omitted %d, kinds %v", rep.Refused, len(rep.Findings), rep.Omitted, rep.ByKind())
	}
	f := rep.Findings[0]
	if f.Row != 1 || f.Line != 2 || f.Column != "证件\n号码" || f.Effect != Refuse || !strings.Contains(f.Message.Zh, "不足18位") || f.Message.En == "" {
		t.Errorf("%+v", f)
	}
}

// The kinds that the agencies' manifest explains have the effect it gives them.
func TestKindsAgainstManifest(t *testing.T) {
	data, err := os.ReadFile(sharedData(t, "agencies", "manifest.json"))
	must(t, err)
	var m struct {
		Kinds map[string]struct{ Effect Effect }
	}
	must(t, json.Unmarshal(data, &m))
	shared := 0
	for _, k := range Kinds() {
		if k.Text.Zh == "" || k.Text.En == "" || k.Effect.rank() == 3 && k.Effect != Refuse {
			t.Errorf("%s lacks a text or an effect", k.ID)
		}
		if theirs, ok := m.Kinds[k.ID]; ok {
			if shared++; theirs.Effect != k.Effect {
				t.Errorf("%s is %s, the manifest says %s", k.ID, k.Effect, theirs.Effect)
			}
		}
	}
	if shared < 60 {
		t.Errorf("only %d kinds of the manifest are known", shared)
	}
}
