package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/exchange/lists"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/wire"
)

// imports reads the association's workbook: good rows become signed and sealed
// records, bad ones are refused with row, column and reason (exit 4).
func (t *teller) imports() (exchange.Text, error) {
	var report wire.ImportReport
	file := filepath.Join(t.dir, "samples", "discipline-sample.xlsx")
	if err := t.must(4, nil, "association", "record", "import", file, "--mapping", "discipline", "--as-of", "2026-11-20"); err != nil {
		return exchange.Text{}, err
	}
	again, err := t.dryRun(file)
	if err != nil {
		return exchange.Text{}, err
	}
	report = again
	if report.Refused == 0 || report.Same == 0 || report.New != 0 {
		return exchange.Text{}, fmt.Errorf("a second reading found %d new, %d same, %d refused rows", report.New, report.Same, report.Refused)
	}
	page, err := t.client("association").Records(t.ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 100})
	if err != nil {
		return exchange.Text{}, err
	}
	for _, r := range page.Records {
		var public struct {
			Degree string `json:"degree"`
		}
		if err := json.Unmarshal(r.PublicFields, &public); err == nil && public.Degree == "condemnation" {
			t.record = r
		}
	}
	if t.record.ID == "" {
		return exchange.Text{}, fmt.Errorf("no public condemnation among %d records", len(page.Records))
	}
	first := ""
	for _, issue := range report.Issues {
		if issue.Effect == "refuse" {
			first = fmt.Sprintf("%s %d %s: %s", t.e.t("行", "row"), issue.Row, issue.Column, issue.Message.In(t.e.Lang))
			break
		}
	}
	return exchange.Text{
		Zh: fmt.Sprintf("%d 条已签名并密封，%d 行退回（例：%s）", report.Same, report.Refused, first),
		En: fmt.Sprintf("%d records signed and sealed, %d rows refused (for one: %s)", report.Same, report.Refused, first),
	}, nil
}

// dryRun reads the file once more without writing: what was stored is known.
func (t *teller) dryRun(file string) (wire.ImportReport, error) {
	raw, err := readFile(file)
	if err != nil {
		return wire.ImportReport{}, err
	}
	return t.client("association").Import(t.ctx, client.ImportQuery{File: filepath.Base(file), Mapping: "discipline", DryRun: true, AsOf: "2026-11-20"}, raw, nil)
}

// blackListed nominates a practitioner on the ground of the record and waits
// until the notice is over.
func (t *teller) blackListed() (exchange.Text, error) {
	id, err := t.nominate("regulator", "black", "--record", string(t.record.ID), "--from", "association",
		"--ground", "condemnation", "--term-days", "730", "--measure", "market-exit")
	if err != nil {
		return exchange.Text{}, err
	}
	return t.listedEverywhere("black", id)
}

// nominate puts a subject on a list. A story that was interrupted is told
// again from its beginning, so the entry may stand there already.
func (t *teller) nominate(member string, args ...string) (exchange.EntryID, error) {
	out, code := t.accord(member, append([]string{"list", "nominate"}, args...)...)
	if code == 0 {
		var entry wire.Entry
		err := json.Unmarshal(out, &entry)
		return entry.ID, err
	}
	var failed errorJSON
	if err := json.Unmarshal(out, &failed); err == nil && failed.Code == lists.ErrActive.Code {
		for _, arg := range failed.Args {
			if arg.Name == "id" {
				return exchange.EntryID(arg.Value), nil
			}
		}
	}
	return "", fmt.Errorf("accord list nominate: exit %d instead of 0: %s", code, clip(out))
}

// redListed puts an organisation on the red list on the ground of a document.
func (t *teller) redListed() (exchange.Text, error) {
	id, err := t.nominate("regulator", "red", "--uscc", t.exampleUSCC(), "--subject-kind", "enterprise",
		"--name", "例湖诚信保险代理有限公司", "--ground", "decision", "--decision-number", "青例表彰〔2026〕7号", "--decision-authority", "例省保险监管局",
		"--term-days", "365", "--measure", "green-channel")
	if err != nil {
		return exchange.Text{}, err
	}
	return t.listedEverywhere("red", id)
}

// exampleUSCC is a fictional organisation's code from the samples.
func (t *teller) exampleUSCC() string {
	page, err := t.client("association").Records(t.ctx, client.RecordQuery{Category: "discipline-organisation", Limit: 1})
	if err != nil || len(page.Records) == 0 {
		return ""
	}
	return strings.TrimPrefix(string(page.Records[0].Subject), exchange.SubjectOrg+":")
}

