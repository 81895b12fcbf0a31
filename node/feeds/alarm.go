package feeds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"accord/crypto/bundle"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/founding"
)

// What an alarm is about. The first ones are bad faith: they come with evidence and
// stand until they are settled.
const (
	KindCheckpoint = "checkpoint" // not signed with the author's key
	KindShrunk     = "shrunk"     // fewer entries than it showed or anchored
	KindRewrite    = "rewrite"    // not an extension of what it showed
	KindAnchor     = "anchor"     // not an extension of what it anchored
	KindDocument   = "document"   // a document is not the one the entry names
	KindSignature  = "signature"  // a document's own signature does not hold
	KindMissing    = "missing"    // a document is not given
	KindStalled    = "stalled"    // the author's node does not answer, or not as it must, for longer than Patience
	KindOwn        = "own"        // this member's own feed is not what it anchored
)

func lasting(kind string) bool {
	return kind != KindMissing && kind != KindStalled && kind != KindOwn
}

// Alarm is something found wrong with an author's feed.
type Alarm struct {
	ID       string              `json:"id"`
	Author   exchange.MemberID   `json:"author"`
	Kind     string              `json:"kind"`
	Size     int64               `json:"size"` // entries, or the entry, at which it shows
	Why      string              `json:"why"`  // English, for logs and status
	FoundAt  exchange.Millis     `json:"found_at"`
	Evidence string              `json:"evidence,omitempty"` // file under the data folder
	Settled  exchange.OperatorID `json:"settled,omitempty"`  // by whom
	Reason   string              `json:"reason,omitempty"`
}

const (
	alarmsFormat = "accord-feed-alarms/1"
	alarmsFile   = "alarms.json"
	maxAlarms    = 200
)

// The errors of alarms.
var (
	ErrNoAlarm = exchange.Define(exchange.KindNotFound, "FEED-023",
		exchange.Text{Zh: "没有待处理的警报 {id}", En: "there is no open alarm {id}"},
		exchange.Text{Zh: "用 accord feed status 查看", En: "see accord feed status"})
	ErrAlarms = exchange.Define(exchange.KindInternal, "FEED-024",
		exchange.Text{Zh: "记录流警报文件无法读写", En: "the file of feed alarms cannot be read or written"},
		exchange.Text{Zh: "检查数据目录 feeds/", En: "look at feeds/ in the data folder"})
)

type alarmsPaper struct {
	Format string  `json:"format"`
	Alarms []Alarm `json:"alarms"`
}

func (f *Feeds) readAlarms() error {
	if err := os.MkdirAll(filepath.Join(f.Dir, "evidence"), 0o700); err != nil {
		return ErrAlarms.Wrap(err)
	}
	raw, err := os.ReadFile(filepath.Join(f.Dir, alarmsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p alarmsPaper
	if err == nil {
		err = strictjson.Unmarshal(raw, &p)
	}
	if err != nil || p.Format != alarmsFormat {
		return ErrAlarms.Wrap(err)
	}
	f.alarms = p.Alarms
	return nil
}

// store writes the lasting alarms; the caller holds mu.
func (f *Feeds) store() {
	p := alarmsPaper{Format: alarmsFormat, Alarms: []Alarm{}}
	for _, a := range f.alarms {
		if lasting(a.Kind) {
			p.Alarms = append(p.Alarms, a)
		}
	}
	raw, err := strictjson.Marshal(p)
	if err == nil {
		err = founding.WriteFile(filepath.Join(f.Dir, alarmsFile), raw)
	}
	if err != nil { // it counts all the same while this process lives
		f.Log.Error("a feed alarm was not stored", "error", err)
	}
}

// accuse raises an alarm of bad faith and gives the error that ends the round.
func (fl *follow) accuse(kind string, size int64, why string, ev bundle.FeedEvidence) error {
	fl.raise(Alarm{Author: fl.author, Kind: kind, Size: size, Why: why}, &ev)
	return ErrFollow.With("author", fl.author, "why", why)
}

// open says whether an alarm of this author and kind is open.
func (f *Feeds) open(a Alarm) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.alarms, func(x Alarm) bool { return x.Settled == "" && x.Author == a.Author && x.Kind == a.Kind })
}

