package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/meeting"
	"accord/node/wire"
)

// TestMembershipStatusSaysWhoHasToVote: what is open, and what was refused after the last
// that passed, and why; watching ends when nothing waits for votes any more.
func TestMembershipStatusSaysWhoHasToVote(t *testing.T) {
	const membership, proposals = "GET /api/v1/members/status", "GET /api/v1/proposals"
	open := wire.Proposal{ID: "open", Kind: meeting.Admit, Status: meeting.Open, By: "court", Yes: 1, Quorum: 3, Waiting: []exchange.MemberID{"regulator"}}
	f := newFakeNode(t).on(membership, wire.Membership{Nodes: []wire.MembershipNode{{Member: "court", Role: "voter", Wanted: "voter"}}}).
		on(proposals, wire.Proposals{Proposals: []wire.Proposal{open,
			{ID: "about-rules", Kind: meeting.Catalogue, Status: meeting.Open},
			{ID: "refused", Kind: meeting.Expel, Status: meeting.Rejected, By: "court", Quorum: 3,
				Ballots: []wire.Ballot{{Member: "association", Choice: meeting.No, Note: "no ground"}, {Member: "court", Choice: meeting.Yes, Note: "yes"}}},
			{ID: "passed", Kind: meeting.Seat, Status: meeting.Passed},
			{ID: "waits-longer", Kind: meeting.Seat, Status: meeting.Open},
			{ID: "older", Kind: meeting.Expel, Status: meeting.Rejected}}})
	code, out, err := f.run("", "member", "status")
	if code != 0 || !strings.Contains(out, "open") || !strings.Contains(out, "1/3  regulator") || !strings.Contains(out, "association: no ground") || !strings.Contains(out, "waits-longer") {
		t.Errorf("exit %d\n%s%s", code, out, err)
	}
	for _, not := range []string{"about-rules", "passed", "older", "court: yes"} {
		if strings.Contains(out, not) {
			t.Errorf("%q is shown:\n%s", not, out)
		}
	}
	f.on(proposals, answerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if f.count(proposals) > 2 {
			open.Status = meeting.Passed
		}
		json.NewEncoder(w).Encode(wire.Proposals{Proposals: []wire.Proposal{open}})
	}))
	code, out, err = f.run("", "join", "status", "--watch", "-o", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.Contains(lines[0], `"proposals":[{"id":"open"`) || !strings.Contains(lines[1], `"proposals":[]`) {
		t.Errorf("exit %d\n%s%s", code, out, err)
	}
}
