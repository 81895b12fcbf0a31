package members

import (
	"crypto/sha256"
	"sync"

	"accord/crypto/jws"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/state"
)

// Act is a command that is being decided. Its signature is verified, its
// issuer is a member, and it acts under the catalogue in force.
//
// What a part decides may depend on the Act, the rows, and nothing else. A part
// first decides everything and then writes: an Act that is rejected has changed
// no row.
type Act struct {
	Tx        *state.Tx
	Command   exchange.Command
	Token     string          // the statement as signed, which holds the command
	Seq       int64           // the leaf this command becomes
	Now       exchange.Millis // ledger time, never before the last command's
	Issuer    Member
	Catalogue *catalogue.Catalogue // in force
	Tools     *Tools
	Tree      func() tlog.View // the journal's tree as this command finds it
}

// Tools are what apply works with beside the rows: memories that save work and
// never change an answer. Safe for concurrent use.
type Tools struct {
	Book       *Book // every roster verified; the one thing here that is needed, see Enrol
	verified   memory
	mu         sync.Mutex // guards catalogues
	catalogues map[string]*catalogue.Catalogue
}

// Bounds of the memories.
const (
	rememberTokens     = 1 << 16 // in each of two generations
	rememberCatalogues = 16
)

// ErrSuspended is what a suspended member's command gets.
var ErrSuspended = exchange.Define(exchange.KindForbidden, "MEM-043",
	exchange.Text{Zh: "成员单位 {member} 已被暂停，其指令不予受理，也不得取得信息", En: "{member} is suspended: its commands are not taken, and it is given nothing"},
	exchange.Text{Zh: "由联席会议恢复（accord proposal member restore）后再办理", En: "the joint meeting restores it first (accord proposal member restore)"})

// NewTools makes empty memories.
func NewTools() *Tools {
	return &Tools{catalogues: map[string]*catalogue.Catalogue{}}
}

// Catalogue is the version's document made ready for questions.
func (t *Tools) Catalogue(v Version) (*catalogue.Catalogue, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.catalogues[v.Digest]; c != nil {
		return c, nil
	}
	c, err := catalogue.Load([]byte(v.Document))
	if err != nil {
		return nil, err
	}
	if len(t.catalogues) >= rememberCatalogues {
		clear(t.catalogues)
	}
	t.catalogues[v.Digest] = c
	return c, nil
}

// Verify is jws.VerifyKind with a memory: a signature that was good once is
// good for ever, because a kid is the digest of its key. Whether the key may be
// used, lookup decides anew each time.
func (t *Tools) Verify(token string, kind jws.Kind, lookup jws.Lookup) (jws.Token, error) {
	sum := sha256.Sum256([]byte(token))
	if !t.verified.has(sum) {
		tok, err := jws.VerifyKind(token, kind, lookup)
		if err == nil {
			t.verified.add(sum)
		}
		return tok, err
	}
	tok, err := jws.Parse(token)
	if err != nil {
		return jws.Token{}, err
	}
	key, err := lookup(tok.KID)
	switch {
	case err != nil:
		return jws.Token{}, err
	case tok.Typ != kind.Typ:
		return jws.Token{}, jws.ErrTyp
	case key.KID() != tok.KID || key.Use() != kind.Use || string(key.Alg()) != tok.Alg:
		return jws.Token{}, jws.ErrKey
	}
	return tok, nil
}

// memory is a bounded set of digests: when the young generation is full it
// becomes the old one, and the old one is forgotten.
type memory struct {
	mu         sync.Mutex
	young, old map[[32]byte]struct{}
}

func (m *memory) has(sum [32]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, young := m.young[sum]
	_, old := m.old[sum]
	return young || old
}

func (m *memory) add(sum [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= rememberTokens {
		m.old, m.young = m.young, make(map[[32]byte]struct{})
	}
	m.young[sum] = struct{}{}
}
