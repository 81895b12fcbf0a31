package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/meeting"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// proposalCommand is the joint meeting: matters, votes, minutes.
func proposalCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "proposal",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("联席会议：提案、表决、纪要", "the joint meeting: proposals, votes, minutes"),
		Description: e.t("提案由有席位的成员单位提出，各席位表决一次，达到法定席位数即自动生效，无须另行提交。\n名册（成员、密钥、席位、章程）用 accord member propose 起草，再用 accord proposal draft 提出。",
			"A member with a seat proposes; each seat votes once; with the vote that reaches the quorum the proposal\ntakes effect by itself. Rosters (members, keys, seats, quorums) are drafted with accord member propose and\nproposed with accord proposal draft."),
		Subcommands: append(proposingCommands(e), []*cli.Command{{
			Name:   "list",
			Usage:  e.t("全部提案，新的在前，及尚未表决的席位", "all proposals, newest first, and who has still to vote"),
			Flags:  []cli.Flag{choice("status", "", []string{"open", "passed", "rejected", "withdrawn", "lapsed", "moot"}, e.t("状态", "status"))},
			Action: func(c *cli.Context) error { return e.listProposals(c) },
		}, {
			Name: "show", ArgsUsage: "ID",
			Usage: e.t("一项提案：改变什么，谁怎样表决", "one proposal: what it changes and who voted how"),
			Action: func(c *cli.Context) error {
				p, err := e.node().Proposal(c.Context, exchange.CommandID(c.Args().First()))
				if err != nil {
					return err
				}
				return e.showProposal(p)
			},
		}, {
			Name: "vote", ArgsUsage: "ID yes|no|abstain",
			Usage: e.t("以本单位席位表决；不得更改", "vote with this member's seat; a vote stands"),
			Flags: []cli.Flag{&cli.StringFlag{Name: "note", Usage: e.t("附言 `TEXT`", "a note, `TEXT`")}},
			Action: func(c *cli.Context) error {
				p, err := e.node().CastVote(c.Context, exchange.CommandID(c.Args().Get(0)),
					wire.CastVote{Choice: meeting.Choice(c.Args().Get(1)), Note: c.String("note")})
				if err != nil {
					return err
				}
				return e.showProposal(p)
			},
		}, {
			Name: "withdraw", ArgsUsage: "ID",
			Usage: e.t("撤回本单位的提案", "take a proposal of this member back"),
			Flags: []cli.Flag{proposalReason(e)},
			Action: func(c *cli.Context) error {
				p, err := e.node().WithdrawProposal(c.Context, exchange.CommandID(c.Args().First()), c.String("reason"))
				if err != nil {
					return err
				}
				return e.showProposal(p)
			},
		}, {
			Name: "minutes", ArgsUsage: "ID",
			Usage: e.t("出具签署的会议纪要；任何人可用 accord verify 离线验证", "signed minutes, which anybody can verify offline with accord verify"),
			Flags: []cli.Flag{e.outFlag("-")},
			Action: func(c *cli.Context) error {
				evidence, err := e.node().Minutes(c.Context, exchange.CommandID(c.Args().First()))
				if err != nil {
					return err
				}
				return e.saveEvidence(c.String("out"), evidence)
			},
		}}...),
	}
}

func proposalReason(e *env) cli.Flag {
	return &cli.StringFlag{Name: "reason", Required: true, Usage: e.t("理由 `TEXT`", "why, `TEXT`")}
}

func (e *env) listProposals(c *cli.Context) error {
	got, err := e.node().Proposals(c.Context, c.String("status"))
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "提案", En: "PROPOSAL"}, Whole: true},
		{ID: "kind", Title: exchange.Text{Zh: "事项", En: "MATTER"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "by", Title: exchange.Text{Zh: "提案单位", En: "BY"}},
		{ID: "reason", Title: exchange.Text{Zh: "理由", En: "REASON"}},
		{ID: "yes", Title: exchange.Text{Zh: "赞成", En: "YES"}},
		{ID: "no", Title: exchange.Text{Zh: "反对", En: "NO"}},
		{ID: "quorum", Title: exchange.Text{Zh: "须赞成", En: "NEEDED"}},
		{ID: "waiting", Title: exchange.Text{Zh: "尚未表决", En: "STILL TO VOTE"}},
		{ID: "deadline", Title: exchange.Text{Zh: "期限", En: "DEADLINE"}},
		{ID: "at", Title: exchange.Text{Zh: "提出时间", En: "PROPOSED"}, Bare: true},
	}}
	for _, p := range got.Proposals {
		list.add(p.ID, told(proposalKinds, p.Kind), told(proposalStatuses, p.Status), p.By, p.Reason, p.Yes, p.No, p.Quorum,
			seatNames(p.Waiting), p.Deadline, p.At)
	}
	return e.print(list)
}

