package catalogue

import (
	"accord/crypto/strictjson"
	"accord/exchange"
)

// The document as format 1 has it, to the last member: what builds of machine
// version 3 and before can read. Nothing is ever added here. The types that have
// not grown since are those of the document itself; one that grows is written out
// here first (TestFormat1IsFrozen).
type (
	document1 struct {
		Format     string        `json:"format"`
		ID         string        `json:"id"`
		Version    int           `json:"version"`
		Title      exchange.Text `json:"title"`
		Source     string        `json:"source"`
		Subjects   []SubjectKind `json:"subjects"`
		Categories []category1   `json:"categories"`
		Purposes   []Purpose     `json:"purposes"`
		Rules      []rule1       `json:"rules"`
		Lists      []list1       `json:"lists"`
		Limits     Limits        `json:"limits"`
		Checks     []check1      `json:"checks,omitempty"`
	}
	category1 struct {
		ID            string                `json:"id"`
		Title         exchange.Text         `json:"title"`
		Source        string                `json:"source"`
		Subjects      []string              `json:"subjects"`
		Authors       []exchange.MemberKind `json:"authors"`
		Fields        []Field               `json:"fields"`
		Key           []string              `json:"key"`
		Adverse       bool                  `json:"adverse,omitzero"`
		EventField    string                `json:"event_field,omitempty"`
		RetentionDays int                   `json:"retention_days,omitzero"`
	}
	rule1 struct {
		ID         string                `json:"id"`
		Title      exchange.Text         `json:"title"`
		Categories []string              `json:"categories"`
		Fields     []string              `json:"fields"`
		Requesters []exchange.MemberKind `json:"requesters"`
		Purposes   []string              `json:"purposes"`
		Basis      string                `json:"basis"`
		Approval   Approval              `json:"approval"`
		ValidHours int                   `json:"valid_hours"`
		MaxFields  int                   `json:"max_fields,omitzero"`
		Source     string                `json:"source,omitempty"`
	}
	list1 struct {
		ID           string                `json:"id"`
		Kind         string                `json:"kind"`
		Title        exchange.Text         `json:"title"`
		Subjects     []string              `json:"subjects"`
		Nominators   []exchange.MemberKind `json:"nominators"`
		Grounds      []ground1             `json:"grounds"`
		NoticeMillis int64                 `json:"notice_ms"`
		TermDaysMin  int                   `json:"term_days_min"`
		TermDaysMax  int                   `json:"term_days_max"`
		Measures     []measure1            `json:"measures,omitempty"`
		Source       string                `json:"source,omitempty"`
	}
	measure1 struct {
		ID     string                `json:"id"`
		Title  exchange.Text         `json:"title"`
		Actors []exchange.MemberKind `json:"actors,omitempty"`
		Source string                `json:"source,omitempty"`
	}
	ground1 struct {
		ID         string        `json:"id"`
		Title      exchange.Text `json:"title"`
		Categories []string      `json:"categories"`
		Source     string        `json:"source,omitempty"`
	}
	check1 struct {
		Title       string              `json:"title"`
		Requester   exchange.MemberKind `json:"requester"`
		Category    string              `json:"category"`
		SubjectKind string              `json:"subject_kind,omitempty"`
		Fields      []string            `json:"fields"`
		Purpose     string              `json:"purpose"`
		Basis       string              `json:"basis"`
		Want        Outcome             `json:"want"`
		Rule        string              `json:"rule,omitempty"`
		Clause      string              `json:"clause,omitempty"`
	}
)

// ParseV1 reads a catalogue as builds before machine version 4 do, with the same
// answer to every input: a member that came with format 2 is malformed, and so is
// nothing else that was not; a document of format 2 without one is of no known
// format. The ledger's old verb catalogue.adopt stands on it.
func ParseV1(data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, ErrTooLong.With()
	}
	old := new(document1)
	if err := strictjson.Unmarshal(data, old); err != nil {
		return nil, malformed(err)
	}
	if old.Format != Format {
		return nil, ErrFormat.With().At("/format")
	}
	doc := new(Document)
	if err := strictjson.Unmarshal(data, doc); err != nil {
		return nil, malformed(err)
	}
	if err := Validate(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

// MachineVersion is the machine version a federation must run for the document to
// be in force there.
func (d *Document) MachineVersion() int {
	if d.Format == Format {
		return 1
	}
	return 4
}
