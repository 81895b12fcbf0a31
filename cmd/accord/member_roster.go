package main

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var (
	errNoProposal = exchange.Define(exchange.KindInvalid, "CLI-050",
		exchange.Text{Zh: "没有说明名册要改变什么", En: "nothing is said that the roster shall change"},
		exchange.Text{Zh: "用 --add、--remove、--replace、--role、--address、--rotate-key 等说明，见 accord help member propose", En: "say it with --add, --remove, --replace, --role, --address, --rotate-key and so on, see accord help member propose"})
	errNotProposal = exchange.Define(exchange.KindInvalid, "CLI-051",
		exchange.Text{Zh: "{path} 不是名册草案", En: "{path} is no proposed roster"},
		exchange.Text{Zh: "用 accord member propose 起草", En: "draft one with accord member propose"})
)

// rosterCommands change the membership: draft, endorse, enact, welcome, join.
func rosterCommands(e *env) []*cli.Command {
	return []*cli.Command{{
		Name:  "propose",
		Usage: e.t("起草新的成员名册", "draft a new roster of the membership"),
		Description: e.t("名册写明变更后的全部成员。几项变更可以写在一份名册里，但一次只能有一个单位的节点得到或失去表决资格。\n须由足够的席位各自运行 accord member endorse，再由任一成员运行 accord member enact。",
			"A roster says what the whole membership shall be. Several changes may stand in one, but only one\nmember's node may gain or lose its vote at a time. Enough seats run accord member endorse, then\nanybody runs accord member enact."),
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "add", Usage: e.t("按自荐书 `FILE` 接纳新成员", "take in the newcomer of the introduction `FILE`")},
			choice("as", "voter", []string{"voter", "nonvoter"}, e.t("新成员的节点：追上账本后参与表决，或只跟随", "the newcomer's node: a voter once it has caught up, or a nonvoter")),
			&cli.StringSliceFlag{Name: "remove", Usage: e.t("成员 `ID` 退出", "the member `ID` leaves")},
			&cli.StringSliceFlag{Name: "replace", Usage: e.t("按自荐书 `FILE` 更换成员的节点或密钥", "another node or other keys of a member, by its introduction `FILE`")},
			&cli.StringSliceFlag{Name: "role", Usage: e.t("节点是否表决：`ID=voter` 或 ID=nonvoter", "whether a member's node votes: `ID=voter` or ID=nonvoter")},
			&cli.StringSliceFlag{Name: "address", Usage: e.t("节点的新地址 `ID=HOST:PORT`", "a node's new address, `ID=HOST:PORT`")},
			&cli.StringSliceFlag{Name: "seat", Usage: e.t("是否有席位：`ID=yes` 或 ID=no", "whether a member has a seat: `ID=yes` or ID=no")},
			&cli.StringSliceFlag{Name: "rotate-key", Usage: e.t("本单位更换此用途的密钥 `USE`；新密钥由本节点生成", "a new key of this member for `USE`; this node makes it")},
			&cli.UintFlag{Name: "roster-quorum", Usage: e.t("以后的名册须有 `N` 个席位同意", "`N` seats must endorse later rosters")},
			&cli.UintFlag{Name: "adopt-quorum", Usage: e.t("新目录须有 `N` 个席位同意", "`N` seats must endorse a new catalogue")},
			&cli.UintFlag{Name: "cosign-quorum", Usage: e.t("检查点须有 `N` 个成员共签", "`N` members must cosign a checkpoint")},
			&cli.UintFlag{Name: "decide-quorum", Usage: e.t("联席会议的其他决定须有 `N` 个席位同意", "`N` seats must say yes to other decisions of the joint meeting")},
			&cli.StringSliceFlag{Name: "kind-quorum", Usage: e.t("某类名册变更须有的席位 `KIND=N`，0 取消；KIND 为 admit、expel、suspend、restore、seat、keys 或 charter", "seats a roster of a kind needs, `KIND=N`, 0: as any roster; KIND is admit, expel, suspend, restore, seat, keys or charter")},
			e.outFlag(""),
		},
		Action: func(c *cli.Context) error { return e.proposeRoster(c) },
	}, {
		Name: "endorse", ArgsUsage: "FILE",
		Usage:  e.t("以本单位席位同意新名册", "endorse a proposed roster with this member's seat"),
		Flags:  []cli.Flag{e.outFlag("")},
		Action: func(c *cli.Context) error { return e.endorseRoster(c) },
	}, {
		Name: "enact", ArgsUsage: "FILE ENDORSEMENT...",
		Usage:  e.t("用足够席位的同意书使新名册生效", "put a roster in force with the endorsements of enough seats"),
		Action: func(c *cli.Context) error { return e.enactRoster(c) },
	}, {
		Name: "welcome", ArgsUsage: "MEMBER",
		Usage:  e.t("为新成员出具接纳书", "make the paper a newcomer starts from"),
		Flags:  []cli.Flag{e.outFlag("")},
		Action: func(c *cli.Context) error { return e.welcome(c) },
	}, {
		Name: "join", ArgsUsage: "FILE",
		Usage: e.t("凭接纳书加入联合体", "join the federation with a welcome"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "digest", Usage: e.t("只接受章程摘要为 `DIGEST` 的联合体", "join only the federation whose charter has this `DIGEST`")},
			&cli.BoolFlag{Name: "dry-run", Usage: e.t("只说明加入后将信任什么，不加入", "only say what would be trusted; join nothing")},
			yesFlag(e),
		},
		Action: func(c *cli.Context) error { return e.joinFederation(c) },
	}}
}

