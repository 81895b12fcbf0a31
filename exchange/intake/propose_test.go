package intake

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"accord/exchange/catalogue"

	"golang.org/x/text/encoding/simplifiedchinese"
)

func propose(t *testing.T, name string, data []byte, category string) *Proposal {
	t.Helper()
	_, doc := catalogue.Default()
	p, err := Propose(t.Context(), bytes.NewReader(data), int64(len(data)), doc, ProposeOptions{File: name, Category: category, AsOf: sampleDay})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// counted reads data by a mapping.
func counted(t *testing.T, m *Mapping, data []byte) Report {
	t.Helper()
	_, doc := catalogue.Default()
	r, rows, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, Options{AsOf: sampleDay})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
	}
	return *r.Report()
}

// A table whose header nobody foresaw: other words, other order, GB18030,
// semicolons, a title line above, months first.
func TestProposalForAStrangersTable(t *testing.T) {
	text := "青海省某局行政处罚信息\r\n" +
		"序号;当事人名称;当事人类别;社会信用代码;处罚文号;违法行为;主要违法事实;法律依据;处罚种类;行政处罚内容;罚款金额（万元）;作出处罚决定日期;有效期至;公示截止日期;执法机关;报送单位;情节;报送日期\r\n" +
		"1;某某保险代理有限公司;法人及非法人组织;91639900MA00000017;青例罚〔2025〕1号;编制虚假资料;虚构业务;《保险法》;罚款、警告;罚款1万元;1.00;05/20/2025;05/20/2028;05/20/2028;某局;某局;一般;05/21/2025\r\n"
	data, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p := propose(t, "处罚信息2025.csv", data, "")
	table := p.Mapping.Tables[0]
	if table.Category != "admin-penalty" || p.Mapping.File.Encoding != GB18030 || p.Mapping.File.Separator != ";" || table.HeaderRow != 2 {
		t.Fatalf("%s %s %q row %d\n%s", table.Category, p.Mapping.File.Encoding, p.Mapping.File.Separator, table.HeaderRow, p.Text)
	}
	want := map[string]string{"当事人名称": "party_name", "社会信用代码": "party_uscc", "处罚文号": "decision_number", "作出处罚决定日期": "decided_on",
		"罚款金额（万元）": "fine", "处罚种类": "penalty_kinds", "执法机关": "authority", "报送单位": "source_unit", "情节": "severity", "序号": ""}
	for _, c := range table.Columns {
		field, asked := want[c.Source]
		if asked && c.Field != field {
			t.Errorf("%s is %q, want %q", c.Source, c.Field, field)
		}
		switch c.Field {
		case "fine":
			if c.Unit != Wan {
				t.Errorf("the fine is in %s", c.Unit)
			}
		case "decided_on":
			if c.Dates != datesMDY {
				t.Errorf("dates are read %q", c.Dates)
			}
		case "penalty_kinds":
			if c.Split != "、" || c.Values["罚款"] != "fine" {
				t.Errorf("kinds are split by %q, values %v", c.Split, c.Values)
			}
		}
	}
	if table.Subject.By != "party_kind" || len(table.Subject.Cases) == 0 {
		t.Errorf("the subject is %+v\n%s", table.Subject, p.Text)
	}
}

func TestProposalsForOtherForms(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, category, field, source string
	}{
		"ndjson": {"x.jsonl", `{"案号":"(2025)青例执1号","被执行人":{"姓名":"张三","身份证号":"639900199001010015"},"法院":"某法院"}` + "\n", "court-defaulter", "case_number", "案号"},
		"json":   {"x.json", `{"数据":{"列表":[{"小组编号":"A1","小组名称":"甲组","成员":[{"姓名":"张三","身份证号":"1"},{"姓名":"李四","身份证号":"2"}]}]}}`, "guarantee-group", "member_names", "成员[].姓名"},
		"xml":    {"x.xml", `<r><list><item><标题>甲</标题><链接>https://a.example/1</链接><发布日期>2025-01-01</发布日期><媒体>某报</媒体></item><item><标题>乙</标题><链接>https://a.example/2</链接></item></list></r>`, "media-report", "headline", "标题"},
		"english": {"sanctions.csv", "S/N,Entity Name,Country,Grounds,Date of Imposition,Lapse Date,Sanctioned by\n1,Foo Ltd,Atlantis,Fraud,12-Aug-2024,Indefinite,Some Bank\n",
			"foreign-debarment", "until", "Lapse Date"},
	} {
		p := propose(t, c.file, []byte(c.text), "")
		if got := p.Mapping.Tables[0].Category; got != c.category {
			t.Errorf("%s: category %s", name, got)
		}
		if got := sourceOf(&p.Mapping.Tables[0], c.field); got != c.source {
			t.Errorf("%s: %s comes from %q\n%s", name, c.field, got, p.Text)
		}
	}
	english := propose(t, "sanctions.csv", []byte("S/N,Entity Name,Address,Country,Grounds,Date of Imposition,Lapse Date\n1,Foo Ltd,Main St 1,Atlantis,Fraud,12-Aug-2024,Indefinite\n2,Bar Ltd,Side St 2,Atlantis,Fraud,\"Aug 1, 2023\",2027-01-01\n"), "")
	data := []byte("S/N,Entity Name,Address,Country,Grounds,Date of Imposition,Lapse Date\n1,Foo Ltd,Main St 1,Atlantis,Fraud,12-Aug-2024,Indefinite\n2,Bar Ltd,Side St 2,Atlantis,Fraud,\"Aug 1, 2023\",2027-01-01\n")
	if got := counted(t, english.Mapping, data); got.New != 2 || got.Refused != 0 {
		t.Errorf("read by its proposal: %+v", got)
	}
}

