package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/failpoint"
	"accord/node/founding"
)

// The errors of signing.
var (
	ErrSize = exchange.Define(exchange.KindNotFound, "LEDGER-010",
		exchange.Text{Zh: "本节点的账本尚无 {size} 条", En: "this node's ledger has not reached size {size}"},
		exchange.Text{Zh: "稍后再试，或不指定大小", En: "try again later, or leave the size out"})
	ErrContradiction = exchange.Define(exchange.KindUnverified, "LEDGER-015",
		exchange.Text{Zh: "本节点已签署过另一份 {size} 条的账本，拒绝签署", En: "this node has signed another ledger of size {size} and signs no second one"},
		exchange.Text{Zh: "账本可能被回退或改写；见 accord ledger forks", En: "its ledger was rolled back or rewritten; see accord ledger forks"})
	ErrBehind = exchange.Define(exchange.KindUnavailable, "LEDGER-016",
		exchange.Text{Zh: "本单位已签署到 {size} 条，本节点的账本尚未到达，暂不签署", En: "this member has signed up to size {size} and this node's ledger is not there yet, so it signs nothing"},
		exchange.Text{Zh: "等待节点追上后再试", En: "wait until the node has caught up"})
	ErrFolder = exchange.Define(exchange.KindInternal, "LEDGER-017",
		exchange.Text{Zh: "共签记录 {file} 无法读取或已损坏", En: "the witness's file {file} cannot be read or is damaged"},
		exchange.Text{Zh: "从备份恢复该文件；确认无误前不要删除", En: "restore it from a backup; do not delete it before you know what happened"})
	ErrKeep = exchange.Define(exchange.KindUnavailable, "LEDGER-032",
		exchange.Text{Zh: "共签记录 {file} 无法写入，因此没有签署或接收", En: "the witness's file {file} cannot be written, so nothing was signed or taken in"},
		exchange.Text{Zh: "检查数据目录所在磁盘的空间与权限；恢复后自动继续，无需重启", En: "check space and permissions of the data folder; it goes on by itself, no restart is needed"})
)

// mark is the last checkpoint this node signed; the zero mark is none.
type mark struct {
	tlog.Checkpoint
	note []byte
}

// readSigned reads the last signed note back.
func (w *Witness) readSigned() error {
	path := filepath.Join(w.Dir, signedFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return ErrFolder.Wrap(err, "file", path)
	}
	sum, note, _ := bytes.Cut(raw, []byte("\n"))
	c, _, err := tlog.Read(note)
	if err != nil || string(sum) != summed(note) {
		return ErrFolder.Wrap(err, "file", path)
	}
	w.signed = mark{c, note}
	return nil
}

// remember stores what this member has signed; the caller holds signing.
func (w *Witness) remember(m mark) error {
	failpoint.Hit("witness.sign.before")
	if err := founding.WriteFile(filepath.Join(w.Dir, signedFile), append([]byte(summed(m.note)+"\n"), m.note...)); err != nil {
		return ErrKeep.Wrap(err, "file", signedFile)
	}
	failpoint.Hit("witness.sign.after")
	w.signed = m
	return nil
}

// summed is the file's first line: the note's own signature would guard it too,
// but the key that made it may not be this member's any more.
func summed(note []byte) string {
	sum := sha256.Sum256(note)
	return hex.EncodeToString(sum[:])
}

// bySelf opens a note by this member's own signature under it.
func (w *Witness) bySelf(note []byte) (tlog.Checkpoint, error) {
	var known []tlog.Key
	if m, ok := w.Ledger.View().Member(w.Self); ok {
		known = keysOf(w.Federation, m)
	}
	if key, err := w.Keys.Key(keys.Cosign); err == nil {
		if own, err := tlog.CosignerKey(w.Federation, string(w.Self), key.Public()); err == nil && !slices.Contains(known, own) {
			known = append(known, own)
		}
	}
	signed, err := tlog.Open(note, w.origin(), known...)
	if err != nil {
		return tlog.Checkpoint{}, err
	}
	return signed.Checkpoint, nil
}

// Sign is this node's cosigned note over the first size leaves of its own
// ledger; 0 means all. What is signed beyond the last signature is on disk
// before it is returned.
func (w *Witness) Sign(ctx context.Context, size int64) ([]byte, error) {
	w.signing.Lock()
	defer w.signing.Unlock()
	if !w.asked {
		w.learnSigned(ctx)
	}
	view := w.Ledger.View()
	tree := view.Tree()
	if size == 0 {
		size = tree.Size()
	}
	root, err := tree.RootAt(size)
	if err != nil || size < 1 {
		return nil, ErrSize.With("size", size)
	}
	if last := w.signed; last.Size > 0 {
		if last.Size > tree.Size() {
			if c, ok := w.passed(); ok {
				w.shortened(c)
				return nil, ErrContradiction.With("size", c.Size)
			}
			return nil, ErrBehind.With("size", last.Size)
		}
		if at, err := tree.RootAt(last.Size); err != nil || at != last.Root {
			w.contradicted(last, view)
			return nil, ErrContradiction.With("size", last.Size)
		}
	}
	if size > w.signed.Size && w.Stopped() {
		return nil, ErrStoppedService.With("why", w.Why())
	}
	c := tlog.Checkpoint{Origin: w.origin(), Size: size, Root: root}
	note, err := w.note(c)
	if err != nil {
		return nil, err
	}
	if size > w.signed.Size {
		if err := w.remember(mark{c, note}); err != nil {
			return nil, err
		}
	}
	return note, nil
}

