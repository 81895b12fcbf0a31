package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/config"
	"accord/node/wire"
	"accord/node/witness"
)

const otherCode = "91639911MA6T008137"

// answer asks a member about a subject and verifies the file as a stranger would
// who knows the charter's digest.
func (w *world) checked(m exchange.MemberID, subject string) (*bundle.CreditCheck, *bundle.Report, []byte) {
	w.t.Helper()
	file, err := w.client(m, config.Auditor).CreditCheck(context.Background(), subject)
	if err != nil {
		w.t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	report := bundle.VerifyFile(file, bundle.Options{Trust: &trust, Show: true})
	if !report.OK || !report.Anchored {
		w.t.Fatalf("%s: %+v", failedCheck(report), report.Checks)
	}
	for _, d := range report.Documents {
		if d.Answer != nil {
			w.sameWord(m, subject, *d.Answer)
			return d.Answer, report, file
		}
	}
	w.t.Fatal("no answer in the file")
	return nil, nil, nil
}

// sameWord holds the answer without proofs against the one of a file.
func (w *world) sameWord(m exchange.MemberID, subject string, want bundle.CreditCheck) {
	w.t.Helper()
	token, err := w.client(m, config.Auditor).CreditAnswer(context.Background(), subject)
	if err != nil {
		w.t.Fatal(err)
	}
	member, _ := w.machine.View().Member(m)
	signed, err := jws.VerifyKind(token, bundle.CheckKind, func(kid string) (keys.Public, error) {
		key, ok := member.KeyOf(kid, w.machine.View().Time())
		if !ok {
			return key, jws.ErrKey
		}
		return key, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var got bundle.CreditCheck
	if err := strictjson.Unmarshal(signed.Payload, &got); err != nil {
		w.t.Fatal(err)
	}
	if got.ID == want.ID || len(got.Feeds) != len(want.Feeds) {
		w.t.Errorf("an answer of its own: %+v", got)
	}
	got.ID, got.IssuedAt, got.Feeds = want.ID, want.IssuedAt, want.Feeds
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("the answer alone says\n%+v\nthe file\n%+v", got, want)
	}
}

// TestACreditCheck: one call tells what there is about a subject, from any member;
// what it is not on is proven by the word of a quorum; what was taken back, or is
// over, is no hit; the records of others count as far as they are mirrored.
func TestACreditCheck(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	if err := w.servers["court"].Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	id := w.nominateByName(goodCode)
	got, report, _ := w.checked("court", goodCode)
	if len(got.Hits) != 1 || got.Hits[0].Entry != id || got.Hits[0].Status != "nominated" || len(got.Measures) != 0 {
		t.Errorf("while the notice runs: %+v", got)
	}
	if slices.Contains(got.NotListed, got.Hits[0].List) || len(got.NotListed) == 0 || len(report.Lists.Cosigners) != 4 {
		t.Errorf("not on %v, cosigned by %d", got.NotListed, len(report.Lists.Cosigners))
	}
	i := slices.IndexFunc(got.Feeds, func(f bundle.CheckFeed) bool { return f.Author == "association" })
	if i < 0 || got.Feeds[i].Entries == 0 || len(got.NotKept) == 0 {
		t.Errorf("how complete it is: %+v, not kept %v", got.Feeds, got.NotKept)
	}
	w.pass(2 * time.Hour)
	if got, _, _ = w.checked("association", goodCode); len(got.Hits) != 1 || got.Hits[0].Status != "listed" {
		t.Errorf("in force: %+v", got)
	}
	clear, _, _ := w.checked("court", otherCode)
	if len(clear.Hits) != 0 || len(clear.NotListed) != len(w.machine.View().Catalogue().Document().Lists) {
		t.Errorf("who is on no list: %+v", clear)
	}
	list := got.Hits[0].List
	if _, err := w.client("regulator", config.Officer).Remove(ctx, exchange.EntryID(id), wire.EndEntry{Reason: "repaired", Text: "已修复", Basis: "1号"}); err != nil {
		t.Fatal(err)
	}
	if got, _, _ = w.checked("court", goodCode); len(got.Hits) != 0 || !slices.Contains(got.NotListed, list) {
		t.Errorf("after it was removed: %+v", got)
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/check?subject="+goodCode, ""); got.status != http.StatusForbidden {
		t.Errorf("the public gets %d", got.status)
	}
	for _, bad := range []string{"?subject=", "", "?subject=11010519491231002X", "?subject=" + goodCode + "&x=1"} {
		if _, err := w.client("court", config.Auditor).Raw(ctx, "/api/v1/check"+bad); code(err) != ErrQuery.Code {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// misled is a peer whose word on the lists is another.
type misled struct {
	Peer
	word func([]byte) []byte
}

func (m misled) ListsWord(ctx context.Context, size int64, at exchange.Millis) ([]byte, error) {
	note, err := m.Peer.ListsWord(ctx, size, at)
	return m.word(note), err
}

// A member that signs other lists is not counted, and without a quorum there is no
// answer: nobody's own word is proof that a subject is on no list.
func TestACreditCheckNeedsAQuorum(t *testing.T) {
	w := newWorld(t)
	w.nominateByName(goodCode)
	liars := map[exchange.MemberID]bool{"association": true}
	w.nodes["court"].peer = func(m exchange.MemberID) (Peer, error) {
		honest, err := (&fakeNode{w: w, self: "court"}).Peer(m)
		if liars[m] {
			return misled{honest, func(note []byte) []byte { return otherLists(t, m, note) }}, err
		}
		return honest, err
	}
	if _, report, _ := w.checked("court", otherCode); len(report.Lists.Cosigners) != 3 {
		t.Errorf("one liar of four: %d cosigned", len(report.Lists.Cosigners))
	}
	liars["regulator"] = true
	w.nominateByName(otherCode) // what was gathered before does not cover it
	if _, err := w.client("court", config.Auditor).CreditCheck(context.Background(), otherCode); code(err) != witness.ErrCosign.Code {
		t.Errorf("two liars of four: %v", err)
	}
}

// otherLists is a member's valid signature over the lists without anybody on them.
func otherLists(t *testing.T, m exchange.MemberID, note []byte) []byte {
	t.Helper()
	c, _, err := tlog.Read(note)
	if err != nil {
		return note
	}
	empty := bundle.NewListTree(nil).Checkpoint("qinghai", 1, 1)
	c.Size, c.Root = empty.Size, empty.Root
	signer, err := tlog.NewCosigner("qinghai", string(m), cryptotest.Key(string(m), keys.Cosign))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(c, start.Unix())
	if err != nil {
		t.Fatal(err)
	}
	forged, err := tlog.Format(c, sig)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// A file whose answer was changed by one character, anywhere, does not verify.
func TestACreditCheckIsOneDocument(t *testing.T) {
	w := newWorld(t)
	w.nominateByName(goodCode)
	_, _, file := w.checked("court", otherCode)
	for _, member := range []string{`"key":"`, `"note":"accord`, `"sdjwt":"`, `"position":`, `"root":"`} {
		at := strings.LastIndex(string(file), member)
		if at < 0 {
			continue
		}
		bad := []byte(string(file))
		bad[at+len(member)+1] ^= 1
		if bundle.VerifyFile(bad, bundle.Options{}).OK {
			t.Errorf("a change in %s goes unnoticed", member)
		}
	}
}
