package members

import (
	"fmt"
	"iter"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/state"
)

// Status is where a member stands.
type Status string

// The statuses. Who left (退出) keeps its row, since its statements and its id
// stay.
const (
	Active Status = "active" // 正常
	Left   Status = "left"   // 退出
)

// Member is a member agency (成员单位).
type Member struct {
	ID     exchange.MemberID   `json:"id"`
	Kind   exchange.MemberKind `json:"kind"`
	Name   exchange.Text       `json:"name"`
	USCC   string              `json:"uscc,omitempty"`
	Seat   bool                `json:"seat"`
	Status Status              `json:"status"`
	Since  exchange.Millis     `json:"since"`
	Ended  exchange.Millis     `json:"ended,omitzero"` // when it left
	Node   Node                `json:"node"`
	Keys   []Key               `json:"keys"`
	// Suspended is since when the member may not act (ledger time), 0 if it may.
	Suspended exchange.Millis `json:"suspended,omitzero"`
}

// Sits says whether the member has a seat that counts now.
func (m *Member) Sits() bool { return m.Seat && m.Suspended == 0 }

// Takes says whether the member may be given what the catalogue entitles members to:
// it belongs, and is not suspended.
func (m *Member) Takes() bool { return m.Status == Active && m.Suspended == 0 }

// Key is a member's key with the time it counts: From ≤ t < Until. Until 0
// means until further notice.
type Key struct {
	Public keys.Public     `json:"public"`
	From   exchange.Millis `json:"from"`
	Until  exchange.Millis `json:"until,omitzero"`
}

// ValidAt says whether the key counted at that time.
func (k Key) ValidAt(at exchange.Millis) bool { return at >= k.From && (k.Until == 0 || at < k.Until) }

// Key is the member's key for a use at a time; ok is false when it had none.
func (m *Member) Key(use keys.Use, at exchange.Millis) (key keys.Public, ok bool) {
	for _, k := range m.Keys {
		if k.Public.Use() == use && k.ValidAt(at) {
			return k.Public, true
		}
	}
	return keys.Public{}, false
}

// KeyOf is the member's key with this id, if it counted at a time.
func (m *Member) KeyOf(kid string, at exchange.Millis) (key keys.Public, ok bool) {
	for _, k := range m.Keys {
		if k.Public.KID() == kid && k.ValidAt(at) {
			return k.Public, true
		}
	}
	return keys.Public{}, false
}

// KeyFor is the member's key with this id, if it counted for the statement of that
// number and ledger time. Where a roster of the same millisecond began or ended
// the key, the order of the statements decides, as it did when they were applied.
func KeyFor(r state.Reader, m Member, kid string, at exchange.Millis, seq int64) (key keys.Public, ok bool) {
	for _, k := range m.Keys {
		if k.Public.KID() != kid {
			continue
		}
		if at != k.From && at != k.Until {
			return k.Public, k.ValidAt(at)
		}
		before, err := rosterOf(r, RosterBefore(r, seq))
		if err != nil {
			return keys.Public{}, false
		}
		f, listed := before.Member(m.ID)
		return k.Public, listed && lists(f, k.Public)
	}
	return keys.Public{}, false
}

// rosterOf is the roster of a version that is or was in force.
func rosterOf(r state.Reader, version int) (*Roster, error) {
	if row, ok := rosters.Get(r, versionKey(version)); ok {
		return ParseRoster([]byte(row.Signed.Document))
	}
	c, err := ParseCharter([]byte(Fed(r).Charter))
	if err != nil {
		return nil, err
	}
	return c.Roster(), nil
}

// Federation is what the charter fixed for all, in numbers, beside the signed
// bytes themselves. The quorums are those of the roster in force, the machine
// version is the one in force.
type Federation struct {
	ID             string          `json:"id"`
	Name           exchange.Text   `json:"name"`
	Founded        exchange.Millis `json:"founded"`
	Digest         string          `json:"digest"` // of the charter's bytes
	CosignQuorum   int             `json:"cosign_quorum"`
	AdoptQuorum    int             `json:"adopt_quorum"`
	RosterQuorum   int             `json:"roster_quorum"`
	DecideQuorum   int             `json:"decide_quorum,omitzero"` // 0 stands for RosterQuorum
	KindQuorums    KindQuorums     `json:"kind_quorums,omitzero"`  // by what a roster changes
	MachineVersion int             `json:"machine_version"`
	Blind          BlindRef        `json:"blind"`
	Charter        string          `json:"charter"`              // the bytes that were signed
	Signatures     []string        `json:"signatures"`           // the founders'
	Recoveries     []Recovery      `json:"recoveries,omitempty"` // oldest first
}

// Version is one version of the catalogue as the seats adopted it.
type Version struct {
	Version   int                 `json:"version"`
	Digest    string              `json:"digest"`
	Document  string              `json:"document"` // the exact bytes
	Since     exchange.Millis     `json:"since"`    // ledger time of its adoption
	Seq       int64               `json:"seq,omitzero"`
	Endorsers []exchange.MemberID `json:"endorsers,omitempty"`
	// From is the ledger time from which it counts; 0: it counts since Since.
	From exchange.Millis `json:"from,omitzero"`
	// Papers are the statements before Seq without which Seq does not show what was
	// adopted: a proposal and the votes for it.
	Papers []int64 `json:"papers,omitempty"`
}

