package agency

import (
	"context"
	"crypto/sha3"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"slices"

	"accord/crypto/keys"
	"accord/crypto/oprf"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/blinding"
	"accord/exchange/custody"
	"accord/exchange/machine"
)

// Shares is where a member keeps its shares of the blinding key, by the version of the
// holders.
type Shares interface {
	Share(version int) ([]byte, error) // empty: none
	Keep(version int, share []byte) error
	Forget(version int) error
}

// partType is what a part is encrypted as.
const partType = "accord-blinding-part"

// part is what a holder gives a next holder of its share.
type part struct {
	Federation string            `json:"fed"`
	Version    int               `json:"version"`
	Dealer     exchange.MemberID `json:"dealer"`
	Holder     exchange.MemberID `json:"holder"`
	Part       custody.Bytes     `json:"part"`
}

// AskPart has a holder of now give this member its part of a change.
type AskPart func(ctx context.Context, dealer exchange.MemberID, version int) (jwe string, err error)

// Succession does this member's share of changes of the blinding key's holders, as the
// ledger says they stand. A round can end anywhere and the next one goes on: a dealing is
// made of the storage key, so it is the same each time, and a share is kept before it is
// accepted.
type Succession struct {
	agency    *Agency
	oblivious *Oblivious
	shares    Shares
	ask       AskPart
	seed      []byte
	log       *slog.Logger

	forgotten int              // changes up to this one need no more forgetting
	lost      map[KeyName]bool // of which it was said that the share in use is not here
}

// NewSuccession prepares it; storage is this member's storage key.
func NewSuccession(a *Agency, o *Oblivious, shares Shares, storage []byte, ask AskPart, log *slog.Logger) *Succession {
	return &Succession{agency: a, oblivious: o, shares: shares, ask: ask, seed: derive(storage, "accord/blinding-deal/1"), log: log, lost: map[KeyName]bool{}}
}

// Round does what there is to do now.
func (s *Succession) Round(ctx context.Context, op exchange.OperatorID) error {
	view := s.agency.Ledger.View()
	for _, g := range blinding.Epochs(view.Rows()) {
		if err := s.follow(&g); err != nil {
			return err
		}
	}
	c, ok := blinding.Newest(view.Rows())
	if !ok {
		return nil
	}
	now, _ := blinding.GroupIn(view.Rows(), c.Epoch)
	switch c.StatusAt(view.Rows(), view.Time()) { // by ledger time: what has lapsed by it stays so
	case blinding.Dealing:
		return s.deal(ctx, op, &now, &c)
	case blinding.Accepting:
		return s.accept(ctx, op, &now, &c)
	}
	return s.forget(view, &c)
}

// follow has this node use a group in force.
func (s *Succession) follow(g *blinding.Group) error {
	name := KeyName{g.Epoch, g.Version}
	if now, has := s.oblivious.Using(g.Epoch); now == name {
		if g.Index(s.agency.Self) > 0 && !has && !s.lost[name] {
			s.lost[name] = true
			s.log.Error("this member holds a share of the blinding key, and its keystore lacks it: restore the keystore from its backup, or have the holders decided anew (accord blinding propose)", "epoch", g.Epoch, "version", g.Version)
		}
		return nil
	}
	share, err := s.shares.Share(g.Version)
	if err != nil {
		return err
	}
	defer clear(share)
	group, err := g.Open()
	if err != nil {
		return err
	}
	if err := s.oblivious.Use(name, group, g.Holders, share); err != nil {
		return err
	}
	s.log.Info("the holders of the blinding key are others", "epoch", g.Epoch, "version", g.Version, "threshold", g.Threshold)
	return nil
}

// stream is what the dealing of a change is made of.
func (s *Succession) stream(c *blinding.Change) io.Reader {
	h := sha3.NewSHAKE256()
	h.Write(s.seed)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(c.Version)))
	h.Write([]byte(c.Proposal))
	return h
}

