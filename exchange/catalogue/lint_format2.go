package catalogue

import (
	"fmt"

	"accord/exchange"
)

// Bounds of what came with format 2.
const (
	maxPersons   = 16
	maxRecords   = 100_000
	maxPerDay    = 100_000
	maxWorkdays  = 250
	maxCustodian = 64
)

func (l *linter) knownApproval(a Approval) bool {
	switch a {
	case ApprovalNone, ApprovalAuthor:
		return true
	case ApprovalConsent, ApprovalPersons, ApprovalMeeting:
		return l.doc.Format != Format
	}
	return false
}

// number checks a member that must lie between two bounds where it stands.
func (l *linter) number(path string, value, least, most int) {
	if value < least || value > most {
		l.error(path, "bad-number", fmt.Sprintf("须在 %d 与 %d 之间", least, most), fmt.Sprintf("must lie between %d and %d", least, most))
	}
}

// rule2 checks what came to rules with format 2. In a document of format 1 there is
// nothing to be found.
func (l *linter) rule2(path string, r *Rule) {
	l.kinds(path+"/authors", r.Authors)
	l.kinds(path+"/approvers", r.Approvers)
	misplaced := func(member, zh, en string) { l.error(path+"/"+member, "misplaced", zh, en) }
	switch {
	case r.Approval == ApprovalPersons:
		l.number(path+"/persons", r.Persons, 1, maxPersons)
	case r.Persons != 0:
		misplaced("persons", "只有 persons 批准才写明人数", "only the approval persons says how many")
	}
	if len(r.Approvers) > 0 && r.Approval != ApprovalPersons && r.Bulk == nil {
		misplaced("approvers", "没有需要这些成员批准的情形", "nothing needs their approval")
	}
	l.number(path+"/approval_hours", r.ApprovalHours, 0, maxHours)
	if r.ApprovalHours != 0 && r.Approval == ApprovalNone && r.Bulk == nil {
		misplaced("approval_hours", "该规则无需批准", "nothing needs an approval")
	}
	l.number(path+"/per_operator_day", r.PerOperatorDay, 0, maxPerDay)
	if r.Bulk != nil {
		l.number(path+"/bulk/records", r.Bulk.Records, 2, maxRecords)
		l.number(path+"/bulk/persons", r.Bulk.Persons, 2, maxPersons)
		if r.Approval == ApprovalConsent || r.Approval == ApprovalMeeting {
			misplaced("bulk", "主体同意和联席会议决定只及于一条记录", "a consent or a decision of the meeting is about one record")
		}
	}
	switch {
	case r.Emergency:
		l.number(path+"/justify_days", r.JustifyDays, 1, maxWorkdays)
		if r.Approval != ApprovalNone || r.Bulk != nil {
			misplaced("emergency", "紧急调用立即生效，不经批准，一次一条记录", "an emergency works at once: without approval and for one record")
		}
	case r.JustifyDays != 0:
		misplaced("justify_days", "只有紧急调用才须事后说明", "only an emergency is justified afterwards")
	}
	l.ruleAuthors(path, r)
}

// ruleAuthors finds authors that none of the rule's categories has.
func (l *linter) ruleAuthors(path string, r *Rule) {
	for i, kind := range r.Authors {
		found := !kind.Known() // said already
		for _, id := range r.Categories {
			if cat := l.index.categories[id]; cat != nil {
				found = found || containsKind(cat.Authors, kind)
			}
		}
		if !found {
			l.error(fmt.Sprintf("%s/authors/%d", path, i), "idle", "该类成员不记录这些类别", "such members author none of the categories")
		}
	}
}

// custody checks who keeps a category's sealed fields available.
func (l *linter) custody(path string, c *Category) {
	if c.Custody == nil {
		return
	}
	l.number(path+"/k", c.Custody.K, 2, maxCustodian)
	l.size(path+"/of", len(c.Custody.Of)+len(c.Custody.By), 1, maxCustodian)
	l.kinds(path+"/of", c.Custody.Of)
	ids := make([]string, len(c.Custody.By))
	for i, id := range c.Custody.By {
		ids[i] = string(id)
	}
	l.references(path+"/by", ids, exchange.Text{Zh: "成员编号", En: "member id"}, exchange.ValidName)
	for i := range c.Fields {
		if f := &c.Fields[i]; f.everPrivate() && f.Class != Secret && f.PersonClass != Secret {
			return
		}
	}
	l.warn(path, "idle", "该类别没有可以开放的非公开信息项", "the category has no sealed field that could be opened")
}

