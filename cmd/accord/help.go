package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// topic is a help page that belongs to no command.
type topic struct {
	name  string
	title exchange.Text
	show  func(e *env) error
}

var topics = []topic{
	{"exit", exchange.Text{Zh: "退出码", En: "exit codes"}, func(e *env) error { return e.print(exitRows()) }},
	{"env", exchange.Text{Zh: "环境变量", En: "environment variables"}, func(e *env) error { return e.print(e.variableRows()) }},
	{"output", exchange.Text{Zh: "输出格式", En: "output formats"}, func(e *env) error { return e.showText("output", e.say(outputText)) }},
}

var outputText = exchange.Text{
	Zh: `  table    给人看的表格；在终端上按宽度截断，编号和摘要不截断；时间为北京时间
  json     一个对象，含 schemaVersion；列表在 rows 中；时间为 RFC 3339 UTC
           出错时标准错误上是一个对象：code kind what next field args
  csv      RFC 4180，第一行是列标识；会被表格软件当作公式的文字前加 '
  csv-bom  同 csv，开头带 UTF-8 标记，供 Excel 打开
json 和 csv 的内容不随语言变化。结果只写到标准输出，其余都写到标准错误。
`,
	En: `  table    for people; cut to the terminal's width, but never ids and digests;
           times in Beijing time
  json     one object with schemaVersion, a list in rows; times in RFC 3339 UTC;
           an error is one object on stderr: code kind what next field args
  csv      RFC 4180, column ids first; text that a spreadsheet would compute
           gets a ' before it
  csv-bom  csv that begins with the UTF-8 mark, for Excel
json and csv are the same in every language. Results go to stdout, all else to
stderr.
`,
}

// helpCommand explains commands and topics.
func helpCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     e.t("命令或主题的说明", "explain a command or a topic"),
		ArgsUsage: "[COMMAND...]",
		Action: func(c *cli.Context) error {
			if c.NArg() == 1 {
				if t := topicNamed(c.Args().First()); t != nil {
					return t.show(e)
				}
			}
			l := &line{path: []*cli.Command{rootOf(e.app)}}
			for _, word := range c.Args().Slice() {
				if err := l.descend(word); err != nil {
					return err
				}
			}
			return e.help(l.path)
		},
	}
}

func topicNamed(name string) *topic {
	for i := range topics {
		if topics[i].name == name {
			return &topics[i]
		}
	}
	return nil
}

// help explains the last command of path as a result, on stdout.
func (e *env) help(path []*cli.Command) error {
	return e.showText((&line{path: path}).name(), e.helpText(path))
}

// showText writes a page of help in the chosen format.
func (e *env) showText(name, text string) error {
	page := struct {
		Page string `json:"page"`
		Text string `json:"text"`
	}{name, text}
	return e.object(page, func(w io.Writer) { io.WriteString(w, text) })
}

func (e *env) helpText(path []*cli.Command) string {
	l, c := &line{path: path}, path[len(path)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n  %s\n", l.name(), plainUsage(c.Usage), e.t("用法", "Usage"), usageLine(e, l))
	if c.Description != "" && len(path) > 1 {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(c.Description, "\n"))
	}
	e.helpCommands(&b, c)
	if own := ownFlags(c); len(own) > 0 && len(path) > 1 {
		fmt.Fprintf(&b, "\n%s\n%s", e.t("选项", "Flags"), e.helpList(e.flagLines(path, own)))
	}
	if len(path) == 1 {
		fmt.Fprintf(&b, "\n%s\n%s", e.t("通用选项，可写在任何位置", "Global flags, accepted anywhere"), e.helpList(e.flagLines(path, e.app.Flags)))
		var list [][2]string
		for _, t := range topics {
			list = append(list, [2]string{"help " + t.name, e.say(t.title)})
		}
		fmt.Fprintf(&b, "\n%s\n%s", e.t("主题", "Topics"), e.helpList(list))
	} else {
		fmt.Fprintf(&b, "\n%s\n", e.t("通用选项见 accord help，退出码见 accord help exit。",
			"Global flags: accord help. Exit codes: accord help exit."))
	}
	return b.String()
}

