package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

type inner struct {
	Name string          `json:"name"`
	Raw  json.RawMessage `json:"raw"`
}

type doc struct {
	ID    string         `json:"id"`
	Count int64          `json:"count"`
	Inner inner          `json:"inner"`
	List  []string       `json:"list"`
	Map   map[string]int `json:"map"`
	Any   any            `json:"any"`
	Bytes []byte         `json:"bytes"`
}

// Shows: D50
func TestUnmarshalRefuses(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"empty", ``, ErrSyntax},
		{"white space only", ` `, ErrSyntax},
		{"trailing value", `{} {}`, ErrSyntax},
		{"trailing text", `{}x`, ErrSyntax},
		{"trailing NUL", "{}\x00", ErrSyntax},
		{"byte-order mark", "\ufeff{}", ErrSyntax},
		{"UTF-16", "{\x00}\x00", ErrSyntax},
		{"comment", `{/**/}`, ErrSyntax},
		{"trailing comma", `{"id":"a",}`, ErrSyntax},
		{"single quotes", `{'id':'a'}`, ErrSyntax},
		{"truncated", `{"id":"a"`, ErrSyntax},
		{"control character", "{\"id\":\"a\nb\"}", ErrSyntax},
		{"invalid UTF-8", "{\"id\":\"\xff\"}", ErrSyntax},
		{"overlong UTF-8", "{\"id\":\"\xc0\x80\"}", ErrSyntax},
		{"lone high surrogate", `{"id":"\ud800"}`, ErrSyntax},
		{"lone low surrogate", `{"id":"\udc00"}`, ErrSyntax},
		{"leading zero", `{"count":01}`, ErrSyntax},
		{"plus sign", `{"count":+1}`, ErrSyntax},
		{"NaN", `{"any":NaN}`, ErrSyntax},
		{"duplicate", `{"id":"a","id":"b"}`, ErrDuplicate},
		{"duplicate by escape", `{"id":"a","\u0069d":"b"}`, ErrDuplicate},
		{"duplicate nested", `{"inner":{"name":"a","name":"a"}}`, ErrDuplicate},
		{"duplicate in map", `{"map":{"a":1,"a":2}}`, ErrDuplicate},
		{"duplicate in any", `{"any":[{"a":1,"a":2}]}`, ErrDuplicate},
		{"duplicate in raw", `{"inner":{"raw":{"a":[{"b":1,"b":1}]}}}`, ErrDuplicate},
		{"unknown", `{"id":"a","role":"admin"}`, ErrUnknown},
		{"unknown nested", `{"inner":{"x":1}}`, ErrUnknown},
		{"wrong case", `{"ID":"a"}`, ErrUnknown},
		{"case twin", `{"id":"a","Id":"b"}`, ErrUnknown},
		{"Kelvin sign for k", "{\"\u212aind\":1}", ErrUnknown},
		{"array for object", `[]`, ErrValue},
		{"string for number", `{"count":"1"}`, ErrValue},
		{"number for string", `{"id":1}`, ErrValue},
		{"fraction for integer", `{"count":1.5}`, ErrValue},
		{"exponent for integer", `{"count":1e2}`, ErrValue},
		{"integer overflow", `{"count":9223372036854775808}`, ErrValue},
		{"float overflow", `{"any":1e400}`, ErrValue},
		{"rounded integer", `{"any":9007199254740993}`, ErrValue},
		{"rounded negative", `{"any":{"a":[-9007199254740993]}}`, ErrValue},
		{"large untyped exponent", `{"any":1e16}`, ErrValue},
		{"bytes not base64", `{"bytes":"?"}`, ErrValue},
		{"too deep", deep, ErrDepth},
		{"too deep in any", `{"any":` + deep + `}`, ErrDepth},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d doc
			err := Unmarshal([]byte(test.text), &d)
			if !errors.Is(err, test.want) {
				t.Errorf("strict: got %v, want %v", err, test.want)
			}
			err = UnmarshalLoose([]byte(test.text), &d)
			if want := test.want; want == ErrUnknown {
				if err != nil {
					t.Errorf("loose: %v", err)
				}
			} else if !errors.Is(err, want) {
				t.Errorf("loose: got %v, want %v", err, want)
			}
		})
	}
}

func TestUnmarshalAccepts(t *testing.T) {
	depth := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	var v any
	if err := Unmarshal([]byte(depth), &v); err != nil {
		t.Errorf("depth %d: %v", MaxDepth, err)
	}
	if err := Unmarshal([]byte(`["[[[\"[[[",9007199254740991,-0.5,1e-300]`), &v); err != nil {
		t.Error(err)
	}
	var d doc
	text := ` {"id":"保险","count":9223372036854775807,"inner":{"name":"\ud83d\ude00","raw": { "b" : 1 } },"bytes":"AAE="} ` + "\n"
	if err := Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if d.ID != "保险" || d.Count != math.MaxInt64 || d.Inner.Name != "😀" || string(d.Bytes) != "\x00\x01" {
		t.Errorf("decoded %+v", d)
	}
	if got := string(d.Inner.Raw); got != `{ "b" : 1 }` {
		t.Errorf("raw value %q, want its bytes as they came", got)
	}
}

