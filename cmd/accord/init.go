package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"accord/crypto/keystore"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
	"accord/exchange/members"
	"accord/node"
	"accord/node/config"
	"accord/node/founding"

	"github.com/urfave/cli/v2"
)

// initFiles are the entries of a fresh data folder; a test holds them to what
// founding.Init really makes.
var initFiles = []string{"accord.yaml", "introduction.jws", "keys/", "node.json", "passphrase"}

// initCommand makes a data folder.
func initCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "init",
		Category: e.t("节点", "node"),
		Usage:    e.t("建立节点的数据目录和密钥", "make a node's data folder and keys"),
		Description: e.t("在终端上会询问缺少的内容。不会覆盖任何文件，也不在命令行上接收口令。",
			"What is missing is asked for on a terminal. Nothing is ever overwritten, and no\npassphrase is taken on the command line."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "member", Usage: e.t("成员单位标识 `ID`", "`ID` of the member")},
			choice("kind", "", kindNames(), e.t("成员单位类型", "kind of member")),
			&cli.StringFlag{Name: "name-zh", Usage: e.t("单位中文名称 `TEXT`", "the member's Chinese name `TEXT`")},
			&cli.StringFlag{Name: "name-en", Usage: e.t("单位英文名称 `TEXT`", "the member's English name `TEXT`")},
			&cli.StringFlag{Name: "uscc", Usage: e.t("统一社会信用代码 `CODE`", "unified social credit code `CODE`")},
			&cli.StringFlag{Name: "federation", Usage: e.t("联合体标识 `ID`，有邀请时取自邀请", "`ID` of the federation; taken from the invitation if there is one")},
			&cli.StringFlag{Name: "invite", Usage: e.t("召集方的邀请 `FILE`", "the convener's invitation `FILE`")},
			&cli.StringFlag{Name: "listen", Usage: e.t("监听地址 `HOST:PORT`", "where to listen, `HOST:PORT`")},
			&cli.StringFlag{Name: "advertise", Usage: e.t("其他成员访问的地址 `HOST:PORT`，默认同监听地址", "where peers reach it, `HOST:PORT`; default as --listen")},
			&cli.BoolFlag{Name: "no-seat", Usage: e.t("在联席会议没有席位", "no seat in the joint meeting")},
			&cli.StringFlag{Name: "operator-name", Value: "admin", Usage: e.t("第一位经办人 `NAME`", "`NAME` of the first operator")},
			&cli.StringFlag{Name: "passphrase-file", Usage: e.t("密钥库口令所在的 `FILE`（0600）；不给则随机生成", "`FILE` (0600) with the keystore's passphrase; a random one is made without it")},
			&cli.BoolFlag{Name: "renew-node", Usage: e.t("已有目录：换新的节点标识和 TLS 密钥，其余密钥不变", "an existing folder: a new node id and TLS key, all other keys kept")},
			&cli.BoolFlag{Name: "dry-run", Usage: e.t("只说明会写什么、信任谁", "only say what would be written and trusted")},
		},
		Action: func(c *cli.Context) error { return e.initialise(c) },
	}
}

// initReport is what init did or would do.
type initReport struct {
	DryRun     bool              `json:"dry_run"`
	Dir        string            `json:"dir"`
	Federation string            `json:"federation"`
	Member     exchange.MemberID `json:"member"`
	Node       string            `json:"node,omitempty"`
	Listen     string            `json:"listen"`
	Advertise  string            `json:"advertise"`
	Files      []string          `json:"files"`
	Phrase     *exchange.Text    `json:"phrase,omitempty"` // of the introduction, to compare by phone
	Trusts     *trusted          `json:"trusts,omitempty"`
}

// trusted is whom an invitation asks to trust.
type trusted struct {
	Federation exchange.Text     `json:"federation_name"`
	Convener   exchange.MemberID `json:"convener"`
	Name       exchange.Text     `json:"convener_name"`
	Expires    exchange.Millis   `json:"expires"`
	Phrase     exchange.Text     `json:"phrase"` // of the invitation

	Charter   string   `json:"charter,omitempty"`   // digest, of a federation that is founded
	Endpoints []string `json:"endpoints,omitempty"` // of its members' nodes
}

func (e *env) initialise(c *cli.Context) error {
	if c.Bool("renew-node") {
		return e.renewNode()
	}
	if err := founding.Occupied(e.Dir); err != nil { // before anything is asked
		return err
	}
	o, trusts, err := e.initOptions(c)
	if err != nil {
		return err
	}
	report := initReport{DryRun: c.Bool("dry-run"), Dir: o.Dir, Federation: o.Federation, Member: o.Member,
		Listen: o.Listen, Advertise: o.Advertise, Trusts: trusts}
	if report.DryRun {
		report.Files = filesOf(o)
		return e.object(report, func(w io.Writer) { e.initReport(w, report) })
	}
	intro, err := founding.Init(o)
	if err != nil {
		return err
	}
	id, err := founding.ReadIdentity(o.Dir)
	if err != nil {
		return err
	}
	phrase := members.Phrase(members.Digest(intro))
	report.Node, report.Phrase = id.Node, &phrase
	if report.Files, err = listFolder(o.Dir); err != nil {
		return err
	}
	return e.object(report, func(w io.Writer) { e.initReport(w, report) })
}

