package pull

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"time"

	"accord/exchange/intake"
)

// Limits of what is fetched.
const (
	maxPage   = 32 << 20 // bytes of one page, unpacked
	maxSecret = 8 << 10  // bytes of a password, token or address
	maxPages  = 100_000  // of one reading
)

// Page is some rows of a source, as a file of the mapping's format.
type Page struct {
	Data  []byte
	Total int  // rows of this reading in all, as far as the source says; 0 when it does not
	Last  bool // nothing comes behind it

	next    State  // once every row of it was dealt with
	marks   []Mark // of its rows, where a refused one holds the cursor back
	counted bool   // pages are counted up, and one without rows is behind the last
}

// Source gives pages one after the other, io.EOF behind the last one.
type Source interface {
	Next(ctx context.Context) (*Page, error)
	Close() error
}

// Options are what reading needs beside the mapping.
type Options struct {
	Getenv func(string) string
	// Wait waits between tries; nil sleeps.
	Wait func(ctx context.Context, d time.Duration) error
}

// Open connects to the source that a mapping names, to go on where at says. The
// caller closes it.
func Open(ctx context.Context, m *intake.Mapping, at State, o Options) (Source, error) {
	if o.Wait == nil {
		o.Wait = sleep
	}
	switch {
	case m.Pull == nil:
		return nil, ErrNoPull.With("mapping", m.Name)
	case m.Pull.SQL != nil:
		return openSQL(ctx, m.Pull.SQL, at, o)
	}
	return openHTTP(m, at, o)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// secret reads what a mapping only points at.
func secret(s intake.Secret, getenv func(string) string) (string, error) {
	if s.Env != "" {
		if v := strings.TrimSpace(getenv(s.Env)); v != "" {
			return v, nil
		}
		return "", ErrSecret.With("where", s.Env, "why", "it is empty or not set")
	}
	wrong := func(why string, cause error) error { return ErrSecret.Wrap(cause, "where", s.File, "why", why) }
	f, err := os.Open(s.File)
	if err != nil {
		return "", wrong("it cannot be read", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil || !info.Mode().IsRegular():
		return "", wrong("it is no ordinary file", err)
	case info.Mode().Perm()&0o077 != 0:
		return "", wrong("others than its owner may read it; its mode must be 0600", nil)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	text = bytes.TrimSpace(text)
	switch {
	case err != nil:
		return "", wrong("it cannot be read", err)
	case len(text) == 0 || len(text) > maxSecret || bytes.ContainsAny(text, "\r\n\x00"):
		return "", wrong("it does not hold one line", nil)
	}
	return string(text), nil
}
