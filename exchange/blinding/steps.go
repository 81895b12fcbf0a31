package blinding

import (
	"encoding/base64"
	"slices"
	"strconv"

	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/state"
)

// Patience is how long a change may take, in ledger time, from its decision on.
const Patience exchange.Millis = 7 * 24 * 3_600_000

// Plan is what a decision says of the next holders.
type Plan struct {
	Threshold int
	Holders   []exchange.MemberID
	Fresh     bool // they make a new key, and ids of a new epoch
	Epoch     int  // whose key is given on; 0: the last one's
}

// Next is the number of the change that a decision of now would begin.
func Next(r state.Reader) int {
	last, _ := Newest(r)
	return last.Version + 1
}

// Check says what is wrong about a plan now. What is decided names the change by its
// number, so that a decision is carried out once. The same holders again are a change,
// too: a share that was lost, or may be known, is worth nothing after it.
func Check(a *members.Act, object string, p Plan) error {
	now, ok := InForceOf(a.Tx)
	last, any := Newest(a.Tx)
	switch {
	case !ok:
		return ErrDecision.With("why", "every member holds the key")
	case any && !over(&last, a):
		return ErrUnderWay.With("version", last.Version)
	case object != strconv.Itoa(Next(a.Tx)):
		return ErrDecision.With("why", "the change has another number")
	case p.Fresh && p.Epoch != 0 || p.Epoch < 0 || p.Epoch > now.Epoch:
		return ErrDecision.With("why", "there is no such epoch to give on")
	case p.Threshold < 2 || p.Threshold > len(p.Holders) || len(p.Holders) > oprf.MaxHolders:
		return ErrDecision.With("why", "so many holders cannot evaluate together")
	}
	for i, m := range p.Holders {
		row, known := members.Get(a.Tx, m)
		if !known || row.Status != members.Active || row.Suspended != 0 || slices.Contains(p.Holders[:i], m) {
			return ErrDecision.With("why", "a holder is named twice or is no active member")
		}
	}
	return nil
}

func over(c *Change, a *members.Act) bool {
	s := c.StatusAt(a.Tx, a.Now)
	return s != Dealing && s != Accepting
}

// Begin carries out what the joint meeting decided.
func Begin(a *members.Act, proposal exchange.CommandID, object string, p Plan) error {
	if err := Check(a, object, p); err != nil {
		return err
	}
	now, _ := InForceOf(a.Tx)
	if p.Epoch != 0 {
		now, _ = GroupIn(a.Tx, p.Epoch)
	}
	c := &Change{Version: Next(a.Tx), Proposal: proposal, Epoch: now.Epoch, Fresh: p.Fresh, Threshold: p.Threshold, Holders: p.Holders,
		Need: now.Threshold, At: a.Now, Deadline: a.Now + Patience, Seq: a.Seq}
	if p.Fresh {
		c.Epoch, c.Need = now.Epoch+1, len(p.Holders)
	}
	return changes.Insert(a.Tx, c)
}

// DealBody is the body of blinding.deal.
type DealBody struct {
	Version    int      `json:"version"`
	Commitment []string `json:"commitment"`      // base64url
	Proof      string   `json:"proof,omitempty"` // of a new key's part, that its dealer knows it; base64url
}

// DecodeDeal reads the body.
func DecodeDeal(body []byte) (*DealBody, error) {
	b := new(DealBody)
	if err := exchange.DecodeBody(exchange.VerbBlindingDeal, body, b); err != nil {
		return nil, err
	}
	if _, err := decode(b.Commitment); err != nil || b.Version < 1 || len(b.Proof) > 2*oprf.ProofSize {
		return nil, exchange.ErrBody.With("verb", exchange.VerbBlindingDeal)
	}
	return b, nil
}

// Moved is the outcome of the verbs here.
type Moved struct {
	Version int    `json:"version"`
	Status  Status `json:"status"` // after this
	Missing int    `json:"missing"`
}

// step is the change that a command is about, at the step that it is for.
func step(a *members.Act, version int, at ...Status) (Change, error) {
	c, ok := Get(a.Tx, version)
	if !ok || !slices.Contains(at, c.StatusAt(a.Tx, a.Now)) {
		return c, ErrNoChange.With("version", version)
	}
	return c, nil
}

// PutDeal takes a holder's dealing: of its share, or of a part of a new key that it
// knows, or it is refused. The first dealings, as many as are needed, are those that
// count.
func PutDeal(a *members.Act, b *DealBody) (*Moved, error) {
	c, err := step(a, b.Version, Dealing)
	if err != nil {
		return nil, err
	}
	now, _ := GroupIn(a.Tx, c.Epoch)
	if _, twice := c.Dealt(a.Issuer.ID); twice || !slices.Contains(c.Dealers(&now), a.Issuer.ID) {
		return nil, ErrNotParty.With("member", a.Issuer.ID)
	}
	deal := Deal{a.Issuer.ID, b.Commitment, b.Proof, a.Seq}
	if err := c.honest(a, &now, deal); err != nil {
		return nil, err
	}
	c.Deals = append(slices.Clone(c.Deals), deal)
	out := &Moved{c.Version, Dealing, c.Need - len(c.Deals)}
	if out.Missing == 0 {
		e, err := c.next(&now)
		if err != nil { // the dealings make a group that some holder would have no share of
			return nil, ErrDealing.With("member", a.Issuer.ID)
		}
		c.Commitments, out.Status, out.Missing = Encode(e), Accepting, len(c.Holders)
	}
	return out, changes.Insert(a.Tx, &c)
}

