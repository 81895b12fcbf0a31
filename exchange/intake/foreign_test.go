package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

// many repeats a line of a table with the number of the row in it.
func many(header, line string, n int) []byte {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		fmt.Fprintf(&b, line+"\n", i)
	}
	return []byte(b.String())
}

// Lists as institutions publish them: names under other heads, days in one column, a
// kind beside the name, no address, persons' names in several columns.
func TestListsOfOtherPublishers(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want map[string]string // field to source, with the part
	}{
		"from and to": {many("Title,Entity,Nationality,Country,From,To,Grounds,Source,Type", `Example %d S.A.,Firm,Peru,Peru,10/26/2022,Permanent,Fraud,A Bank,Debarment`, 30),
			map[string]string{"name": "Title", "from": "From", "until": "To", "ground": "Grounds", "originator": "Source", "nationality": "Nationality"}},
		"two days in a column": {many("Name,Address,Sanction Type,Nationality,Effect Date | Lapse Date,Grounds", `Road %d Ltd,Dhaka,Debarred,Nowhere,13-Dec-2019 | Indefinite,Fraud`, 30),
			map[string]string{"name": "Name", "from": "Effect Date | Lapse Date 1", "until": "Effect Date | Lapse Date 2", "address": "Address"}},
		"prefixes": {many("Entity_LogicalId;Entity_SubjectType;NameAlias_WholeName;Address_City;Citizenship_Country", "%[1]d;person;Example Name %[1]d;Baghdad;IRAQ", 30),
			map[string]string{"name": "NameAlias_WholeName", "address": "Address_City", "nationality": "Citizenship_Country"}},
	} {
		p := propose(t, "list.csv", c.data, "foreign-debarment")
		got := map[string]string{}
		for _, col := range p.Mapping.Tables[0].Columns {
			if got[col.Field] = col.Source; col.Part > 0 {
				got[col.Field] += fmt.Sprintf(" %d", col.Part)
			}
		}
		for field, source := range c.want {
			if got[field] != source {
				t.Errorf("%s: %s from %q, want %q\n%s", name, field, got[field], source, p.Text)
			}
		}
		if report := counted(t, p.Mapping, c.data); report.Refused > 0 || report.Rows != 30 {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// foreignMapping is a mapping of a list of persons whose names are in two columns and
// whose two days are in one.
const foreignMapping = `format: accord-mapping/1
name: persons
title: {zh: "名单", en: "list"}
source: {name: {zh: "机构", en: "institution"}, grade: C}
file: {format: csv, empty: ["na"], no_end: [Indefinite]}
tables:
  - category: foreign-debarment
    columns:
      - {source: First, field: name, join: [Second, Third]}
      - {source: Days, field: from, split: "|", part: 1}
      - {source: Days, field: until, split: "|", part: 2}
    subject:
      cases:
        - {kind: foreign, namespace: name, key: name, name: name}
`

func foreignRows(t *testing.T, mapping, text string) (out []string) {
	t.Helper()
	_, doc := catalogue.Default()
	_, rows, err := Read(context.Background(), strings.NewReader(text), int64(len(text)), parse(t, mapping), doc, Options{AsOf: sampleDay})
	must(t, err)
	for row, err := range rows {
		must(t, err)
		kinds := ""
		for _, f := range row.Issues {
			kinds += " " + f.Kind
		}
		out = append(out, fmt.Sprintf("%s|%s|%s%s", row.Values.Text("name"), row.Values.Text("from"), row.Values.Text("until"), kinds))
	}
	return out
}

// A field of several columns and a column of several fields, whole or in part missing.
func TestJoinedAndPartedColumns(t *testing.T) {
	got := foreignRows(t, foreignMapping, "First,Second,Third,Days\n"+
		"ERIC,EXAMPLE,,2020-01-02|2021-03-04\nna,ALONE,OF IT,2020-01-02\nJean, de , Exemple,2020-01-02 | Indefinite\nToo,Many,,2020-01-02|2021-03-04|x\nNo,Day,,|2021-03-04\n")
	want := []string{"ERIC EXAMPLE|2020-01-02|2021-03-04", "ALONE OF IT|2020-01-02|", "Jean de Exemple|2020-01-02|2099-12-31", "|| too_many_parts too_many_parts", "No Day||2021-03-04"}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("row %d: %q, want %q", i+1, got[i], want[i])
		}
	}
	for name, edit := range map[string][2]string{
		"a part of nothing": {`split: "|", part: 1`, `part: 1`}, "the same part": {"part: 2", "part: 1"}, "parts out of order": {"part: 1", "part: 3"},
		"another separator": {`split: "|", part: 2`, `split: ";", part: 2`}, "too many parts": {"part: 2", "part: 11"}, "a whole beside a part": {`, split: "|", part: 1`, ""},
		"joined twice": {"[Second, Third]", "[Second, Second]"}, "a field joined": {"[Second, Third]", "[Days]"}, "itself joined": {"[Second, Third]", "[First]"},
		"nothing joined": {"[Second, Third]", `[""]`}, "a part joined": {`split: "|", part: 1`, `split: "|", part: 1, join: [X]`},
	} {
		if _, err := ParseMapping([]byte(strings.Replace(foreignMapping, edit[0], edit[1], 1))); !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Rows are told apart without the optional fields of the key, not without all.
	_, doc := catalogue.Default()
	for name, edit := range map[string][2]string{"no day": {`{source: Days, field: from, split: "|", part: 1}`, `{source: Days, ignore: true, split: "|", part: 1}`}, "no name": {"field: name, join: [Second, Third]", "field: nationality"}} {
		m := parse(t, strings.Replace(foreignMapping, edit[0], edit[1], 1))
		if _, err := bind(m, &m.Tables[0], doc, Options{AsOf: sampleDay}); (err != nil) != (name == "no name") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
