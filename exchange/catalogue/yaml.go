package catalogue

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"accord/crypto/strictjson"
)

// YAML writes a document as people read and write it: the same document gives the
// same text, and Compile makes the same bytes of it. Comments are no part of a
// document and are not in the text.
func YAML(doc *Document) ([]byte, error) {
	data, err := strictjson.Marshal(doc)
	if err != nil {
		return nil, ErrMalformed.Wrap(err)
	}
	tokens := json.NewDecoder(bytes.NewReader(data))
	tokens.UseNumber()
	root, err := readNode(tokens)
	if err != nil {
		return nil, ErrMalformed.Wrap(err)
	}
	var out strings.Builder
	root.block(&out, 0, "")
	text := []byte(out.String())
	again, err := DecodeYAML(text)
	if err != nil {
		return nil, err
	}
	if back, err := strictjson.Marshal(again); err != nil || !bytes.Equal(back, data) {
		return nil, ErrYAML.Wrap(err, "where", "the text means something else")
	}
	return text, nil
}

// node is a JSON value with its members in order.
type node struct {
	keys  []string // of an object
	items []*node
	kind  json.Delim // '{', '[' or 0
	text  string     // of a scalar, as YAML
}

func readNode(d *json.Decoder) (*node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n := &node{kind: v}
		for d.More() {
			if v == '{' {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				n.keys = append(n.keys, key.(string))
			}
			item, err := readNode(d)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		_, err := d.Token()
		return n, err
	case string:
		return &node{text: yamlText(v)}, nil
	case json.Number:
		return &node{text: v.String()}, nil
	case bool:
		if v {
			return &node{text: "true"}, nil
		}
		return &node{text: "false"}, nil
	}
	return nil, ErrYAML.With("where", "null")
}

const yamlWidth = 140 // of a line that holds a whole mapping or sequence

// flow is the node on one line.
func (n *node) flow() string {
	switch n.kind {
	case '{':
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = n.keys[i] + ": " + item.flow()
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case '[':
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = item.flow()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return n.text
}

// short says whether the node goes on one line at an indent. The document's own
// members always take lines of their own.
func (n *node) short(indent int) bool {
	if n.kind == 0 || len(n.items) == 0 {
		return true
	}
	for _, item := range n.items {
		if item.kind == '{' && n.kind == '[' || item.kind == '[' && len(item.items) > 0 && item.items[0].kind != 0 {
			return false
		}
	}
	return utf8.RuneCountInString(n.flow())+2*indent <= yamlWidth || n.kind == '['
}

// block writes the node's members or items on lines of their own. lead is what
// stands before the first instead of the indent.
func (n *node) block(out *strings.Builder, indent int, lead string) {
	pad := strings.Repeat("  ", indent)
	for i, item := range n.items {
		if lead == "" || i > 0 {
			out.WriteString(pad)
		} else {
			out.WriteString(lead)
		}
		if n.kind == '[' {
			if item.short(indent + 1) {
				out.WriteString("- " + item.flow() + "\n")
			} else {
				item.block(out, indent+1, "- ")
			}
			continue
		}
		out.WriteString(n.keys[i] + ":")
		switch {
		case indent > 0 && item.short(indent), item.kind == 0, len(item.items) == 0, indent == 0 && item.kind == '{' && item.short(0) && len(item.items) < 6:
			out.WriteString(" " + item.flow() + "\n")
		default:
			out.WriteString("\n")
			item.block(out, indent+1, "")
		}
	}
}

// yamlText writes a string: plain where every reader takes it for the same string,
// quoted as in JSON otherwise.
func yamlText(s string) string {
	if plainYAML(s) {
		return s
	}
	var quoted strings.Builder
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(quoted.String(), "\n")
}

// plainYAML says whether a string needs no quotes: it begins with a letter, an
// ideograph or an opening bracket of Chinese, and has nothing YAML could take for a
// word of its own.
func plainYAML(s string) bool {
	switch strings.ToLower(s) {
	case "", "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf":
		return false
	}
	first := s[0]
	if first < 'A' || first > 'Z' && first < 'a' || first > 'z' && first < utf8.RuneSelf {
		return false
	}
	if strings.ContainsAny(s, "{}[],#&*!|>'\"%@`:\\") || strings.TrimSpace(s) != s {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == utf8.RuneError || r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\ufeff' {
			return false
		}
	}
	return true
}
