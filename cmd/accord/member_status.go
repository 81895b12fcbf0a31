package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/meeting"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// watchEvery is how often --watch looks.
const watchEvery = 2 * time.Second

func statusCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: e.t("成员变更的进展：谁须做什么，在等什么", "how far changes of the membership are: who has to act, what is waited for"),
		Description: e.t("节点的进展由主节点回答；找不到主节点时由本节点就其所知回答。提案是表决中的，以及最近一次通过之后未获通过的。",
			"What the nodes do the leader answers; where none is found, this node does as far as it knows.\nProposals are those that are open, and those after the last that passed which did not."),
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "watch", Usage: e.t("持续显示，直到没有待办", "go on until nothing is left to be done")}},
		Action: func(c *cli.Context) error { return e.membershipStatus(c.Context, c.Bool("watch")) },
	}
}

// joinGroup lets a newcomer ask where it would look first.
func joinGroup(e *env) *cli.Command {
	return &cli.Command{Name: "join", Hidden: true, Usage: e.t("加入联合体（见 accord help member）", "joining a federation, see accord help member"),
		Subcommands: []*cli.Command{statusCommand(e)}}
}

// membershipNow is what status shows.
type membershipNow struct {
	wire.Membership
	Proposals []wire.Proposal `json:"proposals"` // on the membership, newest first: open, or ended without effect after the last that passed
}

// membershipStatus shows how far changes are; watching, every change until nothing is
// left to be done.
func (e *env) membershipStatus(ctx context.Context, watch bool) error {
	var last membershipNow
	for first := true; ; first = false {
		now, err := e.membershipNow(ctx)
		if err != nil {
			return err
		}
		if first || !reflect.DeepEqual(now, last) {
			if err := e.showMembership(now); err != nil {
				return err
			}
		}
		if !watch || settled(now.Membership) && !now.voting() {
			return nil
		}
		last = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchEvery):
		}
	}
}

func (e *env) membershipNow(ctx context.Context) (now membershipNow, err error) {
	if now.Membership, err = e.node().Membership(ctx); err != nil {
		return now, err
	}
	got, err := e.node().Proposals(ctx, "")
	now.Proposals = []wire.Proposal{}
	passed := false // one that is newer
	for _, p := range got.Proposals {
		switch {
		case !p.Kind.Roster():
		case p.Status == meeting.Passed:
			passed = true
		case p.Status == meeting.Open || !passed:
			now.Proposals = append(now.Proposals, p)
		}
	}
	return now, err
}

// settled says whether every node is what the roster wants of it.
func settled(m wire.Membership) bool {
	for _, n := range m.Nodes {
		if n.Role != n.Wanted || n.Next != "" {
			return false
		}
	}
	return !m.Alone && m.Announced <= m.Version
}

// voting says whether anything about the membership waits for votes.
func (m *membershipNow) voting() bool {
	return slices.ContainsFunc(m.Proposals, func(p wire.Proposal) bool { return p.Status == meeting.Open })
}

func (e *env) showMembership(m membershipNow) error {
	return e.object(m, func(w io.Writer) {
		leader := any(m.Leader)
		if m.Leader == "" {
			leader = exchange.Text{Zh: "无", En: "none"}
		}
		facts := []fact{
			{exchange.Text{Zh: "名册版本", En: "roster version"}, m.Version},
			{exchange.Text{Zh: "摘要", En: "digest"}, m.Digest},
			{exchange.Text{Zh: "主节点", En: "leader"}, leader},
			{exchange.Text{Zh: "表决节点", En: "voters"}, m.Voters},
			{exchange.Text{Zh: "名册须同意席位", En: "seats for a roster"}, fmt.Sprintf("%d/%d", m.Quorum, m.Seats)},
			{exchange.Text{Zh: "账本规则版本", En: "machine version"}, m.Machine},
		}
		if m.Announced > m.Version {
			facts = append(facts, fact{exchange.Text{Zh: "已知的更新名册", En: "newer roster known"}, m.Announced})
		}
		if m.Refused != "" {
			facts = append(facts, fact{exchange.Text{Zh: "上次变更未成", En: "last change failed"}, m.Refused})
		}
		if m.Alone {
			facts = append(facts, fact{exchange.Text{Zh: "注意", En: "note"},
				exchange.Text{Zh: "未能问到主节点，进展不详", En: "no leader answered, so what is waited for is not known"}})
		}
		for _, a := range m.Alarms {
			facts = append(facts, fact{exchange.Text{Zh: "警报", En: "ALARM"}, a})
		}
		e.card(w, facts...)
		e.section(w, exchange.Text{Zh: "节点", En: "Nodes"}, membershipRows(m.Membership))
		if len(m.Proposals) > 0 {
			e.section(w, exchange.Text{Zh: "提案", En: "Proposals"}, m.proposalRows())
		}
	})
}

