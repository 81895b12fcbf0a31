package records_test

import (
	"context"
	"testing"

	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
)

// TestProbe: a good server passes and keeps nothing of it; what a server lacks
// is named with what to do.
func TestProbe(t *testing.T) {
	server, ctx := postgrestest.Shared(t), context.Background()
	failed := func(d records.Database) (names []string) {
		for _, c := range records.Probe(ctx, d) {
			if c.OK {
				continue
			}
			names = append(names, c.Name)
			if c.Fix.Zh == "" || c.Fix.En == "" || c.Found == "" && c.Name != "transactions" {
				t.Errorf("%s fails without a word of what was found or what to do: %+v", c.Name, c)
			}
		}
		return names
	}
	d := database(t, server)
	for range 2 {
		if names := failed(d); names != nil {
			t.Errorf("a good server lacks %v", names)
		}
	}
	openPostgres(t, d)
	if names := failed(d); names != nil {
		t.Errorf("the node's own store lacks %v", names)
	}
	if _, err := server.SQL(`CREATE ROLE weak LOGIN PASSWORD 'long enough for a test'`); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*records.Database){
		"address":            func(d *records.Database) { d.URL = "mysql://x" },
		"connection":         func(d *records.Database) { d.Password = "wrong" },
		"synchronous_commit": func(d *records.Database) { d.URL += "&synchronous_commit=off" },
		"writable":           func(d *records.Database) { d.URL += "&default_transaction_read_only=on" },
		"owner":              func(d *records.Database) { d.Owner.Node = "node-2" },
		"rights":             func(d *records.Database) { d.URL = server.URL("pg_catalog", 0) },
	} {
		bad := d
		change(&bad)
		names := failed(bad)
		found := false
		for _, n := range names {
			found = found || n == want
		}
		if !found {
			t.Errorf("%s is not named among %v", want, names)
		}
	}
}
