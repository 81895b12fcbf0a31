package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"accord/exchange"
	"accord/node"
	"accord/node/demo"

	"github.com/urfave/cli/v2"
)

// readyLimit is how long the demo waits for its nodes.
const readyLimit = 60 * time.Second

// maxSocket is how long a node's socket path may be (sockaddr_un).
const maxSocket = 103

var errDemoAct = exchange.Define(exchange.KindInvalid, "DEMO-010",
	exchange.Text{Zh: "不认识的动作 {act}", En: "unknown act {act}"},
	exchange.Text{Zh: "用 accord demo kill MEMBER、accord demo start MEMBER 或 accord demo scan", En: "use accord demo kill MEMBER, accord demo start MEMBER or accord demo scan"})

var errDemoStory = exchange.Define(exchange.KindUnverified, "DEMO-011",
	exchange.Text{Zh: "演示在步骤 {step} 未达到预期", En: "the demo's step {step} did not go as it must"},
	exchange.Text{Zh: "查看 {logs} 中的节点日志", En: "look into the nodes' logs in {logs}"})

var errDemoMember = exchange.Define(exchange.KindNotFound, "DEMO-013",
	exchange.Text{Zh: "演示中没有成员单位 {member}", En: "the demo has no member {member}"},
	exchange.Text{Zh: "可以是：{members}", En: "it can be: {members}"})

// demoCommand runs the federation of four; with two arguments it asks the demo
// that runs already to kill or start a node.
func demoCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "demo",
		Category:  e.t("开始使用", "getting started"),
		Usage:     e.t("在本机运行四家单位的演示联合体；demo kill|start MEMBER 停止或重启一个节点，demo scan 搜索明文", "run a federation of four on this machine; demo kill|start MEMBER stops or restarts a node, demo scan searches for plaintext"),
		ArgsUsage: "[ACT] [MEMBER]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: e.t("演示结束后退出", "end after the story")},
		},
		Action: func(c *cli.Context) error {
			switch c.NArg() {
			case 0:
				return runDemo(c.Context, e, c.Bool("once"), c.IsSet("dir"))
			case 1:
				switch act := c.Args().First(); act {
				case "scan":
				case "kill", "start":
					return errArgumentMissing.With("command", e.line.name()+" "+act, "arguments", "MEMBER")
				default:
					return errDemoAct.With("act", act)
				}
				scan, err := scanDemo(demoDir(e, c.IsSet("dir")))
				if err != nil {
					return err
				}
				return e.object(scan, func(w io.Writer) { fmt.Fprintln(w, e.say(scan.text())) })
			default:
				act := c.Args().First()
				if act != "kill" && act != "start" {
					return errDemoAct.With("act", act)
				}
				member := c.Args().Get(1)
				if err := demoMember(member); err != nil {
					return err
				}
				return demo.Control(c.Context, demoDir(e, c.IsSet("dir")), act, member)
			}
		},
	}
}

// demoMember refuses a name that no node of the demo has.
func demoMember(name string) error {
	var members []string
	for _, n := range demo.Agencies() {
		if n.Member == name {
			return nil
		}
		members = append(members, n.Member)
	}
	return errDemoMember.With("member", name, "members", strings.Join(members, ", "))
}

// fits refuses a folder whose nodes could not make their sockets, before
// anything is founded in it.
func fits(dir string) error {
	for _, n := range demo.Agencies() {
		if path := filepath.Join(dir, n.Member, "accord.sock"); len(path) > maxSocket {
			return node.ErrSocketPath.With("path", path, "max", maxSocket)
		}
	}
	return nil
}

// demoDir is where the demo lives: --dir, or a folder of its own among the
// temporary files, so that `accord demo kill` finds it.
func demoDir(e *env, given bool) string {
	if given {
		return e.Dir
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("accord-demo-%d", os.Getuid()))
}

func runDemo(ctx context.Context, e *env, once, given bool) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := filepath.Abs(demoDir(e, given))
	if err != nil {
		return err
	}
	if err := fits(dir); err != nil {
		return err
	}
	release, err := demo.Claim(dir)
	if err != nil {
		return err
	}
	defer release()
	if !given {
		os.RemoveAll(dir) // without --dir nothing is kept from the last time
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	begin := time.Now()
	e.note(exchange.Text{Zh: "正在建立四家单位的联合体：" + dir, En: "founding a federation of four in " + dir})
	plan, err := demo.Build(ctx, dir)
	if err != nil {
		return err
	}
	sup, err := demo.Supervise(dir, plan, program)
	if err != nil {
		return err
	}
	closed := false
	shut := func() error {
		if closed {
			return nil
		}
		closed = true
		return sup.Close()
	}
	defer shut()
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	served := make(chan error, 1)
	go func() { served <- sup.Serve(serving) }()
	t := &teller{e: e, ctx: ctx, dir: dir, plan: plan, sup: sup, begin: begin}
	told := t.tell()
	if told == nil && !plan.Told {
		t.plan.Told = true
		if err := t.plan.Save(dir); err != nil {
			return err
		}
	}
	if once {
		if err := shut(); err != nil {
			told = errors.Join(told, err)
		}
	}
	if err := e.object(t.story(), func(w io.Writer) { t.render(w, once) }); err != nil {
		return err
	}
	if told != nil || once {
		return told
	}
	return <-served // until it is interrupted
}