// proposalRows say who has still to vote, and why a proposal was refused.
func (m *membershipNow) proposalRows() rows {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "提案", En: "PROPOSAL"}, Whole: true},
		{ID: "kind", Title: exchange.Text{Zh: "事项", En: "MATTER"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "by", Title: exchange.Text{Zh: "提案单位", En: "BY"}},
		{ID: "yes", Title: exchange.Text{Zh: "赞成", En: "YES"}},
		{ID: "waiting", Title: exchange.Text{Zh: "尚未表决", En: "STILL TO VOTE"}},
		{ID: "against", Title: exchange.Text{Zh: "反对", En: "AGAINST"}},
		{ID: "deadline", Title: exchange.Text{Zh: "期限", En: "DEADLINE"}},
	}}
	for _, p := range m.Proposals {
		var against []string
		for _, b := range p.Ballots {
			if b.Choice == meeting.No {
				against = append(against, strings.TrimSuffix(string(b.Member)+": "+b.Note, ": "))
			}
		}
		if p.EndText != "" {
			against = append(against, string(p.By)+": "+p.EndText)
		}
		list.add(p.ID, told(proposalKinds, p.Kind), told(proposalStatuses, p.Status), p.By, fmt.Sprintf("%d/%d", p.Yes, p.Quorum),
			seatNames(p.Waiting), strings.Join(against, "; "), p.Deadline)
	}
	return list
}

func membershipRows(m wire.Membership) rows {
	list := rows{Columns: []column{
		{ID: "member", Title: exchange.Text{Zh: "成员单位", En: "MEMBER"}, Whole: true},
		{ID: "node", Title: exchange.Text{Zh: "节点", En: "NODE"}, Whole: true},
		{ID: "address", Title: exchange.Text{Zh: "地址", En: "ADDRESS"}, Whole: true},
		{ID: "role", Title: exchange.Text{Zh: "现为", En: "IS"}},
		{ID: "wanted", Title: exchange.Text{Zh: "应为", En: "SHALL BE"}},
		{ID: "reached", Title: exchange.Text{Zh: "应答", En: "ANSWERS"}},
		{ID: "behind", Title: exchange.Text{Zh: "落后", En: "BEHIND"}, Right: true},
		{ID: "machine", Title: exchange.Text{Zh: "版本", En: "VERSION"}, Right: true},
		{ID: "next", Title: exchange.Text{Zh: "下一步", En: "NEXT"}},
		{ID: "waits", Title: exchange.Text{Zh: "等待", En: "WAITS FOR"}, Whole: true},
	}}
	for _, n := range m.Nodes {
		var reached, behind, machine, waits any
		if n.Reached != nil {
			reached = *n.Reached
		}
		if n.Behind != nil {
			behind = *n.Behind
		}
		if n.Machine > 0 {
			machine = n.Machine
		}
		if n.Waits != nil {
			waits = *n.Waits
		}
		list.add(n.Member, n.Node, n.Address, told(placeRoles, n.Role), told(placeRoles, n.Wanted), reached, behind, machine, told(moves, n.Next), waits)
	}
	return list
}

// placeRoles, memberStatuses and moves are the words people read for those of the wire.
var (
	placeRoles = map[string]exchange.Text{
		"voter":    {Zh: "表决", En: "voter"},
		"nonvoter": {Zh: "跟随", En: "nonvoter"},
	}
	memberStatuses = map[string]exchange.Text{
		"active":    {Zh: "正常", En: "active"},
		"suspended": {Zh: "暂停", En: "suspended"},
		"left":      {Zh: "已退出", En: "left"},
	}
	moves = map[string]exchange.Text{
		"add":      {Zh: "接入", En: "add"},
		"address":  {Zh: "改地址", En: "change address"},
		"promote":  {Zh: "给予表决资格", En: "give vote"},
		"demote":   {Zh: "取消表决资格", En: "take vote"},
		"take-out": {Zh: "移出", En: "take out"},
	}
)
