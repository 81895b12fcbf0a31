package node

import (
	"context"
	"io"
	"log/slog"

	"accord/crypto/keys"
	"accord/node/backup"
)

// Backup writes a backup of this node while it goes on running.
func (n *Node) Backup(ctx context.Context, out io.Writer, to []keys.Public, withKeys bool) error {
	return n.backup(ctx, out, backup.Options{To: to, WithKeys: withKeys}, func(*backup.Source) {})
}

func (n *Node) backup(ctx context.Context, out io.Writer, o backup.Options, adjust func(*backup.Source)) error {
	signer, err := n.keys.Key(keys.Command)
	if err != nil {
		return err
	}
	snapshot, err := n.machine.Snapshot() // first: see backup.Source
	if err != nil {
		return err
	}
	defer snapshot.Release()
	source := backup.Source{
		Config: n.cfg, Node: n.id.Node, Charter: n.genesis.Digest(), Version: n.opts.Version, Now: n.opts.Clock(),
		Snapshot: snapshot, Confirmed: snapshot.View().Size(), CopyRecords: n.records.CopyTo, Signer: signer,
	}
	adjust(&source)
	m, err := backup.Create(ctx, out, source, o)
	if err != nil {
		n.log.Warn("backup failed", "error", err)
		return err
	}
	n.log.Info("backup written", slog.Int64("ledger", m.Ledger.Size), slog.Int64("records", m.Records))
	return nil
}
