package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
)

var (
	errValueForm = exchange.Define(exchange.KindInvalid, "CLI-032",
		exchange.Text{Zh: "信息项的值应写成 信息项=值", En: "a field's value is written FIELD=VALUE"},
		exchange.Text{Zh: "例如 --value document_number=青例协〔2026〕7号", En: "for example --value document_number=X-2026-7"})
	errValueField = exchange.Define(exchange.KindInvalid, "CLI-033",
		exchange.Text{Zh: "类别 {category} 没有信息项 {field}", En: "category {category} has no field {field}"},
		exchange.Text{Zh: "试试 {try}", En: "try {try}"})
	errValueType = exchange.Define(exchange.KindInvalid, "CLI-034",
		exchange.Text{Zh: "信息项 {field} 的值不是 {type}", En: "the value of {field} is no {type}"},
		exchange.Text{Zh: "金额以元写，如 1234.50；数量为整数；是否为 true 或 false", En: "money in yuan, as 1234.50; counts whole; bool is true or false"})
	errValueOnLine = exchange.Define(exchange.KindInvalid, "CLI-035",
		exchange.Text{Zh: "个人证件号码（{field}）不能写在命令行上", En: "a person's number ({field}) does not belong on the command line"},
		exchange.Text{Zh: "命令行会被其他用户和历史记录看到；写进文件，用 --values-file FILE 或 --values-file -", En: "others and the shell's history see it; put it into a file for --values-file FILE, or --values-file -"})
)

// values gathers a record's fields from FIELD=VALUE pairs on the line and from
// a file of such lines, in the stored form of each field's type.
type values struct {
	cat      *catalogue.Catalogue
	category string
	out      map[string]json.RawMessage
}

// recordValues reads --value and --values-file.
func (e *env) recordValues(cat *catalogue.Catalogue, category string, pairs []string, file string) (map[string]json.RawMessage, error) {
	if cat.Category(category) == nil {
		return nil, noSuchCategory(cat, category)
	}
	v := &values{cat, category, map[string]json.RawMessage{}}
	for _, pair := range pairs {
		if err := v.add(pair, true); err != nil {
			return nil, err
		}
	}
	if file == "" {
		return v.out, nil
	}
	text, err := e.read(file, maxPaper)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" {
			continue
		}
		if err := v.add(line, false); err != nil {
			return nil, err
		}
	}
	return v.out, nil
}

// add takes one pair. Errors name the field and never the value.
func (v *values) add(pair string, onLine bool) error {
	id, text, ok := strings.Cut(pair, "=")
	if !ok {
		return errValueForm.With()
	}
	f := v.cat.Field(v.category, id)
	if f == nil {
		return v.unknown(id)
	}
	if onLine && (f.Type == catalogue.TypeResidentID || f.Type == catalogue.TypeIDNumber) {
		return errValueOnLine.With("field", id)
	}
	value, err := stored(f, text)
	if err != nil {
		return errValueType.With("field", id, "type", f.Type).At(id)
	}
	before, twice := v.out[id]
	if !twice {
		v.out[id] = value
		return nil
	}
	if f.Type != catalogue.TypeCodes && f.Type != catalogue.TypeTexts {
		return errFlagTwice.With("flag", "--value "+id)
	}
	v.out[id] = json.RawMessage(string(before[:len(before)-1]) + "," + string(value[1:])) // two arrays in one
	return nil
}

func (v *values) unknown(id string) error {
	var known []string
	for _, f := range v.cat.Category(v.category).Fields {
		known = append(known, f.ID)
	}
	try := "accord catalogue show --category " + v.category
	if near := nearest(id, known); near != "" {
		try = near
	}
	return errValueField.With("category", v.category, "field", id, "try", try)
}

// stored is a typed text in the stored form of its field's type.
func stored(f *catalogue.Field, text string) (json.RawMessage, error) {
	switch f.Type {
	case catalogue.TypeMoney:
		fen, err := fenOf(text)
		return json.RawMessage(strconv.FormatInt(fen, 10)), err
	case catalogue.TypeCount:
		n, err := strconv.ParseUint(text, 10, 53)
		return json.RawMessage(strconv.FormatUint(n, 10)), err
	case catalogue.TypeBool:
		if text != "true" && text != "false" {
			return nil, strconv.ErrSyntax
		}
		return json.RawMessage(text), nil
	case catalogue.TypeCodes, catalogue.TypeTexts:
		return marshal([]string{text})
	}
	return marshal(text)
}

// fenOf reads yuan with at most two decimals.
func fenOf(text string) (int64, error) {
	whole, fraction, point := strings.Cut(text, ".")
	if point && (len(fraction) == 0 || len(fraction) > 2) {
		return 0, strconv.ErrSyntax
	}
	if !digits(whole) || point && !digits(fraction) {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(whole+fraction+strings.Repeat("0", 2-len(fraction)), 10, 64)
}

// shown is a field's value for people, from its stored form.
func shown(f *catalogue.Field, value json.RawMessage, lang exchange.Lang) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(value)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return string(value)
	}
	switch v := v.(type) {
	case bool:
		return yesNo[v].In(lang)
	case json.Number:
		if n, err := v.Int64(); err == nil && f != nil && f.Type == catalogue.TypeMoney {
			return fmt.Sprintf("%d.%02d", n/100, n%100) + exchange.Text{Zh: " 元", En: " yuan"}.In(lang)
		}
		return v.String()
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, valueTitle(f, fmt.Sprint(item), lang))
		}
		return strings.Join(items, ", ")
	}
	return valueTitle(f, fmt.Sprint(v), lang)
}

// valueTitle is the title of a code, or the text itself.
func valueTitle(f *catalogue.Field, text string, lang exchange.Lang) string {
	if f != nil {
		if v := f.ValueOf(text); v != nil {
			return v.Title.In(lang)
		}
	}
	return text
}

// fieldRows lists fields with their titles, in the catalogue's order, then by
// id. Machines get the values as they are stored.
func (e *env) fieldRows(cat *catalogue.Catalogue, category string, fields map[string]json.RawMessage) rows {
	list := rows{Columns: []column{
		{ID: "field", Title: exchange.Text{Zh: "信息项", En: "FIELD"}, Whole: true},
		{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		{ID: "value", Title: exchange.Text{Zh: "值", En: "VALUE"}, Whole: true},
	}}
	for _, id := range fieldOrder(cat, category, fields) {
		var f *catalogue.Field
		if cat != nil {
			f = cat.Field(category, id)
		}
		value := bare(fields[id])
		if e.Format == formatTable {
			value = shown(f, fields[id], e.Lang)
		}
		list.add(id, fieldTitle(cat, category, id), value)
	}
	return list
}

func fieldOrder(cat *catalogue.Catalogue, category string, fields map[string]json.RawMessage) []string {
	var known, other []string
	if cat != nil && cat.Category(category) != nil {
		for _, f := range cat.Category(category).Fields {
			if _, ok := fields[f.ID]; ok {
				known = append(known, f.ID)
			}
		}
	}
	for id := range fields {
		if !slices.Contains(known, id) {
			other = append(other, id)
		}
	}
	slices.Sort(other)
	return append(known, other...)
}
