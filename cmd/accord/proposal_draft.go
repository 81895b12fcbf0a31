package main

import (
	"time"

	"accord/exchange"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// proposingCommands put matters before the joint meeting.
func proposingCommands(e *env) []*cli.Command {
	return []*cli.Command{{
		Name: "draft", ArgsUsage: "FILE",
		Usage:  e.t("提出名册草案（accord member propose 起草）", "propose a drafted roster (see accord member propose)"),
		Flags:  proposingFlags(e),
		Action: func(c *cli.Context) error { return e.proposeDraft(c) },
	}, {
		Name: "catalogue", ArgsUsage: "FILE",
		Usage: e.t("提出新目录", "propose a new catalogue"),
		Description: e.t("目录通过后至少一小时、放宽查阅的至少 24 小时后生效；也可指定更晚的时间。",
			"An adopted catalogue counts an hour later at the earliest, one that lets somebody see more 24 hours later;\na later time may be named."),
		Flags:  append(proposingFlags(e), &cli.StringFlag{Name: "from", Usage: e.t("自 `TIME` 起生效", "counts from `TIME` on")}),
		Action: func(c *cli.Context) error { return e.proposeCatalogue(c) },
	}, {
		Name:  "member",
		Usage: e.t("提出暂停、恢复或除名", "propose to suspend, restore or expel a member"),
		Subcommands: []*cli.Command{
			aboutMember(e, "suspend", e.t("暂停：不得表决、提案、取得信息，其签署不再接受", "it neither votes nor proposes nor receives, and what it signs is not taken"),
				func(r *members.Roster, f members.Founder) { f.Suspended = true; r.Put(f) }),
			aboutMember(e, "restore", e.t("恢复被暂停的成员单位", "end a suspension"),
				func(r *members.Roster, f members.Founder) { f.Suspended = false; r.Put(f) }),
			aboutMember(e, "expel", e.t("除名", "it leaves for good"),
				func(r *members.Roster, f members.Founder) { r.Drop(f.ID) }),
		},
	}, {
		Name: "decide", ArgsUsage: "KIND OBJECT OUTCOME",
		Usage: e.t("提请裁定：KIND 为 objection、release、recovery 或 peering", "put a decision to the vote: KIND is objection, release, recovery or peering"),
		Description: e.t("OBJECT 为异议或请求的编号，恢复方案或互联的对方章程为其摘要；OUTCOME：异议为 uphold（成立）或 reject（不成立），授权开放为 approve（同意）或 deny（不同意），互联为 accept（接受）或 end（终止）。",
			"OBJECT is the id of the objection or release, or the digest of the plan of recovery or of the other federation's charter; OUTCOME is uphold or reject of an objection, approve or deny of a release, accept or end of a peering."),
		Flags: append(proposingFlags(e), &cli.StringSliceFlag{Name: "party", Usage: e.t("当事单位 `MEMBER`，回避表决", "a party `MEMBER`, which has no vote on it")}),
		Action: func(c *cli.Context) error {
			d := &meeting.Decision{Object: c.Args().Get(1), Outcome: c.Args().Get(2)}
			for _, m := range c.StringSlice("party") {
				d.Parties = append(d.Parties, exchange.MemberID(m))
			}
			return e.propose(c, wire.Propose{Kind: meeting.Kind(c.Args().First()), Decision: d})
		},
	}}
}

func proposingFlags(e *env) []cli.Flag {
	week := span(7 * 24 * time.Hour)
	return []cli.Flag{proposalReason(e),
		&cli.GenericFlag{Name: "within", Value: &week, Usage: e.t("表决期限 `SPAN`，如 7d、48h", "time to vote, `SPAN`, such as 7d or 48h")},
		choice("vote", "yes", []string{"yes", "none"}, e.t("提出时一并以本单位席位投赞成票，或不投", "say yes with this member's seat at once, or not")),
	}
}

// aboutMember proposes a roster that changes one member's place.
func aboutMember(e *env, name, usage string, change func(*members.Roster, members.Founder)) *cli.Command {
	return &cli.Command{
		Name: name, ArgsUsage: "MEMBER", Usage: usage, Flags: proposingFlags(e),
		Action: func(c *cli.Context) error {
			line, err := e.lineage(c)
			if err != nil {
				return err
			}
			id, next := exchange.MemberID(c.Args().First()), line.Next()
			f, known := next.Member(id)
			if !known {
				return errNoMember.With("member", id, "try", "accord member list")
			}
			change(next, f)
			next.Fit()
			document, err := next.Encode()
			if err != nil {
				return err
			}
			return e.proposeRosterOf(c, line, wire.SignedRoster{Document: string(document)})
		},
	}
}

// proposeRosterOf proposes a roster under the kind that it is of.
func (e *env) proposeRosterOf(c *cli.Context, line *members.Lineage, s wire.SignedRoster) error {
	next, err := line.Draft(s)
	if err != nil {
		return err
	}
	kinds := meeting.KindsOf(line.Roster(), next)
	if len(kinds) != 1 {
		var is string
		for _, k := range kinds {
			is += " " + string(k)
		}
		return meeting.ErrKind.With("said", "-", "is", is)
	}
	return e.propose(c, wire.Propose{Kind: kinds[0], Document: s.Document, Proofs: s.Proofs})
}

func (e *env) proposeDraft(c *cli.Context) error {
	s, _, line, err := e.readProposal(c)
	if err != nil {
		return err
	}
	return e.proposeRosterOf(c, line, s)
}

func (e *env) proposeCatalogue(c *cli.Context) error {
	document, err := e.catalogueFile(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	in := wire.Propose{Kind: meeting.Catalogue, Document: string(document)}
	text, err := e.instant("from", c.String("from"))
	if err != nil {
		return err
	}
	if text != "" {
		from, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return err
		}
		in.From = &from
	}
	return e.propose(c, in)
}
