package pull

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"accord/crypto/strictjson"
	"accord/exchange/intake"
)

// stateFormat is the form of a progress file.
const stateFormat = "accord-pull/1"

// State is where reading a source stands: what lies before it was stored, or was
// refused and told of where the mapping says that refused rows may be passed.
type State struct {
	Format  string `json:"format"`
	Mapping string `json:"mapping"`
	Source  string `json:"source"` // digest of what is read and by what order
	After   *Mark  `json:"after,omitempty"`
	Page    string `json:"page,omitempty"` // HTTP: the page to go on with; "" is the first
	// HTTP, a single document: what the server called the one that was stored.
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// Mark is a row by what orders it.
type Mark struct {
	Cursor string `json:"cursor,omitempty"`
	Key    string `json:"key"`
}

// NewState is the beginning of a mapping's source.
func NewState(m *intake.Mapping) (State, error) {
	if m.Pull == nil {
		return State{}, ErrNoPull.With("mapping", m.Name)
	}
	var what []any
	if q := m.Pull.SQL; q != nil {
		what = []any{"sql", q.Driver, q.Address, q.Table, q.Query, q.Key, q.Cursor}
	} else {
		h := m.Pull.HTTP
		what = []any{"http", h.URL, h.Pages}
	}
	text, err := json.Marshal(what)
	sum := sha256.Sum256(text)
	return State{Format: stateFormat, Mapping: m.Name, Source: hex.EncodeToString(sum[:])}, err
}

// After is the state once a page was imported. rows is how many it had,
// firstRefused the 1-based number of the first that was refused, 0 when none was.
// held says that the state must not move on in this reading any more; over that
// nothing comes behind this page.
func (p *Page) After(was State, rows, firstRefused int) (now State, held, over bool) {
	now, over = p.next, p.Last
	if p.counted && rows == 0 {
		now.Page = "" // the next reading begins at the first page
		return now, false, true
	}
	if firstRefused == 0 {
		return now, false, over
	}
	now.ETag, now.Modified = "", "" // so that the document is read again
	if p.marks == nil {
		return now, false, over
	}
	if now.After = was.After; firstRefused >= 2 {
		mark := p.marks[min(firstRefused, len(p.marks)+1)-2]
		now.After = &mark
	}
	return now, true, over
}

// Progress is a progress file that this process alone uses.
type Progress struct {
	path string
	lock *os.File
}

// OpenProgress takes a progress file and reads it; a file that does not exist is
// the source's beginning, and so is any with restart.
func OpenProgress(path string, m *intake.Mapping, restart bool) (*Progress, State, error) {
	at, err := NewState(m)
	if err != nil {
		return nil, at, err
	}
	wrong := func(why string, cause error) (*Progress, State, error) {
		return nil, at, ErrState.Wrap(cause, "file", path, "why", why)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return wrong("its folder cannot be made", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return wrong("it cannot be written", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return wrong("another command is reading this source", err)
	}
	p := &Progress{path: path, lock: lock}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && restart {
		return p, at, nil
	}
	var was State
	if err == nil {
		err = strictjson.Unmarshal(text, &was)
	}
	switch {
	case err != nil || was.Format != stateFormat:
		p.Close()
		return wrong("it is damaged", err)
	case was.Mapping != at.Mapping || was.Source != at.Source:
		p.Close()
		return wrong("it is about another source", nil)
	}
	return p, was, nil
}

// Save puts a state on the disk before it returns.
func (p *Progress) Save(s State) error {
	text, err := strictjson.Marshal(s)
	if err == nil {
		err = replace(p.path, append(text, '\n'))
	}
	if err != nil {
		return ErrState.Wrap(err, "file", p.path, "why", "it cannot be written")
	}
	return nil
}

// Close lets others use the file.
func (p *Progress) Close() { _ = p.lock.Close() }

// replace writes a file whole or not at all.
func replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".accord-pull-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
