package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
)

// schemaVersion is the version of every JSON object the tool writes. Members
// may be added under one version, never removed or changed.
const schemaVersion = 1

// format is how results are written.
type format string

const (
	formatTable  format = "table"
	formatJSON   format = "json"
	formatCSV    format = "csv"
	formatCSVBOM format = "csv-bom" // spreadsheets need the mark to see UTF-8
)

var formats = []string{string(formatTable), string(formatJSON), string(formatCSV), string(formatCSVBOM)}

// column is one column of a list.
type column struct {
	ID    string        // for machines: the name API v1 has for it, never changed
	Title exchange.Text // for people
	Right bool          // numbers stand at the right
	Whole bool          // never cut short: ids and digests are copied by hand
	Bare  bool          // for machines only: people see it in another form beside
}

// rows is a list as a command found it. A cell is nil, a string, bool or
// number, an exchange.Text, a word with its text (told, titled), a time
// (time.Time or exchange.Millis), a []string, or anything with a String method.
type rows struct {
	Columns []column
	Cells   [][]any
}

// add appends a row; it must have a cell for each column.
func (r *rows) add(cells ...any) { r.Cells = append(r.Cells, cells) }

// forPeople is the list without what only machines need.
func (r rows) forPeople() rows {
	var some rows
	for _, c := range r.Columns {
		if !c.Bare {
			some.Columns = append(some.Columns, c)
		}
	}
	for _, row := range r.Cells {
		var cells []any
		for i, cell := range row {
			if !r.Columns[i].Bare {
				cells = append(cells, cell)
			}
		}
		some.Cells = append(some.Cells, cells)
	}
	return some
}

// print writes a list to stdout in the chosen format.
func (e *env) print(r rows) error {
	for _, row := range r.Cells {
		if len(row) != len(r.Columns) {
			return exchange.ErrInternal.Wrap(fmt.Errorf("a row has %d cells for %d columns", len(row), len(r.Columns)))
		}
	}
	switch e.Format {
	case formatJSON:
		return e.printJSON(r)
	case formatCSV, formatCSVBOM:
		return e.write(csvText(r, e.Format == formatCSVBOM))
	}
	if len(r.Cells) == 0 {
		e.note(exchange.Text{Zh: "没有结果", En: "nothing found"})
		return nil
	}
	return e.write(e.tableText(r))
}

// object writes one thing: v as a JSON object with schemaVersion added, as
// CSV lines of member and value, or as render says to a person.
func (e *env) object(v any, render func(w io.Writer)) error {
	if e.Format != formatJSON && e.Format != formatCSV && e.Format != formatCSVBOM {
		var b strings.Builder
		render(&b)
		return e.write(b.String())
	}
	body, err := marshal(v)
	if err == nil && body[0] != '{' {
		err = fmt.Errorf("%T is not a JSON object", v)
	}
	if err != nil {
		return exchange.ErrInternal.Wrap(err)
	}
	if e.Format == formatJSON {
		return e.writeJSON(versioned(body))
	}
	list, err := jsonMembers(body)
	if err != nil {
		return exchange.ErrInternal.Wrap(err)
	}
	return e.write(csvText(list, e.Format == formatCSVBOM))
}

// write puts a finished result on stdout, whole.
func (e *env) write(s string) error {
	if _, err := io.WriteString(e.Stdout, s); err != nil {
		return errOutput.Wrap(err)
	}
	return nil
}

// writeJSON writes one object and a line end, set out for people on a
// terminal.
func (e *env) writeJSON(body []byte) error {
	if e.IsTTY(e.Stdout) {
		var v json.RawMessage = body
		if set, err := json.MarshalIndent(v, "", "  "); err == nil {
			body = set
		}
	}
	return e.write(string(body) + "\n")
}

func (e *env) printJSON(r rows) error {
	var b strings.Builder
	fmt.Fprintf(&b, `{"schemaVersion":%d,"rows":[`, schemaVersion)
	for i, row := range r.Cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := rowJSON(&b, r.Columns, row); err != nil {
			return exchange.ErrInternal.Wrap(err)
		}
	}
	b.WriteString("]}")
	return e.writeJSON([]byte(b.String()))
}

// rowJSON writes one row as an object with its columns in their order.
func rowJSON(b *strings.Builder, columns []column, row []any) error {
	for i, c := range columns {
		b.WriteByte("{,"[min(i, 1)])
		value, err := marshal(machineCell(row[i]))
		if err != nil {
			return fmt.Errorf("column %s: %w", c.ID, err)
		}
		b.WriteString(strconv.Quote(c.ID) + ":" + string(value))
	}
	b.WriteByte('}')
	return nil
}

// versioned puts schemaVersion first into an object that lacks it.
func versioned(body []byte) []byte {
	var has struct {
		SchemaVersion *int `json:"schemaVersion"`
	}
	if json.Unmarshal(body, &has) == nil && has.SchemaVersion != nil {
		return body
	}
	head := fmt.Sprintf(`{"schemaVersion":%d`, schemaVersion)
	if string(body) != "{}" {
		head += ","
	}
	return append([]byte(head), body[1:]...)
}

// jsonMembers lists an object's top-level members in their order.
func jsonMembers(body []byte) (rows, error) {
	list := rows{Columns: []column{{ID: "member"}, {ID: "value"}}}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	if _, err := dec.Token(); err != nil {
		return list, err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return list, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return list, err
		}
		list.add(name, bare(value))
	}
	return list, nil
}

// bare is a JSON value as a CSV field: a string without its quotes, null as
// nothing, all else as it is.
func bare(value json.RawMessage) string {
	if string(value) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// marshal is JSON without HTML escapes or line end.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// machineCell is a cell as JSON and CSV see it: times in RFC 3339 UTC.
func machineCell(v any) any {
	switch v := v.(type) {
	case exchange.Text:
		return v
	case exchange.Millis:
		if v == 0 {
			return nil
		}
		return v.Time().Format(time.RFC3339)
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC().Format(time.RFC3339)
	case json.Marshaler:
		return v
	case wordedList:
		return v.ids()
	case fmt.Stringer:
		return v.String()
	}
	return v
}

var yesNo = map[bool]exchange.Text{true: {Zh: "是", En: "yes"}, false: {Zh: "否", En: "no"}}

// beijing is the time people read (UTC+8 without summer time since 1992).
var beijing = time.FixedZone("CST", 8*60*60)

// humanCell is a cell as people read it.
func humanCell(v any, lang exchange.Lang) string {
	switch v := v.(type) {
	case nil:
		return ""
	case exchange.Text:
		return v.In(lang)
	case worded:
		return v.text.In(lang)
	case wordedList:
		return shortList(v.in(lang), lang)
	case exchange.Millis:
		if v == 0 {
			return ""
		}
		return humanCell(v.Time(), lang)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.In(beijing).Format("2006-01-02 15:04:05 -07:00")
	case []string:
		return shortList(v, exchange.En)
	case bool:
		return yesNo[v].In(lang)
	}
	return fmt.Sprint(v)
}

// listLength is how many items of a list a table shows.
const listLength = 4

// shortList is a list in a table: its beginning, and how many there are.
func shortList(items []string, lang exchange.Lang) string {
	comma := ", "
	if lang == exchange.Zh {
		comma = "、"
	}
	if len(items) <= listLength {
		return strings.Join(items, comma)
	}
	return fmt.Sprintf("%s%s… (%d)", strings.Join(items[:listLength-1], comma), comma, len(items))
}