// renewNode makes the folder's node a new one, for a log that is lost or a disk
// that was restored.
func (e *env) renewNode() error {
	if conn, err := e.Dial(context.Background(), e.Socket()); err == nil {
		conn.Close()
		return node.ErrRunning.With("socket", e.Socket())
	}
	return e.withKeys(func(cfg config.Config, store *keystore.Store) error {
		token, err := founding.Renew(cfg, store, e.Now())
		if err != nil {
			return err
		}
		return e.showPaper(paper{File: filepath.Join(cfg.Dir, founding.IntroductionFile), Federation: cfg.Federation, Phrase: phraseOf(token)},
			exchange.Text{Zh: "交给任一成员起草名册：accord member propose --replace FILE；生效后启动节点",
				En: "hand it to any member for a roster: accord member propose --replace FILE; start the node once it is in force"})
	})
}

func filesOf(o founding.Options) []string {
	files := slices.Clone(initFiles)
	if o.Passphrase != nil {
		files = files[:len(files)-1]
	}
	if len(o.Invitation) > 0 {
		files = append(files, "invitation.jws")
		slices.Sort(files)
	}
	return files
}

func listFolder(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names, err
}

func (e *env) initReport(w io.Writer, r initReport) {
	heading := exchange.Text{Zh: "已建立", En: "made"}
	if r.DryRun {
		heading = exchange.Text{Zh: "将建立（未写入）", En: "would make (nothing written)"}
	}
	facts := []fact{
		{heading, r.Dir},
		{exchange.Text{Zh: "联合体", En: "federation"}, r.Federation},
		{exchange.Text{Zh: "成员单位", En: "member"}, r.Member},
		{exchange.Text{Zh: "节点", En: "node"}, r.Node},
		{exchange.Text{Zh: "监听", En: "listens"}, r.Listen},
		{exchange.Text{Zh: "对外地址", En: "advertises"}, r.Advertise},
		{exchange.Text{Zh: "文件", En: "files"}, strings.Join(r.Files, "  ")},
	}
	if t := r.Trusts; t != nil {
		facts = append(facts,
			fact{exchange.Text{Zh: "信任联合体", En: "trusts federation"}, t.Federation},
			fact{exchange.Text{Zh: "召集方", En: "convened by"}, e.say(t.Name) + " (" + string(t.Convener) + ")"},
			fact{exchange.Text{Zh: "邀请有效至", En: "invitation until"}, t.Expires},
			fact{exchange.Text{Zh: "邀请口令词", En: "invitation's words"}, t.Phrase},
			fact{exchange.Text{Zh: "章程摘要", En: "its charter"}, t.Charter},
			fact{exchange.Text{Zh: "成员节点", En: "its nodes"}, strings.Join(t.Endpoints, "  ")})
	}
	if r.Phrase != nil {
		facts = append(facts, fact{exchange.Text{Zh: "申请口令词", En: "introduction's words"}, *r.Phrase})
	}
	e.card(w, facts...)
	if !r.DryRun {
		fmt.Fprintf(w, "\n%s\n", e.t("下一步：", "next: ")+e.say(r.next()))
	}
}

// next is what to do with the introduction: an invitation that names a charter is one to
// a federation that is there.
func (r *initReport) next() exchange.Text {
	if t := r.Trusts; t != nil && t.Charter != "" {
		return exchange.Text{Zh: "把 " + founding.IntroductionFile + " 交给邀请方；邀请方用 accord member propose --add 起草名册，用 accord proposal draft 提交表决；通过后用其给你的接纳文件运行 accord member join",
			En: "hand " + founding.IntroductionFile + " to who invited you, who drafts a roster (accord member propose --add) and puts it to the vote (accord proposal draft); when it has passed, run accord member join with the welcome they give you"}
	}
	return exchange.Text{Zh: "把 " + founding.IntroductionFile + " 交给召集方；召集方用 accord charter draft 起草章程",
		En: "hand " + founding.IntroductionFile + " to the convener, who drafts the charter (accord charter draft)"}
}

