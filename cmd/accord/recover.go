package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/recovery"

	"github.com/urfave/cli/v2"
)

// recoverCommand lets a federation go on after a quorum was lost for good.
func recoverCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "recover",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("多数节点永久丢失后，按签署的方案继续", "go on by a signed plan after a majority of nodes is lost for good"),
		Subcommands: []*cli.Command{{
			Name:   "report",
			Usage:  e.t("本节点（已停止）的日志位置，签名成文件", "where this node's log stands (stopped), as a signed file"),
			Flags:  []cli.Flag{e.outFlag("")},
			Action: func(c *cli.Context) error { return e.withStopped(c, e.recoverReport) },
		}, {
			Name:      "draft",
			Usage:     e.t("由全部幸存节点的报告起草方案，并说明可能丢失什么", "draft a plan from all survivors' reports, and say what may be lost"),
			ArgsUsage: "REPORT...",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "reason", Required: true, Usage: e.t("为何多数节点不会回来 `TEXT`", "why a majority does not come back, `TEXT`")},
				&cli.BoolFlag{Name: "accept-loss", Usage: e.t("已由多数共签的内容确已丢失，仍然继续", "go on although something a quorum cosigned is lost")},
				e.outFlag(""),
			},
			Action: func(c *cli.Context) error { return e.withStopped(c, e.recoverDraft) },
		}, {
			Name:      "show",
			Usage:     e.t("查看方案；口令词用电话核对", "show a plan; its words are compared by phone"),
			ArgsUsage: "PLAN",
			Action: func(c *cli.Context) error {
				raw, p, err := e.readPlan(c.Args().First())
				if err != nil {
					return err
				}
				return e.showPlan(c.Args().First(), raw, p)
			},
		}, {
			Name:      "sign",
			Usage:     e.t("以本单位的席位签署方案", "sign a plan with this member's seat"),
			ArgsUsage: "PLAN",
			Flags:     []cli.Flag{e.outFlag("")},
			Action:    func(c *cli.Context) error { return e.recoverSign(c) },
		}, {
			Name:   "export",
			Usage:  e.t("在基准节点（已停止）上导出账本状态，供其他幸存节点使用", "on the base node (stopped), export the ledger's state for the other survivors"),
			Flags:  []cli.Flag{e.outFlag("")},
			Action: func(c *cli.Context) error { return e.withStopped(c, e.recoverExport) },
		}, {
			Name:      "apply",
			Usage:     e.t("在每个幸存节点（已停止）上执行已签署的方案", "carry out the signed plan on each survivor (stopped)"),
			ArgsUsage: "PLAN SIGNATURE...",
			Description: e.t("旧日志整体移到一旁并保留。方案列出的失去的节点永远不得再启动。",
				"The old log is set aside and kept. The nodes that the plan lists as lost must never\nbe started again."),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "state", Usage: e.t("基准节点导出的状态文件 `FILE`；基准节点自己不用", "state `FILE` exported by the base node, which needs none itself")},
				yesFlag(e),
			},
			Action: func(c *cli.Context) error { return e.recoverApply(c) },
		}},
	}
}

// withStopped opens the stopped node under --dir and acts with it.
func (e *env) withStopped(c *cli.Context, act func(c *cli.Context, s *node.Stopped) error) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	s, err := node.OpenStopped(cfg, node.Options{Version: thisBuild().Version, Clock: e.Now})
	if err != nil {
		return err
	}
	defer s.Close()
	return act(c, s)
}

func (e *env) recoverReport(c *cli.Context, s *node.Stopped) error {
	r, token, err := s.Report(c.Context)
	if err != nil {
		return err
	}
	if err := e.savePaper(c, token); err != nil {
		return err
	}
	return e.object(r, func(w io.Writer) {
		e.card(w,
			fact{labelNode, r.Node},
			fact{exchange.Text{Zh: "日志位置", En: "log index"}, r.Index},
			fact{exchange.Text{Zh: "任期", En: "term"}, r.Term},
			fact{labelSize, r.Size},
			fact{labelRoot, r.Root},
			fact{exchange.Text{Zh: "已共签到", En: "cosigned up to"}, r.Cosigned},
			fact{exchange.Text{Zh: "原表决节点", En: "voters until now"}, r.Voters},
			fact{labelNext, exchange.Text{Zh: "不要再启动本节点；收齐各幸存节点的报告后 accord recover draft",
				En: "do not start this node again; with all survivors' reports: accord recover draft"}})
	})
}

