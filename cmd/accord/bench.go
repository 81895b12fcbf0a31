package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"accord/exchange"
	"accord/node"
	"accord/node/bench"
	"accord/node/config"
	"accord/node/demo"

	"github.com/urfave/cli/v2"
)

var errBenchNode = exchange.Define(exchange.KindForbidden, "CLI-071",
	exchange.Text{Zh: "联合体 {federation} 的节点不能这样运行", En: "a node of {federation} is not run like this"},
	exchange.Text{Zh: "用 accord node run", En: "use accord node run"})

var errClients = exchange.Define(exchange.KindInvalid, "CLI-070",
	exchange.Text{Zh: "客户端数无效：{value}", En: "{value} is no number of clients"},
	exchange.Text{Zh: "写成 1,16,64,256，每个在 1 与 1000 之间", En: "write 1,16,64,256, each between 1 and 1000"})

// benchCommand measures on this machine.
func benchCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "bench",
		Category: e.t("节点", "node"),
		Usage:    e.t("在本机测量", "measure on this machine"),
		Subcommands: []*cli.Command{{
			Name:  "ledger",
			Usage: e.t("测量账本的速度与大小，并与 etcd 对照", "measure the ledger's speed and size, with etcd beside it"),
			Description: e.t("建立三家单位的联合体（三个真实进程，写盘），同时运行三个 etcd 进程，轮流测量，取中位数。只在安静的机器上可信；完整一遍约一小时。",
				"Founds a federation of three (real processes, durable) and runs three of etcd beside it; rounds take turns, medians count. To be believed on a quiet machine only; all of it takes about an hour."),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "clients", Value: "1,16,64,256", Usage: e.t("并发客户端数 `N,N`", "numbers of clients at once, `N,N`")},
				&cli.DurationFlag{Name: "duration", Value: 5 * time.Second, Usage: e.t("每轮时长", "length of a round")},
				&cli.IntFlag{Name: "rounds", Value: 5, Usage: e.t("轮数；结果取中位数", "rounds; medians count")},
				&cli.IntFlag{Name: "entries", Value: 1_000_000, Usage: e.t("满账本的条目数", "entries on the full ledger")},
				&cli.IntFlag{Name: "failovers", Value: 50, Usage: e.t("主节点故障次数", "how often the leader is killed")},
				&cli.StringSliceFlag{Name: "only", Usage: e.t("只测 `NAME`（可重复）", "measure `NAME` only (may be repeated)") + ": " + strings.Join(bench.Names(), ", ")},
				choice("rival", "etcd", []string{"etcd", "none"}, e.t("对照系统", "what to measure beside it")),
				&cli.StringFlag{Name: "work", Usage: e.t("在 `DIR` 中测量（真实磁盘）；默认系统临时目录", "measure in `DIR`, on a real disk; default the system's temporary folder")},
				&cli.StringFlag{Name: "profiles", Usage: e.t("把各节点的处理器剖析写入 `DIR`", "write the nodes' CPU profiles into `DIR`")},
				&cli.BoolFlag{Name: "quick", Usage: e.t("一切从小：只看能否运行，数字无意义", "everything small: does it work; the figures mean nothing")},
			},
			Action: func(c *cli.Context) error { return e.benchLedger(c) },
		}, benchRecordsCommand(e), benchReleaseCommand(e), {
			Name:   "node",
			Hidden: true,
			Usage:  e.t("被测节点", "a node under measurement"),
			Flags: []cli.Flag{
				&cli.StringSliceFlag{Name: "set", Usage: e.t("覆盖一个配置项 `KEY=VALUE`", "override one setting, `KEY=VALUE`")},
				&cli.StringFlag{Name: "profiles", Usage: e.t("处理器剖析写入 `DIR`", "write CPU profiles into `DIR`")},
				&cli.BoolFlag{Name: "unguarded", Usage: e.t("不设守卫，以测量其代价", "without the guard, to measure what it costs")},
			},
			Action: func(c *cli.Context) error {
				return e.runNode(c.Context, c.StringSlice("set"), func(cfg config.Config, o *node.Options) error {
					if cfg.Federation != demo.Federation {
						return errBenchNode.With("federation", cfg.Federation)
					}
					if dir := c.String("profiles"); dir != "" {
						go profileOnSignal(dir, cfg.Member)
					}
					o.Unguarded = c.Bool("unguarded")
					return nil
				})
			},
		}},
	}
}

