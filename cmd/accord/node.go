package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/node"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var (
	errNoLeader = exchange.Define(exchange.KindNoQuorum, "CLI-027",
		exchange.Text{Zh: "节点尚未就绪：没有主节点", En: "the node is not ready: there is no leader"},
		exchange.Text{Zh: "用 accord member list 查看成员并确认半数以上在线；查询不受影响", En: "see that more than half of the members are up (accord member list); reads go on"})
	errNotReady = exchange.Define(exchange.KindUnavailable, "CLI-028",
		exchange.Text{Zh: "节点尚未就绪：{why}", En: "the node is not ready: {why}"},
		exchange.Text{Zh: "稍后再看；见节点日志", En: "look again in a while; see the node's log"})
	errSetting = exchange.Define(exchange.KindInvalid, "CLI-029",
		exchange.Text{Zh: "没有配置项 {key}", En: "there is no configuration key {key}"},
		exchange.Text{Zh: "试试 {try}；写成 --set 配置项=值", En: "try {try}; write --set KEY=VALUE"})
)

// nodeCommand runs a node and looks at it.
func nodeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "node",
		Category: e.t("节点", "node"),
		Usage:    e.t("运行和查看节点", "run a node and look at it"),
		Subcommands: []*cli.Command{{
			Name:  "run",
			Usage: e.t("在前台运行节点", "run the node in the foreground"),
			Description: e.t("SIGINT 或 SIGTERM 使它正常停止（退出码 0）；日志写到标准错误。",
				"SIGINT or SIGTERM stops it in order (exit code 0). The log goes to stderr."),
			Flags: []cli.Flag{
				&cli.StringSliceFlag{Name: "set", Usage: e.t("覆盖一个配置项 `KEY=VALUE`", "override one setting, `KEY=VALUE`")},
			},
			Action: func(c *cli.Context) error { return e.runNode(c.Context, c.StringSlice("set"), nil) },
		}, {
			Name:   "status",
			Usage:  e.t("节点状态；没有主节点时退出码为 5", "the node's state; exit code 5 when there is no leader"),
			Action: func(c *cli.Context) error { return e.nodeStatus(c.Context) },
		}},
	}
}

// runNode runs the node under --dir; tune may change how for a measurement.
func (e *env) runNode(ctx context.Context, set []string, tune func(config.Config, *node.Options) error) error {
	settings, err := settingsOf(set)
	if err != nil {
		return err
	}
	cfg, _, err := config.Load(e.Dir, e.lookup, settings)
	if err != nil {
		return err
	}
	forbidCores()
	if e.Getenv(demo.StopWithStdin) != "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			io.Copy(io.Discard, e.Stdin)
			cancel()
		}()
	}
	log := e.logger(cfg)
	options := node.Options{Version: thisBuild().Version, Logger: log, Clock: e.Now}
	if tune != nil {
		if err := tune(cfg, &options); err != nil {
			return err
		}
	}
	n, err := node.Open(cfg, options)
	if err != nil {
		return err
	}
	log.Info("node running", "member", cfg.Member, "listen", cfg.Listen, "socket", cfg.Socket(), "version", thisBuild().Version)
	runErr := n.Run(ctx)
	log.Info("node stopping")
	if err := closeNode(n, runErr != nil); runErr == nil {
		runErr = err
	} else if err != nil {
		log.Error("node not closed in order", "error", err)
	}
	return runErr
}

// lastGrace is how long a node that has failed may take to close: what it failed
// over may be a disk that never answers, and a process that waits for it would
// neither serve nor be started again.
const lastGrace = 5 * time.Second

func closeNode(n *node.Node, failed bool) error {
	if !failed {
		return n.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- n.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(lastGrace):
		return context.DeadlineExceeded
	}
}

// logger writes to stderr as the configuration says.
func (e *env) logger(cfg config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo // the configuration allows only what slog knows
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(e.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(e.Stderr, options))
}

// settingsOf reads KEY=VALUE pairs for keys of the configuration.
func settingsOf(pairs []string) (map[string]string, error) {
	var known []string
	for _, k := range config.Keys() {
		known = append(known, k.Name)
	}
	settings := map[string]string{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || !slices.Contains(known, key) {
			try := "accord config keys"
			if near := nearest(key, known); near != "" {
				try = near
			}
			return nil, errSetting.With("key", key, "try", try)
		}
		if _, twice := settings[key]; twice {
			return nil, errFlagTwice.With("flag", "--set "+key)
		}
		settings[key] = value
	}
	return settings, nil
}

// noLeader is what a node says when that is all it lacks. One that has stopped over an
// alarm, or was taken off, hears of no leader either, and says that instead.
const noLeader = "no leader"

func (e *env) nodeStatus(ctx context.Context) error {
	s, err := e.node().Status(ctx)
	if err != nil {
		return err
	}
	if err := e.object(s, func(w io.Writer) { e.statusCard(w, s) }); err != nil {
		return err
	}
	switch {
	case s.Ready:
		return nil
	case s.Leader == "" && (s.Why == "" || s.Why == noLeader):
		return errNoLeader.With()
	}
	return errNotReady.With("why", s.Why)
}

// keysToReplace names the uses with the days that are left; nothing when none is due.
func keysToReplace(due []wire.KeyDue) any {
	var names []string
	for _, k := range due {
		names = append(names, fmt.Sprintf("%s (%d d)", k.Use, k.Days))
	}
	return names
}

func (e *env) statusCard(w io.Writer, s wire.NodeStatus) {
	leader := s.Leader
	if s.LeaderOf != "" {
		leader = string(s.LeaderOf) + " (" + s.Leader + ")"
	}
	if leader == "" {
		leader = e.t("无", "none")
	}
	e.card(w,
		fact{labelMember, s.Member},
		fact{labelNode, s.Node},
		fact{exchange.Text{Zh: "版本", En: "version"}, s.Version},
		fact{exchange.Text{Zh: "就绪", En: "ready"}, s.Ready},
		fact{exchange.Text{Zh: "原因", En: "why not"}, titled(s.Why, exchange.Reason(s.Why))},
		fact{exchange.Text{Zh: "角色", En: "role"}, told(raftRoles, s.Role)},
		fact{exchange.Text{Zh: "主节点", En: "leader"}, leader},
		fact{exchange.Text{Zh: "任期", En: "term"}, s.Term},
		fact{exchange.Text{Zh: "已提交", En: "committed"}, s.Commit},
		fact{exchange.Text{Zh: "已执行", En: "applied"}, s.Applied},
		fact{labelSize, s.Ledger.Size},
		fact{labelRoot, s.Ledger.Root},
		fact{labelState, s.Ledger.Digest},
		fact{exchange.Text{Zh: "本单位记录", En: "own records"}, s.Records},
		fact{exchange.Text{Zh: "应更换的密钥", En: "keys to replace"}, keysToReplace(s.KeysDue)},
		fact{exchange.Text{Zh: "启动时间", En: "started"}, s.StartedAt})
}
