package bundle

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"accord/crypto/tlog"
)

// Format is the only bundle format there is.
const Format = "accord-bundle/1"

// Limits of a bundle.
const (
	MaxFile      = 64 << 20 // bytes
	MaxCommands  = 100_000
	MaxDocuments = 100_000
	MaxMembers   = 1_000 // founding members, and signatures of the charter
)

// Errors of building and reading. Verify reports and returns no error.
var (
	ErrFormat = errors.New("bundle: not a well-formed bundle")
	ErrLimit  = errors.New("bundle: too large")
)

// A Bundle is the file as typed data. Fill it with the Add methods and write it
// with Marshal.
type Bundle struct {
	Format     string     `json:"format"`
	Federation string     `json:"federation"`
	Charter    Charter    `json:"charter"`
	Checkpoint string     `json:"checkpoint"` // signed note, verbatim
	Changes    []int64    `json:"changes,omitempty"`
	Commands   []Command  `json:"commands,omitempty"`
	Documents  []Document `json:"documents,omitempty"`
	Lists      *Lists     `json:"lists,omitempty"`
	Accesses   *Accesses  `json:"accesses,omitempty"`
}

// Charter is the founders' common statement, signed by each.
type Charter struct {
	Signatures []string `json:"signatures"` // JWS compact, typ accord-charter+jws
	Logged     *Logged  `json:"logged,omitempty"`
}

// Logged is a place in the ledger and the proof of it under the checkpoint.
type Logged struct {
	Index int64       `json:"index"`
	Proof []tlog.Hash `json:"proof"`
}

// Command is a ledger command as signed, with its place in the ledger.
type Command struct {
	Index   int64       `json:"index"`
	JWS     string      `json:"jws"`
	Outcome Outcome     `json:"outcome"`
	Proof   []tlog.Hash `json:"proof"`
}

// The kinds of documents.
const (
	KindRecord  = "record"  // a credit record, typ accord-record+sd-jwt
	KindEntry   = "entry"   // a list entry, typ accord-entry+sd-jwt
	KindRelease = "release" // either of them as delivered to a requester: SD-JWT+KB
)

// Document is an SD-JWT as issued or as released. RestsOn is the index of the
// command it stands in (for a release, of the command that asked for it); nil
// for none.
type Document struct {
	Kind    string `json:"kind"`
	SDJWT   string `json:"sdjwt"`
	RestsOn *int64 `json:"rests_on,omitempty"`
	Paper   string `json:"paper,omitempty"` // of a report: the code on its paper
}

// New begins a bundle of the federation with the founders' signed charters and
// a checkpoint whose note carries the members' cosignatures.
func New(federation string, charter []string, checkpoint []byte) *Bundle {
	return &Bundle{Format: Format, Federation: federation,
		Charter: Charter{Signatures: charter}, Checkpoint: string(checkpoint)}
}

// LogCharter adds the proof that the charter is the leaf at index of the ledger
// as of the bundle's checkpoint.
func (b *Bundle) LogCharter(ledger tlog.View, index int64) error {
	proof, err := b.prove(ledger, index)
	if err != nil {
		return err
	}
	b.Charter.Logged = &Logged{Index: index, Proof: proof}
	return nil
}

// AddCommand adds the command at index of the ledger, with its proof as of the
// bundle's checkpoint. Commands are added in the ledger's order.
func (b *Bundle) AddCommand(ledger tlog.View, index int64, jws string, outcome Outcome) error {
	if n := len(b.Commands); n > 0 && b.Commands[n-1].Index >= index {
		return fmt.Errorf("%w: commands out of order", ErrFormat)
	}
	proof, err := b.prove(ledger, index)
	if err != nil {
		return err
	}
	b.Commands = append(b.Commands, Command{Index: index, JWS: jws, Outcome: outcome, Proof: proof})
	return nil
}

// AddChange adds an accepted command that changes keys or members: every one that
// the checkpoint covers must be there.
func (b *Bundle) AddChange(ledger tlog.View, index int64, jws string) error {
	if err := b.AddCommand(ledger, index, jws, Accepted); err != nil {
		return err
	}
	b.Changes = append(b.Changes, index)
	return nil
}

// AddDocument adds a document that rests on no command.
func (b *Bundle) AddDocument(kind, sdjwt string) {
	b.Documents = append(b.Documents, Document{Kind: kind, SDJWT: sdjwt})
}

