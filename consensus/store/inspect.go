package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
)

// inspect reads the file's page structure before bbolt does, for three reasons.
// bbolt ends the process over some damage, from a goroutine no one can recover.
// It checks no page but its two meta pages. And when one meta page is damaged it
// silently goes on from the other, which is one transaction older: an entry that
// was acknowledged, or a vote that was given, would be gone without a word.
//
// A crash cannot leave a damaged meta page behind: what counts of it lies in one
// disk sector, and the two are written in turn.
//
// The format is bbolt's, version 2, in the machine's byte order.
func inspect(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	defer func() { _ = f.Close() }()
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	in := &inspector{file: f, size: fi.Size(), seen: map[uint64]bool{}}
	if err := in.run(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, fileName, err)
	}
	return nil
}

const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	pageHead       = 16
	elementSize    = 16
	flagBranch     = 1
	flagLeaf       = 2
	flagMeta       = 4
	noFreelist     = math.MaxUint64
	maxPageSpan    = 64 << 20 // no record of ours is near this
	bucketHeadSize = 16
	maxDepth       = 32
)

type inspector struct {
	file     *os.File
	size     int64
	pageSize int64
	pages    uint64 // the newest meta's high water mark
	seen     map[uint64]bool
}

// boltMeta is what we need of a meta page.
type boltMeta struct {
	pageSize              uint32
	root, freelist, pages uint64
	txid                  uint64
}

var native = binary.NativeEndian

func (in *inspector) run() error {
	in.pageSize = int64(os.Getpagesize())
	a, err := in.meta(0)
	if err != nil {
		return err
	}
	b, err := in.meta(1)
	if err != nil {
		return err
	}
	if a.txid < b.txid {
		a, b = b, a
	}
	if a.txid != b.txid+1 {
		return errors.New("meta pages do not follow one another")
	}
	if a.freelist != noFreelist {
		return errors.New("meta page: free list")
	}
	in.pages = a.pages
	if a.pages > uint64(in.size/in.pageSize) {
		return errors.New("file is cut short")
	}
	return in.tree(a.root, 0, nil, nil, in.bucket)
}

func (in *inspector) meta(id uint64) (m boltMeta, err error) {
	p := make([]byte, pageHead+64)
	if _, err := in.file.ReadAt(p, int64(id)*in.pageSize); err != nil {
		return m, errors.New("meta page is missing")
	}
	if native.Uint64(p) != id || native.Uint16(p[8:]) != flagMeta {
		return m, fmt.Errorf("meta page %d: header", id)
	}
	p = p[pageHead:]
	sum := fnv.New64a()
	sum.Write(p[:56])
	if native.Uint32(p) != boltMagic || native.Uint32(p[4:]) != boltVersion || native.Uint64(p[56:]) != sum.Sum64() {
		return m, fmt.Errorf("meta page %d does not match its checksum", id)
	}
	m = boltMeta{pageSize: native.Uint32(p[8:]), root: native.Uint64(p[16:]), freelist: native.Uint64(p[32:]),
		pages: native.Uint64(p[40:]), txid: native.Uint64(p[48:])}
	if int64(m.pageSize) != in.pageSize {
		return m, fmt.Errorf("written with pages of %d bytes, this machine has %d", m.pageSize, in.pageSize)
	}
	return m, nil
}

// read gives a page with its overflow pages.
func (in *inspector) read(id uint64) ([]byte, error) {
	if id < 2 || id >= in.pages || in.seen[id] {
		return nil, fmt.Errorf("page %d: reached twice or out of range", id)
	}
	in.seen[id] = true
	head := make([]byte, pageHead)
	if _, err := in.file.ReadAt(head, int64(id)*in.pageSize); err != nil {
		return nil, err
	}
	over := uint64(native.Uint32(head[12:]))
	if native.Uint64(head) != id || id+over >= in.pages || int64(over+1)*in.pageSize > maxPageSpan {
		return nil, fmt.Errorf("page %d: header", id)
	}
	for i := id + 1; i <= id+over; i++ {
		if in.seen[i] {
			return nil, fmt.Errorf("page %d: reached twice", i)
		}
		in.seen[i] = true
	}
	p := make([]byte, int64(over+1)*in.pageSize)
	if _, err := io.ReadFull(io.NewSectionReader(in.file, int64(id)*in.pageSize, int64(len(p))), p); err != nil {
		return nil, err
	}
	return p, nil
}