// listedEverywhere waits for the entry to be listed at every node, with the
// same state.
func (t *teller) listedEverywhere(list string, id exchange.EntryID) (exchange.Text, error) {
	for _, m := range t.members() {
		err := t.wait(15*time.Second, func() (bool, error) {
			page, err := t.client(m).Entries(t.ctx, list, client.EntryQuery{Status: "listed", Linear: true})
			for _, e := range page.Entries {
				if e.ID == id {
					return true, nil
				}
			}
			return false, err
		})
		if err != nil {
			return exchange.Text{}, fmt.Errorf("%s does not show the entry as listed: %w", m, err)
		}
	}
	digest, err := t.equal(t.members())
	if err != nil {
		return exchange.Text{}, err
	}
	return exchange.Text{
		Zh: fmt.Sprintf("条目 %s 已列入，四个节点状态摘要一致：%s…", id, digest[:16]),
		En: fmt.Sprintf("entry %s is listed, all four nodes have state digest %s…", id, digest[:16]),
	}, nil
}

// ask is the command line of a request for fields of the story's record.
func (t *teller) ask(fields []string, purpose, basisKind, basisRef string) []string {
	args := []string{"release", "ask", "--record", string(t.record.ID), "--from", "association"}
	for _, f := range fields {
		args = append(args, "--field", f)
	}
	return append(args, "--purpose", purpose, "--basis-kind", basisKind, "--basis-ref", basisRef)
}

// releaseGranted is the whole way of a release without approvals.
func (t *teller) releaseGranted() (exchange.Text, error) {
	var rel wire.Release
	if err := t.must(0, &rel, "court", t.ask([]string{"resident_id"}, "enforcement", "case", "(2026)青9901执7号")...); err != nil {
		return exchange.Text{}, err
	}
	if err := t.open("court", rel.ID, 1); err != nil {
		return exchange.Text{}, err
	}
	return t.receipts(rel.ID, "opened", rel.Decision.Rule)
}

// open opens a granted release and checks that exactly so many fields came and
// that they are of the samples.
func (t *teller) open(member string, id exchange.ReleaseID, fields int) error {
	var opened wire.Opened
	if err := t.must(0, &opened, member, "release", "open", string(id)); err != nil {
		return err
	}
	if !opened.Verified || len(opened.Fields) != fields {
		return fmt.Errorf("%d fields opened instead of %d, verified %v", len(opened.Fields), fields, opened.Verified)
	}
	planted := map[string]bool{}
	for _, c := range intake.SampleCanaries() {
		planted[c] = true
	}
	for name, value := range opened.Fields {
		var text string
		if err := json.Unmarshal(value, &text); err != nil || !planted[text] {
			return fmt.Errorf("the field %s is not what was imported", name)
		}
	}
	return nil
}

// receipts checks that every node holds the receipt of a release.
func (t *teller) receipts(id exchange.ReleaseID, status, rule string) (exchange.Text, error) {
	for _, m := range t.members() {
		err := t.wait(10*time.Second, func() (bool, error) {
			rel, err := t.client(m).Release(t.ctx, id)
			return err == nil && rel.Status == status, err
		})
		if err != nil {
			return exchange.Text{}, fmt.Errorf("%s holds no receipt of release %s: %w", m, id, err)
		}
	}
	return exchange.Text{
		Zh: fmt.Sprintf("规则 %s；回执 %s 在四个节点上", rule, id),
		En: fmt.Sprintf("rule %s; the receipt %s is on all four nodes", rule, id),
	}, nil
}

