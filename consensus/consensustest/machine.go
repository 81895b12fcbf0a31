package consensustest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"accord/consensus"
)

// Machine is a small machine for tests: it keeps every payload in order with its
// index, and reads payloads of the form "key=value" into a map. A payload that
// begins with "bad" fails its Check, one that begins with "die" fails Apply.
// The result of a payload is the number it has in the order, from 1.
type Machine struct {
	mu      sync.Mutex
	entries []Applied
	values  map[string]string
	onApply func(index uint64, payload []byte)
}

// Applied is one payload with the entry it came in.
type Applied struct {
	Index   uint64
	Payload string
}

// NewMachine is an empty machine; onApply, if not nil, sees each payload as it is
// applied.
func NewMachine(onApply func(index uint64, payload []byte)) *Machine {
	return &Machine{values: map[string]string{}, onApply: onApply}
}

var _ consensus.Machine = (*Machine)(nil)

// KV is the machine itself, also where it is embedded in another.
func (m *Machine) KV() *Machine { return m }

// Check refuses payloads that begin with "bad".
func (m *Machine) Check(p []byte) error {
	if bytes.HasPrefix(p, []byte("bad")) {
		return errors.New("payload begins with bad")
	}
	return nil
}

// Apply keeps the payloads.
func (m *Machine) Apply(index uint64, payloads [][]byte) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]byte
	for _, p := range payloads {
		if bytes.HasPrefix(p, []byte("die")) {
			return nil, errors.New("told to die")
		}
		if m.onApply != nil {
			m.onApply(index, p)
		}
		m.put(Applied{index, string(p)})
		out = append(out, fmt.Append(nil, len(m.entries)))
	}
	return out, nil
}

func (m *Machine) put(a Applied) {
	m.entries = append(m.entries, a)
	if k, v, ok := strings.Cut(a.Payload, "="); ok {
		m.values[k] = v
	}
}

// Get is the last value of a key.
func (m *Machine) Get(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	return v, ok
}

// Entries are all payloads in order.
func (m *Machine) Entries() []Applied {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Applied(nil), m.entries...)
}

// Digest is a hash over all payloads and their indexes.
func (m *Machine) Digest() string {
	h := sha256.New()
	for _, a := range m.Entries() {
		fmt.Fprintf(h, "%d %q\n", a.Index, a.Payload)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Snapshot holds the payloads so far.
func (m *Machine) Snapshot() (consensus.Snapshot, error) { return held(m.Entries()), nil }

type held []Applied

func (h held) WriteTo(w io.Writer) (int64, error) {
	var b []byte
	b = binary.BigEndian.AppendUint64(b, uint64(len(h)))
	for _, a := range h {
		b = binary.BigEndian.AppendUint64(b, a.Index)
		b = binary.BigEndian.AppendUint32(b, uint32(len(a.Payload)))
		b = append(b, a.Payload...)
	}
	n, err := w.Write(b)
	return int64(n), err
}

func (held) Release() {}

// Restore reads what a Snapshot wrote.
func (m *Machine) Restore(r io.Reader) error {
	br := bufio.NewReader(r)
	var n uint64
	if err := binary.Read(br, binary.BigEndian, &n); err != nil {
		return err
	}
	fresh := NewMachine(nil)
	for range n {
		var head [12]byte
		if _, err := io.ReadFull(br, head[:]); err != nil {
			return err
		}
		p := make([]byte, binary.BigEndian.Uint32(head[8:]))
		if _, err := io.ReadFull(br, p); err != nil {
			return err
		}
		fresh.put(Applied{binary.BigEndian.Uint64(head[:]), string(p)})
	}
	if _, err := br.ReadByte(); err != io.EOF {
		return errors.New("bytes after the state")
	}
	m.mu.Lock()
	m.entries, m.values = fresh.entries, fresh.values
	m.mu.Unlock()
	return nil
}
