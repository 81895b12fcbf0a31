package bench

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The rows are complaints about organisations, made up: four private fields of
// about 20 bytes each (complainant, telephone, certificate, content) among twelve,
// recordsOfOne to a subject. A row is the same whenever it is made.

// recordsOfOne is how many rows are about one subject.
const recordsOfOne = 10

var rowColumns = []string{"投诉编号", "受理时间", "投诉渠道", "投诉人", "投诉人电话", "被投诉机构", "被投诉机构代码", "涉及人员执业证号", "投诉类别", "投诉内容", "办理期限", "处理结果"}

// rowMapping reads them; FORMAT is how the file is made.
const rowMapping = `format: accord-mapping/1
name: bench
title: {zh: 测量用投诉, en: Complaints for measuring}
source:
  name: {zh: 测量, en: Bench}
  grade: A
file:
  format: FORMAT
tables:
  - category: complaint
    SHEETcolumns:
      - {source: 投诉编号, field: complaint_number, required: true}
      - {source: 受理时间, field: received_at, required: true, past: true}
      - {source: 投诉渠道, field: channel, required: true, values: {热线: hotline}}
      - {source: 投诉人, field: complainant, required: true}
      - {source: 投诉人电话, field: complainant_phone}
      - {source: 被投诉机构, field: respondent, required: true}
      - {source: 被投诉机构代码, field: respondent_uscc, required: true}
      - {source: 涉及人员执业证号, field: licence_number}
      - {source: 投诉类别, field: complaint_kind, required: true}
      - {source: 投诉内容, field: content, required: true}
      - {source: 办理期限, field: due_on, required: true}
      - {source: 处理结果, field: result, required: true, values: {办理中: pending}}
    subject:
      cases:
        - {kind: enterprise, namespace: org, key: respondent_uscc, name: respondent}
`

func mappingFor(format string) string {
	sheet := ""
	if format == "xlsx" {
		sheet = "sheet: 投诉\n    "
	}
	return strings.NewReplacer("FORMAT", format, "SHEET", sheet).Replace(rowMapping)
}

// letters writes n in letters, so many of them.
func letters(n, width int) string {
	b := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('a' + n%26)
		n /= 26
	}
	return string(b)
}

// rowOf is the n-th row.
func rowOf(n int) ([]string, error) {
	code, err := organisation(n / recordsOfOne)
	if err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("例投诉〔2026〕%09d", n), "2026-03-05 10:11:12", "热线", "Example " + letters(n, 12), fmt.Sprintf("%020d", n),
		"例省某某保险代理有限公司", code, fmt.Sprintf("EX%018d", n), "销售误导", fmt.Sprintf("content of %09d", n), "2026-04-05", "办理中"}, nil
}

// writeCSV makes a file of n rows from the first on.
func writeCSV(path string, first, n int) error {
	return writeFile(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Join(rowColumns, ",")+"\n"); err != nil {
			return err
		}
		for i := range n {
			row, err := rowOf(first + i)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, strings.Join(row, ",")+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// The parts of a workbook that are the same in every one (ECMA-376 part 1).
var workbookParts = [][2]string{
	{"[Content_Types].xml", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="投诉" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
}

// writeWorkbook makes an XLSX file of n rows from the first on, with text in every
// cell.
func writeWorkbook(path string, first, n int) error {
	return writeFile(path, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, part := range workbookParts {
			p, err := z.Create(part[0])
			if err != nil {
				return err
			}
			if _, err := io.WriteString(p, part[1]); err != nil {
				return err
			}
		}
		p, err := z.Create("xl/worksheets/sheet1.xml")
		if err != nil {
			return err
		}
		if err := writeSheet(p, first, n); err != nil {
			return err
		}
		return z.Close()
	})
}

func writeSheet(to io.Writer, first, n int) error {
	w := bufio.NewWriter(to)
	fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	line := func(at int, cells []string) {
		fmt.Fprintf(w, `<row r="%d">`, at)
		for i, text := range cells { // none has a character that XML would read
			fmt.Fprintf(w, `<c r="%c%d" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+i, at, text)
		}
		fmt.Fprint(w, `</row>`)
	}
	line(1, rowColumns)
	for i := range n {
		row, err := rowOf(first + i)
		if err != nil {
			return err
		}
		line(i+2, row)
	}
	fmt.Fprint(w, `</sheetData></worksheet>`)
	return w.Flush() // the first error of all writes
}

// file makes a file of n rows that no other has.
func (r *recordRun) file(kind string, n int) (string, error) {
	path := filepath.Join(r.home, fmt.Sprintf("rows%d.%s", r.row, kind))
	write := writeCSV
	if kind == "xlsx" {
		write = writeWorkbook
	}
	err := write(path, r.row, n)
	r.row += n
	return path, err
}
