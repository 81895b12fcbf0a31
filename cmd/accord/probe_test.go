package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/exchange"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"
)

// TestMain also installs the program with the probe group as "accord-probe", for the
// scripts. Programs that the tests build come without the race detector, which is for
// tests in one process and makes real ones many times slower.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("GOFLAGS"); err != nil {
		panic(err)
	}
	testscript.Main(cleanRun{m}, map[string]func(){
		"accord-evidence": writeEvidence,
		"accord-probe": func() {
			os.Exit(run(context.Background(), osEnv(), append(commands, probeCommand)...))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, Setup: takesProgram})
}

// takesProgram lets a script find the program as it is built, without the race detector
// that may watch the tests: two hundred starts of it took longer than all they do.
func takesProgram(e *testscript.Env) error {
	built, err := binary()
	if err == nil {
		e.Setenv("PATH", filepath.Dir(built)+string(filepath.ListSeparator)+e.Getenv("PATH"))
	}
	return err
}

var errProbe = exchange.Define(exchange.KindRefused, "PROBE-001",
	exchange.Text{Zh: "{what} 不允许", En: "{what} is not allowed"},
	exchange.Text{Zh: "换一个", En: "take another"})

// probeCommand is a group as other authors will write them, with every kind of
// flag, whose commands say what they were given.
func probeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "probe",
		Category: e.t("试验", "probes"),
		Usage:    e.t("试验用", "for tests"),
		Subcommands: []*cli.Command{
			probeImport(e),
			probeAct(e, "list", "[ID...]", e.listProbe),
			probeAct(e, "fail", "KIND", failProbe),
			probeAct(e, "confirm", "", func(c *cli.Context) error {
				return e.confirm(c.Bool("yes"), exchange.Text{Zh: "删除?", En: "delete?"})
			}),
			probeAct(e, "node", "", func(*cli.Context) error {
				resp, err := e.HTTP().Get("http://node/status")
				if err == nil {
					defer resp.Body.Close()
					_, err = io.Copy(e.Stdout, resp.Body)
				}
				return err
			}),
			probeAct(e, "open", "FILE", func(c *cli.Context) error {
				_, err := os.Open(c.Args().First())
				return err
			}),
			probeAct(e, "wait", "", func(c *cli.Context) error {
				<-c.Done()
				return c.Err()
			}),
			probeAct(e, "panic", "", func(*cli.Context) error { panic("probe") }),
		},
	}
}

func probeAct(e *env, name, args string, act cli.ActionFunc) *cli.Command {
	return &cli.Command{Name: name, ArgsUsage: args, Usage: e.t("试验", "probe"), Action: act,
		Flags: []cli.Flag{yesFlag(e)}}
}

func probeImport(e *env) *cli.Command {
	return &cli.Command{
		Name: "import", Aliases: []string{"in"}, Usage: e.t("导入", "import"), ArgsUsage: "FILE [ID...]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: e.t("只检查", "check only")},
			&cli.IntFlag{Name: "limit", Usage: e.t("最多 `N` 行", "at most `N` rows")},
			&cli.StringFlag{Name: "mapping", Aliases: []string{"m"}, Usage: e.t("对照表", "mapping")},
			&cli.StringSliceFlag{Name: "tag", Aliases: []string{"t"}, Usage: e.t("标签", "tag")},
			&cli.DurationFlag{Name: "wait", Usage: e.t("等待", "wait")},
			choice("kind", "record", []string{"record", "entry"}, e.t("内容", "kind")),
		},
		Action: func(c *cli.Context) error {
			verb := "IMPORTED"
			if c.Bool("dry-run") {
				verb = "checked"
			}
			return e.write(fmt.Sprintf("%s args=%q limit=%d mapping=%q tag=%q kind=%s wait=%s output=%s operator=%s\n",
				verb, c.Args().Slice(), c.Int("limit"), c.String("mapping"), c.StringSlice("tag"),
				c.String("kind"), c.Duration("wait"), e.Format, e.Operator))
		},
	}
}

func (e *env) listProbe(*cli.Context) error {
	list := rows{Columns: []column{
		{ID: "no", Title: exchange.Text{Zh: "编号", En: "NO."}, Right: true},
		{ID: "subject", Title: exchange.Text{Zh: "主体", En: "SUBJECT"}},
		{ID: "since", Title: exchange.Text{Zh: "列入", En: "SINCE"}},
		{ID: "listed", Title: exchange.Text{Zh: "在列", En: "LISTED"}},
	}}
	since := exchange.MillisOf(time.Date(2026, 11, 20, 16, 30, 0, 0, time.UTC))
	list.add(7, "甲保险代理有限公司", since, true)
	list.add(42, "=HYPERLINK(\"x\")", exchange.Millis(0), nil)
	return e.print(list)
}

// failProbe fails with the kind named.
func failProbe(c *cli.Context) error {
	for k := exchange.KindInternal; k <= exchange.KindPartial; k++ {
		if k.String() == c.Args().First() {
			x := errProbe.With("what", "x\x1b[31my").At("/entry")
			x.Kind = k
			return fmt.Errorf("outer: %w", x)
		}
	}
	return errors.New("hunter2 is the password")
}

// probe is a test's own world.
type probe struct {
	env
	out, err bytes.Buffer
	vars     map[string]string
	tty      bool
	clock    time.Time
}

func newProbe(args ...string) *probe {
	p := &probe{vars: map[string]string{"LANG": "en_US.UTF-8", "HOME": "/home/zhang"},
		clock: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	p.env = env{
		Stdout: &p.out, Stderr: &p.err, Stdin: strings.NewReader(""),
		Args:   append([]string{"accord"}, args...),
		Getenv: func(name string) string { return p.vars[name] },
		Environ: func() []string {
			var all []string
			for k, v := range p.vars {
				all = append(all, k+"="+v)
			}
			return all
		},
		IsTTY: func(any) bool { return p.tty }, Width: func() int { return 80 },
		Now: func() time.Time { return p.clock },
	}
	return p
}

func (p *probe) run() int {
	return run(context.Background(), &p.env, append(commands, probeCommand)...)
}
