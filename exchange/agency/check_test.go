package agency

import (
	"context"
	"errors"
	"testing"

	"accord/crypto/bundle"
	"accord/exchange/catalogue"
	"accord/exchange/records"
)

// endless is a store with more records on a subject than an answer holds.
type endless struct{ records.Store }

func (endless) Find(context.Context, records.Question, records.Cursor, int) (records.Found, error) {
	return records.Found{Records: make([]records.Record, records.MaxPage), Next: "more"}, nil
}

// TestACheckLeavesNothingOut: where not all records can be counted there is no answer.
func TestACheckLeavesNothingOut(t *testing.T) {
	_, document := catalogue.Default()
	a := &Agency{Config: Config{Records: endless{}}}
	if err := a.checkRecords(t.Context(), nil, catalogue.New(document), new(bundle.CreditCheck), nil); !errors.Is(err, ErrTooMuch) {
		t.Errorf("%v", err)
	}
}