func TestNothingIsProposedForNothing(t *testing.T) {
	_, doc := catalogue.Default()
	for name, text := range map[string]string{"empty": "", "one word": "x\n", "weather": "温度,湿度\n1,2\n", "binary": "\x00\x01\x02\n\x00"} {
		if p, err := Propose(t.Context(), strings.NewReader(text), int64(len(text)), doc, ProposeOptions{File: "x.csv", AsOf: sampleDay}); err == nil {
			t.Errorf("%s: %s", name, p.Text)
		}
	}
	p := propose(t, "w.csv", []byte("机构名称,信用代码\n甲,91639900MA00000017\n"), "enterprise-basic")
	if len(p.Notes) == 0 || !strings.Contains(p.Text, "缺少") {
		t.Errorf("what is missing is not said:\n%s", p.Text)
	}
}

// What a header or value holds cannot become part of the mapping's structure.
func TestProposalQuotes(t *testing.T) {
	p := propose(t, "q.csv", []byte("机构名称,统一社会信用代码,机构类别,\"a\"\"b: {c}\n#d\"\n\"x\ny\",91639900MA00000017,\"{}: ]\",1\n"), "enterprise-basic")
	found := false
	for _, c := range p.Mapping.Tables[0].Columns {
		found = found || c.Source == "a\"b: {c}\n#d"
	}
	if !found {
		t.Errorf("the header was changed:\n%s", p.Text)
	}
}

// The twelve files of the agencies, whose mappings people wrote: the proposal
// finds the category of each and reads as many rows as theirs.
func TestProposalsForTheAgencies(t *testing.T) {
	m := readManifest(t)
	_, doc := catalogue.Default()
	for _, name := range []string{"enterprises.xlsx", "practitioners.csv", "policies.csv", "penalties.csv", "discipline.xlsx", "court.ndjson",
		"complaints.tsv", "tax.csv", "awards.xlsx", "commitments.ndjson", "groups.json", "media.xml"} {
		f, err := os.Open(sharedData(t, "agencies", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		theirs, err := Builtin(name[:strings.IndexByte(name, '.')])
		if err != nil {
			t.Fatal(err)
		}
		p, err := Propose(t.Context(), f, fileSize(t, f), doc, ProposeOptions{File: name, AsOf: m.asOf(t)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var reports [2]Report
		for i, by := range []*Mapping{theirs, p.Mapping} {
			r, rows, err := Read(t.Context(), f, fileSize(t, f), by, doc, Options{AsOf: m.asOf(t)})
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, p.Text)
			}
			for _, err := range rows {
				if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, p.Text)
				}
			}
			reports[i] = *r.Report()
		}
		a, b := reports[0], reports[1]
		if a.Rows != b.Rows || b.New < a.New || b.New-a.New > a.Rows/20+1 {
			t.Errorf("%s: by people %d rows, %d new, %d refused; by the proposal %d, %d, %d %v\n%s", name, a.Rows, a.New, a.Refused, b.Rows, b.New, b.Refused, b.Kinds, p.Text)
		}
	}
}

func TestArrayPath(t *testing.T) {
	for doc, want := range map[string]string{
		`[{"a":1}]`: "", `{"rows":[{"a":1}]}`: "rows", `{"n":[1,2],"rows":[{"a":1}]}`: "rows", `{"n":[[{"x":[]}],"y"],"m":{"e":[],"rows":[{}]}}`: "m.rows",
		"\ufeff{\"rows\":[{}]}": "rows",
	} {
		if got, ok := arrayPath(strings.NewReader(doc)); !ok || got != want {
			t.Errorf("%s: %q, %v", doc, got, ok)
		}
	}
	for _, doc := range []string{``, `1`, `{"a":[1`, `{"a":[1,2]}`, `{"a":`, `[`, strings.Repeat(`{"a":`, 100_000)} {
		if got, ok := arrayPath(strings.NewReader(doc)); ok {
			t.Errorf("%.20s: %q", doc, got)
		}
	}
}
