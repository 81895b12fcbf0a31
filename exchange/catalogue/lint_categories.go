package catalogue

import (
	"fmt"

	"accord/exchange"
)

// reserved are the claim names that a record's signed part uses itself; a
// field of that name could stand in for one of them.
var reserved = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "vct", "cnf", "typ", "alg", "kid",
	"status", "nonce", "sd_hash", "_sd", "_sd_alg", "...", "fed", "cat", "cat_digest", "public", "catalogue",
	"category", "federation", "operator", "subject_kind", "record", "replaces", "retracts", "reason", "source", "trust", "flags", "list", "entry"}

// Reserved says whether a name cannot be a field's id because the signed
// record uses it for itself.
func Reserved(name string) bool { return contains(reserved, name) }

func (l *linter) categories() {
	seen := map[string]bool{}
	for i := range l.doc.Categories {
		c := &l.doc.Categories[i]
		path := fmt.Sprintf("/categories/%d", i)
		l.id(path, c.ID, seen)
		l.title(path, c.Title)
		if c.Source == "" {
			l.warn(path+"/source", "no-source", "未写明依据条款", "no clause is named")
		}
		l.size(path+"/subjects", len(c.Subjects), 1, 32)
		l.references(path+"/subjects", c.Subjects, subjectWord, l.knownSubject)
		l.size(path+"/authors", len(c.Authors), 1, 32)
		l.kinds(path+"/authors", c.Authors)
		l.size(path+"/fields", len(c.Fields), 1, maxFields)
		l.fields(path, c)
		l.key(path, c)
		l.retention(path, c)
		l.custody(path+"/custody", c)
		l.categoryTerms(path, c)
	}
}

func (l *linter) aboutPersons(c *Category) bool {
	for _, id := range c.Subjects {
		if s := l.index.subjects[id]; s != nil && s.Namespace == exchange.SubjectPerson {
			return true
		}
	}
	return false
}

// key checks what identifies a source row: imports rely on it to be repeatable.
func (l *linter) key(path string, c *Category) {
	if len(c.Key) == 0 {
		l.error(path+"/key", "no-key", "类别没有主键", "the category has no key")
		return
	}
	l.references(path+"/key", c.Key, fieldWord, func(id string) bool { return c.field(id) != nil })
	for _, id := range c.Key {
		if f := c.field(id); f != nil && f.Required {
			return
		}
	}
	l.warn(path+"/key", "optional-key", "主键没有必填项，可能全部为空", "no key field is required; all of them could be empty")
}

func (l *linter) retention(path string, c *Category) {
	if c.RetentionDays < 0 || c.RetentionDays > maxDays {
		l.error(path+"/retention_days", "bad-number", "保存期不合规", "the retention is out of range")
	}
	if c.EventField != "" {
		f := c.field(c.EventField)
		if f == nil || !f.Type.dated() {
			l.error(path+"/event_field", "unknown-reference", "事件日期须为本类别的日期项", "the event field must be a date of the category")
		}
	}
	if c.RetentionDays > 0 && c.EventField == "" {
		l.error(path+"/event_field", "no-event-date", "有保存期而没有起算日期", "a retention needs the date it counts from")
	}
	if c.Adverse && c.RetentionDays == 0 && l.aboutPersons(c) {
		l.warn(path+"/retention_days", "adverse-forever", "个人不良信息没有保存期限（《征信业管理条例》第十六条为五年）",
			"adverse information on persons is kept without limit")
	}
}

func (l *linter) fields(path string, c *Category) {
	seen := map[string]bool{}
	for i := range c.Fields {
		f := &c.Fields[i]
		at := fmt.Sprintf("%s/fields/%d", path, i)
		l.id(at, f.ID, seen)
		l.title(at, f.Title)
		if Reserved(f.ID) {
			l.error(at+"/id", "reserved-id", "该名称由签名记录自用："+quote(f.ID), "the signed record uses this name itself: "+quote(f.ID))
		}
		if !f.Type.known() {
			l.error(at+"/type", "unknown-type", "类型不可识别", "unknown type")
		}
		l.class(at, c, f)
		l.typeMembers(at, c, f)
		l.references(at+"/required_for", f.RequiredFor, subjectWord, func(id string) bool { return contains(c.Subjects, id) })
	}
}

