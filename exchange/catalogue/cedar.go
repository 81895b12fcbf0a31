package catalogue

import (
	"fmt"
	"strings"

	"accord/exchange"
)

// Cedar writes the release rules as Cedar policies (docs.cedarpolicy.com), so that
// an auditor can ask them with other people's program. Nothing here reads them.
//
// The principal has the attribute kind; the resource has category, author and
// subject, empty where they are not said; the action is Action::"open"; the context
// has fields (a set), count (how many were asked for), purpose, basis, records and
// emergency. What the policies allow is what Decide does not refuse, except that a
// set cannot hold a field twice and that the form of a reference is not looked at.
// Whether an approval is outstanding stands in the annotation of the policy that
// allows it.
func (c *Catalogue) Cedar() string {
	var b strings.Builder
	fmt.Fprintf(&b, "// %s\n", cedarLine(c.Reference()+" "+c.doc.Title.En+" "+c.digest))
	for i := range c.doc.Rules {
		c.cedarRule(&b, &c.doc.Rules[i])
	}
	b.WriteString("\n// What no rule can allow.\n")
	fmt.Fprintf(&b, "@id(\"fields\")\nforbid (principal, action, resource)\nwhen { context.count < 1 || context.count > %d };\n", c.doc.Limits.FieldsPerAsk)
	for i := range c.doc.Categories {
		c.cedarCategory(&b, &c.doc.Categories[i])
	}
	return b.String()
}

func (c *Catalogue) cedarRule(b *strings.Builder, r *Rule) {
	fmt.Fprintf(b, "\n@id(\"rule:%s\")\n@title(\"%s\")\n@approval(\"%s\")\n", r.ID, cedarLine(r.Title.Zh+" "+r.Title.En), r.Approval)
	if r.Source != "" {
		fmt.Fprintf(b, "@source(\"%s\")\n", cedarLine(r.Source))
	}
	fmt.Fprintf(b, "permit (principal, action == Action::\"open\", resource)\nwhen {\n  %s.contains(principal.kind) &&\n  %s.contains(resource.category) &&\n  %s.containsAll(context.fields) &&\n  %s.contains(context.purpose) &&\n  context.basis == \"%s\" &&\n",
		cedarSet(r.Requesters), cedarSet(r.Categories), cedarSet(r.Fields), cedarSet(r.Purposes), r.Basis)
	if r.MaxFields > 0 {
		fmt.Fprintf(b, "  context.count <= %d &&\n", r.MaxFields)
	}
	if len(r.Authors) > 0 {
		fmt.Fprintf(b, "  %s.contains(resource.author) &&\n", cedarSet(r.Authors))
	}
	most := 1
	if r.Bulk != nil {
		most = r.Bulk.Records
	}
	fmt.Fprintf(b, "  context.records <= %d &&\n  context.emergency == %v\n};\n", most, r.Emergency)
}

// cedarCategory forbids what a request must not say about records of the category:
// fields that are public or secret for the subject, or are none of its fields, and
// authors and subjects it does not have.
func (c *Catalogue) cedarCategory(b *strings.Builder, cat *Category) {
	fmt.Fprintf(b, "@id(\"category:%s\")\nforbid (principal, action, resource)\nwhen {\n  resource.category == \"%s\" && !(\n    %s.contains(resource.author) && (\n",
		cat.ID, cat.ID, cedarSet(append([]exchange.MemberKind{""}, cat.Authors...)))
	for i, subject := range append([]string{""}, cat.Subjects...) {
		var sealed []string
		for j := range cat.Fields {
			if class := c.classOf(&cat.Fields[j], subject); class == Shared || class == Restricted {
				sealed = append(sealed, cat.Fields[j].ID)
			}
		}
		or := "      "
		if i > 0 {
			or = "      || "
		}
		if fmt.Fprintf(b, "%s(resource.subject == \"%s\"", or, subject); len(sealed) > 0 {
			fmt.Fprintf(b, " && %s.containsAll(context.fields))\n", cedarSet(sealed))
		} else {
			b.WriteString(" && false)\n")
		}
	}
	b.WriteString("    )\n  )\n};\n")
}

func cedarSet[S ~string](items []S) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = `"` + string(s) + `"`
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// cedarLine makes a title fit for a string of one line.
func cedarLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' || r == '\\' {
			return ' '
		}
		return r
	}, s)
}
