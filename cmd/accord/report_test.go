package main

import (
	"fmt"
	"testing"

	"accord/node/wire"
)

// TestCoverageRows: a percentage where there is a total and nowhere else; a place with a
// total and no record is a line with none.
func TestCoverageRows(t *testing.T) {
	lines := []wire.Covered{{Kind: "enterprise", Whole: true, Subjects: 19, Rated: 4}, {Kind: "enterprise", Subjects: 2}, {Kind: "enterprise", Area: "6301", Subjects: 17, Rated: 4},
		{Kind: "practitioner", Whole: true, Subjects: 5}}
	got := coverageRows(lines, map[place]int64{{"enterprise", ""}: 20, {"enterprise", "6301"}: 18, {"enterprise", "6322"}: 7, {"consumer", ""}: 9}, 95)
	var text []string
	for _, row := range got.Cells {
		line := ""
		for _, cell := range row {
			line += fmt.Sprint(machineCell(cell)) + " "
		}
		text = append(text, line)
	}
	want := []string{"enterprise all 19 4 20 95.0 true ", "enterprise none 2 0 <nil> <nil> <nil> ", "enterprise 6301 17 4 18 94.4 false ",
		"practitioner all 5 0 <nil> <nil> <nil> ", "consumer all 0 0 9 0.0 false ", "enterprise 6322 0 0 7 0.0 false "}
	if fmt.Sprint(text) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", text, want)
	}
}
