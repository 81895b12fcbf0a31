package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/meeting"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// peeringAccepted is the outcome of a decision on peering by which another federation's
// lists are taken. The newest decision on a charter counts.
const peeringAccepted = "accept"

var (
	errNotPeer = exchange.Define(exchange.KindForbidden, "CLI-086",
		exchange.Text{Zh: "联席会议没有决定与章程摘要为 {charter} 的联合体互联", En: "the joint meeting has not accepted peering with the federation of charter {charter}"},
		exchange.Text{Zh: "先由电话核对摘要，再提案：accord proposal decide peering sha256:… accept", En: "compare the digest by telephone, then propose: accord proposal decide peering sha256:… accept"})
	errPeerAddress = exchange.Define(exchange.KindInvalid, "CLI-087",
		exchange.Text{Zh: "{value} 不是对方节点的地址", En: "{value} is no address of a node"},
		exchange.Text{Zh: "写成 https://host:port", En: "write https://host:port"})
)

// What is wrong with a folder of lists.
var (
	errOtherLists = exchange.Define(exchange.KindInvalid, "CLI-088",
		exchange.Text{Zh: "{path} 不是该联合体的名单", En: "{path} is not of that federation's lists"},
		exchange.Text{Zh: "每个联合体用各自的文件夹", En: "keep each federation in a folder of its own"})
	errOlderLists = exchange.Define(exchange.KindUnverified, "CLI-089",
		exchange.Text{Zh: "对方节点给出的名单（位置 {position}）比上次的（{before}）旧", En: "the lists that the node shows (position {position}) are older than the last ones ({before})"},
		exchange.Text{Zh: "向该联合体的另一成员节点查询", En: "ask another member's node of that federation"})
)

// peeringCommand follows other federations' lists.
func peeringCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "peering",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("与其他联合体互联：经联席会议决定后取用其名单", "peering: other federations' lists, as the joint meeting decided"),
		Subcommands: []*cli.Command{{
			Name:   "list",
			Usage:  e.t("已作决定的互联，新的在前", "what was decided on peering, newest first"),
			Action: func(c *cli.Context) error { return e.listPeerings(c) },
		}, {
			Name:  "follow",
			Usage: e.t("取得另一联合体的公开名单，逐条核验并证明没有遗漏", "get another federation's public lists, verify every entry and that none is missing"),
			Description: e.t("对方章程的摘要须经本联合体的联席会议决定接受。每条名单都有签名、共签检查点和证明；对方法定数的成员单位签署过全部在列主体的集合，缺一条或多一条都会拒绝。\n再次运行只取新的条目。日期和状态由对方节点说明。",
				"The digest of its charter has to be accepted by this federation's joint meeting. Every entry comes with signatures, a cosigned\ncheckpoint and proofs; a quorum of its members signed the set of all who are listed, so one too few or too many is refused.\nRun again, it gets new entries only. Dates and status are the other node's word."),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "from", Required: true, Usage: e.t("对方节点的 `URL`", "`URL` of a node of the other federation")},
				&cli.StringFlag{Name: "cafile", Usage: e.t("还要验证对方证书时，信任的证书 `PEM`", "certificates to trust, `PEM`, where the transport is to be verified, too")},
				&cli.StringFlag{Name: "out", Usage: e.t("证据文件保存到文件夹 `DIR`", "keep the evidence files in folder `DIR`")},
			},
			Action: func(c *cli.Context) error { return e.followPeer(c) },
		}},
	}
}

// peerings are the decisions on peering, newest first.
func (e *env) peerings(ctx context.Context) (all []wire.Proposal, err error) {
	// As new as can be had: without a quorum what is known here counts.
	_, _ = e.node().Ledger(ctx, true)
	got, err := e.node().Proposals(ctx, string(meeting.Passed))
	for _, p := range got.Proposals {
		if p.Kind == meeting.Peering && p.Decision != nil {
			all = append(all, p)
		}
	}
	return all, err
}

func (e *env) listPeerings(c *cli.Context) error {
	all, err := e.peerings(c.Context)
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "charter", Title: exchange.Text{Zh: "章程摘要", En: "CHARTER"}, Whole: true},
		{ID: "outcome", Title: exchange.Text{Zh: "决定", En: "DECISION"}},
		{ID: "in_force", Title: exchange.Text{Zh: "有效", En: "IN FORCE"}},
		{ID: "ended", Title: exchange.Text{Zh: "决定时间", En: "DECIDED"}},
		{ID: "id", Title: exchange.Text{Zh: "提案", En: "PROPOSAL"}},
	}}
	newer := map[string]bool{}
	for _, p := range all {
		list.add(p.Decision.Object, p.Decision.Outcome, !newer[p.Decision.Object], pointed(p.Ended), p.ID)
		newer[p.Decision.Object] = true
	}
	return e.print(list)
}

// accepts says whether the newest decision on a charter accepts peering with its
// federation.
func accepts(all []wire.Proposal, charter bundle.Digest) bool {
	for _, p := range all {
		if d, err := bundle.ParseDigest(p.Decision.Object); err == nil && d == charter {
			return p.Decision.Outcome == peeringAccepted
		}
	}
	return false
}