// lineage is the newest roster with all before it: from the running node, or from
// its folder where none runs. Everything is verified here, from the genesis on.
func (e *env) lineage(c *cli.Context) (*members.Lineage, error) {
	g, err := founding.ReadGenesis(e.Dir)
	if err != nil {
		return nil, err
	}
	line, err := founding.ReadRosters(e.Dir, g)
	if err != nil {
		return nil, err
	}
	got, err := e.node().Rosters(c.Context, line.Version())
	if err != nil {
		e.note(exchange.Text{Zh: "节点没有运行，以其数据目录中的名册为准", En: "no node runs here; going by the rosters in its folder"})
		return line, nil
	}
	for _, s := range got.Rosters {
		if line, err = line.Extend(s, nil); err != nil {
			return nil, err
		}
	}
	return line, nil
}

// drafting gathers what a proposal changes.
type drafting struct {
	e      *env
	c      *cli.Context
	line   *members.Lineage
	roster *members.Roster
	proofs []string
	said   int
}

func (e *env) proposeRoster(c *cli.Context) error {
	line, err := e.lineage(c)
	if err != nil {
		return err
	}
	d := &drafting{e: e, c: c, line: line, roster: line.Next()}
	for _, step := range []func() error{d.introduced, d.removed, d.settings, d.rotated, d.quorums} {
		if err := step(); err != nil {
			return err
		}
	}
	if d.said == 0 {
		return errNoProposal.With()
	}
	document, err := d.roster.Encode()
	if err != nil {
		return err
	}
	proposal := wire.SignedRoster{Document: string(document), Endorsements: []string{}, Proofs: d.proofs}
	if _, err := line.Draft(proposal); err != nil {
		return err
	}
	file, err := strictjson.Marshal(proposal)
	if err != nil {
		return err
	}
	if err := e.savePaper(c, file); err != nil {
		return err
	}
	return e.showRoster(c.String("out"), d.roster, line, document,
		exchange.Text{Zh: "用 accord proposal draft 提交联席会议表决；或发给各席位，各自运行 accord member endorse",
			En: "put it to the vote with accord proposal draft; or send it to the seats, each of which runs accord member endorse"})
}

