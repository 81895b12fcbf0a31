package intake

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A grid is a table of texts: the first row names the columns. It travels as a
// workbook of one sheet with the writer and the reader that templates have.

const (
	gridTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`

	gridWorkbookRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + nsRels + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + nsRels + `/styles" Target="styles.xml"/></Relationships>`
)

// WriteGrid writes a grid as a workbook. Every cell is text, so that no program
// takes a number or a date for another.
func WriteGrid(w io.Writer, sheet string, grid [][]string) error {
	width, cells := 1, make([][]string, len(grid))
	for i, row := range grid {
		width = max(width, len(row))
		for _, text := range row {
			cells[i] = append(cells[i], strings.ReplaceAll(text, "_x", "_x005F_x")) // or it would be read as a character's number
		}
	}
	view := `<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>` +
		fmt.Sprintf(`<cols><col min="1" max="%d" width="24" style="1" customWidth="1"/></cols>`, width)
	workbook := xmlHead + `<workbook ` + nsMain + ` xmlns:r="` + nsRels + `"><sheets><sheet name="` + escapeXML(sheet) + `" sheetId="1" r:id="rId1"/></sheets></workbook>`
	out := zip.NewWriter(w)
	for _, part := range []struct{ name, text string }{
		{"[Content_Types].xml", gridTypes},
		{"_rels/.rels", templateRels},
		{"xl/workbook.xml", workbook},
		{"xl/_rels/workbook.xml.rels", gridWorkbookRels},
		{"xl/styles.xml", templateStyles},
		{"xl/worksheets/sheet1.xml", sheetXML(view, gridXML(cells, 4), "")},
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

// ReadGrid reads a sheet of a workbook as a grid: the header and every row that is
// not blank, each as wide as the header. A cell beyond the header, a formula without
// a value and an error are refused.
func ReadGrid(ctx context.Context, src io.ReaderAt, size int64, sheet string) (grid [][]string, err error) {
	if err := checkMagic(src, size, XLSX); err != nil {
		return nil, err
	}
	rows, err := openChildSheet(ctx, src, size, &Table{Sheet: sheet, HeaderRow: 1, HeaderRows: 1})
	if err != nil {
		return nil, err
	}
	defer rows.close()
	head, err := rows.header()
	if err != nil {
		return nil, err
	}
	grid = append(grid, head)
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return grid, nil
		}
		if err != nil {
			return nil, err
		}
		line := make([]string, len(head))
		for i, c := range row.cells {
			switch {
			case c.kind == cellError || c.kind == cellFormula || c.kind == cellOther, i >= len(head) && strings.TrimSpace(c.text) != "":
				return nil, ErrDamaged.With("where", place{row.excelRow, i + 1}.String())
			case i < len(head):
				line[i] = c.text
			}
		}
		grid = append(grid, line)
	}
}
