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
		if d.Answer == nil {
			continue
		}
		a := d.Answer
		p.say("信用核查  文书 %d：%s 于 %s 就 %s 的答复", "check       document %d: the answer of %s, %s, about %s",
			i, clean(a.Issuer), instant(a.IssuedAt*1000), p.named(a.Subject))
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
		for _, n := range a.NotKept {
			p.say("          联合体尚未登记：%s", "          the federation keeps no account of %s", clean(n))
		}
	}
}
