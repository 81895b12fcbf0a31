package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"accord/crypto/jws"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
)

// Options say what to compare a bundle with and what to tell of it.
type Options struct {
	// Trust is the charter digest the verifier knows from elsewhere; nil if it
	// knows none. Then the bundle is checked against itself only.
	Trust *Digest
	// Policy are cosigners the verifier trusts; nil for none. A policy vouches
	// for the ledger, so the bundle must prove its charter to be in it.
	Policy *tlog.Policy
	// Show puts the values of disclosed fields and the ids of natural persons
	// into the report.
	Show bool
	// Now is the verifier's time, Unix ms, by which a report is said to have expired; 0
	// does not say.
	Now int64
	// Paper is the code scanned from a paper, to be judged by the members' keys and by
	// the report in the file; "" for none.
	Paper string
}

// Verify checks a bundle file from the charter to the last document. It never
// stops at the first failure, and any failure makes the report's OK false. It
// reads no clock: times are judged against each other, and Now only tells of expiry.
func Verify(data []byte, opts Options) *Report {
	r := &Report{Format: ReportFormat, OK: true}
	b, err := Parse(data)
	if !r.add(CheckForm, "", err) {
		return r
	}
	v := &verifier{Report: r, bundle: b, opts: opts, ring: make(ring)}
	v.charter()
	v.changes()
	v.checkpoint()
	v.commands()
	v.lists()
	v.accesses()
	v.documents()
	v.paper()
	r.Anchored = r.OK && (opts.Trust != nil || opts.Policy != nil)
	return r
}

// verifier carries what one step found to the next.
type verifier struct {
	*Report
	bundle *Bundle
	opts   Options
	line   *lineage // nil if the charter does not read
	ring   ring
	tree   tlog.Checkpoint // as stated; believed only if the checks say so
	bodies []statement     // of the commands, by position
}

// statement is what a verifier needs of a command's payload.
type statement struct {
	Fed  string          `json:"fed"`
	Iss  string          `json:"iss"`
	Op   string          `json:"op"`
	Iat  int64           `json:"iat"`
	ID   string          `json:"id"`
	Verb string          `json:"verb"`
	Body json.RawMessage `json:"body"`
}

func (v *verifier) charter() {
	payload, c, err := readCharter(v.bundle.Charter.Signatures)
	if v.add(CheckCharterForm, "", err) {
		v.line = lineageOf(c, DigestOf(payload))
		v.ring = v.line.ring
		v.Federation = c.Federation
		v.Name = &c.Name
		v.add(CheckFederation, "", unless(c.Federation == v.bundle.Federation,
			"charter and bundle name different federations"))
		v.founders(c)
	}
	v.trust(payload)
	if logged := v.bundle.Charter.Logged; logged != nil || v.opts.Policy != nil {
		v.add(CheckCharterLogged, "", v.charterLogged(payload, logged))
	}
}

// founders checks that each founder signed, once, and nobody else.
func (v *verifier) founders(c *charter) {
	signed := make(map[string]error)
	for _, token := range v.bundle.Charter.Signatures {
		t, err := jws.Verify(token, jws.TypCharter, v.ring.lookup)
		if err != nil {
			// The kid says whose signature this claims to be; the claim is
			// enough to report its failure under that name.
			if p, perr := jws.Parse(token); perr == nil {
				t.KID = p.KID
			}
		}
		member := v.ring[t.KID].member
		if _, twice := signed[member]; twice && err == nil {
			err = errors.New("signed twice")
		}
		if member == "" {
			v.add(CheckFounder, "unknown key "+quote(t.KID), err)
			continue
		}
		if signed[member] == nil {
			signed[member] = err
		}
	}
	for _, m := range c.Members {
		err, ok := signed[m.ID]
		if !ok {
			err = errors.New("no signature")
		}
		v.add(CheckFounder, "member "+m.ID, err)
	}
}

