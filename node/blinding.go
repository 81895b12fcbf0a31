package node

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"accord/crypto/blind"
	"accord/crypto/keystore"
	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/blinding"
	"accord/exchange/machine"
	"accord/node/api"
	"accord/node/founding"
	"accord/node/wire"
)

// openBlinder is how this node blinds persons' numbers: with the key that every member
// holds, or by asking those who hold it.
func (n *Node) openBlinder(storage []byte) (blind.Blinder, error) {
	ref := n.charter.Blind
	switch ref.Scheme {
	case blind.SchemeHMAC:
		secret, err := n.secret(founding.SecretBlind)
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		if blind.Commitment(secret) != ref.Commitment {
			return nil, ErrStart.With("why", "the blinding key is not the federation's")
		}
		return blind.NewHMAC(secret)
	case blind.SchemeVOPRF:
		secret, err := blindShares{n.keys}.Share(0) // none where the holders have changed since
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		group, err := ref.Group()
		if err != nil {
			return nil, ErrStart.Wrap(err, "why", "the blinding key is not the federation's")
		}
		n.blinding, err = agency.NewOblivious(agency.ObliviousConfig{Epoch: blinding.FirstEpoch, Group: group, Holders: ref.Holders, Self: n.id.Member,
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
func (n *Node) askHolder(ctx context.Context, holder exchange.MemberID, which agency.KeyName, blinded []oprf.Element) (oprf.Evaluation, error) {
	peer, err := n.peerClient(holder)
	if err != nil {
		return oprf.Evaluation{}, err
	}
	return peer.Evaluate(ctx, which.Epoch, which.Version, blinded)
}

// blindShares keeps this member's shares of the blinding key in its keystore: the one
// from the founding, and by the number of the change those that came later.
type blindShares struct{ keys *keystore.Store }

func shareName(version int) string {
	if version == 0 {
		return founding.SecretBlind
	}
	return founding.SecretBlind + "-" + strconv.Itoa(version)
}

// Share gives a copy of a share, empty when there is none.
func (s blindShares) Share(version int) ([]byte, error) {
	b, err := s.keys.Secret(shareName(version))
	if errors.Is(err, keystore.ErrNone) {
		return nil, nil
	}
	return b, err
}

// Keep stores a share durably. Another one under the same number is an error.
func (s blindShares) Keep(version int, share []byte) error {
	return s.keys.PutSecret(shareName(version), share)
}

// Forget destroys a share.
func (s blindShares) Forget(version int) error { return s.keys.ForgetSecret(shareName(version)) }

// successionEvery is how often the ledger is looked at for changes of the blinding key's
// holders.
const successionEvery = time.Second

// keepBlinding does this member's share of changes of the blinding key's holders, and
// follows them.
func (n *Node) keepBlinding(ctx context.Context) {
	if n.succession == nil {
		return
	}
	last := ""
	for {
		if _, gone := n.removed(); !gone && n.ready.Load() && !n.witness.Stopped() {
			said := ""
			if err := n.succession.Round(ctx, announcer); err != nil && ctx.Err() == nil {
				if said = exchange.AsError(err).Code; said != last {
					n.log.Warn("the change of the blinding key's holders does not go on", "error", err)
				}
			}
			last = said
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(successionEvery):
		}
	}
}

// askPart asks a holder for this member's part of a change.
func (n *Node) askPart(ctx context.Context, dealer exchange.MemberID, version int) (string, error) {
	peer, err := n.peerClient(dealer)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return peer.BlindingPart(ctx, version)
}

// shareLost says whether the ledger has this member hold a share of a blinding key that
// its node cannot answer with.
func (n *Node) shareLost() bool {
	if n.blinding == nil {
		return false
	}
	for _, g := range blinding.Epochs(n.machine.View().Rows()) {
		name, has := n.blinding.Using(g.Epoch)
		if g.Index(n.id.Member) > 0 && name.Version == g.Version && !has {
			return true
		}
	}
	return false
}

// holdersGone are the keys that blind persons' numbers of which a holder may not act.
func (n *Node) holdersGone(view *machine.View) (all []wire.BlindingEpoch) {
	for _, k := range api.BlindingEpochs(view, n.blinding) {
		if len(k.Gone) > 0 {
			all = append(all, k)
		}
	}
	return all
}
