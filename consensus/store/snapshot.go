package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"accord/consensus/store/disk"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// A snapshot is one file: a header that says what it is, the body raft streams,
// and a trailer with the body's length and SHA-256. It is written beside, synced
// and renamed, so a file with the right name was complete once; whether it still
// is, the trailer tells whenever it is opened.
//
//	"accord-snapshot/1\n"  CRC-32C of the rest of the header
//	index term configuration-index   three 64-bit numbers
//	length and bytes of the configuration
//	body
//	length of the body (64 bit), SHA-256 of header and body, "end\n"
const (
	snapMagic   = "accord-snapshot/1\n"
	snapFixed   = len(snapMagic) + 4 + 3*8 + 4
	snapEnd     = "end\n"
	snapTrailer = 8 + sha256.Size + len(snapEnd)
	snapSuffix  = ".snapshot"
	badSuffix   = ".refused"
)

// retain is how many snapshots stay.
const retain = 3

// Snapshots is raft's snapshot store in one directory.
type Snapshots struct {
	fs    disk.FS
	fatal func(error)
	log   *slog.Logger
	hit   func(point string)

	mu     sync.Mutex
	newest uint64 // index, 0 for none
	term   uint64 // of the newest
	since  time.Time
	space  space
}

var _ raft.SnapshotStore = (*Snapshots)(nil)

// sweep removes what a crash left half written, and makes sure of the names that
// are there.
func (s *Snapshots) sweep() error {
	names, err := s.fs.List()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, n := range names {
		if strings.HasSuffix(n, snapSuffix+tmpSuffix) && err == nil {
			err = s.fs.Remove(n)
		}
	}
	if err == nil {
		err = s.fs.SyncDir()
	}
	if err != nil {
		return fmt.Errorf("store: remove unfinished snapshot: %w", err)
	}
	return nil
}

// snapName sorts by term, then index, as raft does.
func snapName(term, index uint64) string { return fmt.Sprintf("%016x-%016x", term, index) }

// names are the ids of the snapshots here, newest first.
func (s *Snapshots) names() ([]string, error) {
	files, err := s.fs.List()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var ids []string
	for _, f := range files {
		id, is := strings.CutSuffix(f, snapSuffix)
		if !is {
			continue
		}
		var term, index uint64
		if n, err := fmt.Sscanf(id, "%16x-%16x", &term, &index); n != 2 || err != nil || id != snapName(term, index) {
			return nil, fmt.Errorf("%w: snapshot with a foreign name", ErrFormat)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}

// List gives the newest snapshots, newest first.
func (s *Snapshots) List() ([]*raft.SnapshotMeta, error) {
	names, err := s.names()
	if err != nil {
		return nil, fmt.Errorf("store: list snapshots: %w", err)
	}
	var out []*raft.SnapshotMeta
	for _, name := range names[:min(retain, len(names))] {
		f, err := s.fs.Open(snapFile(name))
		if err != nil {
			return nil, fmt.Errorf("store: list snapshots: %w", err)
		}
		meta, _, err := readSnapHeader(bufio.NewReader(whole(f)))
		if err == nil {
			err = fitMeta(meta, f, name)
		}
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", name, err)
		}
		out = append(out, meta)
	}
	return out, nil
}

func snapFile(id string) string { return id + snapSuffix }

// whole reads a file from its start.
func whole(f disk.File) io.Reader { return io.NewSectionReader(f, 0, 1<<62) }

// fitMeta adds what the file's length and name say and compares.
func fitMeta(meta *raft.SnapshotMeta, f disk.File, name string) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	meta.ID = snapName(meta.Term, meta.Index)
	meta.Size = size - int64(snapHeaderLen(meta)) - int64(snapTrailer)
	if meta.ID != name || meta.Size < 0 {
		return fmt.Errorf("%w: length or name", ErrDamaged)
	}
	return nil
}

func snapHeaderLen(meta *raft.SnapshotMeta) int {
	return snapFixed + len(raft.EncodeConfiguration(meta.Configuration))
}

func encodeSnapHeader(index, term, confIndex uint64, conf []byte) []byte {
	b := append([]byte(snapMagic), 0, 0, 0, 0)
	for _, v := range []uint64{index, term, confIndex} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = appendBytes(b, conf)
	binary.BigEndian.PutUint32(b[len(snapMagic):], crc32.Checksum(b[len(snapMagic)+4:], castagnoli))
	return b
}

