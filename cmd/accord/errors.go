package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"syscall"

	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// What can be wrong with a line, and with the world around the tool.
var (
	errUnknownCommand = exchange.Define(exchange.KindInvalid, "CLI-001",
		exchange.Text{Zh: "没有命令 {command}", En: "there is no command {command}"},
		exchange.Text{Zh: "试试 {try}", En: "try {try}"})
	errUnknownFlag = exchange.Define(exchange.KindInvalid, "CLI-002",
		exchange.Text{Zh: "{command} 没有选项 {flag}", En: "{command} has no flag {flag}"},
		exchange.Text{Zh: "试试 {try}；以 - 开头的参数请写在 -- 之后", En: "try {try}; arguments that begin with - go after --"})
	errValueMissing = exchange.Define(exchange.KindInvalid, "CLI-003",
		exchange.Text{Zh: "选项 {flag} 缺少取值", En: "flag {flag} needs a value"},
		exchange.Text{Zh: "写成 {flag}=取值，例如：{example}", En: "write {flag}=VALUE, for example: {example}"})
	errBadValue = exchange.Define(exchange.KindInvalid, "CLI-004",
		exchange.Text{Zh: "{flag} 不能取值 {value}", En: "{flag} cannot be {value}"},
		exchange.Text{Zh: "可以是：{example}", En: "it can be: {example}"})
	errFlagTwice = exchange.Define(exchange.KindInvalid, "CLI-005",
		exchange.Text{Zh: "选项 {flag} 给了两次", En: "flag {flag} is given twice"},
		exchange.Text{Zh: "只保留一个", En: "keep one of them"})
	errFlagMissing = exchange.Define(exchange.KindInvalid, "CLI-006",
		exchange.Text{Zh: "缺少选项 {flag}", En: "flag {flag} is missing"},
		exchange.Text{Zh: "加上 {flag}=取值，例如：{example}", En: "add {flag}=VALUE, for example: {example}"})
	errArgumentMissing = exchange.Define(exchange.KindInvalid, "CLI-007",
		exchange.Text{Zh: "{command} 缺少参数", En: "{command} lacks an argument"},
		exchange.Text{Zh: "写成 {command} {arguments}", En: "write {command} {arguments}"})
	errArgumentTooMany = exchange.Define(exchange.KindInvalid, "CLI-008",
		exchange.Text{Zh: "{command} 多出参数 {argument}", En: "{command} does not take the argument {argument}"},
		exchange.Text{Zh: "见 {help}", En: "see {help}"})
	errCommandMissing = exchange.Define(exchange.KindInvalid, "CLI-009",
		exchange.Text{Zh: "{group} 之后缺少命令", En: "{group} needs a command"},
		exchange.Text{Zh: "见 {help}", En: "see {help}"})
	errNoSuchCode = exchange.Define(exchange.KindNotFound, "CLI-010",
		exchange.Text{Zh: "没有错误代码 {code}", En: "there is no error code {code}"},
		exchange.Text{Zh: "试试 {try}", En: "try {try}"})
	errNotConfirmed = exchange.Define(exchange.KindRefused, "CLI-011",
		exchange.Text{Zh: "未经确认，没有做任何改动", En: "not confirmed, nothing was changed"},
		exchange.Text{Zh: "要执行请回答 y，无人值守时加 --yes", En: "answer y to go on, or add --yes where nobody can answer"})
	errNoNode = exchange.Define(exchange.KindUnavailable, "CLI-012",
		exchange.Text{Zh: "{dir} 下没有正在运行的节点", En: "no node is running under {dir}"},
		exchange.Text{Zh: "启动节点，或用 --dir 指出它的数据目录", En: "start the node, or name its data directory with --dir"})
	errInterrupted = exchange.Define(exchange.KindUnknownOutcome, "CLI-013",
		exchange.Text{Zh: "已中断；已提交的部分可能已经生效", En: "interrupted; what was already sent may have taken effect"},
		exchange.Text{Zh: "再次执行同一命令", En: "run the same command again"})
	errNoAnswer = exchange.Define(exchange.KindUnknownOutcome, "CLI-014",
		exchange.Text{Zh: "节点没有按时回答；操作可能已经生效", En: "the node did not answer in time; it may have acted"},
		exchange.Text{Zh: "再次执行同一命令", En: "run the same command again"})
	errNoFile = exchange.Define(exchange.KindNotFound, "CLI-015",
		exchange.Text{Zh: "没有文件 {path}", En: "there is no file {path}"},
		exchange.Text{Zh: "检查路径", En: "check the path"})
	errFileDenied = exchange.Define(exchange.KindForbidden, "CLI-016",
		exchange.Text{Zh: "没有权限使用 {path}", En: "no permission for {path}"},
		exchange.Text{Zh: "检查文件的所有者和权限", En: "check its owner and mode"})
	errFileKind = exchange.Define(exchange.KindInvalid, "CLI-040",
		exchange.Text{Zh: "{path} 在需要文件处是目录，或在需要目录处是文件", En: "{path} is a folder where a file belongs, or a file where a folder belongs"},
		exchange.Text{Zh: "检查路径", En: "check the path"})
	errOutput = exchange.Define(exchange.KindPartial, "CLI-017",
		exchange.Text{Zh: "命令已执行，但结果没有写完", En: "the command was done, but its result could not be written"},
		exchange.Text{Zh: "检查磁盘空间和输出目标，不要直接重做", En: "check the disk and the output; do not simply repeat it"})
	warnUnknownVariable = exchange.Define(exchange.KindInvalid, "CLI-018",
		exchange.Text{Zh: "这些环境变量不起作用：{names}", En: "these environment variables do nothing: {names}"},
		exchange.Text{Zh: "见 accord help env", En: "see accord help env"})
)

