package wire

import (
	"encoding/json"
	"time"

	"accord/exchange"
)

// PublicRecords is a page of what the public is shown of the records a node holds.
type PublicRecords struct {
	At        time.Time      `json:"at"`        // at which it is shown
	Catalogue int            `json:"catalogue"` // version that says what is shown
	Records   []PublicRecord `json:"records"`
	Next      string         `json:"next,omitempty"` // cursor
}

// PublicRecord is what the public is shown of one record.
type PublicRecord struct {
	ID          exchange.RecordID          `json:"id"`
	Category    string                     `json:"category"`
	Author      exchange.MemberID          `json:"author"`
	Subject     exchange.SubjectID         `json:"subject,omitempty"` // none for a person
	SubjectKind string                     `json:"subject_kind"`
	IssuedAt    time.Time                  `json:"issued_at"`
	Digest      string                     `json:"digest"`
	Fields      map[string]json.RawMessage `json:"fields"`
	Until       *time.Time                 `json:"until,omitempty"`    // from then on it is not shown any more
	Disputed    bool                       `json:"disputed,omitempty"` // its subject objected, and that is not decided
	Document    string                     `json:"document,omitempty"` // SD-JWT without disclosures, where all that it shows is public
}
