package node

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"accord/node/founding"
)

// lockFile is held as long as the node is open.
const lockFile = "lock"

// openFolder takes the data folder for this process. Without it a second start
// by mistake would cut the line the first is just writing to its audit log.
func (n *Node) openFolder() error {
	info, err := os.Stat(n.cfg.Dir)
	if err != nil {
		return founding.ErrFolder.Wrap(err, "dir", n.cfg.Dir, "why", "it cannot be read")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return founding.ErrFolder.With("dir", n.cfg.Dir, "why", "others than its owner may enter it; its mode must be 0700")
	}
	f, err := os.OpenFile(filepath.Join(n.cfg.Dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return founding.ErrFolder.Wrap(err, "dir", n.cfg.Dir, "why", "it cannot be written")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrRunning.With("socket", n.cfg.Socket())
		}
		return founding.ErrFolder.Wrap(err, "dir", n.cfg.Dir, "why", "it cannot be locked")
	}
	n.closeWith(f.Close)
	return nil
}
