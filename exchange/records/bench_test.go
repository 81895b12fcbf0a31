package records_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"accord/crypto/seal"
	"accord/exchange"
	"accord/exchange/records"
)

// BenchmarkInsert stores batches of 500 records of about 1.5 kB with four
// sealed fields each, every batch synced.
func BenchmarkInsert(b *testing.B) {
	s, err := records.OpenSQLite(context.Background(), filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var fields []records.SealedField
	for i := range 4 {
		field, digest := fmt.Sprintf("field-%d", i), fmt.Sprintf("digest-%d", i)
		box, err := sealer.Seal(seal.Binding{Record: "record", Field: field, Digest: digest}, []byte("639900199000000000"))
		if err != nil {
			b.Fatal(err)
		}
		fields = append(fields, records.SealedField{Field: field, Digest: digest, Sealed: box})
	}
	filler := strings.Repeat("x", 1400)
	next := 0
	b.ResetTimer()
	for b.Loop() {
		batch := make([]records.Record, 500)
		for i := range batch {
			next++
			jwt := fmt.Sprintf("%d%s", next, filler)
			batch[i] = records.Record{ID: recordID(next), Category: "court-defaulter", Author: "court", Operator: "li",
				Subject: exchange.SubjectID(fmt.Sprintf("person:h1.%d", next)), SubjectKind: "consumer", CatalogueVersion: 1,
				JWT: jwt, Digest: records.DigestOf(jwt), Sealed: fields, RowKey: fmt.Sprint(next), RowDigest: "x"}
		}
		if err := s.InsertBatch(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "records/s")
}
