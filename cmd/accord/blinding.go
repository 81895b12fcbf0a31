package main

import (
	"io"
	"strconv"

	"accord/exchange"
	"accord/exchange/blinding"
	"accord/exchange/meeting"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// blindingCommand is about who holds the key that blinds persons' numbers.
func blindingCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "blinding",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("证件号码盲化密钥由谁持有，及变更持有方", "who holds the key that blinds persons' numbers, and changing that"),
		Description: e.t("自然人的证件号码盲化后才共享；盲化须由持有方共同运算，任何少于门限的持有方都不能逐个试号码。\n变更持有方由联席会议决定；决定后各节点自动分发、核验、接受，全部新持有方接受后生效，标识不变。",
			"Persons' numbers are shared blinded only; blinding takes holders that evaluate together, and fewer than the\nthreshold cannot try numbers. The joint meeting decides on other holders; then the nodes deal, verify and\naccept by themselves, and with the last acceptance the change counts. The ids stay the same."),
		Subcommands: []*cli.Command{{
			Name:   "show",
			Usage:  e.t("现持有方与各次变更", "the holders there are, and the changes"),
			Action: func(c *cli.Context) error { return e.showBlinding(c) },
		}, {
			Name:  "propose",
			Usage: e.t("提请联席会议变更持有方", "propose other holders to the joint meeting"),
			Flags: append(proposingFlags(e),
				&cli.StringSliceFlag{Name: "holder", Required: true, Usage: e.t("今后的持有方 `MEMBER`，可多次", "`MEMBER` that shall hold a share, repeatable")},
				&cli.UintFlag{Name: "threshold", Usage: e.t("须有 `K` 个持有方共同运算；默认过半数", "`K` holders must evaluate together; default a majority")},
				&cli.BoolFlag{Name: "new-key", Usage: e.t("由这些持有方共同生成新一期密钥；此后的标识与以前的不同", "have them make a new key together; ids differ from then on")},
				&cli.UintFlag{Name: "epoch", Usage: e.t("转交第 `N` 期密钥；默认最新一期", "give on the key of epoch `N`; default the newest")}),
			Action: func(c *cli.Context) error { return e.proposeBlinding(c) },
		}, {
			Name: "refuse", ArgsUsage: "NUMBER",
			Usage: e.t("作为现持有方或新持有方终止进行中的变更", "end a change that is under way, as a holder of now or a next one"),
			Action: func(c *cli.Context) error {
				n, err := strconv.Atoi(c.Args().First())
				if err != nil {
					return blinding.ErrNoChange.With("version", c.Args().First())
				}
				got, err := e.node().RefuseBlinding(c.Context, n)
				if err != nil {
					return err
				}
				return e.printBlinding(got)
			},
		}},
	}
}

func (e *env) proposeBlinding(c *cli.Context) error {
	now, err := e.node().BlindingState(c.Context)
	if err != nil {
		return err
	}
	d := &meeting.Decision{Object: strconv.Itoa(now.Next), Outcome: meeting.Split, Threshold: int(c.Uint("threshold")), Epoch: int(c.Uint("epoch"))}
	if c.Bool("new-key") {
		d.Outcome = meeting.Rotate
	}
	for _, m := range c.StringSlice("holder") {
		d.Holders = append(d.Holders, exchange.MemberID(m))
	}
	if d.Threshold == 0 {
		d.Threshold = len(d.Holders)/2 + 1
	}
	return e.propose(c, wire.Propose{Kind: meeting.Blinding, Decision: d})
}

func (e *env) showBlinding(c *cli.Context) error {
	got, err := e.node().BlindingState(c.Context)
	if err != nil {
		return err
	}
	return e.printBlinding(got)
}

func (e *env) printBlinding(got wire.BlindingState) error {
	changes := rows{Columns: []column{
		{ID: "version", Title: exchange.Text{Zh: "变更", En: "CHANGE"}, Right: true},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "epoch", Title: exchange.Text{Zh: "期", En: "EPOCH"}, Right: true},
		{ID: "fresh", Title: exchange.Text{Zh: "新密钥", En: "NEW KEY"}},
		{ID: "threshold", Title: exchange.Text{Zh: "需几家", En: "ANY"}, Right: true},
		{ID: "holders", Title: exchange.Text{Zh: "持有方", En: "OF"}},
		{ID: "dealt", Title: exchange.Text{Zh: "已分发", En: "DEALT"}},
		{ID: "need", Title: exchange.Text{Zh: "须分发", En: "MUST DEAL"}, Right: true, Bare: true},
		{ID: "accepted", Title: exchange.Text{Zh: "已接受", En: "ACCEPTED"}},
		{ID: "by", Title: exchange.Text{Zh: "终止方", En: "REFUSED BY"}},
		{ID: "dealer", Title: exchange.Text{Zh: "涉及分发方", En: "DEALING OF"}},
		{ID: "since", Title: exchange.Text{Zh: "生效", En: "SINCE"}},
		{ID: "deadline", Title: exchange.Text{Zh: "期限", En: "DEADLINE"}},
		{ID: "proposal", Title: exchange.Text{Zh: "提案", En: "PROPOSAL"}, Bare: true},
	}}
	for _, ch := range got.Changes {
		changes.add(ch.Version, told(blindingStatuses, ch.Status), ch.Epoch, ch.Fresh, ch.Threshold, ch.Holders, ch.Dealt, ch.Need, ch.Accepted, ch.By, ch.Dealer, pointed(ch.Since), ch.Deadline, ch.Proposal)
	}
	keys := rows{Columns: []column{
		{ID: "epoch", Title: exchange.Text{Zh: "期", En: "EPOCH"}, Right: true},
		{ID: "version", Title: exchange.Text{Zh: "持有方版次", En: "VERSION"}, Right: true},
		{ID: "threshold", Title: exchange.Text{Zh: "需几家", En: "ANY"}, Right: true},
		{ID: "holders", Title: exchange.Text{Zh: "持有方", En: "OF"}},
		{ID: "gone", Title: exchange.Text{Zh: "已退出或暂停", En: "LEFT OR SUSPENDED"}},
		{ID: "share", Title: exchange.Text{Zh: "本节点有份额", En: "A SHARE HERE"}},
		{ID: "since", Title: exchange.Text{Zh: "自", En: "SINCE"}},
	}}
	for _, k := range got.Epochs {
		keys.add(k.Epoch, k.Version, k.Threshold, k.Holders, k.Gone, k.Share, k.Since)
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(keys)
	}
	return e.object(got, func(w io.Writer) {
		e.card(w, fact{exchange.Text{Zh: "方案", En: "scheme"}, got.Scheme})
		if len(got.Epochs) == 0 {
			e.card(w, fact{exchange.Text{Zh: "持有方", En: "holders"}, e.t("每个成员", "every member")})
			return
		}
		e.section(w, exchange.Text{Zh: "密钥", En: "Keys"}, keys)
		e.section(w, exchange.Text{Zh: "变更", En: "Changes"}, changes)
	})
}

// blindingStatuses are the words for where a change of holders stands.
var blindingStatuses = map[string]exchange.Text{
	string(blinding.Dealing):   {Zh: "分发中", En: "dealing"},
	string(blinding.Accepting): {Zh: "接受中", En: "accepting"},
	string(blinding.InForce):   {Zh: "现行", En: "in force"},
	string(blinding.Replaced):  {Zh: "已更替", En: "replaced"},
	string(blinding.Refused):   {Zh: "已终止", En: "refused"},
	string(blinding.Lapsed):    {Zh: "逾期未成", En: "lapsed"},
}
