package pull

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"accord/exchange/intake"
	"accord/exchange/records/postgrestest"
)

// reader is a user that may read one schema, and the mapping's pull part for it.
func reader(t *testing.T, statements string) (srv *postgrestest.Server, schema, address string) {
	t.Helper()
	srv = postgrestest.Shared(t)
	schema = srv.Schema(t)
	if out, err := srv.SQL("SET search_path = " + schema + "; " + statements); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address = strings.Replace(srv.URL(schema, 0), "accord@", "accord:"+srv.Password+"@", 1)
	return srv, schema, address
}

func pullOf(t *testing.T, address, rest string) *intake.Mapping {
	t.Helper()
	return mappingOf(t, "ndjson", "  sql: {driver: postgres, address: {file: "+secretFile(t, address)+"}, "+rest+"}\n")
}

// Every type is written with all its digits, or refused.
func TestPostgresTypesAreExact(t *testing.T) {
	_, _, address := reader(t, `
CREATE TYPE mood AS ENUM ('好', '坏');
CREATE DOMAIN fen AS numeric(20,2);
CREATE TABLE all_types (id bigint PRIMARY KEY, n numeric, money fen, d date, ts timestamp, tz timestamptz, b boolean, t text, c char(4),
  e mood, j jsonb, f real, g double precision, u uuid, tm time);
INSERT INTO all_types VALUES
 (9007199254740993, 12345678901234567890.123456789, 0.10, '2024-02-29', '2024-05-01 23:59:59.123456', '2024-05-01 23:59:59.5+08', true, '', 'ab',
  '好', '{"a": {"b": "x"}}', 0.1, 0.1, '6f9619ff-8b86-d011-b42d-00c04fc964ff', '08:30'),
 (9007199254740994, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (9007199254740995, 'NaN', 1, 'infinity', '-infinity', 'infinity', false, E'两行\n文字"', '', '坏', '[1]', 'NaN', 1e21, NULL, NULL);`)
	pages, now, err := drain(t, pullOf(t, address, "table: all_types, key: id"), State{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"9007199254740993","n":"12345678901234567890.123456789","money":"0.10","d":"2024-02-29","ts":"2024-05-01T23:59:59.123456","tz":"2024-05-01T15:59:59.5Z","b":true,"t":"","c":"ab  ","e":"好","j":{"a": {"b": "x"}},"f":"0.1","g":"0.1","u":"6f9619ff-8b86-d011-b42d-00c04fc964ff","tm":"08:30:00"}
{"id":"9007199254740994","n":null,"money":null,"d":null,"ts":null,"tz":null,"b":null,"t":null,"c":null,"e":null,"j":null,"f":null,"g":null,"u":null,"tm":null}
{"id":"9007199254740995","n":"NaN","money":"1.00","d":"infinity","ts":"-infinity","tz":"infinity","b":false,"t":"两行\n文字\"","c":"    ","e":"坏","j":[1],"f":"NaN","g":"1000000000000000000000","u":null,"tm":null}
`
	if len(pages) != 1 || pages[0] != want {
		t.Errorf("%s", strings.Join(pages, "--\n"))
	}
	if now.After != nil {
		t.Errorf("a reading of all rows goes on at %+v", now.After)
	}
	for column, statement := range map[string]string{
		"bytes":  "SELECT 1 AS id, '\\x00'::bytea AS bytes",
		"list":   "SELECT 1 AS id, ARRAY['a'] AS list",
		"pair":   "SELECT 1 AS id, (1, 2) AS pair",
		"range":  "SELECT 1 AS id, int4range(1, 2) AS range",
		"id":     "SELECT 1 AS id, 2 AS id",
		"absent": "SELECT 1 AS id",
	} {
		key := "id"
		if column == "absent" {
			key = "absent"
		}
		_, _, err := drain(t, pullOf(t, address, "query: \""+strings.ReplaceAll(statement, `\`, `\\`)+"\", key: "+key), State{})
		if !errors.Is(err, ErrColumn) || !strings.Contains(err.Error(), column) {
			t.Errorf("%s: %v", column, err)
		}
	}
}

// Nothing is left out without a word: a key or cursor that is missing or repeats is
// refused before the first row.
func TestRowsThatWouldBeLeftOut(t *testing.T) {
	_, _, address := reader(t, `
CREATE TABLE r (id bigint, changed timestamptz, name text, num text);
INSERT INTO r VALUES (1, now(), 'a', '110101199003074776'), (1, now(), 'b', 'x'), (NULL, now(), 'c', 'y'), (4, NULL, 'd', 'z');`)
	for rest, want := range map[string]string{
		`query: "SELECT * FROM r WHERE name <> 'c'", key: id`:                          "same in several rows",
		`query: "SELECT * FROM r WHERE name <> 'b'", key: id`:                          "empty (NULL)",
		`query: "SELECT * FROM r WHERE name IN ('a','d')", key: id, cursor: changed`:   "empty (NULL)",
		`table: r, key: name, cursor: num`:                                             "order by its type",
		`query: "SELECT * FROM r WHERE name = 'a'", key: num`:                          "person's number",
		`query: "SELECT * FROM r WHERE name = 'a'", key: id, cursor: id, overlap: 10m`: "",
	} {
		_, at, err := drain(t, pullOf(t, address, rest), State{})
		if want == "" {
			if err == nil && at.After != nil { // the overlap is looked at when there is something to overlap
				_, _, err = drain(t, pullOf(t, address, rest), at)
			}
			want = "overlap"
		}
		if !errors.Is(err, ErrColumn) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", rest, err)
		}
		if err != nil && strings.Contains(err.Error(), "110101199003074776") {
			t.Errorf("the error shows the number: %v", err)
		}
	}
	if _, _, err := drain(t, pullOf(t, address, "table: r, rows: 3"), State{}); !errors.Is(err, ErrLimit) {
		t.Errorf("four rows in a page of three without a key: %v", err)
	}
}

// ids are the ids of pages, in order.
func ids(pages []string) string {
	var all []string
	for _, p := range pages {
		for _, line := range strings.Split(strings.TrimSpace(p), "\n") {
			if _, rest, ok := strings.Cut(line, `"id":"`); ok {
				id, _, _ := strings.Cut(rest, `"`)
				all = append(all, id)
			}
		}
		all = append(all, "|")
	}
	return strings.Join(all, " ")
}

