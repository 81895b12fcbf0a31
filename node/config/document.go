package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"accord/exchange"
)

// document is a configuration file taken apart: dotted keys and their values as
// they are written, and the one list of objects.
//
// It is read from the syntax tree and not through YAML's types, for which 007 is
// seven, a second key of the same name may win, and a few aliases are a gigabyte.
type document struct {
	scalars   map[string]string
	operators []Operator
}

var errTooLarge = fmt.Errorf("larger than %d KiB", maxFile>>10)

func parseDocument(raw []byte) (document, error) {
	d := document{scalars: map[string]string{}}
	if len(raw) > maxFile {
		return d, errTooLarge
	}
	file, err := parser.ParseBytes(raw, 0)
	switch {
	case err != nil:
		return d, err
	case len(file.Docs) > 1:
		return d, errors.New("it holds more than one YAML document")
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return d, nil
	}
	return d, d.read("", file.Docs[0].Body)
}

// read takes in the mapping n, whose keys stand under prefix.
func (d *document) read(prefix string, n ast.Node) error {
	pairs, err := pairsOf(n)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		key := prefix + pair.key
		if _, twice := d.scalars[key]; twice {
			return fmt.Errorf("%s is set twice", key)
		}
		switch v := pair.value.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			if err := d.read(key+".", v); err != nil {
				return err
			}
		case *ast.SequenceNode:
			if key == "operators" {
				if d.operators, err = operatorsOf(v); err != nil {
					return ErrValue.With("key", key, "why", err.Error(), "origin", "file")
				}
				continue
			}
			values, err := listOfScalars(v)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			d.scalars[key] = strings.Join(values, ",")
		case *ast.NullNode:
			if !isSection(key) { // a section whose keys are all commented out
				d.scalars[key] = ""
			}
		default:
			if d.scalars[key], err = scalar(v); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

type pair struct {
	key   string
	value ast.Node
}

// pairsOf are a mapping's keys and values; a key stands once.
func pairsOf(n ast.Node) ([]pair, error) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, errors.New("not a mapping of keys to values")
	}
	seen := map[string]bool{}
	out := make([]pair, len(values))
	for i, v := range values {
		key, err := scalar(v.Key)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fmt.Errorf("%s is set twice", key)
		}
		seen[key] = true
		out[i] = pair{key, v.Value}
	}
	return out, nil
}

// scalar is a value as it is written, without quotes.
func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	}
	return "", errors.New("not a plain value (anchors, aliases, tags and blocks are not used here)")
}

func listOfScalars(n *ast.SequenceNode) ([]string, error) {
	out := make([]string, len(n.Values))
	for i, v := range n.Values {
		var err error
		if out[i], err = scalar(v); err != nil {
			return nil, err
		}
		if strings.Contains(out[i], ",") {
			return nil, errors.New("a value of a list holds a comma")
		}
	}
	return out, nil
}

func operatorsOf(n *ast.SequenceNode) ([]Operator, error) {
	out := make([]Operator, len(n.Values))
	for i, v := range n.Values {
		pairs, err := pairsOf(v)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			switch p.key {
			case "name":
				name, err := scalar(p.value)
				if err != nil {
					return nil, err
				}
				out[i].Name = exchange.OperatorID(name)
			case "roles":
				list, ok := p.value.(*ast.SequenceNode)
				if !ok {
					return nil, errors.New("roles is a list")
				}
				roles, err := listOfScalars(list)
				if err != nil {
					return nil, err
				}
				for _, r := range roles {
					out[i].Roles = append(out[i].Roles, Role(r))
				}
			default:
				return nil, fmt.Errorf("an operator has a name and roles, not %s", p.key)
			}
		}
	}
	return out, nil
}

// isSection says whether keys stand under this one.
func isSection(key string) bool {
	for _, k := range keyTable {
		if strings.HasPrefix(k.Name, key+".") {
			return true
		}
	}
	return false
}