// raise says that something is wrong, once: an open alarm of the author and kind
// stays as it was found, but for one that can pass by itself, whose words follow.
func (f *Feeds) raise(a Alarm, ev *bundle.FeedEvidence) {
	f.mu.Lock()
	defer f.mu.Unlock()
	open := slices.IndexFunc(f.alarms, func(x Alarm) bool {
		return x.Settled == "" && x.Author == a.Author && x.Kind == a.Kind
	})
	if open >= 0 {
		if !lasting(a.Kind) {
			f.alarms[open].Why, f.alarms[open].Size = a.Why, a.Size
		}
		return
	}
	a.FoundAt = exchange.MillisOf(f.Clock())
	sum := sha256.Sum256(fmt.Append(nil, a.Author, a.Kind, a.Size, a.FoundAt))
	a.ID = fmt.Sprintf("%s-%s-%s", a.Author, a.Kind, hex.EncodeToString(sum[:4]))
	if ev != nil {
		f.keep(&a, ev)
	}
	f.alarms = append(f.alarms, a)
	if len(f.alarms) > maxAlarms {
		if at := slices.IndexFunc(f.alarms, func(x Alarm) bool { return x.Settled != "" }); at >= 0 {
			f.alarms = slices.Delete(f.alarms, at, at+1)
		}
	}
	if lasting(a.Kind) {
		f.store()
	}
	level := slog.LevelError
	if a.Kind == KindStalled { // its node is away; nobody did anything wrong
		level = slog.LevelWarn
	}
	f.Log.Log(context.Background(), level, "feed alarm", "id", a.ID, "author", a.Author, "kind", a.Kind, "size", a.Size, "evidence", a.Evidence, "why", a.Why)
}

// keep writes an alarm's evidence file: with the charter and the rosters anybody can
// verify it (accord verify).
func (f *Feeds) keep(a *Alarm, ev *bundle.FeedEvidence) {
	file := filepath.Join("evidence", a.ID+".json")
	a.Evidence = filepath.Join(filepath.Base(f.Dir), file)
	ev.Format, ev.Federation, ev.Author = bundle.FeedFormat, f.Federation, string(a.Author)
	ev.Alarm = bundle.FeedAlarm{ID: a.ID, Kind: a.Kind, Size: a.Size, Why: a.Why, FoundAt: int64(a.FoundAt)}
	ev.Charter = bundle.Charter{Signatures: f.Genesis.Signatures}
	view := f.Ledger.View()
	for _, seq := range view.RosterSeqs() {
		if s, ok := view.Statement(seq); ok {
			ev.Rosters = append(ev.Rosters, s.JWS)
		}
	}
	raw, err := ev.Marshal()
	if err == nil {
		err = founding.WriteFile(filepath.Join(f.Dir, file), raw)
	}
	if err != nil {
		f.Log.Error("the evidence of a feed alarm was not stored", "id", a.ID, "error", err)
	}
}

// clear ends an alarm that passes by itself.
func (f *Feeds) clear(author exchange.MemberID, kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.alarms)
	f.alarms = slices.DeleteFunc(f.alarms, func(a Alarm) bool { return a.Author == author && a.Kind == kind })
	if len(f.alarms) < n {
		f.Log.Info("feed alarm is over", "author", author, "kind", kind)
	}
}

// Alarms is every alarm, oldest first.
func (f *Feeds) Alarms() []Alarm {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.alarms)
}

// OpenAlarms counts those nobody has settled.
func (f *Feeds) OpenAlarms() (n int) {
	for _, a := range f.Alarms() {
		if a.Settled == "" {
			n++
		}
	}
	return n
}

// Settle closes an alarm on an operator's word. What is still so is found again.
func (f *Feeds) Settle(id string, by exchange.OperatorID, reason string) (Alarm, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.alarms, func(a Alarm) bool { return a.ID == id && a.Settled == "" })
	if at < 0 {
		return Alarm{}, ErrNoAlarm.With("id", id)
	}
	f.alarms[at].Settled, f.alarms[at].Reason = by, reason
	f.store()
	return f.alarms[at], nil
}