// note makes the signed note. It is the only place in a node that uses the
// cosigning key on a checkpoint of its own.
func (w *Witness) note(c tlog.Checkpoint) ([]byte, error) {
	key, err := w.Keys.Key(keys.Cosign)
	if err != nil {
		return nil, err
	}
	signer, err := tlog.NewCosigner(w.Federation, string(w.Self), key)
	if err != nil {
		return nil, err
	}
	sig, err := signer.Sign(c, w.Clock().Unix())
	if err != nil {
		return nil, err
	}
	return tlog.Format(c, sig)
}

// Signed is the last checkpoint this node signed, the zero one if none.
func (w *Witness) Signed() tlog.Checkpoint {
	w.signing.Lock()
	defer w.signing.Unlock()
	return w.signed.Checkpoint
}

// learnTimeout is how long the others have to tell what this member signed.
const learnTimeout = 3 * time.Second

// learnSigned asks the others for the newest checkpoint that bears this
// member's signature and takes it for its own last one when it is newer. Who
// cannot be reached cannot tell; a quorum's note names this member on all who
// gathered it, so one honest answer is enough. The caller holds signing.
func (w *Witness) learnSigned(ctx context.Context) {
	if now := w.Clock(); now.Before(w.ask) {
		return
	} else {
		w.ask = now.Add(w.Every)
	}
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	for _, told := range w.everybody(ctx, func(ctx context.Context, p Peer, _ members.Member) ([]byte, error) { return p.Cosigned(ctx) }) {
		if told.err != nil && !errors.Is(told.err, ErrNoCheckpoint) {
			continue
		}
		w.asked = true
		c, err := w.bySelf(told.note)
		if err != nil || c.Size <= w.signed.Size {
			continue
		}
		w.Log.Warn("this member has signed more than this folder remembers", "size", c.Size, "told_by", told.member.ID)
		if err := w.remember(mark{c, told.note}); err != nil {
			w.Log.Error("what this member signed was not stored", "error", err)
		}
	}
}

// of finds a member's valid signature on a note and gives the note with only
// that signature: what else somebody puts under a note could spoil it.
func (w *Witness) of(m members.Member, note []byte) (only []byte, c tlog.Checkpoint, unix int64, err error) {
	return noteBy(w.Federation, m, note)
}

func noteBy(federation string, m members.Member, note []byte) (only []byte, c tlog.Checkpoint, unix int64, err error) {
	signed, err := tlog.Open(note, tlog.LedgerOrigin(federation), keysOf(federation, m)...)
	if err != nil {
		return nil, tlog.Checkpoint{}, 0, err
	}
	_, sigs, err := tlog.Read(note)
	if err != nil {
		return nil, tlog.Checkpoint{}, 0, err
	}
	for _, v := range signed.Signatures {
		if !countedAt(m, v) {
			continue
		}
		for _, sig := range sigs {
			if sig.Name == v.Key.Name() && sig.KeyID == v.Key.ID() {
				only, err := tlog.Format(signed.Checkpoint, sig)
				return only, signed.Checkpoint, v.Unix, err
			}
		}
	}
	return nil, tlog.Checkpoint{}, 0, tlog.ErrUnsigned
}

// keysOf are all keys a member ever cosigned with.
func keysOf(federation string, m members.Member) []tlog.Key {
	var out []tlog.Key
	for _, k := range m.Keys {
		if k.Public.Use() != keys.Cosign {
			continue
		}
		if key, err := tlog.CosignerKey(federation, string(m.ID), k.Public); err == nil {
			out = append(out, key)
		}
	}
	return out
}

// skew is how far the time a signature states may lie outside its key's
// validity.
const skew = exchange.Millis(60_000)

// countedAt says whether the member held the key at the time the signature
// states.
func countedAt(m members.Member, v tlog.Verified) bool {
	at := exchange.Millis(v.Unix) * 1000
	for _, k := range m.Keys {
		if k.Public.Use() != keys.Cosign || string(k.Public.Ed25519()) != string(v.Key.Public()) {
			continue
		}
		if k.ValidAt(at) || k.ValidAt(at+skew) || k.ValidAt(max(at-skew, 0)) {
			return true
		}
	}
	return false
}

// indexOf is the log entry that brought the last of the first size leaves.
func indexOf(view *machine.View, size int64) uint64 { return view.IndexOf(size - 1) }
