package feed

import (
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
)

// AckKind is the type of a member's word about how much of a feed it holds.
var AckKind = jws.Kind{Typ: "accord-feed-ack+jws", Use: keys.Attest}

// Ack is what a member signs for a feed that reaches it by hand: so many of the
// author's entries are stored here, with this root over them.
type Ack struct {
	Issuer     exchange.MemberID `json:"iss"`
	IssuedAt   int64             `json:"iat"` // seconds
	Federation string            `json:"fed"`
	Author     exchange.MemberID `json:"author"`
	Size       int64             `json:"size"`
	Root       tlog.Hash         `json:"root"`
}

// SignAck makes the token.
func SignAck(a Ack, attest keys.Private) (string, error) {
	payload, err := strictjson.Marshal(a)
	if err != nil {
		return "", err
	}
	return jws.SignKind(attest, AckKind, payload)
}

// ReadAck verifies the token of whichever member it names about this author's feed;
// lookup is asked for that member's keys.
func ReadAck(token string, author exchange.MemberID, federation string, lookup func(exchange.MemberID) jws.Lookup) (Ack, error) {
	var a Ack
	if len(token) > maxDocument {
		return a, ErrDocument.With("why", "form")
	}
	t, err := jws.Parse(token)
	if err != nil || t.Typ != AckKind.Typ {
		return a, ErrDocument.Wrap(err, "why", "form")
	}
	if err := strictjson.Unmarshal(t.Payload, &a); err != nil {
		return a, ErrDocument.Wrap(err, "why", "claims")
	}
	if !exchange.ValidName(string(a.Issuer)) || a.Author != author || a.Issuer == author || a.Federation != federation || a.Size < 0 || a.Size > tlog.MaxSize {
		return a, ErrDocument.With("why", "claims")
	}
	if _, err := jws.VerifyKind(token, AckKind, lookup(a.Issuer)); err != nil {
		return a, ErrDocument.Wrap(err, "why", "signature")
	}
	return a, nil
}
