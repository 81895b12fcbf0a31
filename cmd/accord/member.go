package main

import (
	"io"
	"strconv"
	"strings"
	"time"

	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/exchange"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var errNoMember = exchange.Define(exchange.KindNotFound, "CLI-023",
	exchange.Text{Zh: "没有成员单位 {member}", En: "there is no member {member}"},
	exchange.Text{Zh: "试试 {try}", En: "try {try}"})

// memberCommand shows the members and changes the membership.
func memberCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "member",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("成员单位", "member agencies"),
		Subcommands: append([]*cli.Command{{
			Name:  "invite",
			Usage: e.t("邀请其他单位发起或加入联合体", "invite others to found or to join"),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "name-zh", Required: true, Usage: e.t("联合体中文名称 `TEXT`", "the federation's Chinese name `TEXT`")},
				&cli.StringFlag{Name: "name-en", Required: true, Usage: e.t("联合体英文名称 `TEXT`", "the federation's English name `TEXT`")},
				spanFlag("expires", 7*24*time.Hour, e.t("邀请有效期 `TIME`", "how long it is valid, `TIME`")),
				e.outFlag(""),
			},
			Action: func(c *cli.Context) error { return e.invite(c) },
		}, {
			Name:   "list",
			Usage:  e.t("成员单位列表", "list the members"),
			Action: func(c *cli.Context) error { return e.listMembers(c) },
		}, {
			Name:      "show",
			Usage:     e.t("一个成员单位及其密钥", "one member and its keys"),
			ArgsUsage: "MEMBER",
			Action:    func(c *cli.Context) error { return e.showMember(c) },
		}}, append(rosterCommands(e), statusCommand(e), recoveriesCommand(e))...),
	}
}

// span is a flag's value: a duration that may be given in days.
type span time.Duration

// Set reads "7d" or what time.ParseDuration reads; it must be positive.
func (s *span) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return strconv.ErrSyntax
		}
		*s = span(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return strconv.ErrSyntax
	}
	*s = span(d)
	return nil
}

// String is whole days where it can be.
func (s *span) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(*s); d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return time.Duration(*s).String()
}

func spanFlag(name string, def time.Duration, usage string) cli.Flag {
	value := span(def)
	return &cli.GenericFlag{Name: name, Value: &value, Usage: usage}
}

// paper is what a command that made a signed paper tells.
type paper struct {
	File       string          `json:"file"`
	Federation string          `json:"federation"`
	Digest     string          `json:"digest,omitempty"`
	Phrase     exchange.Text   `json:"phrase"` // to compare by phone
	Expires    exchange.Millis `json:"expires,omitempty"`
}

// showPaper tells of a paper that was saved. One that went to standard output
// stands there alone; its words are then a remark.
func (e *env) showPaper(p paper, next exchange.Text) error {
	if e.onlyWords(p.File, p.Phrase) {
		return nil
	}
	return e.object(p, func(w io.Writer) {
		e.card(w,
			fact{labelFile, p.File},
			fact{labelFederation, p.Federation},
			fact{labelDigest, p.Digest},
			fact{labelWords, p.Phrase},
			fact{exchange.Text{Zh: "有效至", En: "until"}, p.Expires},
			fact{labelNext, next})
	})
}

// onlyWords says that a paper went to standard output, where nothing may stand beside
// it, and remarks its words.
func (e *env) onlyWords(file string, phrase exchange.Text) bool {
	if file == "-" {
		e.note(exchange.Text{Zh: "口令词：" + phrase.Zh, En: "words: " + phrase.En})
	}
	return file == "-"
}

