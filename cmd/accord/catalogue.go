package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/meeting"

	"github.com/urfave/cli/v2"
)

var (
	errChecksFailed = exchange.Define(exchange.KindInvalid, "CLI-025",
		exchange.Text{Zh: "目录 {count} 个用例中有 {failed} 个未通过", En: "{failed} of the catalogue's {count} cases fail"},
		exchange.Text{Zh: "改正规则或用例", En: "mend the rules or the cases"})
	errNoCategory = exchange.Define(exchange.KindNotFound, "CLI-026",
		exchange.Text{Zh: "目录中没有类别 {category}", En: "the catalogue has no category {category}"},
		exchange.Text{Zh: "试试 {try}", En: "try {try}"})
	errNotACatalogue = exchange.Define(exchange.KindInvalid, "CLI-092",
		exchange.Text{Zh: "提案 {id} 的事项是 {kind}，不是目录", En: "proposal {id} is about {kind}, not a catalogue"},
		exchange.Text{Zh: "用 accord proposal list 查看", En: "see accord proposal list"})
)

// catalogueCommand reads, checks and changes the catalogue.
func catalogueCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "catalogue",
		Category: e.t("联合体", "federation"),
		Usage:    e.t("信用信息目录", "the credit information catalogue"),
		Description: e.t("FILE 处也可写 current（节点现行目录）、proposal:ID（提案中的目录），或内置的 default、full。修改目录：accord catalogue fmt current --out FILE，改后 lint、test、diff current FILE，再以 accord proposal catalogue FILE 提出。",
			"For FILE you can also write current (the node's), proposal:ID (of a proposal), or the built-in default and full. To change it: accord catalogue fmt current --out FILE, edit, then lint, test and diff current FILE, and propose it with accord proposal catalogue FILE."),
		Subcommands: append([]*cli.Command{{
			Name:  "show",
			Usage: e.t("类别，或一个类别的信息项", "the categories, or the fields of one"),
			Flags: []cli.Flag{catalogueFlag(e, ""), &cli.StringFlag{Name: "category", Usage: e.t("类别 `ID`", "`ID` of the category")}},
			Action: func(c *cli.Context) error {
				cat, err := e.catalogue(c)
				if err != nil {
					return err
				}
				if id := c.String("category"); id != "" {
					return e.showCategory(cat, id)
				}
				return e.print(categoryRows(cat.Document()))
			},
		}, {
			Name: "explain", ArgsUsage: "CATEGORY FIELD",
			Usage:  e.t("谁可以看到一个信息项，依据哪条规则", "who may see a field, and by which rule"),
			Flags:  []cli.Flag{catalogueFlag(e, "")},
			Action: func(c *cli.Context) error { return e.explainField(c) },
		}, {
			Name: "compile", ArgsUsage: "FILE",
			Usage:  e.t("把 YAML 编译为成员签署的 JSON", "compile YAML to the JSON that members sign"),
			Flags:  []cli.Flag{e.outFlag("-")},
			Action: func(c *cli.Context) error { return e.compile(c.Context, c.Args().First(), c.String("out")) },
		}, {
			Name: "lint", ArgsUsage: "FILE",
			Usage:  e.t("检查目录文件，列出全部问题", "say everything that is wrong with a catalogue file"),
			Action: func(c *cli.Context) error { return e.lint(c.Context, c.Args().First()) },
		}, {
			Name: "test", ArgsUsage: "FILE",
			Usage:  e.t("运行目录文件中的用例", "run the cases inside a catalogue file"),
			Action: func(c *cli.Context) error { return e.testCatalogue(c.Context, c.Args().First()) },
		}, {
			Name: "diff", ArgsUsage: "BEFORE AFTER",
			Usage:  e.t("两个目录的差别，先列谁多看到或少看到什么", "how two catalogues differ: first who gains or loses access"),
			Action: func(c *cli.Context) error { return e.diffCatalogues(c.Context, c.Args().Get(0), c.Args().Get(1)) },
		}, simulateCommand(e), fmtCommand(e), exportCommand(e), endorseCommand(e), adoptCommand(e)}, rulesCommands(e)...),
	}
}

