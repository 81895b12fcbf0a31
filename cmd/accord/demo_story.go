package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/wire"
)

// teller tells the demo's story: each step is a command a person could type,
// run through the same code as if it had been typed, and then checked.
type teller struct {
	e     *env
	ctx   context.Context
	dir   string
	plan  demo.Plan
	sup   *demo.Supervisor
	begin time.Time
	steps []demoStep

	record    wire.Record // a public condemnation of a practitioner
	statement int64       // statements acknowledged before the leader was killed
	killed    string
}

// demoStep is one step of the story as it went.
type demoStep struct {
	ID      string `json:"id"`
	OK      bool   `json:"ok"`
	Millis  int64  `json:"millis"`
	Command string `json:"command"`
	Detail  string `json:"detail"`
}

// demoStory is the story as one object.
type demoStory struct {
	SchemaVersion int        `json:"schemaVersion"`
	OK            bool       `json:"ok"`
	Resumed       bool       `json:"resumed,omitempty"`
	Dir           string     `json:"dir"`
	Steps         []demoStep `json:"steps"`
}

// chapter is a step that is still to be told.
type chapter struct {
	id    string
	title exchange.Text
	tell  func(*teller) (detail exchange.Text, err error)
}

// chapters are the story, in order. A resumed demo tells the first only.
var chapters = []chapter{
	{"ready", exchange.Text{Zh: "四个节点就绪", En: "four nodes are ready"}, (*teller).ready},
	{"import", exchange.Text{Zh: "协会导入自律惩戒记录，坏行逐条退回", En: "the association imports disciplinary records, bad rows are refused one by one"}, (*teller).imports},
	{"black-listed", exchange.Text{Zh: "监管局拟列入黑名单，公示期满后列入", En: "the regulator nominates for the black list; after the notice the entry is listed"}, (*teller).blackListed},
	{"red-listed", exchange.Text{Zh: "红名单同样办理", En: "a red-list entry likewise"}, (*teller).redListed},
	{"release-granted", exchange.Text{Zh: "法院为执行申请一个受限信息项：准予并打开", En: "the court asks for one private field for enforcement: granted and opened"}, (*teller).releaseGranted},
	{"release-refused", exchange.Text{Zh: "发改委为统计申请同一信息项：拒绝", En: "the commission asks for the same field for statistics: refused"}, (*teller).releaseRefused},
	{"release-approved", exchange.Text{Zh: "需要作者单位批准的申请：待批、批准、打开", En: "a rule that needs the author's approval: pending, approved, opened"}, (*teller).releaseApproved},
	{"leader-killed", exchange.Text{Zh: "强行终止主节点：另选主节点，已确认的不丢失", En: "the leader is killed: a new leader, nothing acknowledged is lost"}, (*teller).leaderKilled},
	{"node-returned", exchange.Text{Zh: "被终止的节点恢复并与其他节点一致", En: "the killed node returns and is equal"}, (*teller).nodeReturned},
	{"verified-offline", exchange.Text{Zh: "导出证据文件，离线验证", En: "everything exported as one file and verified offline"}, (*teller).verifiedOffline},
	{"canary-scan", exchange.Text{Zh: "搜索各节点目录、日志与网络记录：没有明文", En: "a search of the nodes' folders, logs and wire finds no plaintext"}, (*teller).canaryScan},
}

// tell goes through the chapters until one fails.
func (t *teller) tell() error {
	for i, ch := range chapters {
		if t.plan.Told && i > 0 {
			break
		}
		begin := time.Now()
		if i == 0 {
			begin = t.begin
		}
		t.steps = append(t.steps, demoStep{ID: ch.id})
		step := &t.steps[len(t.steps)-1]
		detail, err := ch.tell(t)
		step.OK, step.Millis, step.Detail = err == nil, time.Since(begin).Milliseconds(), t.e.say(detail)
		if err != nil {
			step.Detail = strings.TrimSpace(step.Detail + " " + exchange.AsError(err).Error())
		}
		mark := "✔"
		if err != nil {
			mark = "✘"
		}
		took := fmt.Sprintf("%s %s (%.1f s)", mark, t.e.say(ch.title), float64(step.Millis)/1000)
		t.e.note(exchange.Text{Zh: took, En: took})
		if step.Command != "" {
			t.e.note(exchange.Text{Zh: "    $ " + step.Command, En: "    $ " + step.Command})
		}
		if step.Detail != "" {
			t.e.note(exchange.Text{Zh: "    " + step.Detail, En: "    " + step.Detail})
		}
		if t.ctx.Err() != nil {
			return t.ctx.Err() // the step did not fail, it was interrupted
		}
		if err != nil {
			return errDemoStory.Wrap(err, "step", ch.id, "logs", filepath.Join(t.dir, "logs"))
		}
	}
	return nil
}

func (t *teller) story() demoStory {
	s := demoStory{SchemaVersion: schemaVersion, OK: true, Resumed: t.plan.Told && len(t.steps) == 1, Dir: t.dir, Steps: t.steps}
	for _, step := range t.steps {
		s.OK = s.OK && step.OK
	}
	return s
}

// accord runs a command line at a member's node as if it had been typed, and
// returns what it printed and its exit code. The first command of a step is the
// one the step shows.
func (t *teller) accord(member string, args ...string) ([]byte, int) {
	args = append(args, "--dir", t.sup.Dir(member), "--operator", string(demo.Operator))
	step := &t.steps[len(t.steps)-1]
	if step.Command == "" {
		step.Command = "accord " + quoteAll(args)
	}
	var out, errs bytes.Buffer
	sub := *t.e
	sub.Stdout, sub.Stderr = &out, &errs
	sub.IsTTY = func(any) bool { return false }
	sub.Args = append([]string{"accord"}, append(args, "--output", "json")...)
	sub.client, sub.warnings = nil, nil
	code := run(t.ctx, &sub, t.e.makers...)
	if out.Len() == 0 {
		return errs.Bytes(), code
	}
	return out.Bytes(), code
}

