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

	"accord/exchange/records"
	"accord/node/config"
	"accord/node/failpoint"
	"accord/node/founding"
)

// recordStore is a store that can be backed up.
type recordStore interface {
	records.Store
	// CopyTo writes the store as it stands now into a new SQLite file.
	CopyTo(ctx context.Context, file string) error
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
		store.Hook, n.records = failpoint.Hook(), store
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
		store.Hook, n.records = failpoint.Hook(), store
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
	d := records.Database{URL: address, Keys: filepath.Join(cfg.Dir, recordKeys)}
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
