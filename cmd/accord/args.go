package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// line is a command line sorted out by the command tree's own flag table.
// Nothing in it is parsed yet, but every word has its place.
type line struct {
	path   []*cli.Command // from the root down to the command meant
	words  []string       // as typed, that named the path
	flags  []given
	dashes bool // "--" was typed
	args   []string
	help   bool // --help or -h was among the flags
}

// given is a flag as it was typed, with its value if that was a word apart.
type given struct {
	name     string // canonical
	words    []string
	variable string // where it came from, when not from the line
}

// resolve sorts argv (without the program's name) by the tree under root. It
// refuses unknown commands and flags, values that are missing or look like
// flags, and a flag given twice, wherever they stand.
func resolve(root *cli.Command, argv []string) (*line, error) {
	l := &line{path: []*cli.Command{root}}
	for i := 0; i < len(argv); i++ {
		word := argv[i]
		switch {
		case word == "--":
			l.dashes = true
			l.args = append(l.args, argv[i+1:]...)
			i = len(argv)
		case len(word) > 1 && word[0] == '-':
			used, err := l.takeFlag(argv[i:])
			if err != nil {
				return nil, err
			}
			i += used - 1
		case len(l.command().Subcommands) > 0:
			if err := l.descend(word); err != nil {
				return nil, err
			}
		default:
			l.args = append(l.args, word)
		}
	}
	if len(l.args) > 0 && len(l.command().Subcommands) > 0 {
		return nil, l.unknownCommand(l.args[0])
	}
	return l, nil
}

// command is the one meant.
func (l *line) command() *cli.Command { return l.path[len(l.path)-1] }

// name is the command's path as a user types it, program first.
func (l *line) name() string {
	var names []string
	for _, c := range l.path {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// helpLine is what to type to read about the command.
func (l *line) helpLine() string {
	_, rest, ok := strings.Cut(l.name(), " ")
	if !ok {
		return l.name() + " help"
	}
	return l.path[0].Name + " help " + rest
}

// descend takes one step down the tree.
func (l *line) descend(word string) error {
	for _, c := range l.command().Subcommands {
		if c.HasName(word) {
			l.path = append(l.path, c)
			l.words = append(l.words, word)
			return nil
		}
	}
	return l.unknownCommand(word)
}

func (l *line) unknownCommand(word string) error {
	var names []string
	for _, c := range l.command().Subcommands {
		if !c.Hidden {
			names = append(names, c.Names()...)
		}
	}
	try := l.helpLine()
	if near := nearest(word, names); near != "" {
		try = l.name() + " " + near
	}
	return errUnknownCommand.With("command", l.name()+" "+word, "try", try)
}

// takeFlag takes the flag that words begins with and says how many words it
// used.
func (l *line) takeFlag(words []string) (int, error) {
	typed, value, joined := strings.Cut(words[0], "=")
	f := l.lookup(typed)
	if f == nil {
		return 0, l.unknownFlag(typed)
	}
	if err := l.refuseRepetition(f, typed); err != nil {
		return 0, err
	}
	g := given{name: canonical(f), words: words[:1]}
	if g.name == "help" && value != "false" {
		l.help = true
	}
	if takesValue(f) && !joined {
		if len(words) < 2 || looksLikeFlag(words[1]) {
			return 0, errValueMissing.With("flag", typed, "example", exampleOf(f))
		}
		g.words = words[:2]
	}
	l.flags = append(l.flags, g)
	return len(g.words), nil
}

// lookup finds a typed flag in the command's table, nil when it is not there.
// One dash goes with one letter and two with a name: urfave would also read
// "-dry-run", but then "-rf" would have two meanings.
func (l *line) lookup(typed string) cli.Flag {
	for _, f := range l.command().Flags {
		for _, name := range f.Names() {
			if dashed(name) == typed {
				return f
			}
		}
	}
	return nil
}

func (l *line) unknownFlag(typed string) error {
	var names []string
	for _, f := range l.command().Flags {
		for _, name := range f.Names() {
			names = append(names, dashed(name))
		}
	}
	try := l.helpLine()
	if bare := dashed(strings.TrimLeft(typed, "-")); slices.Contains(names, bare) {
		try = bare
	} else if near := nearest(typed, names); near != "" {
		try = near
	}
	return errUnknownFlag.With("flag", typed, "command", l.name(), "try", try)
}

// refuseRepetition refuses a single-valued flag given twice, since one of the
// two is a mistake, and a collecting one in two spellings, which urfave drops.
func (l *line) refuseRepetition(f cli.Flag, typed string) error {
	for _, g := range l.flags {
		before, _, _ := strings.Cut(g.words[0], "=")
		if g.name == canonical(f) && (!repeatable(f) || before != typed) {
			return errFlagTwice.With("flag", dashed(g.name))
		}
	}
	return nil
}

// looksLikeFlag says whether a word after a flag is rather the next flag.
// Taking it for a value would swallow it: "--mapping --dry-run" would write.
func looksLikeFlag(word string) bool {
	return len(word) > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9')
}

// argv is the line as urfave understands it: command, flags, arguments. It
// holds the words that were typed and those that fill added, and no others.
func (l *line) argv() []string {
	argv := slices.Clone(l.words)
	for _, g := range l.flags {
		argv = append(argv, g.words...)
	}
	if l.dashes {
		argv = append(argv, "--")
	}
	return append(argv, l.args...)
}

// check holds the line against what the command asks for.
func (l *line) check() error {
	for _, f := range l.command().Flags {
		if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() && !l.has(canonical(f)) {
			return errFlagMissing.With("flag", dashed(canonical(f)), "example", exampleOf(f))
		}
	}
	least, most := arity(l.command().ArgsUsage)
	if len(l.args) < least {
		return errArgumentMissing.With("command", l.name(), "arguments", l.command().ArgsUsage)
	}
	if most >= 0 && len(l.args) > most {
		return errArgumentTooMany.With("argument", l.args[most], "command", l.name(), "help", l.helpLine())
	}
	return nil
}

func (l *line) has(name string) bool {
	return slices.ContainsFunc(l.flags, func(g given) bool { return g.name == name })
}

// arity reads how many arguments a command takes out of its ArgsUsage:
// "FILE [ID...]" is at least one and no upper bound (-1).
func arity(usage string) (least, most int) {
	for _, word := range strings.Fields(usage) {
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if strings.Contains(word, "...") {
			most = -1
		}
		if most >= 0 {
			most++
		}
	}
	return least, most
}

// lastValue finds the value of a flag in an unread line, "" when it is not
// there. It only serves to choose how errors are shown.
func lastValue(argv []string, names ...string) string {
	found := ""
	for i, word := range argv {
		if word == "--" {
			break
		}
		name, value, joined := strings.Cut(word, "=")
		if !slices.Contains(names, name) {
			continue
		}
		if !joined && i+1 < len(argv) {
			value = argv[i+1]
		}
		found = value
	}
	return found
}
