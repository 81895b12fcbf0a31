package node

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"accord/consensus"
	"accord/crypto/keys"
	"accord/exchange/machine"
	"accord/node/backup"
	"accord/node/config"
	"accord/node/founding"
)

// Stopped is a node that does not run, opened to be looked at: its folder is
// held, so that it cannot be started meanwhile, and nothing listens.
type Stopped struct {
	n         *Node
	Position  consensus.Position
	Confirmed int64 // the ledger's size at the newest snapshot, up to which it is known to be committed
}

// OpenStopped opens a data folder whose node does not run and brings its state
// to the end of its log.
func OpenStopped(cfg config.Config, o Options) (s *Stopped, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	n := &Node{cfg: cfg, opts: o, log: o.Logger, started: o.Clock(), failed: make(chan error, 1)}
	s = &Stopped{n: n, Confirmed: 1}
	defer func() {
		if err != nil {
			n.Close()
			s = nil
		}
	}()
	for _, step := range []func() error{n.openFolder, n.openIdentity, n.openKeys, n.openRecords, n.openMachine, s.openLog} {
		if err := step(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// openLog replays the log; a node that was never started has none.
func (s *Stopped) openLog() error {
	of, err := founding.Started(s.n.cfg.Dir)
	if err != nil || of == "" {
		return err
	}
	s.Position, err = consensus.Inspect(filepath.Join(s.n.cfg.Dir, "ledger"), s.n.id.Node, replayed{s.n.machine, s}, s.n.log)
	if err != nil {
		return ErrStart.Wrap(err, "why", whyNoLog(err))
	}
	return nil
}

// replayed lets a stopped node's log drive the machine.
type replayed struct {
	*machine.Machine
	s *Stopped
}

func (m replayed) Snapshot() (consensus.Snapshot, error) { return m.Machine.Snapshot() }

func (m replayed) Restore(r io.Reader) error {
	err := m.Machine.Restore(r)
	if err == nil {
		m.s.Confirmed = m.View().Size()
	}
	return err
}

// View is the state at the end of the log.
func (s *Stopped) View() *machine.View { return s.n.machine.View() }

// Key is the member's newest key for a use.
func (s *Stopped) Key(use keys.Use) (keys.Private, error) { return s.n.keys.Key(use) }

// Backup writes a backup of the stopped node.
func (s *Stopped) Backup(ctx context.Context, out io.Writer, to []keys.Public, withKeys bool) error {
	return s.n.backup(ctx, out, backup.Options{To: to, WithKeys: withKeys}, func(src *backup.Source) {
		src.Offline, src.Confirmed = true, s.Confirmed
	})
}

// Close lets go of the folder.
func (s *Stopped) Close() error { return s.n.Close() }
