package bundle

import (
	"strings"
	"testing"

	"accord/crypto/tlog"
)

const (
	accessedRecord = "record-000000000000001"
	untouched      = "record-000000000000009"
)

// accessLog is a file with everything about one record, asked for twice, and about
// one that nobody asked for. Commands about another record are in the ledger and not
// in the file.
func accessLog(tb testing.TB, leave ...int64) (*fixture, *Bundle) {
	tb.Helper()
	f := newFixture(tb)
	about := func(record string) map[string]any {
		return map[string]any{"record": map[string]any{"id": record, "author": "regulator"}, "fields": []string{"reason"}}
	}
	first := f.command("insurer-a", "release.request", about(accessedRecord), nil)
	f.command("insurer-a", "release.request", about("record-000000000000002"), nil)
	f.command("regulator", "release.deliver", map[string]any{"release": f.ids[first-1]}, nil)
	f.command("platform", "release.request", about(accessedRecord), nil)
	complaint := f.command("court", "subject.complain", map[string]any{"release": f.ids[first-1]}, nil)
	f.command("insurer-a", "subject.answer", map[string]any{"complaint": f.ids[complaint-1]}, nil)
	f.command("court", "release.request", about(accessedRecord), nil)
	f.refused = map[int]bool{6: true}
	bulk := about("record-000000000000003") // a request for several records is about each of them
	bulk["more"] = []map[string]any{{"id": accessedRecord}}
	many := f.command("court", "release.request", bulk, nil)
	f.command("regulator", "release.deliver", map[string]any{"release": f.ids[many-1]}, nil)
	b := f.seal()
	leaves := map[string][]tlog.Hash{}
	for i, token := range f.commands {
		seq := int64(i + 1)
		leaf := must(f.ledger.View().Leaf(seq))(tb)
		switch {
		case seq == 2:
			leaves["record-000000000000002"] = append(leaves["record-000000000000002"], leaf)
			continue
		case f.refused[i]:
			continue
		}
		leaves[accessedRecord] = append(leaves[accessedRecord], leaf)
		if len(leave) > 0 && leave[0] == seq {
			continue
		}
		if err := b.AddCommand(f.ledger.View(), seq, token, f.outcome(i)); err != nil {
			tb.Fatal(err)
		}
	}
	tree := NewAccessTree(testFederation, leaves)
	b.Accesses = &Accesses{Position: f.ledger.Size(), Note: f.listsNote(tree.Checkpoint(f.ledger.Size())),
		Records: []AccessedRecord{must(tree.Of(accessedRecord))(tb), must(tree.Of(untouched))(tb)}}
	return f, b
}

func TestAnAccessLogVerifies(t *testing.T) {
	_, b := accessLog(t)
	r := Verify(marshal(t, b), Options{})
	if !r.OK || r.Accesses == nil || len(r.Accesses.Records) != 2 || r.Accesses.Records[0].Count != 7 || r.Accesses.Records[1].Count != 0 {
		t.Fatalf("%s %+v", failed(r), r.Accesses)
	}
	var out strings.Builder
	if err := Render(&out, r, "en"); err != nil || !strings.Contains(out.String(), "record "+accessedRecord+": 7 commands, none is missing") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestADroppedRowIsNoticed: whichever of the record's commands a node leaves out of
// the file, the number or the root that the members signed says so.
func TestADroppedRowIsNoticed(t *testing.T) {
	for _, seq := range []int64{1, 3, 4, 5, 6, 8, 9} {
		_, b := accessLog(t, seq)
		if r := Verify(marshal(t, b), Options{}); r.OK || !strings.Contains(failed(r), CheckAccessesWhole) {
			t.Errorf("without command %d: %q", seq, failed(r))
		}
	}
}

func TestAnAccessLogThatDoesNotHold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fixture, *Bundle)
		want   string
	}{
		"another position": {func(_ *fixture, b *Bundle) { b.Accesses.Position++ }, CheckAccessesNote},
		"too few cosigned": {func(f *fixture, b *Bundle) {
			f.cosigners = f.cosigners[:2]
			tree := NewAccessTree(testFederation, map[string][]tlog.Hash{})
			b.Accesses.Note = f.listsNote(tree.Checkpoint(b.Accesses.Position))
		}, CheckAccessesQuorum},
		"another count":  {func(_ *fixture, b *Bundle) { b.Accesses.Records[0].At.Count-- }, CheckAccessesWhole},
		"another root":   {func(_ *fixture, b *Bundle) { b.Accesses.Records[0].At.Root[0] ^= 1 }, CheckAccessesWhole},
		"another's leaf": {func(_ *fixture, b *Bundle) { b.Accesses.Records[0].Record = untouched }, CheckAccessesWhole},
		"said to be asked for by nobody": {func(_ *fixture, b *Bundle) {
			b.Accesses.Records[0].At, b.Accesses.Records[0].None = nil, b.Accesses.Records[1].None
		}, CheckAccessesWhole},
		"no neighbours": {func(_ *fixture, b *Bundle) { b.Accesses.Records[1].None[1] = b.Accesses.Records[1].None[0] }, CheckAccessesWhole},
		"neither":       {func(_ *fixture, b *Bundle) { b.Accesses.Records[1].None = nil }, CheckAccessesWhole},
		"a key in another spelling": {func(_ *fixture, b *Bundle) {
			b.Accesses.Records[0].At.Key = strings.ToUpper(b.Accesses.Records[0].At.Key)
		}, CheckAccessesWhole},
	} {
		f, b := accessLog(t)
		c.change(f, b)
		if r := Verify(marshal(t, b), Options{}); r.OK || !strings.Contains(failed(r), c.want) {
			t.Errorf("%s: %q, want %s", name, failed(r), c.want)
		}
	}
}
