package main

import (
	"io"
	"sync"

	"accord/exchange"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// ledgerCommand looks at the ledger and exports evidence of it.
func ledgerCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "ledger",
		Category: e.t("证据", "evidence"),
		Usage:    e.t("账本与证据", "the ledger and evidence"),
		Subcommands: []*cli.Command{{
			Name:  "status",
			Usage: e.t("账本位置、根和状态摘要", "the ledger's position, root and state digest"),
			Flags: []cli.Flag{linearFlag(e), staleFlag(e)},
			Action: func(c *cli.Context) error {
				node, err := e.reader(c)
				if err != nil {
					return err
				}
				l, err := node.Ledger(c.Context, c.Bool("linear"))
				if err != nil {
					return err
				}
				return e.object(l, func(w io.Writer) { e.ledgerCard(w, l) })
			},
		}, {
			Name:  "statements",
			Usage: e.t("账本记录的声明", "the statements on the ledger"),
			Flags: []cli.Flag{
				&cli.Int64Flag{Name: "after", Usage: e.t("从序号 `N` 之后开始", "those after number `N`")},
				staleFlag(e), limitFlag(e),
			},
			Action: func(c *cli.Context) error { return e.listStatements(c) },
		}, {
			Name:  "checkpoint",
			Usage: e.t("本节点签署的检查点", "a checkpoint signed by this node"),
			Flags: []cli.Flag{&cli.Int64Flag{Name: "size", Usage: e.t("前 `N` 条的检查点，默认全部", "of the first `N` statements; default all")}},
			Action: func(c *cli.Context) error {
				point, err := e.node().Checkpoint(c.Context, c.Int64("size"))
				if err != nil {
					return err
				}
				return e.object(point, func(w io.Writer) { io.WriteString(w, point.Note) })
			},
		}, {
			Name:  "export",
			Usage: e.t("把账本和可出示的文书导出为一个证据文件", "export ledger and documents as one evidence file"),
			Flags: []cli.Flag{e.outFlag("")},
			Action: func(c *cli.Context) error {
				evidence, err := e.node().Bundle(c.Context)
				if err != nil {
					return err
				}
				return e.saveEvidence(c.String("out"), evidence)
			},
		}, e.cosignedCommand(), e.policyCommand(), e.proofCommand(), e.verifyLedgerCommand(),
			e.forksCommand(), e.forkEvidenceCommand(), e.settleCommand(), e.complaintsCommand()},
	}
}

func linearFlag(e *env) cli.Flag {
	return &cli.BoolFlag{Name: "linear", Usage: e.t("先等到此刻已提交的全部内容", "wait for all that is committed by now")}
}

func staleFlag(e *env) cli.Flag {
	return &cli.BoolFlag{Name: "stale", Usage: e.t("节点刚启动、尚无法定数时，也读取它已有的状态；可能已过时", "while a node that has just started finds no quorum, read what it has; it may be old")}
}

var (
	errReadTwice = exchange.Define(exchange.KindInvalid, "CLI-072",
		exchange.Text{Zh: "--linear 与 --stale 不能同用", En: "--linear and --stale exclude each other"},
		exchange.Text{Zh: "只保留一个", En: "keep one of them"})
	warnStale = exchange.Define(exchange.KindUnavailable, "CLI-073",
		exchange.Text{Zh: "节点启动以来尚未取得账本的最新状态；结果停在日志位置 {index}、账本时间 {time}，之后可能还有新的声明", En: "the node has not reached the ledger's newest state since it started; this is how it stood at log index {index}, ledger time {time}, and newer statements may exist"},
		exchange.Text{Zh: "仅供参考；达到法定数后再查一次", En: "do not rely on it; ask again when there is a quorum"})
)

// reader is the node for a reading command. One with --stale says so, once, when
// what it reads is not known to be what was committed.
func (e *env) reader(c *cli.Context) (*client.Client, error) {
	if !c.Bool("stale") {
		return e.node(), nil
	}
	if c.Bool("linear") {
		return nil, errReadTwice.With()
	}
	var once sync.Once
	return e.node().Stale(func(index, at string) {
		once.Do(func() { e.warn(warnStale.With("index", index, "time", at)) })
	}), nil
}

// limitFlag goes with commands that read pages.
func limitFlag(e *env) cli.Flag {
	return &cli.UintFlag{Name: "limit", Usage: e.t("最多 `N` 行，0 为全部", "at most `N` rows, 0 for all")}
}

// pageSize is how many rows a command asks for at once: what API v1 allows.
const pageSize = 500

// pages asks for page after page until there is none, or want rows are there
// (0: all). get is told how many rows the page may have and says how many it
// had and whether there is another.
func pages(want int, get func(limit int) (got int, more bool, err error)) error {
	for have := 0; ; {
		limit := pageSize
		if want > 0 {
			limit = min(limit, want-have)
		}
		got, more, err := get(limit)
		if err != nil {
			return err
		}
		have += got
		if !more || want > 0 && have >= want {
			return nil
		}
	}
}

func (e *env) ledgerCard(w io.Writer, l wire.Ledger) {
	e.card(w,
		fact{exchange.Text{Zh: "条数", En: "size"}, l.Size},
		fact{exchange.Text{Zh: "根", En: "root"}, l.Root},
		fact{labelState, l.Digest},
		fact{exchange.Text{Zh: "日志位置", En: "log index"}, l.Index},
		fact{exchange.Text{Zh: "账本时间", En: "ledger time"}, l.Time})
}

func (e *env) listStatements(c *cli.Context) error {
	list := rows{Columns: []column{
		{ID: "seq", Title: exchange.Text{Zh: "序号", En: "NO."}, Right: true},
		{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
		{ID: "verb", Title: exchange.Text{Zh: "事项", En: "ACT"}},
		{ID: "issuer", Title: exchange.Text{Zh: "单位", En: "MEMBER"}},
		{ID: "operator", Title: exchange.Text{Zh: "经办人", En: "OPERATOR"}},
		{ID: "ok", Title: exchange.Text{Zh: "生效", En: "DONE"}},
		{ID: "id", Title: exchange.Text{Zh: "指令", En: "COMMAND"}, Whole: true},
		{ID: "index", Title: exchange.Text{Zh: "日志位置", En: "INDEX"}, Bare: true},
		{ID: "jws", Title: exchange.Text{Zh: "原文", En: "SIGNED"}, Bare: true},
	}}
	node, err := e.reader(c)
	if err != nil {
		return err
	}
	after := c.Int64("after")
	err = pages(int(c.Uint("limit")), func(limit int) (int, bool, error) {
		page, err := node.Statements(c.Context, after, limit)
		if err != nil {
			return 0, false, err
		}
		for _, s := range page.Statements {
			list.add(s.Seq, s.At, told(verbs, s.Verb), s.Issuer, s.Operator, s.OK, s.ID, s.Index, s.JWS)
		}
		after = page.Next
		return len(page.Statements), len(page.Statements) > 0 && page.Next < page.Size-1, nil
	})
	if err != nil {
		return err
	}
	return e.print(list)
}