// trust compares the charter's digest with the one given.
func (v *verifier) trust(payload []byte) {
	if payload == nil {
		if v.opts.Trust != nil {
			v.add(CheckTrust, "", errors.New("no charter to compare"))
		}
		return
	}
	digest := DigestOf(payload)
	v.Report.Charter = digest.String()
	switch {
	case v.opts.Trust != nil:
		v.add(CheckTrust, "", unless(digest == *v.opts.Trust, "the digest is "+digest.String()))
	case v.opts.Policy == nil:
		v.Checks = append(v.Checks, Check{Name: CheckTrust, Status: NotCompared, Text: notCompared})
	}
}

func (v *verifier) charterLogged(payload []byte, logged *Logged) error {
	if logged == nil {
		return errors.New("a policy vouches for the ledger only: the bundle must prove that the charter is in it")
	}
	c, _, err := tlog.Read([]byte(v.bundle.Checkpoint))
	if err != nil {
		return err
	}
	return tlog.CheckInclusion(logged.Proof, c.Size, logged.Index, c.Root, tlog.LeafHash(CharterLeaf(payload)))
}

func (v *verifier) checkpoint() {
	note := []byte(v.bundle.Checkpoint)
	origin := tlog.LedgerOrigin(v.bundle.Federation)
	known, holder := v.ring.cosigners(v.bundle.Federation)
	if c, _, err := tlog.Read(note); err == nil {
		v.tree = c
		v.Checkpoint = &CheckpointReport{Origin: c.Origin, Size: c.Size, Root: c.Root.String(), Cosigners: []Cosigner{}}
		if v.line != nil {
			v.Checkpoint.Quorum = v.line.cosign
		}
	}
	signed, err := tlog.Open(note, origin, known...)
	v.add(CheckNote, "", err)
	v.add(CheckQuorum, "", v.count(signed, holder))
	if v.opts.Policy != nil {
		_, err := v.opts.Policy.Check(note, origin)
		v.add(CheckPolicy, "", err)
	}
}

// count counts members, not keys or signature lines, and only those of the
// newest roster, with the keys it lists: who holds another's old key cannot make
// checkpoints of what came later.
func (v *verifier) count(signed *tlog.SignedCheckpoint, holder map[string]held) error {
	if v.line == nil || signed == nil {
		return errors.New("no charter, or no valid checkpoint, to count by")
	}
	v.Checkpoint.Cosigners = append(v.Checkpoint.Cosigners, v.counted(signed, holder)...)
	want := v.line.cosign
	return unless(len(v.Checkpoint.Cosigners) >= want, fmt.Sprintf("%d of the %d needed", len(v.Checkpoint.Cosigners), want))
}

// counted are the members whose signatures on a note count.
func (v *verifier) counted(signed *tlog.SignedCheckpoint, holder map[string]held) (by []Cosigner) {
	counted := make(map[string]bool)
	for _, s := range signed.Signatures {
		h := holder[s.Key.String()]
		if s.Unix > 1<<53/1000 || h.ended || !h.validAt(s.Unix*1000) || counted[h.member] {
			continue
		}
		counted[h.member] = true
		by = append(by, Cosigner{Member: h.member, Unix: s.Unix})
	}
	return by
}

func (v *verifier) commands() {
	tokens := make([]string, len(v.bundle.Commands))
	for i, c := range v.bundle.Commands {
		tokens[i] = c.JWS
	}
	v.bodies = make([]statement, len(tokens))
	for i, result := range jws.VerifyBatch(tokens, jws.TypCommand, v.ring.lookup) {
		v.command(i, result)
	}
}