// kindTexts say why, for each kind of error.
var kindTexts = map[exchange.Kind]exchange.Text{
	exchange.KindInternal:        {Zh: "本程序或节点有故障", En: "a fault of this program or its node"},
	exchange.KindInvalid:         {Zh: "输入有误，改正后可再次提交", En: "the input is wrong; mend it and send it again"},
	exchange.KindRefused:         {Zh: "请求格式正确，但规则不允许", En: "well-formed, but a rule says no"},
	exchange.KindNotFound:        {Zh: "这里没有所指的内容", En: "there is no such thing here"},
	exchange.KindConflict:        {Zh: "他人已先改动，或已有内容不同的同名项", En: "somebody changed it first, or it exists with other content"},
	exchange.KindUnauthenticated: {Zh: "没有说明身份，或身份未获证明", En: "nobody is named, or the name is not proven"},
	exchange.KindForbidden:       {Zh: "当前身份无权这样做", En: "whoever asks may not do this"},
	exchange.KindUnavailable:     {Zh: "暂时不可用，没有做任何改动", En: "not available now; nothing was changed"},
	exchange.KindNoQuorum:        {Zh: "可达成员不足法定数，没有做任何改动", En: "too few members can be reached to agree; nothing was changed"},
	exchange.KindUnknownOutcome:  {Zh: "可能已经生效，也可能没有", En: "it may or may not have happened"},
	exchange.KindUnverified:      {Zh: "签名、摘要或证明不成立", En: "a signature, digest or proof does not hold"},
	exchange.KindPartial:         {Zh: "只完成了一部分", En: "only a part was done"},
}