// sameApproval says whether two rules ask the same persons.
func sameApproval(a, b *Rule) bool {
	return a.Approval == b.Approval && a.Persons == b.Persons && joined(a.Approvers) == joined(b.Approvers)
}

// agree says whether two rules that fit one request want it approved by the same
// persons, where both want it approved.
func agree(a, b *Rule) bool {
	if a.Approval != ApprovalNone && b.Approval != ApprovalNone && !sameApproval(a, b) {
		return false
	}
	return a.Bulk == nil || b.Bulk == nil || max(a.Persons, a.Bulk.Persons) == max(b.Persons, b.Bulk.Persons) && joined(a.Approvers) == joined(b.Approvers)
}

// covers2 is what format 2 adds to covers.
func covers2(a, b *Rule) bool {
	return a.Emergency == b.Emergency && sameApproval(a, b) &&
		(len(a.Authors) == 0 || len(b.Authors) > 0 && within(b.Authors, a.Authors)) &&
		(b.Bulk == nil || a.Bulk != nil && a.Bulk.Records >= b.Bulk.Records && a.Bulk.Persons == b.Bulk.Persons)
}

// terms checks the parts of the document that came with format 2. In one of format 1
// there is nothing to be found.
func (l *linter) terms() {
	d := l.doc
	l.size("/severities", len(d.Severities), 0, 16)
	seen := map[string]bool{}
	for i, s := range d.Severities {
		path := fmt.Sprintf("/severities/%d", i)
		l.id(path, s.ID, seen)
		l.title(path, s.Title)
		l.number(path+"/days_min", s.DaysMin, 0, maxDays)
		l.number(path+"/days_max", s.DaysMax, max(s.DaysMin, 1), maxDays)
	}
	seen = map[string]bool{}
	for i, due := range d.Deadlines {
		path := fmt.Sprintf("/deadlines/%d", i)
		if l.id(path, due.ID, seen); !dueKnown(due.ID) {
			l.error(path+"/id", "unknown-reference", "期限事项不可识别："+quote(due.ID), "nothing has this deadline: "+quote(due.ID))
		}
		l.title(path, due.Title)
		l.number(path+"/days", due.Days, 1, maxWorkdays)
		if due.Source == "" {
			l.warn(path+"/source", "no-source", "未写明依据条款", "no clause is named")
		}
	}
	l.calendar()
	l.evaluation()
}

// calendar checks that each date is one, stands once, in order, and changes something.
func (l *linter) calendar() {
	c := l.doc.Calendar
	if c == nil {
		return
	}
	l.size("/calendar/holidays", len(c.Holidays), 0, 2000)
	l.size("/calendar/workdays", len(c.Workdays), 0, 2000)
	plain := (*Calendar)(nil)
	check := func(path string, dates []string, weekend bool) {
		before := ""
		for i, date := range dates {
			at := fmt.Sprintf("%s/%d", path, i)
			day, ok := ParseDay(date)
			switch {
			case !ok:
				l.error(at, "bad-date", "不是日期", "no date")
			case date <= before:
				l.error(at, "order", "日期须依次排列，不得重复", "dates ascend and stand once")
			case weekend == plain.Working(day):
				l.warn(at, "idle", "该日本来如此", "the day is such anyway")
			}
			before = date
		}
	}
	check("/calendar/holidays", c.Holidays, false)
	check("/calendar/workdays", c.Workdays, true)
}

func (l *linter) disclosure(path string, d *Disclosure) {
	if d != nil {
		l.number(path+"/after_days", d.AfterDays, 0, maxWorkdays)
		l.number(path+"/for_days", d.ForDays, 0, maxDays)
	}
}

