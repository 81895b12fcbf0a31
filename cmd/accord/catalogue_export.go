package main

import (
	_ "embed"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"

	"github.com/urfave/cli/v2"
)

//go:embed catalogue_page.html
var cataloguePage string

// exportCommand writes the open catalogue (开放目录): pages and tables that a web
// server can serve as they are.
func exportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: e.t("写出开放目录：中英文网页、信息项和规则的 CSV、供审计的 Cedar 文本", "write the open catalogue: pages in Chinese and English, fields and rules as CSV, Cedar text for auditors"),
		Flags: []cli.Flag{catalogueFlag(e, ""), &cli.StringFlag{Name: "out", Required: true, Usage: e.t("新目录 `DIR`", "the new folder `DIR`")}},
		Action: func(c *cli.Context) error {
			cat, err := e.catalogue(c)
			if err != nil {
				return err
			}
			return e.exportCatalogue(cat, c.String("out"))
		},
	}
}

func (e *env) exportCatalogue(cat *catalogue.Catalogue, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if os.IsExist(err) {
			return errFileThere.With("path", dir)
		}
		return err
	}
	rules, err := writeRules("rules.csv", cat.Document())
	if err != nil {
		return err
	}
	files := rows{Columns: []column{{ID: "file", Title: exchange.Text{Zh: "文件", En: "FILE"}}}}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"index.html", cataloguePageIn(cat, exchange.Zh)},
		{"index.en.html", cataloguePageIn(cat, exchange.En)},
		{"fields.csv", []byte(csvText(fieldRows(cat), true))},
		{"rules.csv", rules},
		{"rules.cedar", []byte(cat.Cedar())},
	} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.data, 0o644); err != nil {
			return err
		}
		files.add(path)
	}
	return e.print(files)
}

// fieldRows is every field of the catalogue with its class.
func fieldRows(cat *catalogue.Catalogue) rows {
	var list rows
	for _, id := range []string{"category", "category_zh", "category_en", "field", "field_zh", "field_en", "type", "class", "person_class", "required", "subjects", "authors", "source"} {
		list.Columns = append(list.Columns, column{ID: id})
	}
	for _, c := range cat.Document().Categories {
		for _, f := range c.Fields {
			list.add(c.ID, c.Title.Zh, c.Title.En, f.ID, f.Title.Zh, f.Title.En, string(f.Type), string(f.Class), string(f.PersonClass), f.Required, c.Subjects, kindsOf(c.Authors), c.Source)
		}
	}
	return list
}

// pageData is what the page shows, in one language.
type pageData struct {
	Lang       string
	Title      string
	Other      string // the page in the other language
	Reference  string
	Digest     string
	Doc        *catalogue.Document
	Rules      []*catalogue.Rule
	Categories []pageCategory
	T          func(zh, en string) string
	In         func(exchange.Text) string
	Class      func(catalogue.Class) string
	Kinds      func([]exchange.MemberKind) string
	Basis      func(string) string
	Need       func(*catalogue.Rule) string
	Purposes   func([]string) string
	Join       func([]string) string
}

type pageCategory struct {
	*catalogue.Category
	Fields []catalogue.Explanation
}

var pageTemplate = template.Must(template.New("page").Parse(cataloguePage))

func cataloguePageIn(cat *catalogue.Catalogue, lang exchange.Lang) []byte {
	doc := cat.Document()
	in := func(t exchange.Text) string { return t.In(lang) }
	data := pageData{Lang: "zh-CN", Title: in(doc.Title), Other: "index.en.html", Reference: cat.Reference(), Digest: cat.Digest(), Doc: doc, In: in,
		T:     func(zh, en string) string { return in(exchange.Text{Zh: zh, En: en}) },
		Class: func(c catalogue.Class) string { return in(word(classes, c)) },
		Basis: func(b string) string { return in(word(bases, b)) },
		Kinds: func(kinds []exchange.MemberKind) string {
			titles := make([]string, len(kinds))
			for i, k := range kinds {
				titles[i] = in(catalogue.KindTitle(k))
			}
			return strings.Join(titles, in(exchange.Text{Zh: "、", En: ", "}))
		},
		Need: func(r *catalogue.Rule) string {
			if need := in(catalogue.ApprovalNeed(r.Approval, r.Persons, r.Approvers)); need != "" {
				return need
			}
			return in(exchange.Text{Zh: "无需批准", En: "none"})
		},
		Purposes: func(ids []string) string {
			titles := make([]string, len(ids))
			for i, id := range ids {
				titles[i] = id
				if p := cat.Purpose(id); p != nil {
					titles[i] = in(p.Title)
				}
			}
			return strings.Join(titles, in(exchange.Text{Zh: "、", En: ", "}))
		},
		Join: func(ids []string) string { return strings.Join(ids, ", ") },
	}
	if lang == exchange.En {
		data.Lang, data.Other = "en", "index.html"
	}
	explained := map[string][]catalogue.Explanation{}
	for _, x := range cat.Table() {
		explained[x.Category] = append(explained[x.Category], x)
	}
	for i := range doc.Rules {
		data.Rules = append(data.Rules, &doc.Rules[i])
	}
	for i := range doc.Categories {
		data.Categories = append(data.Categories, pageCategory{&doc.Categories[i], explained[doc.Categories[i].ID]})
	}
	var b strings.Builder
	if err := pageTemplate.Execute(&b, data); err != nil {
		panic("catalogue page: " + err.Error()) // the template and the data are ours
	}
	return []byte(b.String())
}
