package transport

import (
	"crypto/ed25519"
	"errors"
	"testing"
)

// A signature counts only for the node whose key made it, over the bytes it was
// made over, and only while the key is pinned for that node alone.
func TestSignatures(t *testing.T) {
	c1, pin1 := certificate(t)
	_, pin2 := certificate(t)
	pins := &book{}
	pins.set("n1", [32]byte{1}, pin1)
	pins.set("n2", pin2)
	n1, err := NewTLS(TLSConfig{NodeID: "n1", Address: "x", Certificate: c1, Pins: pins.get})
	if err != nil {
		t.Fatal(err)
	}
	if PinOf(c1.PrivateKey.(ed25519.PrivateKey).Public().(ed25519.PublicKey)) != pin1 {
		t.Fatal("PinOf and Pin differ")
	}
	for name, network := range map[string]Network{"tls": n1, "hub": NewHub().Join("n1", "host")} {
		message := []byte("message")
		sig := network.Sign(message)
		if len(sig) != SignatureSize {
			t.Fatalf("%s: %d bytes", name, len(sig))
		}
		if err := network.Verify("n1", message, sig); err != nil {
			t.Errorf("%s: own signature: %v", name, err)
		}
		if network.Verify("n2", message, sig) == nil || network.Verify("nobody", message, sig) == nil {
			t.Errorf("%s: counts for another node", name)
		}
		if network.Verify("n1", []byte("massage"), sig) == nil {
			t.Errorf("%s: counts for another message", name)
		}
		for _, at := range []int{0, 40, 95} {
			bad := append([]byte(nil), sig...)
			bad[at] ^= 1
			if network.Verify("n1", message, bad) == nil {
				t.Errorf("%s: byte %d does not matter", name, at)
			}
		}
		if network.Verify("n1", message, sig[:95]) == nil || network.Verify("n1", message, nil) == nil {
			t.Errorf("%s: a short signature counts", name)
		}
	}
	sig := n1.Sign([]byte("m"))
	pins.set("n2", pin1)
	if err := n1.Verify("n1", []byte("m"), sig); !errors.Is(err, ErrUnknown) {
		t.Errorf("a key of two nodes speaks: %v", err)
	}
	pins.set("n2", pin2)
	pins.set("n1")
	if err := n1.Verify("n1", []byte("m"), sig); !errors.Is(err, ErrUnknown) {
		t.Errorf("a key that was exchanged speaks: %v", err)
	}
}
