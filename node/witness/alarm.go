package witness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/node/failpoint"
	"accord/node/founding"
)

// The errors of a node under an alarm.
var (
	ErrStoppedService = exchange.Define(exchange.KindUnavailable, "LEDGER-019",
		exchange.Text{Zh: "本节点因账本分叉警报停止服务：{why}", En: "this node has stopped its service over a ledger alarm: {why}"},
		exchange.Text{Zh: "见 accord ledger forks 和运行手册“分叉警报”", En: "see accord ledger forks and the runbook, \"fork alarm\""})
	ErrNoAlarm = exchange.Define(exchange.KindNotFound, "LEDGER-020",
		exchange.Text{Zh: "没有警报 {id}", En: "there is no alarm {id}"},
		exchange.Text{Zh: "用 accord ledger forks 查看", En: "see accord ledger forks"})
	ErrSettled = exchange.Define(exchange.KindConflict, "LEDGER-021",
		exchange.Text{Zh: "警报 {id} 已经处理", En: "alarm {id} is settled already"},
		exchange.Text{Zh: "用 accord ledger forks 查看", En: "see accord ledger forks"})
)

// What an alarm is about.
const (
	KindFork      = "fork"      // a member signed another root
	KindSelf      = "self"      // this node's ledger is not the one it signed before
	KindState     = "state"     // other rows than another member's node at the same size
	KindRows      = "rows"      // the rows are not what the statements made of them
	KindRecovery  = "recovery"  // a plan of recovery parts this node from another
	KindStatement = "statement" // a stored statement is not the one its leaf names
	KindDisk      = "disk"      // this node's log held other entries than were committed
)

// Who an alarm says is wrong.
const (
	VerdictMember    = "member"    // the other member: a quorum signed as this node did
	VerdictSelf      = "self"      // this node: a quorum signed otherwise
	VerdictUndecided = "undecided" // no quorum either way
)

// Alarm is one difference found, and what was concluded. It stays on disk until
// an operator settles it, and in the list after that.
type Alarm struct {
	ID       string              `json:"id"`
	Kind     string              `json:"kind"`
	Size     int64               `json:"size"`             // leaves of the ledger at which it shows
	Index    uint64              `json:"index"`            // log entry that brought the last of them, here
	Member   exchange.MemberID   `json:"member,omitempty"` // who differs
	Ours     string              `json:"ours,omitempty"`   // base64 root or hex digest
	Theirs   string              `json:"theirs,omitempty"`
	With     []exchange.MemberID `json:"with,omitempty"`    // signed as this node did
	Against  []exchange.MemberID `json:"against,omitempty"` // signed otherwise
	Verdict  string              `json:"verdict"`
	Stops    bool                `json:"stops"` // this node's service
	Why      string              `json:"why"`   // English, for logs and status
	FoundAt  exchange.Millis     `json:"found_at"`
	Evidence string              `json:"evidence"` // file under the data folder
	Settled  *Settlement         `json:"settled,omitempty"`
}

// Settlement is an operator's word that an alarm was dealt with.
type Settlement struct {
	At     exchange.Millis     `json:"at"`
	By     exchange.OperatorID `json:"by"`
	Reason string              `json:"reason"`
}

type alarmsPaper struct {
	Format string  `json:"format"`
	Alarms []Alarm `json:"alarms"`
}

const (
	alarmsFormat = "accord-alarms/1"
	maxAlarms    = 1000
)

