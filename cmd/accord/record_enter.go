package main

import (
	"strings"

	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// subjectFlags name a subject. A natural person's number is only ever read
// from a file: others see the command line.
func subjectFlags(e *env) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "subject-kind", Usage: e.t("信用主体类型 `ID`，如 enterprise、practitioner", "`ID` of the kind of subject, such as enterprise, practitioner")},
		&cli.StringFlag{Name: "uscc", Usage: e.t("统一社会信用代码 `CODE`", "unified social credit code `CODE`")},
		&cli.StringFlag{Name: "person-file", Usage: e.t("写有身份证号的 `FILE`，- 为标准输入", "`FILE` with the resident id, - for standard input")},
		&cli.StringFlag{Name: "name", Usage: e.t("名称 `TEXT`", "name `TEXT`")},
	}
}

// maxNumberFile is the longest file with a person's number.
const maxNumberFile = 256

// personID reads a person's number from a file.
func (e *env) personID(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := e.read(path, maxNumberFile)
	return strings.TrimSpace(string(text)), err
}

func valueFlags(e *env) []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "value", Usage: e.t("信息项的值 `FIELD=VALUE`，可多次", "a field's value `FIELD=VALUE`, repeatable")},
		&cli.StringFlag{Name: "values-file", Usage: e.t("每行一个 FIELD=VALUE 的 `FILE`，- 为标准输入", "`FILE` with a FIELD=VALUE on each line, - for standard input")},
	}
}

func addCommand(e *env) *cli.Command {
	flags := []cli.Flag{&cli.StringFlag{Name: "category", Required: true, Usage: e.t("类别 `ID`", "`ID` of the category")}}
	return &cli.Command{
		Name:  "add",
		Usage: e.t("录入一条记录", "enter one record"),
		Flags: append(append(flags, subjectFlags(e)...), valueFlags(e)...),
		Action: func(c *cli.Context) error {
			cat, err := e.catalogueInForce(c)
			if err != nil {
				return err
			}
			in := wire.AddRecord{Category: c.String("category"), SubjectKind: c.String("subject-kind"), USCC: c.String("uscc"), Name: c.String("name")}
			if in.Values, err = e.recordValues(cat, in.Category, c.StringSlice("value"), c.String("values-file")); err != nil {
				return err
			}
			if in.PersonID, err = e.personID(c.String("person-file")); err != nil {
				return err
			}
			if kinds := cat.Category(in.Category).Subjects; in.SubjectKind == "" && len(kinds) == 1 {
				in.SubjectKind = kinds[0]
			} else if in.SubjectKind == "" {
				return errFlagMissing.With("flag", "--subject-kind", "example", strings.Join(kinds, ", "))
			}
			r, err := e.node().AddRecord(c.Context, in)
			if err != nil {
				return err
			}
			return e.showRecord(c, r)
		},
	}
}

func correctCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "correct", ArgsUsage: "ID",
		Usage: e.t("用一条新记录更正，须给出全部信息项", "replace a record by a new one, with all its fields"),
		Flags: append(valueFlags(e), reasonFlag(e)),
		Action: func(c *cli.Context) error {
			id, node := exchange.RecordID(c.Args().First()), e.node()
			cat, err := e.catalogueInForce(c)
			if err != nil {
				return err
			}
			old, err := node.Record(c.Context, id, "")
			if err != nil {
				return err
			}
			in := wire.CorrectRecord{Reason: c.String("reason")}
			if in.Values, err = e.recordValues(cat, old.Category, c.StringSlice("value"), c.String("values-file")); err != nil {
				return err
			}
			r, err := node.CorrectRecord(c.Context, id, in)
			if err != nil {
				return err
			}
			return e.showRecord(c, r)
		},
	}
}

func retractCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "retract", ArgsUsage: "ID",
		Usage: e.t("撤回一条记录", "take a record back"),
		Flags: []cli.Flag{reasonFlag(e)},
		Action: func(c *cli.Context) error {
			r, err := e.node().RetractRecord(c.Context, exchange.RecordID(c.Args().First()), wire.CorrectRecord{Reason: c.String("reason")})
			if err != nil {
				return err
			}
			return e.showRecord(c, r)
		},
	}
}

func reasonFlag(e *env) cli.Flag {
	return &cli.StringFlag{Name: "reason", Required: true, Usage: e.t("理由 `TEXT`", "why, `TEXT`")}
}
