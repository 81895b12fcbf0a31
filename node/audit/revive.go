package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"accord/crypto/strictjson"
)

// ActResumed is the line of a file that takes lines again: Count of them are not in
// it. Those that no file took belong to requests that were refused, or whose caller
// was told that they left no trace.
const ActResumed = "audit.resumed"

// tendEvery is how often a full file is tried again.
const tendEvery = 2 * time.Second

// Tend takes files into use again whose disk was full, until ctx ends.
func (l *Log) Tend(ctx context.Context, clock func() time.Time, log *slog.Logger) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.revive(clock(), log)
		}
	}
}

func (l *Log) revive(now time.Time, log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sinks {
		if s.err == nil || !full(s.err) {
			continue
		}
		missed := s.missed
		if s.err = s.resume(now); s.err == nil {
			_ = l.writeHeads(true) // what fails of it is in s.err
		}
		if s.err == nil {
			log.Warn("the audit file takes lines again", "file", s.path, "missed", missed)
		} else if !full(s.err) {
			log.Error("the audit file cannot be used before a restart", "file", s.path, "error", s.err)
		}
	}
}

// full says whether only room was missing. Such a write leaves everything before it
// as it was, and what it may have left itself is cut off.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

var errOtherFile = errors.New("audit: the file is not the one that was opened")

// resume goes on behind the last line that was synced, if the file is still that
// one and still ends so, with a line that tells of the gap.
func (s *sink) resume(now time.Time) error {
	info, err := os.Stat(s.path)
	if err != nil {
		return errors.Join(errOtherFile, err)
	}
	if !os.SameFile(info, s.info) || info.Size() < s.end {
		return errOtherFile // moved away to make room, perhaps: a restart begins a new one
	}
	if err := s.file.Truncate(s.end); err != nil {
		return err
	}
	if err := s.endsAsKnown(); err != nil {
		return err
	}
	if err := s.write(Event{At: now.UTC(), Act: ActResumed, Caller: "node", Count: s.missed, Result: "allowed"}); err != nil {
		return err
	}
	s.missed = 0
	s.life++
	return nil
}

// endsAsKnown reads the last line again.
func (s *sink) endsAsKnown() error {
	from := max(0, s.end-maxLine)
	tail := make([]byte, s.end-from)
	if _, err := s.file.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if s.end == 0 {
		return nil
	}
	tail = bytes.TrimSuffix(tail, []byte("\n"))
	var ln line[Event]
	if err := strictjson.Unmarshal(tail[bytes.LastIndexByte(tail, '\n')+1:], &ln); err != nil || ln.Seq != s.seq || ln.Hash != s.prev || hashOf(ln) != s.prev {
		return ErrChain.With("file", filepath.Base(s.path), "line", s.seq)
	}
	return nil
}
