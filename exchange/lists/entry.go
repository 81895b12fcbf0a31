package lists

import (
	"accord/exchange"
	"accord/exchange/state"
)

// Status is where an entry stands at a time.
type Status string

// The statuses; None is an entry before its nomination.
const (
	None      Status = ""
	Nominated Status = "nominated" // 拟列入: the notice (公示/告知) runs
	Listed    Status = "listed"    // 列入
	Expired   Status = "expired"   // 期满
	Withdrawn Status = "withdrawn" // 撤回: taken back during the notice
	Removed   Status = "removed"   // 移出: taken off after it was listed
)

// Statuses lists the statuses in the order of life.
func Statuses() []Status { return []Status{Nominated, Listed, Expired, Withdrawn, Removed} }

// The reasons of list.remove.
const (
	Repaired = "repaired" // 信用修复
	Revoked  = "revoked"  // 撤销: the decision it rests on fell
	Error    = "error"    // 差错: it should never have been listed
)

// RecordRef names a record an entry rests on, at its author, without content.
type RecordRef struct {
	ID       exchange.RecordID `json:"id"`
	Digest   string            `json:"digest"` // hex SHA-256 of the record's signed part
	Author   exchange.MemberID `json:"author"`
	Category string            `json:"category"`
}

// DecisionRef names the decision document (决定书) an entry rests on.
type DecisionRef struct {
	Number    string `json:"number"`
	Authority string `json:"authority"`
	Date      string `json:"date,omitempty"` // 2006-01-02
}

// End is how an entry's life was cut short.
type End struct {
	Status   Status              `json:"status"` // Withdrawn or Removed
	At       exchange.Millis     `json:"at"`
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"op"`
	Reason   string              `json:"reason,omitempty"` // of a removal: Repaired, Revoked or Error
	Text     string              `json:"text"`             // why, in words
	Basis    string              `json:"basis,omitempty"`  // number of the document it rests on
	Seq      int64               `json:"seq"`
}

// Entry is one entry (名单条目) as every node knows it.
type Entry struct {
	ID          exchange.EntryID    `json:"id"`
	List        string              `json:"list"`
	Subject     exchange.SubjectID  `json:"sub"`
	SubjectKind string              `json:"kind"`
	Name        string              `json:"name,omitempty"` // public; never of a natural person
	Ground      string              `json:"ground"`
	Records     []RecordRef         `json:"records,omitempty"`
	Decision    *DecisionRef        `json:"decision,omitempty"`
	Measures    []string            `json:"measures,omitempty"`
	TermDays    int                 `json:"term_days"`
	By          exchange.MemberID   `json:"by"` // nominator
	Operator    exchange.OperatorID `json:"op"`
	Catalogue   int                 `json:"cat"`       // version it was decided under
	NominatedAt exchange.Millis     `json:"nominated"` // notice begins
	ListedFrom  exchange.Millis     `json:"from"`      // notice ends, term begins
	ListedUntil exchange.Millis     `json:"until"`     // term ends
	End         *End                `json:"end,omitempty"`
	Version     int                 `json:"version"` // from 1, one up with every change
	Seq         int64               `json:"seq"`     // the statement that nominated it
	Pos         int                 `json:"pos"`     // place of its document in that statement
	Doc         Place               `json:"-"`       // the same in bytes
}

// Place is where a document's bytes stand in the statement that brought it, so
// that it can be read without the rest, and what they are.
type Place struct {
	Payload int          // where the payload's base64url begins in the statement
	At      int          // where the document begins in the decoded payload
	Len     int          // of the document; 0 when it is spelled there in another way
	Digest  state.Digest // SHA-256 of the document
}

// StatusAt is the entry's status at a time.
func (e *Entry) StatusAt(at exchange.Millis) Status {
	switch {
	case at < e.NominatedAt:
		return None
	case e.End != nil && at >= e.End.At:
		return e.End.Status
	case at < e.ListedFrom:
		return Nominated
	case at < e.ListedUntil:
		return Listed
	}
	return Expired
}

// StandingAt is the status at a time by what the first size leaves of the ledger
// say: what came later is passed over.
func (e Entry) StandingAt(size int64, at exchange.Millis) Status {
	if e.Seq >= size {
		return None
	}
	if e.End != nil && e.End.Seq >= size {
		e.End = nil
	}
	return e.StatusAt(at)
}

// Until is when the status it has at a time ends by itself, 0 when it does not.
func (e *Entry) Until(at exchange.Millis) exchange.Millis {
	switch e.StatusAt(at) {
	case Nominated:
		return e.ListedFrom
	case Listed:
		return e.ListedUntil
	}
	return 0
}

// active says whether the entry counts or is about to.
func (e *Entry) active(at exchange.Millis) bool {
	s := e.StatusAt(at)
	return s == Nominated || s == Listed
}
