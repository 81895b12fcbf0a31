package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"accord/exchange/catalogue"
	"accord/exchange/identifiers"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

var update = flag.Bool("update", false, "write the sample files anew")

// sampleMaker invents the samples' people and firms, the same ones every time.
type sampleMaker struct {
	r *rand.Rand
	n int
}

func newSampleMaker() *sampleMaker { return &sampleMaker{r: rand.New(rand.NewPCG(2015, 1215))} }

// area is a division code that GB/T 2260 never allocated.
func (m *sampleMaker) area() string { return fmt.Sprintf("6399%02d", 1+m.r.IntN(20)) }

func (m *sampleMaker) resident(male bool) string {
	m.n++
	order := 2 * (100 + m.n)
	if male {
		order++
	}
	first := fmt.Sprintf("%s%04d%02d%02d%03d", m.area(), 1962+m.r.IntN(38), 1+m.r.IntN(12), 1+m.r.IntN(28), order)
	check, err := identifiers.ResidentCheck(first)
	if err != nil {
		panic(err)
	}
	return first + string(check)
}

func (m *sampleMaker) uscc() string {
	m.n++
	inner := fmt.Sprintf("MA6T%04d", m.n)
	c, err := identifiers.OrgCodeCheck(inner)
	if err != nil {
		panic(err)
	}
	first := "91" + m.area() + inner + string(c)
	check, err := identifiers.USCCCheck(first)
	if err != nil {
		panic(err)
	}
	return first + string(check)
}

// person is a name nobody bears: 例 (example) is no part of names.
func (m *sampleMaker) person() string {
	m.n++
	surnames, given := []rune("马韩祁星雷鄂谈东白索"), []rune("川岚湟渠穗葵霁槐砚昙岫峤")
	return fmt.Sprintf("%c例%c%c", surnames[m.n%len(surnames)], given[m.n%len(given)], given[(m.n*7+3)%len(given)])
}

func (m *sampleMaker) firm(kind string) string {
	m.n++
	places := []string{"例湖", "例原", "例泉", "例峡", "例川", "例滩", "例坝", "例沟"}
	return "青海" + places[m.n%len(places)] + fmt.Sprintf("第%d", m.n) + kind
}

var (
	sampleFacts = []string{"未按规定开展客户回访", "以样例不实表述误导投保人", "编制虚假样例资料套取费用", "未如实登记样例销售人员信息"}
	sampleBasis = "《青海省保险业自律公约》（样例）第八条"
	sampleLaw   = "《中华人民共和国保险法》第一百一十六条、第一百六十一条"
)

// disciplineSheets are the rows of the workbook; nil means that nothing stands
// there. The last three spoiled rows are spoiled in different ways.
func (m *sampleMaker) disciplineSheets() (practitioners, organisations [][]any) {
	degrees := []string{"警告", "通报批评", "公开谴责"}
	practitioners = [][]any{{"样例：从业人员自律惩戒名册"}, {"序号", "姓名", "身份证号", "执业证编号", "所在机构",
		"惩戒种类", "惩戒文号", "违规事实", "依据", "作出日期", "公示截止", "备注"}}
	for i := 1; i <= 12; i++ {
		var id any = m.resident(i%2 == 0)
		switch i {
		case 5: // one digit wrong
			s := id.(string)
			id = s[:16] + string('0'+(s[16]-'0'+1)%10) + s[17:]
		case 9: // typed as a number: the last digits are gone
			id = 639901198505053000.0
		}
		practitioners = append(practitioners, []any{i, m.person(), id, fmt.Sprintf("0063990080%06d", 500+i), m.firm("保险代理有限公司"),
			degrees[i%3], fmt.Sprintf("青例保协惩〔2025〕%d号", i), fmt.Sprintf("%s，内部案号样例-D%02d。", sampleFacts[i%4], i), sampleBasis,
			fmt.Sprintf("2025-%02d-%02d", i, i+8), fmt.Sprintf("2027年%d月%d日", i, i+8), fmt.Sprintf("内部备注样例-D%02d", i)})
	}
	practitioners = append(practitioners, nil, []any{"制表:例一  审核:例二"})
	organisations = [][]any{{"样例：机构自律惩戒名册"}, {"（内部资料，注意保存）"}, {"序号", "惩戒文号", "作出日期", "机构名称", "机构代码",
		"惩戒种类", "违规事实", "依据", "公示截止", "备注"}}
	for i := 1; i <= 6; i++ {
		until := fmt.Sprintf("2027/%d/%d", i, i+10)
		if i == 4 {
			until = "2024/4/14" // before it begins
		}
		organisations = append(organisations, []any{i, fmt.Sprintf("青例保协惩〔2026〕%d号", i), fmt.Sprintf("2026.%d.%d", i, i+10), m.firm("保险经纪有限公司"),
			m.uscc(), degrees[i%3], sampleFacts[i%4] + "。", sampleBasis, until, fmt.Sprintf("机构内部备注样例-E%02d", i)})
	}
	return practitioners, append(organisations, []any{"合计:6家次"})
}

