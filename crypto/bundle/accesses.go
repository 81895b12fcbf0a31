package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
)

// Accesses is what members say together of who asked for records: for each record
// that anybody ever asked for, how many commands of the ledger are about it and the
// root of a tree over their leaves. Each member computed it from its own ledger, and
// as many cosigned as a checkpoint needs. A file that leaves one of a record's
// commands out does not have the number and the root that they signed.
type Accesses struct {
	Position int64            `json:"position"` // leaves of the ledger; the bundle's checkpoint has as many
	Note     string           `json:"note"`     // signed note of tlog.AccessesOrigin, verbatim
	Records  []AccessedRecord `json:"records"`
}

// AccessedRecord is one record's place in the tree: its own leaf where commands are
// about it, or the two between which it would stand.
type AccessedRecord struct {
	Record string       `json:"record"`
	At     *AccessLeaf  `json:"at,omitempty"`
	None   []AccessLeaf `json:"none,omitempty"` // two neighbours
}

// AccessLeaf is a leaf of the tree with its inclusion proof. Its key is a hash and
// names no record to who does not know it.
type AccessLeaf struct {
	Index int64       `json:"index"`
	Key   string      `json:"key"`   // 64 hex digits
	Count int64       `json:"count"` // commands about the record
	Root  tlog.Hash   `json:"root"`  // over their ledger leaves' hashes, in the ledger's order
	Proof []tlog.Hash `json:"proof"`
}

// accessKey is SHA-256 over "accord-accessed/1", federation and record, each ended by
// a line feed.
func accessKey(federation, record string) [sha256.Size]byte {
	return sha256.Sum256([]byte("accord-accessed/1\n" + federation + "\n" + record + "\n"))
}

// accessLeaf is the hash of a leaf: over the key, the count in eight bytes and the root.
func accessLeaf(key [sha256.Size]byte, count int64, root tlog.Hash) tlog.Hash {
	data := binary.BigEndian.AppendUint64(key[:], uint64(count))
	return tlog.LeafHash(append(data, root[:]...))
}

// accessesRoot is the root over the ledger leaves of a record's commands.
func accessesRoot(leaves []tlog.Hash) tlog.Hash {
	var t tlog.Tree
	for _, l := range leaves {
		t.Append(tlog.LeafHash(l[:]))
	}
	return t.Root()
}

// AccessTree is the tree over all records of one position. Before the first key
// stands one of zeros and behind the last one of ones, so that each other key has two
// neighbours.
type AccessTree struct {
	federation string
	leaves     []accessed
	tree       tlog.Tree
}

type accessed struct {
	key   [sha256.Size]byte
	count int64
	root  tlog.Hash
}

// NewAccessTree makes the tree of what each record's commands are: the hashes of
// their ledger leaves, in the ledger's order.
func NewAccessTree(federation string, records map[string][]tlog.Hash) *AccessTree {
	t := &AccessTree{federation: federation, leaves: make([]accessed, 0, len(records)+2)}
	t.leaves = append(t.leaves, accessed{}, accessed{key: [sha256.Size]byte(bytes.Repeat([]byte{0xff}, sha256.Size))})
	for record, leaves := range records {
		t.leaves = append(t.leaves, accessed{accessKey(federation, record), int64(len(leaves)), accessesRoot(leaves)})
	}
	slices.SortFunc(t.leaves, func(a, b accessed) int { return bytes.Compare(a.key[:], b.key[:]) })
	for _, l := range t.leaves {
		t.tree.Append(accessLeaf(l.key, l.count, l.root))
	}
	return t
}

// Checkpoint is what members sign of the tree.
func (t *AccessTree) Checkpoint(position int64) tlog.Checkpoint {
	return tlog.Checkpoint{Origin: tlog.AccessesOrigin(t.federation, position), Size: t.tree.Size(), Root: t.tree.Root()}
}

// Of is a record's place in the tree.
func (t *AccessTree) Of(record string) (AccessedRecord, error) {
	key := accessKey(t.federation, record)
	at, found := slices.BinarySearchFunc(t.leaves, key, func(l accessed, key [sha256.Size]byte) int { return bytes.Compare(l.key[:], key[:]) })
	out := AccessedRecord{Record: record}
	if found {
		l, err := t.leaf(at)
		out.At = &l
		return out, err
	}
	for _, i := range []int{at - 1, at} {
		l, err := t.leaf(i)
		if err != nil {
			return out, err
		}
		out.None = append(out.None, l)
	}
	return out, nil
}

func (t *AccessTree) leaf(i int) (AccessLeaf, error) {
	if i < 0 || i >= len(t.leaves) {
		return AccessLeaf{}, fmt.Errorf("%w: access leaf %d", ErrFormat, i)
	}
	proof, err := t.tree.ProveInclusion(int64(i), t.tree.Size())
	l := t.leaves[i]
	return AccessLeaf{Index: int64(i), Key: hex.EncodeToString(l.key[:]), Count: l.count, Root: l.root, Proof: proof}, err
}

