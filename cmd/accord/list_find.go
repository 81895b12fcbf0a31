package main

import (
	"strings"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// entryTimeFlags are the two axes of time of list entries.
func entryTimeFlags(e *env) []cli.Flag {
	return timeFlags(
		e.t("条目在 `TIME` 时的状况", "how entries stood, or will stand, at `TIME`"),
		e.t("按账本在 `TIME` 时已有的内容：此后的移出尚未发生", "by what was on the ledger at `TIME`: what was removed later is still there"))
}

// listFindCommand asks all lists in the grammar of record find.
func listFindCommand(e *env) *cli.Command {
	keys := lists.QuestionKeys()
	return &cli.Command{
		Name: "find", ArgsUsage: "[KEY=VALUE...]",
		Usage: e.t("在全部名单中查询条目，可查某一时刻、按当时所知", "ask the entries of all lists, as of a time and as known at one"),
		Description: e.t("筛选项："+strings.Join(keys, "、")+"。写法与 accord record find、API 和翻页链接相同。--as-of 指条目在该时刻的状况，--known-at 指按账本在该时刻已有的内容；只给 --known-at 时两者同为该时刻。当时有效、后来以差错或撤销移出的条目，另行注明。",
			"Keys: "+strings.Join(keys, ", ")+"; spelled as in accord record find, the API and links between pages. --as-of is the time whose statuses are meant, --known-at what the ledger held by then; --known-at alone is both. What stood then and was later taken back as an error, or as revoked, says so."),
		Flags:  append(entryTimeFlags(e), linearFlag(e), staleFlag(e), limitFlag(e)),
		Action: func(c *cli.Context) error { return e.findEntries(c) },
	}
}

func (e *env) findEntries(c *cli.Context) error {
	pairs, err := pairsOf(c, c.Args().Slice(), lists.QuestionKeys(), lists.ParseQuestion)
	if err != nil {
		return err
	}
	node, err := e.reader(c)
	if err != nil {
		return err
	}
	var entries []wire.Entry
	var first wire.Entries
	cursor, linear := "", c.Bool("linear")
	err = pages(int(c.Uint("limit")), func(limit int) (int, bool, error) {
		page, err := node.FindEntries(c.Context, pairs, cursor, limit, linear)
		if err != nil {
			return 0, false, err
		}
		if cursor == "" {
			first = page
		}
		entries = append(entries, page.Entries...)
		cursor, linear = page.Next, false
		return len(page.Entries), cursor != "", nil
	})
	if err != nil {
		return err
	}
	if err := e.print(entryRows(e.titles(c), entries)); err != nil {
		return err
	}
	at, known := humanCell(first.At, e.Lang), humanCell(first.Known, e.Lang)
	e.note(exchange.Text{Zh: "条目状况截至 " + at + "，依据账本截至 " + known + " 的内容", En: "as of " + at + ", by what the ledger held at " + known})
	return nil
}

func (e *env) findEntry(c *cli.Context) error {
	pairs, err := pairsOf(c, nil, nil, lists.ParseQuestion)
	if err != nil {
		return err
	}
	node, err := e.reader(c)
	if err != nil {
		return err
	}
	entry, err := node.EntryAt(c.Context, exchange.EntryID(c.Args().First()), pairs.Get("as-of"), pairs.Get("known-at"))
	if err != nil {
		return err
	}
	return e.showEntry(c, entry)
}
