package agency

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine/machinetest"
	"accord/exchange/records"
	"accord/exchange/release"
)

// bulkRecord is a record of the court's with a sealed number, and its presentation to
// the insurer under a release.
func bulkRecord(t *testing.T, label, nonce string) (lists.RecordRef, string) {
	t.Helper()
	id := exchange.RecordID(machinetest.ID(label))
	clear, err := strictjson.Marshal(RecordClaims{Issuer: "court", Subject: "org:91350100M000100Y43", ID: id, IssuedAt: int64(machinetest.Start) / 1000,
		Type: "record/penalty", Federation: machinetest.Federation, Catalogue: 1, CatDigest: "x", SubjectKind: "enterprise", Public: map[string]any{},
		Confirm: Confirmation{JWK: machinetest.Key("court", keys.Release).Public().JWK()}})
	if err != nil {
		t.Fatal(err)
	}
	jwt, disclosures, err := sdjwt.Issue(machinetest.Key("court", keys.Attest), TypRecord, clear, []sdjwt.Claim{{Name: "number", Value: label}}, 0, rand.Reader, recordVisible...)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := sdjwt.Bind(jwt, disclosures, machinetest.Key("court", keys.Release), "insurer", nonce, int64(machinetest.Start)/1000)
	if err != nil {
		t.Fatal(err)
	}
	return lists.RecordRef{ID: id, Digest: records.DigestOf(jwt), Author: "court", Category: "penalty"}, bound
}

// TestSeveralRecordsAreOpenedWholeOrNotAtAll: what the author's node gives under a bulk
// release is exactly the records of the request, each in its place, made for this
// release; anything else opens nothing.
func TestSeveralRecordsAreOpenedWholeOrNotAtAll(t *testing.T) {
	id := machinetest.ID("bulk")
	rel := release.Release{ID: exchange.ReleaseID(id), Requester: "insurer", Fields: []string{"number"}}
	var bound []string
	for i, label := range []string{"first", "second", "third"} {
		ref, one := bulkRecord(t, label, id)
		if bound = append(bound, one); i == 0 {
			rel.Record = ref
		} else {
			rel.More = append(rel.More, release.Part{ID: ref.ID, Digest: ref.Digest})
		}
	}
	_, elsewhere := bulkRecord(t, "second", machinetest.ID("another release"))
	a := &Agency{Config: Config{Federation: machinetest.Federation, Self: "insurer", Ledger: machinetest.New(t)}}
	for name, given := range map[string][]string{
		"as asked":                      bound,
		"one is missing":                bound[:2],
		"one twice":                     {bound[0], bound[1], bound[1]},
		"one too many":                  append(slices.Clone(bound), bound[0]),
		"in another order":              {bound[1], bound[0], bound[2]},
		"one made for another release":  {bound[0], elsewhere, bound[2]},
		"one without its sealed field":  {bound[0], bound[1], bound[2][:len(bound[2])/2]},
		"a single one and nothing else": bound[:1],
	} {
		content, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		out, err := a.openAll(&rel, content)
		if name != "as asked" {
			if !errors.Is(err, ErrDelivery) || len(out.Records) != 0 {
				t.Errorf("%s: %d records, %v", name, len(out.Records), err)
			}
			continue
		}
		if err != nil || len(out.Records) != 3 || len(out.Fields) != 0 || string(out.Records[2].Fields["number"]) != `"third"` {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	if _, err := a.openAll(&rel, []byte(bound[0])); !errors.Is(err, ErrDelivery) {
		t.Errorf("one presentation in place of three: %v", err)
	}
}
