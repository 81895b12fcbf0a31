package bundle

import "fmt"

// lists tells of the members' word on the lists.
func (p *printer) lists(r *Report) {
	l := r.Lists
	if l == nil {
		return
	}
	p.say("名单摘要  账本第 %d 条、%s 时，%d 家共签", "lists       at ledger position %d, %s, cosigned by %d members", l.Position, instant(l.At), len(l.Cosigners))
	for _, a := range l.Absent {
		fmt.Fprintf(p, "  %s ", p.mark(a.OK))
		p.say("%s 不在名单 %s 上", "%s is not on list %s", p.named(a.Subject), clean(a.List))
	}
}

// accesses tells of the members' word on who asked for records.
func (p *printer) accesses(r *Report) {
	a := r.Accesses
	if a == nil {
		return
	}
	p.say("查阅摘要  账本第 %d 条时，%d 家共签", "accesses    at ledger position %d, cosigned by %d members", a.Position, len(a.Cosigners))
	for _, one := range a.Records {
		fmt.Fprintf(p, "  %s ", p.mark(one.OK))
		p.say("记录 %s：%d 条，一条不缺", "record %s: %d commands, none is missing", clean(one.Record), one.Count)
	}
}

// named is a subject, or a word for one that is not shown.
func (p *printer) named(subject string) string {
	if subject == "" {
		return Text{"该主体（自然人标识未显示）", "the subject (a person's id is not shown)"}.In(p.lang)
	}
	return clean(subject)
}

// answers tells what credit checks say.
func (p *printer) answers(r *Report) {
	for i, d := range r.Documents {
		a := d.Answer
		switch {
		case d.Report != nil:
			a = &d.Report.CreditCheck
			p.creditReport(i, &d)
		case a != nil:
			p.say("信用核查  文书 %d：%s 于 %s 就 %s 的答复", "check       document %d: the answer of %s, %s, about %s",
				i, clean(a.Issuer), instant(a.IssuedAt*1000), p.named(a.Subject))
		default:
			continue
		}
		for _, h := range a.Hits {
			p.say("          名单 %s：%s，%s 提名，%s 至 %s", "          list %s: %s, by %s, %s to %s",
				clean(h.List), clean(h.Status), clean(h.By), instant(h.From), instant(h.Until))
		}
		for _, m := range a.Measures {
			p.say("          措施 %s（名单 %s）", "          measure %s (list %s)", clean(m.Measure), clean(m.List))
		}
		for _, g := range a.Grades {
			p.say("          评级 %s，%s 出具", "          rated %s by %s", clean(g.Grade), clean(g.Author))
		}
		for _, c := range a.Records {
			p.say("          记录 %s（%s）%d 条", "          records %s (%s): %d", clean(c.Category), clean(c.Author), c.Active)
		}
		for _, f := range a.Feeds {
			p.say("          查至 %s 第 %d 条", "          looked at %s up to %d", clean(f.Author), f.Entries)
		}
		for _, f := range a.Faulty {
			p.say("          不能验证的记录 %s（%s，%s）", "          a record that does not verify: %s (%s, %s)", clean(f.Record), clean(f.Category), clean(f.Author))
		}
		for _, o := range a.Objections {
			p.say("          异议 %s 未办结", "          objection %s is not decided", clean(o))
		}
		for _, n := range a.NotKept {
			p.say("          联合体尚未登记：%s", "          the federation keeps no account of %s", clean(n))
		}
	}
}

// creditReport tells what a report is; what it says of lists and records follows as
// of a check.
func (p *printer) creditReport(i int, d *DocumentReport) {
	c := d.Report
	p.say("信用报告  文书 %d：%s，%s 于 %s 就 %s 出具，记录 %d 条", "report      document %d: %s of %s, %s, about %s, with %d records",
		i, clean(c.ID), clean(c.Issuer), instant(c.IssuedAt*1000), p.named(c.Subject), len(c.Documents))
	if d.Expired {
		p.say("          已过有效期（%s）：请索取新的报告", "          EXPIRED (%s): ask for a new report", instant(c.ValidUntil*1000))
	} else {
		p.say("          有效期至 %s", "          valid until %s", instant(c.ValidUntil*1000))
	}
	for _, old := range c.Replaces {
		p.say("          取代报告 %s", "          takes the place of report %s", clean(old))
	}
}

// paper tells what a scanned code proves, and what it does not.
func (p *printer) paper(r *Report) {
	c := r.Paper
	if c == nil || c.Issuer == "" {
		return
	}
	p.say("纸质报告  %s 签署：主体 %s，%s 出具，有效期至 %s，名单条目 %d 条", "paper       signed by %s: subject %s, issued %s, valid until %s, %d list entries",
		clean(c.Issuer), clean(c.Subject), instant(c.IssuedAt*1000), instant(c.ValidUntil*1000), c.Hits)
	if c.Expired {
		p.say("          已过有效期：请索取新的报告", "          EXPIRED: ask for a new report")
	}
	switch c.File {
	case PaperSame:
		p.say("          与文件中的报告相符：纸面内容以文件为准", "          of the report in the file: compare the paper with it")
	case PaperOlder:
		p.say("          已被取代：文件中是同一单位就同一主体较新的报告", "          SUPERSEDED: the file holds a newer report of the same member on the same subject")
	default:
		p.say("          只证明以上各项；纸面其他内容须与报告文件核对", "          proves this much and no more: what else the paper says needs the report's file")
	}
}
