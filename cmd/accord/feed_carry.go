package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"accord/exchange"
	"accord/node/feeds"
	"accord/node/founding"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var errSinceAck = exchange.Define(exchange.KindInvalid, "CLI-091",
	exchange.Text{Zh: "--since 与 --ack 不能同用", En: "--since and --ack exclude each other"},
	exchange.Text{Zh: "有回执时用 --ack", En: "use --ack where there is an acknowledgement"})

// feedExport and feedImport carry a feed by hand: on a stick, a disc, or through a
// one-way gate.

func feedExport(e *env) *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: e.t("把本单位的记录流导出为签名文件，交给网络不通的成员", "export this member's feed as signed files for a member that the network does not reach"),
		Description: e.t("内容与网络同步相同：检查点、条目、对方依目录可持有的记录，以及账本的证明；密封的信息项仍是密封的。\n重新执行时，目录中已有的完整文件不再写。",
			"What the network would carry: checkpoint, entries, the records that the catalogue lets\nthe other hold, and the ledger's proof; sealed fields stay sealed. Done again, files\nthat are there and whole are not written again."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "peer", Required: true, Usage: e.t("接收的成员 `MEMBER`", "the `MEMBER` it is for")},
			&cli.StringFlag{Name: "to", Required: true, Usage: e.t("写入目录 `DIR`", "write into the folder `DIR`")},
			&cli.Int64Flag{Name: "since", Usage: e.t("从第 `N` 条开始", "begin at entry `N`")},
			&cli.StringFlag{Name: "ack", Usage: e.t("从对方的回执 `FILE` 所确认之处继续", "go on from where the other's acknowledgement `FILE` says it is")},
		},
		Action: func(c *cli.Context) error { return e.feedExport(c) },
	}
}

func feedImport(e *env) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     e.t("导入其他成员导出的记录流文件，并写出回执", "take in files of another member's feed, and write an acknowledgement"),
		ArgsUsage: "FILE...",
		Description: e.t("与网络同步同样核验、同样报警；重复导入不产生变化，中断后可从任何文件继续。核验需要账本中的章程、\n成员密钥、锚点和目录版本：本节点没有的，文件自带证明。",
			"Verified as over the network, with the same alarms. Importing twice changes nothing,\nand it can be stopped and go on at any file. It needs the ledger's charter, members'\nkeys, anchors and catalogue: what this node lacks of them the files prove."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Usage: e.t("回执写入目录 `DIR`，默认为第一个文件所在目录", "write the acknowledgement into the folder `DIR`; default where the first file lies")},
		},
		Action: func(c *cli.Context) error { return e.feedImport(c) },
	}
}

// partName is a file's name on any medium: short, in the letters FAT has, and in the
// order in which files are to be imported.
func partName(p feeds.PartHead) string {
	return fmt.Sprintf("accord-%s-for-%s-%012d-%012d.feed", p.Author, p.To, p.From, p.Until)
}

func (e *env) feedExport(c *cli.Context) error {
	peer, dir, since := exchange.MemberID(c.String("peer")), c.String("to"), c.Int64("since")
	if path := c.String("ack"); path != "" {
		if c.IsSet("since") {
			return errSinceAck.With()
		}
		raw, err := e.read(path, feeds.MaxAck)
		if err != nil {
			return err
		}
		got, err := e.node().TakeFeedAck(c.Context, raw)
		if err != nil {
			return err
		}
		if got.Member != peer {
			return errBadValue.With("flag", "--ack", "value", path, "example", string(peer))
		}
		since = got.Size
	}
	list := rows{Columns: []column{
		{ID: "file", Title: exchange.Text{Zh: "文件", En: "FILE"}, Whole: true},
		{ID: "from", Title: exchange.Text{Zh: "从", En: "FROM"}, Right: true},
		{ID: "until", Title: exchange.Text{Zh: "到", En: "UNTIL"}, Right: true},
		{ID: "bytes", Title: exchange.Text{Zh: "字节", En: "BYTES"}, Right: true},
		{ID: "written", Title: exchange.Text{Zh: "本次写入", En: "WRITTEN"}},
		{ID: "size", Title: exchange.Text{Zh: "记录流条数", En: "FEED"}, Right: true, Bare: true},
	}}
	st, err := e.node().Status(c.Context)
	if err != nil {
		return err
	}
	there, err := wholeParts(dir, st.Member, peer)
	if err != nil {
		return err
	}
	for more := true; more; {
		if p := there[since]; p.Until > p.From {
			list.add(filepath.Join(dir, partName(p)), p.From, p.Until, nil, false, p.Size)
			since = p.Until
			continue
		}
		raw, err := e.node().ExportFeed(c.Context, wire.ExportFeed{To: peer, Since: since})
		if err != nil {
			return err
		}
		p, err := feeds.ReadPart(raw)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, partName(p.PartHead))
		if err := onStick(path, raw); err != nil {
			return err
		}
		list.add(path, p.From, p.Until, len(raw), true, p.Size)
		since, more = p.Until, p.Until < p.Size
	}
	return e.print(list)
}

