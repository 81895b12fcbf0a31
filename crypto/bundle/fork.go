package bundle

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"accord/crypto/jws"
	"accord/crypto/tlog"
)

// ForkFormat is the format of an evidence file about a fork.
const ForkFormat = "accord-fork/1"

// maxNotes bounds the notes and links of a Fork.
const maxNotes = 256

// A Fork is evidence that one ledger has two histories: signed checkpoints that
// cannot both be of one append-only log. Like a Bundle it is one file, with the
// charter whose keys judge it:
//
//	{
//	  "format": "accord-fork/1",
//	  "federation": "qinghai",
//	  "charter": {"signatures": ["<JWS>", …]},
//	  "rosters": ["<JWS>", …],            every command since that brings a roster, in order
//	  "notes": ["<signed note>", …],
//	  "links": [{"from": 0, "to": 2, "root": "<hash>", "proof": ["<hash>", …]}]
//	}
//
// Two notes of one size with different roots are a conflict by themselves. Notes
// of different sizes are made comparable by a link: the RFC 6962 proof that the
// history under the note "to" has that root at the size of the note "from".
// Whoever signed "to" has thereby said so.
//
// The rosters prove themselves by their endorsements. That they are leaves, of
// which side, a fork's evidence does not show; so a key counts from the time that
// the command of its roster states, until that of the one that lists it no more.
// A cosignature states its own time: who stole a replaced key can sign for the
// time before.
type Fork struct {
	Format     string   `json:"format"`
	Federation string   `json:"federation"`
	Charter    Charter  `json:"charter"`
	Rosters    []string `json:"rosters,omitempty"` // JWS compact, typ accord-command+jws
	Notes      []string `json:"notes"`
	Links      []Link   `json:"links,omitempty"`
}

// Link ties the note at To to the size of the note at From.
type Link struct {
	From  int         `json:"from"`
	To    int         `json:"to"`
	Root  tlog.Hash   `json:"root"`
	Proof []tlog.Hash `json:"proof"`
}

// ForkReport says what an evidence file about a fork proves.
type ForkReport struct {
	Conflicts []Conflict `json:"conflicts"`
	// Equivocators signed two histories themselves; no honest node does.
	Equivocators []string `json:"equivocators,omitempty"`
}

// Conflict is one size of which several roots were signed.
type Conflict struct {
	Size  int64  `json:"size"`
	Sides []Side `json:"sides"`
}

// Side is one of the roots and who signed it.
type Side struct {
	Root    string   `json:"root"`
	Members []string `json:"members"`
}

// The checks of a fork's evidence.
const (
	CheckForkForm     = "fork.form"
	CheckForkNote     = "fork.note"
	CheckForkLink     = "fork.link"
	CheckForkConflict = "fork.conflict"
)

// Marshal writes the file, ended by a line feed.
func (f *Fork) Marshal() ([]byte, error) { return encodeFile(f) }

// ParseFork reads the form of a fork's evidence. It verifies nothing.
func ParseFork(data []byte) (*Fork, error) { return parseFile[Fork](data) }

func (f *Fork) check() error {
	switch {
	case f.Format != ForkFormat:
		return fmt.Errorf("%w: unknown format", ErrFormat)
	case !validName(f.Federation), len(f.Charter.Signatures) == 0, f.Charter.Logged != nil:
		return fmt.Errorf("%w: federation or charter", ErrFormat)
	case len(f.Charter.Signatures) > MaxMembers, len(f.Notes) > maxNotes, len(f.Links) > maxNotes, len(f.Rosters) > MaxCommands:
		return fmt.Errorf("%w: signatures, rosters, notes or links", ErrLimit)
	case len(f.Notes) < 2:
		return fmt.Errorf("%w: fewer than two notes", ErrFormat)
	}
	for _, l := range f.Links {
		if l.From < 0 || l.To < 0 || l.From >= len(f.Notes) || l.To >= len(f.Notes) || l.From == l.To {
			return fmt.Errorf("%w: a link names no note", ErrFormat)
		}
	}
	return nil
}

// isFork says whether a file claims to be a fork's evidence.
func isFork(data []byte) bool {
	var head struct {
		Format string `json:"format"`
	}
	return json.Unmarshal(data, &head) == nil && head.Format == ForkFormat
}

// VerifyFork checks a fork's evidence from the charter to the conflict. OK says
// that a fork is proven, not which side of it is right: see the report's sides.
func VerifyFork(data []byte, opts Options) *Report {
	r := &Report{Format: ReportFormat, OK: true}
	f, err := ParseFork(data)
	if !r.add(CheckForkForm, "", err) {
		return r
	}
	v := &verifier{Report: r, opts: Options{Trust: opts.Trust}, ring: make(ring),
		bundle: &Bundle{Federation: f.Federation, Charter: f.Charter}}
	v.charter()
	v.rosters(f.Rosters)
	v.fork(f)
	r.Anchored = r.OK && opts.Trust != nil
	return r
}

