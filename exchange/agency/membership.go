package agency

import (
	"context"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/members"
)

// EndorseRoster signs exactly these bytes of a roster on behalf of this member's
// seat. Only one that could follow the roster in force is endorsed, with the proofs
// that come with it: a signature under anything else would be of no use, or of use
// too late.
func (a *Agency) EndorseRoster(s members.SignedRoster) (members.RosterEndorsement, string, error) {
	fail := func(err error) (members.RosterEndorsement, string, error) {
		return members.RosterEndorsement{}, "", err
	}
	view := a.Ledger.View()
	if self, ok := view.Member(a.Self); !ok || !self.Sits() {
		return fail(ErrNoSeat.With())
	}
	next, err := view.Lineage().Draft(s)
	if err != nil {
		return fail(err)
	}
	e := members.RosterEndorsement{Federation: a.Federation, Roster: members.Digest([]byte(s.Document)), Version: next.Version}
	payload, err := e.Encode()
	if err != nil {
		return fail(err)
	}
	key, err := a.Keys.Key(keys.Command)
	if err != nil {
		return fail(err)
	}
	token, err := jws.Sign(key, jws.TypEndorsement, payload)
	if err != nil {
		return fail(err)
	}
	return e, token, nil
}

// EnactRoster carries a roster with its endorsements to the ledger.
func (a *Agency) EnactRoster(ctx context.Context, op exchange.OperatorID, s members.SignedRoster) (exchange.Result, error) {
	if _, err := a.Ledger.View().Lineage().Extend(s, nil); err != nil {
		return exchange.Result{}, err // said here what the ledger would say, without a trace there
	}
	return a.Act(ctx, op, exchange.VerbRoster, s)
}
