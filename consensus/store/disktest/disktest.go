// Package disktest is a disk in memory that fails as it is told: with an error,
// a hang or a power cut at any one call, after which it forgets what was not
// synced, in parts and in any order.
//
// Its one idea: it is stricter than any file system. A byte is kept for certain
// only if its file was synced after it was written, and a name only if the
// directory was synced after it was given. What is not certain survives sector
// by sector and name by name, as the test's dice fall.
package disktest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"accord/consensus/store/disk"
)

// ErrCut: the power is gone; nothing works until [Disk.Crash].
var ErrCut = errors.New("disktest: power cut")

const sector = 512

// Disk is one directory on a disk in memory.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	pending []func(map[string]*inode) // changes of names since the last SyncDir
	exists  bool
	locked  bool
	cut     bool
	ops     int
	fault   func(op Op) error
	size    uint64 // of the disk; 0: without limit
	blanked []bool // what each Reserve was asked
}

// Blanked says of each file whose room was reserved, in order, whether it was to be
// blanked.
func (d *Disk) Blanked() []bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.blanked)
}

// Op is one call that changes the disk, about to happen.
type Op struct {
	N    int    // counted from 0
	Kind string // write, sync, reserve, create, rename, remove, syncdir
	Name string
}

// New is an empty disk.
func New() *Disk { return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}} }

var _ disk.FS = (*Disk)(nil)

// inode is one file's content.
type inode struct {
	data    []byte // as reads see it
	durable []byte
	pending []write
}

// write is one that was not synced yet; without data a change of the size.
type write struct {
	at   int64
	data []byte
}

// Fault sets what happens before each call that changes the disk: nil lets it
// happen, ErrCut cuts the power in the middle of it, another error fails it.
// A function that does not return hangs the call, and it alone.
func (d *Disk) Fault(f func(Op) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// Limit makes the disk size bytes large.
func (d *Disk) Limit(size uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.size = size
}

// Ops is how many calls have changed the disk.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Crash is the disk as a machine finds it that starts again. Without lost the
// process alone died and everything written is there; otherwise lost says of
// each sector and name that was not synced whether it is gone.
func (d *Disk) Crash(lost func() bool) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if lost == nil {
		lost = func() bool { return false }
		return d.copy(d.names, false, lost)
	}
	names := map[string]*inode{}
	for k, v := range d.durable {
		names[k] = v
	}
	for _, change := range d.pending {
		if !lost() {
			change(names)
		}
	}
	return d.copy(names, true, lost)
}

func (d *Disk) copy(names map[string]*inode, power bool, lost func() bool) *Disk {
	n := New()
	n.size, n.exists = d.size, d.exists
	done := map[*inode]*inode{}
	for _, name := range sorted(names) {
		i := names[name]
		if done[i] == nil {
			if done[i] = (&inode{data: i.durable}).clone(); power {
				for _, w := range i.pending {
					done[i].survive(w, lost)
				}
				done[i].durable = slices.Clone(done[i].data)
			} else {
				done[i] = i.clone()
			}
		}
		n.names[name] = done[i]
	}
	if power {
		n.durable = mapsClone(n.names)
		return n
	}
	// The process died, the machine did not: what was not synced still is not.
	for name, i := range d.durable {
		if done[i] == nil {
			done[i] = i.clone()
		}
		n.durable[name] = done[i]
	}
	for _, name := range sorted(names) {
		if n.durable[name] != n.names[name] {
			n.rename(name, n.names[name])
		}
	}
	for name := range n.durable {
		if n.names[name] == nil {
			n.pending = append(n.pending, func(m map[string]*inode) { delete(m, name) })
		}
	}
	return n
}