// rosters follows the rosters from the charter on. Who carried one to the ledger
// signed for its time.
func (v *verifier) rosters(tokens []string) {
	for i, token := range tokens {
		t, err := jws.Verify(token, jws.TypCommand, v.ring.lookup)
		if h := v.ring[t.KID]; err == nil && h.ended {
			err = errors.New("its key had ended")
		}
		if err == nil {
			err = v.statementOfRoster(t.Payload)
		}
		v.add(CheckChange, "roster "+strconv.Itoa(i), err)
	}
	if v.line != nil {
		v.Roster = v.line.version
	}
}

// statementOfRoster takes in a command that brings a roster, or one of those of the
// joint meeting that bring it together.
func (v *verifier) statementOfRoster(payload []byte) error {
	if !isMeeting(payload) {
		return v.change(payload, place{}, Accepted, true)
	}
	s, err := readStatement(payload, v.bundle.Federation)
	if err == nil && v.line != nil {
		v.line.gather(s, place{time: s.Iat})
	}
	return err
}

// unknownSigner is the text of CheckForkNote when only keys that are in neither
// charter nor rosters signed.
var unknownSigner = Text{"签名密钥不在章程和名册中，未予采信", "signed by keys that are in neither charter nor rosters, and not counted"}

// claim is one member's word for one root.
type claim struct {
	size   int64
	root   tlog.Hash
	member string
}

func (v *verifier) fork(f *Fork) {
	points, signers := make([]tlog.Checkpoint, len(f.Notes)), make([][]string, len(f.Notes))
	var claims []claim
	for i, note := range f.Notes {
		var err error
		points[i], signers[i], err = v.signersOf(f.Federation, []byte(note))
		if errors.Is(err, tlog.ErrUnsigned) {
			// by nobody that charter and rosters list: it proves nothing here,
			// and takes nothing from what the others prove
			v.Checks = append(v.Checks, Check{Name: CheckForkNote, Ref: "note " + strconv.Itoa(i), Status: NotCompared, Text: unknownSigner})
			continue
		}
		v.add(CheckForkNote, "note "+strconv.Itoa(i), err)
		for _, m := range signers[i] {
			claims = append(claims, claim{points[i].Size, points[i].Root, m})
		}
	}
	for i, l := range f.Links {
		from, to := points[l.From], points[l.To]
		err := tlog.CheckConsistency(l.Proof, from.Size, l.Root, to.Size, to.Root)
		if !v.add(CheckForkLink, "link "+strconv.Itoa(i), err) {
			continue
		}
		for _, m := range signers[l.To] {
			claims = append(claims, claim{from.Size, l.Root, m})
		}
	}
	v.Fork = conflicts(claims)
	v.add(CheckForkConflict, "", unless(len(v.Fork.Conflicts) > 0, "no two roots of one size"))
}

// signersOf gives a note's checkpoint and the members whose valid signatures it
// bears, each once.
func (v *verifier) signersOf(federation string, note []byte) (tlog.Checkpoint, []string, error) {
	known, holder := v.ring.cosigners(federation)
	signed, err := tlog.Open(note, tlog.LedgerOrigin(federation), known...)
	if err != nil {
		return tlog.Checkpoint{}, nil, err
	}
	var names []string
	for _, s := range signed.Signatures {
		h := holder[s.Key.String()]
		if s.Unix <= 1<<53/1000 && h.validAt(s.Unix*1000) && !slices.Contains(names, h.member) {
			names = append(names, h.member)
		}
	}
	if len(names) == 0 {
		return tlog.Checkpoint{}, nil, errors.New("no signature of a key that counted at its time")
	}
	slices.Sort(names)
	return signed.Checkpoint, names, nil
}

// conflicts sorts claims into sizes with more than one root.
func conflicts(claims []claim) *ForkReport {
	bySize := map[int64]map[tlog.Hash][]string{}
	for _, c := range claims {
		if bySize[c.size] == nil {
			bySize[c.size] = map[tlog.Hash][]string{}
		}
		if !slices.Contains(bySize[c.size][c.root], c.member) {
			bySize[c.size][c.root] = append(bySize[c.size][c.root], c.member)
		}
	}
	report := &ForkReport{Conflicts: []Conflict{}}
	for size, roots := range bySize {
		if len(roots) < 2 {
			continue
		}
		conflict := Conflict{Size: size}
		times := map[string]int{}
		for root, names := range roots {
			slices.Sort(names)
			conflict.Sides = append(conflict.Sides, Side{root.String(), names})
			for _, m := range names {
				if times[m]++; times[m] == 2 && !slices.Contains(report.Equivocators, m) {
					report.Equivocators = append(report.Equivocators, m)
				}
			}
		}
		slices.SortFunc(conflict.Sides, func(a, b Side) int {
			return cmp.Or(len(b.Members)-len(a.Members), cmp.Compare(a.Root, b.Root))
		})
		report.Conflicts = append(report.Conflicts, conflict)
	}
	slices.SortFunc(report.Conflicts, func(a, b Conflict) int { return cmp.Compare(a.Size, b.Size) })
	slices.Sort(report.Equivocators)
	return report
}
