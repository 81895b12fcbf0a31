package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange/records/postgrestest"
	"accord/node/demo"
	"accord/node/wire"
)

// pulled runs accord record pull at the association and reads its report.
func (f *federation) pulled(mapping string, args ...string) (wire.ImportReport, string) {
	f.t.Helper()
	cmd := exec.Command(accordBinary(f.t), append([]string{"record", "pull", mapping, "--as-of", "2026-11-20", "-o", "json", "--dir", f.sup.Dir("association"),
		"--operator", string(demo.Operator)}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var r wire.ImportReport
	if len(out) > 0 {
		if err := json.Unmarshal(out, &r); err != nil {
			f.t.Fatalf("%v\n%s", err, out)
		}
	} else if err != nil {
		f.t.Fatalf("record pull: %v\n%s", err, said.String())
	}
	return r, said.String()
}

// disciplinedPull is disciplinedMapping read from somewhere.
func disciplinedPull(t *testing.T, format, name, pull string) string {
	t.Helper()
	text := strings.NewReplacer("format: csv", "format: "+format, "name: disciplined", "name: "+name).Replace(disciplinedMapping) + pull
	path := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPullFromADatabase reads a table into records: the command is killed in
// between, a row is refused, mended, and then taken; in the end each row is a record
// once.
func TestPullFromADatabase(t *testing.T) {
	const rows = 1500
	server := postgrestest.Start(t)
	var b strings.Builder
	b.WriteString(`CREATE TABLE decisions (id bigint PRIMARY KEY, changed timestamptz NOT NULL, "机构名称" text, "机构代码" text, "惩戒种类" text, "惩戒文号" text,
 "违规事实" text, "依据" text, "作出日期" date, "公示截止" date, "备注" text);`)
	b.WriteString("INSERT INTO decisions SELECT i, timestamptz '2026-01-01' + i * interval '1 minute', '例湖第'||i||'保险代理有限公司', code, '警告', '青例协惩〔2026〕'||i||'号', '未按约定报送', '自律公约第三条', '2026-03-01', '2027-03-01', NULL FROM (VALUES ")
	for i := range rows {
		code := fictionalUSCC(i)
		if i == 1400 {
			code = "bad"
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(%d,'%s')", i, code)
	}
	b.WriteString(") AS v(i, code)")
	if out, err := server.SQL(b.String()); err != nil {
		t.Fatal(err, out)
	}
	secret := filepath.Join(t.TempDir(), "address")
	if err := os.WriteFile(secret, []byte(strings.Replace(server.URL("", 0), "accord@", "accord:"+server.Password+"@", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFederation(t)
	mapping := disciplinedPull(t, "ndjson", "decisions", "pull:\n  sql: {driver: postgres, address: {file: "+secret+"}, table: decisions, key: id, cursor: changed, rows: 100, overlap: 0s}\n")

	if r, _ := f.pulled(mapping, "--dry-run"); r.Rows != rows || r.New != rows-1 || r.Refused != 1 ||
		!slices.ContainsFunc(r.Issues, func(is wire.ImportIssue) bool { return is.Effect == "refuse" && is.Place == "page 15, line 1" }) {
		t.Fatalf("tried: %d rows, %d new, %d refused", r.Rows, r.New, r.Refused)
	}
	for range 3 {
		cmd := exec.Command(accordBinary(t), "record", "pull", mapping, "--as-of", "2026-11-20", "--dir", f.sup.Dir("association"), "--operator", string(demo.Operator))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond) // where it is killed is up to chance
		_ = cmd.Process.Kill()                                           // it may have ended
		_ = cmd.Wait()
	}
	r, said := f.pulled(mapping)
	if r.Refused != 1 || !strings.Contains(said, "CLI-085") || len(f.records(t)) != rows-1 {
		t.Fatalf("%d new, %d same, %d refused, %d records\n%s", r.New, r.Same, r.Refused, len(f.records(t)), said)
	}
	if out, err := server.SQL(fmt.Sprintf(`UPDATE decisions SET "机构代码" = '%s' WHERE id = 1400`, fictionalUSCC(1400))); err != nil {
		t.Fatal(err, out)
	}
	if r, said = f.pulled(mapping); r.New != 1 || r.Refused != 0 || r.Rows != rows-1399 || strings.Contains(said, "CLI-085") {
		t.Errorf("mended: %d rows, %d new, %d refused\n%s", r.Rows, r.New, r.Refused, said)
	}
	if r, _ = f.pulled(mapping); r.Rows != 1 || r.Same != 1 {
		t.Errorf("nothing new: %d rows, %d same", r.Rows, r.Same)
	}
	have := f.records(t)
	subjects := map[string]bool{}
	for _, one := range have {
		subjects[string(one.Subject)] = true
	}
	if len(have) != rows || len(subjects) != rows {
		t.Errorf("%d records of %d organisations, want %d", len(have), len(subjects), rows)
	}
	f.pullFromTheWeb()
}

// pullFromTheWeb reads pages of CSV whose rows the database had, and by a plan.
func (f *federation) pullFromTheWeb() {
	t := f.t
	pages := strings.SplitAfter(disciplined(30), "\n")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer canary-word" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		n := 0
		fmt.Sscan(r.URL.Query().Get("p"), &n)
		fmt.Fprint(w, pages[0]+strings.Join(pages[min(1+10*n, 31):min(11+10*n, 31)], ""))
	}))
	defer srv.Close()
	mapping := disciplinedPull(t, "csv", "web", "pull:\n  http: {url: \""+srv.URL+"/list\", token: {env: ACCORD_PULL_WORD}, pages: {by: number, parameter: p, first: 0}}\n")
	t.Setenv("ACCORD_PULL_WORD", "canary-word")
	plan := filepath.Join(t.TempDir(), "plan.json")
	if r, said := f.pulled(mapping, "--dry-run", "--save-plan", plan); r.Rows != 10 || strings.Contains(said, "ACCORD_PULL_WORD") {
		t.Errorf("one page: %d rows\n%s", r.Rows, said)
	}
	if r, _ := f.pulled(mapping, "--plan", plan); r.Rows != 10 || r.Same != 10 {
		t.Errorf("by its plan: %d rows, %d same", r.Rows, r.Same)
	}
	if r, _ := f.pulled(mapping); r.Rows != 20 || r.Same != 20 {
		t.Errorf("the rest: %d rows, %d same", r.Rows, r.Same)
	}
	if r, _ := f.pulled(mapping); r.Rows != 30 {
		t.Errorf("anew: %d rows", r.Rows)
	}
	if out, err := f.try("association", "record", "pull", mapping, "--state", filepath.Join(f.sup.Dir("association"), "pulls", "decisions.json")); err == nil || !strings.Contains(out, "PULL-007") {
		t.Errorf("the progress of another source: %v\n%s", err, out)
	}
}
