package main

import (
	"context"
	"encoding/hex"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/backup"
)

// compareBackup holds a backup's ledger against the running node's: the same
// federation, and the same root at the backup's size.
func (e *env) compareBackup(ctx context.Context, t *tested) error {
	client, m := e.node(), t.Manifest
	fed, err := client.Federation(ctx)
	if err != nil {
		return err
	}
	if fed.Charter != m.Charter {
		return backup.ErrOther.With("got", m.Charter, "want", fed.Charter)
	}
	now, err := client.Ledger(ctx, false)
	if err != nil {
		return err
	}
	if t.Behind = now.Size - m.Ledger.Size; t.Behind < 0 { // the node is behind its own backup: it was set back
		return backup.ErrLedger.With("size", now.Size)
	}
	point, err := client.Checkpoint(ctx, m.Ledger.Size)
	if err != nil {
		return err
	}
	c, _, err := tlog.Read([]byte(point.Note))
	if err != nil {
		return exchange.ErrInternal.Wrap(err)
	}
	if c.Size != m.Ledger.Size || hex.EncodeToString(c.Root[:]) != m.Ledger.Root {
		return backup.ErrLedger.With("size", m.Ledger.Size)
	}
	t.Compared = true
	return nil
}