// must runs a command that has to end with the wanted exit code and reads its
// JSON answer into v.
func (t *teller) must(want int, v any, member string, args ...string) error {
	out, code := t.accord(member, args...)
	if code != want {
		return fmt.Errorf("accord %s: exit %d instead of %d: %s", args[0], code, want, clip(out))
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(out, v)
}

func clip(b []byte) string {
	if len(b) > 600 {
		b = b[:600]
	}
	return strings.TrimSpace(string(b))
}

// quoteAll joins arguments as a shell would need them.
func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.ContainsAny(a, " \t'\"$\\()<>|&;*?") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}

func (t *teller) client(member string) *client.Client { return t.sup.Client(member, demo.Operator) }

func (t *teller) members() []string {
	all := make([]string, len(t.plan.Nodes))
	for i, n := range t.plan.Nodes {
		all[i] = n.Member
	}
	return all
}

// wait asks again until done says so, for at most limit.
func (t *teller) wait(limit time.Duration, done func() (bool, error)) error {
	deadline := time.Now().Add(limit)
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(errors.New("it did not happen in time"), err)
		}
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ready starts all nodes and writes the sample files for people to look at.
func (t *teller) ready() (exchange.Text, error) {
	t.steps[0].Command = "accord node run --dir " + t.sup.Dir(t.plan.Nodes[0].Member)
	for _, m := range t.members() {
		if err := t.sup.Start(m); err != nil {
			return exchange.Text{}, err
		}
	}
	samples := filepath.Join(t.dir, "samples")
	if err := os.MkdirAll(samples, 0o700); err != nil {
		return exchange.Text{}, err
	}
	for name := range intake.Samples() {
		raw, err := intake.Sample(name)
		if err != nil {
			return exchange.Text{}, err
		}
		if err := os.WriteFile(filepath.Join(samples, name), raw, 0o600); err != nil {
			return exchange.Text{}, err
		}
	}
	ctx, cancel := context.WithTimeout(t.ctx, readyLimit)
	defer cancel()
	if err := t.sup.Ready(ctx, t.members()...); err != nil {
		return exchange.Text{}, err
	}
	f, err := t.client(t.plan.Nodes[0].Member).Federation(t.ctx)
	if err != nil {
		return exchange.Text{}, err
	}
	return exchange.Text{
		Zh: fmt.Sprintf("联合体 %s，章程摘要口令词：%s，信息目录 %s v%d", f.Federation, f.Phrase.Zh, f.Catalogue, f.CatalogueVersion),
		En: fmt.Sprintf("federation %s, charter in words: %s, catalogue %s v%d", f.Federation, f.Phrase.En, f.Catalogue, f.CatalogueVersion),
	}, nil
}

// equal waits until all given members show the same ledger: as many statements,
// the same root and state digest. It returns the digest.
func (t *teller) equal(members []string) (string, error) {
	var digest string
	err := t.wait(20*time.Second, func() (bool, error) {
		seen := map[string]bool{}
		for _, m := range members {
			l, err := t.client(m).Ledger(t.ctx, true)
			if err != nil {
				return false, err
			}
			digest = l.Digest
			seen[strconv.FormatInt(l.Size, 10)+l.Root+l.Digest] = true
		}
		return len(seen) == 1, fmt.Errorf("%d different states", len(seen))
	})
	return digest, err
}

// render tells a person what happened, who can see what, and how to go on.
func (t *teller) render(w io.Writer, once bool) {
	for _, s := range t.steps {
		if t.e.chatty() {
			break // it was told while it happened
		}
		mark := "✔"
		if !s.OK {
			mark = "✘"
		}
		fmt.Fprintf(w, "%s %-17s %6d ms  %s\n", mark, s.ID, s.Millis, s.Detail)
	}
	if !t.story().OK {
		return // what went wrong is said below
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, t.e.t("谁能看到什么：", "Who can see what:"))
	fmt.Fprintln(w, t.e.t("  公众        名单条目的公开内容、章程、信息目录、账本检查点", "  the public     public parts of list entries, the charter, the catalogue, the ledger's checkpoints"))
	fmt.Fprintln(w, t.e.t("  成员单位    以上全部，以及每一次授权开放的回执；密封的信息项只见其存在，不见内容", "  members        all of that, and the receipt of every release; of a sealed field they see that it exists"))
	fmt.Fprintln(w, t.e.t("  作者单位    自己的记录全文；按账本决定逐项交付", "  the author     its own records whole; it delivers field by field as the ledger decided"))
	fmt.Fprintln(w, t.e.t("  申请单位    准予的那一项，仅此一项", "  the requester  exactly the granted field"))
	if once {
		return
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, t.e.t("接下来可以试：", "Try next:"))
	for _, line := range []string{
		"accord list show black --dir " + t.sup.Dir("court"),
		"accord release list --dir " + t.sup.Dir("commission"),
		"accord catalogue explain discipline-practitioner resident_id --dir " + t.sup.Dir("court"),
		"accord demo kill court --dir " + t.dir,
		"accord demo start court --dir " + t.dir,
		"accord verify " + filepath.Join(t.dir, "evidence.json"),
	} {
		fmt.Fprintln(w, "  "+line)
	}
	fmt.Fprintln(w, t.e.t("节点保持运行；Ctrl-C 停止。", "The nodes stay up; stop with Ctrl-C."))
}