// fail shows err on stderr and returns its exit code. Actions return errors;
// only run calls this.
func (e *env) fail(err error) int {
	x := asError(err)
	if e.Format == formatJSON {
		e.failJSON(x)
		return exitOf(x.Kind)
	}
	fmt.Fprintf(e.Stderr, "%s %s\n", e.paint(red, "accord:"), clean(x.What(e.Lang)))
	why := e.say(kindTexts[x.Kind])
	if x.Field != "" {
		why += e.t("；所指：", "; about ") + clean(x.Field)
	}
	e.hint(e.t("原因", "why"), why)
	if next := x.Next(e.Lang); next != "" {
		e.hint(e.t("下一步", "next"), clean(next))
	}
	code := clean(x.Code)
	if exchange.Lookup(x.Code) != nil { // that of a newer node is not explained here
		code += e.t("，详见 accord explain ", ", see accord explain ") + x.Code
	}
	e.hint(e.t("代码", "code"), code)
	if e.Debug && x.Cause != nil {
		e.hint("debug", clean(x.Cause.Error()))
	}
	return exitOf(x.Kind)
}

func (e *env) hint(label, text string) {
	fmt.Fprintf(e.Stderr, "  %s %s\n", e.paint(dim, label+":"), text)
}

// errorJSON is an error for machines: English, whatever the language.
type errorJSON struct {
	Code  string         `json:"code"`
	Kind  string         `json:"kind"`
	What  string         `json:"what"`
	Next  string         `json:"next,omitempty"`
	Field string         `json:"field,omitempty"`
	Args  []exchange.Arg `json:"args,omitempty"`
	Cause string         `json:"cause,omitempty"` // with --debug only
}

func (e *env) machineError(x *exchange.Error) errorJSON {
	j := errorJSON{Code: x.Code, Kind: x.Kind.String(), What: x.What(exchange.En),
		Next: x.Next(exchange.En), Field: x.Field, Args: x.Args}
	if e.Debug && x.Cause != nil {
		j.Cause = x.Cause.Error()
	}
	return j
}

func (e *env) failJSON(x *exchange.Error) {
	e.stderrJSON(struct {
		SchemaVersion int `json:"schemaVersion"`
		errorJSON
		Warnings []errorJSON `json:"warnings,omitempty"`
	}{schemaVersion, e.machineError(x), e.machineWarnings()})
}

func (e *env) stderrJSON(v any) {
	enc := json.NewEncoder(e.Stderr)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // nobody is left to hear that stderr is gone
}

// asError gives every error a code, a kind and a text for users.
func asError(err error) *exchange.Error {
	var x *exchange.Error
	var d *exchange.Definition
	var file *fs.PathError
	switch {
	case errors.As(err, &x), errors.As(err, &d):
		return exchange.AsError(err)
	case errors.Is(err, context.Canceled):
		return errInterrupted.Wrap(err)
	case errors.Is(err, context.DeadlineExceeded):
		return errNoAnswer.Wrap(err)
	case errors.As(err, &file) && errors.Is(err, fs.ErrNotExist):
		return errNoFile.Wrap(err, "path", file.Path)
	case errors.As(err, &file) && (errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR)):
		return errFileKind.Wrap(err, "path", file.Path)
	case errors.As(err, &file) && errors.Is(err, fs.ErrPermission):
		return errFileDenied.Wrap(err, "path", file.Path)
	}
	return exchange.AsError(err)
}

// badValue is how the standard flag package, under urfave, words a value that
// a flag does not take.
var badValue = regexp.MustCompile(`^invalid (?:boolean )?value "((?s:.*))" for (?:flag )?-([^:"]+): `)

// usageError turns what urfave says about a line into our vocabulary. resolve
// has read the line before, so only values can be wrong.
func (e *env) usageError(c *cli.Context, err error, _ bool) error {
	m := badValue.FindStringSubmatch(err.Error())
	if m == nil || e.line == nil {
		return exchange.ErrInternal.Wrap(err)
	}
	name, example := dashed(m[2]), "TEXT"
	if f := e.line.lookup(name); f != nil {
		example = exampleOf(f)
	}
	return errBadValue.With("flag", e.line.source(name), "value", strings.TrimSpace(m[1]), "example", example)
}
