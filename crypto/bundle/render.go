package bundle

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxListed bounds the failures and the statements that Render spells out; the
// JSON report has them all.
const maxListed = 50

// Render writes a report for people, in Chinese unless lang is "en". What comes
// from the bundle is shown without control characters, so that a file cannot
// write to the terminal what it likes.
func Render(w io.Writer, r *Report, lang string) error {
	p := &printer{Writer: bufio.NewWriter(w), lang: lang}
	p.verdict(r)
	p.facts(r)
	p.commands(r)
	p.documents(r)
	p.lists(r)
	p.accesses(r)
	p.answers(r)
	p.minutes(r)
	p.paper(r)
	p.proof(r)
	p.fork(r)
	p.feed(r)
	p.failures(r)
	return p.Flush()
}

type printer struct {
	*bufio.Writer
	lang string
}

// say writes one line in the printer's language; the arguments serve both.
func (p *printer) say(zh, en string, args ...any) {
	fmt.Fprintf(p, Text{zh, en}.In(p.lang)+"\n", args...)
}

func (p *printer) verdict(r *Report) {
	passed, failed := 0, 0
	for _, c := range r.Checks {
		switch c.Status {
		case Passed:
			passed++
		case Failed:
			failed++
		}
	}
	switch {
	case !r.OK:
		p.say("验证不通过：%d 项检查中 %d 项失败", "NOT VERIFIED: of %d checks %d failed", passed+failed, failed)
	case r.Anchored:
		p.say("验证通过：%d 项检查全部成立", "VERIFIED: all %d checks hold", passed)
	default:
		p.say("内部一致：%d 项检查全部成立，但未与可信依据比对", "CONSISTENT: all %d checks hold, but nothing was compared with a trust anchor", passed)
	}
}

func (p *printer) facts(r *Report) {
	if r.Federation != "" {
		name := ""
		if r.Name != nil {
			name = clean(r.Name.In(p.lang))
		}
		p.say("联合体    %s %s", "federation  %s %s", clean(r.Federation), name)
	}
	if r.Charter != "" {
		p.charter(r)
	}
	if r.Roster > 0 {
		p.say("成员名册  第 %d 版，自章程起逐版签署", "roster      version %d, endorsed one by one from the charter on", r.Roster)
	}
	c := r.Checkpoint
	if c == nil {
		return
	}
	p.say("账本      %s，%d 条，根 %s", "ledger      %s, %d leaves, root %s", clean(c.Origin), c.Size, c.Root)
	if r.Roster > 0 {
		p.say("共签      %d 家（名册要求 %d 家）", "cosigned    by %d members (the roster asks for %d)", len(c.Cosigners), c.Quorum)
	} else {
		p.say("共签      %d 家（章程要求 %d 家）", "cosigned    by %d members (the charter asks for %d)", len(c.Cosigners), c.Quorum)
	}
	for _, s := range c.Cosigners {
		fmt.Fprintf(p, "          %s %s\n", s.Member, instant(s.Unix*1000))
	}
}

func (p *printer) charter(r *Report) {
	d, err := ParseDigest(r.Charter)
	if err != nil {
		return
	}
	p.say("章程摘要  %s", "charter     %s", d.Grouped())
	for _, c := range r.Checks {
		if c.Name == CheckTrust {
			fmt.Fprintf(p, "          %s\n", c.Text.In(p.lang))
		}
	}
}

func (p *printer) commands(r *Report) {
	if len(r.Commands) == 0 {
		return
	}
	p.say("指令      %d 条（已记入账本）",
		"commands    %d (in the ledger)", len(r.Commands))
	for i, c := range r.Commands {
		if i == maxListed {
			p.say("          ……其余 %d 条见 JSON 报告", "          ... %d more in the JSON report", len(r.Commands)-i)
			return
		}
		fmt.Fprintf(p, "  %s %d %s %s %s %s\n", p.mark(c.OK), c.Index, instant(c.Time), clean(c.Issuer), clean(c.Verb), p.outcome(c.Outcome))
	}
}

func (p *printer) documents(r *Report) {
	if len(r.Documents) == 0 {
		return
	}
	p.say("文书      %d 件", "documents   %d", len(r.Documents))
	for i, d := range r.Documents {
		if i == maxListed {
			p.say("          ……其余 %d 件见 JSON 报告", "          ... %d more in the JSON report", len(r.Documents)-i)
			return
		}
		fmt.Fprintf(p, "  %s %d %s %s %s %s\n", p.mark(d.OK), i, p.kind(d.Kind), clean(d.Issuer), clean(d.Type), p.subject(d))
		if d.RestsOn != nil {
			p.say("      依据指令 %d", "      rests on command %d", *d.RestsOn)
		} else if d.OK {
			p.say("      仅有出具单位签名，未载明账本依据", "      signed by its issuer; not shown to be in the ledger")
		}
		for _, f := range d.Disclosed {
			if f.Value == "" {
				p.say("      披露 %s", "      discloses %s", clean(f.Name))
				continue
			}
			p.say("      披露 %s = %s", "      discloses %s = %s", clean(f.Name), clean(f.Value))
		}
	}
}

