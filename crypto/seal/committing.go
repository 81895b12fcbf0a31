package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Sizes in bytes of the committing AEAD.
const (
	KeySize    = 32
	nonceSize  = chacha20poly1305.NonceSizeX
	commitSize = sha256.Size
	overhead   = 1 + nonceSize + commitSize + chacha20poly1305.Overhead

	overheadOnce = 1 + commitSize + chacha20poly1305.Overhead

	version1 = 0x01
	version2 = 0x02
)

// lock encrypts plaintext under key and context as the package comment says.
func lock(key []byte, context string, plaintext []byte, rand io.Reader) ([]byte, error) {
	out := make([]byte, 1+nonceSize, overhead+len(plaintext))
	out[0] = version1
	nonce := out[1:]
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, ErrRandom
	}
	commitment, sub, err := split(key, nonce, context)
	if err != nil {
		return nil, err
	}
	defer clear(sub)
	aead, err := chacha20poly1305.NewX(sub)
	if err != nil {
		return nil, err
	}
	out = append(out, commitment...)
	return aead.Seal(out, nonce, plaintext, []byte(context)), nil
}

// unlock is the inverse of lock. Its only error is ErrOpen.
func unlock(key []byte, context string, layer []byte) ([]byte, error) {
	if len(layer) < overhead || layer[0] != version1 {
		return nil, ErrOpen
	}
	nonce, rest := layer[1:1+nonceSize], layer[1+nonceSize:]
	commitment, sub, err := split(key, nonce, context)
	if err != nil {
		return nil, ErrOpen
	}
	defer clear(sub)
	if subtle.ConstantTimeCompare(commitment, rest[:commitSize]) != 1 {
		return nil, ErrOpen
	}
	aead, err := chacha20poly1305.NewX(sub)
	if err != nil {
		return nil, ErrOpen
	}
	plaintext, err := aead.Open(nil, nonce, rest[commitSize:], []byte(context))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// split derives the commitment and the encryption key of one layer.
func split(key, nonce []byte, context string) (commitment, sub []byte, err error) {
	okm, err := hkdf.Key(sha256.New, key, nonce, context, commitSize+chacha20poly1305.KeySize)
	if err != nil {
		return nil, nil, err
	}
	return okm[:commitSize:commitSize], okm[commitSize:], nil
}

// lockOnce is lock under a key that encrypts this plaintext and nothing else: it needs no
// nonce.
func lockOnce(key []byte, context string, plaintext []byte) ([]byte, error) {
	commitment, sub, err := splitOnce(key, context)
	if err != nil {
		return nil, err
	}
	defer clear(sub)
	aead, err := chacha20poly1305.New(sub)
	if err != nil {
		return nil, err
	}
	out := append(append(make([]byte, 0, overheadOnce+len(plaintext)), version2), commitment...)
	return aead.Seal(out, make([]byte, aead.NonceSize()), plaintext, []byte(context)), nil
}

// unlockOnce is the inverse of lockOnce. Its only error is ErrOpen.
func unlockOnce(key []byte, context string, layer []byte) ([]byte, error) {
	if len(layer) < overheadOnce || layer[0] != version2 {
		return nil, ErrOpen
	}
	commitment, sub, err := splitOnce(key, context)
	if err != nil {
		return nil, ErrOpen
	}
	defer clear(sub)
	if subtle.ConstantTimeCompare(commitment, layer[1:1+commitSize]) != 1 {
		return nil, ErrOpen
	}
	aead, err := chacha20poly1305.New(sub)
	if err != nil {
		return nil, ErrOpen
	}
	plaintext, err := aead.Open(nil, make([]byte, aead.NonceSize()), layer[1+commitSize:], []byte(context))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// splitOnce is split for a key of one use, which is random and needs no extracting (RFC
// 5869 section 3.3).
func splitOnce(key []byte, context string) (commitment, sub []byte, err error) {
	okm, err := hkdf.Expand(sha256.New, key, context, commitSize+chacha20poly1305.KeySize)
	if err != nil {
		return nil, nil, err
	}
	return okm[:commitSize:commitSize], okm[commitSize:], nil
}

// frame joins the parts, each preceded by its length in eight bytes, so that
// no two lists of parts give the same bytes.
func frame(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += 8 + len(p)
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return string(b)
}
