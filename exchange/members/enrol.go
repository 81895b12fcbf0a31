package members

import (
	"iter"

	"accord/exchange"
	"accord/exchange/state"
)

// RosterRow is a roster as it came into force.
type RosterRow struct {
	Version   int                 `json:"version"`
	Digest    string              `json:"digest"`
	Signed    SignedRoster        `json:"signed"`
	Since     exchange.Millis     `json:"since"` // ledger time of the command that brought it
	Seq       int64               `json:"seq"`
	Endorsers []exchange.MemberID `json:"endorsers"`
	// Papers are the statements before Seq that brought it together with Seq: a
	// proposal and the votes for it. Empty when Seq is members.roster.
	Papers []int64 `json:"papers,omitempty"`
}

// DecodeRoster reads the body of members.roster.
func DecodeRoster(body []byte) (*SignedRoster, error) {
	b := new(SignedRoster)
	if err := exchange.DecodeBody(exchange.VerbRoster, body, b); err != nil {
		return nil, err
	}
	if b.Document == "" || len(b.Endorsements) == 0 || len(b.Endorsements) > MaxMembers || len(b.Proofs) > MaxMembers {
		return nil, exchange.ErrBody.With("verb", exchange.VerbRoster)
	}
	return b, nil
}

// Enrolled is the outcome of members.roster.
type Enrolled struct {
	Version   int                 `json:"version"`
	Digest    string              `json:"digest"`
	Endorsers []exchange.MemberID `json:"endorsers"`
}

// Enrol puts a roster in force for every later command. Who carries it to the
// ledger does not matter. From its time on the keys it lists count and no others;
// what was signed before stays signed.
func Enrol(a *Act, s *SignedRoster) (*Enrolled, error) {
	if _, err := parseRoster([]byte(s.Document), Fed(a.Tx).MachineVersion); err != nil {
		return nil, err
	}
	return EnrolBy(a, s, nil)
}

// EnrolBy is Enrol for a roster that several statements brought: this one and the
// papers before it.
func EnrolBy(a *Act, s *SignedRoster, papers []int64) (*Enrolled, error) {
	before := a.Tools.Book.Find(RosterInForce(a.Tx).Digest)
	if before == nil {
		return nil, exchange.ErrInternal.With()
	}
	l, err := before.Extend(*s, a.Tools.Verify)
	if err != nil {
		return nil, err
	}
	if Fed(a.Tx).MachineVersion >= MachineMeeting {
		if err := before.invitedOnce(l.roster, s.Proofs, a.Tools.Verify); err != nil {
			return nil, err
		}
	}
	if _, err := a.Tools.Book.Learn(*s, a.Tools.Verify); err != nil {
		return nil, err
	}
	row := &RosterRow{Version: l.Version(), Digest: l.Digest(), Signed: *s, Since: a.Now, Seq: a.Seq, Endorsers: l.Endorsers(), Papers: papers}
	if err := row.write(a.Tx, l.roster); err != nil {
		return nil, err
	}
	return &Enrolled{row.Version, row.Digest, row.Endorsers}, raise(a.Tx)
}

// write makes the rows what the roster says.
func (row *RosterRow) write(tx *state.Tx, r *Roster) error {
	if err := rosters.Insert(tx, row); err != nil {
		return err
	}
	fed := Fed(tx)
	fed.RosterQuorum, fed.AdoptQuorum, fed.CosignQuorum = r.Quorums.Roster, r.Quorums.Adopt, r.Quorums.Cosign
	fed.DecideQuorum, fed.KindQuorums = r.Quorums.Decide, r.Quorums.Kinds
	if err := federations.Insert(tx, &fed); err != nil {
		return err
	}
	var all []Member
	for m := range members.Scan(tx, "") {
		all = append(all, m)
	}
	for _, m := range all {
		if _, stays := r.Member(m.ID); !stays && m.Status == Active {
			gone := m.gone(row.Since)
			if err := members.Insert(tx, &gone); err != nil {
				return err
			}
		}
	}
	for _, f := range r.Members {
		m, ok := members.Get(tx, string(f.ID))
		if !ok {
			m = Member{Since: row.Since}
		}
		now := m.listed(f, row.Since)
		if err := members.Insert(tx, &now); err != nil {
			return err
		}
	}
	return nil
}

