package members

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/blind"
	"accord/crypto/keys"
	"accord/crypto/oprf"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/identifiers"
)

// CharterFormat is the charter format this build reads.
const CharterFormat = "accord-charter/1"

// Bounds of a charter.
const (
	MaxCharter = 512 << 10 // bytes
	MaxMembers = 128
)

// ErrCharter is a charter that cannot found a federation.
var ErrCharter = exchange.Define(exchange.KindInvalid, "MEM-001",
	exchange.Text{Zh: "章程无效：{why}", En: "the charter is not valid: {why}"},
	exchange.Text{Zh: "请按所指处改正后由全体创始成员重新签署", En: "mend the place named and let every founder sign again"})

// Charter (章程) founds a federation. What members sign is the exact bytes of
// its JSON form.
type Charter struct {
	Format         string          `json:"format"` // CharterFormat
	Federation     string          `json:"federation"`
	Name           exchange.Text   `json:"name"`
	Founded        exchange.Millis `json:"founded"`
	CosignQuorum   int             `json:"cosign_quorum"` // members whose cosignature makes a checkpoint count
	Members        []Founder       `json:"members"`
	Catalogue      CatalogueRef    `json:"catalogue"` // the first version
	Blind          BlindRef        `json:"blind"`
	MachineVersion int             `json:"machine_version"` // rules of apply that all agreed on
	AdoptQuorum    int             `json:"adopt_quorum"`    // seats that must endorse a new catalogue version
	// RosterQuorum is how many seats must endorse a new roster; 0 stands for AdoptQuorum.
	RosterQuorum int `json:"roster_quorum,omitzero"`
}

// Founder is a member as the charter, or later a roster, names it.
type Founder struct {
	ID   exchange.MemberID   `json:"id"`
	Kind exchange.MemberKind `json:"kind"`
	Name exchange.Text       `json:"name"`
	USCC string              `json:"uscc"` // unified social credit code; empty where an agency has none
	Seat bool                `json:"seat"` // a vote in the joint meeting (席位)
	Keys []keys.Public       `json:"keys"` // exactly one for every use
	Node Node                `json:"node"`
	// Suspended (暂停) is a member that stays and may not act: no roster of a machine
	// version before 4 has it, and no charter.
	Suspended bool `json:"suspended,omitzero"`
}

// Sits says whether the member has a seat that counts now.
func (f Founder) Sits() bool { return f.Seat && !f.Suspended }

// Node is where a member's node is found.
type Node struct {
	ID      string `json:"id"`      // member and incarnation, never used twice
	Address string `json:"address"` // host:port of its peer listener
	Role    Role   `json:"role,omitempty"`
}

// Role is what a node does in the log.
type Role string

// The roles. A voter (表决节点) elects leaders and is counted when an entry is
// committed; a nonvoter (跟随节点) only receives the log. Without a role a
// founder's node is a voter.
const (
	Voter    Role = "voter"
	Nonvoter Role = "nonvoter"
)

// Votes says whether the node is a voter.
func (n Node) Votes() bool { return n.Role != Nonvoter }

// CatalogueRef names a catalogue version by the digest of its bytes.
type CatalogueRef struct {
	Digest  string `json:"digest"`
	Version int    `json:"version"`
}

// BlindRef fixes how natural persons' ids are blinded.
type BlindRef struct {
	Scheme     string `json:"scheme"`
	Commitment string `json:"commitment"` // of a VOPRF its public key, base64url
	// Of a VOPRF: who holds the key, in the order of their shares, and the commitment to
	// all of the split key's coefficients, as many as must evaluate together. A key at
	// one node has one holder and no Commitments.
	Holders     []exchange.MemberID `json:"holders,omitempty"`
	Commitments []string            `json:"commitments,omitempty"`
}

// Group is the public side of a VOPRF's key.
func (b BlindRef) Group() (*oprf.Group, error) {
	texts := b.Commitments
	if len(texts) == 0 {
		texts = []string{b.Commitment}
	}
	var elements []oprf.Element
	for _, s := range texts {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || len(raw) != oprf.ElementSize {
			return nil, oprf.ErrElement
		}
		elements = append(elements, oprf.Element(raw))
	}
	return oprf.NewGroup(elements, len(b.Holders))
}

// validate says what is wrong about how numbers are blinded, "" for nothing.
func (b BlindRef) validate(all []Founder) string {
	if b.Scheme != blind.SchemeVOPRF {
		if len(b.Holders) > 0 || len(b.Commitments) > 0 {
			return "names holders, and its scheme has none"
		}
		return ""
	}
	for i, h := range b.Holders {
		if slices.Contains(b.Holders[:i], h) || !slices.ContainsFunc(all, func(f Founder) bool { return f.ID == h }) {
			return "names a holder twice, or one that is no member"
		}
	}
	if len(b.Commitments) > 0 && b.Commitments[0] != b.Commitment {
		return "has a public key that is not the first of its commitments"
	}
	if _, err := b.Group(); err != nil {
		return "is no key of its holders"
	}
	return ""
}

// Encode gives the bytes that founders sign.
func (c *Charter) Encode() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return strictjson.Marshal(c)
}

