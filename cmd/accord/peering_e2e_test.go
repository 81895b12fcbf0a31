package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/node/wire"
)

// TestAFederationFollowsAnothersLists: once the joint meeting has accepted its charter
// and no longer than that. The other federation is this one, asked as a stranger does.
func TestAFederationFollowsAnothersLists(t *testing.T) {
	f := newFederation(t)
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if m, err := f.client("regulator").Membership(t.Context()); err == nil && m.Machine >= members.MachineMeeting {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("machine version: %+v %v", m, err)
		}
	}
	for i := range 3 {
		if _, err := f.client("regulator").Nominate(t.Context(), "red", wire.Nominate{SubjectKind: "enterprise", USCC: fictionalUSCC(i), Name: "例湖保险代理有限公司",
			Ground: "decision", Decision: &wire.DecisionRef{Number: "青例〔2026〕1号", Authority: "例省保险监管局"}, TermDays: 365}); err != nil {
			t.Fatal(err)
		}
	}
	fed, err := f.client("regulator").Federation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(fed.Members, func(m wire.Member) bool { return m.ID == "commission" })
	from, dir := "https://"+fed.Members[at].Address, f.paper("followed")
	f.refused("CLI-086", "court", "peering", "follow", "--from", from, "--out", dir)
	decide := func(outcome string) {
		p := f.proposed("regulator", "decide", "peering", fed.Charter, outcome, "--reason", "neighbours")
		for _, m := range []string{"court", "commission"} {
			if p.Status == meeting.Open {
				p = f.proposed(m, "vote", string(p.ID), "yes")
			}
		}
		if p.Status != meeting.Passed {
			t.Fatalf("%+v", p)
		}
	}
	decide("accept")
	for range 2 { // the second time from the files
		if out := f.cli("court", "peering", "follow", "--from", from, "--out", dir); !strings.Contains(out, "none missing") || strings.Count(out, "例湖保险代理有限公司") != 3 {
			t.Errorf("%s", out)
		}
	}
	kept, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(kept) != 4 {
		t.Errorf("kept: %v", kept)
	}
	for _, path := range kept {
		if out := f.cli("court", "verify", path, "--trust", fed.Charter); !strings.Contains(out, "VERIFIED") {
			t.Errorf("%s:\n%s", path, out)
		}
	}
	f.refused("CLI-087", "court", "peering", "follow", "--from", "ftp://x")
	decide("end")
	f.refused("CLI-086", "court", "peering", "follow", "--from", from)
	if out := f.cli("court", "peering", "list", "--output", "csv"); strings.Count(out, fed.Charter) != 2 || strings.Count(out, ",true,") != 1 {
		t.Errorf("%s", out)
	}
}
