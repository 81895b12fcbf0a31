package api

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/config"
	"accord/node/feeds"
	"accord/node/wire"
)

// adopt puts the next catalogue version in force.
func (w *world) adopt() {
	w.t.Helper()
	_, doc := catalogue.Demo()
	next := *doc
	next.Version = 2
	text, err := json.Marshal(next)
	if err != nil {
		w.t.Fatal(err)
	}
	adopt := wire.AdoptCatalogue{Document: string(text)}
	for _, m := range []exchange.MemberID{"regulator", "commission", "association"} {
		e, err := w.client(m, config.Officer).Endorse(w.t.Context(), string(text))
		if err != nil {
			w.t.Fatal(err)
		}
		adopt.Endorsements = append(adopt.Endorsements, e.Signature)
	}
	if _, err := w.client("court", config.Officer).AdoptCatalogue(w.t.Context(), adopt); err != nil {
		w.t.Fatal(err)
	}
}

// TestAFeedByHand: what crosses the gap as a file is held afterwards, and acknowledged;
// nothing private is in it; a node that knows of the ledger no more than the charter
// verifies it by what the file proves, and a file without that proof is refused there.
//
// Shows: I4
func TestAFeedByHand(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	for _, m := range memberKinds { // anchors are of version 3
		if _, err := w.servers[m.id].Agency.Act(ctx, "node", exchange.VerbAnnounce,
			members.AnnounceBody{Node: string(m.id) + "-1", Machine: 3, Build: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	w.adopt()
	author, court := w.client("association", config.Officer), w.client("court", config.Officer)
	own, _ := w.servers["association"].Agency.Records.Feed(ctx, "association")
	if err := w.servers["association"].Feeds.AnchorOwn(ctx); err != nil {
		t.Fatal(err)
	}
	part, err := author.ExportFeed(ctx, wire.ExportFeed{To: "court"})
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range intake.SampleCanaries() {
		if bytes.Contains(part, []byte(canary)) {
			t.Fatalf("the file holds a private value")
		}
	}
	w.nodes["court"].behind = true // it reaches nobody
	got, err := court.ImportFeed(ctx, part)
	if err != nil || got.New != own.Edge.Size() || got.Missing != 0 || got.Anchored != got.New {
		t.Fatalf("%+v %v", got, err)
	}
	if again, err := court.ImportFeed(ctx, part); err != nil || again.New != 0 || again.Size != got.Size {
		t.Errorf("again: %+v %v", again, err)
	}
	ack, err := court.FeedAck(ctx, "association", 0)
	if err != nil {
		t.Fatal(err)
	}
	if took, err := author.TakeFeedAck(ctx, ack); err != nil || took != (wire.FeedAcknowledged{Member: "court", Size: got.Size, Of: got.Size}) {
		t.Errorf("%+v %v", took, err)
	}
	held, err := w.servers["court"].Agency.Records.Count(ctx, records.Filter{Author: "association"})
	if err != nil || held+got.Withheld != got.Size || held == 0 {
		t.Errorf("%d records held, %d withheld: %v", held, got.Withheld, err)
	}
	if _, err := w.client("court", config.Clerk).ImportFeed(ctx, part); code(err) != ErrRole.Code {
		t.Errorf("a clerk: %v", err)
	}
	if _, err := court.ImportFeed(ctx, make([]byte, feeds.MaxPart+1)); code(err) != ErrTooLarge.Code {
		t.Errorf("too large: %v", err)
	}

	// A node that stands at the charter, and never heard of the ledger since.
	old, err := machine.New(w.genesis, machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := records.OpenSQLite(ctx, filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	regulator := w.servers["regulator"].Agency
	alone, err := feeds.Open(feeds.Config{Federation: "qinghai", Genesis: w.genesis, Self: "regulator", Dir: t.TempDir(), Store: store, Ledger: old,
		Keys: fixedKeys("regulator"), Read: regulator.ReadRecord, Clock: w.clock,
		Verify: func(m exchange.MemberID, jwt string) error { _, _, err := regulator.VerifyRecord(m, jwt); return err }})
	if err != nil {
		t.Fatal(err)
	}
	server := w.servers["association"].Feeds
	proof := server.Proof
	server.Proof = nil
	bare, err := server.Export(ctx, "regulator", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Import(ctx, bare); code(err) != feeds.ErrPartLedger.Code {
		t.Errorf("without the ledger's proof: %v", err)
	}
	server.Proof = func(ctx context.Context) ([]byte, error) {
		raw, err := proof(ctx)
		at := bytes.LastIndex(raw, []byte(`"proof":["`)) + len(`"proof":["`)
		raw[at] = map[bool]byte{true: 'B', false: 'A'}[raw[at] == 'A'] // of a hash
		return raw, err
	}
	forged, err := server.Export(ctx, "regulator", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Import(ctx, forged); code(err) != feeds.ErrPart.Code {
		t.Errorf("with a forged proof: %v", err)
	}
	server.Proof = proof
	proven, err := server.Export(ctx, "regulator", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := alone.Import(ctx, proven); err != nil || got.New != own.Edge.Size() || got.Anchored != got.New || len(alone.Alarms()) > 0 {
		t.Errorf("%+v %v %+v", got, err, alone.Alarms())
	}
}
