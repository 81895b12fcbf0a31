package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"runtime/debug"

	"github.com/hashicorp/raft"
)

// ErrPoisoned: one entry has stopped the machine too often. Starting again would
// only do it once more.
var ErrPoisoned = errors.New("store: an entry that cannot be applied")

// maxFailures is how often one program may fail at one entry.
const maxFailures = 3

const (
	poisonName  = "poison"
	poisonMagic = "accord-poison/1\n"
)

// poison counts the failures at one entry. Another build of the program starts
// from zero: it may be the one that can apply it.
type poison struct {
	index uint64
	count uint32
	build [32]byte
}

func (p poison) encode() []byte {
	b := append([]byte(poisonMagic), 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, p.index)
	b = binary.BigEndian.AppendUint32(b, p.count)
	b = append(b, p.build[:]...)
	binary.BigEndian.PutUint32(b[len(poisonMagic):], crc32.Checksum(b[len(poisonMagic)+4:], castagnoli))
	return b
}

func decodePoison(b []byte) (p poison, err error) {
	rest := len(poisonMagic) + 4
	if len(b) != rest+8+4+32 || string(b[:len(poisonMagic)]) != poisonMagic {
		return p, fmt.Errorf("%w: %s", ErrFormat, poisonName)
	}
	p = poison{index: binary.BigEndian.Uint64(b[rest:]), count: binary.BigEndian.Uint32(b[rest+8:])}
	copy(p.build[:], b[rest+12:])
	if !bytes.Equal(p.encode(), b) {
		return poison{}, fmt.Errorf("%w: %s does not match its checksum", ErrDamaged, poisonName)
	}
	return p, nil
}

// build tells one build of the program from another.
func build() [32]byte {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return [32]byte{}
	}
	return sha256.Sum256([]byte(info.String()))
}

func (s *Store) readPoison() (poison, error) {
	b, err := readWhole(s.fs, poisonName)
	if errors.Is(err, fs.ErrNotExist) {
		return poison{}, nil
	}
	if err != nil {
		return poison{}, fmt.Errorf("store: open: %w", err)
	}
	return decodePoison(b)
}

// judgePoison refuses to open after too many failures of this very program.
func (s *Store) judgePoison() error {
	p, err := s.readPoison()
	if err != nil {
		return err
	}
	if p.count >= maxFailures && p.build == build() {
		return fmt.Errorf("%w: entry %d stopped this version %d times; the entry and why are in %s: "+
			"start a version of the program that can apply it, which tries again by itself",
			ErrPoisoned, p.index, p.count, quarantineName(p.index))
	}
	s.suspect.Store(p.index)
	return nil
}

func quarantineName(index uint64) string { return fmt.Sprintf("entry-%d.quarantine", index) }

// Failed records durably that the machine could not apply an entry, and why. The
// third time it sets the entry aside in a file for whoever looks into it, and
// the store does not open again under this build of the program.
func (s *Store) Failed(e *raft.Log, why []byte) error {
	s.own()
	defer s.write.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	return s.guarded("record a failure", func() error {
		p, err := s.readPoison()
		if err != nil {
			return err
		}
		if p.index != e.Index || p.build != build() {
			p = poison{index: e.Index, build: build()}
		}
		if p.count++; p.count >= maxFailures {
			text := fmt.Appendf(nil, "entry %d of term %d, %d bytes, could not be applied:\n%s\n\n%x\n", e.Index, e.Term, len(e.Data), why, e.Data)
			if err := writeWhole(s.fs, quarantineName(e.Index), text); err != nil {
				return err
			}
		}
		s.suspect.Store(e.Index)
		return writeWhole(s.fs, poisonName, p.encode())
	})
}

// Passed says that the machine has applied an entry: if it is one it had failed
// at before, the count is forgotten.
func (s *Store) Passed(index uint64) {
	at := s.suspect.Load()
	if at == 0 || index < at || !s.suspect.CompareAndSwap(at, 0) {
		return
	}
	if err := s.fs.Remove(poisonName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.opt.Logger.Warn("could not forget a failure that is over", "error", err)
	}
}
