package catalogue

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// Change is one difference between two catalogues, for those who vote on it.
type Change struct {
	Kind string        `json:"kind"` // "added", "removed", "changed", "opened", "closed"
	Path string        `json:"path"` // ids, for example "categories/violation/fields/facts"
	Text exchange.Text `json:"text"`
}

// The kinds of change. Opened and closed are about access: a request that the
// old document refused and the new one does not, and the reverse.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	Opened  = "opened"
	Closed  = "closed"
)

// Diff says what is different in a new document: first who could see more or
// less than before, then the parts that were added, removed and changed. Parts
// are compared by id; their order in the document does not count, except that
// of rules, which decides nothing but which refusal is explained.
func Diff(before, after *Document) []Change {
	d := &differ{}
	d.access(New(before), New(after))
	d.disclosures(before, after)
	d.part("", part{"title", before.Title}, part{"title", after.Title})
	d.part("", part{"source", before.Source}, part{"source", after.Source})
	d.part("", part{"limits", before.Limits}, part{"limits", after.Limits})
	d.part("", part{"checks", before.Checks}, part{"checks", after.Checks})
	d.parts("subjects/", parts(before.Subjects, func(s *SubjectKind) string { return s.ID }), parts(after.Subjects, func(s *SubjectKind) string { return s.ID }))
	d.categories(before, after)
	d.parts("purposes/", parts(before.Purposes, func(p *Purpose) string { return p.ID }), parts(after.Purposes, func(p *Purpose) string { return p.ID }))
	d.parts("rules/", parts(before.Rules, func(r *Rule) string { return r.ID }), parts(after.Rules, func(r *Rule) string { return r.ID }))
	d.parts("lists/", parts(before.Lists, func(l *List) string { return l.ID }), parts(after.Lists, func(l *List) string { return l.ID }))
	d.part("", part{"calendar", before.Calendar}, part{"calendar", after.Calendar})
	d.parts("severities/", parts(before.Severities, func(s *SeverityClass) string { return s.ID }), parts(after.Severities, func(s *SeverityClass) string { return s.ID }))
	d.parts("deadlines/", parts(before.Deadlines, func(l *Deadline) string { return l.ID }), parts(after.Deadlines, func(l *Deadline) string { return l.ID }))
	d.part("", part{"evaluation", before.Evaluation}, part{"evaluation", after.Evaluation})
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(kind, path string, zh, en string) {
	d.changes = append(d.changes, Change{Kind: kind, Path: path, Text: exchange.Text{Zh: zh, En: en}})
}

// part is anything with an id, compared by its JSON form.
type part struct {
	id    string
	value any
}

func parts[T any](list []T, id func(*T) string) []part {
	all := make([]part, len(list))
	for i := range list {
		all[i] = part{id(&list[i]), &list[i]}
	}
	return all
}

func find(list []part, id string) *part {
	for i := range list {
		if list[i].id == id {
			return &list[i]
		}
	}
	return nil
}

func (d *differ) part(prefix string, before, after part) {
	a, errA := strictjson.Marshal(before.value)
	b, errB := strictjson.Marshal(after.value)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		d.add(Changed, prefix+before.id, "有改动", "changed")
	}
}

func (d *differ) parts(prefix string, before, after []part) {
	for _, old := range before {
		if now := find(after, old.id); now != nil {
			d.part(prefix, old, *now)
		} else {
			d.add(Removed, prefix+old.id, "删除", "removed")
		}
	}
	for _, now := range after {
		if find(before, now.id) == nil {
			d.add(Added, prefix+now.id, "新增", "added")
		}
	}
}

// categories compares heads and fields apart, so that a changed field is named
// by itself.
func (d *differ) categories(before, after *Document) {
	head := func(doc *Document) []part {
		all := make([]part, len(doc.Categories))
		for i := range doc.Categories {
			bare := doc.Categories[i]
			bare.Fields = nil
			all[i] = part{bare.ID, &bare}
		}
		return all
	}
	d.parts("categories/", head(before), head(after))
	id := func(f *Field) string { return f.ID }
	was := New(before)
	for i := range after.Categories {
		now := &after.Categories[i]
		if old := was.Category(now.ID); old != nil {
			d.parts("categories/"+now.ID+"/fields/", parts(old.Fields, id), parts(now.Fields, id))
		}
	}
}