// wholeParts are the parts from one member for another that lie in a folder under
// their names, which they only get when they are whole, by where they begin.
func wholeParts(dir string, author, to exchange.MemberID) (map[int64]feeds.PartHead, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "accord-*.feed"))
	if err != nil {
		return nil, err
	}
	found := map[int64]feeds.PartHead{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if p, err := feeds.ReadPart(raw); err == nil && p.Author == author && p.To == to && filepath.Base(path) == partName(p.PartHead) {
			found[p.From] = p.PartHead
		}
	}
	return found, nil
}

// onStick makes a file under its name once it is whole and on the medium. Unlike
// newFile it does with what FAT has: names and no links. What has the name already and
// is not whole, it replaces.
func onStick(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "accord-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return founding.SyncFolder(filepath.Dir(path))
}

// carried is a file that is to be imported.
type carried struct {
	path string
	head feeds.PartHead
}

func (e *env) feedImport(c *cli.Context) error {
	files, err := carriedFiles(c.Args().Slice())
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "file", Title: exchange.Text{Zh: "文件", En: "FILE"}, Whole: true},
		{ID: "author", Title: exchange.Text{Zh: "单位", En: "AUTHOR"}},
		{ID: "new", Title: exchange.Text{Zh: "新增条数", En: "NEW"}, Right: true},
		{ID: "size", Title: exchange.Text{Zh: "本节点条数", En: "HERE"}, Right: true},
		{ID: "seen", Title: exchange.Text{Zh: "对方条数", En: "THERE"}, Right: true},
		{ID: "anchored", Title: exchange.Text{Zh: "已对锚点", En: "ANCHORED"}, Right: true},
		{ID: "withheld", Title: exchange.Text{Zh: "不可持有", En: "WITHHELD"}, Right: true},
		{ID: "missing", Title: exchange.Text{Zh: "缺失", En: "MISSING"}, Right: true},
		{ID: "erased", Title: exchange.Text{Zh: "已清除", En: "ERASED"}, Right: true, Bare: true},
		{ID: "acknowledgement", Title: exchange.Text{Zh: "回执", En: "ACKNOWLEDGEMENT"}, Bare: true},
	}}
	since := map[exchange.MemberID]int64{}
	var failed error
	for _, f := range files {
		raw, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		got, err := e.node().ImportFeed(c.Context, raw)
		if err != nil { // what came before it stays, and is acknowledged
			failed = err
			break
		}
		if _, known := since[got.Author]; !known {
			since[got.Author] = got.From
		}
		list.add(f.path, got.Author, got.New, got.Size, got.Seen, got.Anchored, got.Withheld, got.Missing, got.Erased, "")
	}
	dir := cmp.Or(c.String("to"), filepath.Dir(files[0].path))
	for author, from := range since {
		ack, err := e.node().FeedAck(c.Context, author, from)
		if err != nil {
			return errors.Join(failed, err)
		}
		path := filepath.Join(dir, fmt.Sprintf("accord-%s-to-%s.ack", files[0].head.To, author))
		if err := onStick(path, ack); err != nil {
			return err
		}
		for i := range list.Cells {
			if list.Cells[i][1] == author {
				list.Cells[i][len(list.Cells[i])-1] = path
			}
		}
		if e.chatty() {
			fmt.Fprintln(e.Stderr, e.t("回执：", "acknowledgement: ")+path)
		}
	}
	if len(list.Cells) > 0 {
		failed = errors.Join(failed, e.print(list))
	}
	return failed
}

// carriedFiles reads what the files are, and puts them in the order in which they
// follow each other.
func carriedFiles(paths []string) (files []carried, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
		}
		if info.Size() > feeds.MaxPart {
			return nil, errFileLong.With("path", path, "limit", feeds.MaxPart)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		p, err := feeds.ReadPart(raw)
		if err != nil {
			return nil, err
		}
		files = append(files, carried{path, p.PartHead})
	}
	slices.SortStableFunc(files, func(a, b carried) int {
		return cmp.Or(strings.Compare(string(a.head.Author), string(b.head.Author)), cmp.Compare(a.head.From, b.head.From), cmp.Compare(a.head.MadeAt, b.head.MadeAt))
	})
	return files, nil
}
