package api

import (
	"strconv"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/intake"
	"accord/node/wire"
)

// Bounds of an import's report; the counts go on beyond them.
const (
	maxIssues = 10_000
	maxIDs    = 100_000
)

// kindClash is the kind of a row whose key the store already holds with other
// content: the same kind as within one file.
const kindClash = "dup_conflict"

var clashText = exchange.Text{Zh: "库中已有同一主键而内容不同的记录；请更正该记录",
	En: "a record of the same key with other content exists already; correct that record"}

// tally adds up what became of each row: what the file says and what the store
// already holds.
type tally struct {
	report  wire.ImportReport
	parts   map[string]int // part to its place in the report
	outcome intake.Outcome
}

func newTally(in importQuery, m *intake.Mapping) *tally {
	return &tally{parts: map[string]int{}, report: wire.ImportReport{File: in.file, Mapping: m.Name, DryRun: in.dry,
		Issues: []wire.ImportIssue{}, Kinds: map[string]int{}}}
}

func (t *tally) add(done agency.Imported) {
	row := done.Row
	part := t.part(row)
	effect := row.Verdict
	switch {
	case effect == intake.Refuse, effect == intake.Same:
	case done.Clash:
		effect = intake.Refuse
	case done.Known:
		effect = intake.Same
	}
	t.outcome.Add(row, effect)
	t.report.Rows++
	part.Rows++
	switch effect {
	case intake.Refuse:
		t.report.Refused++
		part.Refused++
	case intake.Same:
		t.report.Same++
		part.Same++
	default:
		t.report.New++
		part.New++
		if effect == intake.Flag {
			t.report.Flagged++
			part.Flagged++
		}
	}
	if done.Record != "" && len(t.report.IDs) < maxIDs {
		t.report.IDs = append(t.report.IDs, string(done.Record))
	}
	t.issues(part.Part, row, done.Clash)
}

// part finds the counts of the row's sheet, or of its category in a file
// without sheets.
func (t *tally) part(row *intake.Row) *wire.ImportPart {
	name := row.Table
	if name == "" {
		name = row.Category
	}
	at, known := t.parts[name]
	if !known {
		at = len(t.report.Parts)
		t.parts[name] = at
		t.report.Parts = append(t.report.Parts, wire.ImportPart{Part: name})
	}
	return &t.report.Parts[at]
}

func (t *tally) issues(part string, row *intake.Row, clash bool) {
	for i := range row.Issues {
		is := &row.Issues[i]
		t.issue(wire.ImportIssue{Part: part, Row: row.Number, Place: placeOf(row, is.Cell), Column: is.Column,
			Kind: is.Kind, Effect: string(is.Effect), Message: is.Message})
	}
	if clash {
		t.issue(wire.ImportIssue{Part: part, Row: row.Number, Place: placeOf(row, ""), Column: "*",
			Kind: kindClash, Effect: string(intake.Refuse), Message: clashText})
	}
}

func (t *tally) issue(is wire.ImportIssue) {
	t.report.Kinds[is.Kind]++
	if len(t.report.Issues) < maxIssues {
		t.report.Issues = append(t.report.Issues, is)
	}
}

// placeOf says where in the file a finding lies, as whoever opens it would
// look for it.
func placeOf(row *intake.Row, cell string) string {
	switch {
	case cell != "":
		return cell
	case row.ExcelRow > 0:
		return "row " + strconv.Itoa(row.ExcelRow)
	}
	return "line " + strconv.Itoa(row.Line)
}
