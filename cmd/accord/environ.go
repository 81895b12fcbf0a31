package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const variablePrefix = "ACCORD_"

// pullPrefix begins the variables that mappings point at (intake.Secret).
const pullPrefix = "ACCORD_PULL_"

// notFromEnvironment are flags that say "I know what I am doing now"; a
// variable that somebody set last year does not know.
var notFromEnvironment = []string{"help", "yes", "force", "purge"}

// variableOf names the variable that fills in a flag: ACCORD_LANG for a global
// one, ACCORD_RECORD_IMPORT_LIMIT for --limit of "record import". It is "" for
// flags that only count when typed.
func variableOf(path []*cli.Command, flag string) string {
	if slices.Contains(notFromEnvironment, flag) {
		return ""
	}
	var words []string
	if !isGlobal(flag) {
		for _, c := range path[1:] {
			words = append(words, c.Name)
		}
	}
	name := strings.Join(append(words, flag), "_")
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fill adds the flags that the environment sets and the line does not. A
// variable that is set but empty counts as not set.
func (l *line) fill(getenv func(string) string) {
	for _, f := range l.command().Flags {
		name := canonical(f)
		variable := variableOf(l.path, name)
		if variable == "" || l.has(name) {
			continue
		}
		if value := getenv(variable); value != "" {
			l.flags = append(l.flags, given{name, []string{"--" + name + "=" + value}, variable})
		}
	}
}

// source says where the value of a flag was written: in a variable, or as the
// flag itself.
func (l *line) source(typed string) string {
	for _, g := range l.flags {
		if g.variable != "" && dashed(g.name) == typed {
			return g.variable
		}
	}
	return typed
}

// variables lists every variable the tree under path understands.
func variables(path ...*cli.Command) []string {
	var all []string
	last := path[len(path)-1]
	for _, f := range last.Flags {
		if v := variableOf(path, canonical(f)); v != "" {
			all = append(all, v)
		}
	}
	for _, sub := range last.Subcommands {
		all = append(all, variables(append(slices.Clone(path), sub)...)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// knownVariables are all that do something: those of the tree and those of a
// node's configuration.
func (e *env) knownVariables() []string {
	all := append(variables(rootOf(e.app)), nodeVariables()...)
	slices.Sort(all)
	return slices.Compact(all)
}

// warnUnknownVariables names, once, the ACCORD_* variables that do nothing: a
// setting that is silently not applied costs a day. Values are not shown.
func (e *env) warnUnknownVariables() {
	known := e.knownVariables()
	var unknown []string
	for _, pair := range e.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, variablePrefix) || strings.HasPrefix(name, pullPrefix) || slices.Contains(known, name) {
			continue
		}
		if near := nearest(name, known); near != "" {
			name += " (" + near + "?)"
		}
		unknown = append(unknown, name)
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		e.warn(warnUnknownVariable.With("names", strings.Join(unknown, ", ")))
	}
}
