package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"accord/consensus/store/disk"

	"github.com/hashicorp/raft"
)

// OpenSnapshots opens the directory and verifies the newest snapshot completely.
// A damaged newest snapshot is an error and not a reason to take an older one:
// the log behind it is gone.
func OpenSnapshots(opt Options) (*Snapshots, error) { return openSnapshots(opt, nil) }

// openSnapshots has newest, if not nil, read the newest snapshot, which is verified
// on the way: to read it once for this and once for that takes twice as long.
func openSnapshots(opt Options, newest func(*raft.SnapshotMeta, io.ReadCloser) error) (*Snapshots, error) {
	opt = opt.withDefaults()
	s := &Snapshots{fs: opt.FS, fatal: opt.Fatal, log: opt.Logger, hit: opt.Hook, space: space{floor: opt.Floor}}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	list, err := s.List()
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, Advice)
	}
	if len(list) > 0 {
		if err := s.readNewest(list[0].ID, newest); err != nil {
			return nil, err
		}
	}
	return s, s.note()
}

// readNewest reads a snapshot to its end, whatever its user did: what he says of a
// damaged one counts for nothing.
func (s *Snapshots) readNewest(id string, user func(*raft.SnapshotMeta, io.ReadCloser) error) (err error) {
	meta, r, damage := s.Open(id)
	if damage == nil {
		defer func() { _ = r.Close() }()
		if user != nil {
			err = user(meta, r)
		}
		_, damage = io.Copy(io.Discard, r)
	}
	if damage != nil {
		return fmt.Errorf("%w (%s)", damage, Advice)
	}
	return err
}

// Open gives a snapshot's body. Header and length are checked at once, everything
// else while it is read: the last bytes of the body are given when all of the file
// was found to be what was written, and an error in their place otherwise. Until
// then nobody may act on the others.
func (s *Snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	f, err := s.fs.Open(snapFile(id))
	if err != nil {
		return nil, nil, fmt.Errorf("store: open snapshot: %w", err)
	}
	from := bufio.NewReaderSize(whole(f), 256<<10)
	meta, head, err := readSnapHeader(from)
	if err == nil {
		err = fitMeta(meta, f, id)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("snapshot %s: %w", id, err)
	}
	b := &snapBody{id: id, from: from, sum: sha256.New(), size: meta.Size, left: meta.Size,
		body: io.NewSectionReader(f, int64(len(head)), meta.Size), f: f}
	b.sum.Write(head)
	return meta, b, nil
}

// snapBody reads a snapshot's body and verifies the file.
type snapBody struct {
	id         string
	from       *bufio.Reader // the file, from where the reader is
	sum        hash.Hash     // of what was read
	size, left int64
	end        error // io.EOF once the file was found whole, or what is wrong with it

	body *io.SectionReader
	f    disk.File
	held bool
}

// Read implements io.Reader.
func (b *snapBody) Read(p []byte) (int, error) {
	if b.end != nil {
		return 0, b.end
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.sum.Write(p[:n])
	b.left -= int64(n)
	switch {
	case err == io.EOF && b.left > 0:
		b.end = fmt.Errorf("snapshot %s: %w: it ends early", b.id, ErrDamaged)
	case err != nil && err != io.EOF:
		b.end = fmt.Errorf("snapshot %s: %w", b.id, err)
	case b.left == 0:
		b.end = b.judge()
	}
	if b.end != nil && b.end != io.EOF {
		return 0, b.end
	}
	return n, nil
}

// judge compares what was read with the trailer.
func (b *snapBody) judge() error {
	want, got := snapshotTrailer(b.size, b.sum), make([]byte, snapTrailer)
	if _, err := io.ReadFull(b.from, got); err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("snapshot %s: %w: it does not match its checksum", b.id, ErrDamaged)
	}
	return io.EOF
}

// Hold gives the body to be read at any place. Close then leaves the file open: it
// is closed when nobody refers to the body any more, as the runtime does for every
// file, and readers need not say when they are done.
func (b *snapBody) Hold() io.ReaderAt {
	b.held = true
	return b.body
}

func (b *snapBody) Close() error {
	if b.held {
		return nil
	}
	return b.f.Close()
}

func snapshotTrailer(size int64, sum hash.Hash) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(size))
	b = sum.Sum(b)
	return append(b, snapEnd...)
}