// class checks a field's class, above all that nothing personal is public.
func (l *linter) class(at string, c *Category, f *Field) {
	if !f.Class.known() {
		l.error(at+"/class", "unknown-class", "属性不可识别", "unknown class")
	}
	persons := l.aboutPersons(c)
	if f.PersonClass != "" {
		switch {
		case !f.PersonClass.known():
			l.error(at+"/person_class", "unknown-class", "属性不可识别", "unknown class")
		case f.PersonClass.rank() <= f.Class.rank():
			l.error(at+"/person_class", "person-class", "对自然人的属性须更严", "the class for persons must be the stricter one")
		case !persons:
			l.warn(at+"/person_class", "person-class", "本类别没有自然人主体", "the category has no natural persons")
		}
	}
	personal := false
	switch f.Type {
	case TypeResidentID, TypeIDNumber, TypePhone:
		personal = f.Class == Public
	case TypeName:
		l.names(at, f)
		personal = f.Class == Public && (f.Names == NamesPerson || f.Names == NamesSubject && persons && f.PersonClass == "")
	}
	if personal {
		l.error(at+"/class", "personal-public", "个人信息不得公开", "a personal field may not be public")
	}
}

func (l *linter) names(at string, f *Field) {
	switch f.Names {
	case NamesSubject, NamesPerson, NamesOrganisation:
	case "":
		if f.Class == Public {
			l.warn(at+"/names", "whose-name", "公开的名称未写明是谁的名称", "a public name does not say whose it is")
		}
	default:
		l.error(at+"/names", "unknown-reference", "名称归属不可识别", "unknown owner of the name")
	}
}

// typeMembers checks the members that only some types have.
func (l *linter) typeMembers(at string, c *Category, f *Field) {
	coded := f.Type == TypeCode || f.Type == TypeCodes
	if coded != (len(f.Values) > 0) {
		l.error(at+"/values", "values", "代码项须有且只有代码项才有取值表", "exactly the coded fields have a table of values")
	}
	l.values(at, f)
	if f.Names != "" && f.Type != TypeName {
		l.error(at+"/names", "misplaced", "只有名称项可写明归属", "only a name says whose it is")
	}
	if (f.KindField != "") != (f.Type == TypeIDNumber) {
		l.error(at+"/kind_field", "kind-field", "证件号码项须有且只有它才有证件种类项", "exactly the id numbers name the field with their kind")
	}
	if f.KindField != "" {
		if kind := c.field(f.KindField); kind == nil || kind.Type != TypeText && kind.Type != TypeCode {
			l.error(at+"/kind_field", "unknown-reference", "证件种类须为本类别的文字或代码项", "the kind must be a text or code field of the category")
		}
	}
	if (f.Past || f.NotBefore != "") && !f.Type.dated() {
		l.error(at, "misplaced", "只有日期项可限定先后", "only a date can be bounded")
	}
	if f.NotBefore != "" {
		if other := c.field(f.NotBefore); other == nil || !other.Type.dated() {
			l.error(at+"/not_before", "unknown-reference", "须为本类别的日期项", "must be a date field of the category")
		} else if c.circular(f) {
			l.error(at+"/not_before", "circular", "日期先后互相循环", "the dates bound each other in a circle")
		}
	}
}

func (l *linter) values(at string, f *Field) {
	l.size(at+"/values", len(f.Values), 0, maxValues)
	seen, words := map[string]bool{}, map[string]bool{}
	for i, v := range f.Values {
		path := fmt.Sprintf("%s/values/%d", at, i)
		l.id(path, v.ID, seen)
		l.title(path, v.Title)
		if words[v.Title.Zh] {
			l.error(path+"/title/zh", "duplicate-id", "取值名称重复", "two values have one Chinese word")
		}
		words[v.Title.Zh] = true
	}
}

// field finds a field by id, nil when there is none.
func (c *Category) field(id string) *Field {
	for i := range c.Fields {
		if c.Fields[i].ID == id {
			return &c.Fields[i]
		}
	}
	return nil
}

// circular says whether following not_before from f never ends.
func (c *Category) circular(f *Field) bool {
	for range c.Fields {
		if f = c.field(f.NotBefore); f == nil || f.NotBefore == "" {
			return false
		}
	}
	return true
}

func (t Type) dated() bool { return t == TypeDate || t == TypeTime }

func (t Type) known() bool {
	switch t {
	case TypeText, TypeName, TypeCode, TypeCodes, TypeTexts, TypeUSCC, TypeResidentID, TypeIDNumber, TypeLicence,
		TypeDate, TypeTime, TypeMoney, TypeCount, TypePhone, TypeURL, TypeBool, TypeArea:
		return true
	}
	return false
}

func (c Class) known() bool {
	switch c {
	case Public, Shared, Restricted, Secret:
		return true
	}
	return false
}
