package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/wire"
	"accord/node/witness"
)

// audited counts the lines of a member's audit log that hold a text, once the
// whole chain verifies.
func (w *world) audited(m exchange.MemberID, text string) (n int, err error) {
	w.t.Helper()
	path := filepath.Join(w.dir, string(m), "audit.log")
	if _, err := audit.Verify(path); err != nil {
		return 0, err
	}
	raw, err := os.ReadFile(path)
	return strings.Count(string(raw), text), err
}

// Shows: B3
func TestEveryActIsBegunAndEndedInTheAuditLog(t *testing.T) {
	w := newWorld(t)
	w.nominateByName(goodCode)
	if got := w.ask("regulator", as(config.Clerk), "POST", "/api/v1/lists/red/entries",
		`{"subject_kind":"enterprise","uscc":"`+goodCode+`","name":"例","ground":"decision","decision":{"number":"1","authority":"例"},"term_days":365}`); got.code != "LIST-013" {
		t.Fatalf("%d %s", got.status, got.code)
	}
	for text, want := range map[string]int{`"act":"list.nominate"`: 4, `"result":"begun"`: 2, `"result":"allowed"`: 1, `"result":"LIST-013"`: 1,
		`"operator":"clerk"`: 4, `"caller":"operator:clerk"`: 4} {
		if got, err := w.audited("regulator", text); got != want || err != nil {
			t.Errorf("%s: %d lines, %v", text, got, err)
		}
	}
}

// With no audit file that takes a line nothing private leaves, nothing is done,
// and the public is served as before.
//
// Shows: B3, F38, I6
func TestWithoutAuditNothingIsReleased(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	rel, err := w.client("court", config.Clerk).AskRelease(ctx, ask(rec.ID))
	if err != nil {
		t.Fatal(err)
	}
	before := w.machine.View().Seq()
	target := "/api/v1/releases/" + string(rel.ID)

	w.servers["association"].Audit.Close()
	got := w.ask("association", caller{member: "court"}, "POST", target+"/deliver", `{}`)
	if got.code != audit.ErrSink.Code || strings.Contains(got.body, "envelope") {
		t.Errorf("the author delivered: %d %s", got.status, got.code)
	}
	if _, err := w.client("court", config.Clerk).Open(ctx, rel.ID); code(err) != audit.ErrSink.Code {
		t.Errorf("the requester opened: %v", err)
	}
	calls := 0
	w.nodes["court"].peer = func(exchange.MemberID) (Peer, error) { calls++; return nil, errNoPeer.With() }
	w.servers["court"].Audit.Close()
	if _, err := w.client("court", config.Clerk).Open(ctx, rel.ID); code(err) != audit.ErrSink.Code || calls != 0 {
		t.Errorf("the requester asked the author %d times: %v", calls, err)
	}
	for _, target := range []string{"?subject=" + url.QueryEscape(string(rec.Subject)), "?category=" + rec.Category, "/" + string(rec.ID)} {
		if got := w.ask("association", as(config.Clerk), "GET", "/api/v1/records"+target, ""); got.status != http.StatusOK {
			t.Errorf("what shows no sealed field does not go on: %s: %d %s", target, got.status, got.code)
		}
	}
	for target, c := range jsonRoutes() {
		w.ask("association", c, "POST", strings.Replace(target, "AAAAAAAAAAAAAAAAAAAAAA", string(rel.ID), 1), `{}`)
	}
	n, _ := w.servers["association"].Agency.Records.Count(ctx, records.Filter{Status: records.Active})
	got = w.ask("association", as(config.Clerk), "POST", "/api/v1/records/"+string(rec.ID)+"/retract", `{"reason":"x"}`)
	after, _ := w.servers["association"].Agency.Records.Count(ctx, records.Filter{Status: records.Active})
	if got.code != audit.ErrSink.Code || n != after {
		t.Errorf("a record was taken back: %s", got.code)
	}
	if now := w.machine.View().Seq(); now != before {
		t.Errorf("%d statements without an audit line", now-before)
	}
	for _, target := range []string{"/api/v1/lists/black/entries", "/api/v1/federation", "/api/v1/ledger", "/livez"} {
		if got := w.ask("association", caller{}, "GET", target, ""); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", target, got.status, got.code)
		}
	}
}

// A line that cannot be written after the fact withholds the answer and says
// that something was done.
func TestAnActWhoseEndIsNotLoggedIsNotAnswered(t *testing.T) {
	w := newWorld(t)
	s := w.servers["regulator"]
	r, err := s.identify(requestAs("POST", as(config.Clerk)), route{open: operator, roles: clerks})
	if err != nil {
		t.Fatal(err)
	}
	done := false
	err = s.act(r, audit.Event{Act: "test"}, func(*audit.Event) error { done = true; return s.Audit.Close() })
	if !done || code(err) != ErrUnlogged.Code || exchange.AsError(err).Kind != exchange.KindUnknownOutcome {
		t.Errorf("done %v: %v", done, err)
	}
}

