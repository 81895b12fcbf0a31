package consensus

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

// lent is a snapshot's body of this node's own store, and watched is what raft puts
// around it.
type lent struct{ *bytes.Reader }

func (lent) Close() error        { return nil }
func (l lent) Hold() io.ReaderAt { return l.Reader }

type watched struct{ io.ReadCloser }

func (w watched) WrappedReadCloser() io.ReadCloser { return w.ReadCloser }

// restoring is a machine that looks at what it is given.
type restoring struct {
	Machine
	see func(io.Reader) error
}

func (m restoring) Restore(r io.Reader) error { return m.see(r) }

// The machine may hold a snapshot of this node's own store, seen from where its own
// bytes begin, and of no other stream.
func TestRestoreLendsTheBody(t *testing.T) {
	body := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte(bodyMagic), 7), 2)
	body = append(body, "what it holds"...)
	for name, r := range map[string]io.ReadCloser{
		"own":    watched{watched{lent{bytes.NewReader(body)}}},
		"stream": watched{io.NopCloser(bytes.NewReader(body))},
	} {
		seen := false
		f := newFSM(restoring{see: func(r io.Reader) error {
			seen = true
			h, ok := r.(interface{ Hold() io.ReaderAt })
			if ok != (name == "own") {
				t.Errorf("%s: to be held: %v", name, ok)
			}
			if ok {
				b := make([]byte, 5)
				if n, err := h.Hold().ReadAt(b, 8); n != 5 || err != nil || string(b) != "holds" {
					t.Errorf("%s: holds %q, %v", name, b, err)
				}
			}
			all, err := io.ReadAll(r)
			if string(all) != "what it holds" {
				t.Errorf("%s: reads %q", name, all)
			}
			return err
		}}, Config{MaxEntry: 1 << 10}, func(error) {})
		if err := f.Restore(r); err != nil || !seen {
			t.Error(name, err)
		}
	}
}
