package blinding

import (
	"encoding/base64"
	"fmt"
	"iter"
	"slices"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/state"
)

// Status is where a change of holders stands.
type Status string

// The statuses.
const (
	Dealing   Status = "dealing"   // 分发中: holders of now deal
	Accepting Status = "accepting" // 接受中: the next ones verify and accept
	InForce   Status = "in-force"  // 已生效
	Replaced  Status = "replaced"  // 已更替: a later change is in force
	Refused   Status = "refused"   // 已终止: a party refused
	Lapsed    Status = "lapsed"    // 已过期: its deadline passed
)

// Statuses lists all statuses.
func Statuses() []Status { return []Status{Dealing, Accepting, InForce, Replaced, Refused, Lapsed} }

// Deal is a holder's dealing: what everybody may know of it.
type Deal struct {
	Member     exchange.MemberID `json:"member"`
	Commitment []string          `json:"commitment"`      // base64url
	Proof      string            `json:"proof,omitempty"` // of a new key's part, that its dealer knows it
	Seq        int64             `json:"seq"`
}

// Change is one change of the key's holders.
type Change struct {
	Version   int                 `json:"version"` // from 1; the charter's group is 0
	Proposal  exchange.CommandID  `json:"proposal"`
	Epoch     int                 `json:"epoch"`
	Fresh     bool                `json:"fresh,omitzero"` // a new key, of which every next holder deals a part
	Threshold int                 `json:"threshold"`
	Holders   []exchange.MemberID `json:"holders"` // in the order of their shares
	Need      int                 `json:"need"`    // dealings
	At        exchange.Millis     `json:"at"`      // ledger time
	Deadline  exchange.Millis     `json:"deadline"`
	Seq       int64               `json:"seq"`

	Deals       []Deal              `json:"deals,omitempty"`       // in the order of the ledger
	Commitments []string            `json:"commitments,omitempty"` // of the next group, once all have dealt
	Accepted    []exchange.MemberID `json:"accepted,omitempty"`
	Since       exchange.Millis     `json:"since,omitzero"` // in force since
	End         *End                `json:"end,omitempty"`
}

// End is how a change ended without effect.
type End struct {
	By     exchange.MemberID `json:"by"`
	Dealer exchange.MemberID `json:"dealer,omitempty"` // whose dealing is at fault, as By says
	Why    string            `json:"why"`              // a name
	At     exchange.Millis   `json:"at"`
	Seq    int64             `json:"seq"`
}

// StatusAt is where the change stands at a ledger time not before that of the rows.
func (c *Change) StatusAt(r state.Reader, at exchange.Millis) Status {
	switch {
	case c.End != nil:
		return Refused
	case c.Since != 0:
		for later := range changes.Scan(r, key(c.Version)) {
			if later.Since != 0 && later.Epoch == c.Epoch {
				return Replaced
			}
		}
		return InForce
	case at >= c.Deadline:
		return Lapsed
	case c.Commitments != nil:
		return Accepting
	}
	return Dealing
}

// Dealt is a member's dealing.
func (c *Change) Dealt(m exchange.MemberID) (Deal, bool) {
	i := slices.IndexFunc(c.Deals, func(d Deal) bool { return d.Member == m })
	if i < 0 {
		return Deal{}, false
	}
	return c.Deals[i], true
}

// Group is a key's public side as the ledger says who holds it.
type Group struct {
	Version   int                 `json:"version"` // 0: as the charter says
	Epoch     int                 `json:"epoch"`
	Threshold int                 `json:"threshold"`
	Holders   []exchange.MemberID `json:"holders"`
	Elements  []oprf.Element      `json:"-"`     // the commitment
	Since     exchange.Millis     `json:"since"` // ledger time
}

// Open makes what evaluations are judged by.
func (g *Group) Open() (*oprf.Group, error) { return oprf.NewGroup(g.Elements, len(g.Holders)) }

// Index is a member's number among the holders, 0 when it is none.
func (g *Group) Index(m exchange.MemberID) int { return slices.Index(g.Holders, m) + 1 }

var changes = state.NewTable("blinding.changes", func(c *Change) string { return key(c.Version) }).Later()

