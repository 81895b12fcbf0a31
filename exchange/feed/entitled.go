package feed

import (
	"slices"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// Entitled says whether the catalogue lets a member of a kind hold the signed part
// of records of a category on subjects of an id namespace: the category has a field
// that is public for them, or members of the kind author it, or a rule lets them ask
// for a field of it. A signed record names its subject and that sealed fields exist;
// who may see none of them has no business with that either.
func Entitled(c *catalogue.Catalogue, category, namespace string, kind exchange.MemberKind) bool {
	cat := c.Category(category)
	if cat == nil {
		return false
	}
	for i := range cat.Fields {
		if cat.Fields[i].ClassFor(namespace) == catalogue.Public {
			return true
		}
	}
	if slices.Contains(cat.Authors, kind) {
		return true
	}
	for _, r := range c.Document().Rules {
		if slices.Contains(r.Categories, category) && slices.Contains(r.Requesters, kind) {
			return true
		}
	}
	return false
}