func seatNames(ids []exchange.MemberID) []string {
	all := []string{}
	for _, id := range ids {
		all = append(all, string(id))
	}
	return all
}

func (e *env) showProposal(p wire.Proposal) error {
	return e.object(p, func(w io.Writer) {
		facts := []fact{
			{exchange.Text{Zh: "提案", En: "proposal"}, p.ID},
			{exchange.Text{Zh: "事项", En: "matter"}, told(proposalKinds, p.Kind)},
			{labelStatus, told(proposalStatuses, p.Status)},
			{exchange.Text{Zh: "提案单位", En: "by"}, string(p.By) + "/" + string(p.Operator)},
			{exchange.Text{Zh: "理由", En: "reason"}, p.Reason},
			{labelDigest, p.Digest},
			{labelWords, p.Words},
		}
		if d := p.Decision; d != nil {
			facts = append(facts, fact{exchange.Text{Zh: "裁定对象", En: "object"}, d.Object}, fact{exchange.Text{Zh: "赞成即", En: "a yes decides"}, d.Outcome})
		}
		facts = append(facts,
			fact{exchange.Text{Zh: "赞成", En: "yes"},
				fmt.Sprintf(e.t("%d，须 %d（有权表决 %d）", "%d, %d needed (of %d that may vote)"), p.Yes, p.Quorum, p.Seats)},
			fact{exchange.Text{Zh: "尚未表决", En: "still to vote"}, strings.Join(seatNames(p.Waiting), e.t("、", ", "))},
			fact{exchange.Text{Zh: "回避", En: "no vote on it"}, strings.Join(seatNames(p.Barred), e.t("、", ", "))},
			fact{exchange.Text{Zh: "期限", En: "deadline"}, p.Deadline},
			fact{exchange.Text{Zh: "结束", En: "ended"}, pointed(p.Ended)},
			fact{exchange.Text{Zh: "目录生效", En: "counts from"}, pointed(p.From)},
			fact{exchange.Text{Zh: "撤回理由", En: "withdrawn because"}, p.EndText})
		e.card(w, facts...)
		changes := rows{Columns: []column{{ID: "text", Title: exchange.Text{Zh: "变更", En: "CHANGE"}, Whole: true}}}
		for _, ch := range p.Changes {
			changes.add(ch)
		}
		e.section(w, exchange.Text{Zh: "通过后的变化", En: "What it changes"}, changes)
		votes := rows{Columns: []column{
			{ID: "member", Title: exchange.Text{Zh: "席位", En: "SEAT"}},
			{ID: "choice", Title: exchange.Text{Zh: "表决", En: "VOTE"}},
			{ID: "note", Title: exchange.Text{Zh: "附言", En: "NOTE"}},
			{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
			{ID: "seq", Title: exchange.Text{Zh: "账本序号", En: "LEDGER ENTRY"}},
		}}
		for _, b := range p.Ballots {
			votes.add(b.Member, told(voteChoices, b.Choice), b.Note, b.At, b.Seq)
		}
		e.section(w, exchange.Text{Zh: "表决", En: "Votes"}, votes)
	})
}

// propose puts a matter before the joint meeting and, unless it is told otherwise,
// says yes to it in the proposer's own name.
func (e *env) propose(c *cli.Context, in wire.Propose) error {
	in.Reason = c.String("reason")
	in.Deadline = e.Now().Add(time.Duration(*c.Generic("within").(*span)))
	p, err := e.node().Propose(c.Context, in)
	if err != nil {
		return err
	}
	if c.Generic("vote").(*oneOf).value == "yes" {
		voted, err := e.node().CastVote(c.Context, p.ID, wire.CastVote{Choice: meeting.Yes})
		switch {
		case errors.Is(err, meeting.ErrBarred): // the others decide
		case err != nil:
			return err
		default:
			p = voted
		}
	}
	return e.showProposal(p)
}
