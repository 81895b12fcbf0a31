package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
)

// FeedFormat is the format of an evidence file about a member's feed.
const FeedFormat = "accord-feed-evidence/1"

// verbAnchor is the command that brings a feed's anchor to the ledger.
const verbAnchor = "feed.anchor"

// FeedEvidence is what a follower keeps when it finds a member's feed wrong. Like a
// Fork it is one file, with the charter and rosters whose keys judge it. An author
// has given its word for a history in three ways: by a checkpoint it signed, by a
// link (the tree under that checkpoint has this root at a smaller size), and by the
// command that anchored the feed. Two roots of one size convict it. So does an entry
// of a signed checkpoint whose document its key has not signed.
//
// What was not given convicts nobody, since nothing is signed that says so. A file
// with an entry alone proves what its author owes: the document of that digest.
type FeedEvidence struct {
	Format     string       `json:"format"`
	Federation string       `json:"federation"`
	Author     string       `json:"author"`
	Alarm      FeedAlarm    `json:"alarm"`
	Charter    Charter      `json:"charter"`
	Rosters    []string     `json:"rosters,omitempty"` // JWS compact, typ accord-command+jws
	Notes      []string     `json:"notes,omitempty"`   // checkpoints the author signed
	Links      []FeedLink   `json:"links,omitempty"`
	Anchors    []string     `json:"anchors,omitempty"` // its commands, JWS compact
	Entry      *FeedWitness `json:"entry,omitempty"`
	Given      string       `json:"given,omitempty"` // unproved: what was shown instead, or the digest of it
}

// FeedAlarm is what the accuser says. Nothing signs it.
type FeedAlarm struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Size    int64  `json:"size"`
	Why     string `json:"why"`
	FoundAt int64  `json:"found_at"` // Unix ms
}

// FeedLink ties a smaller size to the note at To.
type FeedLink struct {
	To    int         `json:"to"`
	Size  int64       `json:"size"`
	Root  tlog.Hash   `json:"root"`
	Proof []tlog.Hash `json:"proof"`
}

// FeedWitness is an entry of the feed, proved to be in the note at Note.
type FeedWitness struct {
	Note     int         `json:"note"`
	Index    int64       `json:"index"`
	Text     string      `json:"text"`
	Proof    []tlog.Hash `json:"proof"`
	Document string      `json:"document,omitempty"` // as signed
}

// FeedReport says what an evidence file about a feed proves of its author.
type FeedReport struct {
	Author    string     `json:"author"`
	Proves    string     `json:"proves"` // one of the constants below
	Conflicts []Conflict `json:"conflicts,omitempty"`
	Entry     *FeedOwed  `json:"entry,omitempty"`
}

// FeedOwed is an entry that its author signed for.
type FeedOwed struct {
	Index  int64  `json:"index"`
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Digest string `json:"digest"` // of the document, hex SHA-256
}

// What a file proves.
const (
	FeedProvesNothing  = "nothing"
	FeedProvesFork     = "fork"     // two histories
	FeedProvesUnsigned = "unsigned" // a document in the feed that its key did not sign
	FeedProvesOwed     = "owed"     // what its author must be able to give
)

// The checks of a feed's evidence.
const (
	CheckFeedForm     = "feed.form"
	CheckFeedNote     = "feed.note"
	CheckFeedLink     = "feed.link"
	CheckFeedAnchor   = "feed.anchor"
	CheckFeedEntry    = "feed.entry"
	CheckFeedDocument = "feed.document"
	CheckFeedProves   = "feed.proves"
)

// Marshal writes the file, ended by a line feed.
func (f *FeedEvidence) Marshal() ([]byte, error) { return encodeFile(f) }

// ParseFeedEvidence reads the form of a feed's evidence. It verifies nothing.
func ParseFeedEvidence(data []byte) (*FeedEvidence, error) { return parseFile[FeedEvidence](data) }

