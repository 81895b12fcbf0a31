// Package metrics is what a node tells its monitoring: counters, gauges and
// build information in Prometheus text, and the readiness of its parts. Labels
// name routes, kinds and members, never subjects. It is the only owner of the
// Prometheus library, and makes no outbound calls.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"accord/exchange"
)

// Metrics is one node's registry.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	releases *prometheus.CounterVec
	refused  *prometheus.CounterVec
}

// Gauges are read when the page is asked for.
type Gauges struct {
	LedgerSize  func() float64
	AppliedLog  func() float64
	CommitLog   func() float64
	IsLeader    func() float64
	Records     func() float64
	AuditSinks  func() float64
	LedgerTimeS func() float64
	Documents   func() float64
	BadDocs     func() float64
	Forks       func() float64
	Stopped     func() float64
	Cosigned    func() float64
	Complaints  func() float64
	Feeds       func() float64
	Emergencies func() float64
	Hooks       func() float64
	FeedBehind  func() float64
	// PeersRefused and PeersPutOff count since the start; nil counts nothing.
	PeersRefused func() map[PeerReason]uint64
	PeersPutOff  func() map[PeerReason]uint64
}

// PeerReason is the member a count is about, "unknown" where it has not proven to be
// one, and a word for the reason.
type PeerReason struct{ Peer, Reason string }

// peerCounts shows counts that are kept elsewhere.
type peerCounts struct {
	desc *prometheus.Desc
	read func() map[PeerReason]uint64
}

func newPeerCounts(name, help string, read func() map[PeerReason]uint64) peerCounts {
	return peerCounts{prometheus.NewDesc(name, help, []string{"peer", "reason"}, nil), read}
}

// Describe implements prometheus.Collector.
func (p peerCounts) Describe(out chan<- *prometheus.Desc) { out <- p.desc }

// Collect implements prometheus.Collector.
func (p peerCounts) Collect(out chan<- prometheus.Metric) {
	if p.read == nil {
		return
	}
	for k, n := range p.read() {
		out <- prometheus.MustNewConstMetric(p.desc, prometheus.CounterValue, float64(n), k.Peer, k.Reason)
	}
}

// New makes a registry with build information and the given gauges.
func New(version, member string, g Gauges) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "accord_api_requests_total", Help: "API requests by route and status class."}, []string{"route", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "accord_api_request_seconds", Help: "Duration of API requests.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}, []string{"route"}),
		releases: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "accord_releases_total", Help: "Releases asked for, approved, delivered and opened at this node, by outcome."}, []string{"act", "outcome"}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "accord_refused_total", Help: "Requests refused, by error code."}, []string{"code"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.releases, m.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "accord_build_info", Help: "Build of this node; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "member": member}})
	build.Set(1)
	m.registry.MustRegister(build,
		newPeerCounts("accord_peer_refused_total", "Connections and requests of the log's peers refused, by member and rule.", g.PeersRefused),
		newPeerCounts("accord_peer_put_off_total", "Requests of the log's peers answered \"not yet\", by member and reason.", g.PeersPutOff))
	for _, spec := range []struct {
		name, help string
		read       func() float64
	}{
		{"accord_ledger_statements", "Statements on the ledger as applied here.", g.LedgerSize},
		{"accord_ledger_applied_index", "Log index applied here.", g.AppliedLog},
		{"accord_ledger_commit_index", "Log index known to be committed.", g.CommitLog},
		{"accord_ledger_leader", "1 when this node leads.", g.IsLeader},
		{"accord_ledger_time_seconds", "Ledger time, seconds since 1970.", g.LedgerTimeS},
		{"accord_ledger_documents_checked", "List entries whose document's own signature was checked since the start.", g.Documents},
		{"accord_ledger_documents_bad", "List entries whose document's own signature does not verify.", g.BadDocs},
		{"accord_ledger_fork", "Ledger alarms nobody has settled: forks and differences of state.", g.Forks},
		{"accord_ledger_stopped", "1 when a ledger alarm has stopped this node's service.", g.Stopped},
		{"accord_ledger_cosigned_size", "Statements under the newest checkpoint with a quorum of cosignatures.", g.Cosigned},
		{"accord_ledger_complaints", "Complaints whose statement is not on the ledger yet.", g.Complaints},
		{"accord_feed_alarms", "Feed alarms nobody has settled: rewrites, withheld documents, stalled members.", g.Feeds},
		{"accord_emergencies_open", "Releases taken as an emergency, by whichever member, that are not justified.", g.Emergencies},
		{"accord_webhooks_disabled", "Webhook endpoints that failed until they were disabled.", g.Hooks},
		{"accord_feed_behind_entries", "Entries of other members' feeds that were seen and are not here yet.", g.FeedBehind},
		{"accord_records", "Own records in the store.", g.Records},
		{"accord_audit_sinks", "Audit sinks that take lines.", g.AuditSinks},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: spec.name, Help: spec.help}, spec.read))
	}
	return m
}

// Handler serves the metrics page.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Request counts one API request.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	class := string(rune('0'+status/100)) + "xx"
	m.requests.WithLabelValues(route, class).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Release counts one act on a release.
func (m *Metrics) Release(act, outcome string) { m.releases.WithLabelValues(act, outcome).Inc() }

// Refused counts one refusal by its code. A code that is not the product's is
// another node's invention, and every label is memory.
func (m *Metrics) Refused(code string) {
	if exchange.Lookup(code) == nil {
		code = "other"
	}
	m.refused.WithLabelValues(code).Inc()
}
