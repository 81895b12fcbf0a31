package intake

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"accord/exchange/catalogue"
)

// target is a mapping column bound to its catalogue field.
type target struct {
	Column
	field     catalogue.Field
	words     map[string]string // folded source word to value id
	past      bool
	notBefore string // field id
	constant  bool
	at        int   // position in record.cells; of no use for a constant
	parts     int   // fields that the column's cells hold
	join      []int // positions of the cells that follow in the field
	text      string
}

// normaliser turns cells into values by type. It holds what all rows of a table
// share.
type normaliser struct {
	today      string // AsOf as a Beijing day
	asOf       time.Time
	empty      map[string]bool // folded placeholders in lower case
	noEnd      map[string]bool // folded words for "no end"
	dayWritten bool
	nameLimit  int
	textLimit  int
	moneyFlag  int64
}

// emptiness says why a cell gave no value.
type emptiness int

const (
	filled emptiness = iota
	nothing
	placeholder
)

// outcome is what a cell came to: a value in the stored form of its type, or
// none; and the kinds of findings.
type outcome struct {
	value  any
	empty  emptiness
	kinds  []string
	refuse bool
}

func (o *outcome) found(kind string) {
	o.kinds = append(o.kinds, kind)
	if kindOf(kind).Effect == Refuse {
		o.refuse, o.value = true, nil
	}
}

func refused(kind string) outcome {
	o := outcome{}
	o.found(kind)
	return o
}

func value(v any) outcome { return outcome{value: v} }

// cell normalises one cell for its field. idKind is the kind of document for an
// id-number, already normalised; "" when none is stated.
func (n *normaliser) cell(t *target, c cell, idKind string) outcome {
	switch c.kind {
	case cellError:
		return refused("excel_error_value")
	case cellFormula:
		if c.text != "" {
			return refused("excel_formula")
		}
		return refused("excel_formula_no_value")
	case cellOther:
		if c.json {
			return refused("json_wrong_type")
		}
		return refused("cell_wrong_type")
	case cellList:
		return n.list(t, c)
	}
	if empty := n.emptiness(c); empty != filled {
		return outcome{empty: empty}
	}
	if c.kind == cellNumber || c.kind == cellDate || c.kind == cellBool {
		if kind := misplaced(t.field.Type, c); kind != "" {
			return refused(kind)
		}
	}
	prose := t.field.Type == catalogue.TypeText || t.field.Type == catalogue.TypeTexts
	if !prose && strings.ContainsRune(c.text, '\uFFFD') {
		return refused("lost_character")
	}
	o := n.typed(t, c, idKind)
	if o.refuse {
		o.value = nil
	}
	if o.value == "" {
		return outcome{empty: nothing} // nothing that shows was in it
	}
	return o
}

func (n *normaliser) emptiness(c cell) emptiness {
	if c.kind == cellEmpty {
		return nothing
	}
	if c.kind != cellText {
		return filled
	}
	text := fold(c.text)
	switch {
	case text == "":
		return nothing
	case n.empty[strings.ToLower(text)]:
		return placeholder
	}
	return filled
}

// misplaced refuses numbers, dates and booleans where the type has no meaning
// for them: above all numbers in id columns, whose last digits may be lost.
func misplaced(t catalogue.Type, c cell) string {
	switch t {
	case catalogue.TypeUSCC, catalogue.TypeResidentID, catalogue.TypeIDNumber, catalogue.TypeLicence, catalogue.TypePhone:
		switch {
		case c.kind != cellNumber:
			return "cell_wrong_type"
		case c.json:
			return "id_json_number"
		}
		return "id_excel_number"
	case catalogue.TypeMoney, catalogue.TypeCount:
		if c.kind == cellNumber {
			return ""
		}
	case catalogue.TypeArea:
		if c.kind == cellNumber && !c.json {
			return ""
		}
	case catalogue.TypeDate, catalogue.TypeTime:
		if c.kind == cellDate || c.kind == cellNumber && !c.json {
			return ""
		}
	case catalogue.TypeBool:
		return ""
	case catalogue.TypeText, catalogue.TypeTexts:
		if c.kind == cellNumber && !c.json {
			return "" // a typed number in a remark column is what the clerk wrote
		}
	}
	if c.json {
		return "json_wrong_type"
	}
	return "cell_wrong_type"
}

func (n *normaliser) typed(t *target, c cell, idKind string) outcome {
	switch t.field.Type {
	case catalogue.TypeText:
		if t.HTML {
			return n.text(htmlText(c.text))
		}
		return n.text(c.text)
	case catalogue.TypeName:
		return n.name(c.text)
	case catalogue.TypeCode:
		return t.word(c.text)
	case catalogue.TypeCodes, catalogue.TypeTexts:
		return n.several(t, split(c.text, t.Split))
	case catalogue.TypeUSCC:
		return uscc(c.text)
	case catalogue.TypeResidentID:
		return n.residentID(c.text)
	case catalogue.TypeIDNumber:
		return n.idNumber(c.text, idKind)
	case catalogue.TypeLicence:
		return n.licence(c.text)
	case catalogue.TypeDate:
		return n.date(t, c)
	case catalogue.TypeTime:
		return n.time(t, c)
	case catalogue.TypeMoney:
		return n.money(c, t.Unit)
	case catalogue.TypeCount:
		return count(c.text)
	case catalogue.TypePhone:
		return phone(c.text)
	case catalogue.TypeURL:
		return link(c.text)
	case catalogue.TypeBool:
		return yesNo(c.text)
	case catalogue.TypeArea:
		return area(c.text)
	}
	return refused("cell_wrong_type") // a type this build does not know
}

