package catalogue

import (
	"fmt"
	"strconv"

	"accord/exchange"
)

// Severity says whether a finding makes a document unusable.
type Severity string

// The two severities.
const (
	SeverityError   Severity = "error"   // Parse refuses the document
	SeverityWarning Severity = "warning" // usable, but somebody should look
)

// Finding is one thing lint has to say about a document.
type Finding struct {
	Severity Severity      `json:"severity"`
	Code     string        `json:"code"` // stable word, for example "duplicate-id"
	Path     string        `json:"path"` // JSON pointer into the document
	Text     exchange.Text `json:"text"`
}

// String is the finding on one line, in English.
func (f Finding) String() string {
	return string(f.Severity) + " " + f.Path + ": " + f.Code + ": " + f.Text.En
}

// Bounds of a document; they keep decisions and lint cheap.
const (
	maxCategories = 256
	maxFields     = 64
	maxRules      = 1024
	maxLists      = 32
	maxValues     = 512
	maxHours      = 8760
	maxDays       = 36600
)

// Lint says everything that is wrong or doubtful in a document, in the order
// of the document. The document's own checks are run when nothing else is
// wrong.
func Lint(doc *Document) []Finding {
	l := &linter{doc: doc, index: New(doc)}
	l.head()
	l.subjects()
	l.categories()
	l.purposes()
	l.rules()
	l.coverage()
	l.overlaps()
	l.lists()
	l.terms()
	if !l.failed {
		l.checks()
	}
	return l.findings
}

// Validate refuses a document with error findings.
func Validate(doc *Document) error {
	var first *Finding
	count := 0
	for _, f := range Lint(doc) {
		if f.Severity == SeverityError {
			count++
			if first == nil {
				first = &f
			}
		}
	}
	if first == nil {
		return nil
	}
	return ErrUnusable.With("count", count, "first", first.Path+" "+first.Code).At(first.Path)
}

// linter collects findings over one document.
type linter struct {
	doc      *Document
	index    *Catalogue
	findings []Finding
	failed   bool
}

func (l *linter) error(path, code, zh, en string) {
	l.failed = true
	l.findings = append(l.findings, Finding{SeverityError, code, path, exchange.Text{Zh: zh, En: en}})
}

func (l *linter) warn(path, code, zh, en string) {
	l.findings = append(l.findings, Finding{SeverityWarning, code, path, exchange.Text{Zh: zh, En: en}})
}

func (l *linter) head() {
	d := l.doc
	if d.Format != Format && d.Format != Format2 {
		l.error("/format", "format", "格式须为 "+Format+" 或 "+Format2, "the format must be "+Format+" or "+Format2)
	}
	if !exchange.ValidName(d.ID) {
		l.error("/id", "bad-id", "目录编号不合规", "the document id is no valid name")
	}
	if d.Version < 1 || d.Version > 1<<30 {
		l.error("/version", "bad-number", "版本号须从 1 起", "the version starts at 1")
	}
	l.title("", d.Title)
	if d.Source == "" {
		l.warn("/source", "no-source", "未写明依据", "no source is named")
	}
	l.size("/subjects", len(d.Subjects), 1, 32)
	l.size("/categories", len(d.Categories), 1, maxCategories)
	l.size("/purposes", len(d.Purposes), 0, maxValues)
	l.size("/rules", len(d.Rules), 0, maxRules)
	l.size("/lists", len(d.Lists), 0, maxLists)
	l.size("/checks", len(d.Checks), 0, maxRules)
	l.limit("name_characters", d.Limits.NameCharacters, 1000)
	l.limit("text_characters", d.Limits.TextCharacters, 100_000)
	l.limit("entries_per_statement", d.Limits.EntriesPerList, 10_000)
	l.limit("fields_per_request", d.Limits.FieldsPerAsk, maxFields)
	if d.Limits.MoneyFlagFen < 0 {
		l.error("/limits/money_flag_fen", "bad-number", "金额阈值不得为负", "the amount may not be negative")
	}
}

