package members

import (
	"strconv"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// RosterFormat is the roster format this build reads.
const RosterFormat = "accord-roster/1"

// Bounds of a roster.
const (
	MaxRoster = 120 << 10 // bytes: with its signatures it must fit into a command
	MaxVoters = 7         // more voters make every write slower and nothing safer
)

// ErrRoster is a roster that cannot be one.
var ErrRoster = exchange.Define(exchange.KindInvalid, "MEM-030",
	exchange.Text{Zh: "成员名册无效：{why}", En: "the roster is not valid: {why}"},
	exchange.Text{Zh: "请按所指处改正后重新征集同意", En: "mend the place named and collect endorsements again"})

// Roster (成员名册) is the whole membership after a change: who belongs, with
// which keys, and which node does what. It says what shall be, not what is to be
// done; [Roster.Changes] tells the difference to the one before. What seats
// endorse is the exact bytes of its JSON form.
//
// The charter is roster 0. Every later one names its predecessor by digest, so
// that rosters form one line that anybody can follow from the charter on, by
// signatures alone.
type Roster struct {
	Format     string    `json:"format"` // RosterFormat
	Federation string    `json:"federation"`
	Charter    string    `json:"charter"`  // digest of the charter: the trust anchor
	Version    int       `json:"version"`  // one more than the previous roster's
	Previous   string    `json:"previous"` // digest of the previous roster's bytes; of the charter's for version 1
	Quorums    Quorums   `json:"quorums"`
	Members    []Founder `json:"members"`
}

// Quorums are the numbers that go with a membership. They change with it, or a
// federation that shrinks could not act any more.
type Quorums struct {
	Roster int `json:"roster"` // seats that must endorse the next roster
	Adopt  int `json:"adopt"`  // seats that must endorse a new catalogue version
	Cosign int `json:"cosign"` // members whose cosignature makes a checkpoint count
	// Decide is how many seats must say yes to a decision of the joint meeting that
	// changes neither roster nor catalogue; 0 stands for Roster. From machine version 4.
	Decide int         `json:"decide,omitzero"`
	Kinds  KindQuorums `json:"kinds,omitzero"`
}

// Roster is the charter's membership in the form of a roster.
func (c *Charter) Roster() *Roster {
	r := &Roster{Format: RosterFormat, Federation: c.Federation, Members: append([]Founder(nil), c.Members...),
		Quorums: Quorums{Roster: c.RosterQuorum, Adopt: c.AdoptQuorum, Cosign: c.CosignQuorum}}
	if r.Quorums.Roster == 0 {
		r.Quorums.Roster = c.AdoptQuorum
	}
	for i := range r.Members {
		if r.Members[i].Node.Role == "" {
			r.Members[i].Node.Role = Voter
		}
	}
	return r
}

// Encode gives the bytes that seats endorse.
func (r *Roster) Encode() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	data, err := strictjson.Marshal(r)
	if err == nil && len(data) > MaxRoster {
		err = ErrRoster.With("why", "too long")
	}
	return data, err
}

// MachineMeeting is the machine version that brings the joint meeting, and with it
// the members of rosters that older builds cannot read.
const MachineMeeting = 4

// since is the machine version whose builds can read the roster.
func (r *Roster) since() int {
	for _, m := range r.Members {
		if m.Suspended {
			return MachineMeeting
		}
	}
	if r.Quorums.Decide != 0 || r.Quorums.Kinds != (KindQuorums{}) {
		return MachineMeeting
	}
	return 1
}

// ParseRoster reads a roster's bytes strictly and validates it.
func ParseRoster(payload []byte) (*Roster, error) { return parseRoster(payload, MachineMeeting) }

// parseRoster reads as a build of a machine version does: what came later is to it
// a member that it does not know.
func parseRoster(payload []byte, version int) (*Roster, error) {
	if len(payload) > MaxRoster {
		return nil, ErrRoster.With("why", "too long")
	}
	r := new(Roster)
	if err := strictjson.Unmarshal(payload, r); err != nil {
		return nil, ErrRoster.Wrap(err, "why", "JSON")
	}
	if r.since() > version {
		return nil, ErrRoster.With("why", "JSON")
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// Validate says the first thing that is wrong with a roster taken by itself.
func (r *Roster) Validate() error {
	fail := func(at, why string) error { return ErrRoster.With("why", at+" "+why).At(at) }
	switch {
	case r.Format != RosterFormat:
		return fail("/format", "must be "+RosterFormat)
	case !exchange.ValidName(r.Federation):
		return fail("/federation", "is not a name")
	case !exchange.ValidDigest(r.Charter):
		return fail("/charter", "is no digest")
	case r.Version < 1 || r.Version > 1<<30:
		return fail("/version", "starts at 1")
	case !exchange.ValidDigest(r.Previous):
		return fail("/previous", "is no digest")
	case len(r.Members) == 0 || len(r.Members) > MaxMembers:
		return fail("/members", "has too few or too many")
	}
	seats, err := validateMembers(r.Members, fail)
	if err != nil {
		return err
	}
	for i, m := range r.Members {
		if m.Node.Role == "" {
			return fail("/members/"+strconv.Itoa(i)+"/node/role", "is missing")
		}
	}
	switch q := r.Quorums; {
	case q.Roster < 1 || q.Roster > seats:
		return fail("/quorums/roster", "is out of range")
	case q.Adopt < 1 || q.Adopt > seats:
		return fail("/quorums/adopt", "is out of range")
	case q.Cosign < 1 || q.Cosign > len(r.Members):
		return fail("/quorums/cosign", "is out of range")
	case q.Decide < 0 || q.Decide > seats:
		return fail("/quorums/decide", "is out of range")
	case !q.guarded():
		return fail("/quorums/kinds/charter", "must not be lower than a number it guards")
	}
	for _, m := range Matters() {
		if n := *r.Quorums.Kinds.Of(m); n != 0 && n < r.Quorums.Roster || n > seats {
			return fail("/quorums/kinds/"+string(m), "is out of range")
		}
	}
	return nil
}

// Member finds a member of the roster.
func (r *Roster) Member(id exchange.MemberID) (Founder, bool) {
	for _, m := range r.Members {
		if m.ID == id {
			return m, true
		}
	}
	return Founder{}, false
}

// OfNode finds the member whose node has this id.
func (r *Roster) OfNode(node string) (Founder, bool) {
	for _, m := range r.Members {
		if m.Node.ID == node {
			return m, true
		}
	}
	return Founder{}, false
}

// Voters is how many nodes vote.
func (r *Roster) Voters() int {
	n := 0
	for _, m := range r.Members {
		if m.Node.Votes() {
			n++
		}
	}
	return n
}

// Seats is how many members have a seat and are not suspended.
func (r *Roster) Seats() int {
	n := 0
	for _, m := range r.Members {
		if m.Sits() {
			n++
		}
	}
	return n
}