// catalogueFlag names a catalogue that is not the node's.
func catalogueFlag(e *env, def string) cli.Flag {
	usage := e.t("目录文件 `FILE`，或内置的 default、full（其后续的第 2 格式版本）；默认用节点现行目录", "catalogue `FILE`, or the built-in default or full (its next version, of format 2); without it the node's")
	if def != "" {
		usage = e.t("目录文件 `FILE`，或内置的 default、full（第 2 格式）", "catalogue `FILE`, or the built-in default or full (format 2)")
	}
	return &cli.StringFlag{Name: "catalogue", Value: def, Usage: usage}
}

// The names of catalogues that are no files: the node's, and the one of a proposal.
const (
	nameCurrent  = "current"
	nameProposal = "proposal:"
)

// namedCatalogue is a catalogue that is built in or that the node has; named is false for
// the name of a file.
func (e *env) namedCatalogue(ctx context.Context, name string) (document []byte, named bool, err error) {
	switch name {
	case "default":
		document, _ = catalogue.Default()
		return document, true, nil
	case "full":
		document, _ = catalogue.Full()
		return document, true, nil
	case "demo":
		document, _ = catalogue.Demo()
		return document, true, nil
	case nameCurrent:
		document, err = e.node().Catalogue(ctx)
		return document, true, err
	}
	id, named := strings.CutPrefix(name, nameProposal)
	if !named {
		return nil, false, nil
	}
	p, err := e.node().Proposal(ctx, exchange.CommandID(id))
	if err == nil && p.Kind != meeting.Catalogue {
		err = errNotACatalogue.With("id", id, "kind", p.Kind)
	}
	return []byte(p.Document), true, err
}

// catalogueFile is a catalogue's exact bytes: those of a name, compiled from YAML, or as
// they stand in the file.
func (e *env) catalogueFile(ctx context.Context, name string) ([]byte, error) {
	if document, named, err := e.namedCatalogue(ctx, name); named {
		return document, err
	}
	data, err := e.read(name, catalogue.MaxBytes)
	if err != nil {
		return nil, err
	}
	if isYAML(name) {
		return catalogue.Compile(data)
	}
	_, err = catalogue.Parse(data)
	return data, err
}

func isYAML(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yaml" || ext == ".yml"
}

// catalogue is the one named by --catalogue, or the node's.
func (e *env) catalogue(c *cli.Context) (*catalogue.Catalogue, error) {
	if name := c.String("catalogue"); name != "" {
		document, err := e.catalogueFile(c.Context, name)
		if err != nil {
			return nil, err
		}
		return catalogue.Load(document)
	}
	return e.catalogueInForce(c)
}

// catalogueInForce is the node's.
func (e *env) catalogueInForce(c *cli.Context) (*catalogue.Catalogue, error) {
	document, err := e.node().Catalogue(c.Context)
	if err != nil {
		return nil, err
	}
	return catalogue.Load(document)
}

// compile writes the bytes that members sign and names them.
func (e *env) compile(ctx context.Context, source, out string) error {
	document, err := e.catalogueFile(ctx, source)
	if err != nil {
		return err
	}
	if err := e.save(out, document); err != nil || out == "-" {
		return err
	}
	made := struct {
		File   string `json:"file"`
		Digest string `json:"digest"`
	}{out, catalogue.Digest(document)}
	return e.object(made, func(w io.Writer) {
		e.card(w, fact{labelFile, made.File}, fact{labelDigest, made.Digest})
	})
}