func (m *sampleMaker) discipline(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	people, firms := m.disciplineSheets()
	must(t, f.SetSheetName("Sheet1", "从业人员"))
	if _, err := f.NewSheet("机构"); err != nil {
		t.Fatal(err)
	}
	for sheet, rows := range map[string][][]any{"从业人员": people, "机构": firms} {
		for i, row := range rows {
			must(t, f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row))
		}
	}
	must(t, f.MergeCell("从业人员", "A1", "L1"))
	must(t, f.MergeCell("机构", "A1", "J1"))
	must(t, f.SetDocProps(&excelize.DocProperties{Creator: "accord", Created: "2026-11-20T00:00:00Z", Modified: "2026-11-20T00:00:00Z"}))
	var b bytes.Buffer
	must(t, f.Write(&b))
	return b.Bytes()
}

func (m *sampleMaker) penalties(t *testing.T) []byte {
	t.Helper()
	mapping, err := Builtin("penalties")
	must(t, err)
	var header []string
	for _, c := range mapping.Tables[0].Columns {
		header = append(header, c.Source)
	}
	authority := m.uscc()
	lines := []string{strings.Join(header, ",")}
	for i := 1; i <= 8; i++ {
		v := map[string]string{
			"行政处罚决定书文号": fmt.Sprintf("青例保监罚决字〔2026〕%d号", i), "违法行为类型": "编制虚假资料",
			"违法事实": sampleFacts[i%4] + ",涉及保费若干。", "处罚依据": sampleLaw, "处罚类别": "警告;罚款",
			"处罚内容": fmt.Sprintf("警告,并处罚款%d.5万元", i), "罚款金额(万元)": fmt.Sprintf("%d.5", i),
			"处罚决定日期": fmt.Sprintf("2026年%d月%d日", i, i+2), "处罚有效期": "2099/12/31", "公示截止期": fmt.Sprintf("2029-%02d-%02d", i, i+2),
			"处罚机关": "青海样例保险监督管理局", "处罚机关统一社会信用代码": authority, "数据来源单位": "青海样例保险监督管理局",
			"数据来源单位统一社会信用代码": authority, "严重程度": []string{"轻微", "一般", "严重"}[i%3], "上报时间": fmt.Sprintf("2026-%02d-%02d", i, i+6),
			"备注": fmt.Sprintf("内部备注样例-P%02d", i),
		}
		if i%2 == 0 {
			v["行政相对人类别"], v["行政相对人名称"], v["证件类型"], v["证件号码"] = "自然人", m.person()+"䶮", "居民身份证", m.resident(true)
		} else {
			v["行政相对人类别"], v["行政相对人名称"], v["行政相对人代码_1(统一社会信用代码)"] = "法人及非法人组织", m.firm("保险代理有限公司"), m.uscc()
			v["法定代表人"], v["法定代表人证件类型"], v["法定代表人证件号码"] = m.person(), "居民身份证", m.resident(false)
		}
		if i == 6 {
			v["罚款金额(万元)"] = "65000元" // another unit than the column's
		}
		cells := make([]string, len(header))
		for j, h := range header {
			if cells[j] = v[h]; strings.ContainsAny(v[h], ",\"") {
				cells[j] = `"` + strings.ReplaceAll(v[h], `"`, `""`) + `"`
			}
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	out, err := simplifiedchinese.GB18030.NewEncoder().String(strings.Join(lines, "\r\n") + "\r\n")
	must(t, err)
	return []byte(out)
}

func (m *sampleMaker) court(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	for i := 1; i <= 6; i++ {
		party := map[string]any{"类型": "自然人", "姓名或名称": m.person(), "性别": []string{"女", "男"}[i%2], "年龄": 30 + i,
			"证件": map[string]any{"类型": "居民身份证", "号码": m.resident(i%2 == 1)}, "法定代表人": nil}
		if i == 3 {
			party = map[string]any{"类型": "法人或其他组织", "姓名或名称": m.firm("财产保险有限公司"), "性别": nil, "年龄": nil,
				"证件": map[string]any{"类型": "统一社会信用代码", "号码": m.uscc()}, "法定代表人": m.person()}
		}
		if i == 5 { // a number where a string belongs
			party["证件"] = map[string]any{"类型": "居民身份证", "号码": json.Number(m.resident(true)[:17] + "1")}
		}
		line, err := json.Marshal(map[string]any{
			"案号": fmt.Sprintf("(2026)青9901执%d号", i), "被执行人": party,
			"执行法院":        map[string]any{"名称": "青海省样例区人民法院", "代码": "青9901"},
			"执行依据":        map[string]any{"文号": fmt.Sprintf("(2025)青9901民初%d号", i), "作出单位": "青海省样例区人民法院"},
			"生效法律文书确定的义务": "偿还保险费及利息（样例）。",
			"被执行人的履行情况":   map[string]any{"状态": "部分未履行", "已履行金额": 1000.5 * float64(i), "未履行金额": 20000.25 * float64(i)},
			"失信行为具体情形":    []string{"违反财产报告制度"},
			"立案时间":        fmt.Sprintf("2026年%02d月01日", i), "发布时间": fmt.Sprintf("2026-%02d-20T09:00:00+08:00", i+1),
		})
		must(t, err)
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// TestSamplesAreTheMade holds the committed files against their maker; with
// -update it writes them. Workbooks are compared by their cells, for an archive
// has many spellings.
func TestSamplesAreTheMade(t *testing.T) {
	m := newSampleMaker()
	made := []struct {
		name string
		data []byte
	}{{"discipline-sample.xlsx", m.discipline(t)}, {"penalties-sample.csv", m.penalties(t)}, {"court-sample.ndjson", m.court(t)}}
	for _, f := range made {
		if *update {
			must(t, os.WriteFile("samples/"+f.name, f.data, 0o644))
			continue
		}
		have, err := Sample(f.name)
		must(t, err)
		same := bytes.Equal(have, f.data)
		if strings.HasSuffix(f.name, ".xlsx") {
			same = dump(t, have) == dump(t, f.data)
		}
		if !same {
			t.Errorf("%s is not what its maker makes; run the test with -update", f.name)
		}
	}
}

// dump lists a workbook's cells as the independent library sees them.
func dump(t *testing.T, data []byte) string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	must(t, err)
	defer f.Close()
	var b strings.Builder
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
		must(t, err)
		fmt.Fprintln(&b, sheet, rows)
	}
	return b.String()
}

func TestSamples(t *testing.T) {
	_, doc := catalogue.Default()
	want := map[string]Report{
		"discipline-sample.xlsx": {Rows: 18, New: 15, Refused: 3, Kinds: map[string]int{"id_check_digit": 1, "id_excel_number": 1, "date_end_before_start": 1}},
		"penalties-sample.csv":   {Rows: 8, New: 7, Refused: 1, Kinds: map[string]int{"amount_unit_other": 1}},
		"court-sample.ndjson":    {Rows: 6, New: 5, Refused: 1, Kinds: map[string]int{"id_json_number": 1}},
	}
	for name, mapping := range Samples() {
		data, err := Sample(name)
		must(t, err)
		m, err := Builtin(mapping)
		must(t, err)
		r, rows, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, Options{AsOf: sampleDay})
		must(t, err)
		for row, err := range rows {
			must(t, err)
			if row.Verdict == Flag || row.Verdict == Same {
				t.Errorf("%s row %d: %v", name, row.Number, row.Issues)
			}
		}
		got, w := *r.Report(), want[name]
		got.Findings = nil
		if fmt.Sprint(got) != fmt.Sprint(w) {
			t.Errorf("%s: %+v, want %+v", name, got, w)
		}
	}
	if _, err := Sample("../doc.go"); err == nil {
		t.Error("a file outside the samples was given out")
	}
}

func TestSampleCanaries(t *testing.T) {
	canaries := SampleCanaries()
	if len(canaries) < 60 {
		t.Fatalf("only %d canaries", len(canaries))
	}
	ids := 0
	for i, c := range canaries {
		if i > 0 && canaries[i-1] >= c {
			t.Errorf("not sorted or repeated at %d", i)
		}
		if identifiers.CheckResidentID(c) == nil {
			ids++
			if !strings.HasPrefix(c, "6399") {
				t.Error("an identity number stands on an allocated division code")
			}
		}
		if identifiers.CheckUSCC(c) == nil {
			t.Error("an organisation's code is counted as private")
		}
	}
	// ten practitioners, three persons and four representatives, four defaulters
	if ids != 10+3+4+4 {
		t.Errorf("%d identity numbers among the canaries", ids)
	}
}