// AddDocumentOn adds a document that rests on the command at index.
func (b *Bundle) AddDocumentOn(kind, sdjwt string, index int64) {
	b.Documents = append(b.Documents, Document{Kind: kind, SDJWT: sdjwt, RestsOn: &index})
}

func (b *Bundle) prove(ledger tlog.View, index int64) ([]tlog.Hash, error) {
	c, _, err := tlog.Read([]byte(b.Checkpoint))
	if err != nil {
		return nil, fmt.Errorf("bundle: checkpoint: %w", err)
	}
	if root, err := ledger.RootAt(c.Size); err != nil || root != c.Root {
		return nil, fmt.Errorf("%w: the checkpoint is not of this ledger", ErrFormat)
	}
	proof, err := ledger.ProveInclusion(index, c.Size)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return proof, nil
}

// Marshal writes the file, ended by a line feed. It checks form and limits; it
// verifies no signature: run Verify over the result before it leaves the house.
func (b *Bundle) Marshal() ([]byte, error) { return encodeFile(b) }

// Parse reads a bundle's form: strict JSON of exactly the members named in the
// package comment, within the limits, commands in order and each index named
// elsewhere among them. It verifies nothing.
func Parse(data []byte) (*Bundle, error) { return parseFile[Bundle](data) }

func (b *Bundle) check() error {
	switch {
	case b.Format != Format:
		return fmt.Errorf("%w: unknown format", ErrFormat)
	case !validName(b.Federation):
		return fmt.Errorf("%w: federation's name", ErrFormat)
	case len(b.Charter.Signatures) == 0:
		return fmt.Errorf("%w: no charter", ErrFormat)
	case len(b.Charter.Signatures) > MaxMembers, len(b.Commands) > MaxCommands, len(b.Documents) > MaxDocuments:
		return fmt.Errorf("%w: signatures, commands or documents", ErrLimit)
	case b.Lists != nil && (b.Lists.Position < 1 || b.Lists.At < 1 || len(b.Lists.Absent) > MaxMembers):
		return fmt.Errorf("%w: lists", ErrFormat)
	case b.Accesses != nil && (b.Accesses.Position < 1 || len(b.Accesses.Records) > MaxCommands):
		return fmt.Errorf("%w: accesses", ErrFormat)
	case b.Charter.Logged != nil && b.Charter.Logged.Index < 0:
		return fmt.Errorf("%w: negative index", ErrFormat)
	}
	last := int64(-1)
	for _, c := range b.Commands {
		if c.Index <= last {
			return fmt.Errorf("%w: commands out of order", ErrFormat)
		}
		if !c.Outcome.known() {
			return fmt.Errorf("%w: unknown outcome of command %d", ErrFormat, c.Index)
		}
		last = c.Index
	}
	for i, index := range b.Changes {
		if b.position(index) < 0 || i > 0 && b.Changes[i-1] >= index {
			return fmt.Errorf("%w: change %d names no command, or is out of order", ErrFormat, i)
		}
	}
	for i, d := range b.Documents {
		if (d.Paper != "") != (d.Kind == KindReport) {
			return fmt.Errorf("%w: document %d: a report has a code for its paper, and nothing else has", ErrFormat, i)
		}
		if d.RestsOn != nil && b.position(*d.RestsOn) < 0 {
			return fmt.Errorf("%w: document %d rests on a command that is not here", ErrFormat, i)
		}
	}
	return nil
}

// position finds a command by its index in the ledger, -1 if it is not here.
func (b *Bundle) position(index int64) int {
	i, ok := slices.BinarySearchFunc(b.Commands, index, func(c Command, index int64) int {
		return cmp.Compare(c.Index, index)
	})
	if !ok {
		return -1
	}
	return i
}

// validName is the rule for the names of federations and members: 1 to 64
// letters, digits, '.', '-', '_', the first a letter or digit.
func validName(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case (c == '-' || c == '_' || c == '.') && i > 0:
		default:
			return false
		}
	}
	return true
}

// validID is the rule for a command's random id: 16 to 64 characters of
// base64url, as which '-' and '_' may come first.
func validID(s string) bool {
	return len(s) >= 16 && len(s) <= 64 && strings.Trim(s, base64url) == ""
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