func requestAs(method string, c caller) *http.Request {
	r, _ := http.NewRequestWithContext(c.context(context.Background()), method, "/", nil)
	r.Header.Set(wire.HeaderOperator, c.operator)
	return r
}

func TestPanicsAreRecoveredAndSayNothing(t *testing.T) {
	w := newWorld(t)
	w.nodes["court"].panics = true
	got := w.ask("court", as(config.Admin), "GET", "/api/v1/node/status", "")
	if got.status != http.StatusInternalServerError || got.code != exchange.ErrInternal.Code {
		t.Errorf("%d %s", got.status, got.code)
	}
	if strings.Contains(got.body+w.log.String(), canary) {
		t.Error("the panic's value shows")
	}
	if !strings.Contains(w.log.String(), "panic in a request") {
		t.Error("the panic is not in the log")
	}
	if page := w.ask("court", caller{local: true}, "GET", "/metrics", ""); !strings.Contains(page.body, `accord_refused_total{code="NODE-001"} 1`) {
		t.Error("the panic is not counted")
	}
	w.nodes["court"].panics = false
	if got := w.ask("court", as(config.Admin), "GET", "/api/v1/node/status", ""); got.status != http.StatusOK {
		t.Errorf("afterwards: %d", got.status)
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	if got := w.ask("court", caller{}, "GET", "/readyz", ""); got.status != http.StatusOK || got.body != "ready\n" {
		t.Errorf("%d %q", got.status, got.body)
	}
	if got := w.ask("court", caller{}, "GET", "/readyz?verbose", ""); got.body != "[+] leader\n[+] audit\n[+] caught-up\n[+] ledger\n[+] clock\n[+] records\n[+] feeds\n[+] webhooks\n[+] keys\nready\n" {
		t.Errorf("%q", got.body)
	}
	for _, late := range []bool{false, true} {
		w.nodes["court"].status = func(st *wire.NodeStatus) {
			st.Unrecorded = &wire.Unrecorded{Plan: "sha256:x", Late: late, Why: "CMD-014"}
		}
		if got := w.ask("court", caller{}, "GET", "/readyz?verbose", ""); got.status != http.StatusOK || strings.Contains(got.body, "[-] recovery: the plan sha256:x is not on the ledger (CMD-014)") != late {
			t.Errorf("a plan that is not on the ledger, late %v: %q", late, got.body)
		}
	}
	for want, store := range map[string]wire.StoreStatus{"[-] records: REC-038\n": {Engine: "postgres", Code: "REC-038"},
		"[!] records: 2 erasures are not yet gone from the files\n": {Engine: "postgres", OK: true, Unscrubbed: 2}} {
		w.nodes["court"].status = func(st *wire.NodeStatus) { st.Store = store }
		if got := w.ask("court", caller{}, "GET", "/readyz?verbose", ""); !strings.Contains(got.body, want) {
			t.Errorf("%q, want %q", got.body, want)
		}
	}
	w.nodes["court"].status = nil
	w.servers["court"].Audit.Close()
	if got := w.ask("court", caller{}, "GET", "/readyz?verbose=true", ""); !strings.Contains(got.body, "[-] audit") {
		t.Errorf("%q", got.body)
	}
	w.servers["court"].Node = away{w.nodes["court"]}
	if got := w.ask("court", caller{}, "GET", "/readyz", ""); got.status != http.StatusServiceUnavailable || got.body != "not ready: no leader\n" {
		t.Errorf("%d %q", got.status, got.body)
	}
	if got := w.ask("court", caller{}, "GET", "/livez", ""); got.status != http.StatusOK {
		t.Errorf("%d", got.status)
	}
	if got := w.ask("court", caller{}, "HEAD", "/livez", ""); got.status != http.StatusOK {
		t.Errorf("HEAD: %d", got.status)
	}
}

// away is a node without a leader.
type away struct{ *fakeNode }

func (away) Status() wire.NodeStatus { return wire.NodeStatus{Why: "no leader"} }

func TestProblemsSpeakTheCallersLanguage(t *testing.T) {
	w := newWorld(t)
	for header, want := range map[string]string{"": ErrRoute.What.Zh, "en": ErrRoute.What.En, "en-GB,zh;q=0.5": ErrRoute.What.En, "zh-CN,en": ErrRoute.What.Zh, "fr": ErrRoute.What.Zh} {
		if got := w.ask("court", caller{}, "GET", "/nowhere", "", "Accept-Language", header); !strings.Contains(got.body, want) {
			t.Errorf("%q: %s", header, got.body)
		}
	}
}

func TestRequestsThatEndAreNotFaultsOfTheNode(t *testing.T) {
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, fmt.Errorf("store: %w", context.Canceled)} {
		if got := ended(err); code(got) != ErrEnded.Code || !errors.Is(got, err) {
			t.Errorf("%v is %v", err, got)
		}
	}
	named := witness.ErrCosign.Wrap(context.DeadlineExceeded)
	for _, err := range []error{nil, named, errors.New("disk")} {
		if got := ended(err); got != err {
			t.Errorf("%v is %v", err, got)
		}
	}
}
