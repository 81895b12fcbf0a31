package intake

import (
	"sort"

	"accord/exchange"
)

// Report is what became of a file: counts, and for every row that was not simply
// accepted where and why. It holds no value of any field.
type Report struct {
	Rows     int            `json:"rows"`
	New      int            `json:"new"`     // accepted or flagged
	Same     int            `json:"same"`    // repeated an earlier row of the file
	Refused  int            `json:"refused"` // not stored
	Flagged  int            `json:"flagged"` // of the new ones
	Kinds    map[string]int `json:"kinds,omitempty"`
	Findings []Finding      `json:"findings,omitempty"`
	Omitted  int            `json:"omitted,omitempty"` // findings beyond maxFindings
}

// Finding is one issue of one row, for the agency that sent the file.
type Finding struct {
	Table   string        `json:"table,omitempty"`
	Row     int           `json:"row"`
	Line    int           `json:"line,omitempty"`
	Cell    string        `json:"cell,omitempty"`
	Sheet   int           `json:"sheet_row,omitempty"`
	Column  string        `json:"column"`
	Kind    string        `json:"kind"`
	Effect  Effect        `json:"effect"`
	WithRow int           `json:"with_row,omitempty"`
	Message exchange.Text `json:"message"`
}

// maxFindings is how many findings a report lists; counts go on beyond it.
const maxFindings = 10_000

func (r *Report) add(row *Row) {
	r.Rows++
	switch row.Verdict {
	case Refuse:
		r.Refused++
	case Same:
		r.Same++
	case Flag:
		r.New++
		r.Flagged++
	default:
		r.New++
	}
	for i := range row.Issues {
		is := &row.Issues[i]
		if r.Kinds == nil {
			r.Kinds = map[string]int{}
		}
		r.Kinds[is.Kind]++
		if len(r.Findings) >= maxFindings {
			r.Omitted++
			continue
		}
		r.Findings = append(r.Findings, Finding{Table: row.Table, Row: row.Number, Line: row.Line, Sheet: row.ExcelRow,
			Cell: is.Cell, Column: is.Column, Kind: is.Kind, Effect: is.Effect, WithRow: is.WithRow, Message: is.Message})
	}
}

// KindCount is how often a kind was found.
type KindCount struct {
	Kind  string
	Count int
}

// ByKind lists the kinds found, most frequent first.
func (r *Report) ByKind() []KindCount {
	all := make([]KindCount, 0, len(r.Kinds))
	for k, n := range r.Kinds {
		all = append(all, KindCount{k, n})
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Count != all[j].Count {
			return all[i].Count > all[j].Count
		}
		return all[i].Kind < all[j].Kind
	})
	return all
}
