package main

import (
	"fmt"
	"io"

	"accord/exchange"
	"accord/node/webhooks"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// webhookCommand manages the endpoints that the node tells of changes.
func webhookCommand(e *env) *cli.Command {
	one := func(name, zh, en string, do func(c *cli.Context, endpoint string) error, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: e.t(zh, en), ArgsUsage: "NAME", Flags: flags,
			Action: func(c *cli.Context) error { return do(c, c.Args().First()) }}
	}
	return &cli.Command{
		Name:     "webhook",
		Category: e.t("证据", "evidence"),
		Usage:    e.t("向集成方推送公开变更（Standard Webhooks）", "push public changes to integrators (Standard Webhooks)"),
		Subcommands: []*cli.Command{{
			Name:  "list",
			Usage: e.t("各端点的位置、失败和停用", "every endpoint: its place, failures, whether it is disabled"),
			Action: func(c *cli.Context) error {
				got, err := e.node().Webhooks(c.Context)
				if err != nil {
					return err
				}
				return e.showWebhooks(got.Webhooks...)
			},
		},
			webhookAdd(e),
			one("test", "发送一条测试消息", "send one test message", func(c *cli.Context, name string) error {
				if err := e.node().TestWebhook(c.Context, name); err != nil {
					return err
				}
				return e.write(fmt.Sprintln(e.t("端点已收下测试消息", "the endpoint took the test message")))
			}),
			one("replay", "从某条变更起重新推送，并启用端点", "send changes again from a number on, and enable the endpoint", func(c *cli.Context, name string) error {
				h, err := e.node().ReplayWebhook(c.Context, name, wire.ReplayWebhook{Since: c.Int64("since")})
				if err != nil {
					return err
				}
				return e.showWebhooks(h)
			}, &cli.Int64Flag{Name: "since", Value: -1, Usage: e.t("从第 `N` 条变更开始；不写为从停下处继续", "begin at change `N`; without it, go on where it stopped")}),
			one("rotate", "更换验签密钥；旧密钥一天内同时签名", "give it a new key; the former signs, too, for a day", func(c *cli.Context, name string) error {
				key, err := e.node().RotateWebhook(c.Context, name)
				if err != nil {
					return err
				}
				return e.webhookKey(key)
			}),
			one("disable", "停止推送到端点", "stop sending to an endpoint", func(c *cli.Context, name string) error {
				h, err := e.node().DisableWebhook(c.Context, name)
				if err != nil {
					return err
				}
				return e.showWebhooks(h)
			}),
			one("remove", "删除端点", "forget an endpoint", func(c *cli.Context, name string) error {
				if err := e.confirm(c.Bool("yes"), exchange.Text{Zh: "确认删除该端点？", En: "Forget this endpoint?"}); err != nil {
					return err
				}
				return e.node().RemoveWebhook(c.Context, name)
			}, yesFlag(e)),
		},
	}
}

func webhookAdd(e *env) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     e.t("添加端点；验签密钥只显示这一次", "add an endpoint; the key it verifies with is shown this once"),
		ArgsUsage: "NAME",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Required: true, Usage: e.t("接收地址 `URL`，须为 https", "where it is, a https `URL`")},
			&cli.StringFlag{Name: "feed", Usage: e.t("推送成员 `MEMBER` 的记录流；不写为账本", "tell it of `MEMBER`'s feed; of the ledger without it")},
			choice("scheme", webhooks.Symmetric, []string{webhooks.Symmetric, webhooks.Asymmetric}, e.t("签名方式：v1 为共享密钥，v1a 为 Ed25519", "of signatures: v1 by a shared secret, v1a by Ed25519")),
			&cli.Int64Flag{Name: "since", Value: -1, Usage: e.t("从第 `N` 条变更开始；不写为今后的变更", "begin at change `N`; without it, with what is to come")},
		},
		Action: func(c *cli.Context) error {
			key, err := e.node().AddWebhook(c.Context, wire.AddWebhook{Name: c.Args().First(), URL: c.String("url"),
				Feed: exchange.MemberID(c.String("feed")), Scheme: c.String("scheme"), Since: c.Int64("since")})
			if err != nil {
				return err
			}
			return e.webhookKey(key)
		},
	}
}

func (e *env) webhookKey(key wire.WebhookKey) error {
	return e.object(key, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "端点", En: "endpoint"}, key.Name},
			fact{exchange.Text{Zh: "验签密钥", En: "key"}, key.Key},
			fact{exchange.Text{Zh: "旧密钥签名至", En: "former key until"}, timeOf(key.FormerUntil)},
			fact{labelNext, exchange.Text{Zh: "密钥不再显示；交给接收方，然后 accord webhook test " + key.Name,
				En: "the key is not shown again; give it to the receiver, then accord webhook test " + key.Name}})
	})
}

func (e *env) showWebhooks(all ...wire.Webhook) error {
	list := rows{Columns: []column{
		{ID: "name", Title: exchange.Text{Zh: "端点", En: "ENDPOINT"}},
		{ID: "url", Title: exchange.Text{Zh: "地址", En: "URL"}},
		{ID: "feed", Title: exchange.Text{Zh: "记录流", En: "FEED"}},
		{ID: "next", Title: exchange.Text{Zh: "下一条", En: "NEXT"}, Right: true},
		{ID: "behind", Title: exchange.Text{Zh: "待推送", En: "BEHIND"}, Right: true},
		{ID: "sent_at", Title: exchange.Text{Zh: "最近送达", En: "SENT"}},
		{ID: "failures", Title: exchange.Text{Zh: "失败次数", En: "FAILURES"}, Right: true},
		{ID: "retry_at", Title: exchange.Text{Zh: "下次重试", En: "RETRY"}},
		{ID: "why", Title: exchange.Text{Zh: "原因", En: "WHY"}},
		{ID: "disabled_at", Title: exchange.Text{Zh: "停用", En: "DISABLED"}},
		{ID: "disabled_by", Title: exchange.Text{Zh: "停用人", En: "BY"}, Bare: true},
		{ID: "scheme", Title: exchange.Text{Zh: "签名", En: "SCHEME"}, Bare: true},
	}}
	for _, h := range all {
		list.add(h.Name, h.URL, h.Feed, h.Next, h.Behind, timeOf(h.SentAt), h.Failures, timeOf(h.RetryAt), exchange.Reason(h.Why),
			timeOf(h.DisabledAt), h.DisabledBy, h.Scheme)
	}
	return e.print(list)
}
