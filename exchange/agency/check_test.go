package agency

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine/machinetest"
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

// held is a store that holds these records.
type held struct {
	records.Store
	all []records.Record
}

func (h held) Find(context.Context, records.Question, records.Cursor, int) (records.Found, error) {
	return records.Found{Records: h.all}, nil
}

// rating is a record that rates a subject, signed by the court.
func rating(t *testing.T, n int) records.Record {
	t.Helper()
	claims, err := strictjson.Marshal(RecordClaims{Issuer: "court", Subject: "org:91350100M000100Y43", ID: exchange.RecordID(machinetest.ID(fmt.Sprint("rating ", n))),
		IssuedAt: int64(machinetest.Start) / 1000, Type: "record/" + "service-quality", Federation: machinetest.Federation, Catalogue: 1,
		CatDigest: "x", SubjectKind: "enterprise", Public: map[string]any{gradeField: "A"}, Confirm: Confirmation{JWK: machinetest.Key("court", keys.Release).Public().JWK()}})
	if err != nil {
		t.Fatal(err)
	}
	jwt, _, err := sdjwt.Issue(machinetest.Key("court", keys.Attest), TypRecord, claims, nil, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return records.Record{ID: exchange.RecordID(machinetest.ID(fmt.Sprint("rating ", n))), Author: "court", Category: "service-quality", JWT: jwt, Status: records.Active}
}

// TestRatings: as many ratings as an answer holds are in it, one more is none; a rating
// that does not verify is counted and told, and no grade.
func TestRatings(t *testing.T) {
	_, document := catalogue.Default()
	cat := catalogue.New(document)
	var all []records.Record
	for n := range maxGrades + 1 {
		all = append(all, rating(t, n))
	}
	check := func(all []records.Record) (*bundle.CreditCheck, *bundle.Bundle, error) {
		a := &Agency{Config: Config{Federation: machinetest.Federation, Records: held{all: all}, Ledger: machinetest.New(t)}}
		c, b := new(bundle.CreditCheck), new(bundle.Bundle)
		return c, b, a.checkRecords(t.Context(), b, cat, c, nil)
	}
	if _, _, err := check(all); !errors.Is(err, ErrTooMuch) {
		t.Errorf("%d ratings: %v", len(all), err)
	}
	all = all[:maxGrades]
	all[3].JWT = all[4].JWT[:len(all[4].JWT)-4] + "AAAA"
	c, b, err := check(all)
	if err != nil || len(c.Grades) != maxGrades-1 || len(b.Documents) != maxGrades-1 {
		t.Fatalf("%v: %d grades, %d documents", err, len(c.Grades), len(b.Documents))
	}
	if len(c.Faulty) != 1 || c.Faulty[0].Record != string(all[3].ID) || c.Faulty[0].Author != "court" || c.Records[0].Active != maxGrades {
		t.Errorf("what does not verify: %+v, of %+v", c.Faulty, c.Records)
	}
}
