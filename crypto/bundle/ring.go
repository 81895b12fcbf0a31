package bundle

import (
	"errors"
	"sort"

	"accord/crypto/keys"
	"accord/crypto/tlog"
)

// acceptSkew is how far a command's own time may lie outside its key's
// validity, in ms: the same minute within which a ledger accepts a command.
const acceptSkew = 60_000

// held is a key in the hands of a member for a time.
type held struct {
	member string
	key    keys.Public
	from   int64 // Unix ms
	until  int64 // Unix ms, 0 for no end known here
}

func (h held) validAt(ms int64) bool {
	return ms >= h.from-acceptSkew && (h.until == 0 || ms <= h.until+acceptSkew)
}

// ring holds all members' keys by kid. A kid is a thumbprint, so it can name
// but one key, and the charter's check sees to it that it has but one member.
type ring map[string]held

// ringOf is the ring the charter founds.
func ringOf(c *charter) ring {
	r := make(ring)
	if c == nil {
		return r
	}
	for _, m := range c.Members {
		for _, k := range m.Keys {
			r[k.KID()] = held{member: m.ID, key: k, from: c.Founded}
		}
	}
	return r
}

var errUnknownKey = errors.New("bundle: no member of the charter has this key")

// lookup serves the verifiers of tokens.
func (r ring) lookup(kid string) (keys.Public, error) {
	h, ok := r[kid]
	if !ok {
		return keys.Public{}, errUnknownKey
	}
	return h.key, nil
}

// cosigners are the note keys of all members, with who holds each.
func (r ring) cosigners(federation string) (known []tlog.Key, holder map[string]held) {
	holder = make(map[string]held)
	for _, h := range r {
		if h.key.Use() != keys.Cosign {
			continue
		}
		k, err := tlog.CosignerKey(federation, h.member, h.key)
		if err != nil {
			continue // an unusable name cosigns nothing
		}
		known = append(known, k)
		holder[k.String()] = h
	}
	sort.Slice(known, func(i, j int) bool { return known[i].String() < known[j].String() })
	return known, holder
}

// change applies a later change of keys that a ledger command made. It is the
// one place that a new kind of change has to be taught to; until then a bundle
// that needs one is refused, because to go on with the charter's keys would be
// to guess.
func (r ring) change(verb string) error {
	return errors.New("this version knows no command " + quote(verb) + " that changes keys")
}