func (l *linter) categoryTerms(path string, c *Category) {
	l.number(path+"/timely_days", c.TimelyDays, 0, maxWorkdays)
	d := c.Disclosure
	if l.disclosure(path+"/disclosure", d); d == nil {
		return
	}
	for i, id := range d.Fields {
		at := fmt.Sprintf("%s/disclosure/fields/%d", path, i)
		switch f := c.field(id); {
		case f == nil:
			l.error(at, "unknown-reference", "未定义的信息项："+quote(id), "unknown field: "+quote(id))
		case f.Class != Public:
			l.error(at, "sealed-shown", "披露的信息项须为公开", "only public fields can be shown")
		case contains(d.Fields[:i], id):
			l.error(at, "duplicate-reference", "信息项重复："+quote(id), "field named twice: "+quote(id))
		}
	}
	if c.EventField == "" && (d.AfterDays > 0 || d.ForDays > 0) {
		l.error(path+"/event_field", "no-event-date", "披露期限没有起算日期", "a disclosure with a term needs the date it counts from")
	}
	if ev := c.field(c.EventField); ev != nil && ev.everPrivate() && (d.AfterDays > 0 || d.ForDays > 0) {
		l.error(path+"/event_field", "sealed-date", "披露期限的起算日期须为公开", "the date that a disclosure counts from has to be public")
	}
	if f := c.field(d.UntilField); d.UntilField != "" && (f == nil || f.Type != TypeDate || f.everPrivate()) {
		l.error(path+"/disclosure/until_field", "no-date", "公示截止日期须为本类别公开的日期项", "the last day has to be a public date of the category")
	}
}

// listTerms checks the terms of a list against its severity classes.
func (l *linter) listTerms(path string, list *List) {
	l.number(path+"/hearing_days", list.HearingDays, 0, maxWorkdays)
	l.number(path+"/repair_days_min", list.RepairDaysMin, 0, maxDays)
	if list.RepairDaysMin > 0 && list.TermDaysMax > 0 && list.RepairDaysMin > list.TermDaysMax {
		l.error(path+"/repair_days_min", "too-late", "修复的最短期限长于列入期限", "repair is possible only after the longest term")
	}
	if c := l.severity(path+"/severity", list.Severity); c != nil {
		if list.TermDaysMax > c.DaysMax {
			l.error(path+"/term_days_max", "beyond-severity", "列入期限超过严重程度 "+quote(c.ID)+" 的上限", "the term is longer than severity "+quote(c.ID)+" allows")
		}
		if list.RepairDaysMin < c.DaysMin {
			l.error(path+"/repair_days_min", "beyond-severity", "修复期限短于严重程度 "+quote(c.ID)+" 的下限", "repair comes before severity "+quote(c.ID)+" allows")
		}
	}
	for i, g := range list.Grounds {
		l.severity(fmt.Sprintf("%s/grounds/%d/severity", path, i), g.Severity)
	}
}

func (l *linter) severity(path, id string) *SeverityClass {
	if id == "" {
		return nil
	}
	c := l.index.Severity(id)
	if c == nil {
		l.error(path, "unknown-reference", "未定义的严重程度："+quote(id), "unknown severity: "+quote(id))
	}
	if c != nil && c.Hidden {
		l.error(path, "hidden-list", "名单条目在公示和列入期间一律公开，不能属于不予公示的程度 "+quote(id), "entries are public while they are announced and listed, which the hidden severity "+quote(id)+" is not")
	}
	return c
}

