package catalogue_test

import (
	"testing"

	"accord/exchange/catalogue"
)

func TestDefaultHasNoFindings(t *testing.T) {
	doc, err := catalogue.DecodeYAML(catalogue.DefaultSource())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range catalogue.Lint(doc) {
		t.Error(f)
	}
}