func (p *printer) failures(r *Report) {
	listed := 0
	for _, c := range r.Checks {
		if c.Status != Failed {
			continue
		}
		if listed == 0 {
			p.say("失败的检查", "failed checks")
		}
		if listed++; listed > maxListed {
			p.say("  ……其余见 JSON 报告", "  ... more in the JSON report")
			return
		}
		fmt.Fprintf(p, "  %s %s %s: %s (%s)\n", p.mark(false), c.Name, clean(c.Ref), c.Text.In(p.lang), clean(c.Detail))
	}
}

// documentKinds are the kinds of documents in words.
var documentKinds = map[string]Text{
	KindRecord:  {"记录", "record"},
	KindEntry:   {"名单条目", "entry"},
	KindRelease: {"交付", "release"},
	KindCheck:   {"信用核查", "check"},
	KindReport:  {"信用报告", "report"},
	KindMinutes: {"会议纪要", "minutes"},
}

// kind is what a document is, in words.
func (p *printer) kind(kind string) string {
	if words, ok := documentKinds[kind]; ok {
		return words.In(p.lang)
	}
	return clean(kind)
}

// subject is whom a document is about. The ids of natural persons are in the report
// only where they were asked for.
func (p *printer) subject(d DocumentReport) string {
	if d.Subject == "" && d.OK {
		return Text{"（自然人，标识不显示）", "(a natural person, id not shown)"}.In(p.lang)
	}
	return clean(d.Subject)
}

// mark says a result in a word, so that it survives any font and printer.
func (p *printer) mark(ok bool) string {
	if ok {
		return Text{"成立", "ok    "}.In(p.lang)
	}
	return Text{"失败", "FAILED"}.In(p.lang)
}

func instant(ms int64) string {
	if ms <= 0 || ms >= 1<<53 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

// maxShown bounds a text of the bundle's on the terminal, in characters.
const maxShown = 200

// clean makes a text of the bundle's fit for a terminal: no control characters,
// no marks that turn the direction of writing, no endless lines.
func clean(s string) string {
	shown := 0
	return strings.Map(func(c rune) rune {
		shown++
		switch {
		case shown > maxShown:
			return -1
		case shown == maxShown:
			return '…'
		case unicode.IsPrint(c):
			return c
		}
		return unicode.ReplacementChar
	}, s)
}

// quote is for names of the bundle's inside error texts.
func quote(s string) string { return strconv.Quote(clean(s)) }

func (p *printer) outcome(o Outcome) string {
	if o == Accepted {
		return Text{"已采纳", "accepted"}.In(p.lang)
	}
	return Text{"被驳回", "refused"}.In(p.lang)
}

func (p *printer) proof(r *Report) {
	switch {
	case r.Proof == nil:
	case r.Proof.Kind == ProofConsistency:
		p.say("证明      前 %d 条是同一账本的开头", "proof       the first %d leaves are the beginning of the same ledger", r.Proof.From)
	default:
		p.say("证明      第 %d 条：指令 %s，%s，%s", "proof       leaf %d: command %s, %s, %s",
			r.Proof.Index, clean(r.Proof.ID), r.Proof.Digest, p.outcome(r.Proof.Outcome))
	}
}

// feedProofs is what evidence about a feed proves, in words.
var feedProofs = map[string]Text{
	FeedProvesNothing:  {"无：只有举报方的说法", "nothing: there is the accuser's word alone"},
	FeedProvesFork:     {"该单位为同一条数签署了两种历史", "its author signed two histories of one size"},
	FeedProvesUnsigned: {"记录流中有该单位密钥未签署的文书", "the feed holds a document that its author's key did not sign"},
	FeedProvesOwed:     {"该单位已为此条目签字，须能出示其文书；是否拒绝出示只是举报方的说法", "its author signed for this entry and owes its document; that it did not give it is the accuser's word"},
}

func (p *printer) feed(r *Report) {
	if r.Feed == nil {
		return
	}
	p.say("记录流    %s", "feed        of %s", clean(r.Feed.Author))
	p.say("证明      %s", "proves      %s", feedProofs[r.Feed.Proves].In(p.lang))
	for _, c := range r.Feed.Conflicts {
		p.say("两种历史  前 %d 条有不同的根：", "two         different roots of the first %d entries:", c.Size)
		for _, s := range c.Sides {
			fmt.Fprintf(p, "          %s\n", s.Root)
		}
	}
	if e := r.Feed.Entry; e != nil {
		p.say("条目      第 %d 条，文书摘要 %s", "entry       %d, digest of its document %s", e.Index, clean(e.Digest))
	}
}

func (p *printer) fork(r *Report) {
	if r.Fork == nil {
		return
	}
	for _, c := range r.Fork.Conflicts {
		p.say("分叉      前 %d 条有不同的根：", "fork        different roots of the first %d leaves:", c.Size)
		for _, s := range c.Sides {
			fmt.Fprintf(p, "          %s  %s\n", s.Root, clean(strings.Join(s.Members, ", ")))
		}
	}
	if len(r.Fork.Equivocators) > 0 {
		p.say("两头签署  %s", "equivocal   %s", clean(strings.Join(r.Fork.Equivocators, ", ")))
	}
}
