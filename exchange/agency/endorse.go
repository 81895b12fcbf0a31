package agency

import (
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
)

// ErrNoSeat is given to a member that has no vote in the joint meeting.
var ErrNoSeat = exchange.Define(exchange.KindForbidden, "MEM-020",
	exchange.Text{Zh: "本成员单位在联席会议没有席位，不能出具同意", En: "this member has no seat in the joint meeting and endorses nothing"},
	exchange.Text{Zh: "由有席位的成员单位办理", En: "leave it to the members with seats"})

// Endorse signs exactly these bytes of a catalogue on behalf of this member's
// seat. Only the version that follows the one in force can be endorsed: a
// signature under anything else would be of no use, or of use too late.
func (a *Agency) Endorse(document []byte) (members.Endorsement, string, error) {
	view := a.Ledger.View()
	if self, ok := view.Member(a.Self); !ok || !self.Sits() {
		return members.Endorsement{}, "", ErrNoSeat.With()
	}
	next, err := catalogue.ParseV1(document) // what catalogue.adopt will read
	if err != nil {
		return members.Endorsement{}, "", err
	}
	now := view.Catalogue().Document()
	if next.ID != now.ID {
		return members.Endorsement{}, "", members.ErrAdoptDocument.With("got", next.ID, "want", now.ID)
	}
	if next.Version != now.Version+1 {
		return members.Endorsement{}, "", members.ErrAdoptVersion.With("got", next.Version, "want", now.Version+1)
	}
	e := members.Endorsement{Federation: a.Federation, Catalogue: catalogue.Digest(document), Version: next.Version}
	payload, err := e.Encode()
	if err != nil {
		return members.Endorsement{}, "", err
	}
	key, err := a.Keys.Key(keys.Command)
	if err != nil {
		return members.Endorsement{}, "", err
	}
	token, err := jws.Sign(key, jws.TypEndorsement, payload)
	if err != nil {
		return members.Endorsement{}, "", err
	}
	return e, token, nil
}
