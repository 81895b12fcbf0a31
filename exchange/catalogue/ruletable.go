package catalogue

import (
	"strconv"
	"strings"

	"accord/exchange"
)

// ErrRuleTable is a table of rules that cannot be read back.
var ErrRuleTable = exchange.Define(exchange.KindInvalid, "CAT-007",
	exchange.Text{Zh: "规则表第 {row} 行 {column} 列无法读取", En: "row {row}, column {column} of the rule table cannot be read"},
	exchange.Text{Zh: "列与导出的表相同；编号用分号隔开，数字写整数，是否写 yes 或留空", En: "keep the columns of an exported table; separate ids by semicolons, write whole numbers, and yes or nothing"})

const ruleSplit = ";"

// ruleColumn is one column of the rule table: its id, its Chinese title, and how a
// rule's cell is written and read. A read that fails says so.
type ruleColumn struct {
	id, title string
	write     func(*Rule) string
	read      func(*Rule, string) bool
}

var ruleColumns = []ruleColumn{
	textColumn("id", "规则", func(r *Rule) *string { return &r.ID }),
	textColumn("title_zh", "名称", func(r *Rule) *string { return &r.Title.Zh }),
	textColumn("title_en", "英文名称", func(r *Rule) *string { return &r.Title.En }),
	listColumn("categories", "类别", func(r *Rule) *[]string { return &r.Categories }),
	listColumn("fields", "信息项", func(r *Rule) *[]string { return &r.Fields }),
	listColumn("requesters", "请求方", func(r *Rule) *[]exchange.MemberKind { return &r.Requesters }),
	listColumn("purposes", "用途", func(r *Rule) *[]string { return &r.Purposes }),
	textColumn("basis", "依据", func(r *Rule) *string { return &r.Basis }),
	{"approval", "批准", func(r *Rule) string { return string(r.Approval) }, func(r *Rule, s string) bool { r.Approval = Approval(s); return true }},
	numberColumn("valid_hours", "有效小时", func(r *Rule) *int { return &r.ValidHours }),
	numberColumn("max_fields", "一次最多项数", func(r *Rule) *int { return &r.MaxFields }),
	textColumn("source", "出处", func(r *Rule) *string { return &r.Source }),
	listColumn("authors", "限于作者", func(r *Rule) *[]exchange.MemberKind { return &r.Authors }),
	numberColumn("persons", "批准人数", func(r *Rule) *int { return &r.Persons }),
	listColumn("approvers", "批准人所属", func(r *Rule) *[]exchange.MemberKind { return &r.Approvers }),
	numberColumn("approval_hours", "批准小时", func(r *Rule) *int { return &r.ApprovalHours }),
	numberColumn("per_operator_day", "每人每日次数", func(r *Rule) *int { return &r.PerOperatorDay }),
	bulkColumn("bulk_records", "批量记录数", func(b *Bulk) *int { return &b.Records }),
	bulkColumn("bulk_persons", "批量批准人数", func(b *Bulk) *int { return &b.Persons }),
	{"emergency", "紧急调用", func(r *Rule) string {
		if r.Emergency {
			return "yes"
		}
		return ""
	}, func(r *Rule, s string) bool { r.Emergency = s == "yes"; return s == "" || r.Emergency }},
	numberColumn("justify_days", "说明工作日", func(r *Rule) *int { return &r.JustifyDays }),
}

func textColumn(id, title string, at func(*Rule) *string) ruleColumn {
	return ruleColumn{id, title, func(r *Rule) string { return *at(r) }, func(r *Rule, s string) bool { *at(r) = s; return true }}
}

func listColumn[S ~string](id, title string, at func(*Rule) *[]S) ruleColumn {
	return ruleColumn{id, title, func(r *Rule) string {
		words := make([]string, len(*at(r)))
		for i, s := range *at(r) {
			words[i] = string(s)
		}
		return strings.Join(words, ruleSplit+" ")
	}, func(r *Rule, s string) bool {
		for word := range strings.SplitSeq(s, ruleSplit) {
			if word = strings.TrimSpace(word); word != "" {
				*at(r) = append(*at(r), S(word))
			}
		}
		return true
	}}
}

func numberColumn(id, title string, at func(*Rule) *int) ruleColumn {
	return ruleColumn{id, title, func(r *Rule) string { return number(*at(r)) },
		func(r *Rule, s string) (ok bool) { *at(r), ok = readNumber(s); return ok }}
}

func bulkColumn(id, title string, at func(*Bulk) *int) ruleColumn {
	return ruleColumn{id, title, func(r *Rule) string {
		if r.Bulk == nil {
			return ""
		}
		return strconv.Itoa(*at(r.Bulk))
	}, func(r *Rule, s string) bool {
		n, ok := readNumber(s)
		if ok && s != "" {
			if r.Bulk == nil {
				r.Bulk = new(Bulk)
			}
			*at(r.Bulk) = n
		}
		return ok
	}}
}

// number writes a number, nothing for 0; readNumber reads it.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func readNumber(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && strconv.Itoa(n) == s
}

// RuleTable is the release rules as a table of texts, one rule a row in their order,
// under a header of Chinese title and id.
func RuleTable(rules []Rule) [][]string {
	head := make([]string, len(ruleColumns))
	for i, c := range ruleColumns {
		head[i] = c.title + " " + c.id
	}
	grid := [][]string{head}
	for i := range rules {
		row := make([]string, len(ruleColumns))
		for j, c := range ruleColumns {
			row[j] = c.write(&rules[i])
		}
		grid = append(grid, row)
	}
	return grid
}

// ReadRuleTable reads the table back. Columns are known by the last word of their
// header and may stand in any order; one that is missing is empty, one that is not
// known is refused. Whether the rules hold is for Validate to say.
func ReadRuleTable(grid [][]string) ([]Rule, error) {
	unread := func(row int, column string) error { return ErrRuleTable.With("row", row, "column", column) }
	if len(grid) == 0 {
		return nil, unread(1, "*")
	}
	columns, seen := make([]*ruleColumn, len(grid[0])), map[string]bool{}
	for i, head := range grid[0] {
		words := strings.Fields(head)
		for j := range ruleColumns {
			if len(words) > 0 && ruleColumns[j].id == words[len(words)-1] && !seen[ruleColumns[j].id] {
				columns[i] = &ruleColumns[j]
			}
		}
		if columns[i] == nil {
			return nil, unread(1, strconv.Itoa(i+1))
		}
		seen[columns[i].id] = true
	}
	if !seen["id"] {
		return nil, unread(1, "id")
	}
	rules := make([]Rule, 0, len(grid)-1)
	for at, row := range grid[1:] {
		r := Rule{Categories: []string{}, Fields: []string{}, Requesters: []exchange.MemberKind{}, Purposes: []string{}}
		if len(row) > len(columns) {
			return nil, unread(at+2, strconv.Itoa(len(columns)+1))
		}
		for i, text := range row {
			if !columns[i].read(&r, text) {
				return nil, unread(at+2, columns[i].id)
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}
