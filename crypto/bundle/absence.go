package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"accord/crypto/tlog"
)

// Lists is what members say together of the lists as they stood at one position of
// the ledger: the root of a tree over the keys of everybody who was on one, sorted,
// cosigned by as many members as a checkpoint needs. Each computed it from its own
// ledger. Who stands between two neighbours of the tree was on no list.
type Lists struct {
	Position int64    `json:"position"` // leaves of the ledger; the bundle's checkpoint has as many
	At       int64    `json:"at"`       // the time whose statuses are meant, Unix ms
	Note     string   `json:"note"`     // signed note of tlog.ListsOrigin, verbatim
	Absent   []Absent `json:"absent"`
}

// Absent proves that a subject was not on a list.
type Absent struct {
	List    string    `json:"list"`
	Subject string    `json:"sub"`
	Low     Neighbour `json:"low"`  // the last key before the subject's
	High    Neighbour `json:"high"` // the first one after it
}

// Neighbour is a key of the tree with its inclusion proof. It is a hash and names
// nobody.
type Neighbour struct {
	Index int64       `json:"index"`
	Key   string      `json:"key"` // 64 hex digits
	Proof []tlog.Hash `json:"proof"`
}

// A ListKey stands for a subject on a list.
type ListKey [sha256.Size]byte

// ListKeyOf is SHA-256 over "accord-listed/1", federation, list and subject, each
// ended by a line feed.
func ListKeyOf(federation, list, subject string) ListKey {
	return sha256.Sum256([]byte("accord-listed/1\n" + federation + "\n" + list + "\n" + subject + "\n"))
}

// ListTree is the tree over the keys of one position. Before the first key stands
// one of zeros and behind the last one of ones, so that each other key has two
// neighbours.
type ListTree struct {
	keys []ListKey
	tree tlog.Tree
}

// NewListTree sorts the keys and takes each once. It keeps the slice.
func NewListTree(keys []ListKey) *ListTree {
	last := ListKey(bytes.Repeat([]byte{0xff}, sha256.Size))
	keys = append(keys, ListKey{}, last)
	slices.SortFunc(keys, func(a, b ListKey) int { return bytes.Compare(a[:], b[:]) })
	t := &ListTree{keys: slices.Compact(keys)}
	for i := range t.keys {
		t.tree.Append(tlog.LeafHash(t.keys[i][:]))
	}
	return t
}

// Checkpoint is what members sign of the tree.
func (t *ListTree) Checkpoint(federation string, position, at int64) tlog.Checkpoint {
	return tlog.Checkpoint{Origin: tlog.ListsOrigin(federation, position, at), Size: t.tree.Size(), Root: t.tree.Root()}
}

// find is where the key of a subject on a list stands, or would.
func (t *ListTree) find(federation, list, subject string) (at int, found bool) {
	key := ListKeyOf(federation, list, subject)
	return slices.BinarySearchFunc(t.keys, key, func(a, b ListKey) int { return bytes.Compare(a[:], b[:]) })
}

// Lacks says whether a subject is on a list not: whether Absent could prove it.
func (t *ListTree) Lacks(federation, list, subject string) bool {
	at, found := t.find(federation, list, subject)
	return !found && at > 0 && at < len(t.keys)
}

// Absent proves that a subject is on a list not; ok is false if it is.
func (t *ListTree) Absent(federation, list, subject string) (a Absent, ok bool, err error) {
	at, found := t.find(federation, list, subject)
	if found || at == 0 || at == len(t.keys) {
		return Absent{}, false, nil
	}
	a = Absent{List: list, Subject: subject}
	for i, n := range []*Neighbour{&a.Low, &a.High} {
		n.Index = int64(at - 1 + i)
		n.Key = hex.EncodeToString(t.keys[n.Index][:])
		if n.Proof, err = t.tree.ProveInclusion(n.Index, t.tree.Size()); err != nil {
			return Absent{}, false, fmt.Errorf("bundle: %w", err)
		}
	}
	return a, true, nil
}

// lists verifies the common word of the members, and every absence under it.
func (v *verifier) lists() {
	l := v.bundle.Lists
	if l == nil {
		return
	}
	v.Report.Lists = &ListsReport{Position: l.Position, At: l.At, Cosigners: []Cosigner{}}
	known, holder := v.ring.cosigners(v.bundle.Federation)
	signed, err := tlog.Open([]byte(l.Note), tlog.ListsOrigin(v.bundle.Federation, l.Position, l.At), known...)
	v.add(CheckListsNote, "", err)
	var by []Cosigner
	if v.line != nil && signed != nil {
		by = v.counted(signed, holder)
		v.Report.Lists.Cosigners = append(v.Report.Lists.Cosigners, by...)
		v.add(CheckListsQuorum, "", unless(len(by) >= v.line.cosign, fmt.Sprintf("%d of the %d needed", len(by), v.line.cosign)))
	} else {
		v.add(CheckListsQuorum, "", errors.New("no charter, or no valid note, to count by"))
	}
	v.add(CheckListsPosition, "", unless(l.Position == v.tree.Size, "the lists are of another position than the checkpoint"))
	for i := range l.Absent {
		a := &l.Absent[i]
		err := errors.New("no valid note to prove under")
		if signed != nil {
			err = a.check(v.bundle.Federation, signed.Checkpoint)
		}
		v.Report.Lists.Absent = append(v.Report.Lists.Absent, AbsentReport{List: a.List, Subject: v.subjectShown(a.Subject),
			OK: v.add(CheckAbsent, "list "+quote(a.List), err)})
	}
}

// subjectShown is a subject as a report tells it.
func (v *verifier) subjectShown(subject string) string {
	if v.opts.Show || isPublicSubject(subject) {
		return subject
	}
	return ""
}

func (a *Absent) check(federation string, c tlog.Checkpoint) error {
	low, err := a.Low.check(c)
	if err != nil {
		return err
	}
	high, err := a.High.check(c)
	if err != nil {
		return err
	}
	key := ListKeyOf(federation, a.List, a.Subject)
	switch {
	case a.High.Index != a.Low.Index+1:
		return errors.New("the two are no neighbours")
	case bytes.Compare(low[:], key[:]) >= 0, bytes.Compare(key[:], high[:]) >= 0:
		return errors.New("the subject does not stand between the two")
	}
	return nil
}

func (n *Neighbour) check(c tlog.Checkpoint) (ListKey, error) {
	raw, err := hex.DecodeString(n.Key)
	if err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != n.Key {
		return ListKey{}, errors.New("a neighbour is no key")
	}
	return ListKey(raw), tlog.CheckInclusion(n.Proof, c.Size, n.Index, c.Root, tlog.LeafHash(raw))
}
