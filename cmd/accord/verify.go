package main

import (
	"io"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"

	"github.com/urfave/cli/v2"
)

var (
	errUnverified = exchange.Define(exchange.KindUnverified, "CLI-030",
		exchange.Text{Zh: "{file} 未通过验证：{checks}", En: "{file} does not verify: {checks}"},
		exchange.Text{Zh: "不要采信其内容；向出具方索取原文件", En: "do not rely on it; get the original from whoever made it"})
	errPolicy = exchange.Define(exchange.KindInvalid, "CLI-060",
		exchange.Text{Zh: "{file} 不是共签策略文件", En: "{file} is not a cosigner policy"},
		exchange.Text{Zh: "用 accord ledger policy --out FILE 取得", En: "get one with accord ledger policy --out FILE"})
)

// maxPolicyFile is the longest policy read, in bytes.
const maxPolicyFile = 1 << 20

// verifyCommand judges an evidence file, without a node or a network.
func verifyCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Category:  e.t("证据", "evidence"),
		Usage:     e.t("离线验证证据、分叉证据或证明文件", "verify an evidence, fork or proof file offline"),
		ArgsUsage: "FILE",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "trust", Usage: e.t("章程摘要 `DIGEST`，从别处得知", "the charter's `DIGEST`, known from elsewhere")},
			&cli.StringFlag{Name: "policy", Usage: e.t("共签策略 `FILE`（accord ledger policy 的输出）；证明文件必须给出", "a cosigner policy `FILE` (from accord ledger policy); proof files need one")},
			&cli.StringFlag{Name: "paper", Usage: e.t("纸质报告二维码中的查验码 `CODE`；FILE 为该报告，或本联合体任一证据文件", "the `CODE` in the QR of a printed report; FILE is the report, or any evidence file of the federation")},
			&cli.BoolFlag{Name: "show", Usage: e.t("显示已披露信息项的值和自然人标识", "show values of disclosed fields and persons' ids")},
		},
		Action: func(c *cli.Context) error {
			if c.IsSet("paper") && c.String("paper") == "" { // a variable that is not set must not verify less
				return errBadValue.With("flag", e.line.source("--paper"), "value", "", "example", "A1…")
			}
			options := bundle.Options{Show: c.Bool("show"), Paper: c.String("paper"), Now: time.Now().UnixMilli()}
			return e.verify(c.Args().First(), c.String("trust"), c.String("policy"), options)
		},
	}
}

func (e *env) verify(path, trust, policy string, options bundle.Options) error {
	if trust != "" {
		digest, err := bundle.ParseDigest(trust)
		if err != nil {
			return errBadValue.With("flag", e.line.source("--trust"), "value", trust, "example", "sha256: + 64 hex")
		}
		options.Trust = &digest
	}
	if policy != "" {
		text, err := e.read(policy, maxPolicyFile)
		if err != nil {
			return err
		}
		if options.Policy, err = tlog.ParsePolicy(text); err != nil {
			return errPolicy.Wrap(err, "file", policy)
		}
	}
	data, err := e.read(path, bundle.MaxFile)
	if err != nil {
		return err
	}
	report := bundle.VerifyFile(data, options)
	if err := e.object(report, func(w io.Writer) { bundle.Render(w, report, string(e.Lang)) }); err != nil {
		return err
	}
	if !report.OK {
		return errUnverified.With("file", path, "checks", strings.Join(failedChecks(report), ", "))
	}
	return nil
}

// failedChecks names what failed, each once.
func failedChecks(r *bundle.Report) []string {
	var names []string
	seen := map[string]bool{}
	for _, check := range r.Checks {
		if check.Status == bundle.Failed && !seen[check.Name] {
			seen[check.Name] = true
			names = append(names, check.Name)
		}
	}
	return names
}

// saved is what a command that wrote an evidence file tells.
type saved struct {
	File   string `json:"file"`
	Bytes  int    `json:"bytes"`
	OK     bool   `json:"ok"`
	Digest string `json:"charter_digest"` // of the charter inside, to compare by phone
}

// saveEvidence verifies an evidence file before it leaves the house and writes
// it.
func (e *env) saveEvidence(path string, evidence []byte) error {
	report := bundle.Verify(evidence, bundle.Options{})
	if !report.OK {
		return errUnverified.With("file", path, "checks", strings.Join(failedChecks(report), ", "))
	}
	if err := e.save(path, evidence); err != nil || path == "-" {
		return err
	}
	s := saved{path, len(evidence), report.OK, report.Charter}
	return e.object(s, func(w io.Writer) {
		e.card(w,
			fact{labelFile, s.File},
			fact{exchange.Text{Zh: "字节", En: "bytes"}, s.Bytes},
			fact{exchange.Text{Zh: "已验证", En: "verified"}, s.OK},
			fact{labelCharter, s.Digest},
			fact{labelNext, exchange.Text{Zh: "对方可用 accord verify FILE --trust 摘要 验证", En: "anyone verifies it with accord verify FILE --trust DIGEST"}})
	})
}
