package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/node/config"
	"accord/node/wire"
	"accord/node/witness"
)

func TestEvidence(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	id := exchange.EntryID(w.nominateByName(goodCode))
	reader := w.client("court", config.Auditor)
	trust := bundle.DigestOf(w.genesis.Charter)
	for name, get := range map[string]func() ([]byte, error){
		"all":   func() ([]byte, error) { return reader.Bundle(ctx) },
		"entry": func() ([]byte, error) { return reader.EntryBundle(ctx, id) },
	} {
		file, err := get()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if report := bundle.Verify(file, bundle.Options{Trust: &trust}); !report.OK || !report.Anchored || len(report.Checkpoint.Cosigners) != 4 {
			t.Errorf("%s: %+v", name, report.Checkpoint)
		}
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/entries/"+string(id)+"/bundle", ""); got.status != http.StatusOK {
		t.Errorf("the public gets %d", got.status)
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/entries/AAAAAAAAAAAAAAAAAAAAAA/bundle", ""); got.code != agency.ErrEntry.Code {
		t.Errorf("no such entry: %s", got.code)
	}
}

// One lying or absent member does not spoil the evidence, two of four do not
// make a quorum.
//
// Shows: B8
func TestEvidenceNeedsAnHonestQuorum(t *testing.T) {
	for name, lie := range map[string]func(wire.Checkpoint) wire.Checkpoint{
		"nothing":   func(wire.Checkpoint) wire.Checkpoint { return wire.Checkpoint{} },
		"garbage":   func(c wire.Checkpoint) wire.Checkpoint { c.Note = c.Note[1:]; return c },
		"signature": func(c wire.Checkpoint) wire.Checkpoint { c.Note = breakSignature(c.Note); return c },
		"history":   func(c wire.Checkpoint) wire.Checkpoint { c.Note = otherHistory(t, c.Note); return c },
	} {
		w := newWorld(t)
		id := exchange.EntryID(w.nominateByName(goodCode))
		n := w.nodes["court"]
		liars := map[exchange.MemberID]bool{"association": true}
		n.peer = func(m exchange.MemberID) (Peer, error) {
			honest, err := (&fakeNode{w: w, self: "court"}).Peer(m)
			if liars[m] {
				return lying{Peer: honest, checkpoint: lie}, err
			}
			return honest, err
		}
		file, err := w.client("court", config.Auditor).EntryBundle(context.Background(), id)
		if err != nil {
			t.Fatalf("%s: one liar: %v", name, err)
		}
		if report := bundle.Verify(file, bundle.Options{}); !report.OK || len(report.Checkpoint.Cosigners) != 3 {
			t.Errorf("%s: %+v", name, report.Checkpoint)
		}
		liars["regulator"] = true
		id = exchange.EntryID(w.nominateByName("91639911MA6T008137")) // the remembered checkpoint does not cover it
		if _, err := w.client("court", config.Auditor).EntryBundle(context.Background(), id); code(err) != witness.ErrCosign.Code {
			t.Errorf("%s: two liars: %v", name, err)
		}
	}
}

// otherHistory is a note that the association validly signed over another root.
func otherHistory(t *testing.T, note string) string {
	t.Helper()
	c, _, err := tlog.Read([]byte(note))
	if err != nil {
		t.Fatal(err)
	}
	c.Root[0] ^= 1
	signer, err := tlog.NewCosigner("qinghai", "association", cryptotest.Key("association", keys.Cosign))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(c, start.Unix())
	if err != nil {
		t.Fatal(err)
	}
	forked, err := tlog.Format(c, sig)
	if err != nil {
		t.Fatal(err)
	}
	return string(forked)
}

// Shows: B8
func TestAForkIsReported(t *testing.T) {
	w := newWorld(t)
	w.nominateByName(goodCode)
	w.lie("court", lying{checkpoint: func(c wire.Checkpoint) wire.Checkpoint { c.Note = otherHistory(t, c.Note); return c }})
	if _, err := w.client("court", config.Auditor).Bundle(context.Background()); code(err) != witness.ErrCosign.Code {
		t.Errorf("%v", err)
	}
	if !strings.Contains(w.log.String(), "a member signed another history of the ledger") || !strings.Contains(w.log.String(), "member=association") {
		t.Error("the fork is not in the log")
	}
}

// A member that puts a bad signature in another's name into its note spoils
// nobody's: only its own is taken from it.
func TestOnlyTheMembersOwnCosignatureIsTaken(t *testing.T) {
	w := newWorld(t)
	w.nominateByName(goodCode)
	w.lie("court", lying{checkpoint: func(c wire.Checkpoint) wire.Checkpoint {
		point, sigs, err := tlog.Read([]byte(c.Note))
		if err != nil {
			t.Error(err)
		}
		key, err := tlog.CosignerKey("qinghai", "court", cryptotest.Public("court", keys.Cosign))
		if err != nil {
			t.Error(err)
		}
		note, err := tlog.Format(point, append([]tlog.Signature{{Name: key.Name(), KeyID: key.ID(), Bytes: sigs[0].Bytes}}, sigs...)...)
		if err != nil {
			t.Error(err)
		}
		c.Note = string(note)
		return c
	}})
	file, err := w.client("court", config.Auditor).Bundle(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if report := bundle.Verify(file, bundle.Options{}); !report.OK || len(report.Checkpoint.Cosigners) != 4 {
		t.Errorf("%+v", report.Checkpoint)
	}
}

func breakSignature(note string) string {
	b := []byte(note)
	at := len(b) - 10
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}
