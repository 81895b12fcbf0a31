package main

import (
	"bytes"

	"accord/exchange"
	"accord/exchange/intake"

	"github.com/urfave/cli/v2"
)

// templateCommand writes an empty workbook for people to fill in.
func templateCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "template", ArgsUsage: "CATEGORY",
		Usage: e.t("某类别的空白填报工作簿，填好后直接导入", "an empty workbook for a category; filled in, it is imported as it is"),
		Flags: []cli.Flag{catalogueFlag(e, ""), &cli.StringFlag{Name: "out", Required: true, Usage: e.t("新工作簿 `FILE`", "the new workbook `FILE`")}},
		Action: func(c *cli.Context) error {
			cat, err := e.catalogue(c)
			if err != nil {
				return err
			}
			category := c.Args().First()
			if cat.Category(category) == nil {
				return errNoCategory.With("category", category, "try", "accord catalogue show")
			}
			var b bytes.Buffer
			if err := intake.WriteTemplate(&b, cat.Document(), category); err != nil {
				return err
			}
			return e.save(c.String("out"), b.Bytes())
		},
	}
}

// effectText says what a finding does to its row, in both languages.
func effectText(effect string) string {
	said := effects[effect]
	if said == (exchange.Text{}) {
		return effect
	}
	return said.Zh + " " + said.En
}