func usageLine(e *env, l *line) string {
	parts := []string{l.name()}
	c := l.command()
	if len(c.Subcommands) > 0 {
		return strings.Join(append(parts, e.t("命令", "COMMAND"), e.t("[选项]", "[flags]"), e.t("[参数...]", "[arguments...]")), " ")
	}
	if len(ownFlags(c)) > 0 {
		parts = append(parts, e.t("[选项]", "[flags]"))
	}
	if c.ArgsUsage != "" {
		parts = append(parts, c.ArgsUsage)
	}
	return strings.Join(parts, " ")
}

// helpCommands lists the commands below c by category, in declared order.
func (e *env) helpCommands(b *strings.Builder, c *cli.Command) {
	var order []string
	lists := map[string][][2]string{}
	for _, sub := range c.Subcommands {
		if sub.Hidden {
			continue
		}
		title := cmp.Or(sub.Category, e.t("命令", "Commands"))
		if !slices.Contains(order, title) {
			order = append(order, title)
		}
		lists[title] = append(lists[title], [2]string{strings.Join(sub.Names(), ", "), plainUsage(sub.Usage)})
	}
	for _, title := range order {
		fmt.Fprintf(b, "\n%s\n%s", title, e.helpList(lists[title]))
	}
}

// ownFlags are a command's flags without the global ones.
func ownFlags(c *cli.Command) []cli.Flag {
	var own []cli.Flag
	for _, f := range c.Flags {
		if v, ok := f.(cli.VisibleFlag); ok && v.IsVisible() && !isGlobal(canonical(f)) {
			own = append(own, f)
		}
	}
	return own
}

// flagLines says of each flag its names, its value and its meaning.
func (e *env) flagLines(path []*cli.Command, flags []cli.Flag) [][2]string {
	var list [][2]string
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		var names []string
		for _, name := range f.Names() {
			names = append(names, dashed(name))
		}
		left := strings.Join(names, ", ")
		if d.TakesValue() {
			left += " " + placeholder(f)
		}
		right := plainUsage(d.GetUsage())
		if def := strings.Trim(d.GetDefaultText(), `"`); def != "" && d.TakesValue() && def != "0" {
			right += e.t("（默认 ", " (default ") + def + e.t("）", ")")
		}
		if v := variableOf(path, canonical(f)); v != "" {
			right += " [" + v + "]"
		}
		list = append(list, [2]string{left, right})
	}
	return list
}

// placeholder is what stands for a flag's value: the word between backquotes
// in its usage, the words it allows, or VALUE.
func placeholder(f cli.Flag) string {
	if _, rest, ok := strings.Cut(f.(cli.DocGenerationFlag).GetUsage(), "`"); ok {
		word, _, _ := strings.Cut(rest, "`")
		return word
	}
	if g, ok := f.(*cli.GenericFlag); ok {
		if o, ok := g.Value.(*oneOf); ok {
			return strings.Join(o.allowed, "|")
		}
	}
	return "VALUE"
}

func plainUsage(s string) string { return strings.ReplaceAll(s, "`", "") }

// helpList aligns names and meanings by display width.
func (e *env) helpList(list [][2]string) string {
	const widest = 28
	cond, wide := e.widths(), 0
	for _, item := range list {
		if w := cond.StringWidth(item[0]); w <= widest {
			wide = max(wide, w)
		}
	}
	var b strings.Builder
	for _, item := range list {
		if cond.StringWidth(item[0]) > wide {
			fmt.Fprintf(&b, "  %s\n  %s  %s\n", item[0], strings.Repeat(" ", wide), item[1])
			continue
		}
		fmt.Fprintf(&b, "  %s  %s\n", cond.FillRight(item[0], wide), item[1])
	}
	return b.String()
}

// variableRows lists the environment variables of the whole tree. A flag wins
// over its variable, and an empty variable counts as not set.
func (e *env) variableRows() rows {
	list := rows{Columns: []column{{ID: "variable", Title: exchange.Text{Zh: "变量（选项优先，空值等于未设置）", En: "VARIABLE (flags win, empty is not set)"}}}}
	for _, v := range e.knownVariables() {
		list.add(v)
	}
	return list
}
