package main

import (
	"io"

	"accord/exchange"
	"accord/exchange/records"
	"accord/node"
	"accord/node/config"

	"github.com/urfave/cli/v2"
)

var (
	errDatabase = exchange.Define(exchange.KindInvalid, "CLI-080",
		exchange.Text{Zh: "此数据库缺 {failed} 项", En: "the database lacks {failed} things"},
		exchange.Text{Zh: "按每项之后的处理办法修复，再运行 accord db probe", En: "mend them as each finding says, then run accord db probe again"})
	errNoDatabase = exchange.Define(exchange.KindInvalid, "CLI-081",
		exchange.Text{Zh: "没有指明数据库", En: "no database is named"},
		exchange.Text{Zh: "在命令中写出地址，或在 accord.yaml 中设 store", En: "give its address, or set store in accord.yaml"})
)

// dbCommand is about the database that holds a node's records.
func dbCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "db",
		Category: e.t("节点", "node"),
		Usage:    e.t("记录库所在的 PostgreSQL 数据库", "the PostgreSQL database that holds a node's records"),
		Subcommands: []*cli.Command{{
			Name:      "probe",
			Usage:     e.t("检查数据库是否具备所需，逐项给出处理办法；不留下任何东西", "see whether a database has what is needed, with a remedy for each lack; leaves nothing behind"),
			ArgsUsage: "[URL]",
			Action:    func(c *cli.Context) error { return e.dbProbe(c) },
		}, {
			Name:  "move",
			Usage: e.t("把 records.db 移入数据库，以摘要核对；节点须已停止，中断后可继续", "move records.db into a database, compared by digest; the node is stopped, and an interrupted move goes on"),
			Description: e.t("先用 accord db probe 检查。核对一致后 records.db 改名为 records.moved.db，不再使用。\n然后在 accord.yaml 中设 store，启动节点。",
				"Look with accord db probe first. When both sides are equal, records.db becomes\nrecords.moved.db, which nothing uses any more. Then set store in accord.yaml and start."),
			Flags:  []cli.Flag{&cli.StringFlag{Name: "to", Usage: e.t("数据库地址 `URL`，默认为 accord.yaml 的 store", "the database's `URL`; store in accord.yaml by default")}},
			Action: func(c *cli.Context) error { return e.dbMove(c) },
		}, {
			Name:  "scrub",
			Usage: e.t("抹去已清除记录留在记录库文件中的旧字节；节点须已停止", "rub out what erased records have left in the store's files; the node is stopped"),
			Description: e.t("节点平时自动这样做；只有 PostgreSQL 中超过 256 MiB 的表留给本命令，因为重写期间不能读取。",
				"A running node does this by itself, but for tables of more than 256 MiB in PostgreSQL:\nthey are rewritten here, since nobody can read them meanwhile."),
			Action: func(c *cli.Context) error { return e.dbScrub(c) },
		}, {
			Name:  "adopt",
			Usage: e.t("由本节点接管本成员旧节点的数据库；节点须已停止", "take over the database of this member's former node; the node is stopped"),
			Flags: []cli.Flag{&cli.StringFlag{Name: "from", Required: true, Usage: e.t("旧节点编号 `NODE`，它不得再运行", "id of the former `NODE`, which must not run again")}},
			Action: func(c *cli.Context) error {
				cfg, address, err := e.database("")
				if err != nil {
					return err
				}
				if err := node.AdoptRecords(c.Context, cfg, c.String("from")); err != nil {
					return err
				}
				adopted := struct {
					Store string `json:"store"`
				}{address}
				return e.object(adopted, func(w io.Writer) {
					e.card(w, fact{exchange.Text{Zh: "已接管", En: "adopted"}, adopted.Store})
				})
			},
		}},
	}
}

// database is the address that is meant, with the node's configuration.
func (e *env) database(address string) (config.Config, string, error) {
	cfg, err := e.config()
	if err != nil {
		return cfg, "", err
	}
	if address == "" {
		address = cfg.Store
	}
	if address == "" {
		return cfg, "", errNoDatabase.With()
	}
	return cfg, address, nil
}

func (e *env) dbProbe(c *cli.Context) error {
	cfg, address, err := e.database(c.Args().First())
	if err != nil {
		return err
	}
	d, err := node.DatabaseOf(cfg, address)
	if err != nil {
		return err
	}
	failed := 0
	list := rows{Columns: []column{
		{ID: "check", Title: exchange.Text{Zh: "检查", En: "CHECK"}, Bare: true},
		{ID: "title", Title: exchange.Text{Zh: "需要", En: "NEEDED"}, Whole: true},
		{ID: "ok", Title: exchange.Text{Zh: "具备", En: "THERE"}},
		{ID: "found", Title: exchange.Text{Zh: "所见", En: "FOUND"}},
		{ID: "fix", Title: exchange.Text{Zh: "处理办法", En: "REMEDY"}, Whole: true},
	}}
	for _, check := range records.Probe(c.Context, d) {
		if !check.OK {
			failed++
		}
		list.add(check.Name, check.Title, check.OK, check.Found, check.Fix)
	}
	if err := e.print(list); err != nil {
		return err
	}
	if failed > 0 {
		return errDatabase.With("failed", failed)
	}
	return nil
}

func (e *env) dbScrub(c *cli.Context) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	n, err := node.ScrubRecords(c.Context, cfg)
	if err != nil {
		return err
	}
	scrubbed := struct {
		Erasures int64 `json:"erasures"`
	}{n}
	return e.object(scrubbed, func(w io.Writer) {
		e.card(w, fact{exchange.Text{Zh: "已抹去的清除次数", En: "erasures rubbed out"}, scrubbed.Erasures})
	})
}

func (e *env) dbMove(c *cli.Context) error {
	cfg, address, err := e.database(c.String("to"))
	if err != nil {
		return err
	}
	m := e.meter(exchange.Text{Zh: "已读、已移、已核对的行", En: "rows read, moved, compared"}, 0)
	moved, err := node.MoveRecords(c.Context, cfg, address, m.Add)
	m.Stop()
	if err != nil {
		return err
	}
	return e.object(moved, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "行数", En: "rows"}, moved.Rows},
			fact{exchange.Text{Zh: "两边的内容摘要", En: "digest of both sides"}, moved.Digest},
			fact{labelNext, exchange.Text{
				Zh: "在 accord.yaml 中设 store: " + address + " 并启动节点；确认无误后删除 records.moved.db",
				En: "set store: " + address + " in accord.yaml and start the node; remove records.moved.db when you are sure"}})
	})
}