// draftCatalogue reads a file that may be wrong, to say what is.
func (e *env) draftCatalogue(ctx context.Context, name string) (*catalogue.Document, error) {
	if document, named, err := e.namedCatalogue(ctx, name); named {
		if err != nil {
			return nil, err
		}
		return catalogue.Decode(document)
	}
	data, err := e.read(name, catalogue.MaxBytes)
	if err != nil {
		return nil, err
	}
	if isYAML(name) {
		return catalogue.DecodeYAML(data)
	}
	return catalogue.Decode(data)
}

func (e *env) lint(ctx context.Context, name string) error {
	doc, err := e.draftCatalogue(ctx, name)
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "severity", Title: exchange.Text{Zh: "程度", En: "SEVERITY"}},
		{ID: "code", Title: exchange.Text{Zh: "代码", En: "CODE"}, Whole: true},
		{ID: "path", Title: exchange.Text{Zh: "位置", En: "PATH"}, Whole: true},
		{ID: "text", Title: exchange.Text{Zh: "说明", En: "WHAT"}},
	}}
	for _, f := range catalogue.Lint(doc) {
		list.add(told(severities, f.Severity), f.Code, f.Path, f.Text)
	}
	if err := e.print(list); err != nil {
		return err
	}
	return catalogue.Validate(doc)
}

func (e *env) testCatalogue(ctx context.Context, name string) error {
	doc, err := e.draftCatalogue(ctx, name)
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "ok", Title: exchange.Text{Zh: "通过", En: "OK"}},
		{ID: "title", Title: exchange.Text{Zh: "用例", En: "CASE"}},
		{ID: "want", Title: exchange.Text{Zh: "应为", En: "WANT"}},
		{ID: "got", Title: exchange.Text{Zh: "实为", En: "GOT"}},
		{ID: "rule", Title: exchange.Text{Zh: "规则", En: "RULE"}},
		{ID: "clause", Title: exchange.Text{Zh: "未满足", En: "FAILED"}},
	}}
	failed := 0
	results := catalogue.RunChecks(doc)
	for _, r := range results {
		if !r.OK() {
			failed++
		}
		list.add(r.OK(), r.Check.Title, r.Check.Want, r.Got.Outcome, r.Got.Rule, r.Got.Clause)
	}
	if err := e.print(list); err != nil {
		return err
	}
	if failed > 0 {
		return errChecksFailed.With("count", len(results), "failed", failed)
	}
	return nil
}

func (e *env) diffCatalogues(ctx context.Context, before, after string) error {
	a, err := e.draftCatalogue(ctx, before)
	if err != nil {
		return err
	}
	b, err := e.draftCatalogue(ctx, after)
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "kind", Title: exchange.Text{Zh: "变化", En: "CHANGE"}},
		{ID: "path", Title: exchange.Text{Zh: "位置", En: "PATH"}},
		{ID: "text", Title: exchange.Text{Zh: "说明", En: "WHAT"}},
	}}
	for _, change := range catalogue.Diff(a, b) {
		list.add(told(changes, change.Kind), change.Path, change.Text)
	}
	return e.print(list)
}

func (e *env) explainField(c *cli.Context) error {
	cat, err := e.catalogue(c)
	if err != nil {
		return err
	}
	x, err := cat.Explain(c.Args().Get(0), c.Args().Get(1))
	if err != nil {
		return err
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(accessRows(cat, x))
	}
	return e.object(x, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "信息项", En: "field"}, e.say(x.Title) + " (" + x.Category + "/" + x.Field + ")"},
			fact{exchange.Text{Zh: "属性", En: "class"}, told(classes, x.Class)},
			fact{exchange.Text{Zh: "自然人", En: "for persons"}, told(classes, x.PersonClass)},
			fact{exchange.Text{Zh: "结论", En: "so"}, x.Text},
			fact{exchange.Text{Zh: "依据", En: "by"}, cat.Reference()})
		e.section(w, exchange.Text{Zh: "谁可以看到", En: "Who may see it"}, accessRows(cat, x))
	})
}