func (e *env) invite(c *cli.Context) error {
	return e.withKeys(func(cfg config.Config, store *keystore.Store) error {
		valid := time.Duration(*c.Generic("expires").(*span))
		token, err := founding.Invite(cfg, store, exchange.Text{Zh: c.String("name-zh"), En: c.String("name-en")}, e.Now(), valid)
		if err != nil {
			return err
		}
		if err := e.savePaper(c, token); err != nil {
			return err
		}
		return e.showPaper(paper{File: c.String("out"), Federation: cfg.Federation, Phrase: phraseOf(token),
			Expires: exchange.MillisOf(e.Now().Add(valid))},
			exchange.Text{Zh: "把文件交给对方，并用电话核对口令词；对方运行 accord init --invite FILE",
				En: "hand the file over and compare the words by phone; they run accord init --invite FILE"})
	})
}

func (e *env) listMembers(c *cli.Context) error {
	fed, err := e.node().Federation(c.Context)
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "标识", En: "ID"}, Whole: true},
		{ID: "kind", Title: exchange.Text{Zh: "类型", En: "KIND"}},
		{ID: "name", Title: exchange.Text{Zh: "名称", En: "NAME"}},
		{ID: "uscc", Title: exchange.Text{Zh: "信用代码", En: "CODE"}, Bare: true},
		{ID: "seat", Title: exchange.Text{Zh: "席位", En: "SEAT"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "node", Title: exchange.Text{Zh: "节点", En: "NODE"}, Whole: true},
		{ID: "role", Title: exchange.Text{Zh: "角色", En: "ROLE"}},
		{ID: "address", Title: exchange.Text{Zh: "地址", En: "ADDRESS"}, Whole: true},
		{ID: "self", Title: exchange.Text{Zh: "本单位", En: "SELF"}},
	}}
	for _, m := range fed.Members {
		list.add(m.ID, kindCell(m.Kind), m.Name, m.USCC, m.Seat, told(memberStatuses, m.Status), m.Node, told(placeRoles, m.Role), m.Address, m.Self)
	}
	return e.print(list)
}

func (e *env) showMember(c *cli.Context) error {
	fed, err := e.node().Federation(c.Context)
	if err != nil {
		return err
	}
	wanted := c.Args().First()
	var ids []string
	for _, m := range fed.Members {
		if string(m.ID) == wanted {
			return e.object(m, func(w io.Writer) { e.memberCard(w, m) })
		}
		ids = append(ids, string(m.ID))
	}
	try := "accord member list"
	if near := nearest(wanted, ids); near != "" {
		try = "accord member show " + near
	}
	return errNoMember.With("member", wanted, "try", try)
}

func (e *env) memberCard(w io.Writer, m wire.Member) {
	e.card(w,
		fact{exchange.Text{Zh: "标识", En: "id"}, m.ID},
		fact{labelName, m.Name},
		fact{exchange.Text{Zh: "类型", En: "kind"}, kindCell(m.Kind)},
		fact{exchange.Text{Zh: "统一社会信用代码", En: "credit code"}, m.USCC},
		fact{exchange.Text{Zh: "席位", En: "seat"}, m.Seat},
		fact{labelStatus, told(memberStatuses, m.Status)},
		fact{labelNode, m.Node},
		fact{exchange.Text{Zh: "角色", En: "role"}, told(placeRoles, m.Role)},
		fact{exchange.Text{Zh: "地址", En: "address"}, m.Address})
	list := keyRows()
	for _, raw := range m.Keys {
		k, err := keys.ParsePublic(raw)
		if err != nil {
			continue
		}
		var ended any
		if at, ok := m.Ended[k.KID()]; ok {
			ended = at
		}
		list.add(k.Use(), k.Alg(), k.KID(), ended)
	}
	e.section(w, exchange.Text{Zh: "密钥", En: "Keys"}, list)
}

func keyRows() rows {
	return rows{Columns: []column{
		{ID: "use", Title: exchange.Text{Zh: "用途", En: "USE"}},
		{ID: "alg", Title: exchange.Text{Zh: "算法", En: "ALGORITHM"}},
		{ID: "kid", Title: exchange.Text{Zh: "密钥编号", En: "KEY ID"}, Whole: true},
		{ID: "ended", Title: exchange.Text{Zh: "停用", En: "ENDED"}, Bare: true},
	}}
}