// introduced takes --add and --replace.
func (d *drafting) introduced() error {
	for _, flag := range []string{"add", "replace"} {
		for _, path := range d.c.StringSlice(flag) {
			token, err := d.e.read(path, maxPaper)
			if err != nil {
				return err
			}
			in, err := founding.ReadIntroduction(token)
			if err != nil {
				return err
			}
			was, known := d.roster.Member(in.Member.ID)
			if known != (flag == "replace") {
				return errBadValue.With("flag", "--"+flag, "value", path, "example", map[bool]string{true: "--replace " + path, false: "--add " + path}[known])
			}
			f := in.Member
			f.Node.Role = members.Role(d.c.Generic("as").(*oneOf).value)
			if known {
				f.Seat, f.Node.Role = was.Seat, was.Node.Role
			}
			d.roster.Put(f)
			d.proofs = append(d.proofs, strings.TrimSpace(string(token)))
			d.said++
		}
	}
	return nil
}

func (d *drafting) removed() error {
	for _, id := range d.c.StringSlice("remove") {
		if !d.roster.Drop(exchange.MemberID(id)) {
			return errNoMember.With("member", id, "try", "accord member list")
		}
		d.said++
	}
	return nil
}

// settings takes the flags of the form ID=VALUE.
func (d *drafting) settings() error {
	for flag, set := range map[string]func(f *members.Founder, value string) bool{
		"role": func(f *members.Founder, v string) bool {
			f.Node.Role = members.Role(v)
			return f.Node.Role == members.Voter || f.Node.Role == members.Nonvoter
		},
		"address": func(f *members.Founder, v string) bool { f.Node.Address = v; return validAddress(v) },
		"seat":    func(f *members.Founder, v string) bool { f.Seat = v == "yes"; return v == "yes" || v == "no" },
	} {
		for _, pair := range d.c.StringSlice(flag) {
			id, value, _ := strings.Cut(pair, "=")
			f, ok := d.roster.Member(exchange.MemberID(id))
			if !ok {
				return errNoMember.With("member", id, "try", "accord member list")
			}
			if !set(&f, value) {
				return errBadValue.With("flag", "--"+flag, "value", pair,
					"example", map[string]string{"role": id + "=voter, " + id + "=nonvoter", "address": id + "=node.example:7443", "seat": id + "=yes, " + id + "=no"}[flag])
			}
			d.roster.Put(f)
			d.said++
		}
	}
	return nil
}

// rotated has the running node make keys and lists them.
func (d *drafting) rotated() error {
	var uses []keys.Use
	for _, use := range d.c.StringSlice("rotate-key") {
		if !slices.Contains(keys.Uses(), keys.Use(use)) {
			return errBadValue.With("flag", "--rotate-key", "value", use, "example", "command, attest, release, seal, tls, cosign")
		}
		uses = append(uses, keys.Use(use))
	}
	if len(uses) == 0 {
		return nil
	}
	made, err := d.e.node().NewKeys(d.c.Context, uses)
	if err != nil {
		return err
	}
	in, err := founding.ReadIntroduction([]byte(made.Introduction))
	if err != nil {
		return err
	}
	f, ok := d.roster.Member(in.Member.ID)
	if !ok {
		return errNoMember.With("member", in.Member.ID, "try", "accord member list")
	}
	f.Keys = in.Member.Keys
	d.roster.Put(f)
	d.proofs = append(d.proofs, made.Introduction)
	d.said++
	return nil
}

func (d *drafting) quorums() error {
	d.roster.Fit()
	for flag, q := range map[string]*int{"roster-quorum": &d.roster.Quorums.Roster, "adopt-quorum": &d.roster.Quorums.Adopt, "cosign-quorum": &d.roster.Quorums.Cosign,
		"decide-quorum": &d.roster.Quorums.Decide} {
		if n := d.c.Uint(flag); n > 0 {
			*q = int(n)
			d.said++
		}
	}
	for _, pair := range d.c.StringSlice("kind-quorum") {
		kind, number, _ := strings.Cut(pair, "=")
		q := d.roster.Quorums.Kinds.Of(members.Matter(kind))
		n, err := strconv.ParseUint(number, 10, 8)
		if q == nil || err != nil {
			return errBadValue.With("flag", "--kind-quorum", "value", pair, "example", "expel=4, charter=4")
		}
		*q = int(n)
		d.said++
	}
	return nil
}

