package webhooks

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// The schemes of signatures.
const (
	Symmetric  = "v1"  // HMAC-SHA256; secret whsec_…
	Asymmetric = "v1a" // Ed25519; public key whpk_…
)

// derive is an endpoint's key with an id, 32 bytes: a secret or an Ed25519 seed.
func (w *Webhooks) derive(name, scheme, id string) ([]byte, error) {
	return hkdf.Key(sha256.New, w.Secret, []byte(id), "accord-webhook/1\n"+scheme+"\n"+name, 32)
}

// shown is what the receiver is given to verify with.
func (w *Webhooks) shown(e *endpoint) (string, error) {
	key, err := w.derive(e.Name, e.Scheme, e.Keys[0].ID)
	if err != nil {
		return "", err
	}
	if e.Scheme == Asymmetric {
		public := ed25519.NewKeyFromSeed(key).Public().(ed25519.PublicKey)
		return "whpk_" + base64.StdEncoding.EncodeToString(public), nil
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(key), nil
}

// signature is the header over a message: one by each key that counts, the newest
// first.
func (w *Webhooks) signature(e *endpoint, id string, unix int64, body []byte) (string, error) {
	content := append([]byte(id+"."+strconv.FormatInt(unix, 10)+"."), body...)
	var all []string
	for _, k := range e.Keys {
		if k.Until != 0 && unix >= k.Until {
			continue
		}
		key, err := w.derive(e.Name, e.Scheme, k.ID)
		if err != nil {
			return "", err
		}
		var sig []byte
		if e.Scheme == Asymmetric {
			sig = ed25519.Sign(ed25519.NewKeyFromSeed(key), content)
		} else {
			mac := hmac.New(sha256.New, key)
			mac.Write(content)
			sig = mac.Sum(nil)
		}
		all = append(all, e.Scheme+","+base64.StdEncoding.EncodeToString(sig))
	}
	return strings.Join(all, " "), nil
}
