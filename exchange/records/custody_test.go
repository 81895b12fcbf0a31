package records_test

import (
	"errors"
	"testing"

	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// testCustody goes through the life of two generations of one record and of one that
// is erased, at its author and at a custodian.
func testCustody(t *testing.T, open opener) {
	s, ctx := open(t, "custody"), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(t, s, sample(t, 1, "x"), sample(t, 2, "y"), sample(t, 3, "z"))
	must(s.MarkRetracted(ctx, takenBack(recordID(3)), "错误"))
	places, err := s.ToDeal(ctx, "association", "discipline-practitioner", 0, 10)
	if err != nil || len(places) != 2 || places[0].Record != recordID(1) || places[1].At != 2 {
		t.Fatalf("%+v %v", places, err)
	}
	deal := func(n, generation int) records.Deal {
		d := records.Deal{Record: recordID(n), Generation: generation, Category: "discipline-practitioner", Set: "2:court,regulator",
			Statement: "statement", Boxes: [][]byte{[]byte("box"), {}, []byte("another")}}
		for _, m := range []exchange.MemberID{"court", "regulator"} {
			d.Hands = append(d.Hands, records.Hand{Member: m, Share: "share of " + string(m)})
		}
		return d
	}
	must(s.Deal(ctx, []records.Deal{deal(1, 1), deal(2, 1)}, records.Position{Feed: "custody/x", Index: 2}))
	if at, _ := s.Position(ctx, "custody/x"); at != 2 {
		t.Error("the position is not stored with them", at)
	}
	if err := s.Deal(ctx, []records.Deal{deal(1, 1)}, records.Position{Feed: "custody/x", Index: 3}); !errors.Is(err, records.ErrDuplicate) {
		t.Error("a generation was dealt twice:", err)
	}
	due := func(m exchange.MemberID, state records.HandState, want int) []records.Hand {
		t.Helper()
		all, err := s.Due(ctx, m, state, 10)
		must(err)
		if len(all) != want {
			t.Fatalf("%s has %d hands in state %d, want %d", m, len(all), state, want)
		}
		return all
	}
	due("court", records.HandDue, 0) // nothing goes out before the ledger has it
	waiting, err := s.Unanchored(ctx, 10)
	must(err)
	must(s.DropDeals(ctx, waiting[1:]))
	must(s.Anchored(ctx, waiting[:1]))
	if left, _ := s.Unanchored(ctx, 10); len(waiting) != 2 || len(left) != 0 {
		t.Errorf("%d waited, %d left", len(waiting), len(left))
	}
	h := due("court", records.HandDue, 1)
	if h[0].Share != "share of court" || h[0].Statement != "statement" || len(h[0].Boxes) != 3 || string(h[0].Boxes[2]) != "another" || len(h[0].Boxes[1]) != 0 {
		t.Errorf("%+v", h[0])
	}
	keep := func(m exchange.MemberID) {
		t.Helper()
		all := due(m, records.HandDue, 1)
		all[0].Kept = "receipt"
		must(s.HandKept(ctx, all))
	}
	counts := func(dealt, complete int64) {
		t.Helper()
		got, err := s.DealCounts(ctx)
		if err != nil || len(got) != 1 || got[0].Dealt != dealt || got[0].Complete != complete {
			t.Errorf("%+v %v, want %d and %d", got, err, dealt, complete)
		}
	}
	keep("court")
	counts(1, 0)
	keep("regulator")
	counts(1, 1)
	must(s.Deal(ctx, []records.Deal{deal(1, 2)}, records.Position{Feed: "custody/x", Index: 2}))
	must(s.Anchored(ctx, []records.Deal{deal(1, 2)}))
	counts(1, 0)
	keep("court")
	due("court", records.HandRetire, 0) // not before all have the new one
	keep("regulator")
	old := due("court", records.HandRetire, 1)
	if old[0].Generation != 1 || old[0].Share != "" {
		t.Errorf("%+v", old[0])
	}
	old[0].Destroyed = "destroyed"
	must(s.HandDestroyed(ctx, old))
	if all, err := s.Hands(ctx, recordID(1)); err != nil || len(all) != 4 || all[2].Destroyed != "destroyed" || all[2].State != records.HandRetired ||
		all[3].State != records.HandRetire || all[0].Kept != "receipt" {
		t.Errorf("%+v %v", all, err)
	}
	if got, err := s.HandCounts(ctx); err != nil || len(got) != 4 {
		t.Errorf("%+v %v", got, err)
	}

	kept := func(record exchange.RecordID, generation int) records.Kept {
		return records.Kept{Author: "insurer", Record: record, Generation: generation, Statement: "s", Share: "jwe", Boxes: [][]byte{[]byte("b")}}
	}
	must(s.KeepShares(ctx, []records.Kept{kept(recordID(8), 1), kept(recordID(8), 2), kept(recordID(9), 1)}))
	again := kept(recordID(8), 2)
	again.Share = "another"
	must(s.KeepShares(ctx, []records.Kept{again}))
	if all, err := s.SharesOf(ctx, "insurer", recordID(8)); err != nil || len(all) != 2 || all[0].Generation != 2 || all[0].Share != "jwe" || string(all[0].Boxes[0]) != "b" || all[0].At == 0 {
		t.Errorf("%+v %v", all, err)
	}
	must(s.DropShares(ctx, "insurer", []records.Place{{Record: recordID(8), At: 2}}))
	if all, _ := s.SharesOf(ctx, "insurer", recordID(8)); len(all) != 1 {
		t.Errorf("%d generations are left", len(all))
	}
	if n, err := s.KeptCounts(ctx); err != nil || n["insurer"] != 2 {
		t.Error(n, err)
	}
	// The erasure of a record that is not held here reaches its shares, and nothing of
	// it is kept from then on.
	erased := feed.Document{Kind: feed.Erasure, JWT: "erasure", Claims: feed.Claims{Issuer: "insurer", ID: "erasure-0000000000000001", Federation: "qinghai", Record: recordID(8), Ground: feed.GroundOrder}}
	must(s.Follow(ctx, "insurer", 0, []records.Item{{Entry: erased.Entry(), Document: &erased}}, "note"))
	if all, _ := s.SharesOf(ctx, "insurer", recordID(8)); len(all) != 0 {
		t.Error("an erasure leaves shares")
	}
	if said, err := s.Said(ctx, "insurer", recordID(8)); err != nil || said != feed.Erasure {
		t.Error(said, err)
	}
	if err := s.KeepShares(ctx, []records.Kept{kept(recordID(8), 3)}); !errors.Is(err, records.ErrErasedHere) {
		t.Error("a share of an erased record was taken:", err)
	}
	own := feed.Document{Kind: feed.Erasure, JWT: "own erasure", Claims: feed.Claims{Issuer: "association", ID: "erasure-0000000000000002", Federation: "qinghai", Record: recordID(1), Ground: feed.GroundOrder}}
	must(s.EraseRecord(ctx, own))
	if all, _ := s.Hands(ctx, recordID(1)); len(all) != 0 {
		t.Error("the author's own erasure leaves hands")
	}
	if said, _ := s.Said(ctx, "association", recordID(3)); said != feed.Retraction {
		t.Error(said)
	}
	if last, set, err := s.LastDealt(ctx, recordID(1)); err != nil || last != 0 || set != "" {
		t.Error(last, set, err)
	}
}
