package intake

import (
	"bytes"
	"context"
	"embed"
	"sort"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// Small fictional files for demonstrations, in the agencies' own layouts and
// with a few spoiled rows. Nobody in them exists: every identifier stands on a
// division code that was never allocated. samples_test.go makes them.
//
//go:embed samples/*.xlsx samples/*.csv samples/*.ndjson
var samples embed.FS

// sampleMappings names the built-in mapping of each sample.
var sampleMappings = map[string]string{
	"discipline-sample.xlsx": "discipline",
	"penalties-sample.csv":   "penalties",
	"court-sample.ndjson":    "court",
}

// sampleDay is a day on which nothing in the samples lies in the future.
var sampleDay = time.Date(2026, 11, 20, 12, 0, 0, 0, beijing)

// Sample is the content of a sample file.
func Sample(name string) ([]byte, error) {
	data, err := samples.ReadFile("samples/" + name)
	if err != nil || sampleMappings[name] == "" {
		return nil, ErrNoSample.With("sample", name)
	}
	return data, nil
}

// Samples lists the sample files with the built-in mapping each is read by.
func Samples() map[string]string {
	all := make(map[string]string, len(sampleMappings))
	for name, mapping := range sampleMappings {
		all[name] = mapping
	}
	return all
}

// minCanary is the shortest plaintext, in bytes, that is looked for: shorter
// ones (男, 是) stand everywhere.
const minCanary = 6

// SampleCanaries are the private plaintexts in the samples' good rows, sorted:
// what must be found nowhere after importing them. Codes and kinds of document
// are none, nor is what another row of the samples says in public.
func SampleCanaries() []string {
	private, public := map[string]bool{}, map[string]bool{}
	for name, mapping := range sampleMappings {
		textsOf(name, mapping, private, public)
	}
	all := make([]string, 0, len(private))
	for s := range private {
		if !public[s] {
			all = append(all, s)
		}
	}
	sort.Strings(all)
	return all
}

// textsOf adds the texts of a sample's good rows to one of the two sets.
func textsOf(name, mapping string, private, public map[string]bool) {
	data, err := Sample(name)
	if err != nil {
		return
	}
	m, err := Builtin(mapping)
	if err != nil {
		return
	}
	_, doc := catalogue.Default()
	_, rows, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, Options{AsOf: sampleDay})
	if err != nil {
		return
	}
	cat := catalogue.New(doc)
	for row, err := range rows {
		if err != nil {
			return
		}
		if row.Verdict != Refuse {
			divide(cat, row, private, public)
		}
	}
}

// divide puts each text of a row into the set its field's class asks for.
func divide(cat *catalogue.Catalogue, row *Row, private, public map[string]bool) {
	if row.SubjectNamespace == exchange.SubjectOrg {
		public[row.SubjectKey.Reveal()] = true
	}
	for id, v := range row.Values {
		f := cat.Field(row.Category, id)
		if f == nil || f.Type == catalogue.TypeCode || strings.HasSuffix(id, "id_kind") {
			continue
		}
		set := public
		if f.ClassFor(row.SubjectNamespace).Private() {
			set = private
		}
		texts, _ := v.([]string)
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
		for _, s := range texts {
			if len(s) >= minCanary {
				set[s] = true
			}
		}
	}
}