// rosterView is a roster as those who endorse it should look at it.
type rosterView struct {
	File    string           `json:"file"`
	Version int              `json:"version"`
	Digest  string           `json:"digest"`
	Phrase  exchange.Text    `json:"phrase"`
	Quorum  int              `json:"quorum"` // seats that must endorse it
	Changes []members.Change `json:"changes"`
}

func (e *env) showRoster(file string, r *members.Roster, before *members.Lineage, document []byte, next exchange.Text) error {
	digest := members.Digest(document)
	v := rosterView{file, r.Version, digest, members.Phrase(digest), before.Roster().Quorums.For(members.MattersOf(before.Roster(), r)...), r.Changes(before.Roster())}
	if e.onlyWords(file, v.Phrase) {
		return nil
	}
	return e.object(v, func(w io.Writer) {
		e.card(w,
			fact{labelFile, v.File},
			fact{exchange.Text{Zh: "名册版本", En: "roster version"}, v.Version},
			fact{labelDigest, v.Digest},
			fact{labelWords, v.Phrase},
			fact{exchange.Text{Zh: "须同意席位", En: "seats needed"}, v.Quorum},
			fact{labelNext, next})
		list := rows{Columns: []column{
			{ID: "member", Title: exchange.Text{Zh: "成员单位", En: "MEMBER"}, Whole: true},
			{ID: "text", Title: exchange.Text{Zh: "变更", En: "CHANGE"}, Whole: true},
		}}
		for _, ch := range v.Changes {
			list.add(string(ch.Member), ch.Text)
		}
		e.section(w, exchange.Text{Zh: "与现行名册相比", En: "Against the roster in force"}, list)
	})
}

// readProposal reads a proposed roster and holds it against the one in force.
func (e *env) readProposal(c *cli.Context) (wire.SignedRoster, *members.Roster, *members.Lineage, error) {
	path := c.Args().First()
	raw, err := e.read(path, 1<<20)
	if err != nil {
		return wire.SignedRoster{}, nil, nil, err
	}
	var s wire.SignedRoster
	if strictjson.Unmarshal(raw, &s) != nil || s.Document == "" || len(s.Endorsements) > 0 {
		return s, nil, nil, errNotProposal.With("path", path)
	}
	line, err := e.lineage(c)
	if err != nil {
		return s, nil, nil, err
	}
	r, err := line.Draft(s)
	return s, r, line, err
}

func (e *env) endorseRoster(c *cli.Context) error {
	s, r, line, err := e.readProposal(c)
	if err != nil {
		return err
	}
	s.Endorsements = nil
	signed, err := e.node().EndorseRoster(c.Context, s)
	if err != nil {
		return err
	}
	if err := e.save(c.String("out"), []byte(signed.Signature+"\n")); err != nil {
		return err
	}
	return e.showRoster(c.String("out"), r, line, []byte(s.Document),
		exchange.Text{Zh: "收齐同意书后任一成员运行 accord member enact", En: "with enough endorsements anybody runs accord member enact"})
}

func (e *env) enactRoster(c *cli.Context) error {
	s, _, _, err := e.readProposal(c)
	if err != nil {
		return err
	}
	papers, err := e.readAll(c.Args().Tail(), maxPaper)
	if err != nil {
		return err
	}
	for _, p := range papers {
		s.Endorsements = append(s.Endorsements, strings.TrimSpace(string(p)))
	}
	done, err := e.node().EnactRoster(c.Context, s)
	if err != nil {
		return err
	}
	return e.done(done, exchange.Text{Zh: "新名册已生效；进展见 accord member status", En: "the roster is in force; accord member status shows how far the nodes are"})
}

func (e *env) welcome(c *cli.Context) error {
	return e.withKeys(func(cfg config.Config, store *keystore.Store) error {
		_, _ = e.node().Ledger(c.Context, true) // a roster that was just enacted is known here; where none runs, the folder says
		line, err := e.lineage(c)
		if err != nil {
			return err
		}
		raw, err := founding.MakeWelcome(cfg, store, line, exchange.MemberID(c.Args().First()))
		if err != nil {
			return err
		}
		if err := e.savePaper(c, raw); err != nil {
			return err
		}
		_, g, _, err := founding.ReadWelcome(raw)
		if err != nil {
			return err
		}
		return e.showPaper(paper{c.String("out"), cfg.Federation, g.Digest(), members.Phrase(g.Digest()), 0},
			exchange.Text{Zh: "交给新成员，并用电话核对口令词；对方运行 accord member join FILE",
				En: "hand it to the newcomer and compare the words by phone; they run accord member join FILE"})
	})
}

