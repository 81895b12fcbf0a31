// Command accord runs and talks to a node of a credit-exchange federation.
//
// # How a line is read
//
// urfave/cli v2 stops looking for flags at the first argument, so that
// "record import FILE --dry-run" would import. Here no line reaches it unread:
// resolve (args.go) walks the command tree with the tree's own flag table,
// refuses what it does not know, and hands urfave a line whose flags stand
// before its arguments. Flags may be filled in from ACCORD_* variables
// (environ.go). urfave then parses the values and runs the command.
//
// # How to add a command
//
// Write one file per group with a function that returns its tree, and add the
// function to commands in app.go:
//
//	func recordCommand(e *env) *cli.Command {
//		return &cli.Command{
//			Name:     "record",
//			Category: e.t("信用信息", "credit information"),
//			Usage:    e.t("信用记录", "credit records"),
//			Subcommands: []*cli.Command{{
//				Name:      "import",
//				Usage:     e.t("导入一个文件", "import a file"),
//				ArgsUsage: "FILE",
//				Flags: []cli.Flag{
//					&cli.BoolFlag{Name: "dry-run", Usage: e.t("只检查，不写入", "check only, write nothing")},
//					choice("kind", "record", []string{"record", "entry"}, e.t("内容", "what the file holds")),
//				},
//				Action: func(c *cli.Context) error { return importFile(c, e) },
//			}},
//		}
//	}
//
// What the frame does for it:
//
//   - ArgsUsage is law, not decoration: "FILE [ID...]" means one argument or
//     more, and any other number is refused before the action runs. A word
//     such as CODE or SHELL is completed by argValues[word] (complete.go).
//   - Only commands without subcommands have flags and actions.
//   - Global flags, --help and the ACCORD_* name of each flag are added.
//   - Every Usage is said in both languages; a test walks the whole tree.
//
// What the action does:
//
//   - e.print(rows) for lists and e.object(v, render) for one thing, once, at
//     the end: both obey --output. Never write to e.Stdout otherwise. A render
//     is made of e.card and e.section; told and titled make cells that people
//     read as text and machines as the word of the wire.
//   - e.node() is the client of API v1, e.config() the node's configuration;
//     pages turns pages. e.read and e.save read and write files: "-" is a
//     standard stream, and nothing is ever overwritten.
//   - e.note for a remark, e.meter for progress, e.confirm before anything
//     that cannot be undone; all on stderr and silent where they should be.
//   - The global flags are fields of e: e.Dir, e.Operator, e.Format and so on,
//     valid inside actions only.
//   - Return an *exchange.Error (exchange.Define(...).With(...)); its Kind
//     decides the exit code. Other errors come out as "internal error".
//   - Nothing private is an argument or the value of a flag: others see the
//     command line. It is read from a file or from standard input.
//   - Take time, environment and terminal from e only, so that tests can
//     give their own. Test with a script in testdata/script, and against a node
//     with canned answers (fake_node_test.go).
//
// The voice of all this is described in voice.go.
package main
