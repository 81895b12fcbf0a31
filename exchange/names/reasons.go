package names

import "accord/exchange"

// Word names the level for machines.
func (l Level) Word() string {
	switch l {
	case Exact:
		return "exact"
	case Alias:
		return "alias"
	case Near:
		return "near"
	}
	return "apart"
}

// Text says the level to people.
func (l Level) Text() exchange.Text {
	switch l {
	case Exact:
		return exchange.Text{Zh: "同名", En: "the same name"}
	case Alias:
		return exchange.Text{Zh: "别名", En: "another name of it"}
	case Near:
		return exchange.Text{Zh: "近似，须人工核对", En: "a name like it, for a person to judge"}
	}
	return exchange.Text{Zh: "不同", En: "another name"}
}

// Text says the reason to people.
func (r Reason) Text() exchange.Text {
	switch r {
	case Identical:
		return exchange.Text{Zh: "逐字相同", En: "character by character"}
	case Writing:
		return exchange.Text{Zh: "仅写法不同（全半角、间隔号、括号、大小写、繁简）", En: "only written otherwise (width, dots, brackets, case, traditional characters)"}
	case Former:
		return exchange.Text{Zh: "该主体使用或曾用的另一名称", En: "the subject bears or bore this name too"}
	case LegalForm:
		return exchange.Text{Zh: "仅组织形式不同（有限公司等）", En: "the same but for the legal form"}
	case Sounds:
		return exchange.Text{Zh: "读音相同", En: "other characters, the same sounds"}
	case Contains:
		return exchange.Text{Zh: "名称中含有所查文字", En: "what was asked for stands in the name"}
	case Similar:
		return exchange.Text{Zh: "个别字不同", En: "few characters differ"}
	}
	return exchange.Text{}
}