func (e *env) followPeer(c *cli.Context) error {
	other, err := e.stranger(c.String("from"), c.String("cafile"))
	if err != nil {
		return err
	}
	all, err := e.peerings(c.Context)
	if err != nil {
		return err
	}
	fed, err := other.Federation(c.Context)
	if err != nil {
		return err
	}
	charter, err := bundle.ParseDigest(fed.Charter)
	if err != nil || !accepts(all, charter) {
		return errNotPeer.With("charter", printableDigest(fed.Charter, charter, err))
	}
	dir := c.String("out")
	got, err := other.PublicLists(c.Context, charter, func(id exchange.EntryID) []byte {
		if dir == "" || !exchange.ValidID(string(id)) {
			return nil
		}
		raw, err := os.ReadFile(filepath.Join(dir, entryFile(id)))
		if err != nil {
			return nil
		}
		return raw
	})
	if err != nil {
		return err
	}
	if dir != "" {
		if err := notBehind(dir, got); err != nil {
			return err
		}
		if err := keepLists(dir, got); err != nil {
			return err
		}
	}
	list := rows{Columns: []column{
		{ID: "entry", Title: exchange.Text{Zh: "条目", En: "ENTRY"}, Whole: true},
		{ID: "list", Title: exchange.Text{Zh: "名单", En: "LIST"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "subject", Title: exchange.Text{Zh: "信用主体", En: "SUBJECT"}},
		{ID: "name", Title: exchange.Text{Zh: "名称", En: "NAME"}},
		{ID: "ground", Title: exchange.Text{Zh: "依据", En: "GROUND"}},
		{ID: "by", Title: exchange.Text{Zh: "认定单位", En: "BY"}},
		{ID: "listed_from", Title: exchange.Text{Zh: "列入", En: "FROM"}},
		{ID: "listed_until", Title: exchange.Text{Zh: "至", En: "UNTIL"}},
		{ID: "measures", Title: exchange.Text{Zh: "措施", En: "MEASURES"}, Bare: true},
	}}
	for _, x := range got.Entries {
		list.add(x.ID, x.List, told(entryStatuses, x.Status), x.Subject, x.Name, x.Ground, x.By, x.ListedFrom, x.ListedUntil, strings.Join(x.Measures, ", "))
	}
	if err := e.print(list); err != nil {
		return err
	}
	at := humanCell(got.At, e.Lang)
	e.note(exchange.Text{Zh: "联合体 " + got.Federation + " 截至 " + at + " 的全部在列条目，均已核验，没有遗漏",
		En: "all entries of federation " + got.Federation + " that stood at " + at + ", verified, none missing"})
	return nil
}

// printableDigest is a digest that another node told: as it is read, or that it is none.
func printableDigest(said string, read bundle.Digest, err error) string {
	if err != nil || len(said) > 100 {
		return "?"
	}
	return read.String()
}

// stranger is a client of another federation's node, which knows nobody here.
func (e *env) stranger(address, cafile string) (*client.Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" && u.Path != "/" || u.User != nil || u.RawQuery != "" {
		return nil, errPeerAddress.With("value", address)
	}
	// A node's own certificate is known to its peers only. What it says here proves itself,
	// and what is asked is no secret; whoever wants the transport proven, too, says by whom.
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: cafile == ""}
	if cafile != "" {
		pem, err := e.read(cafile, 1<<20)
		if err != nil {
			return nil, err
		}
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errPeerAddress.With("value", cafile)
		}
	}
	tr := &http.Transport{TLSClientConfig: conf}
	return client.Public(u.Scheme+"://"+u.Host, tr, e.Lang), nil
}

const proofFile = "lists.json"

// notBehind refuses lists that are older than those in the folder: what a node shows may
// be true and long over.
func notBehind(dir string, got *client.PublicLists) error {
	raw, err := os.ReadFile(filepath.Join(dir, proofFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	before, err := bundle.Parse(raw)
	if err != nil || before.Lists == nil || before.Federation != got.Federation {
		return errOtherLists.With("path", filepath.Join(dir, proofFile))
	}
	if got.Position < before.Lists.Position {
		return errOlderLists.With("position", got.Position, "before", before.Lists.Position)
	}
	return nil
}

func entryFile(id exchange.EntryID) string { return "entry-" + string(id) + ".json" }

// keepLists writes the evidence of what stands. What stood before and does not any more
// is left: it proves what it proved.
func keepLists(dir string, got *client.PublicLists) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{proofFile: got.Proof}
	for id, raw := range got.Files {
		files[entryFile(id)] = raw
	}
	for name, raw := range files {
		path := filepath.Join(dir, name)
		if old, err := os.ReadFile(path); err == nil && string(old) == string(raw) {
			continue
		}
		err := os.WriteFile(path+".new", raw, 0o644)
		if err == nil {
			err = os.Rename(path+".new", path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
