package seal

import (
	"encoding/binary"
	"math/bits"
)

// Padding: the plaintext is preceded by its length in four bytes and followed
// by zeros up to the next bucket.
const (
	lengthSize = 4
	minBucket  = 64
	maxBucket  = 64 << 10

	// MaxPlaintext is the longest plaintext that can be sealed, in bytes.
	MaxPlaintext = maxBucket - lengthSize
)

// bucket gives the padded size for n bytes of plaintext, n ≤ MaxPlaintext.
func bucket(n int) int {
	n += lengthSize
	if n <= minBucket {
		return minBucket
	}
	return 1 << bits.Len(uint(n-1))
}

func isBucket(n int) bool {
	return n >= minBucket && n <= maxBucket && n&(n-1) == 0
}

func pad(plaintext []byte) []byte {
	out := make([]byte, bucket(len(plaintext)))
	binary.BigEndian.PutUint32(out, uint32(len(plaintext)))
	copy(out[lengthSize:], plaintext)
	return out
}

// unpad accepts exactly what pad gives: the right bucket and only zeros behind
// the plaintext. What it sees has been authenticated, so it need not hide
// where it fails.
func unpad(padded []byte) ([]byte, bool) {
	if !isBucket(len(padded)) {
		return nil, false
	}
	n := binary.BigEndian.Uint32(padded)
	if n > MaxPlaintext || bucket(int(n)) != len(padded) {
		return nil, false
	}
	rest := padded[lengthSize+n:]
	for _, b := range rest {
		if b != 0 {
			return nil, false
		}
	}
	return padded[lengthSize : lengthSize+n : lengthSize+n], true
}
