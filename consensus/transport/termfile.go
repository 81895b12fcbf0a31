package transport

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// The term file: what [Elections] must still know after a restart. After a line
// of magic and the SHA-256 of the rest come the newest proof of a term, the newest
// certificate of a leader and the last vote, each with a 32-bit length in front,
// empty if there is none. A vote is a certificate's head: its fields without
// signatures.
const termMagic = "accord-term/1\n"

type termState struct {
	top, lead *proof
	voted     *Certificate
}

func (s *termState) encode() []byte {
	raw := func(p *proof) []byte {
		if p == nil {
			return nil
		}
		return p.raw
	}
	rest := putBytes(putBytes(nil, raw(s.top)), raw(s.lead))
	var vote []byte
	if s.voted != nil {
		vote = putBytes(putU64(nil, s.voted.Term, s.voted.LastIndex, s.voted.LastTerm), []byte(s.voted.Candidate))
	}
	rest = putBytes(rest, vote)
	sum := sha256.Sum256(rest)
	return append(append([]byte(termMagic), sum[:]...), rest...)
}

func decodeTermState(b []byte) (*termState, error) {
	b, ok := bytes.CutPrefix(b, []byte(termMagic))
	if !ok || len(b) < sha256.Size {
		return nil, malformed("term file")
	}
	if sum := sha256.Sum256(b[sha256.Size:]); !bytes.Equal(sum[:], b[:sha256.Size]) {
		return nil, malformed("term file does not match its checksum")
	}
	r := &reader{b: b[sha256.Size:]}
	s := &termState{}
	for _, p := range []**proof{&s.top, &s.lead} {
		raw := r.bytes(MaxCertificate, "certificate")
		if len(raw) == 0 {
			continue
		}
		c, err := DecodeCertificate(raw)
		if err != nil {
			return nil, err
		}
		*p = &proof{cert: c, raw: bytes.Clone(raw)}
	}
	if vote := r.bytes(MaxCertificate, "vote"); len(vote) > 0 {
		v := &reader{b: vote}
		s.voted = &Certificate{Statement: Vote, Term: v.u64("term"), LastIndex: v.u64("last index"), LastTerm: v.u64("last term"), Candidate: string(v.bytes(maxID, "candidate"))}
		if err := v.done(); err != nil {
			return nil, err
		}
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	if s.lead != nil && !s.lead.cert.elects() {
		return nil, malformed("term file")
	}
	return s, nil
}

func readTermFile(path string, log *slog.Logger) (*termState, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &termState{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("transport: term file: %w", err)
	}
	s, err := decodeTermState(b)
	if err != nil {
		log.Warn("the term file is damaged; it is set aside, the next election writes a new one", "error", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, fmt.Errorf("transport: term file: %w", err)
		}
		return &termState{}, nil
	}
	return s, nil
}

func writeTermFile(path string, s *termState, noSync bool) error {
	if err := writeDurably(path, s.encode(), noSync); err != nil {
		return fmt.Errorf("transport: term file: %w", err)
	}
	return nil
}

// writeDurably replaces a file whole: after a crash there is the old one or the
// new one.
func writeDurably(path string, b []byte, noSync bool) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && !noSync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil || noSync {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// KeptProofs reads the certificates a node keeps at path: the newest that proves a
// term and the newest that names a leader; nil where there is none.
func KeptProofs(path string) (term, leader *Certificate, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("transport: term file: %w", err)
	}
	s, err := decodeTermState(b)
	if err != nil {
		return nil, nil, err
	}
	if s.top != nil {
		term = s.top.cert
	}
	if s.lead != nil {
		leader = s.lead.cert
	}
	return term, leader, nil
}
