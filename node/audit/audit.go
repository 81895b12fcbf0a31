// Package audit is the node's local, append-only, hash-chained log of every
// look at private data and every act of an operator, written and synced before
// the answer leaves.
//
// A line is one JSON object whose "hash" covers the line before it, so a line
// taken out or changed shows at the next verification. Lines cut off the end show
// against the papers beside the files, see heads.go and DESIGN.md. Sinks are named
// in the configuration file only. As long as one sink takes the line, work goes on;
// when none does, ErrSink stops private releases while public reads continue.
// A file whose disk was full goes on by itself when there is room (see Tend), with
// a line that says how many are missing; after any other failure nobody knows what
// it holds, and it is not used before a restart.
// Values that could name a person or a case are stored as keyed digests.
package audit

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// ErrSink is given when no audit sink took the line.
var ErrSink = exchange.Define(exchange.KindUnavailable, "AUDIT-001",
	exchange.Text{Zh: "审计日志无法写入，已停止授权开放", En: "no audit sink takes a line, so private data is not released"},
	exchange.Text{Zh: "检查审计文件所在磁盘的空间与权限，公开查询不受影响", En: "check space and permissions of the audit files; public reads go on"})

// ErrChain is given when an audit file does not verify.
var ErrChain = exchange.Define(exchange.KindUnverified, "AUDIT-002",
	exchange.Text{Zh: "审计文件 {file} 第 {line} 行校验失败", En: "line {line} of the audit file {file} does not verify"},
	exchange.Text{Zh: "保留该文件作为证据，并联系审计人员", En: "keep the file as evidence and tell the auditor"})

// Event is what happened: who did what, to which release or record, for which
// purpose, with which result. Fields holds field names, never values.
type Event struct {
	At       time.Time           `json:"at"`
	Act      string              `json:"act"`
	Caller   string              `json:"caller"` // operator:NAME or member:ID
	Operator exchange.OperatorID `json:"operator,omitempty"`
	Release  exchange.ReleaseID  `json:"release,omitempty"`
	Record   exchange.RecordID   `json:"record,omitempty"`
	Category string              `json:"category,omitempty"`
	Fields   []string            `json:"fields,omitempty"`
	Purpose  string              `json:"purpose,omitempty"`
	Basis    string              `json:"basis,omitempty"`    // keyed digest of the basis' number
	Subject  string              `json:"subject,omitempty"`  // keyed digest of the subject's id
	Subjects []string            `json:"subjects,omitempty"` // the same of several who were found
	Proof    string              `json:"proof,omitempty"`    // how a subject proved who it is; the number of it is in basis
	Report   string              `json:"report,omitempty"`   // id of a credit report
	Until    time.Time           `json:"until,omitzero"`     // the report is valid
	Count    int64               `json:"count,omitempty"`    // statements brought to the ledger; with ActResumed lines not taken
	Result   string              `json:"result"`             // allowed, refused, failed, or an error code
}

// line is an event as stored; it is read as an Event and written as JSON, which an event
// is made into once for all files.
type line[E Event | json.RawMessage] struct {
	Seq   int64  `json:"seq"`
	Event E      `json:"event"`
	Prev  string `json:"prev"`
	Hash  string `json:"hash"`
}

// maxLine bounds a line, in bytes.
const maxLine = 64 << 10

const genesis = "0000000000000000000000000000000000000000000000000000000000000000"

// Log writes events to its sinks. It is safe for concurrent use.
type Log struct {
	key []byte

	mu    sync.Mutex
	sinks []*sink // guarded by mu
	turn  int64   // of the papers about the files' ends; guarded by mu

	queueing sync.Mutex
	queue    []waiting // guarded by queueing
	writing  bool      // somebody writes what is queued; guarded by queueing
	latest   int       // how many were written together last; guarded by queueing
	full     chan struct{}
}

// sink is one file and where its chain stands.
type sink struct {
	path   string
	file   *os.File
	heads  *os.File // the paper beside it
	info   os.FileInfo
	place        // of the last line that is on the disk
	ahead  place // of the last line that was written
	life   int   // how often it took lines again
	err    error // what made it fail
	missed int64 // lines it did not take since then
}

// place is where a line ends, and the chain with it.
type place struct {
	seq  int64
	prev string // hash of the line
	end  int64
}

