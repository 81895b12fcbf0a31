package node

import (
	"context"
	"path/filepath"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/node/founding"
)

// blindEpoch is the epoch of the key that the charter names.
const blindEpoch = 1

// openBlinder is how this node blinds persons' numbers: with the key that every member
// holds, or by asking those who hold it.
func (n *Node) openBlinder(storage []byte) (blind.Blinder, error) {
	ref := n.charter.Blind
	var secret []byte
	if founding.HoldsBlind(ref, n.id.Member) {
		var err error
		if secret, err = n.secret(founding.SecretBlind); err != nil {
			return nil, err
		}
		defer clear(secret)
	}
	switch ref.Scheme {
	case blind.SchemeHMAC:
		if blind.Commitment(secret) != ref.Commitment {
			return nil, ErrStart.With("why", "the blinding key is not the federation's")
		}
		return blind.NewHMAC(secret)
	case blind.SchemeVOPRF:
		group, err := ref.Group()
		if err != nil {
			return nil, ErrStart.Wrap(err, "why", "the blinding key is not the federation's")
		}
		n.blinding, err = agency.NewOblivious(agency.ObliviousConfig{Epoch: blindEpoch, Group: group, Holders: ref.Holders, Self: n.id.Member,
			Share: secret, Storage: storage, Cache: filepath.Join(n.cfg.Dir, "blind", "cache"), Ask: n.askHolder, Log: n.log})
		if err != nil {
			return nil, err
		}
		n.closeWith(n.blinding.Close)
		return n.blinding, nil
	}
	return nil, ErrStart.With("why", "the charter blinds numbers by a scheme this version does not know")
}

// askHolder has another member's node evaluate.
func (n *Node) askHolder(ctx context.Context, holder exchange.MemberID, epoch int, blinded []oprf.Element) (oprf.Evaluation, error) {
	peer, err := n.Peer(holder)
	if err != nil {
		return oprf.Evaluation{}, err
	}
	return peer.Evaluate(ctx, epoch, blinded)
}
