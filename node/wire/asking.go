package wire

import (
	"time"

	"accord/exchange"
)

// Records is a page of what a question finds.
type Records struct {
	Records []Record `json:"records"`
	// Question is the question in its one spelling; Link is the next page's.
	Question string `json:"question,omitempty"`
	Next     string `json:"next,omitempty"`
	Link     string `json:"link,omitempty"`
	// Known is the position the answer stands on: what had reached this node by then.
	// All its pages have the same.
	Known time.Time      `json:"known_at"`
	Names []NamedSubject `json:"names,omitempty"` // subjects of the page, where a name was asked for, best first
	More  bool           `json:"more,omitempty"`  // more subjects answer to the name than are looked at
}

// NamedSubject is a subject as a search by name found it.
type NamedSubject struct {
	Subject exchange.SubjectID `json:"subject"`
	Name    string             `json:"name"`    // as a record gives it
	Current bool               `json:"current"` // it is the newest that is known
	Level   string             `json:"level"`   // exact, alias, near
	Reason  string             `json:"reason"`  // identical, writing, alias, legal-form, sound, part, similar
	Why     exchange.Text      `json:"why"`     // the same in words
	Score   int                `json:"score"`   // 0 to 1000; orders what is equally near
}
