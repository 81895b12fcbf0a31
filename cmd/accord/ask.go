package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// asker gets what a command needs from its flags or, on a terminal, from the
// person before it. The first thing that is missing or wrong ends it.
type asker struct {
	e   *env
	c   *cli.Context
	in  *bufio.Reader
	err error
}

func (e *env) asker(c *cli.Context) *asker {
	return &asker{e: e, c: c, in: bufio.NewReader(e.Stdin)}
}

// question is one thing to be known.
type question struct {
	flag    string
	text    exchange.Text
	def     string   // when nothing is said; "" makes an answer necessary
	allowed []string // nil: what valid takes
	valid   func(string) bool
	example string // of a valid answer
	free    bool   // may stay empty
}

// get is the flag's value, the answer, or the default.
func (a *asker) get(q question) string {
	if a.err != nil {
		return ""
	}
	value := a.c.String(q.flag)
	if value == "" && a.asks() {
		value = a.ask(q)
	}
	if value == "" {
		value = q.def
	}
	switch {
	case a.err != nil || value == "" && q.free:
	case value == "":
		a.err = errFlagMissing.With("flag", dashed(q.flag), "example", q.example)
	case q.allowed != nil && !slices.Contains(q.allowed, value):
		a.err = errBadValue.With("flag", a.e.line.source(dashed(q.flag)), "value", value, "example", strings.Join(q.allowed, ", "))
	case q.valid != nil && !q.valid(value):
		a.err = errBadValue.With("flag", a.e.line.source(dashed(q.flag)), "value", value, "example", q.example)
	}
	return value
}

// asks says whether there is somebody to ask.
func (a *asker) asks() bool { return a.e.chatty() && a.e.IsTTY(a.e.Stdin) }

func (a *asker) ask(q question) string {
	hint := q.def
	if q.allowed != nil {
		hint = strings.Join(q.allowed, "|")
	}
	if hint != "" {
		hint = " [" + hint + "]"
	}
	fmt.Fprintf(a.e.Stderr, "%s%s: ", clean(a.e.say(q.text)), hint)
	answer, err := a.in.ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(a.e.Stderr)
	}
	return strings.TrimSpace(answer)
}
