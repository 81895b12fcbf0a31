package intake

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestWalkJSON(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	for _, tc := range []struct {
		in    string
		fatal string
		notes []finding
	}{
		{in: `{}`}, {in: ` {"a":[1,-0.5e+3,true,false,null,"x",{}]} `}, {in: `{"a":"\u9752\ud842\udfb7\n\/"}`},
		{in: `{"a":1,"b":{"a":2}}`}, {in: deep(maxDepth - 1)},
		{in: deep(maxDepth), fatal: "json_too_deep"}, {in: deep(12_000), fatal: "json_too_deep"},
		{in: strings.Repeat("[", 1000), fatal: "json_too_deep"},
		{in: `{"a":[` + strings.Repeat("1,", maxNodes) + `1]}`, fatal: "json_too_deep"},
		{in: `[1]`, fatal: "json_not_object"}, {in: `"x"`, fatal: "json_not_object"}, {in: `null`, fatal: "json_not_object"},
		{in: ``, fatal: "json_invalid"}, {in: `{`, fatal: "json_invalid"}, {in: `{"a":1,}`, fatal: "json_invalid"},
		{in: `{'a':1}`, fatal: "json_invalid"}, {in: `{"a":NaN}`, fatal: "json_invalid"}, {in: `{"a":01}`, fatal: "json_invalid"},
		{in: `{"a":+1}`, fatal: "json_invalid"}, {in: `{"a":1.}`, fatal: "json_invalid"}, {in: `{"a":.5}`, fatal: "json_invalid"},
		{in: `{"a":1}{}`, fatal: "json_invalid"}, {in: `{"a" 1}`, fatal: "json_invalid"}, {in: `{a:1}`, fatal: "json_invalid"},
		{in: "{\"a\":\"x\ty\"}", fatal: "json_invalid"}, {in: `{"a":"\x"}`, fatal: "json_invalid"}, {in: `{"a":"\u12g4"}`, fatal: "json_invalid"},
		{in: `{"a":"`, fatal: "json_invalid"}, {in: `{"a":"\`, fatal: "json_invalid"}, {in: `{"a":"\u`, fatal: "json_invalid"},
		{in: `{"a":"\ud842\u`, fatal: "json_invalid"}, {in: `{"a":tru}`, fatal: "json_invalid"}, {in: "\xff{}", fatal: "json_invalid"},
		{in: `{"a":1,"a":2}`, notes: []finding{{kind: "json_duplicate_key", column: "a"}}},
		{in: `{"x":{"a":1,"\u0061":2}}`, notes: []finding{{kind: "json_duplicate_key", column: "x.a"}}},
		{in: `{"a":{"b":"\ud842"}}`, notes: []finding{{kind: "json_bad_surrogate", column: "a.b"}}},
		{in: `{"a":"\ud842\u0041"}`, notes: []finding{{kind: "json_bad_surrogate", column: "a"}}},
		{in: `{"a":"\udfb7"}`, notes: []finding{{kind: "json_bad_surrogate", column: "a"}}},
		{in: `{"a":"\u0000"}`, notes: []finding{{kind: "nul_byte", column: "a"}}},
		{in: "{\"a\":\"\xe5\xbc\"}", notes: []finding{{kind: "bad_encoding", column: "a"}}},
	} {
		root, notes, fatal := walkJSON(tc.in)
		if fatal != tc.fatal || !reflect.DeepEqual(notes, tc.notes) {
			t.Errorf("%.60q: %q %v, want %q %v", tc.in, fatal, notes, tc.fatal, tc.notes)
		}
		if (root == nil) != (fatal != "") {
			t.Errorf("%.60q: a value with %q", tc.in, fatal)
		}
	}
}

// A line of an unclosed string or a number of a million digits takes one pass.
func TestWalkJSONIsLinear(t *testing.T) {
	for _, in := range []string{`{"a":"` + strings.Repeat("x", 1<<20), `{"a":` + strings.Repeat("1", 1<<20), `{"a":"` + strings.Repeat(`\u0041`, 1<<17) + `"}`} {
		walkJSON(in)
	}
}

// The walker accepts what encoding/json accepts, apart from what it exists to
// notice, and reads the same values.
func FuzzWalkJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,"x",null,{"b":-0.5e3}]}`, `{"a":1,"a":2}`, `{"a":"\ud842\udfb7\ud842"}`, "{\"a\":\"\xff\"}", `{"a":"\u0000"}`, `[1]`, `{"a":tru`, strings.Repeat(`[`, 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		root, notes, fatal := walkJSON(in)
		if fatal != "" {
			if root != nil {
				t.Fatal("a value beside a fault")
			}
			if fatal != "json_too_deep" && fatal != "json_not_object" && json.Valid([]byte(in)) {
				t.Errorf("%q: %s, but it is valid", in, fatal)
			}
			return
		}
		if !json.Valid([]byte(in)) {
			t.Errorf("%q was read and is no JSON", in)
		}
		if len(notes) > 0 {
			return
		}
		var want any
		dec := json.NewDecoder(strings.NewReader(in))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := plain(root); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, encoding/json %v", in, got, want)
		}
	})
}

// plain is a node as encoding/json would give it.
func plain(n *node) any {
	switch n.kind {
	case nodeBool:
		return n.text == "true"
	case nodeNumber:
		return json.Number(n.text)
	case nodeString:
		return n.text
	case nodeArray:
		list := []any{}
		for _, m := range n.members {
			list = append(list, plain(m))
		}
		return list
	case nodeObject:
		object := map[string]any{}
		for i, name := range n.names {
			object[name] = plain(n.members[i])
		}
		return object
	}
	return nil
}
