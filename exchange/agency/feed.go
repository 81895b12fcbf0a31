package agency

import (
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/feed"
)

// feedDocument signs the document of a retraction or erasure.
func (a *Agency) feedDocument(kind feed.Kind, id exchange.RecordID, ground string) (feed.Document, error) {
	attest, err := a.Keys.Key(keys.Attest)
	if err != nil {
		return feed.Document{}, err
	}
	jti, err := a.randomID()
	if err != nil {
		return feed.Document{}, err
	}
	return feed.SignDocument(kind, feed.Claims{Issuer: a.Self, ID: jti, IssuedAt: int64(a.now()) / 1000, Federation: a.Federation,
		Record: id, Ground: ground}, attest)
}
