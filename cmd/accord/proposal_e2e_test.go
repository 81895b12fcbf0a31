package main

import (
	"encoding/json"
	"strings"
	"time"

	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/node/wire"
)

// proposed reads what a command about a proposal shows.
func (f *federation) proposed(member string, args ...string) wire.Proposal {
	f.t.Helper()
	var p wire.Proposal
	out := f.cli(member, append(append([]string{"proposal"}, args...), "--output", "json")...)
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		f.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return p
}

// refused wants a command to fail with a code.
func (f *federation) refused(code, member string, args ...string) {
	f.t.Helper()
	if out, err := f.try(member, args...); err == nil || !strings.Contains(out, code) {
		f.t.Errorf("%s: accord %s: want %s\n%s", member, strings.Join(args, " "), code, out)
	}
}

// jointMeeting suspends the association by three of the four seats' votes, and
// restores it; and decides on a catalogue.
func (f *federation) jointMeeting() {
	t := f.t
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if m, err := f.client("regulator").Membership(t.Context()); err == nil && m.Machine >= members.MachineMeeting {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("machine version: %+v %v", m, err)
		}
	}
	p := f.proposed("regulator", "member", "suspend", "association", "--reason", "overdue")
	id := string(p.ID)
	if p.Kind != meeting.Suspend || p.Status != meeting.Open || p.Yes != 1 || p.Quorum != 3 || p.Seats != 3 {
		t.Errorf("%+v", p)
	}
	f.refused("MEET-013", "association", "proposal", "vote", id, "no")
	f.refused("MEET-014", "regulator", "proposal", "vote", id, "no")
	f.proposed("court", "vote", id, "yes", "--note", "seen")
	if out := f.cli("commission", "proposal", "list", "--status", "open", "--output", "csv"); !strings.Contains(out, id) || !strings.Contains(out, "commission") {
		t.Errorf("who has still to vote:\n%s", out)
	}
	f.refused("MEET-020", "court", "proposal", "minutes", id)
	if p = f.proposed("commission", "vote", id, "yes"); p.Status != meeting.Passed || len(p.Ballots) != 3 {
		t.Errorf("%+v", p)
	}
	if out := f.cli("commission", "proposal", "show", id); !strings.Contains(out, "suspended") || !strings.Contains(out, "seen") {
		t.Errorf("what it changed, and the votes:\n%s", out)
	}
	if out := f.cli("commission", "member", "show", "association"); !strings.Contains(out, "suspended") {
		t.Errorf("%s", out)
	}
	f.refused("MEM-043", "association", "proposal", "decide", "peering", "sha256:x", "accept", "--reason", "x")
	minutes := f.paper("minutes.json")
	f.cli("court", "proposal", "minutes", id, "--out", minutes)
	if out := f.cli("court", "verify", minutes); !strings.Contains(out, "passed") || !strings.Contains(out, "commission") {
		t.Errorf("the minutes:\n%s", out)
	}
	p = f.proposed("regulator", "member", "restore", "association", "--reason", "settled")
	f.proposed("court", "vote", string(p.ID), "yes")
	f.proposed("commission", "vote", string(p.ID), "yes")
	draft := f.paper("numbers.json")
	f.refused("CLI-", "regulator", "member", "propose", "--kind-quorum", "joy=4", "--out", draft)
	f.refused("MEM-030", "regulator", "member", "propose", "--kind-quorum", "expel=4", "--out", draft)
	f.cli("regulator", "member", "propose", "--kind-quorum", "expel=3", "--kind-quorum", "charter=4", "--decide-quorum", "3", "--out", draft)
	if p = f.proposed("regulator", "draft", draft, "--reason", "numbers"); p.Kind != meeting.Charter || p.Quorum != 3 {
		t.Errorf("%+v", p)
	}
	f.proposed("court", "vote", string(p.ID), "yes")
	f.proposed("commission", "vote", string(p.ID), "yes")
	draft = f.paper("lower.json")
	f.cli("court", "member", "propose", "--kind-quorum", "charter=0", "--out", draft)
	if p = f.proposed("court", "draft", draft, "--reason", "numbers"); p.Quorum != 4 {
		t.Errorf("%+v", p)
	}
	f.proposed("court", "withdraw", string(p.ID), "--reason", "heard")
	p = f.proposed("association", "decide", "peering", "sha256:x", "accept", "--reason", "neighbours")
	if p = f.proposed("association", "withdraw", string(p.ID), "--reason", "too early"); p.Status != meeting.Withdrawn {
		t.Errorf("%+v", p)
	}
}
