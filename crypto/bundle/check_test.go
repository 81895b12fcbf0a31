package bundle

import (
	"encoding/json"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/tlog"
)

const testSubject = "org:91350100M000100Y43"

// answered is a file with an answer about a subject that is on the black list and
// on no other. change may alter the answer before it is signed.
func answered(tb testing.TB, change func(*CreditCheck)) (*fixture, *Bundle) {
	tb.Helper()
	f := newFixture(tb)
	entry, _ := f.document("association", sdjwt.TypEntry, func(c map[string]any) {
		c["jti"], c["list"] = "entry-0000000000000001", "black"
	})
	seq := f.command("association", "list.nominate", map[string]any{"entries": []string{entry + "~"}}, nil)
	b := f.seal()
	f.add(b)
	if err := b.LogCharter(f.ledger.View(), 0); err != nil {
		tb.Fatal(err)
	}
	b.AddDocumentOn(KindEntry, entry+"~", seq)
	c := &CreditCheck{Federation: testFederation, Issuer: "court", IssuedAt: testTime / 1000, ID: "check-00000000000001", Subject: testSubject, Catalogue: 1,
		Ledger:    CheckLedger{Size: f.ledger.Size(), Root: f.ledger.Root().String(), At: testTime},
		Hits:      []CheckHit{{Entry: "entry-0000000000000001", List: "black", Status: "listed", By: "association", Ground: "x", Seq: seq}},
		NotListed: []string{"red", "watch"}, NotKept: []string{"objections"}}
	tree := NewListTree([]ListKey{ListKeyOf(testFederation, "black", testSubject), ListKeyOf(testFederation, "red", "org:other")})
	b.Lists = &Lists{Position: f.ledger.Size(), At: testTime, Note: f.listsNote(tree.Checkpoint(testFederation, f.ledger.Size(), testTime))}
	for _, list := range c.NotListed {
		a, ok, err := tree.Absent(testFederation, list, testSubject)
		if err != nil || !ok {
			tb.Fatal(list, err)
		}
		b.Lists.Absent = append(b.Lists.Absent, a)
	}
	if _, ok, _ := tree.Absent(testFederation, "black", testSubject); ok {
		tb.Fatal("absence is proven of who is there")
	}
	if change != nil {
		change(c)
	}
	token := must(jws.SignKind(cryptotest.Key(c.Issuer, keys.Attest), CheckKind, must(json.Marshal(c))(tb)))(tb)
	b.AddDocument(KindCheck, token)
	return f, b
}

func (f *fixture) listsNote(c tlog.Checkpoint) string {
	f.tb.Helper()
	var sigs []tlog.Signature
	for _, m := range f.cosigners {
		s := must(tlog.NewCosigner(testFederation, m, cryptotest.Key(m, keys.Cosign)))(f.tb)
		sigs = append(sigs, must(s.Sign(c, f.cosignTime))(f.tb))
	}
	return string(must(tlog.Format(c, sigs...))(f.tb))
}

func TestAnAnswerVerifies(t *testing.T) {
	_, b := answered(t, nil)
	r := Verify(marshal(t, b), Options{})
	if !r.OK {
		t.Fatalf("%s: %+v", failed(r), r.Checks)
	}
	if r.Lists == nil || len(r.Lists.Cosigners) != 3 || len(r.Lists.Absent) != 2 || !r.Lists.Absent[0].OK {
		t.Errorf("%+v", r.Lists)
	}
	a := r.Documents[1].Answer
	if a == nil || a.Subject != testSubject || len(a.Hits) != 1 {
		t.Errorf("%+v", a)
	}
	for _, lang := range []string{"zh", "en"} {
		var out strings.Builder
		if err := Render(&out, r, lang); err != nil || !strings.Contains(out.String(), "watch") || !strings.Contains(out.String(), testSubject) {
			t.Errorf("%s %v", out.String(), err)
		}
	}
}