func key(version int) string { return fmt.Sprintf("%010d", version) }

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{changes} }

// Get finds a change.
func Get(r state.Reader, version int) (Change, bool) { return changes.Get(r, key(version)) }

// All gives the changes, oldest first.
func All(r state.Reader) iter.Seq[Change] { return changes.Scan(r, "") }

// Newest is the last change that was begun.
func Newest(r state.Reader) (last Change, ok bool) {
	for c := range All(r) {
		last, ok = c, true
	}
	return last, ok
}

// InForceOf is the group by whose key persons' ids are made; none where every member has
// the key.
func InForceOf(r state.Reader) (Group, bool) {
	all := Epochs(r)
	if len(all) == 0 {
		return Group{}, false
	}
	return all[len(all)-1], true
}

// Gone are the holders that may not act now, since they left or are suspended. What they
// held they have: who left has to be replaced before its share is worth nothing.
func (g *Group) Gone(r state.Reader) (all []exchange.MemberID) {
	for _, id := range g.Holders {
		if m, ok := members.Get(r, id); !ok || !m.Takes() {
			all = append(all, id)
		}
	}
	return all
}

// Epochs are the groups of all keys there were, oldest first, each as it is held now: ids
// of former ones stand in records, and who has the number finds them.
func Epochs(r state.Reader) []Group {
	fed := members.Fed(r)
	if fed.Blind.Scheme != blind.SchemeVOPRF {
		return nil
	}
	g, err := GroupOf(fed.Blind)
	if err != nil {
		return nil
	}
	g.Since = fed.Founded
	all := []Group{g}
	for c := range All(r) {
		if c.Since == 0 {
			continue
		}
		e, err := decode(c.Commitments)
		if err != nil {
			return nil
		}
		next := Group{c.Version, c.Epoch, c.Threshold, c.Holders, e, c.Since}
		if at := slices.IndexFunc(all, func(g Group) bool { return g.Epoch == c.Epoch }); at >= 0 {
			all[at] = next
		} else {
			all = append(all, next)
		}
	}
	return all
}

// GroupIn is the group of an epoch's key.
func GroupIn(r state.Reader, epoch int) (Group, bool) {
	for _, g := range Epochs(r) {
		if g.Epoch == epoch {
			return g, true
		}
	}
	return Group{}, false
}

// FirstEpoch is the epoch of the charter's key.
const FirstEpoch = 1

// GroupOf is the group that a charter names.
func GroupOf(ref members.BlindRef) (Group, error) {
	texts := ref.Commitments
	if len(texts) == 0 {
		texts = []string{ref.Commitment}
	}
	e, err := decode(texts)
	return Group{Epoch: FirstEpoch, Threshold: len(texts), Holders: ref.Holders, Elements: e}, err
}

func decode(texts []string) ([]oprf.Element, error) {
	if len(texts) > oprf.MaxHolders {
		return nil, oprf.ErrElement
	}
	return oprf.DecodeElements(texts)
}

// Encode writes a commitment as the ledger has it.
func Encode(elements []oprf.Element) (texts []string) {
	for _, e := range elements {
		texts = append(texts, base64.RawURLEncoding.EncodeToString(e[:]))
	}
	return texts
}

// Dealers are who may deal: the holders of now, or of a new key the next ones.
func (c *Change) Dealers(now *Group) []exchange.MemberID {
	if c.Fresh {
		return c.Holders
	}
	return now.Holders
}

// Dealing is a deal as the arithmetic takes it; now is the group whose key is given on.
func (c *Change) Dealing(now *Group, d Deal) (oprf.Dealing, error) {
	e, err := decode(d.Commitment)
	at := slices.Index(c.Dealers(now), d.Member) + 1
	if err == nil && at == 0 {
		err = oprf.ErrGroup
	}
	return oprf.Dealing{Dealer: at, Commitment: e}, err
}

// Context binds the proof that a dealer knows its part of a new key to one change.
func (c *Change) Context(federation string, dealer exchange.MemberID) []byte {
	return fmt.Appendf(nil, "%s/%d/%s/%s", federation, c.Version, c.Proposal, dealer)
}
