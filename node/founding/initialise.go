package founding

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/config"
)

// Secrets of a keystore beside its keys.
const (
	SecretStorage = "storage" // wraps the keys of sealed fields; never leaves the node
	SecretAudit   = "audit"   // keys digests in the audit log; never leaves the node
	SecretBlind   = "blind"   // blinds natural persons' ids; shared by the federation
)

// Options are what `accord init` asks.
type Options struct {
	Dir        string
	Federation string
	Member     exchange.MemberID
	Kind       exchange.MemberKind
	Name       exchange.Text
	USCC       string
	NoSeat     bool   // a member without a vote in the joint meeting
	Listen     string // address the TLS port listens on
	Advertise  string // address peers reach it at; empty: Listen
	Operator   exchange.OperatorID
	Passphrase []byte            // nil: a random one is made and stored beside the keys
	Invitation []byte            // the convener's invitation, when there is one
	Settings   map[string]string // further configuration keys
	Clock      func() time.Time
}

// introduction is a newcomer's self-signed statement of name, keys and address.
type introduction struct {
	Format     string          `json:"format"`
	Federation string          `json:"federation"`
	Invitation string          `json:"invitation,omitempty"` // id of the invitation it answers
	At         exchange.Millis `json:"at"`
	Member     members.Founder `json:"member"`
}

const introductionFormat = "accord-introduction/1"

// Init makes a data folder: keys, configuration, identity, and the member's
// introduction, whose bytes it returns. It never overwrites anything.
func Init(o Options) ([]byte, error) {
	if o.Advertise == "" {
		o.Advertise = o.Listen
	}
	var invited string
	if len(o.Invitation) > 0 {
		inv, err := ReadInvitation(o.Invitation, o.Clock())
		if err != nil {
			return nil, err
		}
		if o.Federation != "" && o.Federation != inv.Federation {
			return nil, ErrPaper.With("file", "invitation", "why", "it is for another federation")
		}
		o.Federation, invited = inv.Federation, inv.ID
	}
	if err := freshFolder(o.Dir); err != nil {
		return nil, err
	}
	store, err := makeKeys(&o)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	id, err := newIdentity(o)
	if err != nil {
		return nil, err
	}
	if err := writeConfig(o); err != nil {
		return nil, err
	}
	intro := introduction{Format: introductionFormat, Federation: o.Federation, Invitation: invited,
		At: exchange.MillisOf(o.Clock()), Member: members.Founder{ID: o.Member, Kind: o.Kind, Name: o.Name, USCC: o.USCC,
			Seat: !o.NoSeat, Keys: store.Publics(), Node: members.Node{ID: id.Node, Address: o.Advertise}}}
	token, err := signPaper(store, jws.TypIntroduction, intro)
	if err != nil {
		return nil, err
	}
	if err := WriteFile(filepath.Join(o.Dir, IntroductionFile), token); err != nil {
		return nil, err
	}
	return token, WriteFile(filepath.Join(o.Dir, nodeFile), id.encode()) // last: it makes the folder a node's
}

// freshFolder makes the folder or accepts an empty one.
func freshFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", "cannot be made")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", "cannot be read")
	}
	if len(entries) > 0 {
		return ErrExists.With("dir", dir)
	}
	return os.Chmod(dir, 0o700)
}

// makeKeys fills a new keystore with a key for every use and the node's own
// secrets.
func makeKeys(o *Options) (*keystore.Store, error) {
	if o.Passphrase == nil {
		random, err := randomBytes(32)
		if err != nil {
			return nil, err
		}
		o.Passphrase = []byte(base64.RawURLEncoding.EncodeToString(random))
		if err := WriteFile(filepath.Join(o.Dir, passphraseFile), append(bytes.Clone(o.Passphrase), '\n')); err != nil {
			return nil, err
		}
	}
	store, err := keystore.Create(KeysFolder(o.Dir), o.Passphrase, keystore.DefaultParams())
	if err != nil {
		return nil, err
	}
	for _, use := range keys.Uses() {
		if _, err := store.GenerateAt(use, o.Clock()); err != nil {
			return nil, errors.Join(err, store.Close())
		}
	}
	for _, name := range []string{SecretStorage, SecretAudit} {
		secret, err := randomBytes(32)
		if err == nil {
			err = store.PutSecret(name, secret)
		}
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
	}
	return store, nil
}

func newIdentity(o Options) (Identity, error) {
	incarnation, err := randomBytes(4)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Format: identityFormat, Member: o.Member, Node: string(o.Member) + "-" + hex.EncodeToString(incarnation)}, nil
}

func (id Identity) encode() []byte {
	raw, err := strictjson.Marshal(id)
	if err != nil {
		panic("founding: an identity of three strings does not encode: " + err.Error())
	}
	return append(raw, '\n')
}

func writeConfig(o Options) error {
	values := map[string]string{"member": string(o.Member), "federation": o.Federation, "listen": o.Listen}
	for k, v := range o.Settings {
		values[k] = v
	}
	raw := config.Example(values, []config.Operator{config.DefaultOperator(o.Operator)})
	if _, _, err := config.Parse(o.Dir, raw, func(string) (string, bool) { return "", false }, nil); err != nil {
		return err
	}
	return WriteFile(config.FilePath(o.Dir), raw)
}

// signPaper signs a paper of founding with the member's command key.
func signPaper(store *keystore.Store, typ string, v any) ([]byte, error) {
	payload, err := strictjson.Marshal(v)
	if err != nil {
		return nil, err
	}
	key, err := store.Key(keys.Command)
	if err != nil {
		return nil, err
	}
	token, err := jws.Sign(key, typ, payload)
	return []byte(token), err
}

func randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(rand.Reader, b)
	return b, err
}

// OpenKeys opens a data folder's keystore with the passphrase its
// configuration names.
func OpenKeys(cfg config.Config) (*keystore.Store, error) {
	pass, err := keystore.PassphraseFile(cfg.Path(cfg.PassphraseFile))
	if err != nil {
		return nil, ErrFolder.Wrap(err, "dir", cfg.Dir, "why", "the passphrase file cannot be used")
	}
	store, err := keystore.Open(KeysFolder(cfg.Dir), pass)
	if err != nil {
		return nil, ErrFolder.Wrap(err, "dir", cfg.Dir, "why", "the keystore does not open")
	}
	return store, nil
}
