package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// wrappedSize is that of a field key in AES Key Wrap (RFC 3394 section 2.2.1), behind the
// version.
const wrappedSize = 1 + 8 + KeySize

// wrap encrypts a field's key for one place.
func (s *Sealer) wrap(b Binding, fieldKey []byte) ([]byte, error) {
	block, err := s.wrapping(b)
	if err != nil {
		return nil, err
	}
	wrapped, err := josecipher.KeyWrap(block, fieldKey)
	if err != nil {
		return nil, err
	}
	return append([]byte{version2}, wrapped...), nil
}

// unwrap is the inverse of wrap. Its only error is ErrOpen.
func (s *Sealer) unwrap(b Binding, wrapped []byte) ([]byte, error) {
	block, err := s.wrapping(b)
	if err != nil {
		return nil, ErrOpen
	}
	fieldKey, err := josecipher.KeyUnwrap(block, wrapped[1:])
	if err != nil {
		return nil, ErrOpen
	}
	return fieldKey, nil
}

// wrapping is AES-256 under the key that the storage key has for one place.
func (s *Sealer) wrapping(b Binding) (cipher.Block, error) {
	kek, err := hkdf.Expand(sha256.New, s.root[:], b.frame(tagWrap), KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	return aes.NewCipher(kek)
}
