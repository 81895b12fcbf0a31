package sdjwt

import "accord/crypto/keys"

// Foreign verifies documents that are not ours: the caller checks the issuer's
// and the holder's signature, and says which names must not be hidden. It
// exists in tests only, for examples whose headers crypto/jws refuses.
type Foreign struct {
	Issuer  func(jwt string) (payload []byte, err error)
	Binding func(token string, holder keys.Public) (payload []byte, err error)
	Visible []string
}

func (f Foreign) verifier() verifier {
	return verifier{
		issuer: func(jwt string) ([]byte, keys.Public, error) {
			payload, err := f.Issuer(jwt)
			return payload, keys.Public{}, err
		},
		binding: f.Binding,
		visible: f.Visible,
	}
}

// Verify is the package's Verify past the header.
func (f Foreign) Verify(combined string) (*Verified, error) {
	p, err := split(combined)
	if err != nil {
		return nil, err
	}
	return f.verifier().document(p)
}

// VerifyBound is the package's VerifyBound past the headers.
func (f Foreign) VerifyBound(combined, aud, nonce string) (*Verified, *Binding, error) {
	return f.verifier().bound(combined, aud, nonce)
}

// Process puts disclosures into an unsigned payload.
func Process(payload []byte, disclosures []Disclosure) (map[string]any, error) {
	return processed(payload, disclosures, nil)
}
