package custody

import (
	"iter"

	"accord/crypto/share"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
)

// Policy is who has to keep an author's records of a category by the catalogue: any K
// of the custodians open a field.
type Policy struct {
	Category   string
	K          int
	Custodians []exchange.MemberID // members that may act and the rule names, the author apart, by id
}

// Enough says whether there are as many custodians as it takes.
func (p *Policy) Enough() bool { return len(p.Custodians) >= p.K }

// PolicyOf is the policy for a category; ok is false where the catalogue asks for no
// custody. Members come by id.
func PolicyOf(c *catalogue.Catalogue, all iter.Seq[members.Member], author exchange.MemberID, category string) (p Policy, ok bool) {
	row := c.Category(category)
	if row == nil || row.Custody == nil {
		return p, false
	}
	rule := row.Custody
	p = Policy{Category: category, K: rule.K}
	for m := range all {
		if m.Takes() && m.ID != author && rule.Holds(m.ID, m.Kind) && len(p.Custodians) < share.MaxHolders {
			p.Custodians = append(p.Custodians, m.ID)
		}
	}
	return p, true
}
