package intake

import (
	"context"
	"io"
)

func openSheet(context.Context, io.ReaderAt, int64, *Table) (rowSource, error) {
	return nil, ErrFormat.With("format", "xlsx", "why", "-")
}
