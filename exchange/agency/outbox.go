package agency

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"accord/crypto/seal"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/release"
)

// An envelope is kept from before its receipt is on the ledger until the
// requester says it opened it, so that a lost answer costs nobody the grant.
// Only the requester's key opens it; here it is ciphertext like on the wire.
//
// There is never more than one envelope of a release: which of two the ledger
// would take is unknown while an answer is out, and the one it took must be the
// one that is here.

// ErrOutbox is given when an envelope cannot be kept; it does not leave then.
var ErrOutbox = exchange.Define(exchange.KindUnavailable, "OPEN-007",
	exchange.Text{Zh: "无法保存待交付的密封件，未交付", En: "the envelope cannot be kept, so nothing was delivered"},
	exchange.Text{Zh: "检查作者节点数据文件夹所在磁盘的空间与权限后再试", En: "check space and permissions of the author's data folder and try again"})

// ErrFormerKey is given where the only envelope there is was sealed to a key that the
// requester has replaced.
var ErrFormerKey = exchange.Define(exchange.KindConflict, "OPEN-014",
	exchange.Text{Zh: "授权开放 {release} 的密封件是用申请单位已更换的密钥加密的，不再发送", En: "the envelope of release {release} is sealed to a key that its requester has replaced; it is not sent any more"},
	exchange.Text{Zh: "一分钟后再试；仍不行则重新申请", En: "try again in a minute; if that does not help, ask anew"})

// suffix is how the names of envelopes end. What is still being written ends in
// suffix and partial, and is taken for nothing.
const (
	suffix  = ".jwe"
	partial = ".part"
)

func (a *Agency) envelopePath(id exchange.ReleaseID) string {
	return filepath.Join(a.Outbox, string(id)+suffix)
}

// keepEnvelope stores an envelope durably and whole, and forgets those that
// arrived. Its caller holds the release's turn.
func (a *Agency) keepEnvelope(id exchange.ReleaseID, envelope string) error {
	if err := a.makeOutbox(); err != nil {
		return ErrOutbox.Wrap(err)
	}
	a.sweepOutbox()
	path := a.envelopePath(id)
	a.hit("outbox.write.before")
	err := writeSynced(path+partial, envelope)
	if err == nil {
		a.hit("outbox.rename.before")
		err = os.Rename(path+partial, path)
		a.hit("outbox.rename.after")
	}
	if err == nil {
		err = syncFolders(a.Outbox)
	}
	if err != nil {
		return ErrOutbox.Wrap(err)
	}
	return nil
}

// makeOutbox makes the folder, and its name durable, if that is not known.
func (a *Agency) makeOutbox() error {
	if _, err := os.Stat(a.Outbox); err == nil && a.outboxNamed.Load() {
		return nil
	}
	if err := os.MkdirAll(a.Outbox, 0o700); err != nil {
		return err
	}
	err := syncFolders(filepath.Dir(a.Outbox))
	a.outboxNamed.Store(err == nil)
	return err
}

func writeSynced(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncFolders makes the names in the folders durable.
func syncFolders(dirs ...string) error {
	for _, dir := range dirs {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// kept is the envelope that an earlier try left, "" when there is none.
func (a *Agency) kept(id exchange.ReleaseID) (string, error) {
	raw, err := os.ReadFile(a.envelopePath(id))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", ErrOutbox.Wrap(err)
	}
	return string(raw), nil
}

// sentBefore is the envelope of a delivery whose receipt is on the ledger.
func (a *Agency) sentBefore(view *machine.View, rel release.Release) (string, error) {
	envelope, err := a.kept(rel.ID)
	if err != nil {
		return "", err
	}
	if rel.Delivered == nil || digestOf(envelope) != rel.Delivered.Digest {
		return "", ErrNotGranted.With("release", rel.ID, "status", release.Delivered)
	}
	if !a.counts(view, &rel, envelope, formerKeys) {
		return "", ErrFormerKey.With("release", rel.ID)
	}
	return envelope, nil
}

// formerKeys is how long what was sealed to a key is sent after the key has been
// replaced: an answer may be under way when a member exchanges its keys, and a key is
// replaced, too, because somebody else has it.
const formerKeys exchange.Millis = 60_000

// statementsWait is how long after it was signed a statement may still come to count: a
// node takes none whose time is further off.
const statementsWait exchange.Millis = 60_000

// counts says whether an envelope is sealed to a key that its requester has, or had
// until a while ago.
func (a *Agency) counts(view *machine.View, rel *release.Release, envelope string, while exchange.Millis) bool {
	to, ok := view.Member(rel.Requester)
	if !ok || envelope == "" {
		return false
	}
	kid, now := seal.Recipient(envelope), a.instant(view)
	return slices.ContainsFunc(to.Keys, func(k members.Key) bool {
		return k.Public.KID() == kid && (k.ValidAt(now) || k.Until != 0 && now < k.Until+while)
	})
}

// left is the envelope that an earlier try left and that may still be sent, "" when
// another may be made: the receipt of an earlier one must not come to count after that.
func (a *Agency) left(view *machine.View, rel *release.Release) (string, error) {
	before, err := a.kept(rel.ID)
	switch {
	case err != nil || a.counts(view, rel, before, formerKeys):
		return before, err
	case a.counts(view, rel, before, formerKeys+statementsWait):
		return "", ErrFormerKey.With("release", rel.ID)
	}
	return "", nil
}

// sweepEvery is how long after a look at the whole outbox the next one comes.
const sweepEvery exchange.Millis = 1000

// sweepOutbox removes the envelopes of releases that are over, one caller for all who
// come within a second.
func (a *Agency) sweepOutbox() {
	now := int64(a.now())
	if last := a.outboxSwept.Load(); now >= last && now < last+int64(sweepEvery) || !a.outboxSwept.CompareAndSwap(last, now) {
		return
	}
	files, err := os.ReadDir(a.Outbox)
	if err != nil {
		return
	}
	view := a.Ledger.View()
	for _, f := range files {
		id, _, _ := strings.Cut(f.Name(), ".")
		rel, ok := view.Release(exchange.ReleaseID(id))
		if !ok {
			continue
		}
		if status := rel.StatusAt(a.instant(view)); status != release.Granted && status != release.Delivered {
			a.hit("outbox.sweep")
			os.Remove(filepath.Join(a.Outbox, f.Name()))
		}
	}
}

// turns lets one caller at a time act on a release.
type turns struct {
	mu   sync.Mutex
	busy map[exchange.ReleaseID]chan struct{} // guarded by mu; closed when the turn is over
}

// take waits for the release's turn; done ends it.
func (t *turns) take(ctx context.Context, id exchange.ReleaseID) (done func(), err error) {
	for {
		t.mu.Lock()
		over, taken := t.busy[id]
		if !taken {
			break
		}
		t.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy = map[exchange.ReleaseID]chan struct{}{}
	}
	over := make(chan struct{})
	t.busy[id] = over
	return func() {
		t.mu.Lock()
		delete(t.busy, id)
		t.mu.Unlock()
		close(over)
	}, nil
}
