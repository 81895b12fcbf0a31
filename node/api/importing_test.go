package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/exchange/agency"
	"accord/exchange/intake"
	"accord/exchange/records"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

func TestImportReportsEveryRow(t *testing.T) {
	w := newWorld(t)
	report := w.importSample("association", "discipline-sample.xlsx")
	if report.Mapping != "discipline" || report.File != "discipline-sample.xlsx" || report.Rows != report.New+report.Same+report.Refused ||
		report.New == 0 || len(report.IDs) != report.New || len(report.Parts) != 2 {
		t.Errorf("%+v", report)
	}
	var sum wire.ImportPart
	for _, p := range report.Parts {
		sum.Rows, sum.New, sum.Same, sum.Refused, sum.Flagged = sum.Rows+p.Rows, sum.New+p.New, sum.Same+p.Same, sum.Refused+p.Refused, sum.Flagged+p.Flagged
	}
	if sum != (wire.ImportPart{Rows: report.Rows, New: report.New, Same: report.Same, Refused: report.Refused, Flagged: report.Flagged}) {
		t.Errorf("the parts add up to %+v of %+v", sum, report)
	}
	kinds := 0
	for _, n := range report.Kinds {
		kinds += n
	}
	if kinds != len(report.Issues) {
		t.Errorf("%d issues, %d by kind", len(report.Issues), kinds)
	}
	for _, is := range report.Issues {
		if is.Place == "" || is.Message.Zh == "" || is.Effect == "" || is.Part == "" {
			t.Errorf("%+v", is)
		}
	}
	again := w.importSample("association", "discipline-sample.xlsx")
	if again.New != 0 || again.Same != report.New+report.Same || len(again.IDs) != 0 {
		t.Errorf("the same file again: %+v", again)
	}
}

func TestDryRunStoresNothing(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	raw, _ := intake.Sample("penalties-sample.csv")
	q := client.ImportQuery{File: "penalties-sample.csv", DryRun: true, AsOf: "2026-11-20"}
	report, err := w.client("regulator", config.Clerk).Import(ctx, withMapping(q, "auto"), bytes.NewReader(raw), nil)
	if err != nil || !report.DryRun || report.New == 0 || len(report.IDs) != 0 {
		t.Fatalf("%+v %v", report, err)
	}
	for _, is := range report.Issues {
		if !strings.HasPrefix(is.Place, "line ") {
			t.Errorf("a text file has no place %q", is.Place)
		}
	}
	if n, err := w.servers["regulator"].Agency.Records.Count(ctx, records.Filter{}); n != 0 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

// A mapping that is too long for a query goes before the file.
func TestALongMapping(t *testing.T) {
	w := newWorld(t)
	raw, _ := intake.Sample("penalties-sample.csv")
	m, err := os.ReadFile("../../exchange/intake/mappings/penalties.yaml")
	if err != nil {
		t.Fatal(err)
	}
	long := string(m) + strings.Repeat("# 说明\n", 10_000)
	send := func(mapping string) (wire.ImportReport, error) {
		return w.client("regulator", config.Clerk).Import(t.Context(), client.ImportQuery{File: "p.csv", Mapping: mapping, DryRun: true, AsOf: "2026-11-20"}, bytes.NewReader(raw), nil)
	}
	short, err := send("penalties")
	if err != nil {
		t.Fatal(err)
	}
	report, err := send(long)
	if err != nil || len(long) < 64<<10 || report.Rows != short.Rows || report.New != short.New || report.Plan.Input != short.Plan.Input {
		t.Errorf("%d rows, %d new, want %d and %d: %v", report.Rows, report.New, short.Rows, short.New, err)
	}
	if _, err := send(long + strings.Repeat("#", 256<<10)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("longer than a mapping may be: %v", err)
	}
	for _, body := range []string{"", "--x--\r\n", "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\na\r\n--x--\r\n", "--x\r\nContent-Disposition: form-data; name=\"mapping\"\r\n\r\na\r\n--x--\r\n"} {
		got := w.ask("regulator", as(config.Clerk), http.MethodPost, "/api/v1/records/import?file=p.csv", body, "Content-Type", "multipart/form-data; boundary=x")
		if got.status != http.StatusBadRequest {
			t.Errorf("%q: %d", body, got.status)
		}
	}
}

func withMapping(q client.ImportQuery, m string) client.ImportQuery {
	q.Mapping = m
	return q
}

// A row whose key the store holds with other content is refused and named.
func TestAClashIsRefusedAndNamed(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	raw, _ := intake.Sample("penalties-sample.csv")
	m, err := intake.Builtin("penalties")
	if err != nil {
		t.Fatal(err)
	}
	clerk := w.client("regulator", config.Clerk)
	q := client.ImportQuery{File: "penalties.csv", Mapping: "penalties", AsOf: "2026-11-20"}
	first, err := clerk.Import(ctx, q, bytes.NewReader(raw), nil)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(raw, gb18030("样例"), gb18030("样张"), -1)
	if bytes.Equal(changed, raw) {
		t.Fatalf("the sample of %s holds nothing to change", m.Name)
	}
	second, err := clerk.Import(ctx, q, bytes.NewReader(changed), nil)
	if err != nil {
		t.Fatal(err)
	}
	if second.Kinds[kindClash] == 0 || second.Refused <= first.Refused || second.Rows != first.Rows {
		t.Errorf("%d clashes, %d refused then %d", second.Kinds[kindClash], first.Refused, second.Refused)
	}
}

// gb18030 encodes the two words of the test above; the encoder belongs to
// package intake.
func gb18030(s string) []byte {
	return map[string][]byte{"样例": {0xd1, 0xf9, 0xc0, 0xfd}, "样张": {0xd1, 0xf9, 0xd5, 0xc5}}[s]
}

func TestImportsThatCannotBegin(t *testing.T) {
	w := newWorld(t)
	penalties, _ := intake.Sample("penalties-sample.csv")
	for _, c := range []struct{ query, body, code string }{
		{"file=x.csv", "x", ErrAuto.Code},
		{"file=x.csv&mapping=nothing", "x", intake.ErrNoMapping.Code},
		{"file=x.csv&mapping=" + url.QueryEscape("../../etc/passwd"), "x", ErrQuery.Code},
		{"file=x.csv&mapping=" + url.QueryEscape("format: x\n"), "x", intake.ErrMapping.Code},
		{"file=x.csv&mapping=" + url.QueryEscape("a: &a [*a]\n"), "x", intake.ErrMapping.Code},
		{"file=court.ndjson", "x", agency.ErrAuthorKind.Code},
		{"file=penalties.csv&as_of=2026-02-30", "x", ErrQuery.Code},
		{"file=penalties.csv&dry_run=maybe", "x", ErrQuery.Code},
		{"file=" + url.QueryEscape("a\nb"), "x", ErrQuery.Code},
		{"file=penalties.csv", "PK\x03\x04rest", intake.ErrFormat.Code},
		{"file=penalties.csv", "a,b,c\n1,2,3\n", intake.ErrHeader.Code},
		{"file=penalties.csv", "", ""},
		{"file=penalties.csv", strings.Repeat("x", 5<<20), ErrTooLarge.Code},
	} {
		got := w.ask("regulator", as(config.Clerk), "POST", "/api/v1/records/import?"+c.query, c.body)
		if got.code == "" || got.status >= 500 || c.code != "" && got.code != c.code {
			t.Errorf("%s: %d %s", c.query, got.status, got.body)
		}
		if c.code == ErrTooLarge.Code && got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("too large: %d", got.status)
		}
	}
	w.servers["regulator"].importing.Lock()
	got := w.ask("regulator", as(config.Clerk), "POST", "/api/v1/records/import?file=penalties.csv", string(penalties))
	w.servers["regulator"].importing.Unlock()
	if got.code != ErrImporting.Code {
		t.Errorf("beside another: %s", got.code)
	}
	w.nothingLeft("regulator")
}

