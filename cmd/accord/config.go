package main

import (
	"io"
	"strings"

	"accord/exchange"
	"accord/node/config"

	"github.com/urfave/cli/v2"
)

// configCommand shows and checks a node's configuration, without the node.
func configCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "config",
		Category: e.t("节点", "node"),
		Usage:    e.t("节点配置", "a node's configuration"),
		Subcommands: []*cli.Command{{
			Name:  "show",
			Usage: e.t("显示生效的配置", "show the configuration as it counts"),
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "origin", Usage: e.t("显示每个值来自哪里", "show where each value comes from")},
			},
			Action: func(c *cli.Context) error { return e.showConfig(c.Bool("origin")) },
		}, {
			Name:  "validate",
			Usage: e.t("检查配置", "check the configuration"),
			Action: func(*cli.Context) error {
				cfg, err := e.config()
				if err != nil {
					return err
				}
				valid := struct {
					File  string `json:"file"`
					Valid bool   `json:"valid"`
				}{config.FilePath(cfg.Dir), true}
				return e.object(valid, func(w io.Writer) { io.WriteString(w, valid.File+e.t(" 有效", " is valid")+"\n") })
			},
		}, {
			Name:   "keys",
			Usage:  e.t("全部配置项及默认值", "all keys and their defaults"),
			Action: func(*cli.Context) error { return e.print(configKeys()) },
		}},
	}
}

func (e *env) showConfig(origin bool) error {
	cfg, origins, err := config.Load(e.Dir, e.lookup, nil)
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "key", Title: exchange.Text{Zh: "配置项", En: "KEY"}, Whole: true},
		{ID: "value", Title: exchange.Text{Zh: "值", En: "VALUE"}, Whole: true},
		{ID: "origin", Title: exchange.Text{Zh: "来源", En: "ORIGIN"}, Whole: true, Bare: !origin},
	}}
	for _, k := range config.Keys() {
		list.add(k.Name, cfg.Value(k), told(configOrigins, origins[k.Name]))
	}
	for _, o := range cfg.Operators {
		list.add("operators."+string(o.Name), roleNames(o.Roles), told(configOrigins, "file"))
	}
	return e.print(list)
}

func roleNames(roles []config.Role) string {
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ",")
}

func configKeys() rows {
	list := rows{Columns: []column{
		{ID: "key", Title: exchange.Text{Zh: "配置项", En: "KEY"}, Whole: true},
		{ID: "variable", Title: exchange.Text{Zh: "环境变量", En: "VARIABLE"}, Whole: true},
		{ID: "default", Title: exchange.Text{Zh: "默认值", En: "DEFAULT"}},
		{ID: "meaning", Title: exchange.Text{Zh: "含义", En: "MEANING"}},
	}}
	for _, k := range config.Keys() {
		list.add(k.Name, k.Env(), k.Default, k.Doc)
	}
	return list
}
