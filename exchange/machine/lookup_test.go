package machine_test

import (
	"fmt"
	"testing"

	"accord/crypto/jws"
	"accord/exchange"
	"accord/exchange/bodies"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// TestDocumentsAlone: every document is read alone, wherever it stands in its
// statement, and is the one that was signed, as it is when all is read.
func TestDocumentsAlone(t *testing.T) {
	m := FoundBulk(t, machine.Options{Blobs: bodies.In(t.TempDir(), func(err error) { t.Error(err) })})
	payloads := Bulk(t, 0, 7, 1)
	for n := 2; n < 40; n += 5 {
		payloads = append(payloads, Bulk(t, n*10, 1, n)...)
	}
	for _, p := range payloads {
		Apply(t, m, p)
		token, err := jws.Parse(string(p))
		Must(t, err)
		cmd, err := exchange.DecodeCommand(token.Payload)
		Must(t, err)
		var b lists.NominateBody
		Must(t, exchange.DecodeBody(cmd.Verb, cmd.Body, &b))
		v := m.View()
		for i, d := range b.Entries {
			_, claims, err := lists.ReadDocument(d.Doc)
			Must(t, err)
			e, ok := v.Entry(claims.ID)
			if !ok {
				t.Fatal("no entry")
			}
			if e.Doc.Len == 0 {
				t.Fatal("it cannot be read alone")
			}
			if doc, err := v.EntryDocument(&e); err != nil || doc != d.Doc {
				t.Fatalf("document %d of %d: %q, %v", i, len(b.Entries), doc, err)
			}
			e.Doc = lists.Place{}
			if doc, err := v.EntryDocument(&e); err != nil || doc != d.Doc {
				t.Fatalf("with the rest, document %d of %d: %q, %v", i, len(b.Entries), doc, err)
			}
		}
	}
}

// BenchmarkDocument is reading an entry's signed document, of a statement with
// one and of one with a hundred.
func BenchmarkDocument(b *testing.B) {
	for _, entries := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d a command", entries), func(b *testing.B) {
			m := FoundBulk(b, machine.Options{Blobs: bodies.In(b.TempDir(), func(err error) { b.Error(err) })})
			Apply(b, m, Bulk(b, 0, max(1, 1000/entries), entries)...)
			v := m.View()
			rows, _ := v.Entries(lists.Query{Limit: lists.MaxPage})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := v.EntryDocument(&rows[i%len(rows)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