// Open opens or creates the audit files, verifying what is there. key is the
// HMAC key for values.
func Open(paths []string, key []byte) (*Log, error) {
	l := &Log{key: key, full: make(chan struct{}, 1)}
	for _, p := range paths {
		s, err := openSink(p)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.sinks = append(l.sinks, s)
		for _, other := range l.sinks[:len(l.sinks)-1] {
			if os.SameFile(other.info, s.info) { // two chains in one file are none
				l.Close()
				return nil, ErrSink.Wrap(errors.New("audit: two sinks are one file"))
			}
		}
	}
	if len(l.sinks) == 0 {
		return nil, ErrSink.With()
	}
	err := l.checkHeads()
	if err == nil {
		err = l.openHeads()
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func openSink(path string) (*sink, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, ErrSink.Wrap(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, ErrSink.Wrap(err)
	}
	s, err := newSink(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func newSink(f *os.File, path string) (*sink, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, ErrSink.Wrap(err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 {
		return nil, ErrSink.Wrap(errors.New("audit: not a regular file that only its owner writes"))
	}
	seq, prev, end, err := verify(f, path, -1)
	if err != nil {
		return nil, err
	}
	if err := dropTorn(f, end); err != nil {
		return nil, err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil { // a line is not kept in a file whose name is lost
		return nil, ErrSink.Wrap(err)
	}
	at := place{seq, prev, end}
	return &sink{path: path, file: f, info: info, place: at, ahead: at}, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// dropTorn cuts a last line that has no line end: it was never acknowledged.
func dropTorn(f *os.File, end int64) error {
	info, err := f.Stat()
	if err != nil {
		return ErrSink.Wrap(err)
	}
	if info.Size() == end {
		return nil
	}
	if err := f.Truncate(end); err != nil {
		return ErrSink.Wrap(err)
	}
	return nil
}

// Verify checks the whole chain of a file and returns the number of lines.
func Verify(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, ErrSink.Wrap(err)
	}
	defer f.Close()
	seq, _, _, err := verify(f, path, -1)
	return seq, err
}

// Copy writes the whole lines of an audit file, verified, into a new file and
// returns their number. Lines that are added meanwhile are left out.
func Copy(from, to string) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, ErrSink.Wrap(err)
	}
	defer in.Close()
	seq, _, end, err := verify(in, from, -1)
	if err != nil {
		return 0, err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, ErrSink.Wrap(err)
	}
	_, err = io.Copy(out, io.NewSectionReader(in, 0, end))
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, ErrSink.Wrap(err)
	}
	return seq, nil
}

// verify checks the chain up to a line, or all of it for -1.
func verify(r io.Reader, path string, last int64) (seq int64, prev string, end int64, err error) {
	return verifyEach(r, path, last, func(int64, *Event) {})
}

// verifyEach is verify, and shows each event.
func verifyEach(r io.Reader, path string, last int64, each func(line int64, e *Event)) (seq int64, prev string, end int64, err error) {
	prev = genesis
	br := bufio.NewReaderSize(r, maxLine)
	for seq != last {
		raw, rerr := br.ReadSlice('\n')
		if errors.Is(rerr, io.EOF) {
			return seq, prev, end, nil // a torn last line was never acknowledged
		}
		if errors.Is(rerr, bufio.ErrBufferFull) {
			return 0, "", 0, ErrChain.With("file", filepath.Base(path), "line", seq+1)
		}
		if rerr != nil {
			return 0, "", 0, ErrSink.Wrap(rerr)
		}
		var ln line[Event]
		if err := strictjson.Unmarshal(bytes.TrimSuffix(raw, []byte("\n")), &ln); err != nil ||
			ln.Seq != seq+1 || ln.Prev != prev || ln.Hash != hashOf(ln) {
			return 0, "", 0, ErrChain.With("file", filepath.Base(path), "line", seq+1)
		}
		seq, prev, end = ln.Seq, ln.Hash, end+int64(len(raw))
		each(seq, &ln.Event)
	}
	return seq, prev, end, nil
}

// hashOf covers the line without its own hash.
func hashOf(ln line[Event]) string {
	_, hash, err := ln.close()
	if err != nil {
		return ""
	}
	return hash
}

// close is the line with its hash.
func (ln line[E]) close() (raw []byte, hash string, err error) {
	ln.Hash = ""
	if raw, err = strictjson.Marshal(ln); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(raw)
	hash = hex.EncodeToString(sum[:])
	const end = `"}` // behind the hash, which is the last member
	return append(append(raw[:len(raw)-len(end)], hash...), end...), hash, nil
}

// Working counts the sinks that still take lines.
func (l *Log) Working() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.working()
}

// working is Working for who holds mu.
func (l *Log) working() (n int) {
	for _, s := range l.sinks {
		if s.err == nil {
			n++
		}
	}
	return n
}

// Digest is the keyed form in which a value that could name somebody is
// stored: "" stays "".
func (l *Log) Digest(value string) string {
	if value == "" {
		return ""
	}
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Find gives the events that a working file holds and match wants, in their order,
// verified line by line. What was missed while a disk was full is not among them.
func (l *Log) Find(match func(*Event) bool) ([]Event, error) {
	lines, err := l.Lines(match)
	var found []Event
	for _, ln := range lines {
		found = append(found, ln.Event)
	}
	return found, err
}

// Line is an event and the number of its line in the file.
type Line struct {
	Number int64
	Event
}

// Lines is Find with the numbers of the lines.
func (l *Log) Lines(match func(*Event) bool) ([]Line, error) {
	path := ""
	l.mu.Lock()
	for _, s := range l.sinks {
		if s.err == nil && path == "" {
			path = s.path
		}
	}
	l.mu.Unlock()
	if path == "" {
		return nil, ErrSink.With()
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ErrSink.Wrap(err)
	}
	defer f.Close()
	var found []Line
	_, _, _, err = verifyEach(f, path, -1, func(number int64, e *Event) {
		if match(e) {
			found = append(found, Line{number, *e})
		}
	})
	return found, err
}

// Close closes the files; again, it does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first error
	for _, s := range l.sinks {
		if s.heads == nil {
			continue
		}
		if s.err == nil {
			first = errors.Join(first, s.heads.Sync())
		}
		first = errors.Join(first, s.heads.Close())
		s.heads = nil
	}
	for _, s := range l.sinks {
		if err := s.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) && first == nil {
			first = err
		}
		s.err = os.ErrClosed
	}
	return first
}
