package agency_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/records"
	"accord/exchange/release"
)

// granted asks at the court for a field of the association's first record.
func granted(t *testing.T, w *world) exchange.ReleaseID {
	t.Helper()
	ref, _ := recordRef(t, w, firstRecord(t, w))
	id, err := w.agency["court"].AskRelease(t.Context(), "wang", release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// firstRecord is a practitioner's record of the association, which imports its
// sample when it has none.
func firstRecord(t *testing.T, w *world) exchange.RecordID {
	t.Helper()
	page, _, err := w.agency["association"].Records.List(t.Context(), records.Filter{Category: "discipline-practitioner"}, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(page) == 0 {
		return importSample(t, w)[0]
	}
	return page[0].ID
}

// proposeFunc is a Proposer made of a function.
type proposeFunc func(context.Context, []byte) ([]byte, error)

func (f proposeFunc) Propose(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// again makes another agency for the member over the same store, outbox and
// ledger, as after a restart, with changes to its configuration.
func (w *world) again(t *testing.T, m exchange.MemberID, change func(*agency.Config)) *agency.Agency {
	t.Helper()
	cfg := w.agency[m].Config
	cfg.Storage = cryptotest.Secret(string(m), "storage")
	change(&cfg)
	a, err := agency.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDeliveriesAtOnceAreOneEnvelope(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	var wg sync.WaitGroup
	envelopes, errs := make([]string, 8), make([]error, 8)
	for i := range envelopes {
		wg.Go(func() { envelopes[i], errs[i] = w.agency["association"].Deliver(t.Context(), "node", "court", id) })
	}
	wg.Wait()
	for i := range envelopes {
		if errs[i] != nil || envelopes[i] != envelopes[0] {
			t.Errorf("call %d got another answer: %v", i, errs[i])
		}
	}
	if _, err := w.agency["court"].Open(t.Context(), "wang", id, envelopes[0]); err != nil {
		t.Errorf("and it does not open: %v", err)
	}
}

// TestADeliveryWhoseStatementCameLate: the first try's statement is under way
// when its caller gives up, and reaches the ledger after the second began.
func TestADeliveryWhoseStatementCameLate(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	late := errors.New("no answer in time")
	var first []byte
	slow := w.again(t, "association", func(c *agency.Config) {
		c.Proposer = proposeFunc(func(_ context.Context, payload []byte) ([]byte, error) { first = payload; return nil, late })
	})
	if envelope, err := slow.Deliver(t.Context(), "node", "court", id); !errors.Is(err, late) || envelope != "" {
		t.Fatalf("an envelope of %d bytes left before its receipt, %v", len(envelope), err)
	}
	restarted := w.again(t, "association", func(c *agency.Config) {
		c.Proposer = proposeFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
			if _, err := w.Propose(ctx, first); err != nil {
				t.Fatal(err)
			}
			return w.Propose(ctx, payload)
		})
	})
	envelope, err := restarted.Deliver(t.Context(), "node", "court", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.agency["court"].Open(t.Context(), "wang", id, envelope); err != nil {
		t.Errorf("the grant is lost: %v", err)
	}
}

func TestAClockASecondBehindDelivers(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	behind := w.again(t, "association", func(c *agency.Config) {
		c.Clock = func() time.Time { return w.now.Add(-time.Second) }
	})
	envelope, err := behind.Deliver(t.Context(), "node", "court", id)
	if err != nil {
		t.Fatalf("the author's clock is a second behind the requester's: %v", err)
	}
	other := granted(t, w)
	if _, err := behind.Deliver(t.Context(), "node", "court", other); err != nil {
		t.Fatal(err)
	}
	if again, err := behind.Deliver(t.Context(), "node", "court", id); err != nil || again != envelope {
		t.Errorf("the next delivery swept this one away: %v", err)
	}
}

// TestAHalfWrittenEnvelopeIsNotSent: a crash while an envelope was written.
func TestAHalfWrittenEnvelopeIsNotSent(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	outbox := w.agency["association"].Outbox
	if err := os.MkdirAll(outbox, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outbox, string(id)+".jwe.part"), []byte("eyJh"), 0o600); err != nil {
		t.Fatal(err)
	}
	envelope, err := w.agency["association"].Deliver(t.Context(), "node", "court", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.agency["court"].Open(t.Context(), "wang", id, envelope); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(outbox); len(left) != 1 {
		t.Errorf("%d files in the outbox", len(left))
	}
	w.now = w.now.Add(time.Second) // the outbox is looked through once a second at most
	other := granted(t, w)
	if _, err := w.agency["association"].Deliver(t.Context(), "node", "court", other); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(outbox); len(left) != 1 || left[0].Name() != string(other)+".jwe" {
		t.Errorf("the outbox keeps %v", left)
	}
}

func TestAnOutboxThatTakesNothing(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	full := w.again(t, "association", func(c *agency.Config) {
		c.Outbox = filepath.Join(w.dir, "association.db", "outbox")
	})
	if _, err := full.Deliver(t.Context(), "node", "court", id); !errors.Is(err, agency.ErrOutbox) {
		t.Errorf("no outbox: %v", err)
	}
	if rel, _ := w.machine.View().Release(id); rel.Delivered != nil {
		t.Error("the ledger says delivered")
	}
}

func TestAnAgencyIsNeverFormatted(t *testing.T) {
	w := newWorld(t)
	a := w.agency["court"]
	secret := cryptotest.Secret("court", "storage")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		text := fmt.Sprintf(format, a)
		for _, form := range []string{fmt.Sprint(secret[:4]), fmt.Sprintf("%x", secret[:4]), string(secret)} {
			if strings.Contains(text, strings.Trim(form, "[]")) || len(text) > 40 {
				t.Errorf("%s shows %d characters", format, len(text))
			}
		}
	}
	if a.Storage != nil {
		t.Error("the storage key stays in the configuration")
	}
}
