package sdjwt

import (
	"fmt"
	"maps"
	"slices"

	"accord/crypto/internal/b64url"
	"accord/crypto/strictjson"
)

// maxDepth bounds objects and arrays nested in each other after disclosures
// have been put in.
const maxDepth = 32

// decode reads one JSON value strictly: objects as map[string]any, arrays as
// []any, numbers as float64 (integers beyond 2^53 are refused as inexact).
func decode(text []byte) (any, error) {
	var v any
	if err := strictjson.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return v, nil
}

// processor puts disclosures into a payload (RFC 9901 section 7.1, step 3).
type processor struct {
	found   map[string]*found   // disclosures by digest
	seen    map[string]struct{} // digests met so far, in payload and disclosures
	visible clearNames          // top-level names that must not be disclosed
}

type found struct {
	Disclosure
	used bool
}

// process returns the processed payload: digests replaced by what is disclosed
// and everything of the mechanism removed. The payload is consumed.
func process(payload map[string]any, disclosures []Disclosure, visible clearNames) (map[string]any, error) {
	p := &processor{found: make(map[string]*found, len(disclosures)), seen: map[string]struct{}{}, visible: visible}
	if alg, ok := payload["_sd_alg"]; ok && alg != hashName {
		return nil, fmt.Errorf("%w: hash function is not %s", ErrPayload, hashName)
	}
	delete(payload, "_sd_alg")
	for _, d := range disclosures {
		key := d.Digest()
		if p.found[key] != nil {
			return nil, fmt.Errorf("%w: disclosure given twice", ErrRepeated)
		}
		p.found[key] = &found{Disclosure: d}
	}
	if err := p.object(payload, 1); err != nil {
		return nil, err
	}
	for _, d := range disclosures {
		if !p.found[d.Digest()].used {
			return nil, ErrUnreferenced
		}
	}
	return payload, nil
}

// value processes v in place, or gives the array that takes its place.
func (p *processor) value(v any, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return v, p.object(v, depth)
	case []any:
		return p.array(v, depth)
	}
	return v, nil
}

func (p *processor) object(m map[string]any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested too deeply", ErrPayload)
	}
	digests, err := digestsOf(m)
	if err != nil {
		return err
	}
	delete(m, "_sd")
	for _, name := range slices.Sorted(maps.Keys(m)) { // sorted: the same fault is named every time
		if reserved(name) {
			return fmt.Errorf("%w: out of place", ErrName)
		}
		if m[name], err = p.value(m[name], depth+1); err != nil {
			return err
		}
	}
	for _, digest := range digests {
		d, err := p.take(digest)
		if err != nil {
			return err
		}
		if d == nil {
			continue // not disclosed, or a decoy
		}
		if d.element {
			return fmt.Errorf("%w: an array element where a claim belongs", ErrDisclosure)
		}
		if depth == 1 && p.visible.have(d.name) {
			return ErrHidden
		}
		if _, taken := m[d.name]; taken {
			return fmt.Errorf("%w: collision", ErrName)
		}
		if m[d.name], err = p.disclosed(d, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *processor) array(list []any, depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested too deeply", ErrPayload)
	}
	out := make([]any, 0, len(list))
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			if placeholder, ok := m["..."]; ok {
				text, isText := placeholder.(string)
				if !isText || len(m) != 1 {
					return nil, fmt.Errorf("%w: array digest has the wrong form", ErrPayload)
				}
				d, err := p.take(text)
				if err != nil {
					return nil, err
				}
				if d == nil {
					continue
				}
				if !d.element {
					return nil, fmt.Errorf("%w: a claim where an array element belongs", ErrDisclosure)
				}
				if v, err = p.disclosed(d, depth+1); err != nil {
					return nil, err
				}
				out = append(out, v)
				continue
			}
		}
		v, err := p.value(v, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// take notes a digest and gives the disclosure it refers to, nil if there is
// none.
func (p *processor) take(digest string) (*found, error) {
	if raw, err := b64url.Decode(digest); err != nil || len(digest) != digestSize || len(raw) != 32 {
		return nil, fmt.Errorf("%w: not a SHA-256 digest", ErrPayload)
	}
	if _, again := p.seen[digest]; again {
		return nil, fmt.Errorf("%w: digest", ErrRepeated)
	}
	p.seen[digest] = struct{}{}
	d := p.found[digest]
	if d != nil {
		d.used = true
	}
	return d, nil
}

// disclosed decodes the value of a disclosure and processes the digests in it.
func (p *processor) disclosed(d *found, depth int) (any, error) {
	v, err := decode([]byte(d.value))
	if err != nil {
		return nil, err
	}
	return p.value(v, depth)
}

// digestsOf reads `_sd`: an array of strings, or absent.
func digestsOf(m map[string]any) ([]string, error) {
	v, ok := m["_sd"]
	if !ok {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%w: _sd is not an array", ErrPayload)
	}
	digests := make([]string, len(list))
	for i, e := range list {
		if digests[i], ok = e.(string); !ok {
			return nil, fmt.Errorf("%w: _sd holds other than strings", ErrPayload)
		}
	}
	return digests, nil
}

// hasReserved tells whether a member name of the mechanism occurs anywhere.
func hasReserved(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			if reserved(name) || hasReserved(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if hasReserved(e) {
				return true
			}
		}
	}
	return false
}