// way is what makes two rows of access the same: the rule's name does not.
type way struct {
	only           string
	requester      exchange.MemberKind
	purpose, basis string
	approval       Approval
	persons        int
	approvers      string
	authors        string
	bulk           Bulk
	emergency      bool
}

func (a *Access) way() way {
	w := way{only: a.Only, requester: a.Requester, purpose: a.Purpose, basis: a.Basis, approval: a.Approval,
		persons: a.Persons, approvers: joined(a.Approvers), authors: joined(a.Authors), emergency: a.Emergency}
	if a.Bulk != nil {
		w.bulk = *a.Bulk
	}
	return w
}

// joined is a set of kinds as one word.
func joined(kinds []exchange.MemberKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// access compares, field by field, who can see it.
func (d *differ) access(before, after *Catalogue) {
	for _, e := range after.Table() {
		d.ways(Opened, after, e, before.WhoSees(e.Category, e.Field), exchange.Text{Zh: "今后可见", En: "will see"})
	}
	for _, e := range before.Table() {
		d.ways(Closed, before, e, after.WhoSees(e.Category, e.Field), exchange.Text{Zh: "今后不可见", En: "will no longer see"})
	}
}

// ways says in words who gains or loses sight of a field, and under what terms.
func (d *differ) ways(kind string, c *Catalogue, e Explanation, others []Access, verb exchange.Text) {
	known := make(map[way]bool, len(others))
	for _, o := range others {
		if o.Requester == "" && o.Only == "" {
			return // what anyone sees there, nobody sees more or less of here
		}
		known[o.way()] = true
	}
	cat := c.Category(e.Category)
	for _, r := range e.Rows {
		w := r.way()
		if known[w] {
			continue
		}
		known[w] = true
		who := exchange.Text{Zh: "公众", En: "the public"}
		if r.Requester != "" {
			who = KindTitle(r.Requester)
		}
		terms := c.terms(&r)
		d.add(kind, "categories/"+r.Category+"/fields/"+r.Field,
			who.Zh+verb.Zh+"“"+cat.Title.Zh+"”的“"+e.Title.Zh+"”"+terms.Zh, who.En+" "+verb.En+" "+e.Title.En+" of "+cat.Title.En+terms.En)
	}
}

// terms are the conditions of a way to see a field, in words; empty where there are
// none.
func (c *Catalogue) terms(a *Access) exchange.Text {
	var zh, en []string
	say := func(z, e string) { zh, en = append(zh, z), append(en, e) }
	switch a.Only {
	case exchange.SubjectOrg:
		say("限机构的记录", "in records on organisations")
	case exchange.SubjectPerson:
		say("限自然人的记录", "in records on natural persons")
	}
	if a.Requester != "" {
		purpose := c.purposeTitle(a.Purpose)
		basis, _ := basisTitle(a.Basis)
		say("用途："+purpose.Zh, "for "+purpose.En)
		say("依据："+basis.Zh, "on "+basis.En)
		if a.Approval == ApprovalNone {
			say("无需批准", "without approval")
		} else {
			need := ApprovalNeed(a.Approval, a.Persons, a.Approvers)
			say(need.Zh, need.En)
		}
	}
	if len(a.Authors) > 0 {
		kinds := kindsTitle(a.Authors)
		say("记录的作者单位为："+kinds.Zh, "of authors: "+kinds.En)
	}
	if a.Bulk != nil {
		records, persons := strconv.Itoa(a.Bulk.Records), strconv.Itoa(max(a.Bulk.Persons, a.Persons))
		say("一次至多 "+records+" 条，多于一条须 "+persons+" 人批准", "up to "+records+" records at once, more than one approved by "+persons+" persons")
	}
	if a.Emergency {
		say("紧急调用，事后 "+strconv.Itoa(a.JustifyDays)+" 个工作日内说明", "in an emergency, justified within "+strconv.Itoa(a.JustifyDays)+" working days")
	}
	if len(zh) == 0 {
		return exchange.Text{}
	}
	return exchange.Text{Zh: "（" + strings.Join(zh, "；") + "）", En: " (" + strings.Join(en, "; ") + ")"}
}