// nothingLeft checks that no uploaded file lies in a member's folder.
func (w *world) nothingLeft(m string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, m, ".import*"))
	if err != nil || len(files) > 0 {
		w.t.Errorf("left behind: %v %v", files, err)
	}
}

// broken is a body that ends in an error.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("the connection is gone")
	}
	return n, err
}

func TestUploadsThatBreakOff(t *testing.T) {
	w := newWorld(t)
	raw, _ := intake.Sample("penalties-sample.csv")
	r := httptest.NewRequest("POST", "/api/v1/records/import?file=penalties.csv", broken{bytes.NewReader(raw)})
	r.Header.Set(wire.HeaderOperator, "clerk")
	got := w.send("regulator", r.WithContext(as(config.Clerk).context(r.Context())))
	if got.code != ErrBody.Code {
		t.Errorf("%d %s", got.status, got.code)
	}
	w.servers["regulator"].Config.Dir = filepath.Join(w.dir, "nowhere")
	if got := w.ask("regulator", as(config.Clerk), "POST", "/api/v1/records/import?file=penalties.csv", string(raw)); got.code != ErrSpool.Code {
		t.Errorf("no folder to keep it in: %d %s", got.status, got.code)
	}
	w.nothingLeft("regulator")
	if n, _ := w.servers["regulator"].Agency.Records.Count(t.Context(), records.Filter{}); n != 0 {
		t.Errorf("%d records", n)
	}
}

// What fails once lines were written comes as the last line.
func TestAnImportThatFailsUnderWay(t *testing.T) {
	w := newWorld(t)
	raw, _ := intake.Sample("penalties-sample.csv")
	_, rows, _ := bytes.Cut(raw, []byte("\n"))
	raw = append(raw, bytes.Repeat(rows, 480)...) // more than one batch
	s := w.servers["regulator"]
	f, err := os.CreateTemp(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Write(raw)
	m, _ := intake.Builtin("penalties")
	reader, err := intake.Open(f, int64(len(raw)), m, s.view().Catalogue().Document(), intake.Options{AsOf: start})
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("9"), int64(len(raw)-4)) // the reader notices at the end
	rec := httptest.NewRecorder()
	out := &eventStream{w: rec} // last is long ago: every row makes a line
	err = s.runImport(t.Context(), out, requestAs("POST", as(config.Clerk)), importQuery{file: "x", cat: s.view().Catalogue()}, m, reader)
	lines := strings.Split(strings.TrimSpace(rec.Body.String()), "\n")
	if code(err) == "" || rec.Code != http.StatusOK {
		t.Fatalf("%d %v", rec.Code, err)
	}
	if !out.begun {
		t.Fatal("nothing was written before it failed")
	}
	if err := decodes("ImportEvent", "application/x-ndjson", rec.Body.String()); err != nil {
		t.Errorf("%v: %s", err, rec.Body)
	}
	if !strings.Contains(lines[len(lines)-1], `"problem"`) {
		t.Errorf("the last line is %s", lines[len(lines)-1])
	}
}

func TestMappingByFileName(t *testing.T) {
	for file, want := range map[string]string{"penalties.csv": "penalties", "Discipline-2026.xlsx": "discipline", "court_11.ndjson": "court",
		"ebrd-ineligible-entities.csv": "ebrd", "world-bank-ineligible.xlsx": "worldbank", "WorldBank list.xlsx": "worldbank"} {
		m, err := mappingOf(importQuery{file: file, mapping: "auto"})
		if err != nil || m.Name != want {
			t.Errorf("%s: %v", file, err)
		}
	}
}
