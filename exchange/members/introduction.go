package members

import (
	"bytes"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// Introduction (自荐书) is a member's own statement of name, keys and node, signed
// with the command key it names. It is how a newcomer shows what it wants to be
// listed as, and how a member shows that it holds its new keys.
type Introduction struct {
	Format     string          `json:"format"`
	Federation string          `json:"federation"`
	Invitation string          `json:"invitation,omitempty"` // id of the invitation it answers
	At         exchange.Millis `json:"at"`
	Member     Founder         `json:"member"`
}

// IntroductionFormat is the format this build reads and writes.
const IntroductionFormat = "accord-introduction/1"

// introductionKind is how introductions are signed.
var introductionKind = jws.Kind{Typ: jws.TypIntroduction, Use: keys.Command}

// OpenIntroduction verifies a compact introduction: one of the keys in it signed
// it. Who that is, it cannot say.
func OpenIntroduction(token string, verify Verifier) (Introduction, bool) {
	t, err := jws.Parse(token)
	if err != nil {
		return Introduction{}, false
	}
	var in Introduction
	if strictjson.Unmarshal(t.Payload, &in) != nil || in.Format != IntroductionFormat {
		return Introduction{}, false
	}
	if in.Member.Suspended { // builds before machine version 4 cannot read it, so none does
		return Introduction{}, false
	}
	_, err = verify(token, introductionKind, func(kid string) (keys.Public, error) {
		for _, k := range in.Member.Keys {
			if k.KID() == kid && k.Use() == keys.Command {
				return k, nil
			}
		}
		return keys.Public{}, jws.ErrKey
	})
	return in, err == nil
}

// shows says whether the introduction is of exactly this member. Seat and role
// are for the others to give, so they need not be the ones it wished for.
func (in Introduction) shows(federation string, m Founder) bool {
	own := in.Member
	own.Seat, own.Node.Role, own.Suspended = m.Seat, m.Node.Role, m.Suspended
	return in.Federation == federation && sameListing(own, m)
}

// sameListing compares everything two listings say.
func sameListing(a, b Founder) bool {
	x, errx := strictjson.Marshal(a)
	y, erry := strictjson.Marshal(b)
	return errx == nil && erry == nil && bytes.Equal(x, y)
}
