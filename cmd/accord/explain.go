package main

import (
	"fmt"
	"io"
	"strings"

	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// explainCommand looks up error codes, without a node or a network.
func explainCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     e.t("说明错误代码；不给代码则列出全部", "explain an error code, or list them all"),
		ArgsUsage: "[CODE]",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return e.print(codeList())
			}
			return e.explain(c.Args().First())
		},
	}
}

func codeList() rows {
	list := rows{Columns: []column{
		{ID: "code", Title: exchange.Text{Zh: "代码", En: "CODE"}, Whole: true},
		{ID: "kind", Title: exchange.Text{Zh: "类别", En: "KIND"}, Whole: true},
		{ID: "exit", Title: exchange.Text{Zh: "退出码", En: "EXIT"}, Right: true},
		{ID: "what", Title: exchange.Text{Zh: "含义", En: "WHAT"}},
	}}
	for _, d := range exchange.Definitions() {
		list.add(d.Code, d.Kind, exitOf(d.Kind), d.What)
	}
	return list
}

// explanation is one error code in both languages.
type explanation struct {
	Code string        `json:"code"`
	Kind string        `json:"kind"`
	Exit int           `json:"exit"`
	What exchange.Text `json:"what"`
	Why  exchange.Text `json:"why"`
	Next exchange.Text `json:"next"`
}

func (e *env) explain(code string) error {
	d := exchange.Lookup(strings.ToUpper(code))
	if d == nil {
		return noSuchCode(code)
	}
	x := explanation{d.Code, d.Kind.String(), exitOf(d.Kind), d.What, kindTexts[d.Kind], d.Next}
	return e.object(x, func(w io.Writer) {
		fmt.Fprintf(w, "%s  (%s, %s %d)\n", x.Code, x.Kind, e.t("退出码", "exit"), x.Exit)
		other := exchange.En
		if e.Lang == exchange.En {
			other = exchange.Zh
		}
		x.render(w, e.Lang)
		x.render(w, other)
	})
}

func (x explanation) render(w io.Writer, lang exchange.Lang) {
	why, next := "why", "next"
	if lang == exchange.Zh {
		why, next = "原因", "下一步"
	}
	fmt.Fprintf(w, "\n%s\n  %s: %s\n", x.What.In(lang), why, x.Why.In(lang))
	if x.Next.In(lang) != "" {
		fmt.Fprintf(w, "  %s: %s\n", next, x.Next.In(lang))
	}
}

func noSuchCode(code string) error {
	try := "accord explain"
	if near := nearest(strings.ToUpper(code), codes()); near != "" {
		try += " " + near
	}
	return errNoSuchCode.With("code", code, "try", try)
}

func codes() []string {
	var all []string
	for _, d := range exchange.Definitions() {
		all = append(all, d.Code)
	}
	return all
}
