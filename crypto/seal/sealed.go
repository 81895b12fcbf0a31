package seal

import (
	"encoding/base64"

	"accord/crypto/internal/b64url"
	"accord/crypto/strictjson"
)

// maxSealedJSON bounds the JSON form of a Sealed, in bytes.
const maxSealedJSON = 2*maxBucket + 1024

// Sealed is one sealed value: a field key wrapped by the storage key, and the
// box it opens. Its JSON form is the object {"key","box"} with base64url
// members; both must have the exact size of their version.
type Sealed struct {
	Key []byte `json:"key"` // the field's random key, wrapped by the storage key
	Box []byte `json:"box"` // the padded plaintext, encrypted under the field's key
}

type sealedJSON struct {
	Key string `json:"key"`
	Box string `json:"box"`
}

// wellFormed tells whether the sizes and versions are those of a Sealed.
func (s Sealed) wellFormed() bool {
	return isKey(s.Key) && isBox(s.Box)
}

func isKey(b []byte) bool {
	return len(b) == overhead+KeySize && b[0] == version1 || len(b) == wrappedSize && b[0] == version2
}

func isBox(b []byte) bool {
	return len(b) > overhead && b[0] == version1 && isBucket(len(b)-overhead) ||
		len(b) > overheadOnce && b[0] == version2 && isBucket(len(b)-overheadOnce)
}

// MarshalJSON gives the JSON form; a value that was not made by a Sealer is
// refused.
func (s Sealed) MarshalJSON() ([]byte, error) {
	if !s.wellFormed() {
		return nil, ErrOpen
	}
	return s.AppendJSON(nil), nil
}

// Whole says whether the value was made by a Sealer and has both its parts.
func (s Sealed) Whole() bool { return s.wellFormed() }

// AppendJSON adds the JSON form of a value that is Whole.
func (s Sealed) AppendJSON(to []byte) []byte {
	to = base64.RawURLEncoding.AppendEncode(append(to, `{"key":"`...), s.Key)
	to = base64.RawURLEncoding.AppendEncode(append(to, `","box":"`...), s.Box)
	return append(to, `"}`...)
}

// UnmarshalJSON accepts only what MarshalJSON gives, white space apart. Its
// only error is [ErrOpen].
func (s *Sealed) UnmarshalJSON(data []byte) error {
	*s = Sealed{}
	if len(data) > maxSealedJSON {
		return ErrOpen
	}
	var form sealedJSON
	if err := strictjson.Unmarshal(data, &form); err != nil {
		return ErrOpen
	}
	key, errKey := b64url.Decode(form.Key)
	box, errBox := b64url.Decode(form.Box)
	got := Sealed{Key: key, Box: box}
	if errKey != nil || errBox != nil || !got.wellFormed() {
		return ErrOpen
	}
	*s = got
	return nil
}