func (w *Witness) readAlarms() error {
	path := filepath.Join(w.Dir, alarmsFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p alarmsPaper
	if err == nil {
		err = strictjson.Unmarshal(raw, &p)
	}
	if err != nil || p.Format != alarmsFormat {
		return ErrFolder.Wrap(err, "file", path)
	}
	w.alarms = p.Alarms
	return nil
}

// storeAlarms writes the list; the caller holds mu.
func (w *Witness) storeAlarms(next []Alarm) error {
	raw, err := strictjson.Marshal(alarmsPaper{alarmsFormat, next})
	if err == nil {
		err = founding.WriteFile(filepath.Join(w.Dir, alarmsFile), raw)
	}
	if err != nil {
		return ErrKeep.Wrap(err, "file", alarmsFile)
	}
	w.alarms = next
	return nil
}

// raise records an alarm with its evidence: the evidence file first, then the
// list, then the stop. When the disk takes neither, the alarm counts all the
// same while this process lives.
func (w *Witness) raise(a Alarm, evidence []byte) {
	w.mu.Lock()
	a.ID = w.freeID(a)
	a.FoundAt = exchange.MillisOf(w.Clock())
	a.Evidence = filepath.Join(filepath.Base(w.Dir), evidenceDir, a.ID+".json")
	failpoint.Hit("witness.evidence.before")
	if err := founding.WriteFile(filepath.Join(w.Dir, evidenceDir, a.ID+".json"), evidence); err != nil {
		w.Log.Error("the evidence of a ledger alarm was not stored", "id", a.ID, "error", err, "evidence", string(evidence))
	}
	failpoint.Hit("witness.evidence.after")
	next := append(slices.Clone(w.alarms), a)
	if len(next) > maxAlarms {
		if at := slices.IndexFunc(next, func(a Alarm) bool { return a.Settled != nil }); at >= 0 {
			next = slices.Delete(next, at, at+1)
		}
	}
	if err := w.storeAlarms(next); err != nil {
		w.Log.Error("a ledger alarm was not stored", "id", a.ID, "error", err)
		w.alarms = next
	}
	failpoint.Hit("witness.alarm.stored")
	was := w.stopped
	w.stopped = w.mustStop()
	stops := w.stopped && !was
	w.mu.Unlock()
	w.Log.Error("ledger alarm", "id", a.ID, "kind", a.Kind, "size", a.Size, "index", a.Index, "member", a.Member,
		"with", a.With, "against", a.Against, "verdict", a.Verdict, "stops", a.Stops, "evidence", a.Evidence, "why", a.Why)
	if stops {
		w.OnStop(true)
	}
}

// freeID names an alarm by what it is about; the caller holds mu.
func (w *Witness) freeID(a Alarm) string {
	base := fmt.Sprintf("%d-%s", a.Size, a.Kind)
	if a.Member != "" {
		base = fmt.Sprintf("%d-%s", a.Size, a.Member)
	}
	id := base
	for n := 2; slices.ContainsFunc(w.alarms, func(x Alarm) bool { return x.ID == id }); n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	return id
}

// mustStop says whether an open alarm stops the service; the caller holds mu.
func (w *Witness) mustStop() bool {
	return slices.ContainsFunc(w.alarms, func(a Alarm) bool { return a.Stops && a.Settled == nil })
}

// Stopped says whether an alarm has stopped this node's service.
func (w *Witness) Stopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// Why says in one line what stopped the service, "" if nothing did.
func (w *Witness) Why() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.alarms {
		if a.Stops && a.Settled == nil {
			return fmt.Sprintf("%s; log index %d, evidence in %s", a.Why, a.Index, a.Evidence)
		}
	}
	return ""
}

// Alarms is every alarm, oldest first.
func (w *Witness) Alarms() []Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.alarms)
}

// OpenAlarms counts the alarms nobody has settled.
func (w *Witness) OpenAlarms() (n int) {
	for _, a := range w.Alarms() {
		if a.Settled == nil {
			n++
		}
	}
	return n
}

// accused says whether an open alarm is about this member. Its signatures are
// not counted.
func (w *Witness) accused(m exchange.MemberID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.alarms, func(a Alarm) bool {
		return a.Settled == nil && a.Member == m && a.Verdict == VerdictMember
	})
}

// Evidence is the evidence file of an alarm.
func (w *Witness) Evidence(id string) ([]byte, error) {
	if !slices.ContainsFunc(w.Alarms(), func(a Alarm) bool { return a.ID == id }) {
		return nil, ErrNoAlarm.With("id", id)
	}
	raw, err := os.ReadFile(filepath.Join(w.Dir, evidenceDir, id+".json"))
	if err != nil {
		return nil, ErrFolder.Wrap(err, "file", id+".json")
	}
	return raw, nil
}

// Settle closes an alarm on an operator's word. When it was the last that
// stopped the service, the service goes on; a difference that is still there is
// found again within a round.
func (w *Witness) Settle(id string, by exchange.OperatorID, reason string) (Alarm, error) {
	w.mu.Lock()
	at := slices.IndexFunc(w.alarms, func(a Alarm) bool { return a.ID == id })
	if at < 0 || w.alarms[at].Settled != nil {
		w.mu.Unlock()
		if at < 0 {
			return Alarm{}, ErrNoAlarm.With("id", id)
		}
		return Alarm{}, ErrSettled.With("id", id)
	}
	next := slices.Clone(w.alarms)
	next[at].Settled = &Settlement{At: exchange.MillisOf(w.Clock()), By: by, Reason: reason}
	err := w.storeAlarms(next)
	was := w.stopped
	w.stopped = w.mustStop()
	goesOn := was && !w.stopped
	w.mu.Unlock()
	if err != nil {
		return Alarm{}, err
	}
	w.Log.Warn("ledger alarm settled", "id", id, "by", by, "reason", reason)
	if goesOn {
		w.OnStop(false)
	}
	return next[at], nil
}

