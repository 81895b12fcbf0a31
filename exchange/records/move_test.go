package records_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
)

func none(int64) {}

// TestTables: the list by which stores are copied is the schema.
func TestTables(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "store.db"))
	rows, err := records.Reader(s).Query(`SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
		AND m.name NOT IN ('schema_version', 'owner') AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var have []string
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		have = append(have, table+"."+column)
	}
	listed := records.Columns()
	sort.Strings(listed)
	if !reflect.DeepEqual(have, listed) {
		t.Errorf("the schema has\n%v\nand the list\n%v", have, listed)
	}
}

// filled is a store with a bit of everything.
func filled(t *testing.T, s records.Store, count int) {
	t.Helper()
	ctx := context.Background()
	var batch []records.Record
	for n := range count {
		batch = append(batch, sample(t, n, "x"))
	}
	batch[4].RowKey, batch[4].RowDigest, batch[4].Sealed = "", "", nil
	better := sample(t, count, "y")
	better.RowKey, better.Replaces, better.Flags = "key-0", recordID(0), []string{"月份", "formula"}
	if err := s.InsertBatch(ctx, append(batch, better), records.Position{Feed: "大-B", Index: 2}, records.Position{Feed: "a", Index: 3}); err != nil {
		t.Fatal(err)
	}
	if err := s.MarkRetracted(ctx, takenBack(recordID(2)), "错误"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(ctx, recordID(3)); err != nil {
		t.Fatal(err)
	}
}

// same compares all records of two stores, sealed fields included.
func same(t *testing.T, a, b records.Store) {
	t.Helper()
	page, _, err := a.List(context.Background(), records.Filter{}, "", records.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page {
		if x, y := get(t, a, r.ID), get(t, b, r.ID); !reflect.DeepEqual(x, y) {
			t.Fatalf("%s:\n%#v\n%#v", r.ID, x, y)
		}
	}
	n, _ := a.Count(context.Background(), records.Filter{})
	if m, err := b.Count(context.Background(), records.Filter{}); n != m || err != nil {
		t.Errorf("%d and %d records, %v", n, m, err)
	}
}

// TestMove: a move is interrupted at every transaction and goes on; what was
// changed in between arrives, too; the copy back is the store it came from.
func TestMove(t *testing.T) {
	server, ctx, dir := postgrestest.Shared(t), context.Background(), t.TempDir()
	from := openSQLite(t, filepath.Join(dir, "records.db"))
	filled(t, from, 1200)
	d := database(t, server)
	var m records.Moved
	var err error
	interruptions := 0
	for allowed := int64(0); ; allowed += 3600 {
		limited, cancel := context.WithCancel(ctx)
		var done int64
		m, err = records.Move(limited, from, d, func(n int64) {
			if done += n; done > allowed {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if interruptions++; !errors.Is(err, context.Canceled) || interruptions > 20 {
			t.Fatal(err)
		}
		if interruptions > 1 { // the first ended before it took the database
			if _, err := records.OpenPostgres(ctx, d); !errors.Is(err, records.ErrMoving) {
				t.Fatalf("a database that is half filled: %v", err)
			}
		}
		if interruptions == 2 { // the node ran in between
			if _, err := from.Erase(ctx, recordID(7)); err != nil {
				t.Fatal(err)
			}
			insert(t, from, sample(t, 5000, "x"))
		}
	}
	if interruptions < 2 || m.Rows < 1200 {
		t.Errorf("%d interruptions, %+v", interruptions, m)
	}
	again, err := records.Move(ctx, from, d, none)
	if err != nil || again != m {
		t.Errorf("a second move: %+v, %v", again, err)
	}
	to := openPostgres(t, d)
	same(t, from, to)
	insert(t, to, sample(t, 6000, "x"))
	if _, err := records.Move(ctx, from, d, none); !errors.Is(err, records.ErrDiffers) {
		t.Errorf("a move into a database that went on: %v", err)
	}

	file := filepath.Join(dir, "copy.db")
	if err := to.CopyTo(ctx, file); err != nil {
		t.Fatal(err)
	}
	copied := openSQLite(t, file)
	same(t, to, copied)
	if err := to.CopyTo(ctx, file); err == nil {
		t.Error("a copy replaced a file")
	}
	third := database(t, server)
	back, err := records.Move(ctx, copied, third, none)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := records.Move(ctx, copied, third, none); err != nil || twice.Digest != back.Digest {
		t.Errorf("%v %v", twice, err)
	}
}

// TestViews: what reports may read names no person and holds nothing sealed or
// signed, and a user with rights on the views alone gets no further.
func TestViews(t *testing.T) {
	server := postgrestest.Shared(t)
	schema := server.Schema(t)
	pg := openPostgres(t, records.Database{URL: server.URL(schema, 0), Password: server.Password, Owner: us, Keys: filepath.Join(t.TempDir(), "k")})
	lite := openSQLite(t, filepath.Join(t.TempDir(), "store.db"))
	r := sample(t, 1, "canary-sealed")
	r.Subject, r.Source, r.Reason, r.Operator = "person:h1.canary-person", "canary-source.csv", "canary-reason", "canary-clerk"
	r.RowKey, r.RowDigest, r.Trust, r.JWT = "canary-key", "canary-row", "canary-trust", "canary-jwt"
	r.Digest = records.DigestOf(r.JWT)
	org := sample(t, 2, "x")
	org.Subject, org.SubjectKind = "org:91630000MA7TEST00X", "enterprise"
	for _, s := range []records.Store{pg, lite} {
		if err := s.InsertBatch(context.Background(), []records.Record{r, org}, records.Position{Feed: "court", Index: 2}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.SQL(fmt.Sprintf(`CREATE ROLE reports LOGIN PASSWORD 'long enough for a test';
		GRANT USAGE ON SCHEMA %[1]s TO reports; GRANT SELECT ON %[1]s.bi_records, %[1]s.bi_counts, %[1]s.bi_feeds TO reports`, schema)); err != nil {
		t.Fatal(err)
	}
	as := func(statement string) (string, error) {
		return server.SQLAs("reports", "long enough for a test", statement)
	}
	for view, columns := range map[string]string{
		"bi_records": "position, id, category, author, subject_kind, organisation, catalogue_version, issued_at, issued_day, status, replaces, replaced_by",
		"bi_counts":  "category, author, subject_kind, status, issued_day, records",
		"bi_feeds":   "feed, position",
	} {
		text, err := as("SELECT * FROM " + schema + "." + view)
		if err != nil || text == "" || strings.Contains(text, "canary") {
			t.Errorf("%s: %s, %v", view, text, err)
		}
		if _, err := as("SELECT " + columns + " FROM " + schema + "." + view); err != nil {
			t.Errorf("%s has lost a column: %v", view, err)
		}
		rows, err := records.Reader(lite).Query("SELECT * FROM " + view)
		if err != nil {
			t.Fatal(err)
		}
		names, _ := rows.Columns()
		if got := strings.Join(names, ", "); got != columns {
			t.Errorf("%s has the columns %s", view, got)
		}
		for rows.Next() {
			row := make([]any, len(names))
			for i := range row {
				row[i] = new(any)
			}
			if err := rows.Scan(row...); err != nil {
				t.Fatal(err)
			}
			for _, v := range row {
				if strings.Contains(fmt.Sprint(*v.(*any)), "canary") {
					t.Errorf("%s shows %v", view, *v.(*any))
				}
			}
		}
		rows.Close()
	}
	if text, _ := as("SELECT organisation FROM " + schema + ".bi_records WHERE organisation IS NOT NULL"); text != "org:91630000MA7TEST00X" {
		t.Errorf("organisations: %q", text)
	}
	for _, forbidden := range []string{"SELECT * FROM " + schema + ".records", "SELECT * FROM " + schema + ".owner", "DELETE FROM " + schema + ".bi_feeds"} {
		if text, err := as(forbidden); err == nil {
			t.Errorf("%s is allowed: %s", forbidden, text)
		}
	}
}
