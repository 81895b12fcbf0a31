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
