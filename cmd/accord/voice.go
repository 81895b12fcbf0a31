package main

import (
	"bufio"
	"fmt"
	"strings"

	"accord/exchange"
)

// The voice of the tool.
//
//   - stdout carries results and nothing else, so that it can be piped. Help
//     that was asked for is a result.
//   - stderr carries everything said to a person: errors, warnings, remarks,
//     questions, progress. With --output json it carries at most one JSON
//     object: the error, or the warnings.
//   - Results for machines (json, csv) are the same in every language: ids as
//     column names, English words, UTC times. What people read is translated,
//     with times in Beijing time.
//   - An error says what happened, why, what to do next and its code, one line
//     each, in that order. No blame, no exclamation marks, no "sorry", no
//     "please"; the next step is something that can be typed.
//   - Success is quiet: the result, or one line that says what is now true.
//   - Colour is never the only sign, and only goes to a terminal.
//   - Nothing from outside reaches a terminal with control characters in it.

// style is an SGR colour or weight.
type style string

const (
	bold style = "1"
	dim  style = "2"
	red  style = "31"
)

// paint styles s, but only where both streams are terminals: no pipe or file
// ever holds an escape sequence. NO_COLOR is no-color.org's.
func (e *env) paint(st style, s string) string {
	if e.NoColor || e.Getenv("NO_COLOR") != "" || e.Getenv("TERM") == "dumb" || !e.IsTTY(e.Stdout) || !e.IsTTY(e.Stderr) {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}

// note tells a person something beside the result.
func (e *env) note(text exchange.Text) {
	if e.chatty() {
		fmt.Fprintln(e.Stderr, clean(e.say(text)))
	}
}

// warn tells a person, or a machine at the end, that something is odd though
// the command goes on.
func (e *env) warn(w *exchange.Error) {
	if e.Format == formatJSON {
		e.warnings = append(e.warnings, w)
		return
	}
	if !e.Quiet {
		fmt.Fprintf(e.Stderr, "%s %s (%s)\n", e.t("注意：", "warning:"), clean(w.What(e.Lang)), clean(w.Next(e.Lang)))
	}
}

func (e *env) machineWarnings() []errorJSON {
	var all []errorJSON
	for _, w := range e.warnings {
		all = append(all, e.machineError(w))
	}
	return all
}

// flushWarnings writes the warnings of a JSON run that succeeded.
func (e *env) flushWarnings() {
	if len(e.warnings) > 0 {
		e.stderrJSON(struct {
			SchemaVersion int         `json:"schemaVersion"`
			Warnings      []errorJSON `json:"warnings"`
		}{schemaVersion, e.machineWarnings()})
	}
}

// confirm asks before something that cannot be undone. yes is the command's
// --yes (yesFlag). Where nobody can answer, the answer is no.
func (e *env) confirm(yes bool, question exchange.Text) error {
	if yes {
		return nil
	}
	if e.Format == formatJSON || !e.IsTTY(e.Stdin) {
		return errNotConfirmed.With()
	}
	fmt.Fprintf(e.Stderr, "%s [y/N] ", clean(e.say(question)))
	answer, _ := bufio.NewReader(e.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "是":
		return nil
	}
	return errNotConfirmed.With()
}