func (f *FeedEvidence) check() error {
	switch {
	case f.Format != FeedFormat:
		return fmt.Errorf("%w: unknown format", ErrFormat)
	case !validName(f.Federation), !validName(f.Author), len(f.Charter.Signatures) == 0, f.Charter.Logged != nil:
		return fmt.Errorf("%w: federation, author or charter", ErrFormat)
	case len(f.Charter.Signatures) > MaxMembers, len(f.Notes) > maxNotes, len(f.Links) > maxNotes, len(f.Anchors) > maxNotes,
		len(f.Rosters) > MaxCommands:
		return fmt.Errorf("%w: signatures, rosters, notes, links or anchors", ErrLimit)
	}
	for _, l := range f.Links {
		if l.To < 0 || l.To >= len(f.Notes) || l.Size < 0 {
			return fmt.Errorf("%w: a link names no note", ErrFormat)
		}
	}
	if e := f.Entry; e != nil && (e.Note < 0 || e.Note >= len(f.Notes) || e.Index < 0) {
		return fmt.Errorf("%w: the entry names no note", ErrFormat)
	}
	return nil
}

func isFeedEvidence(data []byte) bool {
	var head struct {
		Format string `json:"format"`
	}
	return json.Unmarshal(data, &head) == nil && head.Format == FeedFormat
}

// VerifyFeedEvidence checks a feed's evidence from the charter to what it proves. OK
// says that it proves something of its author, and the report's Feed what.
func VerifyFeedEvidence(data []byte, opts Options) *Report {
	r := &Report{Format: ReportFormat, OK: true}
	f, err := ParseFeedEvidence(data)
	if !r.add(CheckFeedForm, "", err) {
		return r
	}
	v := &verifier{Report: r, opts: Options{Trust: opts.Trust}, ring: make(ring),
		bundle: &Bundle{Federation: f.Federation, Charter: f.Charter}}
	v.charter()
	v.rosters(f.Rosters)
	v.feed(f)
	r.Anchored = r.OK && opts.Trust != nil
	return r
}

func (v *verifier) feed(f *FeedEvidence) {
	v.Feed = &FeedReport{Author: f.Author, Proves: FeedProvesNothing}
	points, held := make([]tlog.Checkpoint, len(f.Notes)), make([]bool, len(f.Notes))
	var claims []claim
	for i, note := range f.Notes {
		signed, err := tlog.Open([]byte(note), tlog.FeedOrigin(f.Federation, f.Author), v.feedKeys(f)...)
		if held[i] = v.add(CheckFeedNote, "note "+strconv.Itoa(i), err); held[i] {
			points[i] = signed.Checkpoint
			claims = append(claims, claim{points[i].Size, points[i].Root, f.Author})
		}
	}
	for i, l := range f.Links {
		err := errors.New("its note does not hold")
		if held[l.To] {
			err = linked(l, points[l.To])
		}
		if v.add(CheckFeedLink, "link "+strconv.Itoa(i), err) {
			claims = append(claims, claim{l.Size, l.Root, f.Author})
		}
	}
	for i, token := range f.Anchors {
		size, root, err := v.anchor(f, token)
		if v.add(CheckFeedAnchor, "anchor "+strconv.Itoa(i), err) {
			claims = append(claims, claim{size, root, f.Author})
		}
	}
	if report := conflicts(claims); len(report.Conflicts) > 0 {
		v.Feed.Conflicts, v.Feed.Proves = report.Conflicts, FeedProvesFork
	}
	if e := f.Entry; e != nil && held[e.Note] {
		v.witnessed(f, points[e.Note])
	}
	v.add(CheckFeedProves, "", unless(v.Feed.Proves != FeedProvesNothing, "nothing that the author signed contradicts itself or is owed"))
}

// linked checks a link; of its own size a note is its own proof.
func linked(l FeedLink, to tlog.Checkpoint) error {
	if l.Size >= to.Size {
		return errors.New("the link is not to a larger note")
	}
	return tlog.CheckConsistency(l.Proof, l.Size, l.Root, to.Size, to.Root)
}

