package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// CharterFormat is the only charter format this package reads.
const CharterFormat = "accord-charter/1"

// charter is what a verifier needs of a charter's payload; the charter holds
// more (seats, nodes, catalogue), which is signed all the same.
type charter struct {
	Format       string          `json:"format"`
	Federation   string          `json:"federation"`
	Name         Text            `json:"name"`
	Founded      int64           `json:"founded"` // Unix ms
	CosignQuorum int             `json:"cosign_quorum"`
	AdoptQuorum  int             `json:"adopt_quorum"`
	RosterQuorum int             `json:"roster_quorum"`
	Members      []charterMember `json:"members"`
}

type charterMember struct {
	ID   string        `json:"id"`
	Name Text          `json:"name"`
	Seat bool          `json:"seat"`
	Keys []keys.Public `json:"keys"`
	Kind string        `json:"kind"`
	USCC string        `json:"uscc"`
	Node memberNode    `json:"node"`

	Suspended bool `json:"suspended"` // of a roster: its seat does not count
}

// memberNode is where a member's node is found and what it does in the log.
type memberNode struct {
	ID      string `json:"id"`
	Address string `json:"address"`
	Role    string `json:"role"`
}

func (n memberNode) votes() bool { return n.Role != "nonvoter" }

// sits says whether the member has a seat that counts.
func (m charterMember) sits() bool { return m.Seat && !m.Suspended }

// Digest is the SHA-256 of a charter's payload: the trust anchor that people
// compare by telephone.
type Digest [sha256.Size]byte

// DigestOf digests a charter's payload bytes.
func DigestOf(payload []byte) Digest { return sha256.Sum256(payload) }

// digestPrefix names the hash function, as in every digest of the product.
const digestPrefix = "sha256:"

// String is "sha256:" and 64 lower-case hex digits.
func (d Digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

// Grouped is the digest for reading aloud: sixteen groups of four digits.
func (d Digest) Grouped() string {
	s := hex.EncodeToString(d[:])
	groups := make([]string, 0, len(s)/4)
	for ; len(s) > 0; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(groups, " ")
}

// ParseDigest reads a digest as people type it: 64 hex digits in any case, with
// spaces anywhere, "sha256:" in front or not. A shortened digest is refused: the
// digits left out are those an attacker would be free to choose.
func ParseDigest(s string) (Digest, error) {
	s = strings.TrimPrefix(strings.ReplaceAll(s, " ", ""), digestPrefix)
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != sha256.Size {
		return Digest{}, errors.New("bundle: a charter digest is 64 hex digits")
	}
	return Digest(b), nil
}

// readCharter takes the payload common to all signatures and reads it. Nothing
// is verified yet: the keys that will verify the signatures are in it.
func readCharter(signatures []string) (payload []byte, c *charter, err error) {
	for i, token := range signatures {
		t, err := jws.Parse(token)
		if err != nil {
			return nil, nil, fmt.Errorf("signature %d: %w", i, err)
		}
		if i == 0 {
			payload = t.Payload
		}
		if !bytes.Equal(t.Payload, payload) {
			return nil, nil, errors.New("the founders signed different charters")
		}
	}
	c = new(charter)
	if err := strictjson.UnmarshalLoose(payload, c); err != nil {
		return payload, nil, err
	}
	return payload, c, c.check()
}

func (c *charter) check() error {
	switch {
	case c.Format != CharterFormat:
		return errors.New("unknown charter format")
	case !validName(c.Federation):
		return errors.New("federation's name")
	case c.Founded <= 0:
		return errors.New("no time of founding")
	}
	cosigners, err := checkMembers(c.Members)
	if err != nil {
		return err
	}
	if c.CosignQuorum < 0 || c.quorum() > cosigners {
		return fmt.Errorf("a cosign quorum of %d among %d cosigners", c.quorum(), cosigners)
	}
	return nil
}

// checkMembers checks the members of a charter or roster and counts those that
// can cosign.
func checkMembers(all []charterMember) (cosigners int, err error) {
	if len(all) == 0 || len(all) > MaxMembers {
		return 0, errors.New("number of members")
	}
	seen, kids := make(map[string]bool), make(map[string]bool)
	for i, m := range all {
		if !validName(m.ID) || seen[m.ID] {
			return 0, fmt.Errorf("member %d: name is not valid or taken", i)
		}
		seen[m.ID] = true
		uses := make(map[keys.Use]bool)
		for _, k := range m.Keys {
			if k.IsZero() || uses[k.Use()] || kids[k.KID()] {
				return 0, fmt.Errorf("member %d: no key, two keys for one use, or a key listed already", i)
			}
			uses[k.Use()] = true
			kids[k.KID()] = true
		}
		if !uses[keys.Command] {
			return 0, fmt.Errorf("member %d: no command key", i)
		}
		if uses[keys.Cosign] {
			cosigners++
		}
	}
	return cosigners, nil
}

// quorum is how many members must cosign: what the charter says, or a majority
// of the founders.
func (c *charter) quorum() int {
	if c.CosignQuorum != 0 {
		return c.CosignQuorum
	}
	return len(c.Members)/2 + 1
}

// rosterQuorum is how many seats must endorse the next roster; 0 if the charter
// says nothing, by which no roster ever holds.
func (c *charter) rosterQuorum() int {
	if c.RosterQuorum != 0 {
		return c.RosterQuorum
	}
	return c.AdoptQuorum
}