// initOptions gathers what founding needs from flags, invitation and answers.
func (e *env) initOptions(c *cli.Context) (founding.Options, *trusted, error) {
	o := founding.Options{Dir: e.Dir, NoSeat: c.Bool("no-seat"), Clock: e.Now}
	trusts, err := e.takeInvitation(c.String("invite"), &o)
	if err != nil {
		return o, nil, err
	}
	a := e.asker(c)
	o.Member = exchange.MemberID(a.get(question{flag: "member", valid: exchange.ValidName, example: "court, xining-court",
		text: exchange.Text{Zh: "成员单位标识（字母、数字和 -）", En: "id of the member (letters, digits and -)"}}))
	o.Kind = exchange.MemberKind(a.get(question{flag: "kind", allowed: kindNames(), example: strings.Join(kindNames(), ", "),
		text: exchange.Text{Zh: "成员单位类型", En: "kind of member"}}))
	o.Name.Zh = a.get(question{flag: "name-zh", valid: validTitle, example: "例市中级人民法院", text: exchange.Text{Zh: "单位中文名称", En: "the member's Chinese name"}})
	o.Name.En = a.get(question{flag: "name-en", valid: validTitle, example: "Example Court", text: exchange.Text{Zh: "单位英文名称", En: "the member's English name"}})
	o.USCC = a.get(question{flag: "uscc", free: true, valid: validUSCC, example: "11639900MB00000017",
		text: exchange.Text{Zh: "统一社会信用代码（可留空）", En: "unified social credit code (may stay empty)"}})
	if o.Federation == "" {
		o.Federation = a.get(question{flag: "federation", valid: exchange.ValidName, example: "qinghai",
			text: exchange.Text{Zh: "联合体标识", En: "id of the federation"}})
	} else if f := c.String("federation"); f != "" && f != o.Federation {
		return o, nil, errBadValue.With("flag", "--federation", "value", f, "example", o.Federation)
	}
	o.Listen = a.get(question{flag: "listen", def: defaultListen(), valid: validAddress, example: "0.0.0.0:7443",
		text: exchange.Text{Zh: "监听地址", En: "address to listen on"}})
	o.Advertise = a.get(question{flag: "advertise", def: advertised(o.Listen), valid: reachable, example: "court.example:7443",
		text: exchange.Text{Zh: "其他成员访问的地址", En: "address peers reach it at"}})
	o.Operator = exchange.OperatorID(a.get(question{flag: "operator-name", valid: exchange.ValidName, example: "zhang.san"}))
	if a.err != nil {
		return o, nil, a.err
	}
	return o, trusts, takePassphrase(c.String("passphrase-file"), &o)
}

// takeInvitation verifies the invitation and says whom it asks to trust.
func (e *env) takeInvitation(path string, o *founding.Options) (*trusted, error) {
	if path == "" {
		return nil, nil
	}
	token, err := e.read(path, maxPaper)
	if err != nil {
		return nil, err
	}
	inv, err := founding.ReadInvitation(token, e.Now())
	if err != nil {
		return nil, err
	}
	o.Invitation, o.Federation = token, inv.Federation
	return &trusted{inv.Name, inv.Convener.ID, inv.Convener.Name, inv.Expires, phraseOf(token), inv.Charter, inv.Endpoints}, nil
}

// takePassphrase reads the passphrase and makes the configuration name its
// file, which stays where it is.
func takePassphrase(path string, o *founding.Options) error {
	if path == "" {
		return nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if o.Passphrase, err = keystore.PassphraseFile(path); err != nil {
		return errPassphrase.Wrap(err, "path", path)
	}
	o.Settings = map[string]string{"passphrase_file": path}
	return nil
}

var errPassphrase = exchange.Define(exchange.KindInvalid, "CLI-022",
	exchange.Text{Zh: "口令文件 {path} 不能使用", En: "the passphrase file {path} cannot be used"},
	exchange.Text{Zh: "须为普通文件，权限 0600，一行，不为空", En: "it must be a regular file of mode 0600 with one line that is not empty"})

// maxPaper is the longest paper of founding that is read: 1 MiB.
const maxPaper = 1 << 20

// phraseOf is a paper as words to compare by phone.
func phraseOf(token []byte) exchange.Text {
	return members.Phrase(members.Digest([]byte(strings.TrimSpace(string(token)))))
}

func kindNames() []string {
	var names []string
	for _, k := range exchange.MemberKinds() {
		names = append(names, string(k))
	}
	return names
}

// kindCell is a member kind for people and machines.
func kindCell(k exchange.MemberKind) any { return titled(k, catalogue.KindTitle(k)) }

func defaultListen() string {
	for _, k := range config.Keys() {
		if k.Name == "listen" {
			return k.Default
		}
	}
	return ""
}

// validTitle is what a charter takes as a name.
func validTitle(s string) bool { return exchange.PlainText(s, 100) }

func validUSCC(s string) bool { return identifiers.CheckUSCC(s) == nil }

func validAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && port != ""
}

// advertised is the address for peers when none is named: where the node
// listens, if that is one place.
func advertised(listen string) string {
	if reachable(listen) {
		return listen
	}
	return ""
}

// reachable says whether peers can use an address: one that listens everywhere
// names no place.
func reachable(s string) bool {
	host, port, err := net.SplitHostPort(s)
	ip := net.ParseIP(host)
	return err == nil && host != "" && port != "" && (ip == nil || !ip.IsUnspecified())
}