// feedKeys are the author's note keys, all it ever had: a checkpoint has no time.
func (v *verifier) feedKeys(f *FeedEvidence) (known []tlog.Key) {
	for _, h := range v.ring {
		if h.member != f.Author || h.key.Use() != keys.Cosign {
			continue
		}
		if k, err := tlog.FeedKey(f.Federation, f.Author, h.key); err == nil {
			known = append(known, k)
		}
	}
	slices.SortFunc(known, func(a, b tlog.Key) int { return strings.Compare(a.String(), b.String()) })
	return known
}

// anchor is what a command of the author's says of its feed.
func (v *verifier) anchor(f *FeedEvidence, token string) (size int64, root tlog.Hash, err error) {
	t, err := jws.Verify(token, jws.TypCommand, v.ring.lookup)
	if err != nil {
		return 0, root, err
	}
	var s statement
	if err := strictjson.UnmarshalLoose(t.Payload, &s); err != nil {
		return 0, root, err
	}
	var body struct {
		Size int64     `json:"size"`
		Root tlog.Hash `json:"root"`
	}
	if err := strictjson.UnmarshalLoose(s.Body, &body); err != nil {
		return 0, root, err
	}
	if h := v.ring[t.KID]; h.member != f.Author || s.Iss != f.Author || s.Fed != f.Federation || s.Verb != verbAnchor || body.Size < 1 {
		return 0, root, errors.New("not an anchor of this author")
	}
	return body.Size, body.Root, nil
}

// feedTypes are the documents of a feed's entries by the entry's kind.
var feedTypes = map[string]string{"record": "accord-record+sd-jwt", "correction": "accord-record+sd-jwt",
	"retraction": "accord-retraction+jws", "erasure": "accord-erasure+jws"}

// witnessed judges the entry and, where it comes with one, its document.
func (v *verifier) witnessed(f *FeedEvidence, c tlog.Checkpoint) {
	e, ref := f.Entry, "entry "+strconv.FormatInt(f.Entry.Index, 10)
	lines := strings.Split(e.Text, "\n")
	err := errors.New("not an entry of a feed")
	if len(lines) == 5 && lines[0] == "accord-feed-entry/1" && feedTypes[lines[1]] != "" {
		err = tlog.CheckInclusion(e.Proof, c.Size, e.Index, c.Root, tlog.LeafHash([]byte(e.Text)))
	}
	if !v.add(CheckFeedEntry, ref, err) {
		return
	}
	v.Feed.Entry = &FeedOwed{Index: e.Index, Kind: lines[1], ID: lines[2], Digest: lines[3]}
	if e.Document == "" {
		if v.Feed.Proves == FeedProvesNothing {
			v.Feed.Proves = FeedProvesOwed
		}
		return
	}
	if v.add(CheckFeedDocument, ref, v.unsigned(f.Author, e.Document, lines[1], lines[3])) && v.Feed.Proves == FeedProvesNothing {
		v.Feed.Proves = FeedProvesUnsigned
	}
}

// unsigned is nil when the document is the entry's and its author's key did not sign
// it. A key that is in neither charter nor rosters convicts nobody: the rosters may
// be incomplete.
func (v *verifier) unsigned(author, document, kind, digest string) error {
	if sum := sha256.Sum256([]byte(document)); hex.EncodeToString(sum[:]) != digest {
		return errors.New("the document is not the one of the entry")
	}
	t, err := jws.Parse(document)
	if err != nil {
		return nil
	}
	if h, known := v.ring[t.KID]; !known {
		return errors.New("it names a key that is in neither charter nor rosters")
	} else if h.member != author || h.key.Use() != keys.Attest {
		return nil
	}
	if strings.HasSuffix(feedTypes[kind], "+sd-jwt") {
		_, err = sdjwt.Verify(document+"~", feedTypes[kind], v.ring.lookup)
	} else {
		_, err = jws.VerifyKind(document, jws.Kind{Typ: feedTypes[kind], Use: keys.Attest}, v.ring.lookup)
	}
	if err == nil {
		return errors.New("its author's key did sign it")
	}
	return nil
}
