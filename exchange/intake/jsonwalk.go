package intake

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// nodeKind is the type of a JSON value.
type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeBool
	nodeNumber
	nodeString
	nodeArray
	nodeObject
)

// node is a JSON value as it stands: numbers keep their digits, objects their
// order.
type node struct {
	kind    nodeKind
	text    string // string content, number digits, "true" or "false"
	names   []string
	members []*node
}

// member finds an object's member by name, nil when there is none.
func (n *node) member(name string) *node {
	if n == nil || n.kind != nodeObject {
		return nil
	}
	for i, m := range n.names {
		if m == name {
			return n.members[i]
		}
	}
	return nil
}

// Limits of one JSON line.
const (
	maxDepth = 32
	maxNodes = 20_000
)

// walker reads one JSON text (RFC 8259). Unlike encoding/json it notices
// duplicate names, lone surrogates and bytes that are no UTF-8, says at which
// path they stand, and goes on reading behind them; only a text that is no JSON
// stops it.
type walker struct {
	in       string
	at       int
	path     []string
	nodes    int
	findings []finding
	fatal    string // kind of the fault that ended the walk
}

// walkJSON reads a whole line. With a fatal kind there is no value.
func walkJSON(line string) (root *node, findings []finding, fatal string) {
	w := &walker{in: line}
	w.space()
	root = w.value(0)
	w.space()
	switch {
	case w.fatal != "":
	case w.at != len(w.in):
		w.stop("json_invalid")
	case root.kind != nodeObject:
		w.stop("json_not_object")
	}
	if w.fatal != "" {
		return nil, nil, w.fatal
	}
	return root, w.findings, ""
}

// stop ends the walk with the first fault; nothing read after it counts.
func (w *walker) stop(kind string) {
	if w.fatal == "" {
		w.fatal = kind
	}
	w.at = len(w.in)
}

func (w *walker) note(kind string) {
	at := strings.Join(w.path, ".")
	if at == "" {
		at = "*"
	}
	w.findings = append(w.findings, finding{kind: kind, column: at})
}

func (w *walker) space() {
	for w.at < len(w.in) && strings.IndexByte(" \t\r\n", w.in[w.at]) >= 0 {
		w.at++
	}
}

// peek is the next byte, 0 at the end, which fits no grammar rule.
func (w *walker) peek() byte {
	if w.at >= len(w.in) {
		w.stop("json_invalid")
		return 0
	}
	return w.in[w.at]
}

func (w *walker) expect(c byte) {
	if w.peek() != c {
		w.stop("json_invalid")
		return
	}
	w.at++
}

func (w *walker) value(depth int) *node {
	n := &node{}
	if w.nodes++; w.nodes > maxNodes {
		w.stop("json_too_deep")
		return n
	}
	switch c := w.peek(); {
	case (c == '{' || c == '[') && depth >= maxDepth:
		w.stop("json_too_deep")
	case c == '{':
		w.object(n, depth)
	case c == '[':
		w.array(n, depth)
	case c == '"':
		n.kind, n.text = nodeString, w.str()
	case c == '-' || c >= '0' && c <= '9':
		n.kind, n.text = nodeNumber, w.number()
	case w.word("true") || w.word("false"):
		n.kind, n.text = nodeBool, map[byte]string{'t': "true", 'f': "false"}[c]
	case w.word("null"):
	default:
		w.stop("json_invalid")
	}
	return n
}

func (w *walker) word(word string) bool {
	if !strings.HasPrefix(w.in[w.at:], word) {
		return false
	}
	w.at += len(word)
	return true
}

func (w *walker) object(n *node, depth int) {
	n.kind = nodeObject
	w.expect('{')
	w.space()
	if w.peek() == '}' {
		w.at++
		return
	}
	seen := map[string]bool{}
	for w.fatal == "" {
		w.space()
		name := w.str()
		w.path = append(w.path, name)
		if seen[name] {
			w.note("json_duplicate_key")
		}
		seen[name] = true
		w.space()
		w.expect(':')
		w.space()
		n.names = append(n.names, name)
		n.members = append(n.members, w.value(depth+1))
		w.path = w.path[:len(w.path)-1]
		w.space()
		if w.peek() == '}' {
			w.at++
			return
		}
		w.expect(',')
	}
}

func (w *walker) array(n *node, depth int) {
	n.kind = nodeArray
	w.expect('[')
	w.space()
	if w.peek() == ']' {
		w.at++
		return
	}
	for w.fatal == "" {
		w.space()
		n.members = append(n.members, w.value(depth+1))
		w.space()
		if w.peek() == ']' {
			w.at++
			return
		}
		w.expect(',')
	}
}

// number reads a number by the grammar of RFC 8259 section 6.
func (w *walker) number() string {
	start := w.at
	digits := func() {
		from := w.at
		for w.at < len(w.in) && w.in[w.at] >= '0' && w.in[w.at] <= '9' {
			w.at++
		}
		if w.at == from {
			w.stop("json_invalid")
		}
	}
	is := func(set string) bool { return w.at < len(w.in) && strings.IndexByte(set, w.in[w.at]) >= 0 }
	if is("-") {
		w.at++
	}
	if is("0") {
		w.at++
	} else {
		digits()
	}
	if is(".") {
		w.at++
		digits()
	}
	if is("eE") {
		w.at++
		if is("+-") {
			w.at++
		}
		digits()
	}
	return w.in[start:w.at]
}

// str reads a string (RFC 8259 section 7).
func (w *walker) str() string {
	w.expect('"')
	var b strings.Builder
	for w.fatal == "" {
		rest := w.in[w.at:]
		i := strings.IndexFunc(rest, func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 })
		if i < 0 || rest[i] != '"' && rest[i] != '\\' {
			w.stop("json_invalid")
			return ""
		}
		b.WriteString(rest[:i])
		w.at += i + 1
		if rest[i] == '"' {
			break
		}
		w.escape(&b)
	}
	s := b.String()
	if !utf8.ValidString(s) {
		w.note("bad_encoding")
	}
	if strings.IndexByte(s, 0) >= 0 {
		w.note("nul_byte")
	}
	return s
}

func (w *walker) escape(b *strings.Builder) {
	c := w.peek()
	w.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' {
		w.stop("json_invalid")
		return
	}
	r := w.unit()
	if !utf16.IsSurrogate(r) {
		b.WriteRune(r)
		return
	}
	if strings.HasPrefix(w.in[w.at:], `\u`) {
		back := w.at
		w.at += 2
		if full := utf16.DecodeRune(r, w.unit()); full != utf8.RuneError {
			b.WriteRune(full)
			return
		}
		w.at = back // the second escape stands for itself
	}
	w.note("json_bad_surrogate")
}

// unit reads the four hexadecimal digits of an escape.
func (w *walker) unit() (r rune) {
	for i := 0; i < 4; i++ {
		c := w.peek()
		w.at++
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			w.stop("json_invalid")
			return 0
		}
	}
	return r
}