// honest says whether a dealing is of what its dealer is to deal.
func (c *Change) honest(a *members.Act, now *Group, deal Deal) error {
	d, err := c.Dealing(now, deal)
	if err != nil {
		return ErrDealing.With("member", deal.Member)
	}
	if c.Fresh {
		proof, err := base64.RawURLEncoding.Strict().DecodeString(deal.Proof)
		if err != nil || len(d.Commitment) != c.Threshold || !oprf.Known(d.Commitment[0], proof, c.Context(a.Command.Federation, deal.Member)) {
			return ErrDealing.With("member", deal.Member)
		}
		return nil
	}
	g, err := now.Open()
	if err != nil {
		return exchange.ErrInternal.Wrap(err)
	}
	if deal.Proof != "" || !g.Deals(d, c.Threshold) {
		return ErrDealing.With("member", deal.Member)
	}
	return nil
}

// next is the commitment of the group that the dealings make.
func (c *Change) next(now *Group) ([]oprf.Element, error) {
	var all []oprf.Dealing
	for _, was := range c.Deals {
		d, err := c.Dealing(now, was)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if c.Fresh {
		return oprf.Fresh(all, c.Threshold, len(c.Holders))
	}
	g, err := now.Open()
	if err != nil {
		return nil, err
	}
	return g.Reshared(all, c.Threshold, len(c.Holders))
}

// AcceptBody is the body of blinding.accept.
type AcceptBody struct {
	Version int `json:"version"`
}

// DecodeAccept reads the body.
func DecodeAccept(body []byte) (*AcceptBody, error) {
	b := new(AcceptBody)
	if err := exchange.DecodeBody(exchange.VerbBlindingAccept, body, b); err != nil {
		return nil, err
	}
	if b.Version < 1 {
		return nil, exchange.ErrBody.With("verb", exchange.VerbBlindingAccept)
	}
	return b, nil
}

// Accept is a next holder's word that it keeps a share of the new group. The last one
// puts the group into force.
func Accept(a *members.Act, b *AcceptBody) (*Moved, error) {
	c, err := step(a, b.Version, Accepting)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.Holders, a.Issuer.ID) || slices.Contains(c.Accepted, a.Issuer.ID) {
		return nil, ErrNotParty.With("member", a.Issuer.ID)
	}
	c.Accepted = append(slices.Clone(c.Accepted), a.Issuer.ID)
	out := &Moved{c.Version, Accepting, len(c.Holders) - len(c.Accepted)}
	if out.Missing == 0 {
		c.Since, out.Status = a.Now, InForce
	}
	return out, changes.Insert(a.Tx, &c)
}

// RefuseBody is the body of blinding.refuse.
type RefuseBody struct {
	Version int               `json:"version"`
	Dealer  exchange.MemberID `json:"dealer,omitempty"` // whose dealing is at fault
	Why     string            `json:"why"`              // a name: part, away, operator
}

// DecodeRefuse reads the body.
func DecodeRefuse(body []byte) (*RefuseBody, error) {
	b := new(RefuseBody)
	if err := exchange.DecodeBody(exchange.VerbBlindingRefuse, body, b); err != nil {
		return nil, err
	}
	if b.Version < 1 || !exchange.ValidName(b.Why) || b.Dealer != "" && !exchange.ValidName(string(b.Dealer)) {
		return nil, exchange.ErrBody.With("verb", exchange.VerbBlindingRefuse)
	}
	return b, nil
}

// Refuse ends a change without effect: a next holder's part does not fit, or a party
// will not go on. Who lies about another's dealing has stopped a change and no more, and
// the ledger says who it was.
func Refuse(a *members.Act, b *RefuseBody) (*Moved, error) {
	c, err := step(a, b.Version, Dealing, Accepting)
	if err != nil {
		return nil, err
	}
	now, _ := GroupIn(a.Tx, c.Epoch)
	if !slices.Contains(c.Dealers(&now), a.Issuer.ID) && !slices.Contains(c.Holders, a.Issuer.ID) {
		return nil, ErrNotParty.With("member", a.Issuer.ID)
	}
	if _, dealt := c.Dealt(b.Dealer); b.Dealer != "" && !dealt {
		return nil, ErrNotParty.With("member", b.Dealer)
	}
	c.End = &End{By: a.Issuer.ID, Dealer: b.Dealer, Why: b.Why, At: a.Now, Seq: a.Seq}
	return &Moved{Version: c.Version, Status: Refused}, changes.Insert(a.Tx, &c)
}
