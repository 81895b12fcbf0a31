package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// The commands by which the joint meeting decides. The vote that reaches the quorum
// brings what was proposed.
const (
	verbPropose = "meeting.propose"
	verbVote    = "meeting.vote"
)

// proposed is what a verifier needs of meeting.propose.
type proposed struct {
	Kind     string `json:"kind"`
	Reason   string `json:"reason"`
	Deadline int64  `json:"deadline"` // Unix ms
	Roster   *struct {
		Document string `json:"document"`
	} `json:"roster"`
	Catalogue *struct {
		Document string `json:"document"`
	} `json:"catalogue"`
	Decision json.RawMessage `json:"decision"`
}

// digest names the document that is decided on.
func (p *proposed) digest() string {
	switch {
	case p.Roster != nil:
		return DigestOf([]byte(p.Roster.Document)).String()
	case p.Catalogue != nil:
		return DigestOf([]byte(p.Catalogue.Document)).String()
	}
	return DigestOf(p.Decision).String()
}

// voted is meeting.vote.
type voted struct {
	Proposal    string `json:"proposal"`
	Choice      string `json:"choice"`
	Note        string `json:"note"`
	Endorsement string `json:"endorsement"`
}

// gather takes in a proposal or a vote that the ledger accepted, and says whether it
// brought a roster. The votes before it must have been gathered.
func (l *lineage) gather(s statement, at place) bool {
	switch s.Verb {
	case verbPropose:
		var p proposed
		if strictjson.UnmarshalLoose(s.Body, &p) == nil && p.Roster != nil {
			l.motions[s.ID] = &signedRoster{Document: p.Roster.Document}
		}
	case verbVote:
		var v voted
		if strictjson.UnmarshalLoose(s.Body, &v) != nil || v.Endorsement == "" || l.motions[v.Proposal] == nil {
			return false
		}
		m := l.motions[v.Proposal]
		m.Endorsements = append(m.Endorsements, v.Endorsement)
		return l.take(*m, at) == nil // too few of them, and nothing changes
	}
	return false
}

// isMeeting says whether a command's payload is of the joint meeting, before it is
// read: nearly all are not.
func isMeeting(payload []byte) bool { return bytes.Contains(payload, []byte(`"verb":"meeting.`)) }

var errNoVotes = errors.New("the votes in the file do not bring a roster")

// KindMinutes is a member's signed minutes of a proposal, as a JWS.
const KindMinutes = "minutes"

// TypMinutes is the type of minutes; the attest key signs them.
const TypMinutes = "accord-minutes+jws"

// MinutesKind is its kind of token.
var MinutesKind = jws.Kind{Typ: TypMinutes, Use: keys.Attest}

// Minutes (会议纪要) say how the joint meeting decided: the proposal, every vote, and
// what came of it. The statements stand in the same file with their proofs.
type Minutes struct {
	Federation string          `json:"fed"`
	Issuer     string          `json:"iss"`
	IssuedAt   int64           `json:"iat"` // Unix s
	ID         string          `json:"jti"`
	Proposal   MinutesProposal `json:"proposal"`
	Ballots    []MinutesBallot `json:"ballots"` // in the order of the ledger
	Outcome    MinutesOutcome  `json:"outcome"`
}

// MinutesProposal is what was decided on.
type MinutesProposal struct {
	ID       string          `json:"id"`
	Seq      int64           `json:"seq"` // its command
	Kind     string          `json:"kind"`
	By       string          `json:"by"`
	Operator string          `json:"op"`
	Reason   string          `json:"reason"`
	At       int64           `json:"at"`       // ledger time, Unix ms
	Deadline int64           `json:"deadline"` // Unix ms
	Digest   string          `json:"digest"`   // of the document's bytes
	Version  int             `json:"version,omitzero"`
	Decision json.RawMessage `json:"decision,omitempty"`
	Barred   []string        `json:"barred,omitempty"` // seats that had no vote on it
}

// MinutesBallot is a vote.
type MinutesBallot struct {
	Member   string `json:"member"`
	Operator string `json:"op"`
	Choice   string `json:"choice"` // yes, no, abstain
	Note     string `json:"note,omitempty"`
	At       int64  `json:"at"`  // ledger time, Unix ms
	Seq      int64  `json:"seq"` // its command
}

// MinutesOutcome is what came of it.
type MinutesOutcome struct {
	Status string   `json:"status"`       // passed, rejected, withdrawn, lapsed, moot
	At     int64    `json:"at"`           // Unix ms
	Seq    int64    `json:"seq,omitzero"` // the command that ended it; 0: time, or another document, did
	Quorum int      `json:"quorum"`
	Seats  int      `json:"seats"`            // that could vote on it
	By     []string `json:"by,omitempty"`     // whose yes counted
	From   int64    `json:"from,omitzero"`    // since when the catalogue counts, Unix ms
	Reason string   `json:"reason,omitempty"` // of a withdrawal
}