// accesses verifies the common word of the members, and under it that the file holds
// all commands about each record it names.
func (v *verifier) accesses() {
	a := v.bundle.Accesses
	if a == nil {
		return
	}
	v.Report.Accesses = &AccessesReport{Position: a.Position, Cosigners: []Cosigner{}}
	known, holder := v.ring.cosigners(v.bundle.Federation)
	signed, err := tlog.Open([]byte(a.Note), tlog.AccessesOrigin(v.bundle.Federation, a.Position), known...)
	v.add(CheckAccessesNote, "", err)
	if v.line != nil && signed != nil {
		by := v.counted(signed, holder)
		v.Report.Accesses.Cosigners = append(v.Report.Accesses.Cosigners, by...)
		v.add(CheckAccessesQuorum, "", unless(len(by) >= v.line.cosign, fmt.Sprintf("%d of the %d needed", len(by), v.line.cosign)))
	} else {
		v.add(CheckAccessesQuorum, "", errors.New("no charter, or no valid note, to count by"))
	}
	v.add(CheckAccessesPosition, "", unless(a.Position == v.tree.Size, "the word is of another position than the checkpoint"))
	held := v.aboutRecords()
	for i := range a.Records {
		r := &a.Records[i]
		err := errors.New("no valid note to prove under")
		if signed != nil {
			err = r.check(v.bundle.Federation, signed.Checkpoint, held[r.Record])
		}
		v.Report.Accesses.Records = append(v.Report.Accesses.Records, AccessedReport{Record: r.Record, Count: int64(len(held[r.Record])),
			OK: v.add(CheckAccessesWhole, "record "+quote(r.Record), err)})
	}
}

// aboutRecords are the ledger leaves of the file's accepted commands, by the records
// they are about: one that names records, or one that names a command that is.
func (v *verifier) aboutRecords() map[string][]tlog.Hash {
	about := map[string][]string{} // command id -> records
	held := map[string][]tlog.Hash{}
	for i, c := range v.bundle.Commands {
		var body map[string]json.RawMessage
		if c.Outcome != Accepted || strictjson.UnmarshalLoose(v.bodies[i].Body, &body) != nil {
			continue
		}
		for _, record := range recordsNamed(body, about) {
			about[v.bodies[i].ID] = append(about[v.bodies[i].ID], record)
			held[record] = append(held[record], tlog.LeafHash(Leaf(v.bodies[i].ID, []byte(c.JWS), c.Outcome)))
		}
	}
	return held
}

// recordsNamed are the records a command's body names, itself or by naming a command
// before it.
func recordsNamed(body map[string]json.RawMessage, about map[string][]string) (records []string) {
	type named struct {
		ID string `json:"id"`
	}
	var one named
	var more []named
	if raw, ok := body["record"]; ok && strictjson.UnmarshalLoose(raw, &one) == nil && one.ID != "" {
		records = append(records, one.ID)
		if raw, ok := body["more"]; ok && strictjson.UnmarshalLoose(raw, &more) == nil {
			for _, m := range more {
				records = append(records, m.ID)
			}
		}
		return records
	}
	for _, name := range []string{"release", "complaint", "application", "objection"} {
		var id string
		if raw, ok := body[name]; ok && strictjson.Unmarshal(raw, &id) == nil && about[id] != nil {
			return about[id]
		}
	}
	return nil
}

func (r *AccessedRecord) check(federation string, c tlog.Checkpoint, held []tlog.Hash) error {
	key := accessKey(federation, r.Record)
	if r.At != nil {
		if own, err := r.At.check(c); err != nil || own != key {
			return errors.Join(err, unless(own == key, "the leaf is another record's"))
		}
		if r.At.Count != int64(len(held)) {
			return fmt.Errorf("the file holds %d of the record's %d commands", len(held), r.At.Count)
		}
		return unless(r.At.Root == accessesRoot(held), "the commands in the file are not the record's")
	}
	if len(r.None) != 2 {
		return errors.New("neither a leaf nor two neighbours")
	}
	low, err := r.None[0].check(c)
	if err != nil {
		return err
	}
	high, err := r.None[1].check(c)
	switch {
	case err != nil:
		return err
	case r.None[1].Index != r.None[0].Index+1:
		return errors.New("the two are no neighbours")
	case bytes.Compare(low[:], key[:]) >= 0, bytes.Compare(key[:], high[:]) >= 0:
		return errors.New("the record does not stand between the two")
	}
	return unless(len(held) == 0, "the file holds commands about a record that nobody asked for")
}

func (l *AccessLeaf) check(c tlog.Checkpoint) (key [sha256.Size]byte, err error) {
	raw, err := hex.DecodeString(l.Key)
	if err != nil || len(raw) != len(key) || hex.EncodeToString(raw) != l.Key || l.Count < 0 {
		return key, errors.New("a leaf is not well-formed")
	}
	key = [sha256.Size]byte(raw)
	return key, tlog.CheckInclusion(l.Proof, c.Size, l.Index, c.Root, accessLeaf(key, l.Count, l.Root))
}