// A reading by cursor goes on where the last one ended, takes what has the same
// cursor or came late, and never passes a row that was refused.
func TestIncrementalReading(t *testing.T) {
	srv, schema, address := reader(t, `CREATE TABLE r (id bigint PRIMARY KEY, changed timestamptz NOT NULL);
INSERT INTO r SELECT g, timestamptz '2024-01-01 00:00Z' + g/2 * interval '1 hour' FROM generate_series(1, 7) g;`)
	insert := func(values string) {
		if out, err := srv.SQL("INSERT INTO " + schema + ".r VALUES " + values); err != nil {
			t.Fatal(err, out)
		}
	}
	m := pullOf(t, address, "table: r, key: id, cursor: changed, rows: 3")
	at := start(t, m)
	expect := func(want string, m *intake.Mapping, refused ...int) {
		t.Helper()
		pages, now, err := drain(t, m, at, refused...)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(pages); got != want {
			t.Errorf("read %q, want %q", got, want)
		}
		at = now
	}
	expect("1 2 3 | 4 5 6 | 7 |", m)
	expect("6 7 |", m) // both have the last cursor
	insert("(8, '2024-01-01 03:00Z'), (9, '2024-01-01 02:55Z'), (10, '2024-01-01 02:45Z')")
	expect("9 6 7 | 8 |", m) // ten minutes behind, which 10 is beyond
	insert("(11, '2024-01-01 05:00Z'), (12, '2024-01-01 06:00Z')")
	expect("9 6 7 | 8 11 12 | |", m, 0, 2) // 11 is refused
	if at.After == nil || at.After.Key != "8" {
		t.Fatalf("after a refused row: %+v", at.After)
	}
	expect("9 6 7 | 8 11 12 | |", m)
	if at.After.Key != "12" {
		t.Fatalf("after it was mended: %+v", at.After)
	}
	insert("(13, '2024-01-01 07:00Z')")
	pass := pullOf(t, address, "table: r, key: id, cursor: changed, rows: 3, refused: pass, overlap: 0s")
	expect("12 13 |", pass, 1)
	if at.After.Key != "13" {
		t.Fatalf("passed: %+v", at.After)
	}
}

