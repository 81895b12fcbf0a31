package agency_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/meeting"
	"accord/exchange/members"
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

// again makes another agency for the member over the same store and
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

// within is what an envelope for the court holds.
func within(t *testing.T, envelope string) string {
	t.Helper()
	content, err := seal.Decrypt(cryptotest.Key("court", keys.Seal), "accord-release", envelope)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestReceiptsNameWhatWasDelivered: the ledger's digest is that of the presentation, which
// is the same however often it is fetched and after a restart, later or at once.
func TestReceiptsNameWhatWasDelivered(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	var wg sync.WaitGroup
	envelopes, errs := make([]string, 8), make([]error, 8)
	for i := range envelopes {
		wg.Go(func() { envelopes[i], errs[i] = w.agency["association"].Deliver(t.Context(), "node", "court", id) })
	}
	wg.Wait()
	w.now = w.now.Add(time.Hour)
	again, err := w.again(t, "association", func(*agency.Config) {}).Deliver(t.Context(), "node", "court", id)
	envelopes, errs = append(envelopes, again), append(errs, err)
	for i := range envelopes {
		if errs[i] != nil || within(t, envelopes[i]) != within(t, envelopes[0]) {
			t.Errorf("call %d got another answer: %v", i, errs[i])
		}
	}
	opened, err := w.agency["court"].Open(t.Context(), "wang", id, again)
	if err != nil {
		t.Fatalf("and it does not open: %v", err)
	}
	sum := sha256.Sum256([]byte(opened.Bound))
	rel, _ := w.machine.View().Release(id)
	if digest := hex.EncodeToString(sum[:]); rel.Delivered.Digest != digest || rel.Opened.Digest != digest {
		t.Errorf("receipts of %s and %s for %s", rel.Delivered.Digest, rel.Opened.Digest, digest)
	}
}

// TestBeforeVersion4ReceiptsNameTheEnvelope, as nodes of then expect: it opens once, and
// cannot be sent again.
func TestBeforeVersion4ReceiptsNameTheEnvelope(t *testing.T) {
	document, _ := catalogue.Demo()
	w := foundWorld(t, document, members.MachineMeeting-1)
	id := granted(t, w)
	envelope, err := w.agency["association"].Deliver(t.Context(), "node", "court", id)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.agency["association"].Deliver(t.Context(), "node", "court", id); again != "" || !errors.Is(err, agency.ErrDeliveredOnce) {
		t.Errorf("sent again: %v", err)
	}
	if _, err := w.agency["court"].Open(t.Context(), "wang", id, envelope); err != nil {
		t.Error(err)
	}
	sum := sha256.Sum256([]byte(envelope))
	if rel, _ := w.machine.View().Release(id); rel.Opened == nil || rel.Opened.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", rel)
	}
}

// TestADeliveryIsSentAgainWhileItStands: what was delivered and not opened can be fetched
// again, but not when its term is over, nor when the rules in force do not grant it.
func TestADeliveryIsSentAgainWhileItStands(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	id := granted(t, w)
	author := w.agency["association"]
	fetch := func() error { _, err := author.Deliver(ctx, "node", "court", id); return err }
	begun, rel := w.now, release.Release{}
	if err := fetch(); err != nil {
		t.Fatal(err)
	}
	rel, _ = w.machine.View().Release(id)
	term := time.Duration(rel.Decision.ValidMS) * time.Millisecond
	if w.now = begun.Add(term - time.Second); fetch() != nil {
		t.Errorf("a second before its end: %v", fetch())
	}
	if w.now = begun.Add(term); !errors.Is(fetch(), agency.ErrNotGranted) {
		t.Errorf("at its end: %v", fetch())
	}
	w.now = begun.Add(time.Minute)
	document, doc := catalogue.Demo()
	next, err := catalogue.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	next.Version = doc.Version + 1
	next.Rules = slices.DeleteFunc(next.Rules, func(r catalogue.Rule) bool { return r.ID == rel.Decision.Rule })
	next.Checks = nil // some want the rule
	w.adopt(t, next)
	if w.now = begun.Add(2 * time.Hour); !errors.Is(fetch(), release.ErrRules) {
		t.Errorf("under rules that have changed: %v", fetch())
	}
}

// adopt has the joint meeting adopt a catalogue that counts as soon as it may.
func (w *world) adopt(t *testing.T, doc *catalogue.Document) {
	t.Helper()
	data, err := strictjson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.agency["association"].Propose(t.Context(), "li", meeting.ProposeBody{Kind: meeting.Catalogue, Reason: "试",
		Deadline: exchange.MillisOf(w.now.Add(24 * time.Hour)), Catalogue: &meeting.CatalogueDraft{Document: string(data)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, seat := range []exchange.MemberID{"regulator", "commission", "association"} {
		if _, err := w.agency[seat].Vote(t.Context(), "zhao", exchange.CommandID(res.ID), meeting.Yes, ""); err != nil {
			t.Fatal(seat, err)
		}
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
	if again, err := behind.Deliver(t.Context(), "node", "court", id); err != nil || within(t, again) != within(t, envelope) {
		t.Errorf("fetched again: %v", err)
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