// ParseCharter reads a charter's bytes strictly and validates it.
func ParseCharter(payload []byte) (*Charter, error) {
	if len(payload) > MaxCharter {
		return nil, ErrCharter.With("why", "too long")
	}
	c := new(Charter)
	if err := strictjson.Unmarshal(payload, c); err != nil {
		return nil, ErrCharter.Wrap(err, "why", "JSON")
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Validate says the first thing that is wrong with a charter.
func (c *Charter) Validate() error {
	fail := func(at, why string) error { return ErrCharter.With("why", at+" "+why).At(at) }
	switch {
	case c.Format != CharterFormat:
		return fail("/format", "must be "+CharterFormat)
	case !exchange.ValidName(c.Federation):
		return fail("/federation", "is not a name")
	case !titled(c.Name):
		return fail("/name", "needs a text in zh and en")
	case c.Founded <= 0 || c.Founded > 1<<53-1:
		return fail("/founded", "is no time")
	case len(c.Members) == 0 || len(c.Members) > MaxMembers:
		return fail("/members", "has too few or too many")
	case !exchange.ValidDigest(c.Catalogue.Digest):
		return fail("/catalogue/digest", "is no digest")
	case c.Catalogue.Version < 1:
		return fail("/catalogue/version", "starts at 1")
	case !exchange.ValidName(c.Blind.Scheme):
		return fail("/blind/scheme", "is no name")
	case c.Blind.Commitment == "" || len(c.Blind.Commitment) > 128 || !exchange.PlainText(c.Blind.Commitment, 128):
		return fail("/blind/commitment", "is missing")
	case c.MachineVersion < 1:
		return fail("/machine_version", "starts at 1")
	}
	seats, err := validateMembers(c.Members, fail)
	if err != nil {
		return err
	}
	for i, m := range c.Members {
		if m.Suspended {
			return fail("/members/"+strconv.Itoa(i)+"/suspended", "is not known")
		}
	}
	if why := c.Blind.validate(c.Members); why != "" {
		return fail("/blind", why)
	}
	if c.CosignQuorum < 1 || c.CosignQuorum > len(c.Members) {
		return fail("/cosign_quorum", "is out of range")
	}
	if c.AdoptQuorum < 1 || c.AdoptQuorum > seats {
		return fail("/adopt_quorum", "is out of range")
	}
	if c.RosterQuorum < 0 || c.RosterQuorum > seats {
		return fail("/roster_quorum", "is out of range")
	}
	return nil
}

// validateMembers checks every member and counts the seats, without those of the
// suspended. Ids of members,
// nodes and keys, credit codes and addresses each occur once, and one node votes.
func validateMembers(all []Founder, fail func(at, why string) error) (seats int, err error) {
	taken := map[string]bool{}
	take := func(kind, id string) bool {
		fresh := !taken[kind+" "+id]
		taken[kind+" "+id] = true
		return fresh
	}
	voters := 0
	for i := range all {
		m := &all[i]
		at := "/members/" + strconv.Itoa(i)
		switch {
		case !exchange.ValidName(string(m.ID)) || !take("member", string(m.ID)):
			return 0, fail(at+"/id", "is no name or taken")
		case !m.Kind.Known():
			return 0, fail(at+"/kind", "is not known")
		case !titled(m.Name):
			return 0, fail(at+"/name", "needs a text in zh and en")
		case m.USCC != "" && (identifiers.CheckUSCC(m.USCC) != nil || !take("uscc", m.USCC)):
			return 0, fail(at+"/uscc", "is not a credit code or taken")
		case !exchange.ValidName(m.Node.ID) || !take("node", m.Node.ID):
			return 0, fail(at+"/node/id", "is no name or taken")
		case !hostPort(m.Node.Address) || !take("address", m.Node.Address):
			return 0, fail(at+"/node/address", "is not host:port or taken")
		case m.Node.Role != "" && m.Node.Role != Voter && m.Node.Role != Nonvoter:
			return 0, fail(at+"/node/role", "is not known")
		case len(m.Keys) != len(keys.Uses()):
			return 0, fail(at+"/keys", "must be one for every use")
		}
		for j, k := range m.Keys {
			if k.IsZero() || !take(at+" use", string(k.Use())) || !take("key", k.KID()) || !take("raw", rawKey(k)) {
				return 0, fail(fmt.Sprintf("%s/keys/%d", at, j), "is no key, or its use or key is taken")
			}
		}
		if m.Sits() {
			seats++
		}
		if m.Node.Votes() {
			voters++
		}
	}
	if voters == 0 {
		return 0, fail("/members", "have no node that votes")
	}
	return seats, nil
}

// rawKey names the key material whatever its use, so that nobody lists one key
// for two uses.
func rawKey(k keys.Public) string { return string(k.JWK()) }

func titled(t exchange.Text) bool {
	return exchange.PlainText(t.Zh, 100) && exchange.PlainText(t.En, 200)
}

func hostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || len(s) > 255 || strings.ContainsAny(s, " \t\r\n/") {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535 && strconv.Itoa(n) == port
}

// Digest names a charter by its bytes: "sha256:" and hex. It is the trust
// anchor of everything the federation says.
func Digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return "sha256:" + hex.EncodeToString(sum[:])
}
