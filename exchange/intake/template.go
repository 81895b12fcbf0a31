package intake

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// A template is a workbook that people fill in by hand: one sheet for the rows,
// every cell of it text so that no program cuts digits off; lists to choose
// from; a sheet of notes in two languages; and a hidden sheet that says what it
// is. A template that was filled in needs no mapping file.
const (
	templateFormat = "accord-template/1"
	templateMark   = "_accord"    // the hidden sheet
	templateData   = "数据 Data"    // the rows
	templateNotes  = "填写说明 Notes" // what to write where
	templateLists  = "选项 Choices" // what the lists offer
	templateRows   = 10_000       // rows with lists
	templateSplit  = ";"          // between several values of one cell
)

// TemplateMapping is how a filled-in template of a category is read: each field
// under its Chinese title. Rules between columns and the naming of the subject
// are those of the built-in mapping for the category, where there is one.
func TemplateMapping(doc *catalogue.Document, category string) (*Mapping, error) {
	c := categoryOf(doc, category)
	if c == nil {
		return nil, ErrTemplate.With("category", category, "why", "?")
	}
	t := Table{Sheet: templateData, Category: category}
	model := builtinTable(category)
	for i := range c.Fields {
		f := &c.Fields[i]
		col := Column{Source: f.Title.Zh, Field: f.ID}
		if f.Type == catalogue.TypeCodes || f.Type == catalogue.TypeTexts {
			col.Split = templateSplit
		}
		if model != nil {
			for _, from := range model.Columns {
				if from.Field == f.ID {
					col.Each, col.Listed, col.Unlisted, col.Required = from.Each, from.Listed, from.Unlisted, from.Required
				}
			}
		}
		t.Columns = append(t.Columns, col)
	}
	if model != nil {
		t.Register, t.Subject, t.Sex, t.Shared, t.Members, t.Consistent =
			model.Register, model.Subject, model.Sex, model.Shared, model.Members, model.Consistent
	} else if t.Subject.Cases = subjectCases(doc, c); len(t.Subject.Cases) == 0 {
		return nil, ErrTemplate.With("category", category, "why", "subject")
	}
	m := &Mapping{Format: MappingFormat, Name: "template." + category, Title: c.Title,
		Source: Source{Name: exchange.Text{Zh: "手工填写的模板", En: "template filled in by hand"}, Grade: GradeBusiness},
		File:   File{Format: XLSX, Empty: []string{"无", "/", "-", "NULL", "N/A", "——"}}, Tables: []Table{t}}
	if err := m.normalise(); err != nil {
		return nil, err
	}
	return m, nil
}

func categoryOf(doc *catalogue.Document, id string) *catalogue.Category {
	for i := range doc.Categories {
		if doc.Categories[i].ID == id {
			return &doc.Categories[i]
		}
	}
	return nil
}

// builtinTable is the table of a built-in mapping that fills a category, nil
// when there is none.
func builtinTable(category string) *Table {
	for _, name := range Builtins() {
		m, err := Builtin(name)
		if err != nil {
			continue
		}
		for i := range m.Tables {
			if m.Tables[i].Category == category {
				return &m.Tables[i]
			}
		}
	}
	return nil
}

// subjectCases names a subject by the first field that identifies one of the
// category's kinds of subject.
func subjectCases(doc *catalogue.Document, c *catalogue.Category) (cases []SubjectCase) {
	taken := map[string]bool{}
	for _, kind := range c.Subjects {
		for _, k := range doc.Subjects {
			if k.ID != kind || taken[k.Namespace] {
				continue
			}
			if s, ok := subjectCase(c, kind, k.Namespace); ok {
				taken[k.Namespace] = true
				cases = append(cases, s)
			}
		}
	}
	return cases
}

func subjectCase(c *catalogue.Category, kind, namespace string) (SubjectCase, bool) {
	types := map[string][]catalogue.Type{
		exchange.SubjectOrg:    {catalogue.TypeUSCC},
		exchange.SubjectPerson: {catalogue.TypeResidentID, catalogue.TypeIDNumber},
		exchange.SubjectName:   {catalogue.TypeName},
	}[namespace]
	name := ""
	for i := range c.Fields {
		if c.Fields[i].Names == catalogue.NamesSubject {
			name = c.Fields[i].ID
		}
	}
	for i := range c.Fields {
		for _, t := range types {
			if c.Fields[i].Type == t {
				return SubjectCase{Kind: kind, Namespace: namespace, Key: c.Fields[i].ID, Name: name}, true
			}
		}
	}
	if namespace != exchange.SubjectOrg {
		return SubjectCase{}, false
	}
	for i := range c.Fields { // a code that only its meaning shows to be one
		if f := &c.Fields[i]; f.Type == catalogue.TypeLicence && strings.HasSuffix(f.ID, "_code") {
			return SubjectCase{Kind: kind, Namespace: namespace, Key: f.ID, As: AsUSCC, Name: name}, true
		}
	}
	return SubjectCase{Kind: kind, Namespace: namespace, Key: name, As: AsName, Name: name}, name != ""
}

