package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPageShowsCountersAndGauges(t *testing.T) {
	one := func() float64 { return 1 }
	m := New("test", "court", Gauges{LedgerSize: one, AppliedLog: one, CommitLog: one, IsLeader: one, Records: one, AuditSinks: one, LedgerTimeS: one, Documents: one, BadDocs: one,
		Forks: one, Stopped: one, Cosigned: one, Complaints: one, Feeds: one, Hooks: one, Emergencies: one, FeedBehind: one,
		PeersRefused: func() map[PeerReason]uint64 { return map[PeerReason]uint64{{"court", "role"}: 7} }})
	m.Request("GET /x", 404, time.Millisecond)
	m.Release("request", "refused")
	m.Refused("NODE-001")
	m.Refused("EVIL-1")
	m.Refused("\xff")
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	page := rec.Body.String()
	for _, want := range []string{
		`accord_api_requests_total{class="4xx",route="GET /x"} 1`, `accord_build_info{member="court",version="test"} 1`,
		`accord_releases_total{act="request",outcome="refused"} 1`, `accord_ledger_statements 1`, `accord_refused_total{code="NODE-001"} 1`, `accord_refused_total{code="other"} 2`,
		`accord_peer_refused_total{peer="court",reason="role"} 7`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
