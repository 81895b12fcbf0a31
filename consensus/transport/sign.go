package transport

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
)

// SignatureSize is the length of a node's signature: its Ed25519 public key
// (RFC 8032) and the signature itself. The key travels along because the
// membership pins a hash of it, and several of them while a key is exchanged.
const SignatureSize = ed25519.PublicKeySize + ed25519.SignatureSize

// spkiHead is what precedes the key in an Ed25519 SubjectPublicKeyInfo, RFC 8410
// section 4: the encoding has no choices, so the pin follows from the key.
var spkiHead = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

// PinOf is the [Pin] of a certificate with this Ed25519 key.
func PinOf(key ed25519.PublicKey) [32]byte {
	return sha256.Sum256(append(bytes.Clone(spkiHead), key...))
}

// sign makes a signature of the form Verify takes; nil for a key that is no
// Ed25519 key or cannot sign.
func sign(key crypto.PrivateKey, message []byte) []byte {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil
	}
	pub, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil
	}
	sig, err := signer.Sign(nil, message, crypto.Hash(0))
	if err != nil || len(sig) != ed25519.SignatureSize {
		return nil
	}
	return append(bytes.Clone(pub), sig...)
}

// verify checks a signature against the pins of the node it should be of.
func verify(pins [][32]byte, message, sig []byte) error {
	if len(sig) != SignatureSize {
		return malformed("signature length")
	}
	key := ed25519.PublicKey(sig[:ed25519.PublicKeySize])
	if !holds(pins, PinOf(key)) {
		return ErrUnknown
	}
	if !ed25519.Verify(key, message, sig[ed25519.PublicKeySize:]) {
		return malformed("signature")
	}
	return nil
}

// Sign signs with the key of the certificate shown in handshakes.
func (t *TLS) Sign(message []byte) []byte { return sign(t.cert.Load().PrivateKey, message) }

// Verify checks a signature against the keys pinned for a node. A key pinned for
// two nodes speaks for neither.
func (t *TLS) Verify(node string, message, sig []byte) error {
	pins := t.cfg.Pins()
	if err := verify(pins[node], message, sig); err != nil {
		return err
	}
	pin := PinOf(ed25519.PublicKey(sig[:ed25519.PublicKeySize]))
	for id := range pins {
		if id != node && holds(pins[id], pin) {
			return ErrUnknown
		}
	}
	return nil
}

// canSign says whether a certificate's key makes the signatures peers expect.
func canSign(c tls.Certificate) bool { return sign(c.PrivateKey, []byte("probe")) != nil }

// hubKey is the key of a node of a [Hub]: it follows from the id, so whoever
// joins as that node has it, as whoever holds a certificate's key has that.
func hubKey(id string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("accord hub key of " + id))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (n *memNetwork) Sign(message []byte) []byte { return sign(n.key, message) }

func (n *memNetwork) Verify(node string, message, sig []byte) error {
	pin := PinOf(hubKey(node).Public().(ed25519.PublicKey))
	return verify([][32]byte{pin}, message, sig)
}
