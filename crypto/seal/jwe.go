package seal

import (
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"accord/crypto/internal/b64url"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// TypRelease is the typ of every JWE made here.
const TypRelease = "accord-release+jwe"

// Limits and sizes of a JWE, in bytes.
const (
	MaxDelivery = 1 << 20 // plaintext

	maxJWE         = 2 * MaxDelivery
	maxJWEHeader   = 1024
	maxContentType = 64
	gcmNonce       = 12
	gcmTag         = 16
)

// jweHeader is the protected header: these six members, each once, and no
// other. That leaves no place for zip (a decompressed secret tells its content
// by its length), crit, apu and apv, keys by URL, or another algorithm.
type jweHeader struct {
	Alg string    `json:"alg"`
	Cty string    `json:"cty"`
	Enc string    `json:"enc"`
	EPK ephemeral `json:"epk"`
	KID string    `json:"kid"`
	Typ string    `json:"typ"`
}

type ephemeral struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// Encrypt makes a JWE in compact form (RFC 7516 section 7.1) that only the
// owner of the seal key can open: ECDH-ES with an ephemeral P-256 key of its
// own, A256GCM. ContentType says what is inside and is authenticated.
func Encrypt(to keys.Public, contentType string, plaintext []byte) (string, error) {
	point := to.ECDSA()
	if to.Use() != keys.Seal || point == nil {
		return "", ErrKey
	}
	if !mediaType(contentType) {
		return "", ErrContentType
	}
	if len(plaintext) > MaxDelivery {
		return "", ErrSize
	}
	options := (&jose.EncrypterOptions{}).WithType(TypRelease).WithContentType(jose.ContentType(contentType))
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: point, KeyID: to.KID()}, options)
	if err != nil {
		return "", ErrKey
	}
	object, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return "", ErrRandom // with these inputs only the random source can fail
	}
	token, err := object.CompactSerialize()
	if err != nil {
		return "", ErrKey
	}
	return token, nil
}

// Decrypt opens a JWE that Encrypt made for this seal key with this content
// type. Form, header and recipient are checked before any cryptography; the
// only error is [ErrOpen].
func Decrypt(k keys.Private, contentType, jwe string) (plaintext []byte, err error) {
	// The header checks leave go-jose little room, but two of its releases had
	// a panic on crafted input (CVE-2026-34986, CVE-2026-116585).
	defer func() {
		if recover() != nil {
			plaintext, err = nil, ErrOpen
		}
	}()
	if k.Use() != keys.Seal || !mediaType(contentType) || !jweWellFormed(jwe, contentType, k.Public().KID()) {
		return nil, ErrOpen
	}
	object, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, ErrOpen
	}
	plaintext, err = object.Decrypt(k.ECDSA())
	if err != nil {
		return nil, ErrOpen
	}
	if plaintext == nil {
		plaintext = []byte{}
	}
	return plaintext, nil
}

// jweWellFormed checks all that can be checked without a secret.
func jweWellFormed(jwe, contentType, kid string) bool {
	if len(jwe) > maxJWE {
		return false
	}
	part := strings.SplitN(jwe, ".", 6)
	if len(part) != 5 || len(part[0]) > maxJWEHeader || part[1] != "" { // ECDH-ES direct has no encrypted key
		return false
	}
	header, err := b64url.Decode(part[0])
	if err != nil {
		return false
	}
	for i, size := range map[int]int{2: gcmNonce, 4: gcmTag} {
		if b, err := b64url.Decode(part[i]); err != nil || len(b) != size {
			return false
		}
	}
	if _, err := b64url.Decode(part[3]); err != nil {
		return false
	}
	var h jweHeader
	if err := strictjson.Unmarshal(header, &h); err != nil {
		return false
	}
	return h.Alg == string(jose.ECDH_ES) && h.Enc == string(jose.A256GCM) &&
		h.Typ == TypRelease && h.Cty == contentType && h.KID == kid && h.EPK.onCurve()
}

// onCurve tells whether the ephemeral key is a point of P-256 in its one
// encoding: a point elsewhere would draw the recipient's key out bit by bit
// (RFC 8725 section 2.5).
func (e ephemeral) onCurve() bool {
	jwk, err := strictjson.Marshal(e)
	if err != nil {
		return false
	}
	_, err = keys.FromJWK(keys.Seal, jwk)
	return err == nil
}

// mediaType tells whether s is a lower-case media type name, with or without
// its "application/" (RFC 7515 section 4.1.10).
func mediaType(s string) bool {
	if s == "" || len(s) > maxContentType {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("/+-.", rune(c)) {
			return false
		}
	}
	return true
}

// Recipient is the id of the key that a JWE of Encrypt names, "" when it has not the
// form of one. It is no proof that the key opens it.
func Recipient(jwe string) string {
	head, _, _ := strings.Cut(jwe, ".")
	if len(head) > maxJWEHeader {
		return ""
	}
	raw, err := b64url.Decode(head)
	if err != nil {
		return ""
	}
	var h jweHeader
	if err := strictjson.Unmarshal(raw, &h); err != nil {
		return ""
	}
	return h.KID
}
