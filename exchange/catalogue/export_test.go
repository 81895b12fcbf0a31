package catalogue

import (
	"reflect"
	"slices"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// Members1 lists the members that the reader of format 1 knows, by name.
func Members1() []string {
	var names []string
	var walk func(t reflect.Type, at string)
	walk = func(t reflect.Type, at string) {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == reflect.TypeFor[exchange.Text]() {
			return
		}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			names = append(names, at+name)
			walk(t.Field(i).Type, at+name+".")
		}
	}
	walk(reflect.TypeFor[document1](), "")
	slices.Sort(names)
	return names
}

// Reencode1 reads and writes a document as builds before machine version 4 do.
func Reencode1(data []byte) ([]byte, error) {
	doc := new(document1)
	if err := strictjson.Unmarshal(data, doc); err != nil {
		return nil, err
	}
	return strictjson.Marshal(doc)
}