// list takes a JSON array of strings or the texts of an XML element that repeats.
func (n *normaliser) list(t *target, c cell) outcome {
	switch t.field.Type {
	case catalogue.TypeTexts, catalogue.TypeCodes:
	default:
		if !c.json {
			return refused("cell_wrong_type")
		}
		return refused("json_wrong_type")
	}
	if len(c.items) == 0 {
		return outcome{empty: nothing}
	}
	return n.several(t, c.items)
}

// maxItems is how many values one cell may hold.
const maxItems = 100

// several normalises a list. Empty members are left out; order is the source's.
func (n *normaliser) several(t *target, items []string) outcome {
	o, all := outcome{}, make([]string, 0, len(items))
	seen := map[string]bool{}
	for _, item := range items {
		if trim(item) == "" {
			continue
		}
		one := n.text(item)
		if t.field.Type == catalogue.TypeCodes {
			one = t.word(item)
		}
		for _, kind := range one.kinds {
			o.found(kind)
		}
		if s, ok := one.value.(string); ok && !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	if len(all) > maxItems {
		o.found("text_too_long")
	}
	if o.refuse {
		return o
	}
	if len(all) == 0 {
		return outcome{empty: nothing}
	}
	o.value = all
	return o
}

func split(text, separator string) []string {
	if separator == "" {
		return []string{text}
	}
	// A full-width separator is the same separator.
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(separator, halfWidth(r)) })
}

// word finds a source word in the column's value table.
func (t *target) word(text string) outcome {
	if id, ok := t.words[fold(text)]; ok {
		return value(id)
	}
	return refused("unknown_enum")
}

// text is free text: kept as it reads, with LF line ends, without what does not
// show.
func (n *normaliser) text(text string) outcome {
	if strings.ContainsFunc(text, isLineEnd) {
		text = lineEnds.Replace(text)
	}
	text, _ = without(text, isInvisible)
	text, turned := without(text, isBidiControl)
	text = strings.TrimFunc(text, isBlank)
	switch {
	case hasControl(text):
		return refused("control_character")
	case longerThan(text, n.textLimit):
		return refused("text_too_long")
	}
	o := value(text)
	if strings.ContainsRune(text, '\uFFFD') {
		o.found("lost_in_text")
	}
	if turned {
		o.found("bidi_in_text")
	}
	if hasMarkup(text) {
		o.found("html_in_text")
	}
	if formulaLike(text) {
		o.found("formula_text")
	}
	return o
}

// name is a person's or organisation's name. Kept are the characters as
// written; what shows nothing goes, and what could deceive refuses the row.
func (n *normaliser) name(text string) outcome {
	bare := trim(text)
	switch {
	case longerThan(bare, n.nameLimit):
		return refused("long_name")
	case strings.ContainsFunc(bare, isBidiControl):
		return refused("bidi_override_name")
	case strings.ContainsAny(bare, "<>"):
		return refused("html_in_name")
	case formulaLike(bare):
		return refused("formula_in_name")
	case strings.Contains(bare, "?"):
		return refused("lost_character")
	}
	seen, hidden := without(strings.TrimFunc(text, isBlank), isInvisible)
	seen = closeGaps(seen)
	if hasControl(seen) {
		return refused("control_character")
	}
	o := value(seen)
	if hidden {
		o.found("zero_width_name")
	}
	if strings.ContainsFunc(seen, isPrivateUse) {
		o.found("private_use_char")
	}
	return o
}

// closeGaps removes the padding of two-character names (赵　雨) and makes every
// other run of white space one blank.
func closeGaps(name string) string {
	parts := strings.FieldsFunc(name, isBlank)
	if len(parts) == 2 && oneHan(parts[0]) && oneHan(parts[1]) {
		return parts[0] + parts[1]
	}
	return strings.Join(parts, " ")
}

// count is a whole number from 0.
func count(text string) outcome {
	digits := fold(text)
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || v < 0 || v > maxInteger || digits[0] == '+' {
		return refused("count_not_integer")
	}
	return value(v)
}

// phone keeps the digits of a Chinese number without country code.
func phone(text string) outcome {
	s := fold(text)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+86"), "0086")
	s, _ = without(s, func(r rune) bool { return strings.ContainsRune("-()—.", r) })
	for _, c := range s {
		if c < '0' || c > '9' {
			return refused("id_bad_character")
		}
	}
	o := value(s)
	mobile := len(s) == 11 && s[0] == '1'
	landline := len(s) >= 10 && len(s) <= 12 && s[0] == '0'
	service := len(s) >= 5 && len(s) <= 8 || len(s) == 10 && strings.HasPrefix(s, "400")
	if !mobile && !landline && !service {
		o.found("phone_invalid")
	}
	return o
}

func link(text string) outcome {
	u, err := url.Parse(trim(text))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return refused("url_invalid")
	}
	return value(u.String())
}

func yesNo(text string) outcome {
	switch strings.ToLower(fold(text)) {
	case "是", "true", "1", "y", "yes", "有":
		return value(true)
	case "否", "false", "0", "n", "no", "无":
		return value(false)
	}
	return refused("bool_unreadable")
}

// area is a division code of GB/T 2260 shape; whether it was ever allocated is
// not asked.
func area(text string) outcome {
	s := fold(text)
	if len(s) != 6 || strings.Trim(s, "0123456789") != "" {
		return refused("area_invalid")
	}
	return value(s)
}
