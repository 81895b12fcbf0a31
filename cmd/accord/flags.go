package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// globalFlags are accepted anywhere on every line, before or after the command
// and its arguments. Each call makes new ones: urfave keeps state in a flag.
func globalFlags(e *env) []cli.Flag {
	dir := defaultDir(os.Geteuid() == 0, e.Getenv)
	dirs := e.t("root 为 "+systemDir+"，其他用户为 ~/.local/share/accord", systemDir+" for root, else ~/.local/share/accord")
	return []cli.Flag{
		choice("output", "table", formats, e.t("输出格式", "how results are written"), "o"),
		choice("lang", "", []string{"zh", "en"}, e.t("语言，默认按系统设置", "language; default from the system")),
		&cli.StringFlag{Name: "dir", Value: dir, DefaultText: dirs, Usage: e.t("节点的数据目录 `DIR`", "the node's data directory `DIR`")},
		&cli.StringFlag{Name: "operator", Usage: e.t("经办人 `ID`", "`ID` of the operator who acts")},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: e.t("不显示提示和进度", "no remarks and no progress")},
		&cli.BoolFlag{Name: "no-color", Usage: e.t("不用颜色", "no colours")},
		choice("ambiguous", "narrow", []string{"narrow", "wide"}, e.t("终端中宽度不定字符的宽度", "how wide the terminal draws characters of ambiguous width")),
		&cli.BoolFlag{Name: "debug", Usage: e.t("显示内部错误的原因", "show the cause of internal errors")},
		&cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: e.t("显示帮助", "show help")},
	}
}

var globalNames = []string{"output", "lang", "dir", "operator", "quiet", "no-color", "ambiguous", "debug", "help"}

// isGlobal says whether name is one of globalFlags.
func isGlobal(name string) bool { return slices.Contains(globalNames, name) }

// oneOf is the value of a flag that takes one word of a list.
type oneOf struct {
	allowed []string
	value   string
}

// Set takes s if it is allowed.
func (o *oneOf) Set(s string) error {
	if !slices.Contains(o.allowed, s) {
		return fmt.Errorf("one of %s", strings.Join(o.allowed, ", "))
	}
	o.value = s
	return nil
}

// String is the chosen word.
func (o *oneOf) String() string { return o.value }

// choice is a flag that takes one of the allowed words and nothing else.
func choice(name, value string, allowed []string, usage string, aliases ...string) cli.Flag {
	return &cli.GenericFlag{Name: name, Aliases: aliases, Usage: usage, Value: &oneOf{allowed, value}}
}

// yesFlag goes with e.confirm.
func yesFlag(e *env) cli.Flag {
	return &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: e.t("不再询问，直接执行", "do not ask, do it")}
}

// hide keeps a flag out of lists without taking it away.
func hide(f cli.Flag) {
	switch f := f.(type) {
	case *cli.BoolFlag:
		f.Hidden = true
	case *cli.StringFlag:
		f.Hidden = true
	case *cli.GenericFlag:
		f.Hidden = true
	}
}

// takesValue says whether a flag needs one.
func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return !ok || d.TakesValue()
}

// repeatable says whether a flag collects its values.
func repeatable(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationSliceFlag)
	return ok && d.IsSliceFlag()
}

// canonical is a flag's long name.
func canonical(f cli.Flag) string { return f.Names()[0] }

// dashed is a flag name as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// exampleOf tells what a flag's values look like, in no language.
func exampleOf(f cli.Flag) string {
	switch f := f.(type) {
	case *cli.GenericFlag:
		if o, ok := f.Value.(*oneOf); ok {
			return strings.Join(o.allowed, ", ")
		}
		if _, ok := f.Value.(*span); ok {
			return "7d, 72h"
		}
	case *cli.StringFlag, *cli.StringSliceFlag, *cli.PathFlag:
		return placeholder(f)
	case *cli.BoolFlag:
		return "true, false"
	case *cli.IntFlag, *cli.Int64Flag, *cli.IntSliceFlag, *cli.Int64SliceFlag:
		return "-1, 0, 100"
	case *cli.UintFlag, *cli.Uint64Flag, *cli.UintSliceFlag, *cli.Uint64SliceFlag:
		return "0, 1, 100"
	case *cli.DurationFlag:
		return "30s, 5m, 72h"
	case *cli.Float64Flag, *cli.Float64SliceFlag:
		return "0.5, 2"
	case *cli.TimestampFlag:
		return "2026-11-20T17:00:00+08:00"
	}
	return "TEXT"
}
