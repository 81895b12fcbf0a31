package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/feeds"
	"accord/node/wire"
)

// meet lets every member's node say that it knows the joint meeting.
func (w *world) meet() {
	w.t.Helper()
	for id, s := range w.servers {
		m, _ := w.machine.View().Member(id)
		if _, err := s.Agency.Act(context.Background(), "test", exchange.VerbAnnounce,
			members.AnnounceBody{Node: m.Node.ID, Machine: members.MachineMeeting, Build: "test"}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// roster is the text of the roster in force, changed.
func (w *world) roster(change func(*members.Roster)) string {
	next := w.machine.View().Lineage().Next()
	change(next)
	next.Fit()
	text, err := next.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// decided proposes at the regulator and has it and others say yes.
func (w *world) decided(in wire.Propose, others ...exchange.MemberID) wire.Proposal {
	w.t.Helper()
	ctx := context.Background()
	in.Reason, in.Deadline = "测试", w.clock().Add(48*time.Hour)
	p, err := w.client("regulator", config.Officer).Propose(ctx, in)
	for _, m := range append([]exchange.MemberID{"regulator"}, others...) {
		if err == nil {
			p, err = w.client(m, config.Officer).CastVote(ctx, p.ID, wire.CastVote{Choice: meeting.Yes, Note: "同意"})
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func TestJointMeeting(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.meet()
	suspend := w.roster(func(r *members.Roster) {
		f, _ := r.Member("court")
		f.Suspended = true
		r.Put(f)
	})
	part, err := w.servers["court"].Feeds.Export(ctx, "regulator", 0)
	if err != nil {
		t.Fatal(err)
	}
	p := w.decided(wire.Propose{Kind: meeting.Suspend, Document: suspend}, "association")
	if p.Status != meeting.Open || !slices.Equal(p.Waiting, []exchange.MemberID{"commission"}) || !slices.Equal(p.Barred, []exchange.MemberID{"court"}) {
		t.Fatalf("%+v", p)
	}
	if got := w.ask("association", as(config.Officer), "GET", "/api/v1/proposals/"+string(p.ID)+"/minutes", ""); got.code != "MEET-020" {
		t.Errorf("minutes of what goes on: %s", got.code)
	}
	p, err = w.client("commission", config.Officer).CastVote(ctx, p.ID, wire.CastVote{Choice: meeting.Yes})
	if err != nil || p.Status != meeting.Passed {
		t.Fatalf("%+v %v", p, err)
	}
	one, err := w.client("commission", config.Officer).Proposal(ctx, p.ID)
	if err != nil || len(one.Changes) != 1 || !strings.HasPrefix(one.Changes[0].En, "court: suspended") || one.Document != suspend || len(one.Ballots) != 3 {
		t.Errorf("%+v %v", one, err)
	}
	fed, err := w.client("association", config.Officer).Federation(ctx)
	if err != nil || !slices.ContainsFunc(fed.Members, func(m wire.Member) bool { return m.ID == "court" && m.Status == "suspended" }) {
		t.Errorf("%+v %v", fed.Members, err)
	}
	if _, err := w.servers["regulator"].Feeds.Import(ctx, part); exchange.AsError(err).Code != "MEM-043" {
		t.Errorf("a feed that was made before it was suspended: %v", err)
	}
	if _, err := w.servers["regulator"].Feeds.Export(ctx, "court", 0); exchange.AsError(err).Code != feeds.ErrPartPeer.Code {
		t.Errorf("a feed by hand: %v", err)
	}
	if all := w.servers["regulator"].Feeds.Authors(); slices.Contains(all, "court") {
		t.Errorf("its feed is followed: %v", all)
	}
	w.nothingForTheSuspended()
	w.minutesVerify(p)

	other := w.decided(wire.Propose{Kind: meeting.Peering, Decision: &meeting.Decision{Object: "sha256:x", Outcome: "accept"}})
	if _, err := w.client("association", config.Officer).WithdrawProposal(ctx, other.ID, "x"); exchange.AsError(err).Code != "MEET-016" {
		t.Error(err)
	}
	if other, err = w.client("regulator", config.Officer).WithdrawProposal(ctx, other.ID, "有误"); err != nil || other.Status != meeting.Withdrawn || other.EndText != "有误" {
		t.Errorf("%+v %v", other, err)
	}
	if all, err := w.client("association", config.Officer).Proposals(ctx, "passed"); err != nil || len(all.Proposals) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	for name, in := range map[string]wire.Propose{
		"two documents": {Kind: meeting.Suspend, Document: suspend, Decision: &meeting.Decision{}},
		"no kind":       {Document: suspend},
		"no document":   {Kind: meeting.Catalogue},
		"a date":        {Kind: meeting.Suspend, Document: suspend, From: &start},
	} {
		in.Reason, in.Deadline = "x", w.clock().Add(time.Hour)
		if _, err := w.client("regulator", config.Officer).Propose(ctx, in); exchange.AsError(err).Kind != exchange.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// nothingForTheSuspended asks as the association for what members are entitled to.
func (w *world) nothingForTheSuspended() {
	w.t.Helper()
	const id = "AAAAAAAAAAAAAAAAAAAAAA"
	for target, body := range map[string]string{
		"/api/v1/records/" + id: "", "/api/v1/feeds/association/documents": `{"entries":[]}`, "/api/v1/releases/" + id + "/deliver": "{}", "/api/v1/releases/" + id + "/custody": "{}"} {
		method := "POST"
		if body == "" {
			method = "GET"
		}
		if got := w.ask("association", caller{member: "court"}, method, target, body); got.code != "MEM-043" {
			w.t.Errorf("%s: %d %s", target, got.status, got.code)
		}
		if got := w.ask("association", caller{member: "commission"}, method, target, body); got.code == "MEM-043" {
			w.t.Errorf("%s: another is refused", target)
		}
	}
	if got := w.ask("association", caller{member: "court"}, "GET", "/api/v1/proposals", ""); got.status != 200 {
		w.t.Errorf("it may not see what is decided: %s", got.code)
	}
	if _, err := w.servers["court"].Agency.Vote(context.Background(), "test", id, meeting.Yes, ""); err == nil {
		w.t.Error("it votes")
	}
}

// minutesVerify looks at a member's minutes as a stranger, and at minutes that were
// tampered with.
func (w *world) minutesVerify(p wire.Proposal) {
	t := w.t
	t.Helper()
	file, err := w.client("association", config.Officer).Minutes(context.Background(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	r := bundle.Verify(file, bundle.Options{Trust: &trust})
	if !r.OK || !r.Anchored || r.Roster != 1 || len(r.Documents) != 1 || r.Documents[0].Minutes == nil {
		t.Fatalf("%+v", r)
	}
	m := r.Documents[0].Minutes
	if m.Outcome.Status != "passed" || len(m.Ballots) != 3 || m.Proposal.Digest != p.Digest {
		t.Errorf("%+v", m)
	}
	entire, err := w.client("association", config.Officer).Bundle(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r := bundle.Verify(entire, bundle.Options{Trust: &trust}); !r.OK || r.Roster != 1 {
		t.Errorf("the whole ledger after a roster of the joint meeting: %+v", r.Checks[len(r.Checks)-1])
	}
	for name, spoil := range map[string]func(*bundle.Bundle){
		"a vote is left out":      func(b *bundle.Bundle) { b.Commands = slices.Delete(b.Commands, 1, 2) },
		"the change is not named": func(b *bundle.Bundle) { b.Changes = nil },
		"another vote is named":   func(b *bundle.Bundle) { b.Changes[0] = b.Commands[1].Index },
		"a vote was refused":      func(b *bundle.Bundle) { b.Commands[1].Outcome = "refused" },
		"the minutes are signed by nobody": func(b *bundle.Bundle) {
			d := &b.Documents[len(b.Documents)-1]
			d.SDJWT = d.SDJWT[:len(d.SDJWT)-4] + "AAAA"
		},
	} {
		b := new(bundle.Bundle)
		if err := json.Unmarshal(file, b); err != nil {
			t.Fatal(err)
		}
		spoil(b)
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if r := bundle.Verify(text, bundle.Options{Trust: &trust}); r.OK {
			t.Errorf("%s: the minutes verify", name)
		}
	}
}
