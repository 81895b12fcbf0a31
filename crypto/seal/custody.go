package seal

import (
	"io"
	"strconv"
)

// tagCustody is the domain tag of boxes that custodians keep.
const tagCustody = "accord-custody-box/v1"

func (b Binding) custody(generation int) string {
	return frame(tagCustody, b.Record, b.Field, b.Digest, strconv.Itoa(generation))
}

// SealUnder encrypts plaintext for the place b and a generation of its custody under
// a key that the caller shares out, padded and committing as Seal does. It is a box
// without a wrapped key: whoever keeps it cannot open it.
func SealUnder(key []byte, b Binding, generation int, plaintext []byte, rand io.Reader) ([]byte, error) {
	switch {
	case len(key) != KeySize:
		return nil, ErrKey
	case !b.valid():
		return nil, ErrBinding
	case len(plaintext) > MaxPlaintext:
		return nil, ErrSize
	}
	padded := pad(plaintext)
	defer clear(padded)
	return lock(key, b.custody(generation), padded, rand)
}

// OpenUnder opens what SealUnder made for the same place and generation. Its only
// error is [ErrOpen].
func OpenUnder(key []byte, b Binding, generation int, box []byte) ([]byte, error) {
	if len(key) != KeySize || !b.valid() {
		return nil, ErrOpen
	}
	padded, err := unlock(key, b.custody(generation), box)
	if err != nil {
		return nil, err
	}
	plaintext, ok := unpad(padded)
	if !ok {
		return nil, ErrOpen
	}
	return plaintext, nil
}
