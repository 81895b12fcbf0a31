package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/keystore"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/founding"

	"github.com/urfave/cli/v2"
)

var errOtherCharter = exchange.Define(exchange.KindUnverified, "CLI-024",
	exchange.Text{Zh: "章程摘要是 {got}，不是所期望的", En: "the charter's digest is {got}, not the one expected"},
	exchange.Text{Zh: "请用电话与其他发起单位核对摘要或口令词", En: "compare digest or words with the other founders by phone"})

// charterCommand founds a federation from signed papers, without a node.
func charterCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "charter",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("起草、签署章程，建立联合体", "draft and sign the charter, found the federation"),
		Subcommands: []*cli.Command{{
			Name:      "draft",
			Usage:     e.t("由各发起单位的申请起草章程", "draft the charter from the founders' introductions"),
			ArgsUsage: "INTRODUCTION...",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "federation", Usage: e.t("联合体标识 `ID`，默认取自本节点配置", "`ID` of the federation; default from the node's configuration")},
				&cli.StringFlag{Name: "name-zh", Required: true, Usage: e.t("联合体中文名称 `TEXT`", "the federation's Chinese name `TEXT`")},
				&cli.StringFlag{Name: "name-en", Required: true, Usage: e.t("联合体英文名称 `TEXT`", "the federation's English name `TEXT`")},
				catalogueFlag(e, "default"),
				&cli.UintFlag{Name: "cosign-quorum", Usage: e.t("检查点须有 `N` 个成员共签；默认过半数", "`N` members must cosign a checkpoint; default a majority")},
				&cli.UintFlag{Name: "adopt-quorum", Usage: e.t("新目录须有 `N` 个席位同意；默认四分之三", "`N` seats must endorse a new catalogue; default three quarters")},
				&cli.StringSliceFlag{Name: "blind-holder", Usage: e.t("持有证件号码盲化密钥的成员 `MEMBER`，可多次；不给则每个成员都持有", "`MEMBER` that holds the key by which persons' numbers are blinded, repeatable; without it every member holds it")},
				&cli.UintFlag{Name: "blind-threshold", Usage: e.t("须有 `K` 个持有方共同运算；默认过半数", "`K` holders must evaluate together; default a majority")},
				e.outFlag("charter.json"),
			},
			Action: func(c *cli.Context) error { return e.draftCharter(c) },
		}, {
			Name:      "show",
			Usage:     e.t("查看章程草案", "show a draft charter"),
			ArgsUsage: "FILE",
			Action:    func(c *cli.Context) error { return e.showCharter(c.Args().First()) },
		}, {
			Name:      "sign",
			Usage:     e.t("检查并签署章程", "check and sign the charter"),
			ArgsUsage: "FILE",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "digest", Usage: e.t("只签署摘要为 `DIGEST` 的章程", "sign only the charter with this `DIGEST`")},
				e.outFlag(""),
			},
			Action: func(c *cli.Context) error {
				return e.withDraft(c, func(cfg config.Config, store *keystore.Store, d draftFile) error {
					return e.signCharter(c, cfg, store, d)
				})
			},
		}, {
			Name:      "found",
			Usage:     e.t("用全体签名建立联合体", "found the federation with all signatures"),
			ArgsUsage: "FILE SIGNATURE...",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "digest", Usage: e.t("只接受摘要为 `DIGEST` 的章程", "accept only the charter with this `DIGEST`")},
			},
			Action: func(c *cli.Context) error {
				return e.withDraft(c, func(cfg config.Config, store *keystore.Store, d draftFile) error {
					return e.foundFederation(c, cfg, store, d)
				})
			},
		}},
	}
}

// maxDraft is the longest draft charter that is read.
const maxDraft = 16 << 20

func (e *env) draftCharter(c *cli.Context) error {
	federation := c.String("federation")
	if federation == "" {
		cfg, err := e.config()
		if err != nil {
			return err
		}
		federation = cfg.Federation
	}
	document, err := e.catalogueFile(c.Context, c.String("catalogue"))
	if err != nil {
		return err
	}
	introductions, err := e.readAll(c.Args().Slice(), maxPaper)
	if err != nil {
		return err
	}
	var holders []exchange.MemberID
	for _, h := range c.StringSlice("blind-holder") {
		holders = append(holders, exchange.MemberID(h))
	}
	draft, err := founding.MakeDraft(federation, introductions, founding.Terms{
		Holders: holders, Threshold: int(c.Uint("blind-threshold")),
		Name:         exchange.Text{Zh: c.String("name-zh"), En: c.String("name-en")},
		CosignQuorum: int(c.Uint("cosign-quorum")), AdoptQuorum: int(c.Uint("adopt-quorum")), Catalogue: document}, e.Now())
	if err != nil {
		return err
	}
	if err := e.savePaper(c, draft); err != nil {
		return err
	}
	d, _, err := founding.ReadDraft(draft)
	if err != nil {
		return err
	}
	digest := members.Digest([]byte(d.Charter))
	return e.showPaper(paper{c.String("out"), federation, digest, members.Phrase(digest), 0},
		exchange.Text{Zh: "发给全体发起单位，各自运行 accord charter sign", En: "send it to all founders; each runs accord charter sign"})
}

// charterView is a draft as its founders should look at it.
type charterView struct {
	Federation       string        `json:"federation"`
	Name             exchange.Text `json:"name"`
	Founded          time.Time     `json:"founded"`
	Digest           string        `json:"digest"`
	Phrase           exchange.Text `json:"phrase"`
	Catalogue        string        `json:"catalogue"`
	CatalogueVersion int           `json:"catalogue_version"`
	CatalogueDigest  string        `json:"catalogue_digest"`
	CosignQuorum     int           `json:"cosign_quorum"`
	AdoptQuorum      int           `json:"adopt_quorum"`
	MachineVersion   int           `json:"machine_version"`

	Members []members.Founder `json:"members"`
}

