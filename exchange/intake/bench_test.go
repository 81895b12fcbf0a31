package intake

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

// BenchmarkRows reads the sample rows over and over as one large file; it
// reports rows per second and the memory each row costs.
func BenchmarkRows(b *testing.B) {
	_, doc := catalogue.Default()
	for _, name := range []string{"penalties-sample.csv", "court-sample.ndjson"} {
		data, err := Sample(name)
		must(b, err)
		m, err := Builtin(sampleMappings[name])
		must(b, err)
		head, body, _ := strings.Cut(string(data), "\n")
		if name == "court-sample.ndjson" {
			head, body = "", string(data)
		}
		large := []byte(head + "\n" + strings.Repeat(body, 1000))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(large)))
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				r, seq, err := Read(context.Background(), bytes.NewReader(large), int64(len(large)), m, doc, Options{AsOf: sampleDay})
				must(b, err)
				for _, err := range seq {
					must(b, err)
				}
				rows += r.Report().Rows
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
