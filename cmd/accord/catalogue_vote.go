package main

import (
	"io"
	"strings"

	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// endorseCommand signs a new catalogue version for this member.
func endorseCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "endorse", ArgsUsage: "FILE",
		Usage: e.t("以本单位席位同意新目录", "endorse a new catalogue with this member's seat"),
		Flags: []cli.Flag{e.outFlag("")},
		Action: func(c *cli.Context) error {
			document, err := e.catalogueFile(c.Context, c.Args().First())
			if err != nil {
				return err
			}
			signed, err := e.node().Endorse(c.Context, string(document))
			if err != nil {
				return err
			}
			if err := e.save(c.String("out"), []byte(signed.Signature+"\n")); err != nil || c.String("out") == "-" {
				return err
			}
			return e.object(signed, func(w io.Writer) {
				e.card(w,
					fact{labelFile, c.String("out")},
					fact{labelMember, signed.Member},
					fact{exchange.Text{Zh: "目录版本", En: "catalogue version"}, signed.Version},
					fact{labelDigest, signed.Digest},
					fact{labelNext, exchange.Text{
						Zh: "收齐同意书后运行 accord catalogue adopt", En: "with enough endorsements run accord catalogue adopt"}})
			})
		},
	}
}

// adoptCommand puts an endorsed version in force.
func adoptCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "adopt", ArgsUsage: "FILE ENDORSEMENT...",
		Usage: e.t("用足够席位的同意书使新目录生效", "put a new catalogue in force with the endorsements of enough seats"),
		Description: e.t("全部成员的程序都支持联席会议之后，改用 accord proposal catalogue。",
			"Once every member's build knows the joint meeting, it is accord proposal catalogue instead."),
		Action: func(c *cli.Context) error {
			document, err := e.catalogueFile(c.Context, c.Args().First())
			if err != nil {
				return err
			}
			papers, err := e.readAll(c.Args().Tail(), maxPaper)
			if err != nil {
				return err
			}
			in := wire.AdoptCatalogue{Document: string(document)}
			for _, p := range papers {
				in.Endorsements = append(in.Endorsements, strings.TrimSpace(string(p)))
			}
			done, err := e.node().AdoptCatalogue(c.Context, in)
			if err != nil {
				return err
			}
			return e.done(done, exchange.Text{Zh: "新目录已生效", En: "the new catalogue is in force"})
		},
	}
}

// done shows an act on the ledger.
func (e *env) done(d wire.Done, what exchange.Text) error {
	return e.object(d, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "结果", En: "done"}, what},
			fact{exchange.Text{Zh: "账本序号", En: "ledger entry"}, d.Seq},
			fact{exchange.Text{Zh: "指令", En: "command"}, d.ID})
	})
}
