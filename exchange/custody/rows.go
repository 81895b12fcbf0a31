package custody

import (
	"fmt"
	"slices"

	"accord/exchange"
	"accord/exchange/state"
)

// Set is who keeps what one deposit brought, in the order of their shares' indices.
type Set struct {
	Seq        int64               `json:"seq"` // the statement that brought it
	Author     exchange.MemberID   `json:"author"`
	Category   string              `json:"category"`
	K          int                 `json:"k"`
	Custodians []exchange.MemberID `json:"custodians"`
	At         exchange.Millis     `json:"at"`
}

// Index is the index of a custodian's shares, 0 when it is none.
func (s *Set) Index(m exchange.MemberID) int { return slices.Index(s.Custodians, m) + 1 }

// Generation is one splitting of a record's field keys.
type Generation struct {
	Number int    `json:"n"`      // from 1
	Digest string `json:"digest"` // hex SHA-256 of the author's statement
	Set    int64  `json:"set"`
}

// Deposit is the custody of a record: the last two generations, since the new one
// may not have reached everybody when its author goes away.
type Deposit struct {
	Author      exchange.MemberID `json:"author"`
	Record      exchange.RecordID `json:"record"`
	Generations []Generation      `json:"generations"` // the newest first
}

// keptGenerations is how many the row holds.
const keptGenerations = 2

// Generation finds a generation by its number.
func (d *Deposit) Generation(number int) (Generation, bool) {
	for _, g := range d.Generations {
		if g.Number == number {
			return g, true
		}
	}
	return Generation{}, false
}

// Beside is the generation of another record that goes with one of this record under a
// release of both: as far behind the newest, or the oldest there is.
func (d *Deposit) Beside(other *Deposit, number int) (Generation, bool) {
	behind := slices.IndexFunc(d.Generations, func(g Generation) bool { return g.Number == number })
	if behind < 0 || len(other.Generations) == 0 {
		return Generation{}, false
	}
	return other.Generations[min(behind, len(other.Generations)-1)], true
}

// Delivery is a custodian's receipt for the answer it gave under a release.
type Delivery struct {
	Custodian  exchange.MemberID   `json:"custodian"`
	Generation int                 `json:"generation"`
	Digest     string              `json:"digest"` // hex SHA-256 of the encrypted answer
	Operator   exchange.OperatorID `json:"op"`
	At         exchange.Millis     `json:"at"`
	Seq        int64               `json:"seq"`
	Times      int                 `json:"times"` // it delivered; what it sent before does not count any more
}

// Answers is what custodians delivered under a release, and whose answers its
// requester opened.
type Answers struct {
	Release    exchange.ReleaseID  `json:"release"`
	Deliveries []Delivery          `json:"deliveries"` // the last of each custodian, by first delivery
	OpenedAt   exchange.Millis     `json:"opened_at,omitzero"`
	Opened     []exchange.MemberID `json:"opened,omitempty"`
	OpenedSeq  int64               `json:"opened_seq,omitzero"`
}

// Delivery finds a custodian's delivery.
func (a *Answers) Delivery(m exchange.MemberID) (Delivery, bool) {
	for _, d := range a.Deliveries {
		if d.Custodian == m {
			return d, true
		}
	}
	return Delivery{}, false
}

func setKey(seq int64) string { return fmt.Sprintf("%016d", seq) }

func depositKey(author exchange.MemberID, record exchange.RecordID) string {
	return string(author) + "/" + string(record)
}

var (
	sets     = state.NewTable("custody.sets", func(s *Set) string { return setKey(s.Seq) }).Later()
	deposits = state.NewTable("custody.deposits", func(d *Deposit) string { return depositKey(d.Author, d.Record) }).Later()
	answers  = state.NewTable("custody.answers", func(a *Answers) string { return string(a.Release) }).Later()
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{sets, deposits, answers} }

// SetOf finds the set of a generation.
func SetOf(r state.Reader, g Generation) (Set, bool) { return sets.Get(r, setKey(g.Set)) }

// DepositOf finds the custody of an author's record.
func DepositOf(r state.Reader, author exchange.MemberID, record exchange.RecordID) (Deposit, bool) {
	return deposits.Get(r, depositKey(author, record))
}

// AnswersOf finds what custodians delivered under a release.
func AnswersOf(r state.Reader, id exchange.ReleaseID) (Answers, bool) {
	return answers.Get(r, string(id))
}
