package intake

import (
	"context"
	"io"
)

// childRows gives the rows of a sheet that a child reads.
type childRows struct {
	child *child
	names []string
	total int // row elements of the sheet, the header's included
}

// openChildSheet opens a sheet of a workbook in a child. The caller closes it.
func openChildSheet(ctx context.Context, src io.ReaderAt, size int64, t *Table) (*childRows, error) {
	c, err := startChild(ctx, src, size, childRequest{Op: "rows", Sheet: t.Sheet, HeaderRow: t.HeaderRow, HeaderRows: t.HeaderRows})
	if err != nil {
		return nil, err
	}
	var head childHeader
	if err := c.frames.want(frameHeader, &head); err != nil {
		return nil, c.why(err)
	}
	if len(head.Names) == 0 || len(head.Names) > maxCells || head.Rows < 0 || head.Rows > maxSheetRow {
		return nil, c.why(errFrame)
	}
	return &childRows{child: c, names: head.Names, total: head.Rows}, nil
}

func (r *childRows) header() ([]string, error) { return r.names, nil }

func (r *childRows) next() (rawRow, error) {
	row, err := r.child.frames.row()
	switch {
	case err == nil:
		return row, nil
	case err == io.EOF:
		r.child.close()
		return rawRow{}, io.EOF
	}
	return rawRow{}, r.child.why(err)
}

func (r *childRows) close() { r.child.close() }

// readBeginnings reads the first rows of every sheet in a child.
func readBeginnings(ctx context.Context, src io.ReaderAt, size int64) ([]beginning, error) {
	c, err := startChild(ctx, src, size, childRequest{Op: "begin"})
	if err != nil {
		return nil, err
	}
	defer c.close()
	var said []childBeginning
	if err := c.frames.want(frameSheets, &said); err != nil {
		return nil, c.why(err)
	}
	all, err := parsedBeginnings(said)
	if err != nil {
		return nil, c.why(err)
	}
	return all, nil
}