// TestErrorsQuoteNothing gives a secret in every place a decoder might quote.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "630102199001011234"
	var typed struct {
		N int        `json:"n"`
		T errorsType `json:"t"`
	}
	for _, text := range []string{
		secret + "x", `"` + secret, `{"` + secret + `":1}`, `{"n":"` + secret + `"}`, `{"n":` + secret + secret + `}`,
		`{"n":1,"` + secret + `":1,"` + secret + `":2}`, `{"t":"` + secret + `"}`, "{\"n\":\"" + secret + "\xff\"}",
	} {
		err := Unmarshal([]byte(text), &typed)
		if err == nil {
			t.Errorf("accepted %q", text)
			continue
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			for _, e := range []error{err, fmt.Errorf("wrapped: %w", err)} {
				if s := fmt.Sprintf(verb, e); strings.Contains(s, secret) {
					t.Errorf("%s of the error quotes the input: %s", verb, s)
				}
			}
		}
	}
	if err := Unmarshal([]byte(`{"t":"x"}`), &typed); !errors.Is(err, errQuoting) {
		t.Errorf("the cause of a type of its own cannot be found: %v", err)
	}
}

var errQuoting = errors.New("quoting")

type errorsType struct{}

func (*errorsType) UnmarshalJSON(b []byte) error { return fmt.Errorf("%w: %s", errQuoting, b) }

func TestErrorPointsToTheFault(t *testing.T) {
	var d doc
	err := Unmarshal([]byte(`{"inner":{"name":1}}`), &d)
	var e *Error
	if !errors.As(err, &e) || e.Pointer != "/inner/name" || e.Offset == 0 {
		t.Errorf("got %#v", err)
	}
}

func TestSizeCap(t *testing.T) {
	var v any
	if err := Unmarshal(make([]byte, MaxSize+1), &v); !errors.Is(err, ErrSize) {
		t.Errorf("got %v", err)
	}
}

func TestMarshal(t *testing.T) {
	got, err := Marshal(doc{ID: "<a&b>\u2028", Map: map[string]int{"b": 2, "a": 1, "c": 3}, Any: []any{1.0, "x"}, Bytes: []byte{255}, Inner: inner{Raw: json.RawMessage(`{ "z": 1, "a" : 2 }`)}})
	if err != nil {
		t.Fatal(err)
	}
	want := "{\"id\":\"<a&b>\u2028\",\"count\":0,\"inner\":{\"name\":\"\",\"raw\":{\"z\":1,\"a\":2}},\"list\":[],\"map\":{\"a\":1,\"b\":2,\"c\":3},\"any\":[1,\"x\"],\"bytes\":\"/w==\"}"
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, v := range []any{math.NaN(), "\xff", make(chan int), json.RawMessage(`{"a":1,"a":1}`)} {
		if b, err := Marshal(v); err == nil || b != nil {
			t.Errorf("Marshal(%T) = %q, %v", v, b, err)
		}
	}
}

// FuzzUnmarshal holds the decoder against encoding/json: what we accept it
// accepts too, with the same value, so no later reader sees another document.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{`{"id":"a","count":1}`, `{"id":"a","ID":"b"}`, `{"any":{"a":[1,2.5,null,true]}}`, `[1]`, `"\ud83d\ude00"`,
		`{"list":["a"],"map":{"a":1},"bytes":"AA=="}`, `{"any":9007199254740993}`, `null`, ` 1 `, `{"inner":{"raw":[ ]}}`, `{"bytes":"A A="}`, `{"bytes":"AA\n=="}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var ours, theirs any
		if Unmarshal(data, &ours) == nil {
			if err := json.Unmarshal(data, &theirs); err != nil || !reflect.DeepEqual(ours, theirs) {
				t.Fatalf("any: ours %#v, theirs %#v, %v", ours, theirs, err)
			}
			again, err := Marshal(ours)
			if err != nil {
				t.Fatalf("does not encode again: %v", err)
			}
			var back any
			if err := Unmarshal(again, &back); err != nil || !reflect.DeepEqual(ours, back) {
				t.Fatalf("round trip: %#v, %#v, %v", ours, back, err)
			}
		}
		var d, e doc
		if Unmarshal(data, &d) == nil {
			if err := json.Unmarshal(data, &e); err != nil || !sameDoc(d, e) {
				t.Fatalf("struct: ours %#v, theirs %#v, %v", d, e, err)
			}
			if err := UnmarshalLoose(data, new(doc)); err != nil {
				t.Fatalf("loose refuses what strict accepts: %v", err)
			}
		}
	})
}

// sameDoc compares what both decoders promise: an empty list or map may be nil
// or not.
func sameDoc(a, b doc) bool {
	for _, d := range []*doc{&a, &b} {
		if len(d.List) == 0 {
			d.List = nil
		}
		if len(d.Map) == 0 {
			d.Map = nil
		}
		if len(d.Bytes) == 0 {
			d.Bytes = nil
		}
	}
	return reflect.DeepEqual(a, b)
}
