package catalogue

import "fmt"

func (l *linter) rules() {
	seen := map[string]bool{}
	for i := range l.doc.Rules {
		r := &l.doc.Rules[i]
		path := fmt.Sprintf("/rules/%d", i)
		l.id(path, r.ID, seen)
		l.title(path, r.Title)
		l.size(path+"/categories", len(r.Categories), 1, maxCategories)
		l.references(path+"/categories", r.Categories, categoryWord, l.knownCategory)
		l.size(path+"/fields", len(r.Fields), 1, maxValues)
		l.references(path+"/fields", r.Fields, fieldWord, func(id string) bool { return l.someCategoryHas(r, id) })
		l.size(path+"/requesters", len(r.Requesters), 1, 32)
		l.kinds(path+"/requesters", r.Requesters)
		l.size(path+"/purposes", len(r.Purposes), 1, maxValues)
		l.references(path+"/purposes", r.Purposes, purposeWord, l.knownPurpose)
		if _, known := basisTitle(r.Basis); !known {
			l.error(path+"/basis", "unknown-reference", "依据种类不可识别", "unknown basis kind")
		}
		if !l.knownApproval(r.Approval) {
			l.error(path+"/approval", "unknown-reference", "批准方式不可识别", "unknown approval")
		}
		if r.ValidHours < 1 || r.ValidHours > maxHours {
			l.error(path+"/valid_hours", "bad-number", "有效时间须在 1 与 8760 小时之间", "a grant stands between 1 and 8760 hours")
		}
		if r.MaxFields < 0 {
			l.error(path+"/max_fields", "bad-number", "不得为负", "may not be negative")
		}
		l.ruleFields(path, r)
		l.rule2(path, r)
	}
}

func (l *linter) someCategoryHas(r *Rule, field string) bool {
	for _, id := range r.Categories {
		if l.index.Field(id, field) != nil {
			return true
		}
	}
	return false
}

// ruleFields checks a rule against the classes of the fields it opens.
func (l *linter) ruleFields(path string, r *Rule) {
	for i, id := range r.Fields {
		at := fmt.Sprintf("%s/fields/%d", path, i)
		private, secret, found := false, "", false
		for _, cat := range r.Categories {
			if f := l.index.Field(cat, id); f != nil {
				found = true
				private = private || f.everPrivate()
				if f.Class == Secret || f.PersonClass == Secret {
					secret = cat
				}
			}
		}
		if secret != "" {
			l.error(at, "secret-rule", "规则开放了不予共享的信息项（"+quote(secret)+"）", "the rule opens a secret field (of "+quote(secret)+")")
		}
		if found && !private {
			l.warn(at, "public-rule", "该信息项本已公开", "the field is public anyway")
		}
	}
	for i, id := range r.Categories {
		cat := l.index.categories[id]
		if cat == nil {
			continue
		}
		opens := false
		for _, f := range r.Fields {
			opens = opens || cat.fields[f] != nil
		}
		if !opens {
			l.warn(fmt.Sprintf("%s/categories/%d", path, i), "idle", "规则不开放该类别的任何信息项", "the rule opens no field of this category")
		}
	}
}

// everPrivate says whether the field is sealed for some kind of subject.
func (f *Field) everPrivate() bool {
	return f.Class.Private() || f.PersonClass != "" && f.PersonClass.Private()
}

// coverage finds private fields that nobody could ever open.
func (l *linter) coverage() {
	for i := range l.doc.Categories {
		c := &l.doc.Categories[i]
		opened := map[string]bool{}
		if cat := l.index.categories[c.ID]; cat != nil {
			for _, r := range cat.rules {
				for _, f := range r.Fields {
					opened[f] = true
				}
			}
		}
		for j := range c.Fields {
			f := &c.Fields[j]
			if f.everPrivate() && f.Class != Secret && f.PersonClass != Secret && !opened[f.ID] {
				l.error(fmt.Sprintf("/categories/%d/fields/%d", i, j), "no-rule",
					"非公开信息项没有授权规则："+quote(c.ID)+"."+quote(f.ID), "no rule opens the private field "+quote(c.ID)+"."+quote(f.ID))
			}
		}
	}
}