// readSnapHeader reads and checks a header; it also returns its bytes.
func readSnapHeader(r io.Reader) (*raft.SnapshotMeta, []byte, error) {
	head := make([]byte, snapFixed)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, fmt.Errorf("%w: snapshot header ends early", ErrDamaged)
	}
	if string(head[:len(snapMagic)]) != snapMagic {
		return nil, nil, fmt.Errorf("%w: snapshot", ErrFormat)
	}
	n := binary.BigEndian.Uint32(head[snapFixed-4:])
	if n > transport.MaxConfiguration {
		return nil, nil, fmt.Errorf("%w: snapshot header", ErrDamaged)
	}
	conf := make([]byte, n)
	if _, err := io.ReadFull(r, conf); err != nil {
		return nil, nil, fmt.Errorf("%w: snapshot header ends early", ErrDamaged)
	}
	head = append(head, conf...)
	rest := head[len(snapMagic)+4:]
	if binary.BigEndian.Uint32(head[len(snapMagic):]) != crc32.Checksum(rest, castagnoli) {
		return nil, nil, fmt.Errorf("%w: snapshot header does not match its checksum", ErrDamaged)
	}
	c, err := transport.DecodeConfiguration(conf)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: snapshot membership: %w", ErrDamaged, err)
	}
	cur := cursor{b: rest}
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Configuration: c}
	meta.Index, meta.Term, meta.ConfigurationIndex = cur.u64(), cur.u64(), cur.u64()
	return meta, head, nil
}

// Create starts a snapshot.
func (s *Snapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, confIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != raft.SnapshotVersionMax {
		return nil, fmt.Errorf("%w: snapshot version %d", ErrFormat, version)
	}
	id := snapName(term, index)
	if err := s.space.spend(s.fs, 0); err != nil {
		return nil, fmt.Errorf("%w: no snapshot: %w", ErrDiskFull, err)
	}
	s.hit("snapshot.create")
	f, err := s.fs.Create(snapFile(id) + tmpSuffix)
	if err != nil {
		return nil, fmt.Errorf("store: create snapshot: %w", s.judge(err))
	}
	k := &snapSink{store: s, id: id, f: f, sum: sha256.New()}
	k.w = bufio.NewWriterSize(&slowFile{File: f, hit: s.hit}, 256<<10)
	k.write(encodeSnapHeader(index, term, confIndex, raft.EncodeConfiguration(c)))
	return k, nil
}

// judge stops the node over an error of the disk, except that it is full: then
// the snapshot is given up, and nothing else has happened.
func (s *Snapshots) judge(err error) error {
	if errors.Is(err, disk.ErrFull) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return err // callers have taken all descriptors: the disk has done no wrong
	}
	s.fatal(fmt.Errorf("%w: snapshot: %w", ErrLatched, err))
	return err
}

// slowFile appends to a file and syncs as it goes: a file system that has to
// bring hundreds of megabytes to disk at once makes the log's own sync wait.
type slowFile struct {
	disk.File
	hit         func(point string)
	end, synced int64
}

// syncEvery is how much a snapshot writes between two syncs.
const syncEvery = 4 << 20

func (f *slowFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.end)
	f.end += int64(n)
	f.hit("snapshot.write")
	if err == nil && f.end-f.synced >= syncEvery {
		f.synced = f.end
		err = f.Sync()
	}
	runtime.Gosched()
	return n, err
}

// snapSink receives one snapshot.
type snapSink struct {
	store  *Snapshots
	id     string
	f      disk.File
	w      *bufio.Writer
	sum    hash.Hash
	size   int64
	err    error
	closed bool
}

func (k *snapSink) ID() string { return k.id }

func (k *snapSink) write(p []byte) {
	if k.err == nil {
		k.sum.Write(p)
		if _, err := k.w.Write(p); err != nil {
			k.err = k.store.judge(err)
		}
	}
}

func (k *snapSink) Write(p []byte) (int, error) {
	if k.write(p); k.err != nil {
		return 0, k.err
	}
	k.size += int64(len(p))
	return len(p), nil
}

