package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"accord/node/bench"

	"github.com/urfave/cli/v2"
)

// benchRecordsCommand measures the record store on this machine.
func benchRecordsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "records",
		Usage: e.t("测量记录的导入、镜像、查询与大小，并与 PostgreSQL 对照", "measure importing, mirroring, finding and size of records, with PostgreSQL beside it"),
		Description: e.t("以真实的节点进程、写盘的记录库（SQLite 与 PostgreSQL）测量；与对照轮流进行，取中位数。只在安静的机器上可信；默认规模完整一遍需数小时和约 100 GB 磁盘，可用各规模参数缩小。",
			"Measures real node processes with durable stores (SQLite and PostgreSQL); rounds take turns with the rival's, medians count. To be believed on a quiet machine only; all of it at full size takes hours and about 100 GB of disk, and the sizes can be made smaller."),
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: e.t("只测 `NAME`（可重复）", "measure `NAME` only (may be repeated)") + ": " + strings.Join(bench.RecordNames(), ", ")},
			&cli.StringSliceFlag{Name: "store", Usage: e.t("只用这个记录库 `NAME`（可重复）", "this store only, `NAME` (may be repeated)") + ": " + strings.Join(bench.Stores(), ", ")},
			&cli.DurationFlag{Name: "duration", Value: 5 * time.Second, Usage: e.t("每轮查询的时长", "length of a round of questions")},
			&cli.IntFlag{Name: "rounds", Value: 5, Usage: e.t("轮数；结果取中位数", "rounds; medians count")},
			&cli.IntFlag{Name: "rows", Value: 20_000, Usage: e.t("import、size 每轮导入的行数", "rows imported in a round of import, and for size")},
			&cli.IntFlag{Name: "memory-rows", Value: 1_000_000, Usage: e.t("import-memory 的 CSV 行数", "CSV rows of import-memory")},
			&cli.IntFlag{Name: "sheet-rows", Value: 100_000, Usage: e.t("import-memory 的 XLSX 行数", "XLSX rows of import-memory")},
			&cli.IntFlag{Name: "mirrored", Value: 1_000_000, Usage: e.t("mirror 的记录数", "records of mirror")},
			&cli.StringFlag{Name: "records", Value: "1000000,10000000", Usage: e.t("lookup 的记录数 `N,N`", "records of lookup, `N,N`")},
			&cli.IntFlag{Name: "names", Value: 1_000_000, Usage: e.t("name-search 的主体数", "subjects of name-search")},
			choice("rival", "postgres", []string{"postgres", "none"}, e.t("对照系统", "what to measure beside it")),
			&cli.StringFlag{Name: "work", Usage: e.t("在 `DIR` 中测量（真实磁盘）；默认系统临时目录", "measure in `DIR`, on a real disk; default the system's temporary folder")},
			&cli.StringFlag{Name: "profiles", Usage: e.t("把各节点的处理器剖析写入 `DIR`", "write the nodes' CPU profiles into `DIR`")},
			&cli.BoolFlag{Name: "quick", Usage: e.t("一切从小：只看能否运行，数字无意义", "everything small: does it work; the figures mean nothing")},
		},
		Action: func(c *cli.Context) error { return e.benchRecords(c) },
	}
}

func (e *env) benchRecords(c *cli.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := bench.RecordOptions{Program: []string{program}, Dir: c.String("work"), Duration: c.Duration("duration"), Rounds: c.Int("rounds"),
		Stores: c.StringSlice("store"), Rows: c.Int("rows"), MemoryRows: c.Int("memory-rows"), SheetRows: c.Int("sheet-rows"),
		Mirrored: c.Int("mirrored"), Names: c.Int("names"), Only: c.StringSlice("only"),
		Rival: c.String("rival") == "postgres", Profile: c.String("profiles"), Quick: c.Bool("quick"), Say: e.note}
	const example = "5, 10s, 1000000"
	for _, part := range strings.Split(c.String("records"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 100 {
			return errBadValue.With("flag", "--records", "value", c.String("records"), "example", "1000000,10000000")
		}
		o.Looked = append(o.Looked, n)
	}
	for _, flag := range []struct {
		name string
		ok   bool
	}{{"duration", o.Duration > 0}, {"rounds", o.Rounds > 0}, {"rows", o.Rows >= 100}, {"memory-rows", o.MemoryRows >= 100},
		{"sheet-rows", o.SheetRows >= 100 && o.SheetRows < 1<<20}, {"mirrored", o.Mirrored >= 100}, {"names", o.Names >= 100}} {
		if !flag.ok {
			return errBadValue.With("flag", "--"+flag.name, "value", c.Value(flag.name), "example", example)
		}
	}
	return e.measured(c, func(ctx context.Context) (bench.Report, error) { return bench.RunRecords(ctx, o) })
}
