package founding

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
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

// Init makes a data folder: keys, configuration, identity, and the member's
// introduction, whose bytes it returns. It never overwrites anything, and what
// can be wrong with the options is said before anything is made.
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
	settings, err := settingsOf(o)
	if err != nil {
		return nil, err
	}
	if err := o.checkFounder(); err != nil {
		return nil, err
	}
	if err := freshFolder(o.Dir); err != nil {
		return nil, err
	}
	store, err := makeKeys(&o)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	id, err := newIdentity(o.Member)
	if err != nil {
		return nil, err
	}
	if err := WriteFile(config.FilePath(o.Dir), settings); err != nil {
		return nil, err
	}
	if len(o.Invitation) > 0 {
		if err := WriteFile(filepath.Join(o.Dir, invitationFile), o.Invitation); err != nil {
			return nil, err
		}
	}
	token, err := signPaper(store, jws.TypIntroduction, members.Introduction{Format: members.IntroductionFormat, Federation: o.Federation,
		Invitation: invited, At: exchange.MillisOf(o.Clock()), Member: o.founder(store.Publics(), id.Node)})
	if err != nil {
		return nil, err
	}
	if err := WriteFile(filepath.Join(o.Dir, IntroductionFile), token); err != nil {
		return nil, err
	}
	return token, WriteFile(filepath.Join(o.Dir, nodeFile), id.encode()) // last: it makes the folder a node's
}

func (o Options) founder(publics []keys.Public, node string) members.Founder {
	return members.Founder{ID: o.Member, Kind: o.Kind, Name: o.Name, USCC: o.USCC, Seat: !o.NoSeat, Keys: publics,
		Node: members.Node{ID: node, Address: o.Advertise}}
}

// checkFounder holds the member against the rules of a charter, in one with
// nobody else in it and keys nobody has: no convener could take it otherwise.
func (o Options) checkFounder() error {
	var publics []keys.Public
	for _, use := range keys.Uses() {
		k, err := keys.Generate(use, nil)
		if err != nil {
			return err
		}
		publics = append(publics, k.Public())
	}
	founder := o.founder(publics, "node")
	founder.Seat = true
	probe := members.Charter{Format: members.CharterFormat, Federation: o.Federation, Name: exchange.Text{Zh: "章程", En: "charter"},
		Founded: 1, CosignQuorum: 1, AdoptQuorum: 1, MachineVersion: MachineVersion, Members: []members.Founder{founder},
		Catalogue: members.CatalogueRef{Digest: members.Digest(nil), Version: 1}, Blind: members.BlindRef{Scheme: blindScheme, Commitment: "-"}}
	return probe.Validate()
}

// freshFolder makes the folder or accepts an empty one.
func freshFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", "cannot be made")
	}
	if err := Occupied(dir); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", "its mode cannot be set")
	}
	return SyncFolder(filepath.Dir(dir))
}

// Occupied says why a folder cannot become a data folder: it is a node's
// already, or something else lies in it. A missing folder is free.
func Occupied(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return ErrFolder.Wrap(err, "dir", dir, "why", "cannot be read")
	}
	if _, err := os.Lstat(filepath.Join(dir, nodeFile)); errors.Is(err, os.ErrNotExist) {
		return ErrFolder.With("dir", dir, "why", "it is not empty and holds no node; if an init was interrupted in it, empty it")
	}
	return ErrExists.With("dir", dir)
}

// makeKeys fills a new keystore with a key for every use and the node's own
// secrets.
func makeKeys(o *Options) (*keystore.Store, error) {
	costs := keystore.DefaultParams() // somebody thought of the passphrase
	if o.Passphrase == nil {
		costs = keystore.UniformParams()
		random, err := randomBytes(32)
		if err != nil {
			return nil, err
		}
		o.Passphrase = []byte(base64.RawURLEncoding.EncodeToString(random))
		if err := WriteFile(filepath.Join(o.Dir, passphraseFile), append(bytes.Clone(o.Passphrase), '\n')); err != nil {
			return nil, err
		}
	}
	store, err := keystore.Create(KeysFolder(o.Dir), o.Passphrase, costs)
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

func newIdentity(member exchange.MemberID) (Identity, error) {
	incarnation, err := randomBytes(4)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Format: identityFormat, Member: member, Node: string(member) + "-" + hex.EncodeToString(incarnation)}, nil
}

// NewNode gives a data folder a node id that never was: what the old one voted
// and acknowledged is not there any more. The federation has to take the new
// one in its place.
func NewNode(dir string) (node string, err error) {
	old, err := ReadIdentity(dir)
	if err != nil {
		return "", err
	}
	id, err := newIdentity(old.Member)
	if err != nil {
		return "", err
	}
	return id.Node, WriteFile(filepath.Join(dir, nodeFile), id.encode())
}

func (id Identity) encode() []byte {
	raw, err := strictjson.Marshal(id)
	if err != nil {
		panic("founding: an identity of three strings does not encode: " + err.Error())
	}
	return append(raw, '\n')
}

// settingsOf is the configuration file, proven to load.
func settingsOf(o Options) ([]byte, error) {
	values := map[string]string{"member": string(o.Member), "federation": o.Federation, "listen": o.Listen}
	for k, v := range o.Settings {
		values[k] = v
	}
	none := func(string) (string, bool) { return "", false }
	raw := config.Example(values, []config.Operator{config.DefaultOperator(o.Operator)})
	if _, _, err := config.Parse(o.Dir, raw, none, values); err != nil { // as flags: none may go missing
		return nil, err
	}
	return raw, nil
}

// signPaper signs a paper of founding with the member's command key.
func signPaper(store *keystore.Store, typ string, v any) ([]byte, error) {
	key, err := store.Key(keys.Command)
	if err != nil {
		return nil, err
	}
	return signPaperWith(key, typ, v)
}

func signPaperWith(key keys.Private, typ string, v any) ([]byte, error) {
	payload, err := strictjson.Marshal(v)
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
		return nil, ErrFolder.Wrap(err, "dir", cfg.Dir, "why", whyNoPassphrase(err))
	}
	defer clear(pass)
	store, err := keystore.Open(KeysFolder(cfg.Dir), pass)
	if err != nil {
		return nil, ErrFolder.Wrap(err, "dir", cfg.Dir, "why", whyNoKeys(err))
	}
	return store, nil
}

// whyNoPassphrase says in the operator's words why the passphrase file is no use.
func whyNoPassphrase(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the passphrase file does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "this user may not read the passphrase file"
	case errors.Is(err, keystore.ErrExposed):
		return "the passphrase file is not private: its owner must be this user and its mode 0600"
	}
	return "the passphrase file is empty, too short or too long"
}

// whyNoKeys says in the operator's words why the keystore does not open.
func whyNoKeys(err error) string {
	switch {
	case errors.Is(err, keystore.ErrPassphrase):
		return "the passphrase is not the keystore's, or the keystore was changed"
	case errors.Is(err, keystore.ErrExposed):
		return "the keystore is not private: keys/ must be 0700, what is in it 0600"
	}
	return "the keystore does not open"
}