// minutes verifies minutes by their issuer's attest key and against the statements
// in the file.
func (v *verifier) minutes(d Document, ref string, out *DocumentReport) bool {
	t, err := jws.VerifyKind(d.SDJWT, MinutesKind, v.ring.lookup)
	if !v.add(CheckDocumentSigned, ref, err) {
		return false
	}
	m := new(Minutes)
	if err := strictjson.Unmarshal(t.Payload, m); err != nil {
		return v.add(CheckMinutes, ref, err)
	}
	out.Issuer, out.Type, out.Minutes = m.Issuer, KindMinutes, m
	h := v.ring[t.KID]
	ok := v.add(CheckDocumentIssuer, ref, unless(h.member == m.Issuer && h.validAt(m.IssuedAt*1000), "the key's holder and time are others"))
	return v.add(CheckMinutes, ref, v.held(m)) && ok
}

// held compares minutes with the statements: nothing in them is without one, and no
// vote in the file is left out of them.
func (v *verifier) held(m *Minutes) error {
	if m.Federation != v.bundle.Federation {
		return errors.New("the minutes are of another federation")
	}
	s, err := v.statementAt(m.Proposal.Seq, verbPropose)
	if err != nil {
		return err
	}
	var p proposed
	if err := strictjson.UnmarshalLoose(s.Body, &p); err != nil {
		return err
	}
	said := m.Proposal
	if s.ID != said.ID || s.Iss != said.By || s.Op != said.Operator || p.Kind != said.Kind || p.Reason != said.Reason ||
		p.Deadline != said.Deadline || p.digest() != said.Digest || !bytes.Equal(p.Decision, said.Decision) {
		return errors.New("the proposal is another than the minutes say")
	}
	yes := []string{}
	for _, b := range m.Ballots {
		if err := v.ballot(m, b); err != nil {
			return err
		}
		if slices.Contains(said.Barred, b.Member) {
			return errors.New(b.Member + " had no vote on it")
		}
		if b.Choice == "yes" {
			yes = append(yes, b.Member)
		}
	}
	if n := v.votesOn(said.ID); n != len(m.Ballots) {
		return errors.New("the file holds " + strconv.Itoa(n) + " votes on it, the minutes " + strconv.Itoa(len(m.Ballots)))
	}
	return m.adds(yes)
}

// adds says whether the outcome is what the votes come to.
func (m *Minutes) adds(yes []string) error {
	o := m.Outcome
	by := slices.Compact(slices.Sorted(slices.Values(o.By)))
	for _, member := range by {
		if !slices.Contains(yes, member) {
			return errors.New(member + " did not say yes")
		}
	}
	last := int64(0)
	if n := len(m.Ballots); n > 0 {
		last = m.Ballots[n-1].Seq
	}
	switch o.Status {
	case "passed":
		return unless(o.Quorum > 0 && len(by) >= o.Quorum && o.Seq == last, "fewer seats said yes than must")
	case "rejected":
		return unless(o.Seq == last && len(by)+o.Seats-len(m.Ballots) < o.Quorum, "the quorum could still be reached")
	case "withdrawn", "lapsed", "moot":
		return unless(o.Quorum < 1 || len(by) < o.Quorum, "the quorum was reached")
	}
	return errors.New("the outcome is not known")
}

// ballot compares a vote with its statement.
func (v *verifier) ballot(m *Minutes, b MinutesBallot) error {
	s, err := v.statementAt(b.Seq, verbVote)
	if err != nil {
		return err
	}
	var body voted
	if err := strictjson.UnmarshalLoose(s.Body, &body); err != nil {
		return err
	}
	if s.Iss != b.Member || s.Op != b.Operator || body.Proposal != m.Proposal.ID || body.Choice != b.Choice || body.Note != b.Note {
		return errors.New("the vote of " + quote(b.Member) + " is another than the minutes say")
	}
	return nil
}

// statementAt is the accepted command with this place in the ledger.
func (v *verifier) statementAt(seq int64, verb string) (statement, error) {
	i := v.bundle.position(seq)
	if i < 0 || v.bundle.Commands[i].Outcome != Accepted || v.bodies[i].Verb != verb {
		return statement{}, errors.New("command " + strconv.FormatInt(seq, 10) + " is not in the file, or is no " + verb)
	}
	return v.bodies[i], nil
}

// votesOn counts the accepted votes on a proposal in the file.
func (v *verifier) votesOn(id string) (n int) {
	for i, s := range v.bodies {
		var body voted
		if s.Verb == verbVote && v.bundle.Commands[i].Outcome == Accepted && strictjson.UnmarshalLoose(s.Body, &body) == nil && body.Proposal == id {
			n++
		}
	}
	return n
}
