package tlog

import (
	"fmt"

	"accord/crypto/keys"
)

// CosignerKey is the verifier key of a member that cosigns its federation's
// ledger with the given key, whose use must be keys.Cosign. A member whose key
// was replaced is still one cosigner: count members, not keys.
func CosignerKey(federation, member string, public keys.Public) (Key, error) {
	return memberKey(CosignerName(federation, member), TypeCosignature, public)
}

// NewCosigner makes the cosignatures of a member.
func NewCosigner(federation, member string, private keys.Private) (*Signer, error) {
	key, err := CosignerKey(federation, member, private.Public())
	if err != nil {
		return nil, err
	}
	return NewSigner(key, private), nil
}

// NewLogSigner makes plain Ed25519 signatures under the ledger's own origin
// with a member's cosign key, for tools that insist on a signature of the log
// itself. Each member may put one; no key belongs to the log.
func NewLogSigner(federation string, private keys.Private) (*Signer, error) {
	key, err := LogKey(federation, private.Public())
	if err != nil {
		return nil, err
	}
	return NewSigner(key, private), nil
}

// LogKey verifies what NewLogSigner makes.
func LogKey(federation string, public keys.Public) (Key, error) {
	return memberKey(LedgerOrigin(federation), TypeEd25519, public)
}

// FeedOrigin is the origin line of a member's feed, and the name under which the
// member signs it: "accord/<federation>/feed/<member>".
func FeedOrigin(federation, member string) string {
	return "accord/" + federation + "/feed/" + member
}

// NewFeedSigner makes the signatures of a feed's own checkpoints with its author's
// cosign key. The origin is in what is signed, so that none of them can pass for
// a signature over the ledger.
func NewFeedSigner(federation, member string, private keys.Private) (*Signer, error) {
	key, err := FeedKey(federation, member, private.Public())
	if err != nil {
		return nil, err
	}
	return NewSigner(key, private), nil
}

// FeedKey verifies what NewFeedSigner makes.
func FeedKey(federation, member string, public keys.Public) (Key, error) {
	return memberKey(FeedOrigin(federation, member), TypeEd25519, public)
}

func memberKey(name string, typ SigType, public keys.Public) (Key, error) {
	if public.Use() != keys.Cosign {
		return Key{}, fmt.Errorf("%w: a key for %q cannot cosign", ErrKey, string(public.Use()))
	}
	return NewKey(name, typ, public.Ed25519())
}
