package node

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/release"
)

type emergencies []release.Release

// Releases gives one at a time, as pages do.
func (e emergencies) Releases(q release.Query) ([]release.Release, exchange.ReleaseID) {
	for i := range e {
		if q.After == "" || i > 0 && e[i-1].ID == q.After {
			next := e[i].ID
			if i == len(e)-1 {
				next = ""
			}
			return []release.Release{e[i]}, next
		}
	}
	return nil, ""
}

// TestEmergenciesAreTold: each that was granted since, once, and no refused one.
func TestEmergenciesAreTold(t *testing.T) {
	all := emergencies{
		{ID: "d", Seq: 9, JustifyBy: 1, Requester: "court"}, {ID: "c", Seq: 8, Requester: "insurer"}, // refused
		{ID: "b", Seq: 5, JustifyBy: 1, Requester: "regulator"}, {ID: "a", Seq: 4, JustifyBy: 1, Requester: "association"},
	}
	for from, want := range map[int64]string{0: "court regulator association", 5: "court regulator", 6: "court", 10: ""} {
		var out bytes.Buffer
		warnOfEmergencies(slog.New(slog.NewTextHandler(&out, nil)), all, from)
		var told []string
		for line := range strings.Lines(out.String()) {
			_, rest, _ := strings.Cut(line, "member=")
			who, _, _ := strings.Cut(rest, " ")
			told = append(told, who)
		}
		if got := strings.Join(told, " "); got != want {
			t.Errorf("from %d: %q, want %q", from, got, want)
		}
	}
}