func (e *env) benchLedger(c *cli.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := bench.Options{Program: []string{program}, Dir: c.String("work"), Duration: c.Duration("duration"), Rounds: c.Int("rounds"),
		Entries: c.Int("entries"), Failovers: c.Int("failovers"), Only: c.StringSlice("only"), Rival: c.String("rival") == "etcd",
		Profile: c.String("profiles"), Quick: c.Bool("quick"), Say: e.note}
	if o.Clients, err = clientsOf(c.String("clients")); err != nil {
		return err
	}
	for flag, ok := range map[string]bool{"--duration": o.Duration > 0, "--rounds": o.Rounds > 0, "--entries": o.Entries >= 1000, "--failovers": o.Failovers > 0} {
		if !ok {
			return errBadValue.With("flag", flag, "value", c.Value(strings.TrimPrefix(flag, "--")), "example", "5, 10s, 1000000")
		}
	}
	return e.measured(c, func(ctx context.Context) (bench.Report, error) { return bench.Run(ctx, o) })
}

// measured measures until it is interrupted, and prints what was measured by then.
func (e *env) measured(c *cli.Context, run func(context.Context) (bench.Report, error)) error {
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := run(ctx)
	if len(report.Results) == 0 {
		return err
	}
	if perr := e.printReport(report); perr != nil {
		return perr
	}
	return err
}

func clientsOf(list string) ([]int, error) {
	var out []int
	for _, part := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 || n > 1000 {
			return nil, errClients.With("value", list)
		}
		out = append(out, n)
	}
	return out, nil
}

func (e *env) printReport(report bench.Report) error {
	table := rows{Columns: []column{
		{ID: "name", Title: exchange.Text{Zh: "测量", En: "measured"}, Whole: true},
		{ID: "value", Title: exchange.Text{Zh: "数值", En: "value"}, Right: true, Whole: true},
		{ID: "range", Title: exchange.Text{Zh: "范围", En: "range"}, Right: true, Whole: true},
		{ID: "unit", Title: exchange.Text{Zh: "单位", En: "unit"}, Whole: true},
		{ID: "rival", Title: exchange.Text{Zh: "对照", En: "beside it"}},
		{ID: "rival_value", Title: exchange.Text{Zh: "其数值", En: "its value"}, Right: true, Whole: true},
		{ID: "rival_range", Title: exchange.Text{Zh: "其范围", En: "its range"}, Right: true, Whole: true},
		{ID: "ratio", Title: exchange.Text{Zh: "比值", En: "ratio"}, Right: true, Whole: true},
		{ID: "goal", Title: exchange.Text{Zh: "目标", En: "goal"}, Whole: true},
		{ID: "reached", Title: exchange.Text{Zh: "达到", En: "reached"}, Whole: true},
		{ID: "note", Title: exchange.Text{Zh: "说明", En: "note"}},
	}}
	for _, r := range report.Results {
		table.add(r.Name, figure(r.Value), rangeOf(r.Value, r.Spread), r.Unit, r.Rival, figure(r.RivalValue), rangeOf(r.RivalValue, r.RivalSpread),
			figure(r.Ratio), r.Goal, reached(r.Reached), r.Note)
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(table)
	}
	return e.object(report, func(w io.Writer) {
		m := report.Machine
		fmt.Fprintf(w, "%s\n", e.t(
			fmt.Sprintf("%s，%d 核，%g GiB，%s，%s；%s；%s", m.CPU, m.Cores, m.MemoryGiB, m.System, m.FileSystem, m.Rival, m.Date),
			fmt.Sprintf("%s, %d cores, %g GiB, %s, %s; %s; %s", m.CPU, m.Cores, m.MemoryGiB, m.System, m.FileSystem, m.Rival, m.Date)))
		io.WriteString(w, e.tableText(table))
	})
}

// figure is a number as it was rounded, nil for none.
func figure(v *float64) any {
	if v == nil {
		return nil
	}
	return json64(*v)
}

// json64 is a number that people and machines read alike, without exponents.
type json64 float64

func (f json64) String() string { return strconv.FormatFloat(float64(f), 'f', -1, 64) }

func (f json64) MarshalJSON() ([]byte, error) { return []byte(f.String()), nil }

// rangeOf is the least and greatest of the rounds, where there were several.
func rangeOf(v *float64, s [2]float64) any {
	if v == nil || s[0] == s[1] {
		return nil
	}
	return fmt.Sprintf("%.4g–%.4g", s[0], s[1])
}

func reached(v *bool) any {
	if v == nil {
		return nil
	}
	return *v
}

// profileOnSignal writes a CPU profile from every other SIGUSR1 to the next.
func profileOnSignal(dir, name string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	for n := 1; ; n++ {
		<-signals
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", name, n)))
		if err != nil {
			return
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return
		}
		<-signals
		pprof.StopCPUProfile()
		f.Close()
	}
}