// dealing is this member's dealing of a change, with the proof that a new key's part
// needs: nothing where it has no share to deal.
func (s *Succession) dealing(now *blinding.Group, c *blinding.Change) (commitment []oprf.Element, parts []*oprf.Key, proof []byte, err error) {
	random := s.stream(c)
	var key *oprf.Key
	if c.Fresh {
		if key, err = oprf.KeyFrom(random); err == nil {
			proof, err = key.Knows(c.Context(s.agency.Federation, s.agency.Self))
		}
	} else {
		var raw []byte
		if raw, err = s.shares.Share(now.Version); err != nil || len(raw) == 0 {
			return nil, nil, nil, err
		}
		defer clear(raw)
		if key, err = oprf.ParseKey(raw); err != nil {
			err = ErrShare.Wrap(err)
		}
	}
	if err != nil {
		return nil, nil, nil, err
	}
	commitment, parts, err = oprf.Deal(key, c.Threshold, len(c.Holders), random)
	return commitment, parts, proof, err
}

func (s *Succession) deal(ctx context.Context, op exchange.OperatorID, now *blinding.Group, c *blinding.Change) error {
	if _, done := c.Dealt(s.agency.Self); done || !slices.Contains(c.Dealers(now), s.agency.Self) {
		return nil
	}
	commitment, _, proof, err := s.dealing(now, c)
	if err != nil || commitment == nil {
		return err
	}
	body := blinding.DealBody{Version: c.Version, Commitment: blinding.Encode(commitment), Proof: base64.RawURLEncoding.EncodeToString(proof)}
	s.agency.hit("blinding.deal.before")
	_, err = s.agency.Act(ctx, op, exchange.VerbBlindingDeal, body)
	s.agency.hit("blinding.deal.after")
	if errors.Is(err, blinding.ErrNoChange) { // enough others were quicker
		return nil
	}
	return err
}

// Part is this member's part for a next holder of a change that is being accepted, or
// has just been, encrypted to it.
func (s *Succession) Part(holder exchange.MemberID, version int) (string, error) {
	view := s.agency.Ledger.View()
	c, ok := blinding.Get(view.Rows(), version)
	at := slices.Index(c.Holders, holder)
	if !ok || c.StatusAt(view.Rows(), view.Time()) != blinding.Accepting {
		return "", blinding.ErrNoChange.With("version", version)
	}
	deal, dealt := c.Dealt(s.agency.Self)
	if at < 0 || !dealt {
		return "", blinding.ErrNotParty.With("member", holder)
	}
	now, _ := blinding.GroupIn(view.Rows(), c.Epoch)
	commitment, parts, _, err := s.dealing(&now, &c)
	if err != nil {
		return "", err
	}
	if !slices.Equal(blinding.Encode(commitment), deal.Commitment) { // another storage key than then
		return "", ErrShare.With()
	}
	member, _ := view.Member(holder)
	to, ok := member.Key(keys.Seal, s.agency.instant(view))
	if !ok || !member.Takes() {
		return "", blinding.ErrNotParty.With("member", holder)
	}
	raw, err := parts[at].Bytes()
	if err != nil {
		return "", err
	}
	defer clear(raw)
	plain, err := strictjson.Marshal(part{s.agency.Federation, version, s.agency.Self, holder, raw})
	if err != nil {
		return "", err
	}
	defer clear(plain)
	return seal.Encrypt(to, partType, plain)
}

// accept gets this member's parts, verifies each against its dealer's commitment, joins
// them, keeps the share and says so. A part that does not fit ends the change; a dealer
// that is away is asked again in the next round.
func (s *Succession) accept(ctx context.Context, op exchange.OperatorID, now *blinding.Group, c *blinding.Change) error {
	at := slices.Index(c.Holders, s.agency.Self) + 1
	if at == 0 || slices.Contains(c.Accepted, s.agency.Self) {
		return nil
	}
	share, wrong, err := s.collect(ctx, now, c, at)
	if err != nil {
		return err
	}
	if wrong != "" {
		s.log.Warn("a holder's part of the blinding key does not fit what it dealt; the change is refused", "dealer", wrong, "version", c.Version)
		_, err := s.agency.Act(ctx, op, exchange.VerbBlindingRefuse, blinding.RefuseBody{Version: c.Version, Dealer: wrong, Why: "part"})
		return err
	}
	raw, err := share.Bytes()
	if err != nil {
		return err
	}
	defer clear(raw)
	s.agency.hit("blinding.keep.before")
	if err := s.shares.Keep(c.Version, raw); err != nil {
		return err
	}
	s.agency.hit("blinding.accept.before")
	_, err = s.agency.Act(ctx, op, exchange.VerbBlindingAccept, blinding.AcceptBody{Version: c.Version})
	s.agency.hit("blinding.accept.after")
	return err
}

