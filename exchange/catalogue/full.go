package catalogue

import (
	"bytes"
	_ "embed"
	"slices"
	"sync"

	"accord/crypto/strictjson"
	"accord/exchange"
)

//go:embed default/format2.yaml
var fullSource []byte

// additions are what format 2 lays over the default catalogue.
type additions struct {
	Severities    []SeverityClass    `json:"severities"`
	Deadlines     []Deadline         `json:"deadlines"`
	Calendar      *Calendar          `json:"calendar"`
	Evaluation    *Evaluation        `json:"evaluation"`
	Categories    []categoryAddition `json:"categories"`
	NewCategories []Category         `json:"new_categories"`
	Rules         []ruleAddition     `json:"rules"`
	Lists         []listAddition     `json:"lists"`
	Checks        []Check            `json:"checks"`
}

type categoryAddition struct {
	ID         string      `json:"id"`
	Custody    *Custody    `json:"custody,omitempty"`
	TimelyDays int         `json:"timely_days,omitzero"`
	Disclosure *Disclosure `json:"disclosure,omitempty"`
}

type ruleAddition struct {
	ID             string   `json:"id"`
	Categories     []string `json:"categories,omitempty"`
	Fields         []string `json:"fields,omitempty"`
	Approval       Approval `json:"approval,omitempty"`
	ApprovalHours  int      `json:"approval_hours,omitzero"`
	PerOperatorDay int      `json:"per_operator_day,omitzero"`
	Bulk           *Bulk    `json:"bulk,omitempty"`
}

type listAddition struct {
	ID            string `json:"id"`
	Severity      string `json:"severity,omitempty"`
	RepairDaysMin int    `json:"repair_days_min,omitzero"`
	HearingDays   int    `json:"hearing_days,omitzero"`
}

var fullOnce = sync.OnceValue(func() built {
	data, err := full()
	if err != nil {
		panic("catalogue: the embedded additions are unusable: " + exchange.AsError(err).Error())
	}
	return parsed(data)
})

// Full is the version of the default catalogue that follows it, with all that format
// 2 has: as the bytes members sign and as a document; both are read only.
func Full() ([]byte, *Document) {
	b := fullOnce()
	return b.data, b.doc
}

func full() ([]byte, error) {
	source, err := yamlToJSON(fullSource)
	if err != nil {
		return nil, err
	}
	add := new(additions)
	if err := strictjson.Unmarshal(source, add); err != nil {
		return nil, malformed(err)
	}
	doc, err := Decode(bytes.Clone(defaultOnce().data))
	if err != nil {
		return nil, err
	}
	if err := add.lay(doc); err != nil {
		return nil, err
	}
	if err := Validate(doc); err != nil {
		return nil, err
	}
	return strictjson.Marshal(doc)
}

// lay puts the additions over a document; what names nothing is refused.
func (add *additions) lay(doc *Document) error {
	doc.Format, doc.Version = Format2, doc.Version+1
	doc.Severities, doc.Deadlines, doc.Calendar, doc.Evaluation = add.Severities, add.Deadlines, add.Calendar, add.Evaluation
	index := New(doc)
	for _, a := range add.Categories {
		c := index.Category(a.ID)
		if c == nil {
			return ErrNoField.With().At(a.ID)
		}
		c.Custody, c.TimelyDays, c.Disclosure = a.Custody, a.TimelyDays, a.Disclosure
	}
	for _, a := range add.Rules {
		r := index.Rule(a.ID)
		if r == nil {
			return ErrNoField.With().At(a.ID)
		}
		r.Categories, r.Fields = append(r.Categories, a.Categories...), append(r.Fields, a.Fields...)
		if a.Approval != "" {
			r.Approval = a.Approval
		}
		r.ApprovalHours, r.PerOperatorDay, r.Bulk = a.ApprovalHours, a.PerOperatorDay, a.Bulk
	}
	for _, a := range add.Lists {
		l := index.List(a.ID)
		if l == nil {
			return ErrNoField.With().At(a.ID)
		}
		l.Severity, l.RepairDaysMin, l.HearingDays = a.Severity, a.RepairDaysMin, a.HearingDays
	}
	doc.Categories = append(doc.Categories, add.NewCategories...)
	for _, a := range add.Checks {
		if i := slices.IndexFunc(doc.Checks, func(c Check) bool { return c.Title == a.Title }); i >= 0 {
			doc.Checks[i] = a
		} else {
			doc.Checks = append(doc.Checks, a)
		}
	}
	return nil
}
