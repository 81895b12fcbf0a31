package main

import (
	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// manCommand writes the manual page for packages to install: accord.1, and in
// Chinese for zh/man1.
func manCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:   "man",
		Usage:  e.t("输出手册页", "write the manual page"),
		Hidden: true,
		Action: func(*cli.Context) error {
			e.app.Description = e.say(topics[0].title) + ":\n\n```\n" + e.tableText(exitRows()) + "```\n"
			page, err := e.app.ToManWithSection(1)
			if err != nil {
				return exchange.ErrInternal.Wrap(err)
			}
			return e.write(page)
		},
	}
}