// collect makes this member's share of the next group; wrong names a dealer whose part
// does not fit.
func (s *Succession) collect(ctx context.Context, now *blinding.Group, c *blinding.Change, at int) (share *oprf.Key, wrong exchange.MemberID, err error) {
	var dealers []int
	var parts []*oprf.Key
	for _, d := range c.Deals {
		dealing, err := c.Dealing(now, d)
		if err != nil {
			return nil, "", err
		}
		p, err := s.partOf(ctx, now, c, d.Member, at)
		if err != nil {
			return nil, "", err
		}
		if p == nil || !dealing.Gives(at, p) {
			return nil, d.Member, nil
		}
		dealers, parts = append(dealers, dealing.Dealer), append(parts, p)
	}
	if c.Fresh {
		share, err = oprf.Sum(parts)
	} else {
		share, err = oprf.Join(dealers, parts)
	}
	if err != nil {
		return nil, "", err
	}
	next := blinding.Group{Threshold: c.Threshold, Holders: c.Holders}
	if next.Elements, err = oprf.DecodeElements(c.Commitments); err != nil {
		return nil, "", err
	}
	group, err := next.Open()
	if err == nil && !group.Holds(at, share) {
		err = ErrShare.With()
	}
	return share, "", err
}

// partOf asks a dealer for this member's part; nil: what it gave is none.
func (s *Succession) partOf(ctx context.Context, now *blinding.Group, c *blinding.Change, dealer exchange.MemberID, at int) (*oprf.Key, error) {
	if dealer == s.agency.Self {
		_, parts, _, err := s.dealing(now, c)
		if err != nil || parts == nil {
			return nil, err
		}
		return parts[at-1], nil
	}
	jwe, err := s.ask(ctx, dealer, c.Version)
	if err != nil {
		return nil, err
	}
	key, err := s.agency.sealKeyFor(jwe)
	if err != nil {
		return nil, err
	}
	plain, err := seal.Decrypt(key, partType, jwe)
	if err != nil {
		return nil, nil
	}
	defer clear(plain)
	var got part
	if strictjson.Unmarshal(plain, &got) != nil || got.Federation != s.agency.Federation || got.Version != c.Version || got.Dealer != dealer || got.Holder != s.agency.Self {
		return nil, nil
	}
	defer clear(got.Part)
	p, err := oprf.ParseKey(got.Part)
	if err != nil {
		return nil, nil
	}
	return p, nil
}

// answersFor is how long after a change a holder still answers for the group before, in
// ledger time: others may not have heard.
const answersFor exchange.Millis = 60_000

// forget destroys this member's shares of groups that do not count any more, and of
// changes that came to nothing.
func (s *Succession) forget(view *machine.View, last *blinding.Change) error {
	if s.forgotten >= last.Version || last.Since != 0 && s.agency.instant(view) < last.Since+answersFor {
		return nil
	}
	inForce := map[int]bool{}
	for _, g := range blinding.Epochs(view.Rows()) {
		inForce[g.Version] = true
	}
	s.oblivious.Forget()
	for v := 0; v <= last.Version; v++ {
		if inForce[v] {
			continue
		}
		if err := s.shares.Forget(v); err != nil {
			return err
		}
	}
	s.agency.hit("blinding.forgotten")
	s.forgotten = last.Version
	return nil
}

// Refuse ends a change that is under way, for an operator.
func (s *Succession) Refuse(ctx context.Context, op exchange.OperatorID, version int) error {
	_, err := s.agency.Act(ctx, op, exchange.VerbBlindingRefuse, blinding.RefuseBody{Version: version, Why: "operator"})
	return err
}