// Close finishes the snapshot durably.
func (k *snapSink) Close() error {
	if k.closed {
		return nil
	}
	k.write(snapshotTrailer(k.size, k.sum))
	if k.err == nil {
		if err := k.finish(); err != nil {
			k.err = k.store.judge(err)
		}
	}
	if k.err != nil {
		return errors.Join(fmt.Errorf("store: finish snapshot: %w", k.err), k.Cancel())
	}
	k.closed = true
	k.store.reap()
	return errors.Join(k.store.note(), k.f.Close())
}

func (k *snapSink) finish() error {
	if err := k.w.Flush(); err != nil {
		return err
	}
	k.store.hit("snapshot.sync.before")
	if err := k.f.Sync(); err != nil {
		return err
	}
	k.store.hit("snapshot.rename.before")
	if err := k.store.fs.Rename(snapFile(k.id)+tmpSuffix, snapFile(k.id)); err != nil {
		return err
	}
	k.store.hit("snapshot.rename.after")
	return k.store.fs.SyncDir()
}

// Cancel drops the snapshot.
func (k *snapSink) Cancel() error {
	if k.closed {
		return nil
	}
	k.closed = true
	return errors.Join(k.f.Close(), k.store.fs.Remove(snapFile(k.id)+tmpSuffix))
}

// reap removes all but the newest snapshots. Failing to is no danger.
func (s *Snapshots) reap() {
	s.hit("snapshot.reap")
	names, err := s.names()
	for i := retain; err == nil && i < len(names); i++ {
		err = s.fs.Remove(snapFile(names[i]))
	}
	if err != nil {
		s.log.Warn("could not remove old snapshots", "error", err)
	}
}

// Newest is the index of the newest snapshot and its age; 0, 0 without one. It
// does not look at the disk.
func (s *Snapshots) Newest() (index uint64, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == 0 {
		return 0, 0
	}
	return s.newest, time.Since(s.since)
}

// Last is the place of the last entry the newest snapshot covers; 0, 0 without one.
func (s *Snapshots) Last() (index, term uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest, s.term
}

// note sees which snapshot is the newest now.
func (s *Snapshots) note() error {
	names, err := s.names()
	if err != nil {
		return err
	}
	var index, term uint64
	var at time.Time
	if len(names) > 0 {
		if _, err := fmt.Sscanf(names[0], "%16x-%16x", &term, &index); err != nil {
			return fmt.Errorf("%w: snapshot with a foreign name", ErrFormat)
		}
		if at, err = s.fs.Modified(snapFile(names[0])); err != nil {
			return fmt.Errorf("store: snapshot: %w", err)
		}
	}
	s.mu.Lock()
	s.newest, s.term, s.since = index, term, at
	s.mu.Unlock()
	return nil
}

// Quarantine sets the newest snapshot aside after the machine refused it, so
// that the next start does not meet it again.
func (s *Snapshots) Quarantine() error {
	names, err := s.names()
	if err != nil || len(names) == 0 {
		return err
	}
	if err := s.fs.Rename(snapFile(names[0]), snapFile(names[0])+badSuffix); err != nil {
		return err
	}
	return s.note()
}

// Reconcile makes log and newest snapshot fit before raft starts. A crash
// between an installed snapshot and the removal of the log it replaces leaves a
// log that ends before the snapshot, or that has another entry in its last place
// (the leader that wrote it was not followed): it is removed now. A log that starts
// after the entry that follows the snapshot has lost entries: that is damage.
func Reconcile(s *Store, snaps *Snapshots) error {
	list, err := snaps.List()
	if err != nil {
		return err
	}
	var covered uint64
	if len(list) > 0 {
		covered = list[0].Index
	}
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	last, err := s.LastIndex()
	switch {
	case err != nil:
		return err
	case first > covered+1:
		return fmt.Errorf("%w: entries %d to %d are missing (%s)", ErrDamaged, covered+1, first-1, Advice)
	case last != 0 && last < covered:
		return s.DeleteRange(first, last)
	case covered == 0 || first > covered || last < covered:
		return nil
	}
	var e raft.Log
	if err := s.GetLog(covered, &e); err != nil {
		return err
	}
	if e.Term != list[0].Term {
		return s.DeleteRange(first, last)
	}
	return nil
}
