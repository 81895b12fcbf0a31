package records

import (
	"fmt"
	"log/slog"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
)

// Values are a record's values by field id in the stored form of each field's
// catalogue.Type: string, int64, bool or []string. A field without a value is
// absent. Printing shows their number only, for private ones are among them.
type Values map[string]any

// Format prints the number of values under every verb.
func (v Values) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "{%d values}", len(v)) }

// LogValue hides the values in structured logs.
func (v Values) LogValue() slog.Value { return slog.IntValue(len(v)) }

// text is the string value of a field, "" when it has none.
func (v Values) text(field string) string {
	s, _ := v[field].(string)
	return s
}

// maxValues bounds the JSON of one record's values, in bytes.
const maxValues = 1 << 20

// DecodeValues reads a JSON object of values, as typed by hand or sent to the
// API, into stored forms. What they mean is Validate's business.
func DecodeValues(data []byte) (Values, error) {
	if len(data) > maxValues {
		return nil, ErrLength.With("max", maxValues)
	}
	var raw map[string]any
	if err := strictjson.Unmarshal(data, &raw); err != nil {
		return nil, ErrForm.Wrap(err, "form", "JSON object")
	}
	values := make(Values, len(raw))
	for field, v := range raw {
		stored, ok := storedForm(v)
		if !ok {
			return nil, ErrForm.With("form", "string, integer, boolean or list of strings").At(pointer(field))
		}
		values[field] = stored
	}
	return values, nil
}

// storedForm turns a decoded JSON value into a stored form; whole numbers
// become int64, and what has none is refused.
func storedForm(v any) (any, bool) {
	switch v := v.(type) {
	case string, bool:
		return v, true
	case float64: // the decoder admits only numbers that a float64 holds exactly
		n := int64(v)
		return n, float64(n) == v
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, false
			}
			list[i] = s
		}
		return list, true
	}
	return nil, false
}

// FieldValue is one value with the class it has in this record.
type FieldValue struct {
	Field string
	Class catalogue.Class
	Value any
}

// Format prints the field, never the value.
func (f FieldValue) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{%s %s}", f.Field, f.Class)
}

// LogValue hides the value in structured logs.
func (f FieldValue) LogValue() slog.Value { return slog.StringValue(f.Field) }

// Split divides values into those that stand in clear in the signed record and
// those that are sealed, each in the order of the catalogue. For a subject that
// is a natural person a field's person class counts. Unknown fields, kinds and
// categories are refused: what has no class cannot be put on either side.
func Split(cat *catalogue.Catalogue, category, subjectKind string, values Values) (clear, sealed []FieldValue, err error) {
	c, err := applicable(cat, category, subjectKind)
	if err != nil {
		return nil, nil, err
	}
	namespace, taken := cat.Subject(subjectKind).Namespace, 0
	for i := range c.Fields {
		f := &c.Fields[i]
		v, ok := values[f.ID]
		if !ok {
			continue
		}
		taken++
		class := f.ClassFor(namespace)
		if class.Private() {
			sealed = append(sealed, FieldValue{f.ID, class, v})
		} else {
			clear = append(clear, FieldValue{f.ID, class, v})
		}
	}
	if taken != len(values) {
		return nil, nil, unknownField(cat, category, values)
	}
	return clear, sealed, nil
}

// applicable finds the category and sees that it takes the subject kind.
func applicable(cat *catalogue.Catalogue, category, subjectKind string) (*catalogue.Category, error) {
	c := cat.Category(category)
	if c == nil {
		return nil, ErrCategory.With().At("/category")
	}
	if cat.Subject(subjectKind) != nil {
		for _, kind := range c.Subjects {
			if kind == subjectKind {
				return c, nil
			}
		}
	}
	return nil, ErrSubjectKind.With().At("/subject_kind")
}

// unknownField names the first field, in sorted order, that the category does
// not have.
func unknownField(cat *catalogue.Catalogue, category string, values Values) error {
	first := ""
	for id := range values {
		if cat.Field(category, id) == nil && (first == "" || id < first) {
			first = id
		}
	}
	return ErrUnknownField.With().At(pointer(first))
}

// pointer names a field in an error; what is no name is not repeated.
func pointer(field string) string {
	if !exchange.ValidName(field) {
		return "/?"
	}
	return "/" + field
}