// What is said and not proven, or proven and not so, is refused by the check that
// is about it.
func TestAnAnswerThatDoesNotHold(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*CreditCheck)
		file   func(*fixture, *Bundle)
		want   string
	}{
		"a list without a proof":        {answer: func(c *CreditCheck) { c.NotListed = append(c.NotListed, "grey") }, want: CheckAnswer},
		"on a list and not":             {answer: func(c *CreditCheck) { c.NotListed = append(c.NotListed, "black") }, want: CheckAnswer},
		"an entry that is not there":    {answer: func(c *CreditCheck) { c.Hits[0].Entry = "entry-0000000000000002" }, want: CheckAnswer},
		"an entry of another member":    {answer: func(c *CreditCheck) { c.Hits[0].By = "court" }, want: CheckAnswer},
		"about another subject":         {answer: func(c *CreditCheck) { c.Subject = "org:other" }, want: CheckAnswer},
		"another position":              {answer: func(c *CreditCheck) { c.Ledger.Size++ }, want: CheckAnswer},
		"another time":                  {answer: func(c *CreditCheck) { c.Ledger.At++ }, want: CheckAnswer},
		"another federation":            {answer: func(c *CreditCheck) { c.Federation = "other" }, want: CheckAnswer},
		"before the key was anybody's":  {answer: func(c *CreditCheck) { c.IssuedAt = 1 }, want: CheckDocumentIssuer},
		"no word on the lists":          {file: func(_ *fixture, b *Bundle) { b.Lists = nil }, want: CheckAnswer},
		"lists of another position":     {file: func(_ *fixture, b *Bundle) { b.Lists.Position++ }, want: CheckListsNote},
		"lists of another time":         {file: func(_ *fixture, b *Bundle) { b.Lists.At++ }, want: CheckListsNote},
		"a proof of another list":       {file: func(_ *fixture, b *Bundle) { b.Lists.Absent[0].List = "black" }, want: CheckAbsent},
		"a proof of another subject":    {file: func(_ *fixture, b *Bundle) { b.Lists.Absent[0].Subject = "org:other" }, want: CheckAbsent},
		"neighbours that are none":      {file: func(_ *fixture, b *Bundle) { b.Lists.Absent[0].Low, b.Lists.Absent[0].High = ends(b) }, want: CheckAbsent},
		"a neighbour that is not there": {file: func(_ *fixture, b *Bundle) { b.Lists.Absent[0].High.Key = strings.Repeat("f", 63) + "e" }, want: CheckAbsent},
		"a key in another spelling":     {file: func(_ *fixture, b *Bundle) { b.Lists.Absent[0].High.Key = strings.ToUpper(b.Lists.Absent[0].High.Key) }, want: CheckAbsent},
		"lists that only two signed": {file: func(f *fixture, b *Bundle) {
			c, _, err := tlog.Read([]byte(b.Lists.Note))
			if err != nil {
				f.tb.Fatal(err)
			}
			f.cosigners = f.cosigners[:2]
			b.Lists.Note = f.listsNote(c)
		}, want: CheckListsQuorum},
		"lists that leave somebody out": {file: func(f *fixture, b *Bundle) {
			// One member's own tree, in which the subject is nowhere.
			tree := NewListTree(nil)
			f.cosigners = f.cosigners[:1]
			b.Lists.Note = f.listsNote(tree.Checkpoint(testFederation, b.Lists.Position, b.Lists.At))
			a, _, _ := tree.Absent(testFederation, "black", testSubject)
			b.Lists.Absent = append(b.Lists.Absent, a)
		}, want: CheckListsQuorum},
	} {
		f, b := answered(t, c.answer)
		if c.file != nil {
			c.file(f, b)
		}
		r := Verify(marshal(t, b), Options{})
		if r.OK || !strings.Contains(failed(r)+" ", c.want+" ") {
			t.Errorf("%s: failed %q, want %s", name, failed(r), c.want)
		}
	}
}

// ends are the first and the last key of the tree: they enclose everything.
func ends(b *Bundle) (low, high Neighbour) {
	tree := NewListTree([]ListKey{ListKeyOf(testFederation, "black", testSubject), ListKeyOf(testFederation, "red", "org:other")})
	for i, n := range map[int64]*Neighbour{0: &low, 3: &high} {
		n.Index, n.Key = i, strings.Repeat(map[int64]string{0: "0", 3: "f"}[i], 64)
		n.Proof, _ = tree.tree.ProveInclusion(i, 4)
	}
	return low, high
}

// A record, an entry or a statement cannot pass for an answer, and the other way.
func TestAnAnswerIsNothingElse(t *testing.T) {
	_, b := answered(t, nil)
	token := b.Documents[len(b.Documents)-1].SDJWT
	b.Documents[len(b.Documents)-1] = Document{Kind: KindRecord, SDJWT: token + "~"}
	if r := Verify(marshal(t, b), Options{}); r.OK {
		t.Error("an answer passes for a record")
	}
	b.Documents[len(b.Documents)-1] = Document{Kind: KindCheck, SDJWT: b.Documents[0].SDJWT}
	if r := Verify(marshal(t, b), Options{}); r.OK {
		t.Error("an entry passes for an answer")
	}
}

// A person's id is shown to who asks for it alone.
func TestAnAnswerAboutAPerson(t *testing.T) {
	_, b := answered(t, func(c *CreditCheck) { c.Subject, c.Hits = "person:h1.abc", nil })
	for i := range b.Lists.Absent {
		b.Lists.Absent[i].Subject = "person:h1.abc"
	}
	for _, show := range []bool{false, true} {
		text := must(json.Marshal(Verify(marshal(t, b), Options{Show: show})))(t)
		if strings.Contains(string(text), "person:h1.abc") != show {
			t.Errorf("show %t: %s", show, text)
		}
	}
}
