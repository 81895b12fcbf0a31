package main

import (
	"io"
	"time"

	"accord/exchange"
	"accord/node"
	"accord/node/doctor"

	"github.com/urfave/cli/v2"
)

var (
	errSick = exchange.Define(exchange.KindInvalid, "CLI-041",
		exchange.Text{Zh: "检查发现 {failed} 个问题，{warned} 个提醒", En: "{failed} things are wrong, {warned} deserve a look"},
		exchange.Text{Zh: "按每项之后的处理办法修复，再运行 accord doctor", En: "mend them as each finding says, then run accord doctor again"})
	errFrail = exchange.Define(exchange.KindPartial, "CLI-042",
		exchange.Text{Zh: "可以工作，有 {warned} 个提醒", En: "it works; {warned} things deserve a look"},
		exchange.Text{Zh: "见每项之后的处理办法", En: "see what each finding says"})
)

// levels in words.
var levelWords = map[string]exchange.Text{
	string(doctor.OK):   {Zh: "正常", En: "ok"},
	string(doctor.Warn): {Zh: "提醒", En: "warn"},
	string(doctor.Fail): {Zh: "问题", En: "FAIL"},
}

// doctorCommand examines the node under --dir.
func doctorCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "doctor",
		Category: e.t("节点", "node"),
		Usage:    e.t("检查本节点和与其他成员的连接，每个问题给出处理办法", "examine the node and its peers; each finding comes with its remedy"),
		Description: e.t("节点运行或停止时均可。全部正常退出码 0，有提醒 4，有问题 1。",
			"Whether the node runs or not. Exit code 0 when all is well, 4 with warnings, 1 when\nsomething is wrong."),
		Action: func(c *cli.Context) error { return e.doctor(c) },
	}
}

// remedy is a finding for machines.
type remedy struct {
	Check string         `json:"check"`
	Level string         `json:"level"`
	Title exchange.Text  `json:"title"`
	Code  string         `json:"code,omitempty"`
	What  *exchange.Text `json:"what,omitempty"`
	Fix   *exchange.Text `json:"fix,omitempty"`
}

type diagnosis struct {
	At       time.Time `json:"at"`
	Online   bool      `json:"online"`
	Worst    string    `json:"worst"`
	Findings []remedy  `json:"findings"`
}

func (e *env) doctor(c *cli.Context) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	facts := doctor.Observe(c.Context, cfg, e.node(), e.Now)
	if facts.Running == nil {
		facts.Store = node.PingRecords(c.Context, cfg)
	}
	report := doctor.Judge(facts)
	d := diagnosis{At: report.At.UTC(), Online: report.Online, Worst: string(report.Worst())}
	count := map[doctor.Level]int{}
	for _, f := range report.Findings {
		count[f.Level]++
		r := remedy{Check: f.Check, Level: string(f.Level), Title: f.Title}
		if f.Error != nil {
			r.Code = f.Error.Code
			r.What = &exchange.Text{Zh: f.Error.What(exchange.Zh), En: f.Error.What(exchange.En)}
			r.Fix = &exchange.Text{Zh: f.Error.Next(exchange.Zh), En: f.Error.Next(exchange.En)}
		}
		d.Findings = append(d.Findings, r)
	}
	if err := e.object(d, func(w io.Writer) { e.findings(w, d) }); err != nil {
		return err
	}
	switch {
	case count[doctor.Fail] > 0:
		return errSick.With("failed", count[doctor.Fail], "warned", count[doctor.Warn])
	case count[doctor.Warn] > 0:
		return errFrail.With("warned", count[doctor.Warn])
	}
	return nil
}

// findings is the table of all checks and below it what to do, one by one.
func (e *env) findings(w io.Writer, d diagnosis) {
	list := rows{Columns: []column{
		{ID: "level", Title: exchange.Text{Zh: "结果", En: "RESULT"}},
		{ID: "title", Title: exchange.Text{Zh: "检查", En: "CHECK"}},
		{ID: "code", Title: exchange.Text{Zh: "代码", En: "CODE"}},
	}}
	for _, f := range d.Findings {
		list.add(told(levelWords, f.Level), f.Title, f.Code)
	}
	io.WriteString(w, e.tableText(list))
	for _, f := range d.Findings {
		if f.What == nil {
			continue
		}
		io.WriteString(w, "\n"+f.Code+"  "+clean(e.say(*f.What))+"\n  → "+clean(e.say(*f.Fix))+"\n")
	}
}