// A reading of all rows that stopped goes on behind the page it had stored; one
// that ended begins anew.
func TestFullReadingResumes(t *testing.T) {
	_, _, address := reader(t, `CREATE TABLE r (id text PRIMARY KEY); INSERT INTO r SELECT 'k' || g FROM generate_series(1, 5) g;`)
	m := pullOf(t, address, "table: r, key: id, rows: 2")
	s, err := Open(t.Context(), m, start(t, m), options(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Next(t.Context())
	if err != nil || p.Total != 5 {
		t.Fatalf("%+v, %v", p, err)
	}
	at, _, over := p.After(start(t, m), 2, 0)
	if over {
		t.Error("over after the first page")
	}
	pages, now, err := drain(t, m, at)
	if err != nil || ids(pages) != "k3 k4 | k5 |" || now.After != nil {
		t.Errorf("%s, %+v, %v", ids(pages), now, err)
	}
}

// What reads cannot write, whatever the query is, and does not wait for ever.
func TestReadingOnly(t *testing.T) {
	srv, schema, address := reader(t, `CREATE TABLE r (id bigint PRIMARY KEY, big text); INSERT INTO r VALUES (1, 'x');
CREATE FUNCTION spoil() RETURNS bigint LANGUAGE sql AS $$ INSERT INTO r VALUES (99, 'y') RETURNING id $$;`)
	for query, code := range map[string]string{
		"SELECT spoil() AS id":                             "SQLSTATE 25006",
		"SELECT 1 AS id) AS x; DROP TABLE r; --":           "SQLSTATE 42601",
		"DELETE FROM r RETURNING id":                       "SQLSTATE 42",
		"SELECT 1 AS id FROM nowhere":                      "SQLSTATE 42P01",
		"SELECT '张三秘密'::int AS id":                         "SQLSTATE 22P02",
		"SELECT pg_sleep(100)::text AS big, 1 AS id":       "SQLSTATE 57014",
		"SELECT repeat('x', 40*1024*1024) AS big, 1 AS id": "",
	} {
		timeout := "1m"
		if strings.Contains(query, "pg_sleep") {
			timeout = "1s"
		}
		_, _, err := drain(t, pullOf(t, address, fmt.Sprintf("query: %q, key: id, timeout: %s", query, timeout)), State{})
		switch {
		case code == "" && (!errors.Is(err, ErrLimit) && !errors.Is(err, ErrReach)):
			t.Errorf("%s: %v", query, err)
		case code != "" && (!errors.Is(err, ErrServer) || !strings.Contains(err.Error(), code)):
			t.Errorf("%s: %v", query, err)
		}
		if err != nil && strings.Contains(err.Error()+fmt.Sprintf("%+v", err), "秘密") {
			t.Errorf("%s: the error quotes a value: %v", query, err)
		}
	}
	if out, err := srv.SQL("SELECT count(*) FROM " + schema + ".r"); err != nil || out != "1" {
		t.Errorf("%s rows, %v", out, err)
	}
}

// No error shows the address or its password, and nothing crosses a network in
// clear unless the mapping says so.
func TestAddressesAreKept(t *testing.T) {
	const password = "hunter2-canary"
	for address, want := range map[string]error{
		"postgres://u:" + password + "@127.0.0.1:1/db?sslmode=disable": ErrReach,
		"postgres://u:" + password + "@db.example:5432/db":             ErrPlace,
		"postgres://u:" + password + "@db.example/db?sslmode=require":  ErrPlace,
		"postgres://u:" + password + "@bad port:x/db":                  ErrSecret,
		"postgres://u:" + password + "@127.0.0.1/db?sslmode=what":      ErrSecret,
	} {
		_, _, err := drain(t, pullOf(t, address, "table: r"), State{})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
		if err != nil && strings.Contains(fmt.Sprintf("%+v %v", err, errors.Unwrap(err)), password) {
			t.Errorf("%s: the password is in %v", address, err)
		}
	}
	path := secretFile(t, "x")
	for _, s := range []intake.Secret{{File: path + "-none"}, {Env: "ACCORD_PULL_NONE"}, {File: t.TempDir()}} {
		if _, err := secret(s, func(string) string { return "" }); !errors.Is(err, ErrSecret) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