func (e *env) recoverDraft(c *cli.Context, s *node.Stopped) error {
	var reports []recovery.Report
	for _, path := range c.Args().Slice() {
		raw, err := e.read(path, recovery.MaxPaper)
		if err != nil {
			return err
		}
		r, err := recovery.ReadReport(raw, s.Members())
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	raw, err := recovery.Draft(reports, c.String("reason"), c.Bool("accept-loss"), e.Now())
	if err != nil {
		return err
	}
	if err := e.savePaper(c, raw); err != nil {
		return err
	}
	p, err := recovery.ReadPlan(raw)
	if err != nil {
		return err
	}
	return e.showPlan(c.String("out"), raw, p)
}

func (e *env) readPlan(path string) ([]byte, recovery.Plan, error) {
	raw, err := e.read(path, recovery.MaxPaper)
	if err != nil {
		return nil, recovery.Plan{}, err
	}
	raw = bytes.TrimSpace(raw)
	p, err := recovery.ReadPlan(raw)
	return raw, p, err
}

// planView is a plan as its signers should look at it.
type planView struct {
	File   string        `json:"file"`
	Digest string        `json:"digest"`
	Phrase exchange.Text `json:"phrase"`
	recovery.Plan
}

func (e *env) showPlan(file string, raw []byte, p recovery.Plan) error {
	v := planView{file, recovery.Digest(raw), members.Phrase(recovery.Digest(raw)), p}
	var survivors []string
	for _, s := range p.Survivors {
		survivors = append(survivors, s.Node)
	}
	return e.object(v, func(w io.Writer) {
		e.card(w,
			fact{labelPlan, v.File},
			fact{labelDigest, v.Digest},
			fact{labelWords, v.Phrase},
			fact{exchange.Text{Zh: "理由", En: "reason"}, p.Reason},
			fact{exchange.Text{Zh: "基准节点", En: "base node"}, p.Base.Node},
			fact{labelSize, p.Base.Size},
			fact{labelRoot, p.Base.Root},
			fact{exchange.Text{Zh: "幸存节点", En: "survivors"}, survivors},
			fact{exchange.Text{Zh: "永不再启动", En: "never to start again"}, p.Lost},
			fact{exchange.Text{Zh: "确定保留", En: "certain"}, certain(p)},
			fact{exchange.Text{Zh: "不能排除", En: "cannot be excluded"}, exchange.Text{
				Zh: "第 " + fmt.Sprint(p.Cosigned) + " 条之后曾被确认、而只存在于失去的节点上的内容已丢失",
				En: "that what was acknowledged after statement " + fmt.Sprint(p.Cosigned) + " and lay only on lost nodes is gone"}},
			fact{labelNext, exchange.Text{Zh: "各席位核对口令词后 accord recover sign", En: "each seat compares the words, then accord recover sign"}})
	})
}

// certain says what the plan keeps for certain.
func certain(p recovery.Plan) exchange.Text {
	if p.Base.Size < p.Cosigned {
		return exchange.Text{Zh: "前 " + fmt.Sprint(p.Base.Size) + " 条；多数共签过的第 " + fmt.Sprint(p.Base.Size) + " 至 " + fmt.Sprint(p.Cosigned) + " 条已丢失",
			En: "the first " + fmt.Sprint(p.Base.Size) + "; those from there to " + fmt.Sprint(p.Cosigned) + ", which a quorum cosigned, are lost"}
	}
	return exchange.Text{Zh: "多数共签过的前 " + fmt.Sprint(p.Cosigned) + " 条", En: "the first " + fmt.Sprint(p.Cosigned) + ", which a quorum cosigned"}
}

func (e *env) recoverSign(c *cli.Context) error {
	raw, p, err := e.readPlan(c.Args().First())
	if err != nil {
		return err
	}
	return e.withKeys(func(cfg config.Config, store *keystore.Store) error {
		g, err := founding.ReadGenesis(cfg.Dir)
		if err != nil {
			return err
		}
		if p.Charter != g.Digest() {
			return recovery.ErrPlan.With("why", "it is of another federation")
		}
		key, err := store.Key(keys.Command)
		if err != nil {
			return err
		}
		token, err := recovery.Sign(raw, key)
		if err != nil {
			return err
		}
		if err := e.savePaper(c, token); err != nil {
			return err
		}
		return e.showPlan(c.String("out"), raw, p)
	})
}

func (e *env) recoverExport(c *cli.Context, s *node.Stopped) error {
	path := c.String("out")
	if err := newFile(path, func(f *os.File) error { return s.ExportState(f) }); err != nil {
		return err
	}
	v := struct {
		File string `json:"file"`
		Size int64  `json:"ledger_size"`
	}{path, s.View().Size()}
	return e.object(v, func(w io.Writer) {
		e.card(w, fact{exchange.Text{Zh: "状态文件", En: "state file"}, v.File}, fact{labelSize, v.Size})
	})
}

func (e *env) recoverApply(c *cli.Context) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	raw, p, err := e.readPlan(c.Args().First())
	if err != nil {
		return err
	}
	signatures, err := e.readAll(c.Args().Tail(), recovery.MaxPaper)
	if err != nil {
		return err
	}
	if err := e.confirm(c.Bool("yes"), exchange.Text{
		Zh: "本节点的日志将从第 " + fmt.Sprint(p.Base.Size) + " 条重新开始，旧日志移到一旁。继续？",
		En: "This node's log begins anew at statement " + fmt.Sprint(p.Base.Size) + "; the old one is set aside. Go on?"}); err != nil {
		return err
	}
	var state io.Reader
	if path := c.String("state"); path != "" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		state = f
	}
	a, err := node.ApplyRecovery(c.Context, cfg, node.Options{Version: thisBuild().Version, Clock: e.Now}, raw, signatures, state)
	if err != nil {
		return err
	}
	a.Aside = filepath.Join(cfg.Dir, a.Aside)
	return e.object(a, func(w io.Writer) {
		e.card(w,
			fact{labelPlan, a.Digest},
			fact{exchange.Text{Zh: "签署席位", En: "signed by"}, a.By},
			fact{labelSize, a.Size},
			fact{exchange.Text{Zh: "本节点舍弃的声明", En: "statements dropped here"}, a.Dropped},
			fact{exchange.Text{Zh: "本节点取得的声明", En: "statements gained here"}, a.Gained},
			fact{exchange.Text{Zh: "旧日志", En: "old log"}, a.Aside},
			fact{exchange.Text{Zh: "此前已执行", En: "was applied before"}, a.Repeat},
			fact{labelNext, exchange.Text{Zh: "全部幸存节点执行后再启动：accord node run；方案随后自动记入账本（accord member recoveries）",
				En: "start when all survivors are done: accord node run; the plan then goes onto the ledger by itself (accord member recoveries)"}})
	})
}
