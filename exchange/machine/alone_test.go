package machine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/release"
)

// TestNobodyGrantsItselfAnything: whatever a member does alone, with commands
// of its own only, it never stands with a grant that the catalogue refuses, nor
// with one that wants somebody else's approval. Nobody else acts here; so what
// the member can bring about by itself is exactly what its rules give outright.
func TestNobodyGrantsItselfAnything(t *testing.T) {
	for _, f := range Founders() {
		for seed := range 3 {
			m := New(t)
			asked := lonelyHistory(t, m, f.ID, uint64(seed))
			v := m.View()
			for id, b := range asked {
				rel, ok := v.Release(id)
				if !ok {
					continue
				}
				author, _ := v.Member(b.Record.Author)
				want := v.Catalogue().Decide(catalogue.Request{Requester: f.Kind, Author: author.Kind, Category: b.Record.Category,
					Fields: b.Fields, Purpose: b.Purpose, BasisKind: b.Basis.Kind, BasisRef: b.Basis.Ref})
				for _, at := range []exchange.Millis{rel.At, rel.At + Hour, v.Time(), v.Time() + 30*Day} {
					switch s := rel.StatusAt(at); {
					case s == release.Delivered || s == release.Opened:
						t.Fatalf("%s delivered to itself", f.ID)
					case s == release.Granted && want.Outcome != catalogue.Granted:
						t.Fatalf("%s has a grant that the catalogue answers with %s: %+v", f.ID, want.Outcome, b)
					case s == release.Pending && want.Outcome != catalogue.Pending:
						t.Fatalf("%s is pending where the catalogue says %s", f.ID, want.Outcome)
					}
				}
			}
		}
	}
}

// lonelyHistory lets one member do everything a member can do about releases.
func lonelyHistory(t *testing.T, m *machine.Machine, by exchange.MemberID, seed uint64) map[exchange.ReleaseID]release.RequestBody {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	one := func(from []string) string { return from[rnd.IntN(len(from))] }
	asked := map[exchange.ReleaseID]release.RequestBody{}
	var ids []exchange.ReleaseID
	var payloads [][]byte
	for i := range 80 {
		o := Order{By: by, ID: fmt.Sprint(by, seed, i), At: Start + exchange.Millis(i)*Hour}
		if i < 4 || rnd.IntN(2) == 0 {
			b := release.RequestBody{Record: Record(fmt.Sprint(rnd.IntN(3)), exchange.MemberID(one([]string{"court", "regulator", string(by)}))),
				Fields: []string{one([]string{"amount", "address", "secret", "number"})}, Purpose: one([]string{"approval", "enforcement"}),
				Basis: release.Basis{Kind: one([]string{"case", "decision", "consent", "statute"}), Ref: "1"}}
			o.Verb, o.Body = exchange.VerbReleaseRequest, b
			id := exchange.ReleaseID(ID(o.ID))
			asked[id], ids = b, append(ids, id)
		} else {
			id := ids[rnd.IntN(len(ids))]
			o.Verb = exchange.Verb(one([]string{"release.approve", "release.deny", "release.deliver", "release.open"}))
			o.Body = release.ReceiptBody{Release: id, Digest: Hash("x")}
			if o.Verb == exchange.VerbReleaseApprove || o.Verb == exchange.VerbReleaseDeny {
				o.Body = release.JudgeBody{Release: id}
			}
			if rnd.IntN(3) == 0 {
				o.Key, o.By = by, "court" // with its own key in another's name
			}
		}
		payloads = append(payloads, Sign(t, o))
	}
	Apply(t, m, payloads...)
	return asked
}
