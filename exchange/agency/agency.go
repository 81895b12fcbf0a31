package agency

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"accord/crypto/blind"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
)

// Proposer puts a signed command into the federation's one order and returns
// the ledger's encoded answer once this node has applied it.
type Proposer interface {
	Propose(ctx context.Context, payload []byte) (answer []byte, err error)
}

// Keys are this member's private keys by use.
type Keys interface {
	Key(use keys.Use) (keys.Private, error)
}

// Ledger is the read side: the state this node has applied.
type Ledger interface {
	View() *machine.View
}

// Config is what an Agency works with.
type Config struct {
	Federation string
	Self       exchange.MemberID
	Kind       exchange.MemberKind
	Keys       Keys
	Former     func(kid string) (keys.Private, error) // finds a key of this member that no longer counts; may be nil
	Storage    []byte                                 // 32-byte storage key: wraps the keys of sealed fields; New keeps no copy of it
	Blinder    blind.Blinder
	Ledger     Ledger
	Proposer   Proposer
	Records    records.Store
	Genesis    members.Genesis
	Petitions  string // folder for the sealed texts of complaints and refusals
	Clock      func() time.Time
	Rand       io.Reader
	Hook       func(point string)   // told each place at which a test may want a crash; may be nil
	Busy       func() (done func()) // told that an import begins, and by what it gives that it is over; may be nil
}

func (c Config) hit(point string) {
	if c.Hook != nil {
		c.Hook(point)
	}
}

// Agency acts for one member. It is safe for concurrent use.
type Agency struct {
	Config
	sealer  *seal.Sealer
	rowKey  []byte // keys the digests of rows' source keys, so that the store holds no bare hash of an id
	answers turns  // of this member as a custodian
}

// New checks the configuration and prepares the sealer.
func New(cfg Config) (*Agency, error) {
	sealer, err := seal.NewSealer(cfg.Storage, cfg.Rand)
	if err != nil {
		return nil, err
	}
	rowKey := derive(cfg.Storage, "accord/row-key/1")
	cfg.Storage = nil
	return &Agency{Config: cfg, sealer: sealer, rowKey: rowKey}, nil
}

// Format prints a name for every verb, so that no verb reaches a secret.
func (a *Agency) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "agency.Agency(%s)", a.Self) }

// now is the clock in the unit of commands.
func (a *Agency) now() exchange.Millis { return exchange.MillisOf(a.Clock()) }

// instant is the time to judge a status by: now, but never before the state it
// is judged on. A clock that is a second behind another member's would take
// what that member has just put on the ledger for something yet to come.
func (a *Agency) instant(view *machine.View) exchange.Millis { return max(a.now(), view.Time()) }

// randomID makes a 128-bit id in base64url. People type ids on command lines,
// so one that would look like a flag there is drawn again.
func (a *Agency) randomID() (string, error) {
	for {
		var b [16]byte
		if _, err := io.ReadFull(a.Rand, b[:]); err != nil {
			return "", err
		}
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id, nil
		}
	}
}

// alikeIDs makes n ids that begin with the same 48 random bits, each with 80 of its own:
// nobody can guess one, and an index takes them next to each other. Ids that are random
// from the first bit on cost a page of it each.
func (a *Agency) alikeIDs(n int) ([]string, error) {
	first, err := a.randomID()
	if err != nil {
		return nil, err
	}
	tails := make([]byte, 10*n)
	if _, err := io.ReadFull(a.Rand, tails); err != nil {
		return nil, err
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = first[:8] + base64.RawURLEncoding.EncodeToString(tails[10*i:10*i+10])
	}
	return ids, nil
}

// Act signs a command with the given verb and body, puts it on the ledger, and
// returns the ledger's answer. A refusal by the ledger comes back as the
// *exchange.Error it gave.
func (a *Agency) Act(ctx context.Context, op exchange.OperatorID, verb exchange.Verb, body any) (exchange.Result, error) {
	id, err := a.randomID()
	if err != nil {
		return exchange.Result{}, err
	}
	return a.act(ctx, exchange.CommandID(id), op, verb, body)
}

func (a *Agency) act(ctx context.Context, id exchange.CommandID, op exchange.OperatorID, verb exchange.Verb, body any) (exchange.Result, error) {
	for {
		key, err := a.Keys.Key(keys.Command)
		if err != nil {
			return exchange.Result{}, err
		}
		res, err := a.propose(ctx, key, id, op, verb, body)
		if !errors.Is(err, machine.ErrSigner) || !a.replaced(key) {
			return res, err
		}
	}
}

// replaced says whether a key that the ledger refused has been replaced by a roster
// meanwhile: what was under way then is signed again. A refusal of the signer leaves
// no trace, so the command's id is still free.
func (a *Agency) replaced(key keys.Private) bool {
	now, err := a.Keys.Key(key.Public().Use())
	return err == nil && now.KID() != key.KID()
}

// propose signs a command with a key and gives the ledger's answer.
func (a *Agency) propose(ctx context.Context, key keys.Private, id exchange.CommandID, op exchange.OperatorID, verb exchange.Verb, body any) (exchange.Result, error) {
	payload, err := a.sign(key, id, op, verb, body)
	if err != nil {
		return exchange.Result{}, err
	}
	a.hit("agency.propose.before")
	answer, err := a.Proposer.Propose(ctx, payload)
	a.hit("agency.propose.after")
	if err != nil {
		return exchange.Result{}, err
	}
	res, err := exchange.DecodeResult(answer)
	if err != nil {
		return exchange.Result{}, err
	}
	if res.Error != nil {
		return res, res.Error
	}
	return res, nil
}

// sign makes the command's JWS with a command key of this member.
func (a *Agency) sign(key keys.Private, id exchange.CommandID, op exchange.OperatorID, verb exchange.Verb, body any) ([]byte, error) {
	raw, err := strictjson.Marshal(body)
	if err != nil {
		return nil, err
	}
	at := a.now()
	cmd := exchange.Command{
		Federation: a.Federation, Issuer: a.Self, Operator: op, At: at,
		Catalogue: a.Ledger.View().CatalogueFor(at).Document().Version, ID: id, Verb: verb, Body: raw,
	}
	payload, err := cmd.Encode()
	if err != nil {
		return nil, err
	}
	a.hit("agency.sign")
	token, err := jws.Sign(key, jws.TypCommand, payload)
	return []byte(token), err
}
