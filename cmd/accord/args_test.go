package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func probeTree() *cli.Command {
	p := newProbe()
	p.Lang = "en"
	return rootOf(newApp(&p.env, append(commands, probeCommand)))
}

func TestResolveMovesFlagsBeforeArguments(t *testing.T) {
	for _, test := range []struct{ in, out string }{
		{"probe import FILE --dry-run", "probe import --dry-run FILE"},
		{"probe import --limit 3 FILE --dry-run", "probe import --limit 3 --dry-run FILE"},
		{"probe import FILE -n", "probe import -n FILE"},
		{"probe in FILE --limit=3 ID -n", "probe in --limit=3 -n FILE ID"},
		{"-o json probe import FILE", "probe import -o json FILE"},
		{"probe --lang zh import FILE", "probe import --lang zh FILE"},
		{"probe import FILE --output json", "probe import --output json FILE"},
		{"probe import FILE --tag a --tag b", "probe import --tag a --tag b FILE"},
		{"probe import FILE --limit -5", "probe import --limit -5 FILE"},
		{"probe import FILE --mapping -", "probe import --mapping - FILE"},
		{"probe import FILE --mapping=--dry-run", "probe import --mapping=--dry-run FILE"},
		{"probe import - --dry-run", "probe import --dry-run -"},
		{"probe import FILE --dry-run=false", "probe import --dry-run=false FILE"},
		{"probe import FILE -- --dry-run", "probe import -- FILE --dry-run"},
		{"probe import FILE -n -- -x -- y", "probe import -n -- FILE -x -- y"},
		{"probe import -- -x", "probe import -- -x"},
		{"probe import help -n", "probe import -n help"},
		{"probe import import -n", "probe import -n import"},
		{"probe import", "probe import"},
		{"", ""},
		{"version --", "version --"},
	} {
		l, err := resolve(probeTree(), strings.Fields(test.in))
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
		} else if got := strings.Join(l.argv(), " "); got != test.out {
			t.Errorf("%q became %q, want %q", test.in, got, test.out)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	for in, want := range map[string]error{
		"recrod import FILE":                    errUnknownCommand,
		"probe improt FILE":                     errUnknownCommand,
		"probe -- import":                       errUnknownCommand,
		"probe import FILE --dryrun":            errUnknownFlag,
		"probe import FILE -x":                  errUnknownFlag,
		"probe import FILE -dry-run":            errUnknownFlag,
		"probe import FILE --n":                 errUnknownFlag,
		"probe import FILE ---dry-run":          errUnknownFlag,
		"probe import FILE --=x":                errUnknownFlag,
		"probe import FILE -nq":                 errUnknownFlag,
		"probe import FILE -ojson":              errUnknownFlag,
		"probe import FILE -5":                  errUnknownFlag,
		"--dry-run probe import FILE":           errUnknownFlag,
		"probe --dry-run import FILE":           errUnknownFlag,
		"probe import --mapping --dry-run FILE": errValueMissing,
		"probe import --mapping -- FILE":        errValueMissing,
		"probe import --mapping -n FILE":        errValueMissing,
		"probe import FILE --mapping":           errValueMissing,
		"probe import FILE -o":                  errValueMissing,
		"probe import FILE -n --dry-run":        errFlagTwice,
		"-o json probe import FILE -o csv":      errFlagTwice,
		"probe import -n FILE --dry-run=false":  errFlagTwice,
		"probe import FILE --tag a -t b":        errFlagTwice,
	} {
		l, err := resolve(probeTree(), strings.Fields(in))
		if l != nil || !isError(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

func TestCheckCountsArgumentsAndAsksForRequiredFlags(t *testing.T) {
	root := probeTree()
	root.Subcommands = append(root.Subcommands, &cli.Command{Name: "must", ArgsUsage: "A [B]",
		Flags: []cli.Flag{&cli.StringFlag{Name: "basis", Required: true}}, Action: func(*cli.Context) error { return nil }})
	for in, want := range map[string]error{
		"must --basis x a":     nil,
		"must a --basis x b":   nil,
		"must --basis x":       errArgumentMissing,
		"must --basis x a b c": errArgumentTooMany,
		"must a":               errFlagMissing,
		"probe import":         errArgumentMissing,
		"probe import a b c d": nil,
		"version now":          errArgumentTooMany,
	} {
		l, err := resolve(root, strings.Fields(in))
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if err := l.check(); !isError(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

// TestTheDryRunFlagAlwaysCounts is the reason for this file: wherever the flag
// stands, nothing is imported.
func TestTheDryRunFlagAlwaysCounts(t *testing.T) {
	words := []string{"probe", "import", "FILE", "--limit", "3", "--output=json"}
	places := []int{0, 1, 2, 3, 5, 6} // not between --limit and its value
	for _, spelling := range []string{"--dry-run", "-n", "--dry-run=true", "-n=1"} {
		for _, at := range places {
			p := newProbe(slices.Insert(slices.Clone(words), at, spelling)...)
			code := p.run()
			if strings.Contains(p.out.String(), "IMPORTED") {
				t.Errorf("%v imported", p.Args)
			}
			if ran := code == 0; ran != (at >= 2) {
				t.Errorf("%v: exit %d %s", p.Args, code, p.err.String())
			}
		}
	}
}

// FuzzResolve: a line that is accepted loses and gains no word, and urfave
// then finds exactly the arguments that resolve found.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"probe import FILE --dry-run", "probe import FILE -n -- -x", "-o json version",
		"probe import --mapping=a b -t x -t y", "probe import FILE --limit -5", "help probe import", "- --", "--=", "probe import -- -- --"} {
		f.Add(strings.ReplaceAll(seed, " ", "\n"))
	}
	f.Fuzz(func(t *testing.T, in string) {
		argv := strings.Split(in, "\n")
		l, err := resolve(probeTree(), argv)
		if err != nil {
			if l != nil {
				t.Fatal("an error with a line")
			}
			return
		}
		before, after := slices.Sorted(slices.Values(argv)), slices.Sorted(slices.Values(l.argv()))
		if !slices.Equal(before, after) {
			t.Fatalf("%q became %q", argv, l.argv())
		}
		if len(l.path) == 1 || l.help || l.command().Action == nil {
			return
		}
		if got, ran := parsed(t, l); ran && !slices.Equal(got, l.args) {
			t.Fatalf("%q: urfave found arguments %q, resolve %q", argv, got, l.args)
		}
	})
}

// parsed lets urfave parse a resolved line and says which arguments the
// command saw; it may refuse a value.
func parsed(t *testing.T, l *line) (args []string, ran bool) {
	t.Helper()
	p := newProbe()
	app := newApp(&p.env, append(commands, probeCommand))
	c := rootOf(app)
	for _, word := range l.words {
		next := c.Command(word)
		if next == nil {
			t.Fatalf("no command %q", word)
		}
		c = next
	}
	c.Before = nil
	c.Action = func(c *cli.Context) error {
		args, ran = c.Args().Slice(), true
		return nil
	}
	_ = app.Run(append([]string{"accord"}, l.argv()...))
	return args, ran
}

func TestNearest(t *testing.T) {
	names := []string{"import", "export", "list", "--dry-run"}
	for word, want := range map[string]string{"improt": "import", "exprot": "export", "lst": "list", "--dryrun": "--dry-run",
		"--dry-rum": "--dry-run", "zzzzz": "", "": "", strings.Repeat("x", 1000): ""} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
}

func TestArity(t *testing.T) {
	for usage, want := range map[string][2]int{"": {0, 0}, "FILE": {1, 1}, "[CODE]": {0, 1}, "FILE [ID...]": {1, -1},
		"ID...": {1, -1}, "A B [C]": {2, 3}, "[A...]": {0, -1}} {
		least, most := arity(usage)
		if least != want[0] || most != want[1] {
			t.Errorf("arity(%q) = %d, %d", usage, least, most)
		}
	}
}

func isError(err, want error) bool {
	if want == nil {
		return err == nil
	}
	return err != nil && errors.Is(err, want)
}
