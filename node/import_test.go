package node_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"accord/exchange/agency"
	"accord/node/client"
	"accord/node/nodetest"
)

// sharedData finds the agencies' exports: ACCORD_DATA, or shared/data beside
// the checkout.
func sharedData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ACCORD_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs shared data")
	}
	return dir
}

// counts are an import's four numbers.
type counts struct{ New, Same, Refused, Flagged int }

// expected reads what the manifest says of a file imported alone, all its
// tables together, and the private plaintexts' columns.
func expected(t *testing.T, dir, file string) counts {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "agencies", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Files []struct {
			File  string `json:"file"`
			Alone struct {
				New, Same, Refused, Flagged int
			} `json:"expected_alone"`
		} `json:"files"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	var c counts
	for _, f := range m.Files {
		if f.File == file {
			c.New += f.Alone.New
			c.Same += f.Alone.Same
			c.Refused += f.Alone.Refused
			c.Flagged += f.Alone.Flagged
		}
	}
	return c
}

// TestTheAgenciesFiles imports the agencies' real-looking exports through a
// running node, each at the member whose file it is, and holds the counts
// against the manifest; a second import makes no second record.
func TestTheAgenciesFiles(t *testing.T) {
	dir := sharedData(t)
	c := nodetest.New(t)
	for _, f := range []struct{ member, file, mapping, other string }{
		{"regulator", "penalties.csv", "penalties", "association"},
		{"association", "discipline.xlsx", "discipline", "court"},
		{"court", "court.ndjson", "court", "association"},
	} {
		raw, err := os.ReadFile(filepath.Join(dir, "agencies", f.file))
		if err != nil {
			t.Fatal(err)
		}
		want := expected(t, dir, f.file)
		q := client.ImportQuery{File: f.file, Mapping: f.mapping, AsOf: "2026-11-20"}
		q.DryRun = true
		dry, err := c.Client(f.member).Import(t.Context(), q, bytes.NewReader(raw), nil)
		if err != nil {
			t.Fatal(err)
		}
		q.DryRun = false
		report, err := c.Client(f.member).Import(t.Context(), q, bytes.NewReader(raw), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := counts{report.New, report.Same, report.Refused, report.Flagged}
		if got != want || (counts{dry.New, dry.Same, dry.Refused, dry.Flagged}) != want {
			t.Errorf("%s: %+v (dry run %d new), want %+v", f.file, got, dry.New, want)
		}
		again, err := c.Client(f.member).Import(t.Context(), q, bytes.NewReader(raw), nil)
		if err != nil || again.New != 0 || again.Same != want.New+want.Same || again.Refused != want.Refused {
			t.Errorf("%s again: %d new, %d same, %d refused, %v", f.file, again.New, again.Same, again.Refused, err)
		}
		if _, err := c.Client(f.other).Import(t.Context(), q, bytes.NewReader(raw), nil); !errors.Is(err, agency.ErrAuthorKind) {
			t.Errorf("%s at a member that does not author it: %v", f.file, err)
		}
	}
	if s, err := c.Client("regulator").Status(t.Context()); err != nil || s.Records != 561 {
		t.Errorf("%d records at the regulator, %v", s.Records, err)
	}
}

// TestForeignBlackLists imports two lists that nobody here wrote.
func TestForeignBlackLists(t *testing.T) {
	dir := sharedData(t)
	c := nodetest.New(t)
	for file, mapping := range map[string]string{"ebrd-ineligible-entities.csv": "ebrd", "world-bank-ineligible.xlsx": "worldbank"} {
		raw, err := os.ReadFile(filepath.Join(dir, "published-lists", file))
		if err != nil {
			t.Skip("needs shared data")
		}
		report, err := c.Client("regulator").Import(t.Context(), client.ImportQuery{File: file, Mapping: mapping}, bytes.NewReader(raw), nil)
		if err != nil || report.New < 1000 || report.Refused > 5 || report.New+report.Same+report.Refused != report.Rows {
			t.Errorf("%s: %d of %d rows new, %d refused, %v", file, report.New, report.Rows, report.Refused, err)
		}
	}
}
