package bundle

import (
	"encoding/json"
	"errors"
	"fmt"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// RosterFormat is the only roster format this package reads.
const RosterFormat = "accord-roster/1"

// verbRoster is the command that brings a roster to the ledger.
const verbRoster = "members.roster"

// signedRoster is the body of members.roster. Its proofs of possession are the
// ledger's to judge: what a verifier asks is whom the seats let in.
type signedRoster struct {
	Document     string   `json:"document"` // the exact bytes that seats endorsed
	Endorsements []string `json:"endorsements"`
	Proofs       []string `json:"proofs,omitempty"`
}

// roster is a roster as a verifier reads it: the whole membership after a change.
type roster struct {
	Format     string          `json:"format"`
	Federation string          `json:"federation"`
	Charter    string          `json:"charter"`
	Version    int             `json:"version"`
	Previous   string          `json:"previous"`
	Quorums    rosterQuorums   `json:"quorums"`
	Members    []charterMember `json:"members"`
}

// rosterEndorsement is what a seat signed to say yes to a roster.
type rosterEndorsement struct {
	Federation string `json:"fed"`
	Roster     string `json:"roster"`
	Version    int    `json:"version"`
}

// place is where a roster came into force.
type place struct {
	index int64 // leaf, 0 if it is not shown to be one
	time  int64 // Unix ms, as its command says
}

// lineage is the line of rosters from the charter, which is version 0, to the
// newest one that held, with every key that ever stood in it.
type lineage struct {
	federation string
	charter    string // digest
	digest     string // of the newest
	version    int
	founded    int64         // Unix ms
	quorums    rosterQuorums // of the newest; Roster is 0 if nothing says how many seats
	cosign     int           // members that must cosign
	members    map[string]charterMember
	ever       map[string]bool // ids of members that ever stood in the line
	ring       ring
	motions    map[string]*signedRoster // rosters before the joint meeting, by proposal, with the votes so far
}

// lineageOf begins the line with the charter.
func lineageOf(c *charter, digest Digest) *lineage {
	l := &lineage{federation: c.Federation, charter: digest.String(), digest: digest.String(), founded: c.Founded,
		quorums: rosterQuorums{Roster: c.rosterQuorum(), Adopt: c.AdoptQuorum, Cosign: c.quorum()}, cosign: c.quorum(),
		ever: map[string]bool{}, ring: make(ring), motions: map[string]*signedRoster{}}
	l.list(c.Members, place{index: -1, time: c.Founded})
	return l
}

// list makes these the members from a place on: keys that are not listed any
// more end there, those that are new begin.
func (l *lineage) list(all []charterMember, at place) {
	listed := map[string]bool{}
	l.members = map[string]charterMember{}
	for _, m := range all {
		l.members[m.ID], l.ever[m.ID] = m, true
		for _, k := range m.Keys {
			listed[k.KID()] = true
			if _, known := l.ring[k.KID()]; !known {
				l.ring[k.KID()] = held{member: m.ID, key: k, after: at.index, from: at.time}
			}
		}
	}
	for kid, h := range l.ring {
		if !h.ended && !listed[kid] {
			h.ended, h.last, h.until = true, at.index, at.time
			l.ring[kid] = h
		}
	}
}

// extend takes the next roster into the line if it follows by the signatures
// alone. The rules are the ledger's (members.Lineage), except those about nodes
// and about proofs of possession, which are its own business. A roster that does
// not follow changes nothing.
func (l *lineage) extend(body json.RawMessage, at place) error {
	var s signedRoster
	if err := strictjson.Unmarshal(body, &s); err != nil {
		return err
	}
	return l.take(s, at)
}

// take is extend for a roster that was read.
func (l *lineage) take(s signedRoster, at place) error {
	next := new(roster)
	if err := strictjson.UnmarshalLoose([]byte(s.Document), next); err != nil {
		return err
	}
	digest := DigestOf([]byte(s.Document)).String()
	if err := l.follows(next); err != nil {
		return err
	}
	if err := l.endorsed(next, digest, s.Endorsements); err != nil {
		return err
	}
	l.digest, l.version, l.quorums, l.cosign = digest, next.Version, next.Quorums, next.Quorums.Cosign
	l.list(next.Members, at)
	return nil
}

// follows checks the roster by itself and against the one before.
func (l *lineage) follows(next *roster) error {
	switch {
	case next.Format != RosterFormat:
		return errors.New("unknown roster format")
	case next.Federation != l.federation, next.Charter != l.charter:
		return errors.New("the roster is another federation's")
	case next.Version != l.version+1:
		return fmt.Errorf("the roster is version %d, next is %d", next.Version, l.version+1)
	case next.Previous != l.digest:
		return errors.New("the roster does not stand on the one before")
	}
	cosigners, err := checkMembers(next.Members)
	if err != nil {
		return err
	}
	seats := 0
	for _, m := range next.Members {
		if m.sits() {
			seats++
		}
		if _, stays := l.members[m.ID]; !stays && l.ever[m.ID] {
			return fmt.Errorf("%s left and does not come back", m.ID)
		}
		for _, k := range m.Keys {
			if h, known := l.ring[k.KID()]; known && (h.ended || h.member != m.ID || !h.key.Equal(k)) {
				return fmt.Errorf("a key of %s was in use before", m.ID)
			}
		}
	}
	if q := next.Quorums; q.Roster < 1 || q.Roster > seats || q.Cosign < 1 || q.Cosign > cosigners {
		return errors.New("the roster's quorums are out of range")
	}
	return nil
}

// endorsed counts the seats of the roster before that endorse these bytes. None
// counts for its own place or seat, and an endorsement that does not hold spoils
// the roster, as it does on the ledger.
func (l *lineage) endorsed(next *roster, digest string, tokens []string) error {
	stays := map[string]bool{} // with a seat
	for _, m := range next.Members {
		stays[m.ID] = m.sits()
	}
	want := rosterEndorsement{Federation: l.federation, Roster: digest, Version: next.Version}
	counted := map[string]bool{}
	for i, token := range tokens {
		t, err := jws.Verify(token, jws.TypEndorsement, l.seatKey)
		var got rosterEndorsement
		if err == nil {
			err = strictjson.Unmarshal(t.Payload, &got)
		}
		if err != nil || got != want {
			return fmt.Errorf("endorsement %d of the roster does not hold", i)
		}
		if by := l.ring[t.KID].member; stays[by] {
			counted[by] = true
		}
	}
	if need := l.quorums.need(matters(l.members, l.quorums, next)); need < 1 || len(counted) < need {
		return fmt.Errorf("%d of the %d seats needed endorse the roster", len(counted), need)
	}
	return nil
}

// seatKey finds the command key of a member with a seat by the newest roster.
func (l *lineage) seatKey(kid string) (keys.Public, error) {
	h, ok := l.ring[kid]
	if !ok || h.ended || h.key.Use() != keys.Command || !l.members[h.member].sits() {
		return keys.Public{}, errUnknownKey
	}
	return h.key, nil
}
