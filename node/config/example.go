package config

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"accord/exchange"
)

// Example writes a commented configuration file with the values given and
// everything else at its default, commented out.
func Example(values map[string]string, operators []Operator) []byte {
	var b strings.Builder
	b.WriteString("# Accord 节点配置 / node configuration. accord config validate 检查, accord config show --origin 显示生效值。\n")
	section := ""
	for _, k := range keyTable {
		name, indent := k.Name, ""
		if head, tail, nested := strings.Cut(k.Name, "."); nested {
			if head != section {
				fmt.Fprintf(&b, "%s:\n", head)
				section = head
			}
			name, indent = tail, "  "
		}
		fmt.Fprintf(&b, "%s# %s / %s\n", indent, k.Doc.Zh, k.Doc.En)
		if v, ok := values[k.Name]; ok {
			fmt.Fprintf(&b, "%s%s: %q\n", indent, name, v)
		} else if indent != "" {
			fmt.Fprintf(&b, "%s%s: %q\n", indent, name, k.Default)
		} else {
			fmt.Fprintf(&b, "# %s: %q\n", name, k.Default)
		}
	}
	b.WriteString("# 经办人及其角色 / operators and their roles: clerk, officer, auditor, admin\noperators:\n")
	for _, o := range operators {
		roles := make([]string, len(o.Roles))
		for i, r := range o.Roles {
			roles[i] = string(r)
		}
		fmt.Fprintf(&b, "  - {name: %s, roles: [%s]}\n", o.Name, strings.Join(roles, ", "))
	}
	return []byte(b.String())
}

// nearest is the known key with the smallest edit distance to name.
func nearest(name string) string {
	best, bestAt := "", 1<<30
	for _, k := range keyTable {
		if d := distance(name, k.Name); d < bestAt {
			best, bestAt = k.Name, d
		}
	}
	return best
}

// distance is the Levenshtein distance in runes.
func distance(a, b string) int {
	row := make([]int, utf8.RuneCountInString(b)+1)
	for i := range row {
		row[i] = i
	}
	for i, ca := range []rune(a) {
		prev := row[0]
		row[0] = i + 1
		for j, cb := range []rune(b) {
			cost := 1
			if ca == cb {
				cost = 0
			}
			prev, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, prev+cost)
		}
	}
	return row[len(row)-1]
}

// DefaultOperator is the operator a fresh node knows.
func DefaultOperator(name exchange.OperatorID) Operator {
	return Operator{Name: name, Roles: Roles()}
}
