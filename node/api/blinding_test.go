package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/node/config"
)

// held gives a member of the world the whole blinding key.
func (w *world) held(m exchange.MemberID) *oprf.Group {
	w.t.Helper()
	key, err := oprf.NewKey()
	if err != nil {
		w.t.Fatal(err)
	}
	public := key.Public()
	group, err := oprf.NewGroup([]oprf.Element{public}, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, _ := key.Bytes()
	w.servers[m].Blinding, err = agency.NewOblivious(agency.ObliviousConfig{Epoch: 1, Group: group, Holders: []exchange.MemberID{m}, Self: m, Share: raw,
		Storage: cryptotest.Secret(string(m), "storage"), Cache: filepath.Join(w.dir, string(m), "ids"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.servers[m].Blinding.Close() })
	return group
}

// TestAHolderEvaluates for members, so many in a day, and writes each asking down.
func TestAHolderEvaluates(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	group := w.held("regulator")
	peer, err := w.nodes["court"].Peer("regulator")
	if err != nil {
		t.Fatal(err)
	}
	r, err := oprf.Blind([][]byte{[]byte("number"), []byte("another")})
	if err != nil {
		t.Fatal(err)
	}
	done, err := peer.Evaluate(ctx, 1, 0, r.Blinded)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := group.Finish(r, []oprf.Partial{{Holder: 1, Evaluation: done}}); err != nil {
		t.Error(err)
	}
	if _, err := peer.Evaluate(ctx, 2, 0, r.Blinded); code(err) != agency.ErrNoShare.Code {
		t.Errorf("another epoch: %v", err)
	}
	other, _ := w.nodes["regulator"].Peer("court")
	if _, err := other.Evaluate(ctx, 1, 0, r.Blinded); code(err) != agency.ErrNoShare.Code {
		t.Errorf("a member without a share: %v", err)
	}
	for name, elements := range map[string]string{"none": `[]`, "short": `["AAAA"]`, "no element": `["` + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 32)) + `"]`,
		"the identity": `["` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `"]`,
		"too many":     `["` + strings.Repeat(`A","`, 1000) + `A"]`} {
		if got := w.ask("regulator", caller{member: "court"}, "POST", "/peer/v1/oprf", `{"epoch":1,"elements":`+elements+`}`); got.code != ErrBlinded.Code {
			t.Errorf("%s: %d %s", name, got.status, got.code)
		}
	}
	text := base64.RawURLEncoding.EncodeToString(r.Blinded[0][:])
	batch := fmt.Sprintf(`{"epoch":1,"elements":["%s"]}`, strings.TrimSuffix(strings.Repeat(text+`","`, 1000), `","`))
	admitted := 0
	for range 6 {
		got := w.ask("regulator", caller{member: "court"}, "POST", "/peer/v1/oprf", batch)
		if got.code == "" {
			admitted++
		} else if got.code != ErrBlindingRate.Code {
			t.Fatalf("%d %s", got.status, got.code)
		}
	}
	if admitted != 4 { // 5,000 a day, a few of which are gone
		t.Errorf("%d batches of 1,000 were evaluated", admitted)
	}
	if got := w.ask("regulator", caller{member: "association"}, "POST", "/peer/v1/oprf", batch); got.code != "" {
		t.Errorf("another member pays for it: %s", got.code)
	}
	w.pass(24 * time.Hour)
	if got := w.ask("regulator", caller{member: "court"}, "POST", "/peer/v1/oprf", batch); got.code != "" {
		t.Errorf("a day later: %s", got.code)
	}
	for text, least := range map[string]int{`"act":"blinding.evaluate"`: 18, `"count":1000`: 16, `"result":"` + ErrBlindingRate.Code: 2} {
		if n, err := w.audited("regulator", text); n < least || err != nil {
			t.Errorf("%d lines with %s, %v", n, text, err)
		}
	}
	if got := w.ask("regulator", as(config.Admin), "POST", "/peer/v1/oprf", batch); !strings.HasPrefix(got.code, "AUTH-") {
		t.Errorf("an operator: %s", got.code)
	}
}
