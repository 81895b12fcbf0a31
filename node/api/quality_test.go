package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

var update = flag.Bool("update", false, "write what the golden files hold")

// agencyManifest is the part of the agencies' manifest that this test judges by.
type agencyManifest struct {
	Seed  int      `json:"seed"`
	AsOf  string   `json:"as_of"`
	Order []string `json:"import_order"`
	Files []struct {
		File, Sheet string
		Expected    struct{ New, Same, Refused, Flagged int64 }
	}
}

// longFiles have four fifths of all rows, which take minutes with the race detector
// on; intake reads them in its own tests.
var longFiles = []string{"policies.csv"}

// TestQualityOfTheAgenciesFiles imports the agencies' files but the longest, and holds
// the report against the manifest, and all of it against what it was.
func TestQualityOfTheAgenciesFiles(t *testing.T) {
	dir := os.Getenv("ACCORD_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "agencies", "manifest.json"))
	if err != nil {
		t.Skip("needs shared data")
	}
	var m agencyManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	author := w.servers["regulator"].Agency
	for _, file := range m.Order {
		if slices.Contains(longFiles, file) {
			continue
		}
		name, _, _ := strings.Cut(file, ".")
		mapping, err := intake.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		// Whose file it is does not matter here: one node takes the part of every kind.
		author.Kind = w.servers["regulator"].view().Catalogue().Category(mapping.Tables[0].Category).Authors[0]
		f, err := os.Open(filepath.Join(dir, "agencies", file))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.client("regulator", config.Clerk).Import(t.Context(), client.ImportQuery{File: file, Mapping: name, AsOf: m.AsOf}, f, nil)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	q, err := w.client("regulator", config.Auditor).Quality(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	type counts struct{ New, Duplicates, Refused, Flagged int64 }
	have, want := map[string]counts{}, map[string]counts{}
	for _, s := range q.Sources {
		c := have[s.Source]
		have[s.Source] = counts{c.New + s.New, c.Duplicates + s.Duplicates, c.Refused + s.Refused, c.Flagged + s.Flagged}
		refused := int64(0)
		for _, f := range s.Findings {
			if f.Effect == string(intake.Refuse) {
				refused += f.Rows
			}
		}
		if refused < s.Refused || s.Records != s.New || s.Active != s.New || s.Required.Filled != s.Required.Of ||
			s.Read != s.New+s.Known+s.Duplicates+s.Conflicts+s.Refused || s.Timeliness.Dated > s.Records {
			t.Errorf("%s, %s: it does not add up: %d new of %d read, %d reasons for %d refused, required %v", s.Source, s.Category, s.New, s.Read, refused, s.Refused, s.Required)
		}
	}
	for _, f := range m.Files {
		if slices.Contains(longFiles, f.File) {
			continue
		}
		name, _, _ := strings.Cut(f.File, ".")
		c := want[name]
		want[name] = counts{c.New + f.Expected.New, c.Duplicates + f.Expected.Same, c.Refused + f.Expected.Refused, c.Flagged + f.Expected.Flagged}
	}
	for name, c := range want {
		got := have[name]
		if got.Flagged > c.Flagged { // fewer: some warnings are about rows of the longest files
			t.Errorf("%s: %d flagged, the manifest says %d", name, got.Flagged, c.Flagged)
		}
		if got.Flagged = c.Flagged; got != c {
			t.Errorf("%s: %+v, the manifest says %+v", name, have[name], c)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d sources, want %d", len(have), len(want))
	}
	text, err := json.MarshalIndent(struct {
		Seed    int
		Quality wire.Quality
	}{m.Seed, q}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/quality.json", append(text, '\n'), fmt.Sprintf("\"Seed\": %d,", m.Seed))
}

// golden compares with a file, if that is about the same data.
func golden(t *testing.T, path string, got []byte, same string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(want, []byte(same)) && !bytes.Equal(got, want) {
		a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("%s line %d is %q, want %q", path, i+1, a[i], b[i])
			}
		}
		t.Fatalf("%s has %d lines, want %d", path, len(a), len(b))
	}
}

// Every way of taking a row in is counted once, and nothing that was only tried.
func TestQualityCountsWhatWasDone(t *testing.T) {
	w := newWorld(t)
	clerk := w.client("association", config.Clerk)
	try := func(name string, dry bool) wire.ImportReport {
		t.Helper()
		raw, err := intake.Sample(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := clerk.Import(t.Context(), client.ImportQuery{File: name, Mapping: "auto", AsOf: "2026-11-20", DryRun: dry}, bytes.NewReader(raw), nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ask := func(query map[string]string) wire.Quality {
		t.Helper()
		q, err := w.client("association", config.Auditor).Quality(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	try("discipline-sample.xlsx", true)
	if q := ask(nil); len(q.Sources) != 0 || q.Since != "" {
		t.Errorf("after a dry run: %d sources", len(q.Sources))
	}
	r := try("discipline-sample.xlsx", false)
	try("discipline-sample.xlsx", false)
	var sum wire.QualitySource
	q := ask(map[string]string{"source": "discipline"})
	for _, s := range q.Sources {
		sum.Read, sum.New, sum.Known, sum.Refused, sum.Duplicates = sum.Read+s.Read, sum.New+s.New, sum.Known+s.Known, sum.Refused+s.Refused, sum.Duplicates+s.Duplicates
	}
	if sum.Read != 2*int64(r.Rows) || sum.New != int64(r.New) || sum.Known != int64(r.New) || sum.Refused != 2*int64(r.Refused) || sum.Duplicates != 2*int64(r.Same) || len(q.Members) != 0 {
		t.Errorf("read twice: %d read, %d new, %d known, %d refused, %d duplicates of %d rows", sum.Read, sum.New, sum.Known, sum.Refused, sum.Duplicates, r.Rows)
	}
	if _, err := clerk.RetractRecord(t.Context(), exchange.RecordID(r.IDs[0]), wire.CorrectRecord{Reason: "the source was wrong"}); err != nil {
		t.Fatal(err)
	}
	q = ask(map[string]string{"member": "association"})
	retracted, examined := int64(0), int64(0)
	for _, m := range q.Members {
		retracted, examined = retracted+m.Retracted, examined+m.Examined
		if m.Public.Filled == 0 || m.Public.Filled > m.Public.Of || m.Timeliness.Dated == 0 || m.Timeliness.Median == nil {
			t.Errorf("%s: public %v, %d dated", m.Category, m.Public, m.Timeliness.Dated)
		}
	}
	if retracted != 1 || examined != int64(r.New) {
		t.Errorf("%d retracted, %d examined", retracted, examined)
	}
	tomorrow := w.clock().AddDate(0, 0, 1).In(beijing).Format("2006-01-02")
	if q = ask(map[string]string{"from": tomorrow, "to": tomorrow}); len(q.Sources) != 0 || len(q.Members) != 0 {
		t.Errorf("of tomorrow: %d sources, %d members", len(q.Sources), len(q.Members))
	}
	for _, bad := range []string{"within=-1", "from=yesterday", "source=a%20b", "x=1"} {
		if got := w.ask("association", as(config.Clerk), http.MethodGet, "/api/v1/records/quality?"+bad, ""); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}

// TestLagsInRank: medians, and what is on time by days, by the days asked for, and by
// the working days of the catalogue.
func TestLagsInRank(t *testing.T) {
	doc := &catalogue.Document{Categories: []catalogue.Category{{ID: "plain"}, {ID: "timed", TimelyDays: 7}},
		Calendar: &catalogue.Calendar{Holidays: []string{"2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"}, Workdays: []string{"2026-10-10"}}}
	a := &assessment{cat: catalogue.New(doc), within: withinDefault}
	asked := &assessment{cat: a.cat, within: 20, asked: true}
	event, _ := catalogue.ParseDay("2026-09-30") // the seventh working day after it is 15 October
	for _, c := range []struct {
		a           *assessment
		category    string
		l           map[int64]int64
		median, p90 int64
		within      int64
		working     int
	}{
		{a, "plain", map[int64]int64{3: 1}, 3, 3, 1, 0},
		{a, "plain", map[int64]int64{0: 5, 10: 5}, 0, 10, 5, 0},
		{a, "plain", map[int64]int64{1: 9, 100: 1}, 1, 1, 9, 0},
		{a, "plain", map[int64]int64{1: 8, 7: 1, 8: 1}, 1, 7, 9, 0},
		{a, "timed", map[int64]int64{7: 3, 15: 2, 16: 4}, 15, 16, 5, 7},
		{asked, "timed", map[int64]int64{7: 3, 20: 2, 21: 4}, 20, 21, 5, 0},
	} {
		var l lags
		for days, n := range c.l {
			l.add(c.a, c.category, event+days, days, n)
		}
		s := l.summary(c.a, c.category)
		if *s.Median != c.median || *s.P90 != c.p90 || s.Within != c.within || s.WorkingDays != c.working {
			t.Errorf("%v: median %d, p90 %d, %d on time within %d", c.l, *s.Median, *s.P90, s.Within, s.WorkingDays)
		}
	}
	if s := new(lags).summary(a, "plain"); s.Median != nil || s.P90 != nil || s.Dated != 0 {
		t.Error("of nothing")
	}
}