// inForce points at the catalogue version that counts, and at the one that takes its
// place at a time. There is one row. Nothing is written when the time comes: what is
// in force is a function of this row and ledger time.
type inForce struct {
	ID      string          `json:"id"`
	Version int             `json:"version"`
	Next    int             `json:"next,omitzero"`
	From    exchange.Millis `json:"from,omitzero"`
}

// at is the version that counts at a ledger time.
func (f inForce) at(t exchange.Millis) int {
	if f.Next != 0 && t >= f.From {
		return f.Next
	}
	return f.Version
}

var (
	byKID = state.NewIndex("kid", func(m *Member) [][]string {
		var all [][]string
		for _, k := range m.Keys {
			all = append(all, []string{k.Public.KID()})
		}
		return all
	})

	federations = state.NewTable("members.federation", func(f *Federation) string { return f.ID })
	members     = state.NewTable("members.members", func(m *Member) string { return string(m.ID) }, byKID)
	versions    = state.NewTable("catalogue.versions", func(v *Version) string { return versionKey(v.Version) })
	forces      = state.NewTable("catalogue.force", func(f *inForce) string { return f.ID })
	rosters     = state.NewTable("members.rosters", func(r *RosterRow) string { return versionKey(r.Version) })
	builds      = state.NewTable("members.builds", func(b *Build) string { return b.Node })
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable {
	return []state.AnyTable{federations, members, versions, forces, rosters, builds}
}

func versionKey(version int) string { return fmt.Sprintf("%010d", version) }

// Found writes the first rows: a function of the genesis alone.
func (g Genesis) Found(tx *state.Tx) error {
	c, _, err := g.open()
	if err != nil {
		return err
	}
	first := c.Roster()
	if err := federations.Insert(tx, &Federation{ID: c.Federation, Name: c.Name, Founded: c.Founded,
		Digest: g.Digest(), CosignQuorum: c.CosignQuorum, AdoptQuorum: c.AdoptQuorum, RosterQuorum: first.Quorums.Roster,
		MachineVersion: c.MachineVersion, Blind: c.Blind, Charter: string(g.Charter), Signatures: g.Signatures}); err != nil {
		return err
	}
	for _, f := range first.Members {
		m := Member{Since: c.Founded}.listed(f, c.Founded)
		if err := members.Insert(tx, &m); err != nil {
			return err
		}
	}
	if err := enact(tx, &Version{Version: c.Catalogue.Version, Digest: c.Catalogue.Digest,
		Document: string(g.Catalogue), Since: c.Founded}); err != nil {
		return err
	}
	tx.CloseGenesis(g.sum(), c.Founded)
	return nil
}

// enact puts a catalogue version in force.
func enact(tx *state.Tx, v *Version) error {
	if err := versions.Insert(tx, v); err != nil {
		return err
	}
	return forces.Insert(tx, &inForce{ID: "catalogue", Version: v.Version})
}

// Fed is the federation's row.
func Fed(r state.Reader) Federation {
	for f := range federations.Scan(r, "") {
		return f
	}
	return Federation{}
}

// Get finds a member.
func Get(r state.Reader, id exchange.MemberID) (Member, bool) { return members.Get(r, string(id)) }

// All gives the members by id.
func All(r state.Reader) iter.Seq[Member] { return members.Scan(r, "") }

// KeyAt finds the key with this id, and whose it is, if it counted at that time.
// The keys of a member that left count until it did.
func KeyAt(r state.Reader, kid string, at exchange.Millis) (m Member, key keys.Public, ok bool) {
	m, ok = byKID.First(r, kid)
	if !ok {
		return Member{}, keys.Public{}, false
	}
	for _, k := range m.Keys {
		if k.Public.KID() == kid && k.ValidAt(at) {
			return m, k.Public, true
		}
	}
	return Member{}, keys.Public{}, false
}

// VersionAt is the catalogue version that counts at a ledger time, which is not
// before that of the rows.
func VersionAt(r state.Reader, t exchange.Millis) Version {
	f, _ := forces.Get(r, "catalogue")
	v, _ := versions.Get(r, versionKey(f.at(t)))
	return v
}

// NextVersion is the version that waits for its time, and when that is.
func NextVersion(r state.Reader, t exchange.Millis) (v Version, from exchange.Millis, waits bool) {
	f, _ := forces.Get(r, "catalogue")
	if f.Next == 0 || t >= f.From {
		return Version{}, 0, false
	}
	v, waits = versions.Get(r, versionKey(f.Next))
	return v, f.From, waits
}

// VersionOf finds a catalogue version, also a past one.
func VersionOf(r state.Reader, version int) (Version, bool) {
	if version < 1 {
		return Version{}, false
	}
	return versions.Get(r, versionKey(version))
}

// Versions gives all catalogue versions, oldest first.
func Versions(r state.Reader) iter.Seq[Version] { return versions.Scan(r, "") }
