package transport

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func sumOf(b []byte) [32]byte { return sha256.Sum256(b) }

// What decodes encodes to the same bytes, so nothing has two forms.
func FuzzCertificate(f *testing.F) {
	f.Add(elected("n1", 5))
	f.Add(preElected("n2", 6))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCertificate(b)
		if err != nil {
			if c != nil {
				t.Fatal("error and a result")
			}
			return
		}
		if !bytes.Equal(c.Encode(), b) {
			t.Fatal("encodes differently")
		}
		for i := 1; i < len(c.Votes); i++ {
			if c.Votes[i].Voter <= c.Votes[i-1].Voter {
				t.Fatal("a voter twice")
			}
		}
	})
}

func FuzzEvidence(f *testing.F) {
	e := &Evidence{Time: time.Unix(1, 2).UTC(), Self: "n0", Peer: "n1", Kind: KindAppendEntries, Rule: "r", Why: "w", Body: []byte("body"), Size: 4, Digest: sumOf([]byte("body"))}
	f.Add(e.Encode(), true)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend && len(b) >= 32 { // past the checksum, to the fields
			sum := sha256.Sum256(b[:len(b)-32])
			copy(b[len(b)-32:], sum[:])
		}
		e, err := DecodeEvidence(b)
		if err == nil && !bytes.Equal(e.Encode(), b) {
			t.Fatal("encodes differently")
		}
	})
}

func FuzzTermFile(f *testing.F) {
	c, _ := DecodeCertificate(elected("n1", 5))
	p := &proof{cert: c, raw: c.Encode()}
	f.Add((&termState{top: p, lead: p, voted: &Certificate{Statement: Vote, Term: 5, Candidate: "n1", LastIndex: 2, LastTerm: 1}}).encode(), true)
	f.Add((&termState{}).encode(), true)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if head := len(termMagic); mend && len(b) >= head+32 {
			sum := sha256.Sum256(b[head+32:])
			copy(b[head:], sum[:])
		}
		s, err := decodeTermState(b)
		if err == nil && !bytes.Equal(s.encode(), b) {
			t.Fatal("encodes differently")
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, resp := range responses() {
			if _, a, err := DecodeResponse(b, resp); err == nil {
				again, err := EncodeResponse(resp, a)
				if err != nil || !bytes.Equal(again, b) {
					t.Fatalf("%T encodes differently: %v", resp, err)
				}
			}
		}
	})
}

func responses() []any {
	return []any{new(raft.AppendEntriesResponse), new(raft.RequestVoteResponse), new(raft.RequestPreVoteResponse), new(raft.InstallSnapshotResponse)}
}
