package intake

import (
	"bytes"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// TestAFileWithoutItsHeaderIsNotQuoted takes the header row off a sample: the
// first person's data then stands where column names are expected.
func TestAFileWithoutItsHeaderIsNotQuoted(t *testing.T) {
	raw, err := Sample("penalties-sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(raw, []byte("\n"))
	first, _, _ := bytes.Cut(rest, []byte("\n"))
	m, _ := Builtin("penalties")
	_, doc := catalogue.Default()
	_, rows, err := Read(t.Context(), bytes.NewReader(rest), int64(len(rest)), m, doc, Options{AsOf: sampleDay})
	if err == nil {
		for _, rerr := range rows {
			err = rerr
			break
		}
	}
	e := exchange.AsError(err)
	if e == nil || e.Code != ErrHeader.Code {
		t.Fatalf("%v", err)
	}
	text := e.What(exchange.Zh) + e.What(exchange.En)
	for _, cell := range strings.Split(string(first), ",") {
		for _, digits := range strings.FieldsFunc(cell, func(r rune) bool { return r < '0' || r > 'Z' }) {
			if len(digits) >= 8 && strings.Contains(text, digits) {
				t.Errorf("the message quotes the file: %s", text)
			}
		}
	}
	if !strings.Contains(text, "#1") {
		t.Errorf("no position: %s", text)
	}
}