// overlaps finds pairs of rules of which one makes the other pointless, or
// grants outright what the other wants approved.
func (l *linter) overlaps() {
	for j := range l.doc.Rules {
		b := &l.doc.Rules[j]
		for i := range l.doc.Rules {
			a := &l.doc.Rules[i]
			if i == j || !l.overlap(a, b) {
				continue
			}
			path := fmt.Sprintf("/rules/%d", j)
			switch {
			case a.Approval == ApprovalNone && b.Approval != ApprovalNone:
				l.error(path, "contradiction", "规则 "+quote(a.ID)+" 对同一情形无需批准即准予", "rule "+quote(a.ID)+" grants the same case without approval")
			case i < j && l.doc.Format != Format && !agree(a, b):
				l.error(path, "contradiction", "规则 "+quote(a.ID)+" 对同一情形要求另一种批准", "rule "+quote(a.ID)+" asks for another approval of the same case")
			case a.Approval == b.Approval && covers(a, b) && (i < j || !covers(b, a)):
				l.warn(path, "unreachable", "规则已被 "+quote(a.ID)+" 完全覆盖", "rule "+quote(a.ID)+" covers it wholly")
			}
		}
	}
}

// overlap says whether some request fits both rules.
func (l *linter) overlap(a, b *Rule) bool {
	if a.Emergency != b.Emergency || len(a.Authors) > 0 && len(b.Authors) > 0 && !meet(a.Authors, b.Authors) {
		return false
	}
	if a.Basis != b.Basis || !meet(a.Purposes, b.Purposes) || !meet(a.Requesters, b.Requesters) || !meet(a.Categories, b.Categories) {
		return false
	}
	for _, id := range a.Categories {
		if cat := l.index.categories[id]; cat != nil && contains(b.Categories, id) {
			for _, f := range a.Fields {
				if cat.fields[f] != nil && contains(b.Fields, f) {
					return true
				}
			}
		}
	}
	return false
}

// covers says whether every request that fits b fits a.
func covers(a, b *Rule) bool {
	return a.Basis == b.Basis && within(b.Categories, a.Categories) && within(b.Fields, a.Fields) &&
		within(b.Purposes, a.Purposes) && within(b.Requesters, a.Requesters) &&
		(a.MaxFields == 0 || b.MaxFields != 0 && b.MaxFields <= a.MaxFields) && covers2(a, b)
}

func meet[S ~string](a, b []S) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

func within[S ~string](inner, outer []S) bool {
	for _, x := range inner {
		if !meet([]S{x}, outer) {
			return false
		}
	}
	return true
}

func (l *linter) lists() {
	seen := map[string]bool{}
	for i := range l.doc.Lists {
		list := &l.doc.Lists[i]
		path := fmt.Sprintf("/lists/%d", i)
		l.id(path, list.ID, seen)
		l.title(path, list.Title)
		switch list.Kind {
		case "red", "black", "watch":
		default:
			l.error(path+"/kind", "unknown-reference", "名单种类须为 red、black 或 watch", "the kind is red, black or watch")
		}
		l.size(path+"/subjects", len(list.Subjects), 1, 32)
		l.references(path+"/subjects", list.Subjects, subjectWord, l.knownSubject)
		l.size(path+"/nominators", len(list.Nominators), 1, 32)
		l.kinds(path+"/nominators", list.Nominators)
		if list.NoticeMillis < 0 || list.NoticeMillis > maxDays*86_400_000 {
			l.error(path+"/notice_ms", "bad-number", "公示期不合规", "the notice period is out of range")
		}
		if list.NoticeMillis == 0 && list.Kind == "black" {
			l.warn(path+"/notice_ms", "no-notice", "列入黑名单前须告知并听取陈述申辩", "a black listing without notice leaves no room for a hearing")
		}
		if list.TermDaysMin < 1 || list.TermDaysMax < list.TermDaysMin || list.TermDaysMax > maxDays {
			l.error(path+"/term_days_max", "bad-number", "列入期限不合规", "the terms are out of range")
		}
		l.grounds(path, list)
		l.measures(path, list)
		l.listTerms(path, list)
	}
}

func (l *linter) grounds(path string, list *List) {
	l.size(path+"/grounds", len(list.Grounds), 1, maxValues)
	seen := map[string]bool{}
	for i, g := range list.Grounds {
		at := fmt.Sprintf("%s/grounds/%d", path, i)
		l.id(at, g.ID, seen)
		l.title(at, g.Title)
		l.references(at+"/categories", g.Categories, categoryWord, l.knownCategory)
		for j, id := range g.Categories {
			if cat := l.index.categories[id]; cat != nil && !meet(cat.Subjects, list.Subjects) {
				l.error(fmt.Sprintf("%s/categories/%d", at, j), "foreign-subject",
					"该类别的信用主体不在名单范围内", "the category is about subjects this list does not take")
			}
		}
	}
}

func (l *linter) measures(path string, list *List) {
	l.size(path+"/measures", len(list.Measures), 0, maxValues)
	seen := map[string]bool{}
	for i, m := range list.Measures {
		at := fmt.Sprintf("%s/measures/%d", path, i)
		l.id(at, m.ID, seen)
		l.title(at, m.Title)
		l.kinds(at+"/actors", m.Actors)
	}
}
