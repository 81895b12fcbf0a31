package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"accord/exchange"
	"accord/exchange/records"
	"accord/node/config"
	"accord/node/failpoint"
	"accord/node/founding"
	"accord/node/wire"
)

// recordStore is a store that can be backed up.
type recordStore interface {
	records.Store
	// CopyTo writes the store as it stands now into a new SQLite file.
	CopyTo(ctx context.Context, file string) error
	// ScrubAll is Scrub at any cost.
	ScrubAll(ctx context.Context) error
}

// Files of the record store in the data folder.
const (
	recordsFile = "records.db"       // all of it, when no database is configured
	recordKeys  = "records.keys"     // the keys of sealed fields, when one is
	recordsPast = "records.moved.db" // what was moved into a database
)

func (n *Node) openRecords() error {
	here, past := n.has(recordsFile), n.has(recordsPast)
	switch {
	case n.cfg.Store == "" && past && !here:
		return ErrStart.With("why", "its records were moved into a database; set store in accord.yaml to it")
	case n.cfg.Store == "":
		store, err := records.OpenSQLite(context.Background(), filepath.Join(n.cfg.Dir, recordsFile))
		if err != nil {
			return err
		}
		store.Hook, store.Fatal, n.records = failpoint.Hook(), n.fatal, store
	case here:
		return ErrStart.With("why", "its records lie in records.db and accord.yaml names a database; bring them there with accord db move")
	default:
		d, err := DatabaseOf(n.cfg, n.cfg.Store)
		if err != nil {
			return err
		}
		store, err := records.OpenPostgres(context.Background(), d)
		if err != nil {
			return err
		}
		store.Hook, store.Fatal, n.records = failpoint.Hook(), n.fatal, store
	}
	n.closeWith(n.records.Close)
	return nil
}

func (n *Node) has(name string) bool {
	_, err := os.Lstat(filepath.Join(n.cfg.Dir, name))
	return err == nil
}

// maxPassword bounds a database's password, in bytes.
const maxPassword = 4 << 10

// DatabaseOf says what the database at an address is to the node of a data
// folder. Its password is read from the configured file.
func DatabaseOf(cfg config.Config, address string) (records.Database, error) {
	d := records.Database{URL: address, Keys: filepath.Join(cfg.Dir, recordKeys), Moved: filepath.Join(cfg.Dir, recordsPast)}
	id, err := founding.ReadIdentity(cfg.Dir)
	if err != nil {
		return d, err
	}
	d.Owner = records.Owner{Federation: cfg.Federation, Member: cfg.Member, Node: id.Node}
	if cfg.StorePassword == "" {
		return d, nil
	}
	word, err := readPrivate(cfg.Path(cfg.StorePassword))
	if err != nil {
		return d, config.ErrValue.Wrap(err, "key", "store_password_file", "why", "needs a file that only its owner may read", "origin", "file")
	}
	d.Password = string(word)
	return d, nil
}

func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fs.ErrPermission
	}
	word, err := io.ReadAll(io.LimitReader(f, maxPassword))
	return bytes.TrimRight(word, "\r\n"), err
}

// MoveRecords brings the records of a node that does not run into a database,
// proves that they are there, and puts records.db aside. moved is told of rows
// as they are read, copied and compared.
func MoveRecords(ctx context.Context, cfg config.Config, address string, moved func(int64)) (m records.Moved, err error) {
	err = holding(cfg, func(n *Node) error {
		d, err := DatabaseOf(cfg, address)
		if err != nil {
			return err
		}
		if !n.has(recordsFile) {
			return ErrNoRecords.With()
		}
		from, err := records.OpenSQLite(ctx, filepath.Join(cfg.Dir, recordsFile))
		if err != nil {
			return err
		}
		m, err = records.Move(ctx, from, d, moved)
		if cerr := from.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(cfg.Dir, recordsFile), filepath.Join(cfg.Dir, recordsPast)); err != nil {
			return err
		}
		return founding.SyncFolder(cfg.Dir)
	})
	return m, err
}

// AdoptRecords takes this member's database over from a former node, for the
// node of this folder, which does not run.
func AdoptRecords(ctx context.Context, cfg config.Config, from string) error {
	return holding(cfg, func(*Node) error {
		d, err := DatabaseOf(cfg, cfg.Store)
		if err != nil {
			return err
		}
		return records.Adopt(ctx, d, from)
	})
}

// PingRecords says whether the database of a node that does not run answers and is
// its own; nil where its records lie in the data folder.
func PingRecords(ctx context.Context, cfg config.Config) error {
	if cfg.Store == "" {
		return nil
	}
	d, err := DatabaseOf(cfg, cfg.Store)
	if err != nil {
		return err
	}
	return records.Ping(ctx, d)
}

// ScrubRecords makes sure that the bytes of all that was erased are gone from the
// store of a node that does not run, whatever that costs. It says how many erasing
// transactions there were.
func ScrubRecords(ctx context.Context, cfg config.Config) (erasures int64, err error) {
	err = holding(cfg, func(n *Node) error {
		if err := n.openRecords(); err != nil { // holding closes it
			return err
		}
		if erasures, err = n.records.Unscrubbed(ctx); err != nil {
			return err
		}
		return n.records.ScrubAll(ctx)
	})
	return erasures, err
}

// recordsEvery is how often a store is looked at that nobody asks anything.
const recordsEvery = 5 * time.Second

// watchRecords keeps what is said of the store true, and has it stop the node where
// it is not the one any more that was opened.
func (n *Node) watchRecords(ctx context.Context) {
	for {
		look, cancel := context.WithTimeout(ctx, 2*recordsEvery)
		if err := n.records.Check(look); err == nil {
			if left, err := n.records.Unscrubbed(look); err == nil {
				n.unscrubbed.Store(left)
			}
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-time.After(recordsEvery):
		}
	}
}

// away says whether a store that has met this error cannot be asked anything. A full
// disk and a lock leave reads as they are.
func away(err error) bool {
	return err != nil && !errors.Is(err, records.ErrFull) && !errors.Is(err, records.ErrBusy)
}

func (n *Node) storeStatus() wire.StoreStatus {
	h := n.records.Health()
	out := wire.StoreStatus{Engine: h.Engine, OK: h.Err == nil, Took: float64(h.Took.Microseconds()) / 1000, Unscrubbed: n.unscrubbed.Load()}
	if h.Err != nil {
		since := h.Since.UTC()
		out.Code, out.Since = exchange.AsError(h.Err).Code, &since
	}
	return out
}

// holding runs f while the data folder cannot be used by a node.
func holding(cfg config.Config, f func(*Node) error) error {
	n := &Node{cfg: cfg, log: slog.New(slog.DiscardHandler), started: time.Now(), failed: make(chan error, 1)}
	if err := n.openFolder(); err != nil {
		return errors.Join(err, n.Close())
	}
	err := f(n)
	if cerr := n.Close(); err == nil {
		err = cerr
	}
	return err
}