// finding is the evidence file of an alarm that rests on this node's own
// observation: nothing a stranger could check.
type finding struct {
	Format string `json:"format"`
	Alarm  Alarm  `json:"alarm"`
	Note   string `json:"note,omitempty"` // what this node had signed
}

const findingFormat = "accord-finding/1"

func (w *Witness) raiseFinding(a Alarm, note []byte) {
	raw, err := strictjson.Marshal(finding{findingFormat, a, string(note)})
	if err != nil {
		raw = []byte(a.Why)
	}
	w.raise(a, append(raw, '\n'))
}

// Parted raises an alarm that a plan of recovery parts this node from a member's,
// unless one of the same kind about the member is open. file makes the evidence,
// with what this node has signed.
func (w *Witness) Parted(a Alarm, file func(note []byte) []byte) {
	w.mu.Lock()
	known := slices.ContainsFunc(w.alarms, func(x Alarm) bool {
		return x.Settled == nil && x.Kind == a.Kind && x.Member == a.Member && x.Verdict == a.Verdict
	})
	w.mu.Unlock()
	if known {
		return
	}
	w.signing.Lock()
	note := w.signed.note
	w.signing.Unlock()
	w.raise(a, file(note))
}

// passed finds a cosigned checkpoint whose log entry this node has applied without
// coming to its size. Nothing is missing that could still come: what the log held there
// when the quorum signed is gone.
func (w *Witness) passed() (Cosigned, bool) {
	var applied uint64
	if w.Applied != nil {
		applied = w.Applied()
	}
	view := w.Ledger.View() // after, so that it holds all that was applied
	applied = max(applied, view.Index())
	w.mu.Lock()
	defer w.mu.Unlock()
	at := slices.IndexFunc(w.chain, func(c Cosigned) bool { return c.Size > view.Size() && c.Index <= applied })
	if at < 0 {
		return Cosigned{}, false
	}
	return w.chain[at], true
}

// shortened raises the alarm that this node's log lacks what a quorum, and this node,
// had cosigned by the same entry.
func (w *Witness) shortened(c Cosigned) {
	view := w.Ledger.View()
	if w.selfAccused() {
		return
	}
	w.raiseFinding(Alarm{Kind: KindSelf, Size: c.Size, Index: c.Index, Ours: view.Root().String(), Theirs: c.Root.String(), With: []exchange.MemberID{},
		Against: c.Signers, Verdict: VerdictSelf, Stops: true,
		Why: fmt.Sprintf("log entry %d is applied and leaves the ledger at %d leaves, where it had %d when a quorum cosigned it", c.Index, view.Size(), c.Size)}, []byte(c.Note))
}

// CosignedIndex is the newest log entry that this node had applied when a quorum, and
// this node, cosigned the ledger; 0 if none is remembered.
func (w *Witness) CosignedIndex() uint64 {
	c, _ := w.Newest()
	return c.Index
}

// Replaced raises the alarm that entries of this node's log, at or below
// [Witness.CosignedIndex], were not those that were committed and cosigned. The
// federation's have replaced them, so the node goes on: whether it now holds what it
// signed is compared as ever. That somebody was at its disk stays to be found out.
func (w *Witness) Replaced(from, to uint64) {
	c, _ := w.Newest()
	w.mu.Lock()
	known := slices.ContainsFunc(w.alarms, func(a Alarm) bool { return a.Kind == KindDisk && a.Settled == nil && a.Index == from })
	w.mu.Unlock()
	if known {
		return
	}
	w.raiseFinding(Alarm{Kind: KindDisk, Size: c.Size, Index: from, Verdict: VerdictSelf,
		Why: fmt.Sprintf("log entries %d to %d on this node's disk were not those that a quorum cosigned; they are replaced and kept in ledger/evidence", from, to)}, []byte(c.Note))
}

// selfAccused says whether an open alarm is about what this node signed itself.
func (w *Witness) selfAccused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.alarms, func(a Alarm) bool { return a.Kind == KindSelf && a.Settled == nil })
}

// contradicted raises the alarm that this node's tree is not the one it signed.
func (w *Witness) contradicted(last mark, view *machine.View) {
	if w.selfAccused() {
		return
	}
	root, _ := view.Tree().RootAt(last.Size)
	w.raiseFinding(Alarm{Kind: KindSelf, Size: last.Size, Index: indexOf(view, last.Size), Ours: root.String(), Theirs: last.Root.String(),
		Verdict: VerdictSelf, Stops: true,
		Why: fmt.Sprintf("the ledger's first %d leaves have another root than this node signed", last.Size)}, last.note)
}

// names joins members for a sentence.
func names(ms []exchange.MemberID) string {
	s := make([]string, len(ms))
	for i, m := range ms {
		s[i] = string(m)
	}
	return strings.Join(s, ", ")
}
