package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"accord/exchange/catalogue"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// documentRows reads a text by a built-in mapping.
func documentRows(tb testing.TB, mapping, text string) ([]*Row, error) {
	tb.Helper()
	m, err := Builtin(mapping)
	must(tb, err)
	_, doc := catalogue.Default()
	_, seq, err := Read(context.Background(), strings.NewReader(text), int64(len(text)), m, doc, Options{AsOf: sampleDay})
	must(tb, err)
	var rows []*Row
	for row, err := range seq {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// member is a member of a group; the number stands on a division that was never
// allocated.
func member(role string, n int) string {
	id := (&sampleMaker{r: rand.New(rand.NewPCG(1, uint64(n))), n: n}).resident(true)
	return fmt.Sprintf(`{"姓名":"马例%c","身份证号":"%s","角色":"%s","联系电话":"1990000%04d"}`, rune(0x4e00+n), id, role, n)
}

func group(number string, members ...string) string {
	return fmt.Sprintf(`{"小组编号":"%s","小组名称":"例滩联保小组","所在地":"例滩村","成立日期":"2024-05-01","担保额度(万元)":8.5,"成员":[%s]}`, number, strings.Join(members, ","))
}

func kindsOf(rows []*Row) string {
	var all []string
	for _, r := range rows {
		kind := string(r.Verdict)
		for _, is := range r.Issues {
			kind += " " + is.Kind + "@" + is.Column
		}
		all = append(all, kind)
	}
	return strings.Join(all, "; ")
}

func TestGroups(t *testing.T) {
	head, other := member("组长", 1), []string{member("组员", 2), member("组员", 3), member("组员", 4)}
	fresh := func(n int) []string {
		return []string{member("组长", n), member("组员", n+1), member("组员", n+2)}
	}
	for name, c := range map[string]struct{ groups, want string }{
		"sound":          {group("G1", head, other[0], other[1]), "accept"},
		"too few":        {group("G1", head, other[0]), "refuse group_size@成员"},
		"nobody":         {group("G1"), "refuse missing_required@成员[].姓名 missing_required@成员[].身份证号 group_size@成员"},
		"twice":          {group("G1", head, other[0], other[0]), "refuse group_duplicate_member@成员[2]"},
		"no leader":      {group("G1", other...), "flag group_no_leader@成员"},
		"two leaders":    {group("G1", head, member("组长", 9), other[0]), "flag group_leaders@成员"},
		"in two groups":  {group("G1", head, other[0], other[1]) + "," + group("G2", append(fresh(20), other[1])...), "accept; flag member_in_two_groups@成员[3].身份证号"},
		"of a bad group": {group("G1", head, other[0]) + "," + group("G2", head, other[0], other[1]), "refuse group_size@成员; accept"},
		"a masked id":    {group("G1", head, other[0], strings.Replace(other[1], `"身份证号":"6399`, `"身份证号":"****`, 1)), "refuse id_masked@成员[2].身份证号"},
		"a number":       {group("G1", head, other[0], `{"姓名":"马例","身份证号":639900199001011234,"角色":"组员"}`), "refuse id_json_number@成员[2].身份证号"},
		"no id":          {group("G1", head, other[0], `{"姓名":"马例","角色":"组员"}`), "refuse missing_required@成员[2].身份证号"},
		"no list":        {strings.Replace(group("G1", head), `"成员":[`+head+`]`, `"成员":"x"`, 1), "refuse json_wrong_type@成员[角色=组长].姓名 json_wrong_type@成员[].姓名 json_wrong_type@成员[].身份证号 json_wrong_type@成员[].联系电话 group_size@成员"},
		"a broken row":   {`{'小组编号':'G0'},` + group("G1", head, other[0], other[1]), "refuse json_invalid@*; accept"},
	} {
		rows, err := documentRows(t, "groups", `{"总数":1,"联保小组":[`+c.groups+`]}`)
		if err != nil || kindsOf(rows) != c.want {
			t.Errorf("%s: %v %v, want %s", name, kindsOf(rows), err, c.want)
		}
	}
	rows, err := documentRows(t, "groups", `{"联保小组":[`+group("G1", head, other[0], other[1])+`]}`)
	must(t, err)
	v := rows[0].Values
	if v["guarantee_limit"] != int64(8_500_000) || v.Text("leader") != "马例丁" || len(v["member_phones"].([]string)) != 3 || v["member_phones"].([]string)[0] != "19900000001" {
		t.Errorf("%#v", map[string]any(v))
	}
}

func TestJSONDocuments(t *testing.T) {
	one := group("G1", member("组长", 1), member("组员", 2), member("组员", 3))
	for text, want := range map[string]string{
		`{"联保小组":[` + one + `]}`:                           "accept",
		"\ufeff{\"联保小组\"\t:\n[\n" + one + "\n]\n}\n":       "accept",
		`{"a":{"联保小组":[1]},"联保小组":[` + one + `],"z":[{}]}`: "accept",
		`{"联保小组":[]}`:                                      "",
	} {
		if rows, err := documentRows(t, "groups", text); err != nil || kindsOf(rows) != want {
			t.Errorf("%.40s: %s %v", text, kindsOf(rows), err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "another member": `{"小组":[]}`, "no array": `{"联保小组":{}}`, "cut off": `{"联保小组":[` + one, "cut in a string": `{"联保小组":[{"a`,
		"twice": `{"联保小组":[],"联保小组":[]}`, "trailing": `{"联保小组":[]} x`, "no comma": `{"联保小组":[{} {}]}`, "a comma too many": `{"联保小组":[{},]}`, "the array itself": `[` + one + `]`,
	} {
		rows, err := documentRows(t, "groups", text)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrHeader) {
			t.Errorf("%s: %v %v", name, kindsOf(rows), err)
		}
	}
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(`{"联保小组":[` + one + `]}`)
	must(t, err)
	m, err := Builtin("groups")
	must(t, err)
	m.File.Encoding = GB18030
	_, doc := catalogue.Default()
	_, seq, err := Read(context.Background(), strings.NewReader(gb), int64(len(gb)), m, doc, Options{AsOf: sampleDay})
	must(t, err)
	for row, err := range seq {
		must(t, err)
		if row.Verdict != Accept {
			t.Errorf("GB18030: %+v", row.Issues)
		}
	}
	long := `{"联保小组":[{"x":"` + strings.Repeat("y", maxRecordBytes) + `"},` + one + `]}`
	if rows, err := documentRows(t, "groups", long); err != nil || kindsOf(rows) != "refuse line_too_long@*; accept" {
		t.Errorf("a long row: %s %v", kindsOf(rows), err)
	}
}

const feedHead = `<?xml version="1.0"?><rss xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:c="https://credit.example/ns/subject"><channel><title>x</title>`

func item(guid, title, extra string) string {
	return "<item><guid>" + guid + "</guid><title>" + title + "</title><link>https://news.example/1</link>" +
		"<pubDate>Tue, 02 Jan 2024 23:30:00 +0000</pubDate><d:source>例报</d:source><category>理赔纠纷</category>" +
		`<c:subject>青海例滩保险代理有限公司</c:subject>` + extra + "</item>"
}

func TestXMLDocuments(t *testing.T) {
	text := feedHead + "\n" + item("m-1", "一 &amp; 二", "<description><![CDATA[<p>正文<script>alert(1)</script></p><p>2 &lt; 3</p>]]></description>") + "\n" +
		item("m-2", "&lt;b&gt;粗&lt;/b&gt;", "") + item("m-3", "三", "<guid>m-4</guid>") + item("m-5", "字\xff节", "") + "</channel></rss>"
	rows, err := documentRows(t, "media", text)
	if want := "accept; flag html_in_text@title; refuse cell_wrong_type@guid; flag lost_in_text@title"; err != nil || kindsOf(rows) != want {
		t.Fatalf("%s %v", kindsOf(rows), err)
	}
	v := rows[0].Values
	if v.Text("headline") != "一 & 二" || v.Text("summary") != "正文\n2 < 3" || v.Text("published_on") != "2024-01-03" || v.Text("medium") != "例报" || rows[1].Line != 3 {
		t.Errorf("%#v line %d", map[string]any(v), rows[1].Line)
	}
	if rows[0].SubjectNamespace != "org" || !strings.HasPrefix(rows[0].SubjectKey.Reveal(), "name.") {
		t.Error("a subject by name has no id of its own")
	}
	for name, bad := range map[string]string{
		"a DTD":       `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]>` + strings.TrimPrefix(text, `<?xml version="1.0"?>`),
		"an entity":   feedHead + item("m-1", "&a;", "") + "</channel></rss>",
		"cut off":     text[:len(text)-20],
		"other rows":  `<feed><entry/></feed>`,
		"deep":        feedHead + item("m", "t", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)) + "</channel></rss>",
		"another set": `<?xml version="1.0" encoding="ebcdic"?><rss/>`,
	} {
		if rows, err := documentRows(t, "media", bad); err == nil {
			t.Errorf("%s: %s", name, kindsOf(rows))
		}
	}
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(strings.ReplaceAll(strings.Replace(text, `"1.0"`, `"1.0" encoding="GBK"`, 1), "\xff", ""))
	must(t, err)
	if rows, err := documentRows(t, "media", gb); err != nil || len(rows) != 4 || rows[0].Values.Text("medium") != "例报" {
		t.Errorf("GBK: %s %v", kindsOf(rows), err)
	}
}

func TestHTMLText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a&amp;b": "a&b", "<p>一</p><p>二</p>": "一\n二", "x<br/>y": "x\ny", "<style>p{}</style>z": "z", "<SCRIPT>1</SCRIPT>z": "z",
		"a<!-- <b> -->c": "ac", "a<b": "a", "&lt;script&gt;": "<script>", "<script>never ends": "", "< >x": "x", "<p title='>'>x": "'>x",
	} {
		if got := htmlText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzDocuments holds that whatever a file holds, reading ends, and every row
// has a verdict.
func FuzzDocuments(f *testing.F) {
	f.Add(true, `{"联保小组":[`+group("G1", member("组长", 1), member("组员", 2), member("组员", 3))+`]}`)
	f.Add(false, feedHead+item("m-1", "x", "")+"</channel></rss>")
	f.Add(true, `{"联保小组":[1,"\u12",{}]}`)
	f.Fuzz(func(t *testing.T, json bool, text string) {
		mapping := "media"
		if json {
			mapping = "groups"
		}
		m, err := Builtin(mapping)
		must(t, err)
		_, doc := catalogue.Default()
		r, seq, err := Read(context.Background(), bytes.NewReader([]byte(text)), int64(len(text)), m, doc, Options{AsOf: sampleDay})
		if err != nil {
			return
		}
		n := 0
		for row, err := range seq {
			if err != nil {
				if err == io.EOF {
					t.Error("a bare EOF")
				}
				break
			}
			if n++; row.Number != n || row.Verdict == "" {
				t.Errorf("row %d: %+v", n, row)
			}
		}
		if r.Report().Rows != n {
			t.Errorf("%d of %d", n, r.Report().Rows)
		}
	})
}
