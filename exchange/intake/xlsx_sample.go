package intake

import (
	"context"
	"io"
)

// beginning is the first rows of one sheet, before anybody knows its header.
type beginning struct {
	Sheet  string
	Rows   []sampleRow
	Merges map[place]extent // that begin among the rows where a header may be
}

// maxSampledSheets is how many sheets a proposal looks at.
const maxSampledSheets = maxTables

// beginnings reads the first rows of every sheet.
func (wb *workbook) beginnings(ctx context.Context) (all []beginning, err error) {
	for _, name := range wb.order {
		part := wb.sheets[name]
		if part == "" || wb.parts[lowered(part)] == nil || len(all) == maxSampledSheets {
			continue
		}
		b := beginning{Sheet: name, Merges: map[place]extent{}}
		s, err := wb.rows(ctx, part, &Table{Sheet: name})
		if err != nil {
			return nil, err
		}
		for at, m := range s.merges {
			if at.row <= headerSearch {
				b.Merges[at] = m
			}
		}
		for len(b.Rows) < sampleRows {
			cells, err := s.read()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
			if blank(cells) {
				continue
			}
			row := sampleRow{number: s.row, cells: append([]cell(nil), cells...)}
			for i := range cells {
				m, ok := s.merges[place{s.row, i + 1}]
				row.wide = row.wide || ok && m.lastColumn > i+1 && m.lastRow == s.row
			}
			if len(row.cells) < 2 {
				row.wide = false // a title over the whole table
			}
			b.Rows = append(b.Rows, row)
		}
		s.close()
		all = append(all, b)
	}
	return all, nil
}

// sampleWorkbook finds the tables of a workbook.
func sampleWorkbook(ctx context.Context, src io.ReaderAt, size int64, words *dictionary) (tables []sampled, err error) {
	all, err := readBeginnings(ctx, src, size)
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		t, ok := tableOf(b.Rows, b.Merges, words)
		if ok {
			t.table.Sheet = b.Sheet
			tables = append(tables, t)
		}
	}
	return tables, nil
}
