package catalogue

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"accord/exchange"
)

// admit checks what a request says by itself, before any rule is looked at.
// It gives the category, or the refusal.
func (c *Catalogue) admit(r *Request) (*category, *Decision) {
	if !r.Requester.Known() {
		return nil, c.refuse(ClauseRequester,
			both("请求方类型 ", "the kind of member asking, ", quote(string(r.Requester)), " 不在章程中", ", is not known"),
			exchange.Text{Zh: "请以章程所列成员类型提出", En: "ask as a member of a kind that the charter knows"})
	}
	cat := c.categories[r.Category]
	if cat == nil {
		return nil, c.refuse(ClauseCategory,
			both("目录中没有类别 ", "the catalogue has no category ", quote(r.Category), "", ""),
			exchange.Text{Zh: "请使用目录所列类别", En: "name a category of this catalogue"})
	}
	if r.Author != "" && !containsKind(cat.Authors, r.Author) {
		return nil, c.refuse(ClauseCategory,
			both("成员类型 ", "a member of kind ", quote(string(r.Author)), " 无权记录类别 "+cat.ID, " may not author category "+cat.ID),
			exchange.Text{Zh: "请核对记录的作者", En: "check whose record it is"})
	}
	if r.SubjectKind != "" && !contains(cat.Subjects, r.SubjectKind) {
		return nil, c.refuse(ClauseCategory,
			both("类别 "+cat.ID+" 不适用于信用主体 ", "category "+cat.ID+" does not apply to subject kind ", quote(r.SubjectKind), "", ""),
			exchange.Text{Zh: "请核对信用主体类型", En: "check the kind of subject"})
	}
	if c.purposes[r.Purpose] == nil {
		return nil, c.refuse(ClausePurpose,
			both("目录中没有用途 ", "the catalogue has no purpose ", quote(r.Purpose), "", ""),
			exchange.Text{Zh: "请使用目录所列用途", En: "name a purpose of this catalogue"})
	}
	if refusal := c.admitBasis(r); refusal != nil {
		return nil, refusal
	}
	if refusal := c.admitFields(cat, r); refusal != nil {
		return nil, refusal
	}
	return cat, nil
}

func (c *Catalogue) admitBasis(r *Request) *Decision {
	if _, known := basisTitle(r.BasisKind); !known {
		return c.refuse(ClauseBasis,
			both("依据种类 ", "basis kind ", quote(r.BasisKind), " 不可识别", " is not known"),
			exchange.Text{Zh: "依据种类须为 case（案件）、decision（决定文书）、consent（主体同意）或 statute（法定职责）",
				En: "the basis is a case, a decision, a consent or a statute"})
	}
	if !validBasisRef(r.BasisRef) {
		return c.refuse(ClauseBasis,
			exchange.Text{Zh: "依据文号缺失或格式不正确", En: "the reference of the basis is missing or malformed"},
			exchange.Text{Zh: "请填写案号、文号或条款，不超过" + strconv.Itoa(MaxBasisRef) + "字节，不含控制字符",
				En: "give the case, document or article number: at most " + strconv.Itoa(MaxBasisRef) + " bytes, no control characters"})
	}
	return nil
}

func (c *Catalogue) admitFields(cat *category, r *Request) *Decision {
	if len(r.Fields) == 0 {
		return c.refuse(ClauseField, exchange.Text{Zh: "没有写明要开放的信息项", En: "no field is asked for"},
			exchange.Text{Zh: "请写明至少一个信息项", En: "name at least one field"})
	}
	if max := c.doc.Limits.FieldsPerAsk; len(r.Fields) > max {
		return c.refuse(ClauseLimit,
			exchange.Text{Zh: "一次请求的信息项超过上限 " + strconv.Itoa(max), En: "more than " + strconv.Itoa(max) + " fields are asked for at once"},
			exchange.Text{Zh: "请分次请求", En: "ask in several requests"})
	}
	for i, id := range r.Fields {
		f := cat.fields[id]
		switch {
		case f == nil:
			return c.refuse(ClauseField,
				both("类别 "+cat.ID+" 没有信息项 ", "category "+cat.ID+" has no field ", quote(id), "", ""),
				exchange.Text{Zh: "请使用目录所列信息项", En: "name fields of this category"})
		case contains(r.Fields[:i], id):
			return c.refuse(ClauseField,
				both("信息项 ", "field ", quote(id), " 重复", " is asked for twice"),
				exchange.Text{Zh: "每个信息项只写一次", En: "name each field once"})
		}
		switch c.classOf(f, r.SubjectKind) {
		case Public:
			return c.refuse(ClauseClass,
				both("信息项 ", "field ", id, " 属性为公开，无需授权", " is public and needs no release"),
				exchange.Text{Zh: "请直接查阅记录，只对非公开信息项提出请求", En: "read it in the record; ask only for sealed fields"})
		case Shared, Restricted:
		default:
			return c.refuse(ClauseClass,
				both("信息项 ", "field ", id, " 属性为不予共享", " is secret and is never released"),
				exchange.Text{Zh: "目录不允许任何单位开放该信息项", En: "no rule of this catalogue can open it"})
		}
	}
	return nil
}

// validBasisRef is a bounded, visible reference. It uses no Unicode tables, so
// the answer cannot change with a Go release.
func validBasisRef(ref string) bool {
	if len(ref) > MaxBasisRef || !utf8.ValidString(ref) || strings.Trim(ref, " ") == "" {
		return false
	}
	for i := 0; i < len(ref); i++ {
		if ref[i] < 0x20 || ref[i] == 0x7f {
			return false
		}
	}
	return true
}

// quote shows a name given in a request; what is no name is not repeated.
func quote(name string) string {
	if !exchange.ValidName(name) {
		return "?"
	}
	return name
}

func both(zhHead, enHead, name, zhTail, enTail string) exchange.Text {
	return exchange.Text{Zh: zhHead + name + zhTail, En: enHead + name + enTail}
}

func (c *Catalogue) refuse(clause string, why, need exchange.Text) *Decision {
	return &Decision{Outcome: Refused, Catalogue: c.doc.ID, Version: c.doc.Version, Clause: clause, Why: why, Need: need}
}
