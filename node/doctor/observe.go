package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"accord/crypto/strictjson"
	"accord/node/backup"
	"accord/node/client"
	"accord/node/config"
	"accord/node/founding"
)

// Observe gathers the facts of the node whose configuration this is. It changes
// nothing but for a file that it writes and removes to time the disk. The client
// speaks to the running node, if there is one.
func Observe(ctx context.Context, cfg config.Config, c *client.Client, clock func() time.Time) *Facts {
	f := &Facts{Now: clock(), Config: cfg, Disk: fileSystem(cfg.Dir)}
	f.Disk.Sync, f.Disk.Err = timeSync(cfg.Dir)
	f.Exposed = exposed(cfg.Dir)
	f.Unknown, _ = backup.Unknown(cfg) // a folder that cannot be listed is said above
	f.Keys = tryKeys(cfg)
	f.Beside = beside(cfg)
	if g, err := founding.ReadGenesis(cfg.Dir); err != nil {
		f.Genesis = err
	} else {
		f.Charter = g.Digest()
	}
	of, err := founding.Started(cfg.Dir)
	f.Started = of != "" || err != nil
	entries, err := os.ReadDir(filepath.Join(cfg.Dir, "ledger"))
	f.LedgerThere = err == nil && len(entries) > 0
	f.Backup = lastBackup(cfg.Dir)
	for _, p := range cfg.AuditFiles {
		if d, ok := device(cfg.Path(p)); ok {
			f.AuditDevices = append(f.AuditDevices, d)
		}
	}
	f.Running, f.NotRunning = running(ctx, c)
	return f
}

// running asks the node.
func running(ctx context.Context, c *client.Client) (*Running, error) {
	st, err := c.Status(ctx)
	if err != nil {
		return nil, err
	}
	check, err := c.Check(ctx)
	if err != nil {
		return nil, err
	}
	return &Running{Status: st, Check: check}, nil
}

// beside is the passphrase file if it lies in the data folder, links followed: the
// folder's copies hold it, too.
func beside(cfg config.Config) string {
	dir, err := filepath.EvalSymlinks(cfg.Dir)
	if err != nil {
		return ""
	}
	path := cfg.Path(cfg.PassphraseFile)
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "" // the unit's alone to see, or missing, which the keystore says
	}
	if rel, err := filepath.Rel(dir, real); err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return path
}

// tryKeys opens the keystore and closes it again.
func tryKeys(cfg config.Config) error {
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		return err
	}
	return store.Close()
}

// exposed lists what others may read or write. The socket and the lock are
// guarded by the folder's mode.
func exposed(dir string) []string {
	var paths []string
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what its owner cannot read is found when it is used
		}
		info, err := d.Info()
		if err != nil || d.Type()&(fs.ModeSocket|fs.ModeSymlink) != 0 {
			return nil
		}
		if info.Mode().Perm()&0o077 != 0 {
			rel, err := filepath.Rel(dir, p)
			if err == nil {
				paths = append(paths, rel)
			}
			if d.IsDir() && p != dir {
				return filepath.SkipDir
			}
		}
		return nil
	})
	return paths
}

func lastBackup(dir string) *backup.Last {
	raw, err := os.ReadFile(filepath.Join(dir, backup.LastFile))
	if err != nil {
		return nil
	}
	var last backup.Last
	if strictjson.Unmarshal(raw, &last) != nil {
		return nil
	}
	return &last
}

// syncWrites is how many small writes are timed.
const syncWrites = 32

// timeSync writes small blocks durably, as the log does, and gives the times in
// order of length.
func timeSync(dir string) (took []time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".tmp-doctor-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 4096)
	for range syncWrites {
		begin := time.Now()
		if _, err := f.Write(block); err != nil {
			return took, err
		}
		if err := f.Sync(); err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took, nil
}