func mapsClone(m map[string]*inode) map[string]*inode {
	out := map[string]*inode{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func sorted(m map[string]*inode) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (i *inode) clone() *inode {
	return &inode{data: slices.Clone(i.data), durable: slices.Clone(i.durable), pending: slices.Clone(i.pending)}
}

// survive applies what the power cut leaves of a write.
func (i *inode) survive(w write, lost func() bool) {
	if w.data == nil {
		if !lost() {
			i.grow(w.at)
		}
		return
	}
	for from := int64(0); from < int64(len(w.data)); {
		to := min(int64(len(w.data)), (w.at+from)/sector*sector+sector-w.at)
		if !lost() {
			i.grow(w.at + to)
			copy(i.data[w.at+from:], w.data[from:to])
		}
		from = to
	}
}

func (i *inode) grow(size int64) {
	if n := size - int64(len(i.data)); n > 0 {
		i.data = append(i.data, make([]byte, n)...)
	}
}

// step counts a call and lets the fault have its say; half is called when the
// power goes in the middle of it.
func (d *Disk) step(kind, name string, half func()) error {
	d.mu.Lock()
	op, f := Op{d.ops, kind, name}, d.fault
	d.ops++
	cut := d.cut
	d.mu.Unlock()
	if cut {
		return ErrCut
	}
	if f == nil {
		return nil
	}
	err := f(op)
	if errors.Is(err, ErrCut) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if half != nil && !d.cut {
			half()
		}
		d.cut = true
	}
	return err
}

func (d *Disk) rename(name string, i *inode) {
	d.pending = append(d.pending, func(m map[string]*inode) { m[name] = i })
}

// Make makes the directory.
func (d *Disk) Make() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.exists = true
	return nil
}

// Lock takes the directory.
func (d *Disk) Lock() (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, errors.New("disktest: locked")
	}
	d.locked = true
	return unlock{d}, nil
}

type unlock struct{ d *Disk }

func (u unlock) Close() error {
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	u.d.locked = false
	return nil
}

// Open opens a file.
func (d *Disk) Open(name string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return nil, ErrCut
	}
	i := d.names[name]
	if i == nil {
		return nil, fmt.Errorf("disktest: open %s: %w", name, fs.ErrNotExist)
	}
	return &file{d: d, name: name, i: i}, nil
}

// Create makes an empty file.
func (d *Disk) Create(name string) (disk.File, error) {
	i := &inode{}
	put := func() { d.names[name] = i; d.rename(name, i) }
	if err := d.step("create", name, put); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	put()
	return &file{d: d, name: name, i: i}, nil
}

// Rename gives a file another name.
func (d *Disk) Rename(from, to string) error {
	move := func() {
		i := d.names[from]
		delete(d.names, from)
		d.names[to] = i
		d.pending = append(d.pending, func(m map[string]*inode) {
			m[to] = i
			if m[from] == i {
				delete(m, from)
			}
		})
	}
	if err := d.step("rename", to, move); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[from] == nil {
		return fmt.Errorf("disktest: rename %s: %w", from, fs.ErrNotExist)
	}
	move()
	return nil
}

// Remove removes a file's name.
func (d *Disk) Remove(name string) error {
	gone := func() {
		i := d.names[name]
		delete(d.names, name)
		d.pending = append(d.pending, func(m map[string]*inode) {
			if m[name] == i {
				delete(m, name)
			}
		})
	}
	if err := d.step("remove", name, gone); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return fmt.Errorf("disktest: remove %s: %w", name, fs.ErrNotExist)
	}
	gone()
	return nil
}

// List gives the names.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return nil, ErrCut
	}
	if !d.exists {
		return nil, fs.ErrNotExist
	}
	return sorted(d.names), nil
}

// Modified is now.
func (d *Disk) Modified(string) (time.Time, error) { return time.Now(), nil }

// SyncDir makes the names durable.
func (d *Disk) SyncDir() error {
	if err := d.step("syncdir", "", nil); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.durable, d.pending = mapsClone(d.names), nil
	return nil
}

// Space is what the limit leaves.
func (d *Disk) Space() (free, total uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.size == 0 {
		return math.MaxUint64 / 2, math.MaxUint64 / 2, nil
	}
	return d.size - min(d.size, d.used()), d.size, nil
}

func (d *Disk) used() (n uint64) {
	seen := map[*inode]bool{}
	for _, i := range d.names {
		if !seen[i] {
			seen[i], n = true, n+uint64(len(i.data))
		}
	}
	return n
}

// Bytes is a file's content, to damage it.
func (d *Disk) Bytes(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.names[name]; i != nil {
		return i.data
	}
	return nil
}

// Put makes a file of these bytes, durably.
func (d *Disk) Put(name string, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := &inode{data: slices.Clone(b), durable: slices.Clone(b)}
	d.names[name], d.durable[name] = i, i
}

// Dice lose an unsynced sector or name with probability p.
func Dice(seed uint64, p float64) func() bool {
	r := rand.New(rand.NewPCG(seed, 7))
	return func() bool { return r.Float64() < p }
}
