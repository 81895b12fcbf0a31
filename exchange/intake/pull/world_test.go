package pull

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/exchange/intake"
	"accord/exchange/records/postgrestest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	postgrestest.Stop()
	os.Exit(code)
}

// mappingOf is a mapping with this pull part.
func mappingOf(t *testing.T, format, pull string) *intake.Mapping {
	t.Helper()
	m, err := parse(format, pull)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(format, pull string) (*intake.Mapping, error) {
	rows := ""
	if format == "xml" {
		rows = "\n    rows: list.item"
	}
	return intake.ParseMapping([]byte(`format: accord-mapping/1
name: pulled
title: {zh: 拉取, en: Pulled}
source: {name: {zh: 来源, en: Source}, grade: B}
file: {format: ` + format + `}
tables:
  - category: discipline-organisation` + rows + `
    columns: [{source: id, field: document_number}]
    subject: {cases: [{kind: enterprise, namespace: org, key: uscc}]}
pull:
` + pull))
}

// secretFile holds a word as mappings want it.
func secretFile(t *testing.T, word string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// start is the beginning of a mapping's source.
func start(t *testing.T, m *intake.Mapping) State {
	t.Helper()
	s, err := NewState(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// options wait for nobody and remember how long they would have waited.
func options(waited *[]time.Duration) Options {
	return Options{Getenv: func(string) string { return "" }, Wait: func(ctx context.Context, d time.Duration) error {
		if waited != nil {
			*waited = append(*waited, d)
		}
		return ctx.Err()
	}}
}

// drain reads a source from a state to its end and says what it gave, page by
// page, and where reading stands then.
func drain(t *testing.T, m *intake.Mapping, at State, refused ...int) (pages []string, now State, err error) {
	t.Helper()
	s, err := Open(t.Context(), m, at, options(nil))
	if err != nil {
		return nil, at, err
	}
	defer s.Close()
	held := false
	for {
		p, err := s.Next(t.Context())
		if err == io.EOF {
			return pages, at, nil
		}
		if err != nil {
			return pages, at, err
		}
		pages = append(pages, string(p.Data))
		first := 0
		if n := len(pages) - 1; n < len(refused) {
			first = refused[n]
		}
		next, holds, over := p.After(at, strings.Count(string(p.Data), "\n"), first)
		if !held {
			at = next
		}
		held = held || holds
		if over {
			return pages, at, nil
		}
	}
}

// What the README shows is a pull part as mappings take it.
func TestReadmeExample(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile("../../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, block, ok := strings.Cut(string(text), "```yaml\npull:\n")
		block, _, closed := strings.Cut(block, "```")
		if _, err := parse("ndjson", block); !ok || !closed || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pull part that could not mean what it says is refused with its place.
func TestPullPart(t *testing.T) {
	for pull, where := range map[string]string{
		"  sql: {driver: oracle, address: {env: ACCORD_PULL_A}, table: r}":                                      "pull.sql.driver",
		"  sql: {driver: mysql, address: {env: HOME}, table: r}":                                                "pull.sql.address",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A, file: x}, table: r}":                              "pull.sql.address",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: \"r; drop\"}":                             "pull.sql.table",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r, query: SELECT 1}":                      "pull.sql.table",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r, cursor: c}":                            "pull.sql.cursor",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r, key: k, overlap: 1}":                   "pull.sql.overlap",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r, timeout: 0s}":                          "pull.sql.timeout",
		"  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r, rows: -1}":                             "pull.sql.rows",
		"  http: {url: \"https://user:word@a.example/\"}":                                                       "pull.http.url",
		"  http: {url: \"ftp://a.example/\"}":                                                                   "pull.http.url",
		"  http: {url: \"http://a.example/\", ca_file: x}":                                                      "pull.http.ca_file",
		"  http: {url: \"http://a.example/\", header: X-Key}":                                                   "pull.http.header",
		"  http: {url: \"http://a.example/\", pages: {by: guess}}":                                              "pull.http.pages.by",
		"  http: {url: \"http://a.example/\", pages: {by: number}}":                                             "pull.http.pages",
		"  http: {url: \"http://a.example/\", pages: {by: cursor, parameter: p, next: n}}":                      "pull.http.pages",
		"  http: {url: \"http://a.example/\"}\n  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r}": "pull",
	} {
		if _, err := parse("ndjson", pull+"\n"); !errors.Is(err, intake.ErrMapping) || !strings.HasSuffix(err.Error(), " at "+where) {
			t.Errorf("%s: %v", pull, err)
		}
	}
	if _, err := parse("csv", "  sql: {driver: mysql, address: {env: ACCORD_PULL_A}, table: r}\n"); !errors.Is(err, intake.ErrMapping) {
		t.Errorf("a table as CSV: %v", err)
	}
}
