package feed_test

import (
	"bytes"
	"testing"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// tree is a feed of n entries; from the entry at fork on it is another one.
func tree(n, fork int64) *tlog.Tree {
	t := new(tlog.Tree)
	for i := range n {
		label := "entry"
		if i >= fork {
			label = "another"
		}
		t.Append(feed.EntryOf(feed.Record, ID(label), string(rune('a'+i))).Leaf())
	}
	return t
}

func anchor(tb testing.TB, t *tlog.Tree, from int64) feed.AnchorBody {
	tb.Helper()
	proof, err := t.ProveConsistency(from, t.Size())
	Must(tb, err)
	return feed.AnchorBody{Size: t.Size(), Root: t.Root(), Proof: proof}
}

// TestAnchors: an anchor must extend the last one of the same author, by proof. A
// refused one stays on the ledger, signed.
//
// Shows: B6, B7
func TestAnchors(t *testing.T) {
	m := New(t)
	order := func(by exchange.MemberID, id string, b feed.AnchorBody) exchange.Result {
		return Apply(t, m, Sign(t, Order{By: by, ID: id, Verb: exchange.VerbFeedAnchor, Body: b}))[0]
	}
	if r := order("court", "early", anchor(t, tree(3, 99), 0)); Code(r) != machine.ErrInactive.Code || r.Seq != 0 {
		t.Fatalf("before machine version 3: %+v", r)
	}
	for _, p := range Announce(t, 3) {
		Apply(t, m, p)
	}
	rewritten := anchor(t, tree(9, 1), 5)
	for i, c := range []struct {
		by   exchange.MemberID
		body feed.AnchorBody
		code string
	}{
		{"court", feed.AnchorBody{Size: 3, Root: tree(3, 99).Root(), Proof: []tlog.Hash{{1}}}, "FEED-003"}, // a proof from nothing
		{"court", anchor(t, tree(3, 99), 0), ""},
		{"court", anchor(t, tree(3, 99), 0), "FEED-002"},
		{"court", anchor(t, tree(2, 99), 0), "FEED-002"},
		{"court", anchor(t, tree(5, 99), 0), "FEED-003"}, // the empty proof
		{"court", anchor(t, tree(5, 99), 2), "FEED-003"}, // from another size
		{"court", anchor(t, tree(5, 99), 3), ""},
		{"court", rewritten, "FEED-003"},
		{"regulator", anchor(t, tree(9, 1), 0), ""}, // its own feed
		{"court", anchor(t, tree(9, 99), 5), ""},
	} {
		r := order(c.by, string(rune('a'+i)), c.body)
		if Code(r) != c.code || r.Seq == 0 {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if a, ok := m.View().Anchor("court"); !ok || a.Size != 9 || a.Root != tree(9, 99).Root() || a.Count != 3 {
		t.Errorf("%+v", a)
	}
	var snapshot bytes.Buffer
	s, err := m.Snapshot()
	Must(t, err)
	defer s.Release()
	_, err = s.WriteTo(&snapshot)
	Must(t, err)
	again := New(t)
	Must(t, again.Restore(bytes.NewReader(snapshot.Bytes())))
	if a, _ := again.View().Anchor("court"); a.Size != 9 || again.View().Digest() != m.View().Digest() {
		t.Errorf("restored: %+v", a)
	}
}

func TestDecodeAnchor(t *testing.T) {
	h := tlog.EmptyRoot().String()
	for _, bad := range []string{`{}`, `{"size":0,"root":"` + h + `","proof":[]}`, `{"size":1,"root":"` + h + `"}`,
		`{"size":1,"root":"` + h + `","proof":null}`, `{"size":1,"root":"x","proof":[]}`, `{"size":1,"root":"` + h + `","proof":[],"x":1}`,
		`{"size":2305843009213693952,"root":"` + h + `","proof":[]}`} {
		if _, err := feed.DecodeAnchor([]byte(bad)); err == nil {
			t.Errorf("took %s", bad)
		}
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(feed.EntryOf(feed.Record, "AAAAAAAAAAAAAAAAAAAAAA", "x").Encode())
	f.Add(feed.EntryOf(feed.Erasure, "AAAAAAAAAAAAAAAAAAAAAA", "x").Encode())
	f.Add([]byte("accord-feed-entry/1\nrecord\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := feed.DecodeEntry(data)
		if err == nil && (!bytes.Equal(e.Encode(), data) || len(data) > feed.MaxEntry) {
			t.Fatalf("%q is written as %q", data, e.Encode())
		}
	})
}
