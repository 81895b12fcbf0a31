package lists

import (
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange/members"
	"accord/exchange/state"
)

// VerifyDocument checks the own signature of an entry's document, as DocumentOf
// gives it, with the attest key its nominator had when it nominated. Apply does
// not: the nominator signed the command over all its documents, and a document
// that fails here is its provable fault. The error is ErrSignature.
func VerifyDocument(r state.Reader, e *Entry, doc string) error {
	_, err := jws.VerifyKind(strings.TrimSuffix(doc, "~"), Kind, func(kid string) (keys.Public, error) {
		m, ok := members.Get(r, e.By)
		if !ok {
			return keys.Public{}, jws.ErrKey
		}
		key, ok := m.KeyOf(kid, e.NominatedAt)
		if !ok {
			return keys.Public{}, jws.ErrKey
		}
		return key, nil
	})
	if err != nil {
		return ErrSignature.Wrap(err)
	}
	return nil
}
