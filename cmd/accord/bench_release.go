package main

import (
	"context"
	"os"
	"strings"
	"time"

	"accord/node/bench"

	"github.com/urfave/cli/v2"
)

// benchReleaseCommand measures on this machine how sealed fields are opened.
func benchReleaseCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "release",
		Usage: e.t("测量授权开放：裁决、整个开放过程", "measure releases: decisions, and all of a release"),
		Description: e.t("裁决在本进程内测量；整个开放过程以三家单位的真实节点进程、写盘测量，与单条账本指令轮流进行，取中位数。只在安静的机器上可信。",
			"Decisions are measured in this process; whole releases with real processes of three members, durable, taking turns with single statements; medians count. To be believed on a quiet machine only."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "clients", Value: "1,64", Usage: e.t("并发客户端数 `N,N`", "numbers of clients at once, `N,N`")},
			&cli.DurationFlag{Name: "duration", Value: 5 * time.Second, Usage: e.t("每轮时长", "length of a round")},
			&cli.IntFlag{Name: "rounds", Value: 5, Usage: e.t("轮数；结果取中位数", "rounds; medians count")},
			&cli.IntFlag{Name: "records", Value: 2000, Usage: e.t("可申请的记录数", "records that can be asked for")},
			&cli.StringSliceFlag{Name: "only", Usage: e.t("只测 `NAME`（可重复）", "measure `NAME` only (may be repeated)") + ": " + strings.Join(bench.ReleaseNames(), ", ")},
			&cli.StringFlag{Name: "work", Usage: e.t("在 `DIR` 中测量（真实磁盘）；默认系统临时目录", "measure in `DIR`, on a real disk; default the system's temporary folder")},
			&cli.StringFlag{Name: "profiles", Usage: e.t("把各节点的处理器剖析写入 `DIR`", "write the nodes' CPU profiles into `DIR`")},
			&cli.BoolFlag{Name: "quick", Usage: e.t("一切从小：只看能否运行，数字无意义", "everything small: does it work; the figures mean nothing")},
		},
		Action: func(c *cli.Context) error { return e.benchRelease(c) },
	}
}

func (e *env) benchRelease(c *cli.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := bench.Options{Program: []string{program}, Dir: c.String("work"), Duration: c.Duration("duration"), Rounds: c.Int("rounds"),
		Entries: c.Int("records"), Only: c.StringSlice("only"), Profile: c.String("profiles"), Quick: c.Bool("quick"), Say: e.note}
	if o.Clients, err = clientsOf(c.String("clients")); err != nil {
		return err
	}
	for flag, ok := range map[string]bool{"duration": o.Duration > 0, "rounds": o.Rounds > 0, "records": o.Entries >= 100} {
		if !ok {
			return errBadValue.With("flag", "--"+flag, "value", c.Value(flag), "example", "5, 10s, 2000")
		}
	}
	return e.measured(c, func(ctx context.Context) (bench.Report, error) { return bench.RunReleases(ctx, o) })
}
