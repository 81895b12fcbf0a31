package keystore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tempPrefix marks files that are being written.
const tempPrefix = ".new-"

// maxFiles bounds the files of one store.
const maxFiles = 1024

// folder is the store's directory; all names are resolved inside it.
type folder struct{ root *os.Root }

// openFolder checks the directory itself. What leads to it is the operator's.
func openFolder(dir string) (folder, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return folder{}, fmt.Errorf("keystore: %w", err)
	}
	if !info.IsDir() {
		return folder{}, fmt.Errorf("%w: not a folder, or a symbolic link", ErrExposed)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return folder{}, fmt.Errorf("keystore: %w", err)
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = fmt.Errorf("%w: folder replaced while it was opened", ErrExposed)
	}
	if err == nil {
		err = private(opened, 0o700)
	}
	if err != nil {
		_ = root.Close()
		return folder{}, err
	}
	return folder{root}, nil
}

// createFolder makes the directory, or takes an empty one.
func createFolder(dir string) (folder, error) {
	err := os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return folder{}, fmt.Errorf("keystore: %w", err)
	}
	if err == nil {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return folder{}, err
		}
	}
	f, err := openFolder(dir)
	if err != nil {
		return folder{}, err
	}
	names, err := f.list()
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%w: folder is not empty", ErrExists)
	}
	if err != nil {
		f.close()
		return folder{}, err
	}
	return f, nil
}

func (f folder) close() { _ = f.root.Close() }

// list gives the names in the folder, without those of unfinished writes.
func (f folder) list() ([]string, error) {
	d, err := f.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			names = append(names, e.Name())
		}
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%w: too many files", ErrDamaged)
	}
	return names, nil
}

// read reads a regular file that is the owner's alone.
func (f folder) read(name string) ([]byte, error) {
	before, err := f.root.Lstat(name)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrExposed, name)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	defer file.Close()
	after, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	if !os.SameFile(before, after) {
		return nil, fmt.Errorf("%w: %s was replaced while it was opened", ErrExposed, name)
	}
	if err := private(after, 0o600); err != nil {
		return nil, err
	}
	return readCapped(file, maxFile)
}

func readCapped(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	if int64(len(b)) > limit {
		clear(b)
		return nil, fmt.Errorf("%w: file too long", ErrDamaged)
	}
	return b, nil
}

// write makes a file that is there whole or not at all, also after a crash.
// Linking instead of renaming makes it refuse to replace one.
func (f folder) write(name string, data []byte) error {
	temp := tempPrefix + hex.EncodeToString(random(8))
	if err := f.writeTemp(temp, data); err != nil {
		_ = f.root.Remove(temp)
		return fmt.Errorf("keystore: %w", err)
	}
	err := f.root.Link(temp, name)
	_ = f.root.Remove(temp)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %s", ErrExists, name)
	case err != nil:
		return fmt.Errorf("keystore: %w", err)
	}
	d, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return syncClose(d)
}

// remove takes a file away, durably.
func (f folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keystore: %w", err)
	}
	d, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return syncClose(d)
}

func (f folder) writeTemp(temp string, data []byte) error {
	file, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		_ = file.Close()
		return err
	}
	return syncClose(file)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return syncClose(d)
}

func syncClose(f *os.File) error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return nil
}

// private refuses what others may read, write or own.
func private(info fs.FileInfo, widest fs.FileMode) error {
	if info.Mode().Perm()&^widest != 0 {
		return fmt.Errorf("%w: %s has mode %#o, want at most %#o", ErrExposed, info.Name(), info.Mode().Perm(), widest)
	}
	if !ownedByUs(info) {
		return fmt.Errorf("%w: %s belongs to another user", ErrExposed, info.Name())
	}
	return nil
}
