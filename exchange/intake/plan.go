package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
)

// Digest is the SHA-256 of what a mapping says, in hex: the same for two
// documents that mean the same.
func (m *Mapping) Digest() (string, error) {
	data, err := json.Marshal(m) // members in their order, maps by key
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Outcome sums what becomes of every row, in order. Two readings of one file
// have one outcome exactly when every row fares the same.
type Outcome struct{ hash hash.Hash }

// Add takes the next row and what the store does with it.
func (o *Outcome) Add(row *Row, effect Effect) {
	if o.hash == nil {
		o.hash = sha256.New()
	}
	b := binary.AppendUvarint(nil, uint64(row.Number))
	for _, s := range []string{row.Table, string(effect), row.RowKey, row.RowDigest} {
		b = appendFrame(b, s)
	}
	o.hash.Write(b)
}

// Sum is the digest so far, in hex.
func (o *Outcome) Sum() string {
	if o.hash == nil {
		return hex.EncodeToString(sha256.New().Sum(nil))
	}
	return hex.EncodeToString(o.hash.Sum(nil))
}
