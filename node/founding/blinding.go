package founding

import (
	"encoding/base64"
	"slices"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/members"
)

// makeBlind makes the key that blinds persons' numbers: what the charter says of it,
// and what each member gets of it, nil for nothing. Whoever drafts a charter knows the
// key until the draft is made; DESIGN.md of crypto/oprf says what that means.
func makeBlind(terms Terms) (members.BlindRef, func(exchange.MemberID) []byte, error) {
	if len(terms.Holders) == 0 {
		key, err := randomBytes(blind.KeySize)
		return members.BlindRef{Scheme: blindScheme, Commitment: blind.Commitment(key)}, func(exchange.MemberID) []byte { return key }, err
	}
	ref := members.BlindRef{Scheme: blind.SchemeVOPRF, Holders: terms.Holders}
	key, err := oprf.NewKey()
	if err != nil {
		return ref, nil, err
	}
	shares := []*oprf.Key{key}
	public := key.Public()
	ref.Commitment = base64.RawURLEncoding.EncodeToString(public[:])
	if len(terms.Holders) > 1 {
		k := terms.Threshold
		if k == 0 {
			k = len(terms.Holders)/2 + 1
		}
		var commitment []oprf.Element
		if commitment, shares, err = oprf.Split(key, k, len(terms.Holders)); err != nil {
			return ref, nil, ErrDraft.Wrap(err, "why", "so many holders cannot evaluate together")
		}
		for _, c := range commitment {
			ref.Commitments = append(ref.Commitments, base64.RawURLEncoding.EncodeToString(c[:]))
		}
	} else if terms.Threshold > 1 {
		return ref, nil, ErrDraft.With("why", "so many holders cannot evaluate together")
	}
	secrets := make([][]byte, len(shares))
	for i, s := range shares {
		if secrets[i], err = s.Bytes(); err != nil {
			return ref, nil, err
		}
	}
	return ref, func(m exchange.MemberID) []byte {
		if at := slices.Index(terms.Holders, m); at >= 0 {
			return secrets[at]
		}
		return nil
	}, nil
}

// HoldsBlind says whether a member holds the blinding key, or a share of it.
func HoldsBlind(ref members.BlindRef, m exchange.MemberID) bool {
	return ref.Scheme != blind.SchemeVOPRF || slices.Contains(ref.Holders, m)
}

// fitsBlind says whether a member's secret is what the charter commits to.
func fitsBlind(ref members.BlindRef, m exchange.MemberID, secret []byte) bool {
	switch ref.Scheme {
	case blindScheme:
		return blind.Commitment(secret) == ref.Commitment
	case blind.SchemeVOPRF:
		group, err := ref.Group()
		if err != nil {
			return false
		}
		share, err := oprf.ParseKey(secret)
		return err == nil && group.Holds(slices.Index(ref.Holders, m)+1, share)
	}
	return false
}