// TemplateOf says for which category a workbook was made as a template, "" when
// it is none.
func TemplateOf(src io.ReaderAt, size int64) (category string, err error) {
	if checkMagic(src, size, XLSX) != nil {
		return "", nil
	}
	rows, err := openChildSheet(context.Background(), src, size, &Table{Sheet: templateMark, HeaderRow: 1, HeaderRows: 1})
	if errors.Is(err, ErrSheet) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer rows.close()
	words, err := rows.header()
	if err != nil || len(words) < 2 || words[0] != templateFormat || !exchange.ValidName(words[1]) {
		return "", ErrFormat.With("format", templateFormat, "why", templateMark)
	}
	return words[1], nil
}

// WriteTemplate writes an empty template for a category.
func WriteTemplate(w io.Writer, doc *catalogue.Document, category string) error {
	m, err := TemplateMapping(doc, category)
	if err != nil {
		return err
	}
	c := categoryOf(doc, category)
	out := zip.NewWriter(w)
	data, lists := templateSheets(c, m)
	for _, part := range []struct{ name, text string }{
		{"[Content_Types].xml", templateTypes},
		{"_rels/.rels", templateRels},
		{"xl/workbook.xml", templateWorkbook},
		{"xl/_rels/workbook.xml.rels", templateWorkbookRels},
		{"xl/styles.xml", templateStyles},
		{"xl/worksheets/sheet1.xml", data},
		{"xl/worksheets/sheet2.xml", notesSheet(c, m)},
		{"xl/worksheets/sheet3.xml", lists},
		{"xl/worksheets/sheet4.xml", sheetXML("", gridXML([][]string{{templateFormat, category, strconv.Itoa(doc.Version)}}, 0), "")},
	} {
		f, err := out.Create(part.name)
		if err == nil {
			_, err = io.WriteString(f, part.text)
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	nsMain  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	nsRels  = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`

	templateTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/worksheets/sheet3.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/worksheets/sheet4.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`

	templateRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + nsRels + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`

	templateWorkbook = xmlHead + `<workbook ` + nsMain + ` xmlns:r="` + nsRels + `"><sheets><sheet name="` + templateData + `" sheetId="1" r:id="rId1"/><sheet name="` + templateNotes + `" sheetId="2" r:id="rId2"/><sheet name="` + templateLists + `" sheetId="3" state="hidden" r:id="rId3"/><sheet name="` + templateMark + `" sheetId="4" state="veryHidden" r:id="rId4"/></sheets></workbook>`

	templateWorkbookRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + nsRels + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + nsRels + `/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="` + nsRels + `/worksheet" Target="worksheets/sheet3.xml"/><Relationship Id="rId4" Type="` + nsRels + `/worksheet" Target="worksheets/sheet4.xml"/><Relationship Id="rId5" Type="` + nsRels + `/styles" Target="styles.xml"/></Relationships>`

	// Cell styles: 0 plain, 1 text, 2 the header of a field that must be filled
	// in, 3 of one that may, 4 a note that wraps.
	templateStyles = xmlHead + `<styleSheet ` + nsMain + `><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="4"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFFFE699"/></patternFill></fill><fill><patternFill patternType="solid"><fgColor rgb="FFDDEBF7"/></patternFill></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/><xf numFmtId="49" fontId="1" fillId="3" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs></styleSheet>`
)

// templateSheets are the sheet of rows and that of the choices its lists show.
func templateSheets(c *catalogue.Category, m *Mapping) (data, choices string) {
	var head, cols, rules strings.Builder
	var lists [][]string
	count := 0
	for i := range c.Fields {
		f := &c.Fields[i]
		at := place{1, i + 1}
		style := 3
		if f.Required || m.Tables[0].Columns[i].Required {
			style = 2
		}
		fmt.Fprintf(&head, `<c r="%s" s="%d" t="inlineStr"><is><t>%s</t></is></c>`, at, style, escapeXML(f.Title.Zh))
		fmt.Fprintf(&cols, `<col min="%d" max="%d" width="20" style="1" customWidth="1"/>`, at.column, at.column)
		words := choicesOf(f)
		if len(words) == 0 {
			continue
		}
		column := strings.TrimSuffix(place{1, len(lists) + 1}.String(), "1")
		lists = append(lists, words)
		count++
		letter := strings.TrimSuffix(at.String(), "1")
		fmt.Fprintf(&rules, `<dataValidation type="list" allowBlank="1" showErrorMessage="1" sqref="%s2:%s%d"><formula1>'%s'!$%s$1:$%s$%d</formula1></dataValidation>`,
			letter, letter, templateRows+1, templateLists, column, column, len(words))
	}
	tail := ""
	if count > 0 {
		tail = fmt.Sprintf(`<dataValidations count="%d">%s</dataValidations>`, count, rules.String())
	}
	view := `<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`
	return sheetXML(view+"<cols>"+cols.String()+"</cols>", `<row r="1">`+head.String()+`</row>`, tail), sheetXML("", gridXML(turned(lists), 0), "")
}

// choicesOf are the words a list offers for a field, none where people write
// freely or may choose several.
func choicesOf(f *catalogue.Field) (words []string) {
	switch f.Type {
	case catalogue.TypeCode:
		for _, v := range f.Values {
			words = append(words, v.Title.Zh)
		}
	case catalogue.TypeBool:
		words = []string{"是", "否"}
	}
	return words
}

// turned makes columns rows.
func turned(columns [][]string) (rows [][]string) {
	for at := 0; ; at++ {
		var row []string
		more := false
		for _, c := range columns {
			word := ""
			if at < len(c) {
				word, more = c[at], true
			}
			row = append(row, word)
		}
		if !more {
			return rows
		}
		rows = append(rows, row)
	}
}

// hints say how a type is written.
var hints = map[catalogue.Type]exchange.Text{
	catalogue.TypeText:       {Zh: "文字", En: "free text"},
	catalogue.TypeName:       {Zh: "姓名或名称，不缩写", En: "full name"},
	catalogue.TypeCode:       {Zh: "从下拉列表选择", En: "choose from the list"},
	catalogue.TypeCodes:      {Zh: "可多项，用分号隔开", En: "one or several, separated by semicolons"},
	catalogue.TypeTexts:      {Zh: "可多项，用分号隔开", En: "one or several, separated by semicolons"},
	catalogue.TypeUSCC:       {Zh: "18 位统一社会信用代码", En: "unified social credit code, 18 characters"},
	catalogue.TypeResidentID: {Zh: "18 位公民身份号码", En: "identity number, 18 characters"},
	catalogue.TypeIDNumber:   {Zh: "证件号码", En: "number of the document"},
	catalogue.TypeLicence:    {Zh: "编号或文号", En: "number of a certificate or document"},
	catalogue.TypeDate:       {Zh: "日期，如 2026-05-01", En: "day, such as 2026-05-01"},
	catalogue.TypeTime:       {Zh: "时间，如 2026-05-01 09:30", En: "time, such as 2026-05-01 09:30"},
	catalogue.TypeMoney:      {Zh: "金额，单位元", En: "amount in yuan"},
	catalogue.TypeCount:      {Zh: "不小于 0 的整数", En: "whole number from 0"},
	catalogue.TypePhone:      {Zh: "电话号码", En: "telephone number"},
	catalogue.TypeURL:        {Zh: "http 或 https 链接", En: "http or https link"},
	catalogue.TypeBool:       {Zh: "是或否", En: "是 (yes) or 否 (no)"},
	catalogue.TypeArea:       {Zh: "6 位行政区划代码", En: "division code, 6 digits"},
}

func notesSheet(c *catalogue.Category, m *Mapping) string {
	grid := [][]string{
		{c.Title.Zh, c.Title.En},
		{"每行一条记录，填在“" + templateData + "”表第 2 行起；不要改动表头。深色表头为必填。",
			"One record a row, from row 2 of the sheet \"" + templateData + "\"; leave the header as it is. Dark headers must be filled in."},
		{"导入：accord record import 文件.xlsx；退回的文件改正后可再次导入。",
			"Import it with: accord record import FILE.xlsx; a returned file can be mended and imported again."},
		{}, {"列", "Column", "必填 Required", "填写方法", "How"},
	}
	for i := range c.Fields {
		f := &c.Fields[i]
		required := ""
		if f.Required || m.Tables[0].Columns[i].Required {
			required = "是 yes"
		}
		zh, en := hints[f.Type].Zh, hints[f.Type].En
		for _, v := range f.Values {
			zh += "；" + v.Title.Zh
			en += "; " + v.Title.Zh + " = " + v.Title.En
		}
		grid = append(grid, []string{f.Title.Zh, f.Title.En, required, zh, en})
	}
	return sheetXML(`<cols><col min="1" max="2" width="34" customWidth="1"/><col min="3" max="3" width="14" customWidth="1"/><col min="4" max="5" width="44" customWidth="1"/></cols>`, gridXML(grid, 4), "")
}

func gridXML(grid [][]string, style int) string {
	var b strings.Builder
	for i, row := range grid {
		fmt.Fprintf(&b, `<row r="%d">`, i+1)
		for j, text := range row {
			if text != "" {
				fmt.Fprintf(&b, `<c r="%s" s="%d" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, place{i + 1, j + 1}, style, escapeXML(text))
			}
		}
		b.WriteString("</row>")
	}
	return b.String()
}

func sheetXML(before, rows, after string) string {
	return xmlHead + `<worksheet ` + nsMain + `>` + before + `<sheetData>` + rows + `</sheetData>` + after + `</worksheet>`
}
