package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Dir is a directory of the machine's file system. Without sync it skips every
// sync, for tests that are about something else.
func Dir(path string, sync bool) FS { return dir{path, sync} }

type dir struct {
	path string
	sync bool
}

func (d dir) at(name string) string { return filepath.Join(d.path, name) }

func (d dir) Make() error { return os.MkdirAll(d.path, 0o700) }

func (d dir) Lock() (io.Closer, error) {
	f, err := os.OpenFile(d.at("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, full(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("disk: another process uses this directory: %w", err)
	}
	return f, nil
}

func (d dir) Open(name string) (File, error) { return d.file(name, os.O_RDWR) }

func (d dir) Create(name string) (File, error) {
	return d.file(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d dir) file(name string, flags int) (File, error) {
	f, err := os.OpenFile(d.at(name), flags, 0o600)
	if err != nil {
		return nil, full(err)
	}
	return file{f, d.sync}, nil
}

func (d dir) Rename(from, to string) error { return full(os.Rename(d.at(from), d.at(to))) }

func (d dir) Remove(name string) error { return os.Remove(d.at(name)) }

func (d dir) List() ([]string, error) {
	entries, err := os.ReadDir(d.path) // in order
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (d dir) Modified(name string) (time.Time, error) {
	fi, err := os.Stat(d.at(name))
	if err != nil {
		return time.Time{}, err
	}
	return fi.ModTime(), nil
}

func (d dir) SyncDir() error {
	if !d.sync {
		return nil
	}
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (d dir) Space() (free, total uint64, err error) { return space(d.path) }

type file struct {
	*os.File
	sync bool
}

func (f file) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, full(err)
}

func (f file) Size() (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (f file) Reserve(size int64, blanked bool) error {
	if err := reserve(f.File, size); err != nil || !f.sync || !blanked {
		return full(err)
	}
	return full(f.blank(size))
}

// Piece is how many bytes are blanked between two syncs: little enough that the
// log's own syncs, on the same disk, do not wait long behind one. Whoever syncs no
// more often than that gains nothing by blanked room.
const Piece = 1 << 20

// blank writes zeros over the room that was taken, so that what is written there
// later is data alone: a sync of it then needs no commit of the file system's
// journal.
func (f file) blank(size int64) error {
	zeros := make([]byte, min(Piece, size))
	for at := int64(0); at < size; at += Piece {
		if _, err := f.File.WriteAt(zeros[:min(Piece, size-at)], at); err != nil {
			return err
		}
		if err := datasync(f.File); err != nil {
			return err
		}
	}
	return nil
}

func (f file) Sync() error {
	if !f.sync {
		return nil
	}
	return datasync(f.File)
}

// reserveByWriting takes room the portable way.
func reserveByWriting(f *os.File, size int64) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for at := fi.Size(); at < size; {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// full tells a disk without room from one that fails.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
