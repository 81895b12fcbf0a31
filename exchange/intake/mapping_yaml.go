package intake

import (
	"bytes"
	"embed"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

//go:embed mappings/*.yaml
var builtins embed.FS

// ParseMapping reads a mapping document. Unknown and repeated keys, aliases,
// a second document and anything of the wrong type are refused.
func ParseMapping(data []byte) (*Mapping, error) {
	if len(data) > maxMappingBytes {
		return nil, ErrMapping.With("mapping", "", "where", "size")
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, ErrMapping.Wrap(err, "mapping", "", "where", "YAML")
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil || refersBack(file.Docs[0].Body) {
		return nil, ErrMapping.With("mapping", "", "where", "YAML")
	}
	var m Mapping
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict(), yaml.DisallowUnknownField()).Decode(&m); err != nil {
		return nil, ErrMapping.Wrap(err, "mapping", m.Name, "where", "YAML")
	}
	if err := m.normalise(); err != nil {
		return nil, err
	}
	return &m, nil
}

// refersBack says whether a document uses anchors, aliases or merge keys, which
// can make a small document large.
func refersBack(body ast.Node) bool {
	v := &aliasVisitor{}
	ast.Walk(v, body)
	return v.found
}

type aliasVisitor struct{ found bool }

func (v *aliasVisitor) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType, ast.TagType:
		v.found = true
		return nil
	}
	return v
}

// Builtin is a mapping that comes with the product, by name.
func Builtin(name string) (*Mapping, error) {
	data, err := builtins.ReadFile("mappings/" + name + ".yaml")
	if err != nil {
		return nil, ErrNoMapping.With("mapping", name)
	}
	return ParseMapping(data)
}

// Builtins lists the names of the mappings that come with the product.
func Builtins() []string {
	files, err := fs.Glob(builtins, "mappings/*.yaml")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return files
}
