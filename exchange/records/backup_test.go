package records_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"accord/exchange/records"
)

// TestCopyTo: the copy is whole while writes go on, private to its owner, and
// lacks what was erased.
func TestCopyTo(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := records.OpenSQLite(ctx, filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := range 50 {
		insert(t, s, sample(t, n, "x"))
	}
	if _, err := s.Erase(ctx, recordID(7)); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // a writer that does not wait for the copy
		defer close(done)
		for n := 50; ; n++ {
			select {
			case <-stop:
				return
			default:
				if err := s.InsertBatch(ctx, []records.Record{sample(t, n, "x")}); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	file := filepath.Join(dir, "copy.db")
	err = s.CopyTo(ctx, file)
	close(stop)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	c, err := records.OpenSQLite(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := c.Count(ctx, records.Filter{})
	if err != nil || n < 50 {
		t.Fatalf("%d records, %v", n, err)
	}
	for i := range int(n) { // a prefix in the order of arrival: one moment
		get(t, c, recordID(i))
	}
	if r := get(t, c, recordID(7)); !r.Sealed[0].Erased {
		t.Error("the copy holds an erased field")
	}
	if err := s.CopyTo(ctx, file); err == nil {
		t.Error("a copy replaced a file")
	}
}
