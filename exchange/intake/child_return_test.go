package intake

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

// notesOn are findings of so many rows of the big book.
func notesOn(rows int) (notes []Note) {
	for i := range rows {
		notes = append(notes, Note{Table: bigTable.Sheet, Row: i + 2, Text: fmt.Sprintf("第 %d 行 row: 统一社会信用代码有误 <&>", i)})
	}
	return notes
}

// What a child gives back is what this process would write.
func TestChildGivesBackTheSame(t *testing.T) {
	f := bigBook(t, 300)
	size := fileSize(t, f)
	m := &Mapping{File: File{Format: XLSX}, Tables: []Table{*bigTable}}
	var here, there bytes.Buffer
	if err := returnWorkbook(t.Context(), &here, f, size, m, notesOn(300)); err != nil {
		t.Fatal(err)
	}
	if err := Returned(t.Context(), &there, f, size, m, notesOn(300)); err != nil {
		t.Fatal(err)
	}
	if here.Len() == 0 || !bytes.Equal(here.Bytes(), there.Bytes()) {
		t.Errorf("%d bytes and %d", here.Len(), there.Len())
	}
}

// A full workbook whose every row has a finding is given back within the limits, and one
// that needs more is refused and not half a file.
func TestChildGivesBackWithinItsLimits(t *testing.T) {
	rows := 30_000
	if raceDetector {
		rows = 3_000
	}
	withLimits(t, childLimits{memory: childMemory, cpu: 3600, patience: time.Hour})
	f := bigBook(t, rows)
	m := &Mapping{File: File{Format: XLSX}, Tables: []Table{*bigTable}}
	var b bytes.Buffer
	if err := Returned(t.Context(), &b, f, fileSize(t, f), m, notesOn(rows)); err != nil {
		t.Fatal(err)
	}
	src := bytes.NewReader(b.Bytes())
	s, err := openChildSheet(t.Context(), src, src.Size(), bigTable)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if s.total != rows+1 || len(s.names) != 13 || s.names[12] != ResultHeader {
		t.Errorf("%d rows of %q", s.total, s.names)
	}
	withLimits(t, childLimits{memory: 1 << 20, cpu: 3600, patience: time.Hour})
	if err := Returned(t.Context(), &b, f, fileSize(t, f), m, notesOn(rows)); !errors.Is(err, ErrChild) {
		t.Errorf("in a megabyte: %v", err)
	}
}

// What is wrong with the workbook is said as if it had been opened here.
func TestChildRefusesToGiveBack(t *testing.T) {
	f := bigBook(t, 3)
	m := &Mapping{File: File{Format: XLSX}, Tables: []Table{{Sheet: "no such sheet", HeaderRow: 1, HeaderRows: 1}}}
	var b bytes.Buffer
	if err := Returned(t.Context(), &b, f, fileSize(t, f), m, nil); !errors.Is(err, ErrSheet) || b.Len() > 0 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
}
