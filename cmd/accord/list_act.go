package main

import (
	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var errWhom = exchange.Define(exchange.KindInvalid, "CLI-038",
	exchange.Text{Zh: "没有指明信用主体", En: "it is not said whom to nominate"},
	exchange.Text{Zh: "给出 --record ID，或 --subject-kind 加 --uscc 或 --person-file", En: "give --record ID, or --subject-kind with --uscc or --person-file"})

func nominateCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "nominate", ArgsUsage: "LIST",
		Usage: e.t("拟列入名单", "put a subject forward for a list"),
		Description: e.t("信用主体取自 --record 所指的记录；没有记录的事由用决定文书和主体标识。",
			"The subject is taken from the record that --record names. A ground without a\nrecord rests on a decision document and needs the subject."),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "record", Usage: e.t("所依据的记录 `ID`", "`ID` of the record it rests on")},
			&cli.StringFlag{Name: "from", Usage: e.t("记录的作者单位 `MEMBER`，默认本单位", "author `MEMBER` of the record; default this member")},
			&cli.StringFlag{Name: "ground", Required: true, Usage: e.t("事由 `ID`，见 accord list kinds", "`ID` of the ground, see accord list kinds")},
			&cli.UintFlag{Name: "term-days", Required: true, Usage: e.t("期限 `N` 天", "term of `N` days")},
			&cli.StringSliceFlag{Name: "measure", Usage: e.t("措施 `ID`，可多次", "`ID` of a measure, repeatable")},
			&cli.StringFlag{Name: "decision-number", Usage: e.t("决定文书文号 `TEXT`", "number of the decision document, `TEXT`")},
			&cli.StringFlag{Name: "decision-authority", Usage: e.t("决定机关 `TEXT`", "authority that decided, `TEXT`")},
			&cli.StringFlag{Name: "decision-date", Usage: e.t("决定日期 `DATE`", "`DATE` of the decision")},
		}, subjectFlags(e)...),
		Action: func(c *cli.Context) error { return e.nominate(c) },
	}
}

func (e *env) nominate(c *cli.Context) error {
	in := wire.Nominate{Record: exchange.RecordID(c.String("record")), Author: exchange.MemberID(c.String("from")),
		SubjectKind: c.String("subject-kind"), USCC: c.String("uscc"), Name: c.String("name"), Ground: c.String("ground"),
		TermDays: int(c.Uint("term-days")), Measures: c.StringSlice("measure")}
	if in.Record == "" && in.SubjectKind == "" {
		return errWhom.With()
	}
	var err error
	if in.PersonID, err = e.personID(c.String("person-file")); err != nil {
		return err
	}
	if c.IsSet("decision-number") || c.IsSet("decision-authority") || c.IsSet("decision-date") {
		in.Decision = &wire.DecisionRef{Number: c.String("decision-number"), Authority: c.String("decision-authority"), Date: c.String("decision-date")}
	}
	entry, err := e.node().Nominate(c.Context, c.Args().First(), in)
	if err != nil {
		return err
	}
	return e.showEntry(c, entry)
}

// expectFlag guards an act against a change by somebody else.
func expectFlag(e *env) cli.Flag {
	return &cli.UintFlag{Name: "expect", Usage: e.t("只在条目仍为版本 `N` 时执行", "only if the entry still has version `N`")}
}

func withdrawCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "withdraw", ArgsUsage: "ID",
		Usage: e.t("公示期内撤回", "take an entry back during its notice"),
		Flags: []cli.Flag{reasonFlag(e), expectFlag(e)},
		Action: func(c *cli.Context) error {
			entry, err := e.node().Withdraw(c.Context, exchange.EntryID(c.Args().First()),
				wire.EndEntry{Text: c.String("reason"), Expect: int(c.Uint("expect"))})
			if err != nil {
				return err
			}
			return e.showEntry(c, entry)
		},
	}
}

func removeCommand(e *env) *cli.Command {
	reason := choice("reason", "", []string{"repaired", "revoked", "error"}, e.t("原因：信用修复、决定撤销、录入错误", "repaired, decision revoked, or entered in error"))
	reason.(*cli.GenericFlag).Required = true
	return &cli.Command{
		Name: "remove", ArgsUsage: "ID",
		Usage: e.t("移出名单", "take a listed entry off"),
		Flags: []cli.Flag{reason,
			&cli.StringFlag{Name: "text", Required: true, Usage: e.t("说明 `TEXT`", "why, in words, `TEXT`")},
			&cli.StringFlag{Name: "basis", Required: true, Usage: e.t("依据文书 `NUMBER`", "document `NUMBER` it rests on")},
			expectFlag(e),
		},
		Action: func(c *cli.Context) error {
			entry, err := e.node().Remove(c.Context, exchange.EntryID(c.Args().First()), wire.EndEntry{Reason: c.String("reason"),
				Text: c.String("text"), Basis: c.String("basis"), Expect: int(c.Uint("expect"))})
			if err != nil {
				return err
			}
			return e.showEntry(c, entry)
		},
	}
}
