package wire

import (
	"time"

	"accord/exchange"
)

// AskReport asks for a credit report.
type AskReport struct {
	Subject string `json:"subject"` // subject id, or a unified social credit code
	Purpose string `json:"purpose"` // id in the catalogue
	Days    int    `json:"days"`    // it is to be valid
}

// ReportLog is every report a node has issued on a subject, oldest first.
type ReportLog struct {
	Subject exchange.SubjectID `json:"subject"`
	Reports []IssuedReport     `json:"reports"`
}

// IssuedReport is one of them.
type IssuedReport struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Caller  string    `json:"caller"` // who asked: operator:NAME
	Purpose string    `json:"purpose"`
	Until   time.Time `json:"until"`
	State   string    `json:"state"` // valid, superseded, expired
}

// The states of a report.
const (
	ReportValid      = "valid"
	ReportSuperseded = "superseded"
	ReportExpired    = "expired"
)

// Coverage is how many subjects have records, by kind and area.
type Coverage struct {
	Known time.Time `json:"known"` // what had reached the node by then
	Lines []Covered `json:"lines"`
}

// Covered is the subjects of one kind in one area.
type Covered struct {
	Kind     string `json:"kind"`           // of subject
	Area     string `json:"area,omitempty"` // 4 digits of GB/T 2260
	Whole    bool   `json:"whole"`          // the line of the kind over all areas
	Subjects int64  `json:"subjects"`       // with active records
	Rated    int64  `json:"rated"`          // with a rating among them
}