func (l *linter) limit(name string, value, most int) {
	if value < 1 || value > most {
		l.error("/limits/"+name, "bad-number", "须在 1 与 "+strconv.Itoa(most)+" 之间", "must lie between 1 and "+strconv.Itoa(most))
	}
}

func (l *linter) size(path string, n, least, most int) {
	if n < least {
		l.error(path, "empty", "不得为空", "may not be empty")
	}
	if n > most {
		l.error(path, "too-many", "超过上限 "+strconv.Itoa(most), "more than "+strconv.Itoa(most))
	}
}

// id checks one id of a table and that it stands there once.
func (l *linter) id(path, id string, seen map[string]bool) {
	if !exchange.ValidName(id) {
		l.error(path+"/id", "bad-id", "编号不合规", "the id is no valid name")
	}
	if seen[id] {
		l.error(path+"/id", "duplicate-id", "编号重复："+quote(id), "id given twice: "+quote(id))
	}
	seen[id] = true
}

func (l *linter) title(path string, t exchange.Text) {
	if t.Zh == "" || t.En == "" {
		l.error(path+"/title", "no-title", "须有中文和英文名称", "a Chinese and an English title are required")
	}
}

// references checks that each id of a list is known and stands there once.
func (l *linter) references(path string, ids []string, what exchange.Text, known func(string) bool) {
	for i, id := range ids {
		at := fmt.Sprintf("%s/%d", path, i)
		if !known(id) {
			l.error(at, "unknown-reference", "未定义的"+what.Zh+"："+quote(id), "unknown "+what.En+": "+quote(id))
		}
		if contains(ids[:i], id) {
			l.error(at, "duplicate-reference", what.Zh+"重复："+quote(id), what.En+" named twice: "+quote(id))
		}
	}
}

func (l *linter) kinds(path string, kinds []exchange.MemberKind) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	l.references(path, names, exchange.Text{Zh: "成员类型", En: "member kind"},
		func(id string) bool { return exchange.MemberKind(id).Known() })
}

func (l *linter) knownSubject(id string) bool  { return l.index.subjects[id] != nil }
func (l *linter) knownCategory(id string) bool { return l.index.categories[id] != nil }
func (l *linter) knownPurpose(id string) bool  { return l.index.purposes[id] != nil }

var (
	subjectWord  = exchange.Text{Zh: "信用主体", En: "subject kind"}
	categoryWord = exchange.Text{Zh: "类别", En: "category"}
	purposeWord  = exchange.Text{Zh: "用途", En: "purpose"}
	fieldWord    = exchange.Text{Zh: "信息项", En: "field"}
)

func (l *linter) subjects() {
	seen := map[string]bool{}
	for i, s := range l.doc.Subjects {
		path := fmt.Sprintf("/subjects/%d", i)
		l.id(path, s.ID, seen)
		l.title(path, s.Title)
		switch s.Namespace {
		case exchange.SubjectOrg, exchange.SubjectPerson, exchange.SubjectName:
		default:
			l.error(path+"/namespace", "unknown-reference", "命名空间不可识别", "unknown namespace")
		}
	}
}

func (l *linter) purposes() {
	used := map[string]bool{}
	for _, r := range l.doc.Rules {
		for _, p := range r.Purposes {
			used[p] = true
		}
	}
	seen := map[string]bool{}
	for i, p := range l.doc.Purposes {
		path := fmt.Sprintf("/purposes/%d", i)
		l.id(path, p.ID, seen)
		l.title(path, p.Title)
		if !used[p.ID] {
			l.warn(path, "unused", "没有规则使用该用途", "no rule uses this purpose")
		}
	}
}

// checks runs the document's own cases.
func (l *linter) checks() {
	for i, result := range l.index.RunChecks() {
		if !result.OK() {
			l.error(fmt.Sprintf("/checks/%d", i), "check-failed",
				"目录自带案例的结果不符："+result.Got.Why.Zh, "the document's own case has another outcome: "+result.Got.Why.En)
		}
	}
}
