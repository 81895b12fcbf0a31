package agency

import (
	"errors"
	"os"
	"path/filepath"

	"accord/exchange"
	"accord/exchange/release"
)

// An envelope is kept from before its receipt is on the ledger until the
// requester says it opened it, so that a lost answer costs nobody the grant.
// Only the requester's key opens it; here it is ciphertext like on the wire.

func (a *Agency) envelopePath(id exchange.ReleaseID) string {
	return filepath.Join(a.Outbox, string(id)+".jwe")
}

// keepEnvelope stores an envelope durably and forgets those that arrived.
func (a *Agency) keepEnvelope(id exchange.ReleaseID, envelope string) error {
	if err := os.MkdirAll(a.Outbox, 0o700); err != nil {
		return err
	}
	a.sweepOutbox()
	file, err := os.OpenFile(a.envelopePath(id), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(envelope)
	return errors.Join(err, file.Sync(), file.Close())
}

// sentBefore is the envelope of a delivery whose receipt is on the ledger.
func (a *Agency) sentBefore(rel release.Release) (string, error) {
	raw, err := os.ReadFile(a.envelopePath(rel.ID))
	if err != nil || rel.Delivered == nil || digestOf(string(raw)) != rel.Delivered.Digest {
		return "", ErrNotGranted.With("release", rel.ID, "status", release.Delivered)
	}
	return string(raw), nil
}

// sweepOutbox removes the envelopes of releases that are over.
func (a *Agency) sweepOutbox() {
	files, err := os.ReadDir(a.Outbox)
	if err != nil {
		return
	}
	view, now := a.Ledger.View(), a.now()
	for _, f := range files {
		name := f.Name()
		rel, ok := view.Release(exchange.ReleaseID(name[:max(0, len(name)-len(".jwe"))]))
		if ok && rel.StatusAt(now) != release.Granted && rel.StatusAt(now) != release.Delivered {
			os.Remove(filepath.Join(a.Outbox, name))
		}
	}
}