// trustView is what a node trusts once it joined: nothing else is believed without a
// signature that leads here.
type trustView struct {
	Federation string          `json:"federation"`
	Charter    string          `json:"charter"` // digest
	Words      exchange.Text   `json:"words"`
	Roster     int             `json:"roster"` // version
	Quorum     int             `json:"quorum"` // seats that must endorse the next roster
	Members    []trustedMember `json:"members"`
}

type trustedMember struct {
	ID      exchange.MemberID `json:"id"`
	Seat    bool              `json:"seat"`
	Address string            `json:"address"`
	Key     string            `json:"command_key"` // id of the key that signs its commands
}

// trusted says what a welcome would have this node trust.
func (e *env) trusted(line *members.Lineage, charter string) error {
	r := line.Roster()
	v := trustView{Federation: r.Federation, Charter: charter, Words: members.Phrase(charter), Roster: r.Version, Quorum: r.Quorums.Roster, Members: []trustedMember{}}
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "成员单位", En: "MEMBER"}, Whole: true},
		{ID: "seat", Title: exchange.Text{Zh: "席位", En: "SEAT"}},
		{ID: "address", Title: exchange.Text{Zh: "地址", En: "ADDRESS"}, Whole: true},
		{ID: "command_key", Title: exchange.Text{Zh: "指令密钥", En: "COMMAND KEY"}, Whole: true},
	}}
	for _, m := range r.Members {
		one := trustedMember{ID: m.ID, Seat: m.Sits(), Address: m.Node.Address}
		for _, k := range m.Keys {
			if k.Use() == keys.Command {
				one.Key = k.KID()
			}
		}
		v.Members = append(v.Members, one)
		list.add(one.ID, one.Seat, one.Address, one.Key)
	}
	return e.object(v, func(w io.Writer) {
		e.card(w,
			fact{labelFederation, v.Federation},
			fact{labelDigest, v.Charter},
			fact{labelWords, v.Words},
			fact{exchange.Text{Zh: "名册版本", En: "roster version"}, v.Roster},
			fact{exchange.Text{Zh: "改名册须同意席位", En: "seats that change it"}, v.Quorum},
			fact{labelNext, exchange.Text{Zh: "用电话与其他成员核对口令词，再去掉 --dry-run 加入", En: "compare the words by phone with another member, then join without --dry-run"}})
		e.section(w, exchange.Text{Zh: "将以这些单位的密钥为准", En: "These members' keys would be trusted"}, list)
	})
}

func (e *env) joinFederation(c *cli.Context) error {
	raw, err := e.read(c.Args().First(), 64<<20)
	if err != nil {
		return err
	}
	_, g, line, err := founding.ReadWelcome(raw)
	if err != nil {
		return err
	}
	words := members.Phrase(g.Digest())
	if c.Bool("dry-run") {
		return e.trusted(line, g.Digest())
	}
	if expected := c.String("digest"); expected != "" {
		if err := expectDigest(expected, g.Digest()); err != nil {
			return err
		}
	} else if err := e.confirm(c.Bool("yes"), exchange.Text{Zh: "章程口令词是“" + words.Zh + "”。已用电话与其他成员核对无误？",
		En: "The charter's words are \"" + words.En + "\". Compared by phone with another member?"}); err != nil {
		return err
	}
	return e.withKeys(func(cfg config.Config, store *keystore.Store) error {
		if _, err := founding.Join(cfg, store, raw); err != nil {
			return err
		}
		return e.showPaper(paper{cfg.Dir, cfg.Federation, g.Digest(), words, 0},
			exchange.Text{Zh: "启动节点：accord node run", En: "start the node: accord node run"})
	})
}