func (e *env) showCharter(path string) error {
	d, err := e.readDraft(path, "")
	if err != nil {
		return err
	}
	doc, err := catalogue.Parse([]byte(d.draft.Catalogue))
	if err != nil {
		return err
	}
	c := d.charter
	v := charterView{c.Federation, c.Name, c.Founded.Time(), d.digest, members.Phrase(d.digest),
		doc.ID, c.Catalogue.Version, c.Catalogue.Digest, c.CosignQuorum, c.AdoptQuorum, c.MachineVersion, c.Members}
	return e.object(v, func(w io.Writer) {
		e.card(w,
			fact{labelFederation, c.Federation},
			fact{labelName, c.Name},
			fact{exchange.Text{Zh: "起草时间", En: "drafted"}, c.Founded},
			fact{labelCharter, d.digest},
			fact{labelWords, v.Phrase},
			fact{exchange.Text{Zh: "目录", En: "catalogue"}, catalogue.New(doc).Reference()},
			fact{exchange.Text{Zh: "目录摘要", En: "catalogue digest"}, c.Catalogue.Digest},
			fact{exchange.Text{Zh: "检查点共签", En: "cosign quorum"}, c.CosignQuorum},
			fact{exchange.Text{Zh: "目录同意席位", En: "adopt quorum"}, c.AdoptQuorum},
			fact{exchange.Text{Zh: "账本规则版本", En: "machine version"}, c.MachineVersion})
		e.section(w, exchange.Text{Zh: "发起单位", En: "Founders"}, founderRows(c.Members))
	})
}

func founderRows(founders []members.Founder) rows {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "标识", En: "ID"}, Whole: true},
		{ID: "kind", Title: exchange.Text{Zh: "类型", En: "KIND"}},
		{ID: "name", Title: exchange.Text{Zh: "名称", En: "NAME"}},
		{ID: "uscc", Title: exchange.Text{Zh: "信用代码", En: "CODE"}},
		{ID: "seat", Title: exchange.Text{Zh: "席位", En: "SEAT"}},
		{ID: "address", Title: exchange.Text{Zh: "地址", En: "ADDRESS"}},
		{ID: "keys", Title: exchange.Text{Zh: "密钥", En: "KEYS"}},
	}}
	for _, m := range founders {
		var short []string
		for _, k := range m.Keys {
			short = append(short, string(k.Use())+":"+k.KID()[:min(6, len(k.KID()))])
		}
		list.add(m.ID, kindCell(m.Kind), m.Name, m.USCC, m.Seat, m.Node.Address, strings.Join(short, " "))
	}
	return list
}

// draftFile is a draft charter that was read and holds together.
type draftFile struct {
	raw     []byte
	draft   founding.Draft
	charter *members.Charter
	digest  string
}

func (d draftFile) paper(file string) paper {
	return paper{File: file, Federation: d.charter.Federation, Digest: d.digest, Phrase: members.Phrase(d.digest)}
}

// readDraft reads and checks a draft; where a digest is expected it must be
// that charter's.
func (e *env) readDraft(path, expected string) (d draftFile, err error) {
	if d.raw, err = e.read(path, maxDraft); err != nil {
		return d, err
	}
	d.raw = bytes.TrimSpace(d.raw)
	if d.draft, d.charter, err = founding.ReadDraft(d.raw); err != nil {
		return d, err
	}
	d.digest = members.Digest([]byte(d.draft.Charter))
	return d, expectDigest(expected, d.digest)
}

// expectDigest holds a charter's digest against the one that --digest names, if it
// names one.
func expectDigest(expected, got string) error {
	if expected == "" {
		return nil
	}
	want, err := bundle.ParseDigest(expected)
	if err != nil {
		return errBadValue.With("flag", "--digest", "value", expected, "example", "sha256: + 64 hex")
	}
	if want.String() != got {
		return errOtherCharter.With("got", got)
	}
	return nil
}

// withKeys opens this node's keys, for acts on papers.
func (e *env) withKeys(act func(cfg config.Config, store *keystore.Store) error) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		return err
	}
	defer store.Close()
	return act(cfg, store)
}

// withDraft opens keys and the draft that a command names, and acts with both.
func (e *env) withDraft(c *cli.Context, act func(cfg config.Config, store *keystore.Store, d draftFile) error) error {
	d, err := e.readDraft(c.Args().First(), c.String("digest"))
	if err != nil {
		return err
	}
	return e.withKeys(func(cfg config.Config, store *keystore.Store) error { return act(cfg, store, d) })
}

func (e *env) signCharter(c *cli.Context, cfg config.Config, store *keystore.Store, d draftFile) error {
	token, err := founding.Sign(cfg, store, d.raw)
	if err != nil {
		return err
	}
	if err := e.savePaper(c, token); err != nil {
		return err
	}
	return e.showPaper(d.paper(c.String("out")),
		exchange.Text{Zh: "用电话与其他单位核对口令词，再交换签名", En: "compare the words with the others by phone, then exchange signatures"})
}

func (e *env) foundFederation(c *cli.Context, cfg config.Config, store *keystore.Store, d draftFile) error {
	signatures, err := e.readAll(c.Args().Tail(), maxPaper)
	if err != nil {
		return err
	}
	if _, err := founding.Found(cfg, store, d.raw, signatures); err != nil {
		return err
	}
	return e.showPaper(d.paper(filepath.Join(cfg.Dir, "genesis.json")),
		exchange.Text{Zh: "启动节点：accord node run", En: "start the node: accord node run"})
}
