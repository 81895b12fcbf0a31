package api

import (
	_ "embed" // openapi.yaml
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"accord/exchange/release"
	"accord/node/wire"
)

// live says that the process answers. It looks at nothing else, so that a node
// without quorum is not restarted for what a restart does not mend.
func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	return plain(w, http.StatusOK, "ok\n")
}

// ready says whether this node should be given work: 200 or 503, in words with
// ?verbose.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "verbose")
	if err != nil {
		return err
	}
	verbose := q.flag("verbose")
	if err := q.err(); err != nil {
		return err
	}
	st := s.Node.Status()
	status, word := http.StatusOK, "ready"
	if !st.Ready {
		status, word = http.StatusServiceUnavailable, "not ready"
	}
	var b strings.Builder
	if verbose {
		s.marks(&b, st)
	}
	if u := st.Unrecorded; verbose && u != nil && u.Late {
		fmt.Fprintf(&b, "[-] recovery: the plan %s is not on the ledger (%s)\n", u.Plan, u.Why)
	}
	b.WriteString(word)
	if st.Why != "" {
		b.WriteString(": " + st.Why)
	}
	b.WriteByte('\n')
	return plain(w, status, b.String())
}

// marks writes a line for each part of readiness: + well, - not, ! to be looked at
// before long.
func (s *Server) marks(b *strings.Builder, st wire.NodeStatus) {
	for _, part := range []struct {
		name string
		ok   bool
	}{
		{"leader", st.Leader != ""},
		{"audit", s.Audit.Working() > 0},
		{"caught-up", st.Applied >= st.Commit},
		{"ledger", !s.Witness.Stopped()},
		{"clock", !st.ClockOff},
	} {
		mark := "+"
		if !part.ok {
			mark = "-"
		}
		fmt.Fprintf(b, "[%s] %s\n", mark, part.name)
	}
	switch store := st.Store; {
	case store.OK && store.Unscrubbed > 0:
		fmt.Fprintf(b, "[!] records: %d erasures are not yet gone from the files\n", store.Unscrubbed)
	case store.OK:
		b.WriteString("[+] records\n")
	default:
		fmt.Fprintf(b, "[-] records: %s\n", store.Code)
	}
	if s.Feeds.OpenAlarms() == 0 {
		b.WriteString("[+] feeds\n")
	}
	for _, a := range s.Feeds.Alarms() { // a peer's fault is no reason to take this node out of service
		if a.Settled == "" {
			fmt.Fprintf(b, "[!] feeds: %s: %s\n", a.Author, a.Kind)
		}
	}
	disabled := s.Webhooks.Disabled()
	if len(disabled) == 0 {
		b.WriteString("[+] webhooks\n")
	}
	for _, name := range disabled {
		fmt.Fprintf(b, "[!] webhooks: %s is disabled\n", name)
	}
	view := s.view()
	if waiting, overdue := release.Emergencies(view.Rows(), s.instant(nil, view)); waiting+overdue > 0 { // of all members, at every node
		fmt.Fprintf(b, "[!] emergencies: %d to be justified, %d overdue\n", waiting, overdue)
	}
	if len(st.KeysDue) == 0 {
		b.WriteString("[+] keys\n")
	}
	for _, k := range st.KeysDue {
		fmt.Fprintf(b, "[!] keys: %s is to be replaced, %d days left\n", k.Use, k.Days)
	}
}

// metrics is the Prometheus page.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.Metrics.Handler().ServeHTTP(w, r)
	return nil
}

// status is this node's own state, for its operators.
func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	return answer(w, s.Node.Status())
}

//go:embed openapi.yaml
var specification []byte

// openapi is the description of this API.
func (s *Server) openapi(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	return raw(w, "application/yaml", specification) // RFC 9512
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a reader that went away is not our fault
	return nil
}

// raw writes bytes as they are: what others signed or will verify.
func raw(w http.ResponseWriter, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	return nil
}
