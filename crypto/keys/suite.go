package keys

import "fmt"

// Use is what a key is for. It is part of the key's public form.
type Use string

// The uses.
const (
	Command Use = "command" // ledger statements
	Attest  Use = "attest"  // records, list entries, reports, bulletins
	Release Use = "release" // key binding of released disclosures (RFC 9901)
	Seal    Use = "seal"    // key agreement for what is encrypted to the member
	TLS     Use = "tls"     // the node's pinned certificate
	Cosign  Use = "cosign"  // checkpoints of the ledger's Merkle tree
)

// Alg is an algorithm by its JOSE name (RFC 7518, RFC 8037).
type Alg string

// The algorithms. RFC 9864 renames EdDSA with Ed25519 to "Ed25519"; tools in
// use know the older name.
const (
	EdDSA  Alg = "EdDSA"   // Ed25519 signatures
	ES256  Alg = "ES256"   // ECDSA, P-256, SHA-256
	ECDHES Alg = "ECDH-ES" // key agreement on P-256
)

// Uses lists all uses in the order of this file.
func Uses() []Use { return []Use{Command, Attest, Release, Seal, TLS, Cosign} }

// Alg is the one algorithm of the use, "" for an unknown use.
func (u Use) Alg() Alg {
	switch u {
	case Command, TLS, Cosign:
		return EdDSA
	case Attest, Release:
		return ES256
	case Seal:
		return ECDHES
	}
	return ""
}

// ParseUse refuses every name that is not exactly one of the uses.
func ParseUse(s string) (Use, error) {
	if u := Use(s); u.Alg() != "" {
		return u, nil
	}
	return "", fmt.Errorf("%w: unknown use", ErrKey)
}