// releaseRefused asks for the same field outside the rules, and for things the
// catalogue does not know: refused with reasons (exit 2), and nothing opens.
func (t *teller) releaseRefused() (exchange.Text, error) {
	refused := func(fields []string, purpose string) (wire.Release, error) {
		var rel wire.Release
		out, code := t.accord("commission", t.ask(fields, purpose, "statute", "统计法第二十五条")...)
		if code != 2 {
			return rel, fmt.Errorf("exit %d instead of 2: %s", code, clip(out))
		}
		page, err := t.client("commission").Releases(t.ctx, "refused", "", 1)
		if err != nil || len(page.Releases) == 0 {
			return rel, fmt.Errorf("no receipt of the refusal: %v", err)
		}
		return page.Releases[0], nil
	}
	rel, err := refused([]string{"resident_id"}, "statistics")
	if err != nil {
		return exchange.Text{}, err
	}
	if out, code := t.accord("commission", "release", "open", string(rel.ID)); code != 2 {
		return exchange.Text{}, fmt.Errorf("opening a refused release: exit %d: %s", code, clip(out))
	}
	for _, odd := range []struct {
		field, purpose string
	}{{"resident_id", "curiosity"}, {"shoe_size", "statistics"}} {
		if _, err := refused([]string{odd.field}, odd.purpose); err != nil {
			return exchange.Text{}, err
		}
	}
	return exchange.Text{
		Zh: fmt.Sprintf("未满足的条款 %s：%s；%s", rel.Decision.Clause, rel.Decision.Why.Zh, rel.Decision.Need.Zh),
		En: fmt.Sprintf("clause %s: %s; %s", rel.Decision.Clause, rel.Decision.Why.En, rel.Decision.Need.En),
	}, nil
}

// releaseApproved goes through pending, approved, opened.
func (t *teller) releaseApproved() (exchange.Text, error) {
	var rel wire.Release
	if err := t.must(0, &rel, "commission", t.ask([]string{"name"}, "joint-incentive", "decision", "青例发改〔2026〕12号")...); err != nil {
		return exchange.Text{}, err
	}
	if rel.Status != "pending" {
		return exchange.Text{}, fmt.Errorf("the request is %s and not pending", rel.Status)
	}
	if out, code := t.accord("commission", "release", "open", string(rel.ID)); code != 2 {
		return exchange.Text{}, fmt.Errorf("opened before approval: exit %d: %s", code, clip(out))
	}
	if err := t.must(0, nil, "association", "release", "approve", string(rel.ID), "--note", "同意用于联合奖惩审查"); err != nil {
		return exchange.Text{}, err
	}
	if err := t.wait(10*time.Second, func() (bool, error) {
		r, err := t.client("commission").Release(t.ctx, rel.ID)
		return r.Status == "granted", err
	}); err != nil {
		return exchange.Text{}, err
	}
	if err := t.open("commission", rel.ID, 1); err != nil {
		return exchange.Text{}, err
	}
	return t.receipts(rel.ID, "opened", rel.Decision.Rule)
}

// leaderKilled kills the leader with SIGKILL, waits for a new one, and checks
// that every acknowledged statement is there.
func (t *teller) leaderKilled() (exchange.Text, error) {
	status, err := t.client("association").Status(t.ctx)
	if err != nil {
		return exchange.Text{}, err
	}
	t.killed, t.statement = string(status.LeaderOf), status.Ledger.Size-1 // the first leaf is the charter
	if t.killed == "" {
		return exchange.Text{}, fmt.Errorf("no leader to kill")
	}
	t.steps[len(t.steps)-1].Command = "accord demo kill " + t.killed + " --dir " + t.dir
	if err := t.sup.Kill(t.killed); err != nil {
		return exchange.Text{}, err
	}
	begin := time.Now()
	survivor := t.survivors()[0]
	var leader string
	if err := t.wait(30*time.Second, func() (bool, error) {
		s, err := t.client(survivor).Status(t.ctx)
		leader = string(s.LeaderOf)
		return leader != "" && leader != t.killed, err
	}); err != nil {
		return exchange.Text{}, err
	}
	took := time.Since(begin)
	l, err := t.client(survivor).Ledger(t.ctx, true)
	if err != nil {
		return exchange.Text{}, err
	}
	if l.Size-1 < t.statement {
		return exchange.Text{}, fmt.Errorf("%d statements of %d acknowledged are left", l.Size, t.statement)
	}
	return exchange.Text{
		Zh: fmt.Sprintf("%s 被终止，%.1f 秒后 %s 成为主节点；%d 条已确认声明全部在", t.killed, took.Seconds(), leader, t.statement),
		En: fmt.Sprintf("%s killed, %s leads after %.1f s; all %d acknowledged statements are there", t.killed, leader, took.Seconds(), t.statement),
	}, nil
}

func (t *teller) survivors() []string {
	var out []string
	for _, m := range t.members() {
		if m != t.killed {
			out = append(out, m)
		}
	}
	return out
}

