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
		{"record import FILE --dry-run", "record import --dry-run FILE"},
		{"record import --limit 3 FILE --dry-run", "record import --limit 3 --dry-run FILE"},
		{"record import FILE -n", "record import -n FILE"},
		{"record in FILE --limit=3 ID -n", "record in --limit=3 -n FILE ID"},
		{"-o json record import FILE", "record import -o json FILE"},
		{"record --lang zh import FILE", "record import --lang zh FILE"},
		{"record import FILE --output json", "record import --output json FILE"},
		{"record import FILE --tag a --tag b", "record import --tag a --tag b FILE"},
		{"record import FILE --limit -5", "record import --limit -5 FILE"},
		{"record import FILE --mapping -", "record import --mapping - FILE"},
		{"record import FILE --mapping=--dry-run", "record import --mapping=--dry-run FILE"},
		{"record import - --dry-run", "record import --dry-run -"},
		{"record import FILE --dry-run=false", "record import --dry-run=false FILE"},
		{"record import FILE -- --dry-run", "record import -- FILE --dry-run"},
		{"record import FILE -n -- -x -- y", "record import -n -- FILE -x -- y"},
		{"record import -- -x", "record import -- -x"},
		{"record import help -n", "record import -n help"},
		{"record import import -n", "record import -n import"},
		{"record import", "record import"},
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
		"recrod import FILE":                     errUnknownCommand,
		"record improt FILE":                     errUnknownCommand,
		"record -- import":                       errUnknownCommand,
		"record import FILE --dryrun":            errUnknownFlag,
		"record import FILE -x":                  errUnknownFlag,
		"record import FILE -dry-run":            errUnknownFlag,
		"record import FILE --n":                 errUnknownFlag,
		"record import FILE ---dry-run":          errUnknownFlag,
		"record import FILE --=x":                errUnknownFlag,
		"record import FILE -nq":                 errUnknownFlag,
		"record import FILE -ojson":              errUnknownFlag,
		"record import FILE -5":                  errUnknownFlag,
		"--dry-run record import FILE":           errUnknownFlag,
		"record --dry-run import FILE":           errUnknownFlag,
		"record import --mapping --dry-run FILE": errValueMissing,
		"record import --mapping -- FILE":        errValueMissing,
		"record import --mapping -n FILE":        errValueMissing,
		"record import FILE --mapping":           errValueMissing,
		"record import FILE -o":                  errValueMissing,
		"record import FILE -n --dry-run":        errFlagTwice,
		"-o json record import FILE -o csv":      errFlagTwice,
		"record import -n FILE --dry-run=false":  errFlagTwice,
		"record import FILE --tag a -t b":        errFlagTwice,
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
		"must --basis x a":      nil,
		"must a --basis x b":    nil,
		"must --basis x":        errArgumentMissing,
		"must --basis x a b c":  errArgumentTooMany,
		"must a":                errFlagMissing,
		"record import":         errArgumentMissing,
		"record import a b c d": nil,
		"version now":           errArgumentTooMany,
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
	words := []string{"record", "import", "FILE", "--limit", "3", "--output=json"}
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
	for _, seed := range []string{"record import FILE --dry-run", "record import FILE -n -- -x", "-o json version",
		"record import --mapping=a b -t x -t y", "record import FILE --limit -5", "help record import", "- --", "--=", "record import -- -- --"} {
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