// listed is the member as a roster lists it from a time on. Keys it does not list
// end then; they stay for what they signed before.
func (m Member) listed(f Founder, at exchange.Millis) Member {
	m.ID, m.Kind, m.Name, m.USCC, m.Seat, m.Status, m.Node = f.ID, f.Kind, f.Name, f.USCC, f.Seat, Active, f.Node
	switch {
	case !f.Suspended:
		m.Suspended = 0
	case m.Suspended == 0:
		m.Suspended = at
	}
	var all []Key
	for _, k := range m.Keys {
		if k.Until == 0 && !lists(f, k.Public) {
			k.Until = at
		}
		all = append(all, k)
	}
	for _, k := range f.Keys {
		if !m.holds(k.KID()) {
			all = append(all, Key{Public: k, From: at})
		}
	}
	m.Keys = all
	return m
}

func (m *Member) holds(kid string) bool {
	for _, k := range m.Keys {
		if k.Public.KID() == kid {
			return true
		}
	}
	return false
}

// gone is the member after it left.
func (m Member) gone(at exchange.Millis) Member {
	m.Status, m.Ended, m.Seat, m.Suspended = Left, at, false, 0
	keys := append([]Key(nil), m.Keys...)
	for i := range keys {
		if keys[i].Until == 0 {
			keys[i].Until = at
		}
	}
	m.Keys = keys
	return m
}

// RosterInForce is the newest roster of the rows; for the charter only its digest.
func RosterInForce(r state.Reader) RosterRow {
	newest := RosterRow{Digest: Fed(r).Digest}
	for row := range rosters.Scan(r, "") {
		newest = row
	}
	return newest
}

// RosterOf finds a roster that is or was in force; the charter is not among them.
func RosterOf(r state.Reader, version int) (RosterRow, bool) {
	return rosters.Get(r, versionKey(version))
}

// Rosters gives the rosters that came into force after a version, oldest first.
func Rosters(r state.Reader, after int) iter.Seq[RosterRow] {
	return rosters.Scan(r, versionKey(after))
}

// Follow verifies that the rosters of a state are one line from the charter on,
// that its members are those of the last, and teaches the line to the book: what a
// snapshot brings must be as good as what commands brought.
func (b *Book) Follow(r state.Reader, verify Verifier) error {
	at := b.Find(Fed(r).Digest)
	for row := range rosters.Scan(r, "") {
		l, err := b.Learn(row.Signed, verify)
		if err != nil {
			return err
		}
		if at == nil || l.parent != at || l.Version() != row.Version || l.Digest() != row.Digest {
			return ErrRosterPrevious.With()
		}
		at = l
	}
	if at == nil || !at.roster.matches(r) {
		return ErrRoster.With("why", "the members are not those of the roster")
	}
	return nil
}

// matches says whether the active members of a state, with the keys that count,
// are those of the roster.
func (r *Roster) matches(rows state.Reader) bool {
	active := 0
	for m := range members.Scan(rows, "") {
		if m.Status != Active {
			continue
		}
		active++
		f, ok := r.Member(m.ID)
		now := f
		now.Kind, now.Name, now.USCC, now.Seat, now.Node = m.Kind, m.Name, m.USCC, m.Seat, m.Node
		now.Suspended = m.Suspended != 0
		count := 0
		for _, k := range m.Keys {
			if k.Until == 0 {
				count++
				ok = ok && lists(f, k.Public)
			}
		}
		if !ok || count != len(f.Keys) || !sameListing(f, now) {
			return false
		}
	}
	return active == len(r.Members)
}