// nodeReturned writes while the node is away, brings it back and compares.
func (t *teller) nodeReturned() (exchange.Text, error) {
	away := t.survivors()[0]
	if err := t.must(0, nil, away, "catalogue", "show"); err != nil {
		return exchange.Text{}, err
	}
	t.steps[len(t.steps)-1].Command = "accord demo start " + t.killed + " --dir " + t.dir
	nominator := "association"
	if t.killed == nominator {
		nominator = "regulator"
	}
	if _, err := t.nominate(nominator, "red", "--uscc", t.anotherUSCC(), "--subject-kind", "enterprise", "--name", "例河守信保险经纪有限公司",
		"--ground", "decision", "--decision-number", "青例表彰〔2026〕8号", "--decision-authority", "例省保险监管局", "--term-days", "365"); err != nil {
		return exchange.Text{}, err
	}
	if err := t.sup.Start(t.killed); err != nil {
		return exchange.Text{}, err
	}
	if err := t.sup.Ready(t.ctx, t.killed); err != nil {
		return exchange.Text{}, err
	}
	digest, err := t.equal(t.members())
	return exchange.Text{
		Zh: fmt.Sprintf("%s 恢复，补上离线期间的声明，四个节点一致：%s…", t.killed, clip16(digest)),
		En: fmt.Sprintf("%s is back, caught up with what it missed, and all four are equal: %s…", t.killed, clip16(digest)),
	}, err
}

func clip16(s string) string { return s[:min(16, len(s))] }

// anotherUSCC is the federation's first member's own fictional code: an
// organisation that is on no list yet.
func (t *teller) anotherUSCC() string {
	f, err := t.client(t.survivors()[0]).Federation(t.ctx)
	if err != nil || len(f.Members) == 0 {
		return ""
	}
	return f.Members[0].USCC
}

// verifiedOffline exports the evidence and verifies it with nothing but the
// file and the charter's digest.
func (t *teller) verifiedOffline() (exchange.Text, error) {
	file := filepath.Join(t.dir, "evidence.json")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a story that was interrupted
		return exchange.Text{}, err
	}
	if err := t.must(0, nil, "association", "ledger", "export", "--out", file); err != nil {
		return exchange.Text{}, err
	}
	f, err := t.client("association").Federation(t.ctx)
	if err != nil {
		return exchange.Text{}, err
	}
	var report struct {
		OK        bool       `json:"ok"`
		Commands  []struct{} `json:"commands"`
		Documents []struct{} `json:"documents"`
	}
	t.steps[len(t.steps)-1].Command = "accord verify " + file + " --trust " + f.Charter
	if err := t.must(0, &report, "association", "verify", file, "--trust", f.Charter); err != nil {
		return exchange.Text{}, err
	}
	stranger, err := t.strangerVerifies(file)
	if err != nil {
		return exchange.Text{}, err
	}
	return exchange.Text{
		Zh: fmt.Sprintf("%d 条声明、%d 份文书，%s", len(report.Commands), len(report.Documents), stranger.Zh),
		En: fmt.Sprintf("%d statements, %d documents, %s", len(report.Commands), len(report.Documents), stranger.En),
	}, nil
}

// strangerVerifies lets the JOSE tool of the Linux distribution check the
// documents' signatures, where it is installed.
func (t *teller) strangerVerifies(file string) (exchange.Text, error) {
	path, err := exec.LookPath("jose")
	if err != nil {
		return exchange.Text{Zh: "全部校验通过（装有 jose 软件包时会再用它独立验签）", En: "all checks hold (with the package jose installed, its signatures are checked independently too)"}, nil
	}
	checked, err := demo.VerifyWithJose(t.ctx, path, file)
	if err != nil {
		return exchange.Text{}, fmt.Errorf("jose, an implementation of others, disagrees: %w", err)
	}
	return exchange.Text{Zh: "jose 独立验签 " + strconv.Itoa(checked) + " 份", En: "and jose verified " + strconv.Itoa(checked) + " signatures independently"}, nil
}

// canaryScan searches everything but the samples themselves for the planted
// private values.
func (t *teller) canaryScan() (exchange.Text, error) {
	t.steps[len(t.steps)-1].Command = "accord demo scan --dir " + t.dir
	scan, err := scanDemo(t.dir)
	if err != nil {
		return exchange.Text{}, err
	}
	return scan.text(), nil
}