// evaluation checks indicators and grades.
func (l *linter) evaluation() {
	e := l.doc.Evaluation
	if e == nil {
		return
	}
	const most = 1_000_000
	l.number("/evaluation/full", e.Full, 1, most)
	l.number("/evaluation/base", e.Base, 0, e.Full)
	l.size("/evaluation/indicators", len(e.Indicators), 1, maxCategories)
	seen := map[string]bool{}
	for i := range e.Indicators {
		l.indicator(fmt.Sprintf("/evaluation/indicators/%d", i), &e.Indicators[i], seen)
	}
	l.size("/evaluation/grades", len(e.Grades), 1, 32)
	seen = map[string]bool{}
	for i, g := range e.Grades {
		path := fmt.Sprintf("/evaluation/grades/%d", i)
		l.id(path, g.ID, seen)
		l.title(path, g.Title)
		l.references(path+"/measures", g.Measures, exchange.Text{Zh: "奖惩措施", En: "measure"}, l.knownMeasure)
		switch {
		case g.From < 0 || g.From > e.Full, i > 0 && g.From >= e.Grades[i-1].From:
			l.error(path+"/from", "order", "等级须由高到低，且在满分之内", "grades go down from the best, within the full score")
		case i == len(e.Grades)-1 && g.From != 0:
			l.error(path+"/from", "gap", "最低等级须从 0 起", "the last grade begins at 0")
		}
	}
}

func (l *linter) knownMeasure(id string) bool {
	for i := range l.doc.Lists {
		if l.doc.Lists[i].MeasureOf(id) != nil {
			return true
		}
	}
	return false
}

func (l *linter) indicator(path string, n *Indicator, seen map[string]bool) {
	const most = 1_000_000
	l.id(path, n.ID, seen)
	l.title(path, n.Title)
	l.size(path+"/subjects", len(n.Subjects), 1, 32)
	l.references(path+"/subjects", n.Subjects, subjectWord, l.knownSubject)
	l.references(path+"/categories", n.Categories, categoryWord, l.knownCategory)
	l.references(path+"/lists", n.Lists, exchange.Text{Zh: "名单", En: "list"}, func(id string) bool { return l.index.lists[id] != nil })
	if (len(n.Categories) == 0) == (len(n.Lists) == 0) {
		l.error(path+"/categories", "what-counts", "须写明计分的类别或名单，二者取一", "it counts records of categories or entries on lists, one of the two")
	}
	if n.Points == 0 || n.Points < -most || n.Points > most {
		l.error(path+"/points", "bad-number", "分值不合规", "the points are out of range")
	}
	l.number(path+"/most", n.Most, max(n.Points, -n.Points), most)
	for i, step := range n.Decay {
		at := fmt.Sprintf("%s/decay/%d", path, i)
		l.number(at+"/percent", step.Percent, 0, 100)
		if step.Days < 1 || step.Days > maxDays || i > 0 && (step.Days <= n.Decay[i-1].Days || step.Percent >= n.Decay[i-1].Percent) {
			l.error(at, "order", "衰减须按天数递增、比例递减", "with more days comes less")
		}
	}
	if (n.Field == "") != (len(n.Values) == 0) {
		l.error(path+"/values", "values", "代码项与取值须同时写明", "the field and its values go together")
	}
	for i, id := range n.Categories {
		if cat := l.index.categories[id]; cat != nil {
			l.indicatorField(path, n, cat)
			if !meet(cat.Subjects, n.Subjects) {
				l.error(fmt.Sprintf("%s/categories/%d", path, i), "foreign-subject", "该类别不涉及这些信用主体", "the category is about other subjects")
			}
			if cat.EventField == "" && len(n.Decay) > 0 {
				l.error(fmt.Sprintf("%s/categories/%d", path, i), "no-event-date", "衰减没有起算日期", "what decays needs the date it counts from")
			}
		}
	}
}

// indicatorField checks what an indicator looks for in records of a category: a
// value that everybody sees.
func (l *linter) indicatorField(path string, n *Indicator, cat *category) {
	if n.Field == "" {
		return
	}
	f := cat.fields[n.Field]
	if f == nil || f.Type != TypeCode || f.everPrivate() {
		l.error(path+"/field", "unknown-reference", "须为类别 "+quote(cat.ID)+" 的公开代码项", "must be a public coded field of category "+quote(cat.ID))
		return
	}
	for i, v := range n.Values {
		if f.ValueOf(v) == nil {
			l.error(fmt.Sprintf("%s/values/%d", path, i), "unknown-reference", "未定义的取值："+quote(v), "unknown value: "+quote(v))
		}
	}
}
