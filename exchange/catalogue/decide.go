package catalogue

import "accord/exchange"

// Request is what a member asks the catalogue: may this kind of member open
// these fields of a record of this category, for this purpose, on this basis?
type Request struct {
	Requester exchange.MemberKind `json:"requester"`
	Author    exchange.MemberKind `json:"author"`
	Category  string              `json:"category"`
	Fields    []string            `json:"fields"`
	Purpose   string              `json:"purpose"`
	BasisKind string              `json:"basis_kind"` // "case", "decision", "consent", "statute"
	BasisRef  string              `json:"basis_ref"`  // case number, document number
}

// Decision is the catalogue's answer with its reason: the rule that granted,
// or the rule that came nearest and the clause it failed.
type Decision struct {
	Outcome   Outcome       `json:"outcome"`
	Catalogue string        `json:"catalogue"` // document id
	Version   int           `json:"version"`
	Rule      string        `json:"rule,omitempty"`   // the rule applied, or the nearest one that failed
	Clause    string        `json:"clause,omitempty"` // category | field | requester | purpose | basis | limit | class
	Why       exchange.Text `json:"why"`
	Need      exchange.Text `json:"need"` // what would be needed
	Approval  Approval      `json:"approval,omitempty"`
	ValidMS   int64         `json:"valid_ms,omitempty"` // how long a grant stands
}
