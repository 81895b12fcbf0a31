package witness

import (
	"errors"
	"fmt"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
)

// ErrHistory is a history that does not hold.
var ErrHistory = exchange.Define(exchange.KindUnverified, "LEDGER-028",
	exchange.Text{Zh: "账本历史在第 {seq} 条处不成立：{why}", En: "the ledger's history does not hold at number {seq}: {why}"},
	exchange.Text{Zh: "不要让此节点继续服务；与其他成员的账本比对", En: "do not let this node serve on; compare its ledger with another member's"})

// History re-makes a ledger from nothing but its genesis and its statements:
// every signature is verified, every rule applied, every row and leaf made anew.
// What a node says of its state can then be compared with what it must be.
// Not safe for concurrent use.
type History struct {
	machine *machine.Machine
	origin  string
	points  int64 // cosigned checkpoints that hold
	covered int64 // the largest of their sizes
}

// Stated is one statement as a node shows it.
type Stated struct {
	Seq int64
	JWS string
	OK  bool
}

// HistoryReport is what was verified.
type HistoryReport struct {
	Federation  string    `json:"federation"`
	Charter     string    `json:"charter"`    // digest
	Statements  int64     `json:"statements"` // replayed, without the charter
	Refused     int64     `json:"refused"`    // of them, by rules
	Members     int       `json:"members"`
	Root        tlog.Hash `json:"root"`
	Digest      string    `json:"digest"`             // chain digest, hex
	Checkpoints int64     `json:"checkpoints"`        // cosigned ones that hold
	Cosigned    int64     `json:"cosigned"`           // size of the newest
	Beyond      int64     `json:"beyond_cosigned"`    // leaves that no cosigned checkpoint covers yet
	Uncertain   int64     `json:"uncertain,omitzero"` // offline: leaves stored here and perhaps never committed

	// Recoveries are the plans by which the ledger went on after a quorum was lost,
	// each verified against the roster before the loss.
	Recoveries []members.Recovery `json:"recoveries,omitempty"`
}

// NewHistory begins with a genesis, whose own signatures are verified.
func NewHistory(g members.Genesis) (*History, error) {
	if err := g.Verify(); err != nil {
		return nil, err
	}
	m, err := machine.New(g, machine.Options{})
	if err != nil {
		return nil, err
	}
	return &History{machine: m, origin: tlog.LedgerOrigin(m.View().Federation().ID)}, nil
}

// Add replays the next statements. Each must be authentic, the next in number,
// and answered as it is shown.
func (h *History) Add(statements []Stated) error {
	payloads := make([][]byte, len(statements))
	next := h.machine.View().Seq() + 1
	for i, s := range statements {
		if s.Seq != next+int64(i) {
			return ErrHistory.With("seq", next+int64(i), "why", "it is missing")
		}
		payloads[i] = []byte(s.JWS)
	}
	// Checked one by one as they are applied, in case a key changes in between;
	// ahead of that in a batch, which is only faster.
	h.machine.CheckAll(payloads)
	for i, s := range statements {
		answers, err := h.machine.Apply(uint64(s.Seq), payloads[i:i+1])
		if err != nil {
			return ErrHistory.Wrap(err, "seq", s.Seq, "why", "it is no statement this version understands")
		}
		if h.machine.View().Seq() != s.Seq {
			return ErrHistory.With("seq", s.Seq, "why", "its signature does not hold, or it is there twice")
		}
		if r, err := exchange.DecodeResult(answers[0]); err != nil || r.OK != s.OK {
			return ErrHistory.Wrap(err, "seq", s.Seq, "why", "it was answered otherwise than it is shown")
		}
	}
	return nil
}

// Seq is the number of the last statement replayed.
func (h *History) Seq() int64 { return h.machine.View().Seq() }

// Cosigned checks a checkpoint that is said to have a quorum's cosignatures.
func (h *History) Cosigned(note []byte) error {
	view := h.machine.View()
	c, _, err := tlog.Read(note)
	if err != nil {
		return ErrHistory.Wrap(err, "seq", 0, "why", "a stored checkpoint does not read")
	}
	root, err := view.Tree().RootAt(c.Size)
	if c.Origin != h.origin || err != nil || root != c.Root {
		return ErrHistory.With("seq", c.Size-1, "why", fmt.Sprintf("a checkpoint cosigned at size %d has another root", c.Size))
	}
	got := 0
	for _, m := range view.Members() {
		_, _, _, err := noteBy(view.Federation().ID, m, note)
		switch {
		case err == nil:
			got++
		case errors.Is(err, tlog.ErrSignature):
			return ErrHistory.Wrap(err, "seq", c.Size-1, "why", "a cosignature does not hold")
		}
	}
	if want := view.Federation().CosignQuorum; got < want {
		return ErrHistory.With("seq", c.Size-1, "why", fmt.Sprintf("a checkpoint has %d cosignatures of the %d needed", got, want))
	}
	h.points++
	h.covered = max(h.covered, c.Size)
	return nil
}

// Compare holds a node's own state against what was made anew: the tree leaf by
// leaf, the chain digest, and every row.
func (h *History) Compare(view *machine.View) error {
	own := h.machine.View()
	for i := range min(own.Size(), view.Size()) {
		a, aerr := own.Tree().Leaf(i)
		b, berr := view.Tree().Leaf(i)
		if aerr != nil || berr != nil || a != b {
			return ErrHistory.With("seq", i, "why", "its leaf is not the statement's")
		}
	}
	if own.Size() != view.Size() || own.Root() != view.Root() || own.Digest() != view.Digest() {
		return ErrHistory.With("seq", own.Seq(), "why", "replaying the statements gives another state")
	}
	want, err := own.Content()
	if err != nil {
		return err
	}
	if have, err := view.Content(); err != nil || have != want {
		return ErrHistory.Wrap(err, "seq", own.Seq(), "why", "a row is not what the statements made of it")
	}
	return nil
}

// Report says what has been verified.
func (h *History) Report() HistoryReport {
	view := h.machine.View()
	return HistoryReport{Federation: view.Federation().ID, Charter: view.Federation().Digest, Statements: view.Seq(), Refused: view.Refused(),
		Members: len(view.Members()), Root: view.Root(), Digest: view.Digest().String(), Checkpoints: h.points, Cosigned: h.covered,
		Beyond: view.Size() - h.covered, Recoveries: view.Federation().Recoveries}
}

// ReadChain reads the cosigned checkpoints in a stopped node's witness folder.
func ReadChain(dir, federation string) ([]Cosigned, error) {
	w := &Witness{Config: Config{Federation: federation, Dir: dir}}
	err := w.readChain()
	return w.chain, err
}
