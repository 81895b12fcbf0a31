package catalogue

import (
	"bytes"
	"slices"
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
		d.ways(Opened, e.Rows, before.WhoSees(e.Category, e.Field), "新增可见", "may newly be seen")
	}
	for _, e := range before.Table() {
		d.ways(Closed, e.Rows, after.WhoSees(e.Category, e.Field), "不再可见", "may no longer be seen")
	}
}

func (d *differ) ways(kind string, rows, others []Access, zh, en string) {
	known := make(map[way]bool, len(others))
	for _, o := range others {
		if o.Requester == "" && o.Only == "" {
			return // what anyone sees there, nobody sees more or less of here
		}
		known[o.way()] = true
	}
	for _, r := range rows {
		if w := r.way(); known[w] {
			continue
		} else {
			known[w] = true
		}
		path := "categories/" + r.Category + "/fields/" + r.Field
		if r.Requester == "" {
			d.add(kind, path, zh+"：公众", en+" by the public")
			continue
		}
		title, asks := KindTitle(r.Requester), exchange.Text{}
		if r.Approval == ApprovalAuthor {
			asks = exchange.Text{Zh: "，须作者单位批准", En: ", once its author approves"}
		}
		d.add(kind, path, zh+"："+title.Zh+"，用途 "+r.Purpose+"，依据 "+r.Basis+asks.Zh,
			en+" by: "+title.En+", for "+r.Purpose+", on "+r.Basis+asks.En)
	}
}
