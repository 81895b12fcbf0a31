package catalogue

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ErrYAML is a catalogue source that is no plain YAML document.
var ErrYAML = exchange.Define(exchange.KindInvalid, "CAT-005",
	exchange.Text{Zh: "目录 YAML 文件无法读取：{where}", En: "the catalogue YAML cannot be read: {where}"},
	exchange.Text{Zh: "只用普通映射、序列和标量；不用锚点、别名、标签和空值", En: "use plain mappings, sequences and scalars; no anchors, aliases, tags or nulls"})

// Bounds of a YAML source: what keeps a parser that recurses within its stack.
const (
	maxYAMLLine = 16 << 10
	maxYAMLFlow = 32
)

// Compile turns a catalogue's YAML source into the JSON bytes that members
// sign. It refuses what Parse would refuse. The same source gives the same
// bytes.
func Compile(source []byte) ([]byte, error) {
	doc, err := DecodeYAML(source)
	if err != nil {
		return nil, err
	}
	if err := Validate(doc); err != nil {
		return nil, err
	}
	data, err := strictjson.Marshal(doc)
	if err != nil {
		return nil, ErrMalformed.Wrap(err)
	}
	if len(data) > MaxBytes {
		return nil, ErrTooLong.With()
	}
	return data, nil
}

// DecodeYAML reads a YAML source as strictly as Decode reads JSON, without
// judging the content.
func DecodeYAML(source []byte) (*Document, error) {
	data, err := yamlToJSON(source)
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// yamlToJSON rewrites one plain YAML document as JSON. Types are those of the
// YAML core schema and nothing is converted: 1 is a number, "1" a string.
func yamlToJSON(source []byte) (data []byte, err error) {
	defer func() { // the parser is foreign code fed with a file of an operator
		if p := recover(); p != nil {
			data, err = nil, ErrYAML.Wrap(fmt.Errorf("the parser panicked: %v", p), "where", "?")
		}
	}()
	if err := yamlBounds(source); err != nil {
		return nil, err
	}
	file, err := parser.ParseBytes(source, 0)
	if err != nil {
		return nil, ErrYAML.Wrap(err, "where", firstLine(err.Error()))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, ErrYAML.With("where", "one document expected")
	}
	var w yamlWriter
	if err := w.write(file.Docs[0].Body); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

// yamlBounds refuses sources that could drive the parser too deep.
func yamlBounds(source []byte) error {
	if len(source) > MaxBytes {
		return ErrTooLong.With()
	}
	line, start, flow := 1, 0, 0
	for i, b := range source {
		switch b {
		case '\n':
			line, start = line+1, i+1
		case '[', '{':
			flow++
		case ']', '}':
			flow = max(flow-1, 0)
		}
		if i-start > maxYAMLLine || flow > maxYAMLFlow {
			return ErrYAML.With("where", "line "+strconv.Itoa(line))
		}
	}
	return nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// yamlWriter writes syntax nodes as JSON.
type yamlWriter struct{ out bytes.Buffer }

func (w *yamlWriter) write(node ast.Node) error {
	switch n := node.(type) {
	case *ast.MappingNode:
		return w.mapping(n.Values)
	case *ast.MappingValueNode:
		return w.mapping([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		w.out.WriteByte('[')
		for i, item := range n.Values {
			if i > 0 {
				w.out.WriteByte(',')
			}
			if err := w.write(item); err != nil {
				return err
			}
		}
		w.out.WriteByte(']')
		return nil
	case *ast.StringNode:
		return w.value(n.Value, node)
	case *ast.LiteralNode:
		return w.value(n.Value.Value, node)
	case *ast.BoolNode:
		return w.value(n.Value, node)
	case *ast.IntegerNode:
		return w.value(n.Value, node)
	}
	return yamlRefusal(node)
}

func (w *yamlWriter) mapping(entries []*ast.MappingValueNode) error {
	w.out.WriteByte('{')
	for i, entry := range entries {
		if i > 0 {
			w.out.WriteByte(',')
		}
		key, ok := entry.Key.(*ast.StringNode)
		if !ok {
			return yamlRefusal(entry)
		}
		if err := w.value(key.Value, key); err != nil {
			return err
		}
		w.out.WriteByte(':')
		if entry.Value == nil {
			return yamlRefusal(entry)
		}
		if err := w.write(entry.Value); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}

func (w *yamlWriter) value(v any, node ast.Node) error {
	data, err := strictjson.Marshal(v)
	if err != nil {
		return ErrYAML.Wrap(err, "where", yamlWhere(node))
	}
	w.out.Write(data)
	return nil
}

func yamlRefusal(node ast.Node) error { return ErrYAML.With("where", yamlWhere(node)) }

func yamlWhere(node ast.Node) string {
	if node != nil {
		if tk := node.GetToken(); tk != nil && tk.Position != nil {
			return "line " + strconv.Itoa(tk.Position.Line)
		}
	}
	return "?"
}
