package disktest

import (
	"errors"
	"io"
	"slices"

	"accord/consensus/store/disk"
)

// file is an open file.
type file struct {
	d    *Disk
	name string
	i    *inode
}

// ReadAt reads what was written, synced or not.
func (f *file) ReadAt(p []byte, at int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.cut {
		return 0, ErrCut
	}
	if at >= int64(len(f.i.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.i.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) write(p []byte, at int64) {
	f.i.pending = append(f.i.pending, write{at, slices.Clone(p)})
	f.i.grow(at + int64(len(p)))
	copy(f.i.data[at:], p)
}

// WriteAt writes; a power cut in the middle may leave any part of it.
func (f *file) WriteAt(p []byte, at int64) (int, error) {
	if err := f.d.step("write", f.name, func() { f.write(p, at) }); err != nil {
		return 0, err
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.room(at + int64(len(p)) - int64(len(f.i.data))); err != nil {
		return 0, err
	}
	f.write(p, at)
	return len(p), nil
}

// Reserve makes the file longer. Blanking changes nothing that can be read.
func (f *file) Reserve(size int64, blanked bool) error {
	f.d.mu.Lock()
	f.d.blanked = append(f.d.blanked, blanked)
	f.d.mu.Unlock()
	grow := func() { f.i.pending = append(f.i.pending, write{at: size}); f.i.grow(size) }
	if err := f.d.step("reserve", f.name, grow); err != nil {
		return err
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.room(size - int64(len(f.i.data))); err != nil {
		return err
	}
	grow()
	return nil
}

// room is asked with the lock held.
func (d *Disk) room(more int64) error {
	if d.size != 0 && more > 0 && d.used()+uint64(more) > d.size {
		return disk.ErrFull
	}
	return nil
}

// Sync makes the content durable. A failed sync has forgotten what it should
// have synced, as Linux does: the next one would succeed and mean nothing.
func (f *file) Sync() error {
	err := f.d.step("sync", f.name, nil)
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err != nil {
		if !errors.Is(err, ErrCut) {
			f.i.pending = nil
		}
		return err
	}
	for _, w := range f.i.pending {
		end := w.at + int64(len(w.data))
		if n := end - int64(len(f.i.durable)); n > 0 {
			f.i.durable = append(f.i.durable, make([]byte, n)...)
		}
		if w.data != nil {
			copy(f.i.durable[w.at:], w.data)
		}
	}
	f.i.pending = nil
	return nil
}

// Size is the file's length.
func (f *file) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.i.data)), nil
}

// Close does nothing.
func (f *file) Close() error { return nil }
