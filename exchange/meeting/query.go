package meeting

import (
	"slices"

	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/state"
)

// bars says whether a member has no vote on the proposal, though it has a seat.
func (p *Proposal) bars(m exchange.MemberID) bool { return slices.Contains(p.Barred, m) }

// StatusAt is where the proposal stands at a ledger time not before that of the rows.
func (p *Proposal) StatusAt(r state.Reader, at exchange.Millis) Status {
	if p.End != nil {
		return p.End.Status
	}
	if since, yes := p.overtaken(r); yes && since < p.Deadline {
		return Moot
	}
	if at >= p.Deadline {
		return Lapsed
	}
	return Open
}

// overtaken says whether another roster or catalogue took the version it was for.
func (p *Proposal) overtaken(r state.Reader) (since exchange.Millis, yes bool) {
	switch {
	case p.Roster != nil:
		row, found := members.RosterOf(r, p.Version)
		return row.Since, found
	case p.Catalogue != nil:
		row, found := members.VersionOf(r, p.Version)
		return row.Since, found
	}
	return 0, false
}

// Ended is when a proposal that is not open any more ended, or would: by a command,
// by what came first, or at its deadline.
func (p *Proposal) Ended(r state.Reader) exchange.Millis {
	if p.End != nil {
		return p.End.At
	}
	if since, yes := p.overtaken(r); yes && since < p.Deadline {
		return since
	}
	return p.Deadline
}

// Tally counts the votes of the seats there are.
type Tally struct {
	Quorum  int                 `json:"quorum"` // seats that must say yes
	Seats   int                 `json:"seats"`  // that may vote on it
	Yes     int                 `json:"yes"`
	No      int                 `json:"no"`
	Abstain int                 `json:"abstain"`
	By      []exchange.MemberID `json:"by,omitempty"`      // who said yes, in the order of the ledger
	Waiting []exchange.MemberID `json:"waiting,omitempty"` // who has not voted
}

// Tally counts ballots by the members' seats as they are in the rows: who lost its
// seat, or is suspended, since it voted does not count.
func (p *Proposal) Tally(r state.Reader, cast []Ballot) (t Tally) {
	fed := members.Fed(r)
	t.Quorum = p.Kind.Quorum(&fed)
	choices := map[exchange.MemberID]Choice{}
	for _, b := range cast {
		choices[b.Member] = b.Choice
		if m, ok := members.Get(r, b.Member); ok && m.Sits() && b.Choice == Yes {
			t.By = append(t.By, b.Member)
		}
	}
	t.Yes = len(t.By)
	for m := range members.All(r) {
		if !m.Sits() || p.bars(m.ID) {
			continue
		}
		t.Seats++
		switch choices[m.ID] {
		case "":
			t.Waiting = append(t.Waiting, m.ID)
		case No:
			t.No++
		case Abstain:
			t.Abstain++
		}
	}
	return t
}

// Outcome is what the joint meeting decided.
type Outcome struct {
	Proposal exchange.CommandID
	Outcome  string
	Parties  []exchange.MemberID
	By       []exchange.MemberID // the seats that said yes
	At       exchange.Millis
	Seq      int64
}

// Decided says what the joint meeting decided on an object: of a kind of decision
// there is one at most, but on a peering, of which the newest counts.
func Decided(r state.Reader, kind Kind, object string) (newest Outcome, ok bool) {
	for p := range byObject.Scan(r, string(kind), object) {
		if p.End == nil || p.End.Status != Passed || ok && p.End.Seq < newest.Seq {
			continue
		}
		newest = Outcome{Proposal: p.ID, Outcome: p.Decision.Outcome, Parties: p.Decision.Parties, By: p.End.By, At: p.End.At, Seq: p.End.Seq}
		ok = true
	}
	return newest, ok
}

// Objects names what the joint meeting decided of a kind of decision, each once.
func Objects(r state.Reader, kind Kind) (all []string) {
	for p := range byObject.Scan(r, string(kind)) {
		if p.End != nil && p.End.Status == Passed {
			all = append(all, p.Decision.Object)
		}
	}
	return slices.Compact(all)
}

// Recall teaches the book what the rows say of rosters that are voted on, as the
// commands that brought the rows would have.
func Recall(r state.Reader, book *members.Book, verify members.Verifier) {
	for p := range All(r) {
		if p.Roster == nil || p.End != nil {
			continue
		}
		book.Propose(p.Roster.Document, p.Roster.Proofs)
		for _, b := range Ballots(r, p.ID) {
			if b.Endorsement != "" {
				book.Endorsed(b.Endorsement, verify)
			}
		}
	}
}