func (v *verifier) command(i int, result jws.Result) {
	c := v.bundle.Commands[i]
	ref := "command " + strconv.FormatInt(c.Index, 10)
	token := result.Token
	ok := v.add(CheckCommandSigned, ref, result.Err)
	if !ok {
		// Go on with what it claims, to report all that is wrong with it.
		token, _ = jws.Parse(c.JWS)
	}
	s, err := readStatement(token.Payload, v.bundle.Federation)
	ok = v.add(CheckCommandForm, ref, err) && ok
	h, known := v.ring[token.KID]
	err = unless(known && h.member == s.Iss && h.signs(c.Index) && s.Iat >= v.line.founded-acceptSkew, "the key's holder and time are others")
	ok = v.add(CheckCommandIssuer, ref, err) && ok
	leaf := tlog.LeafHash(Leaf(s.ID, []byte(c.JWS), c.Outcome))
	err = tlog.CheckInclusion(c.Proof, v.tree.Size, c.Index, v.tree.Root, leaf)
	ok = v.add(CheckCommandLogged, ref, err) && ok
	if v.unlisted(s, c) {
		ok = v.add(CheckChange, ref, errors.New("the roster is not named among the changes"))
	}
	v.bodies[i] = s
	v.Commands = append(v.Commands, CommandReport{Index: c.Index, OK: ok, Outcome: c.Outcome,
		ID: s.ID, Issuer: s.Iss, Operator: s.Op, Verb: s.Verb, Time: s.Iat})
}

// readStatement reads a command's payload. Members unknown here are allowed: a
// verifier judges who said it and that it was logged, not what it does.
func readStatement(payload []byte, federation string) (statement, error) {
	var s statement
	if err := strictjson.UnmarshalLoose(payload, &s); err != nil {
		return statement{}, err
	}
	switch {
	case s.Fed != federation:
		return s, errors.New("the command names another federation")
	case !validID(s.ID):
		return s, errors.New("the command's id is not valid")
	case s.Iss == "" || s.Verb == "" || s.Iat <= 0 || s.Iat >= 1<<53:
		return s, errors.New("the command lacks issuer, verb or time")
	}
	return s, nil
}

// changes follows the rosters that the bundle's commands brought, from the
// charter on. Whether each of these commands is signed and in the ledger, commands
// says like of any other.
func (v *verifier) changes() {
	for _, c := range v.bundle.Commands {
		_, listed := slices.BinarySearch(v.bundle.Changes, c.Index)
		t, err := jws.Parse(c.JWS)
		if !listed && (err != nil || !isMeeting(t.Payload)) {
			continue // commands reports what does not read
		}
		if err == nil {
			err = v.change(t.Payload, place{index: c.Index}, c.Outcome, listed)
		}
		if listed || err != nil {
			v.add(CheckChange, "command "+strconv.FormatInt(c.Index, 10), err)
		}
	}
	if v.line != nil {
		v.Roster = v.line.version
	}
}

// change takes one roster into the line. A command of another kind is refused:
// to go on with the keys known so far would be to guess. One that is not listed as a
// change is a proposal or a vote, and must not have brought a roster.
func (v *verifier) change(payload []byte, at place, outcome Outcome, listed bool) error {
	s, err := readStatement(payload, v.bundle.Federation)
	switch {
	case err != nil && !listed:
		return nil // commands reports it
	case err != nil:
		return err
	case s.Verb == verbPropose || s.Verb == verbVote:
		at.time = s.Iat
		brought := outcome == Accepted && v.line != nil && v.line.gather(s, at)
		if listed {
			return unless(brought, errNoVotes.Error())
		}
		return unless(!brought, "the roster is not named among the changes")
	case !listed:
		return nil
	case s.Verb != verbRoster:
		return errors.New("this version knows no command " + quote(s.Verb) + " that changes keys")
	case outcome != Accepted:
		return errors.New("the ledger refused the roster")
	case v.line == nil:
		return errors.New("no charter to begin with")
	}
	at.time = s.Iat
	return v.line.extend(s.Body, at)
}

// unlisted says that a command brought a roster which the bundle keeps silent
// about: its verifier would go on with keys that do not count any more.
func (v *verifier) unlisted(s statement, c Command) bool {
	_, listed := slices.BinarySearch(v.bundle.Changes, c.Index)
	return s.Verb == verbRoster && c.Outcome == Accepted && !listed
}

// unless is nil if ok, and an error with the text otherwise.
func unless(ok bool, text string) error {
	if ok {
		return nil
	}
	return errors.New(text)
}
