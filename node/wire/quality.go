package wire

import "accord/exchange"

// Quality is how good the data is: of this member's sources by what was counted
// when their rows came in, and of every member by the records this node holds. It
// holds no value of a record.
type Quality struct {
	Member     exchange.MemberID `json:"member"`          // whose sources they are
	From       string            `json:"from"`            // first day, Beijing's calendar
	To         string            `json:"to"`              // last day
	WithinDays int               `json:"within_days"`     // an event is on time within so many days
	Since      string            `json:"since,omitempty"` // first day of which rows are counted
	Sources    []QualitySource   `json:"sources"`
	Members    []QualityMember   `json:"members"`
}

// QualitySource is one source and category; the source is empty for records
// entered by hand.
type QualitySource struct {
	Source     string           `json:"source"`
	Category   string           `json:"category"`
	Read       int64            `json:"read"`       // rows, each time they were read
	New        int64            `json:"new"`        // became records
	Known      int64            `json:"known"`      // were records already
	Duplicates int64            `json:"duplicates"` // repeated a row of the same file
	Conflicts  int64            `json:"conflicts"`  // contradicted a record with the same key
	Refused    int64            `json:"refused"`
	Flagged    int64            `json:"flagged"` // of the new ones
	Findings   []QualityFinding `json:"findings"`
	Records    int64            `json:"records"`  // made, imported or entered, that were counted
	Required   QualityShare     `json:"required"` // values of fields that every record needs
	Optional   QualityShare     `json:"optional"` // values of all other fields
	Fields     []QualityField   `json:"fields"`
	Timeliness QualityTime      `json:"timeliness"`
	Active     int64            `json:"active"`
	Corrected  int64            `json:"corrected"`
	Retracted  int64            `json:"retracted"`
}

// QualityMember is what this node holds of a member's category. Only public fields
// can be looked at, of the newest records.
type QualityMember struct {
	Member     exchange.MemberID `json:"member"`
	Category   string            `json:"category"`
	Active     int64             `json:"active"`
	Corrected  int64             `json:"corrected"`
	Retracted  int64             `json:"retracted"`
	Examined   int64             `json:"examined"` // the newest records, whose fields were looked at
	Public     QualityShare      `json:"public"`
	Timeliness QualityTime       `json:"timeliness"`
}

// QualityShare is how many of so many values are there.
type QualityShare struct {
	Filled int64 `json:"filled"`
	Of     int64 `json:"of"`
}

// QualityField is one field of the records that were counted.
type QualityField struct {
	Field    string `json:"field"`
	Required bool   `json:"required"`
	Filled   int64  `json:"filled"`
	Of       int64  `json:"of"`
}

// QualityFinding is why rows were refused or flagged, each row once a reason.
type QualityFinding struct {
	Effect string `json:"effect"`
	Kind   string `json:"kind"`
	Rows   int64  `json:"rows"`
}

// QualityTime is how many days lie between events and their records.
type QualityTime struct {
	Dated  int64  `json:"dated"` // records whose event has a day
	Median *int64 `json:"median,omitempty"`
	P90    *int64 `json:"p90,omitempty"`
	Within int64  `json:"within"` // of those, on time
	// WorkingDays is the catalogue's term for the category, by which Within counts; 0:
	// Quality.WithinDays.
	WorkingDays int `json:"working_days,omitzero"`
}
