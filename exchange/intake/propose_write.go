package intake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"accord/exchange"
)

// write is the mapping as a document for people: what stands for itself in
// order, and what they have to look at as remarks in Chinese and English.
func (p *proposer) write(m *Mapping) string {
	var b strings.Builder
	b.WriteString("# 由 accord mapping init 根据表头和前若干行拟定；请核对后使用，用 accord mapping test 试读。\n")
	b.WriteString("# Proposed by accord mapping init from the header and the first rows: look it over, then try it with accord mapping test.\n")
	for _, n := range p.notes {
		fmt.Fprintf(&b, "# - %s\n#   %s\n", oneLine(n.Zh), oneLine(n.En))
	}
	fmt.Fprintf(&b, "format: %s\nname: %s\n", MappingFormat, yamlText(m.Name))
	fmt.Fprintf(&b, "title: {zh: %s, en: %s}\n", yamlText(m.Title.Zh), yamlText(m.Title.En))
	b.WriteString("source:\n")
	fmt.Fprintf(&b, "  name: {zh: %s, en: %s} # 来源单位的名称 / the source's name\n", yamlText(m.Source.Name.Zh), yamlText(m.Source.Name.En))
	fmt.Fprintf(&b, "  grade: %s # A 机关自己的决定 decisions, B 业务数据 business data, C 他人公布的名单 published list, D 未核实 not verified\n", m.Source.Grade)
	writeFile(&b, &m.File)
	b.WriteString("tables:\n")
	for i := range m.Tables {
		p.writeTable(&b, &m.Tables[i])
	}
	return b.String()
}

func writeFile(b *strings.Builder, f *File) {
	fmt.Fprintf(b, "file:\n  format: %s\n", f.Format)
	if f.Encoding != "" && f.Format != XLSX && f.Format != XML {
		fmt.Fprintf(b, "  encoding: %s\n", f.Encoding)
	} else if f.Format == XML && f.Encoding == GB18030 {
		fmt.Fprintf(b, "  encoding: %s\n", f.Encoding)
	}
	if f.Format == CSV && f.Separator != "," {
		fmt.Fprintf(b, "  separator: %s\n", yamlText(f.Separator))
	}
	fmt.Fprintf(b, "  empty: %s\n", yamlList(f.Empty))
	if len(f.NoEnd) > 0 {
		fmt.Fprintf(b, "  no_end: %s\n", yamlList(f.NoEnd))
	}
	if len(f.Namespaces) > 0 {
		b.WriteString("  namespaces:\n")
		for _, prefix := range sortedKeys(f.Namespaces) {
			fmt.Fprintf(b, "    %s: %s\n", yamlText(prefix), yamlText(f.Namespaces[prefix]))
		}
	}
}

func (p *proposer) writeTable(b *strings.Builder, t *Table) {
	fmt.Fprintf(b, "  - category: %s\n", t.Category)
	line := func(format string, args ...any) { fmt.Fprintf(b, "    "+format+"\n", args...) }
	if t.Sheet != "" {
		line("sheet: %s", yamlText(t.Sheet))
	}
	if t.HeaderRow > 1 {
		line("header_row: %d", t.HeaderRow)
	}
	if t.HeaderRows > 1 {
		line("header_rows: %d", t.HeaderRows)
	}
	if len(t.Footers) > 0 {
		line("footers: %s", yamlList(t.Footers))
	}
	if t.Rows != "" {
		line("rows: %s", yamlText(t.Rows))
	}
	if t.Register {
		line("register: true")
	}
	line("columns:")
	for i := range t.Columns {
		p.writeColumn(b, &t.Columns[i])
	}
	writeSubject(b, &t.Subject)
	if x := t.Sex; x != nil {
		line("sex: {field: %s, male: %s, female: %s, id: %s}", x.Field, yamlText(x.Male), yamlText(x.Female), x.ID)
	}
	if s := t.Shared; s != nil {
		line("shared: {field: %s, where: %s}", s.Field, yamlMap(s.Where))
	}
	if m := t.Members; m != nil {
		leader := ""
		if m.Leader != "" {
			leader = ", leader: " + m.Leader
		}
		line("members: {path: %s, least: %d, most: %d, id: %s%s}", yamlText(m.Path), m.Least, m.Most, m.ID, leader)
	}
	if len(t.Consistent) > 0 {
		line("consistent:")
		for _, c := range t.Consistent {
			if c.Without != "" {
				line("  - {field: %s, without: %s}", c.Field, c.Without)
				continue
			}
			line("  - {field: %s, of: %s, less: %s}", c.Field, c.Of, c.Less)
		}
	}
}

func (p *proposer) writeColumn(b *strings.Builder, c *Column) {
	parts := []string{"source: " + yamlText(c.Source)}
	put := func(name, value string) {
		if value != "" {
			parts = append(parts, name+": "+value)
		}
	}
	if c.Ignore {
		put("ignore", "true")
	}
	put("field", c.Field)
	if c.Unit == Wan {
		put("unit", string(Wan))
	}
	put("dates", c.Dates)
	if c.Split != "" {
		put("split", yamlText(c.Split))
	}
	if c.Part > 0 {
		put("part", strconv.Itoa(c.Part))
	}
	put("each", c.Each)
	if c.HTML {
		put("html", "true")
	}
	if c.Listed {
		put("listed", "true")
	}
	put("unlisted", c.Unlisted)
	if len(c.Values) > 0 {
		put("values", yamlMap(c.Values))
	}
	fmt.Fprintf(b, "      - {%s}\n", strings.Join(parts, ", "))
	if strange := p.unknown[c.Source]; len(strange) > 0 && !c.Ignore {
		fmt.Fprintf(b, "        # 没有对应取值 / without a value: %s\n", oneLine(strings.Join(strange, " | ")))
	}
}

func writeSubject(b *strings.Builder, s *Subject) {
	b.WriteString("    subject:\n")
	if s.By != "" {
		fmt.Fprintf(b, "      by: %s\n", s.By)
	}
	b.WriteString("      cases:\n")
	for _, c := range s.Cases {
		var parts []string
		for _, kv := range [][2]string{{"when", c.When}, {"kind", c.Kind}, {"namespace", c.Namespace}, {"key", c.Key}, {"as", c.As}, {"name", c.Name}} {
			if kv[1] != "" {
				parts = append(parts, kv[0]+": "+yamlText(kv[1]))
			}
		}
		if len(c.Requires) > 0 {
			parts = append(parts, "requires: "+yamlList(c.Requires))
		}
		fmt.Fprintf(b, "        - {%s}\n", strings.Join(parts, ", "))
	}
}

// yamlText is a text as YAML has it: bare where nothing in it means something,
// else in the quotes that JSON and YAML share.
func yamlText(s string) string {
	if exchange.ValidName(s) && !strings.ContainsAny(s[:1], "0123456789") && !slices.Contains([]string{"yes", "no", "true", "false", "null", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}

func yamlList(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = yamlText(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func yamlMap(m map[string]string) string {
	var parts []string
	for _, k := range sortedKeys(m) {
		parts = append(parts, yamlText(k)+": "+yamlText(m[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// oneLine keeps a remark a remark whatever a header holds.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if isBlank(r) || r < 0x20 || isLineEnd(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
