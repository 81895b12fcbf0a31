package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// ErrCut is given when an audit file lacks lines that were in it.
var ErrCut = exchange.Define(exchange.KindUnverified, "AUDIT-003",
	exchange.Text{Zh: "审计文件 {file} 曾写到第 {want} 行，现在只有 {have} 行，或末尾已被换掉", En: "the audit file {file} once had {want} lines; it has {have}, or others at its end"},
	exchange.Text{Zh: "保留该文件和旁边的 .heads 作为证据，联系审计人员；改用新文件名启动（audit.files）", En: "keep the file and the .heads beside it as evidence, tell the auditor, and start with another name in audit.files"})

// A chain shows every change but one: lines cut off its end. So beside every audit
// file stands a paper that says how far all of them went, under a key from the
// keystore. It is written after each line and lies in place, in two slots that take
// turns, so that a torn write leaves the other; it is synced now and then. A line is
// synced before the paper names it, so a file is never shorter than its paper by
// accident.
const (
	HeadsSuffix = ".heads" // of the paper beside an audit file
	headsFormat = "accord-audit-heads/1"
	slotSize    = 8 << 10
	headsSync   = 64 // lines between two syncs of the papers
)

// head is how far one file went.
type head struct {
	File string `json:"file"` // SHA-256 of its path
	Self bool   `json:"self"` // the file beside which the paper stands
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"` // of its last line
}

type headsPaper struct {
	Format string `json:"format"`
	Turn   int64  `json:"turn"`
	Heads  []head `json:"heads"`
	MAC    string `json:"mac"`
}

func nameOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:])
}

func (p headsPaper) mac(key []byte) string {
	p.MAC = ""
	raw, err := strictjson.Marshal(p)
	if err != nil {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(headsFormat + "\n"))
	mac.Write(raw)
	return hex.EncodeToString(mac.Sum(nil))
}

// readHeads gives the newest good paper of a file, none where none is good.
func readHeads(path string, key []byte) (newest headsPaper, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newest, nil
	}
	if err != nil {
		return newest, ErrSink.Wrap(err)
	}
	for at := 0; at+slotSize <= len(raw); at += slotSize {
		var p headsPaper
		if strictjson.Unmarshal(bytes.TrimRight(raw[at:at+slotSize], " \n"), &p) == nil && p.Format == headsFormat &&
			hmac.Equal([]byte(p.MAC), []byte(p.mac(key))) && p.Turn >= newest.Turn {
			newest = p
		}
	}
	return newest, nil
}

// checkHeads holds every file against every paper.
func (l *Log) checkHeads() error {
	for _, beside := range l.sinks {
		p, err := readHeads(beside.path+HeadsSuffix, l.key)
		if err != nil {
			return err
		}
		l.turn = max(l.turn, p.Turn)
		for _, h := range p.Heads {
			for _, s := range l.sinks {
				if h.File != nameOf(s.path) && !(h.Self && s == beside) {
					continue
				}
				if hash, err := s.hashAt(h.Seq); err != nil {
					return err
				} else if hash != h.Hash {
					return ErrCut.With("file", filepath.Base(s.path), "want", h.Seq, "have", s.seq)
				}
			}
		}
	}
	return nil
}

// hashAt is the hash of a line, "" where there is none. Nearly always it is the
// last one; behind a power cut a paper may be some lines behind.
func (s *sink) hashAt(seq int64) (string, error) {
	switch {
	case seq == s.seq:
		return s.prev, nil
	case seq > s.seq:
		return "", nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return "", ErrSink.Wrap(err)
	}
	defer f.Close()
	_, hash, _, err := verify(f, s.path, seq)
	return hash, err
}

// openHeads makes the papers beside the files.
func (l *Log) openHeads() (err error) {
	for _, s := range l.sinks {
		if s.heads, err = os.OpenFile(s.path+HeadsSuffix, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return ErrSink.Wrap(err)
		}
		if err := syncFolder(filepath.Dir(s.path)); err != nil {
			return ErrSink.Wrap(err)
		}
	}
	for range 2 { // both slots
		if err := l.writeHeads(true); err != nil {
			return ErrSink.Wrap(err)
		}
	}
	return nil
}

// writeHeads notes how far the files are; the caller holds mu. A file whose paper
// cannot be written is not used again, as with its lines.
func (l *Log) writeHeads(sync bool) error {
	l.turn++
	var failed error
	for _, beside := range l.sinks {
		if beside.err != nil {
			continue
		}
		p := headsPaper{Format: headsFormat, Turn: l.turn}
		for _, s := range l.sinks {
			p.Heads = append(p.Heads, head{nameOf(s.path), s == beside, s.seq, s.prev})
		}
		p.MAC = p.mac(l.key)
		if beside.err = beside.note(p, sync); beside.err != nil {
			failed = beside.err
		}
	}
	return failed
}

func (s *sink) note(p headsPaper, sync bool) error {
	raw, err := strictjson.Marshal(p)
	if err == nil && len(raw) >= slotSize {
		err = errors.New("audit: too many sinks")
	}
	if err != nil {
		return err
	}
	slot := append(raw, bytes.Repeat([]byte{' '}, slotSize-len(raw)-1)...)
	if _, err := s.heads.WriteAt(append(slot, '\n'), p.Turn%2*slotSize); err != nil {
		return err
	}
	if sync {
		return s.heads.Sync()
	}
	return nil
}
