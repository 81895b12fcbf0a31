package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
)

// sampleNDJSON takes every path that leads to a value in the first lines.
func sampleNDJSON(ctx context.Context, src io.ReaderAt, size int64) (File, []sampled, error) {
	lines, err := newLines(ctx, src, size, UTF8)
	if err != nil {
		return File{}, nil, err
	}
	t, err := samplePaths(lines, Table{})
	return File{Format: NDJSON, Encoding: UTF8}, []sampled{t}, err
}

func sampleJSON(ctx context.Context, src io.ReaderAt, size int64, encoding Encoding) (File, []sampled, error) {
	f := File{Format: JSON, Encoding: encoding}
	path, ok := arrayPath(io.NewSectionReader(src, 0, min(size, sampleJSONTop)))
	if !ok {
		return f, nil, ErrHeader.With("missing", "[]", "extra", "-")
	}
	elements, err := newJSONElements(ctx, src, size, encoding, path)
	if err != nil {
		return f, nil, err
	}
	t, err := samplePaths(elements, Table{Rows: path})
	return f, []sampled{t}, err
}

// arrayPath is the path to the first array of objects in a JSON document.
func arrayPath(r io.Reader) (string, bool) {
	dec := json.NewDecoder(skipMark(r))
	var path []string
	var walk func() bool
	walk = func() bool {
		tok, err := dec.Token()
		if err != nil || len(path) > maxDepth {
			return false
		}
		switch tok {
		case json.Delim('['):
			if tok, err := dec.Token(); err != nil || tok == json.Delim('{') {
				return err == nil
			} else if tok != json.Delim(']') {
				passArray(dec, tok)
			}
		case json.Delim('{'):
			for dec.More() {
				name, err := dec.Token()
				if err != nil {
					return false
				}
				path = append(path, name.(string)) // what stands before a colon is
				if walk() {
					return true
				}
				path = path[:len(path)-1]
			}
			_, _ = dec.Token() // the end of the object; an error comes again
		}
		return false
	}
	ok := walk()
	return strings.Join(path, "."), ok
}

// passArray reads on to the end of an array whose first member began with tok.
func passArray(dec *json.Decoder, tok json.Token) {
	for depth := 1; ; {
		switch tok {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return
		}
		var err error
		if tok, err = dec.Token(); err != nil {
			return // it comes again
		}
	}
}

func skipMark(r io.Reader) io.Reader {
	head := make([]byte, len(bomUTF8))
	n, _ := io.ReadFull(r, head)
	if bytes.Equal(head[:n], bomUTF8) {
		return r
	}
	return io.MultiReader(bytes.NewReader(head[:n]), r)
}

func samplePaths(in texts, table Table) (sampled, error) {
	t := sampled{table: table}
	at := map[string]int{}
	put := func(name string, c cell) {
		i, ok := at[name]
		if !ok {
			i = len(t.columns)
			at[name] = i
			t.columns = append(t.columns, sampledColumn{name: name})
		}
		t.columns[i].add(c)
	}
	for n := 0; n < sampleRows; n++ {
		ln, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t, err
		}
		if root, _, fatal := walkJSON(ln.text); ln.fault == "" && fatal == "" {
			pathsOf(root, "", put)
		}
	}
	if len(t.columns) == 0 {
		return t, ErrHeader.With("missing", "*", "extra", "-")
	}
	return t, nil
}

// pathsOf gives every value below an object with its path; of a list of objects
// all members under one path.
func pathsOf(n *node, prefix string, put func(string, cell)) {
	for i := range n.names {
		name, member := prefix+n.names[i], n.members[i]
		switch {
		case member.kind == nodeObject:
			pathsOf(member, name+".", put)
		case member.kind == nodeArray && len(member.members) > 0 && member.members[0].kind == nodeObject:
			for _, one := range member.members {
				if one.kind == nodeObject {
					pathsOf(one, name+"[].", put)
				}
			}
		default:
			put(name, cellOf(member))
		}
	}
}
