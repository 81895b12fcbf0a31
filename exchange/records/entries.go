package records

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"accord/crypto/tlog"
	"accord/exchange/feed"
)

// The entries of a bundle are stored without what is the same in all of them:
//
//	kind (1 to 4), id: length 0 and the 16 bytes that 22 characters stand for, or
//	length and text; the digest's 32 bytes
//
// What was stored before is the bundle as it is served, in which every entry begins
// with a byte 0; both may stand in one bundle.
var entryKinds = []feed.Kind{feed.Record, feed.Correction, feed.Retraction, feed.Erasure}

func packEntry(e feed.Entry) []byte {
	b := append(make([]byte, 0, 64), byte(1+slices.Index(entryKinds, e.Kind)))
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(e.ID); err == nil && len(e.ID) == idText {
		b = append(append(b, 0), raw...)
	} else {
		b = append(append(b, byte(len(e.ID))), e.ID...) // at most 64
	}
	return append(b, e.Digest[:]...)
}

// unpackEntries takes a stored bundle apart.
func unpackEntries(data []byte) ([]feed.Entry, error) {
	var all []feed.Entry
	for len(data) > 0 {
		e, rest, err := cutEntry(data)
		if err != nil {
			return nil, ErrStorage.Wrap(fmt.Errorf("a feed's entries: %w", err))
		}
		all, data = append(all, e), rest
	}
	if len(all) == 0 || len(all) > tlog.TileWidth {
		return nil, ErrStorage.Wrap(fmt.Errorf("a feed's entries: %d in a bundle", len(all)))
	}
	return all, nil
}

var errEntry = errors.New("not one that was stored")

func cutEntry(data []byte) (e feed.Entry, rest []byte, err error) {
	if data[0] == 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return e, nil, errEntry
		}
		n := 2 + int(binary.BigEndian.Uint16(data))
		e, err = feed.DecodeEntry(data[2:n])
		return e, data[n:], err
	}
	if len(data) < 2 || int(data[0]) > len(entryKinds) {
		return e, nil, errEntry
	}
	e.Kind = entryKinds[data[0]-1]
	size := int(data[1])
	if size == 0 {
		size = 16
	}
	if len(data) < 2+size+len(e.Digest) {
		return e, nil, errEntry
	}
	if e.ID = string(data[2 : 2+size]); data[1] == 0 {
		e.ID = base64.RawURLEncoding.EncodeToString(data[2 : 2+size])
	}
	copy(e.Digest[:], data[2+size:])
	return e, data[2+size+len(e.Digest):], nil
}