// leafFunc takes one element of a leaf.
type leafFunc func(flags uint32, key, value []byte, depth int) error

// tree walks the pages under id; all keys lie in [lo, hi), nil meaning open.
func (in *inspector) tree(id uint64, depth int, lo, hi []byte, leaf leafFunc) error {
	if depth > maxDepth {
		return errors.New("tree is too deep")
	}
	p, err := in.read(id)
	if err != nil {
		return err
	}
	switch native.Uint16(p[8:]) {
	case flagLeaf:
		return in.leaf(id, p, depth, lo, hi, leaf)
	case flagBranch:
		return in.branch(id, p, depth, lo, hi, leaf)
	}
	return fmt.Errorf("page %d: type", id)
}

// slice cuts a key or value out of a page; where is the element's own position.
func slice(p []byte, where, pos, size, floor uint64) ([]byte, bool) {
	from := where + pos
	if from < floor || from+size > uint64(len(p)) {
		return nil, false
	}
	return p[from : from+size], true
}

func inRange(key, prev, lo, hi []byte, first bool) bool {
	if !first && bytes.Compare(prev, key) >= 0 {
		return false
	}
	return (lo == nil || bytes.Compare(key, lo) >= 0) && (hi == nil || bytes.Compare(key, hi) < 0)
}

func (in *inspector) leaf(id uint64, p []byte, depth int, lo, hi []byte, f leafFunc) error {
	n := uint64(native.Uint16(p[10:]))
	floor := pageHead + n*elementSize
	var prev []byte
	for i := range n {
		at := pageHead + i*elementSize
		if at+elementSize > uint64(len(p)) {
			return fmt.Errorf("page %d: element %d", id, i)
		}
		e := p[at:]
		pos, ks, vs := uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
		key, ok := slice(p, at, pos, ks, floor)
		value, ok2 := slice(p, at, pos+ks, vs, floor)
		if !ok || !ok2 || ks == 0 || !inRange(key, prev, lo, hi, i == 0) {
			return fmt.Errorf("page %d: element %d", id, i)
		}
		if err := f(native.Uint32(e), key, value, depth); err != nil {
			return fmt.Errorf("page %d: element %d: %w", id, i, err)
		}
		prev = key
	}
	return nil
}

func (in *inspector) branch(id uint64, p []byte, depth int, lo, hi []byte, f leafFunc) error {
	n := uint64(native.Uint16(p[10:]))
	if n == 0 || pageHead+n*elementSize > uint64(len(p)) {
		return fmt.Errorf("page %d: branch", id)
	}
	keys, kids := make([][]byte, n), make([]uint64, n)
	var prev []byte
	for i := range n {
		at := pageHead + i*elementSize
		e := p[at:]
		key, ok := slice(p, at, uint64(native.Uint32(e)), uint64(native.Uint32(e[4:])), pageHead+n*elementSize)
		if !ok || len(key) == 0 || !inRange(key, prev, lo, hi, i == 0) {
			return fmt.Errorf("page %d: branch element %d", id, i)
		}
		keys[i], kids[i], prev = key, native.Uint64(e[8:]), key
	}
	for i := range n {
		high := hi
		if i+1 < n {
			high = keys[i+1]
		}
		if err := in.tree(kids[i], depth+1, keys[i], high, f); err != nil {
			return err
		}
	}
	return nil
}

// bucket takes an element of the root: each of ours is a bucket.
func (in *inspector) bucket(flags uint32, _, value []byte, depth int) error {
	if flags != 1 || len(value) < bucketHeadSize {
		return errors.New("not a bucket")
	}
	if root := native.Uint64(value); root != 0 {
		return in.tree(root, depth+1, nil, nil, record)
	}
	p := value[bucketHeadSize:] // a small bucket lies in its parent's page
	if len(p) < pageHead || native.Uint16(p[8:]) != flagLeaf {
		return errors.New("inline bucket")
	}
	return in.leaf(0, p, depth+1, nil, nil, record)
}

// record takes an element of one of our buckets; its content is checked later.
func record(flags uint32, _, _ []byte, _ int) error {
	if flags != 0 {
		return errors.New("unexpected bucket")
	}
	return nil
}
