package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"

	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/node/founding"

	"github.com/urfave/cli/v2"
)

// completeWord as first argument asks for completions of the rest. It is not a
// command: the line it completes is not one yet.
const completeWord = "__complete"

//go:embed completion/accord.bash
var bashScript string

//go:embed completion/accord.zsh
var zshScript string

//go:embed completion/accord.fish
var fishScript string

var shells = map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}

// completionCommand prints the script that teaches a shell to complete.
func completionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     e.t("输出命令补全脚本", "print a shell's completion script"),
		ArgsUsage: "SHELL",
		Description: e.t("  bash: source <(accord completion bash)\n  zsh:  accord completion zsh > \"${fpath[1]}/_accord\"\n  fish: accord completion fish > ~/.config/fish/completions/accord.fish",
			"  bash: source <(accord completion bash)\n  zsh:  accord completion zsh > \"${fpath[1]}/_accord\"\n  fish: accord completion fish > ~/.config/fish/completions/accord.fish"),
		Action: func(c *cli.Context) error {
			script, ok := shells[c.Args().First()]
			if !ok {
				return errBadValue.With("flag", "SHELL", "value", c.Args().First(), "example", strings.Join(shellNames(e), ", "))
			}
			return e.write(script)
		},
	}
}

func shellNames(*env) []string { return []string{"bash", "zsh", "fish"} }

// argValues completes arguments by the word that stands for them in
// ArgsUsage. A completer answers from local state at once or not at all: it
// never waits on the network.
var argValues = map[string]func(*env) []string{
	"SHELL":   shellNames,
	"CODE":    func(*env) []string { return codes() },
	"COMMAND": helpable,
	"MEMBER":  founders,
	"LIST": func(e *env) []string {
		return idsOf(e.foundingCatalogue().Lists, func(l catalogue.List) string { return l.ID })
	},
	"CATEGORY": func(e *env) []string { return categoryIDs(e.foundingCatalogue()) },
}

// genesis is what the folder under --dir was founded with: local, at once, and
// good enough for names.
func (e *env) genesis() (members.Genesis, bool) {
	dir := cmp.Or(lastValue(e.Args, "--dir"), e.Getenv("ACCORD_DIR"), defaultDir(os.Geteuid() == 0, e.Getenv))
	g, err := founding.ReadGenesis(dir)
	return g, err == nil
}

func founders(e *env) []string {
	g, ok := e.genesis()
	if !ok {
		return nil
	}
	charter, err := members.ParseCharter(g.Charter)
	if err != nil {
		return nil
	}
	return idsOf(charter.Members, func(m members.Founder) string { return string(m.ID) })
}

// foundingCatalogue is the federation's first catalogue, or the built-in one.
func (e *env) foundingCatalogue() *catalogue.Document {
	if g, ok := e.genesis(); ok {
		if doc, err := catalogue.Parse(g.Catalogue); err == nil {
			return doc
		}
	}
	_, doc := catalogue.Default()
	return doc
}

func idsOf[T any](all []T, id func(T) string) []string {
	var ids []string
	for _, x := range all {
		ids = append(ids, id(x))
	}
	return ids
}

func helpable(e *env) []string {
	var names []string
	for _, c := range e.app.Commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	for _, t := range topics {
		names = append(names, t.name)
	}
	return names
}

// complete prints what the last word of a line may become, one candidate a
// line with its meaning after a tab. It is silent about everything else.
func (e *env) complete(words []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	for _, candidate := range e.candidates(words[:len(words)-1], words[len(words)-1]) {
		if name, _, _ := strings.Cut(candidate, "\t"); strings.HasPrefix(name, words[len(words)-1]) || words[len(words)-1] == "=" {
			fmt.Fprintln(e.Stdout, candidate)
		}
	}
}

// candidates lists what may stand after the words before current.
func (e *env) candidates(before []string, current string) []string {
	before = joinValues(before)
	if slices.Contains(before, "--") {
		return nil
	}
	if f := e.awaiting(before, current); f != nil {
		return valuesOf(f)
	}
	l, err := resolve(rootOf(e.app), before)
	if err != nil {
		return nil
	}
	if name, _, joined := strings.Cut(current, "="); joined && strings.HasPrefix(name, "-") {
		return joinedValues(l, name)
	}
	if strings.HasPrefix(current, "-") {
		return e.flagCandidates(l)
	}
	if len(l.command().Subcommands) > 0 {
		return commandCandidates(l)
	}
	return e.argCandidates(l)
}

// joinValues undoes bash, which splits words at "=".
func joinValues(words []string) []string {
	var joined []string
	for i := 0; i < len(words); i++ {
		if words[i] == "=" && i+1 < len(words) && len(joined) > 0 {
			joined[len(joined)-1] += "=" + words[i+1]
			i++
			continue
		}
		joined = append(joined, words[i])
	}
	return joined
}

// awaiting is the flag whose value current begins, nil when current begins
// something else.
func (e *env) awaiting(before []string, current string) cli.Flag {
	if n := len(before); n > 0 && before[n-1] == "=" {
		before = before[:n-1]
	} else if current != "=" && strings.HasPrefix(current, "-") {
		return nil
	}
	if len(before) == 0 {
		return nil
	}
	last := before[len(before)-1]
	l, err := resolve(rootOf(e.app), before[:len(before)-1])
	if err != nil {
		return nil
	}
	if f := l.lookup(last); f != nil && takesValue(f) {
		return f
	}
	return nil
}

func valuesOf(f cli.Flag) []string {
	if g, ok := f.(*cli.GenericFlag); ok {
		if o, ok := g.Value.(*oneOf); ok {
			return o.allowed
		}
	}
	return nil
}

func joinedValues(l *line, name string) []string {
	var all []string
	if f := l.lookup(name); f != nil {
		for _, v := range valuesOf(f) {
			all = append(all, name+"="+v)
		}
	}
	return all
}

func (e *env) flagCandidates(l *line) []string {
	var all []string
	for _, f := range l.command().Flags {
		if l.has(canonical(f)) && !repeatable(f) {
			continue
		}
		if d, ok := f.(cli.DocGenerationFlag); ok {
			all = append(all, dashed(canonical(f))+"\t"+plainUsage(d.GetUsage()))
		}
	}
	return all
}

func commandCandidates(l *line) []string {
	var all []string
	for _, c := range l.command().Subcommands {
		if !c.Hidden {
			all = append(all, c.Name+"\t"+plainUsage(c.Usage))
		}
	}
	return all
}

// argCandidates completes the argument at hand by its word in ArgsUsage.
func (e *env) argCandidates(l *line) []string {
	usage := strings.Fields(l.command().ArgsUsage)
	at := len(l.args)
	if n := len(usage); n > 0 && at >= n && strings.Contains(usage[n-1], "...") {
		at = n - 1
	}
	if at >= len(usage) {
		return nil
	}
	if values := argValues[strings.Trim(usage[at], "[].")]; values != nil {
		return values(e)
	}
	return nil
}
