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

// held is a key in the hands of a member, from one roster until another.
type held struct {
	member string
	key    keys.Public
	after  int64 // the leaf that brought it; it signs those after, -1 for the charter's
	from   int64 // Unix ms
	ended  bool  // a later roster does not list it
	last   int64 // that roster's leaf, the last it may have signed
	until  int64 // and time, Unix ms
}

// signs says whether the key counted for a statement that became this leaf.
// Where a statement stands is proven, while its time is only claimed.
func (h held) signs(index int64) bool { return index > h.after && (!h.ended || index <= h.last) }

// validAt says whether it counted at a time, for what has no place in the ledger.
func (h held) validAt(ms int64) bool {
	return ms >= h.from-acceptSkew && (!h.ended || ms <= h.until+acceptSkew)
}

// ring holds all members' keys by kid. A kid is a thumbprint, so it can name
// but one key, and the checks of charter and rosters see to it that it has but
// one member, and does not come back.
type ring map[string]held

var errUnknownKey = errors.New("bundle: no member has this key")

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
