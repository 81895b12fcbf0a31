package founding

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/config"
)

// Welcome (接纳书) is what a newcomer starts from: the genesis, every roster since,
// and the blinding key encrypted to it. It proves itself from the charter on; that
// the charter is the right one, people compare by phone.
type Welcome struct {
	Format  string                 `json:"format"`
	Genesis string                 `json:"genesis"` // the genesis file
	Rosters []members.SignedRoster `json:"rosters"`
	Member  exchange.MemberID      `json:"member"` // whom it is for
	Blind   string                 `json:"blind"`  // JWE to the member's seal key
}

const (
	welcomeFormat = "accord-welcome/1"
	maxWelcome    = members.MaxGenesis + maxRosters
)

// MakeWelcome makes the paper for a member of the newest roster of a line.
func MakeWelcome(cfg config.Config, store *keystore.Store, line *members.Lineage, member exchange.MemberID) ([]byte, error) {
	g, err := ReadGenesis(cfg.Dir)
	if err != nil {
		return nil, err
	}
	to, ok := line.Roster().Member(member)
	if !ok {
		return nil, ErrWelcome.With("why", "no roster lists "+string(member)+" yet")
	}
	w := Welcome{Format: welcomeFormat, Rosters: line.Since(0), Member: member, Blind: noShare}
	if c, err := members.ParseCharter(g.Charter); err != nil {
		return nil, err
	} else if c.Blind.Scheme == blindScheme { // of another scheme the holders keep it to themselves
		key, err := store.Secret(SecretBlind)
		if err != nil {
			return nil, ErrFolder.Wrap(err, "dir", cfg.Dir, "why", "the keystore lacks the secret "+SecretBlind)
		}
		defer clear(key)
		if w.Blind, err = seal.Encrypt(keyFor(to, keys.Seal), blindContent, key); err != nil {
			return nil, err
		}
	}
	file, err := g.Encode()
	if err != nil {
		return nil, err
	}
	w.Genesis = string(file)
	return strictjson.Marshal(w)
}

// ErrWelcome is a welcome that does not fit.
var ErrWelcome = exchange.Define(exchange.KindRefused, "INIT-006",
	exchange.Text{Zh: "接纳书不能使用：{why}", En: "the welcome cannot be used: {why}"},
	exchange.Text{Zh: "名册生效后请任一成员重新出具（accord member welcome）", En: "once the roster is in force, ask any member for a new one (accord member welcome)"})

// ReadWelcome verifies a welcome as far as it goes without keys: the genesis, and
// each roster from the one before. It does not say that the charter is the right
// one.
func ReadWelcome(raw []byte) (Welcome, members.Genesis, *members.Lineage, error) {
	fail := func(err error) (Welcome, members.Genesis, *members.Lineage, error) {
		return Welcome{}, members.Genesis{}, nil, err
	}
	var w Welcome
	if len(raw) > maxWelcome || strictjson.Unmarshal(raw, &w) != nil || w.Format != welcomeFormat {
		return fail(ErrWelcome.With("why", "it is no welcome"))
	}
	g, err := members.DecodeGenesis([]byte(w.Genesis))
	if err == nil {
		err = g.Verify()
	}
	if err != nil {
		return fail(err)
	}
	line, err := g.Lineage()
	if err == nil {
		line, err = follow(line, w.Rosters)
	}
	if err != nil {
		return fail(err)
	}
	return w, g, line, nil
}

// Join takes a welcome into this folder: genesis, rosters and the blinding key. A
// folder that has joined takes newer rosters from a newer one. It returns the line
// the folder then stands on.
func Join(cfg config.Config, store *keystore.Store, raw []byte) (*members.Lineage, error) {
	w, g, line, err := ReadWelcome(raw)
	if err != nil {
		return nil, err
	}
	id, err := ReadIdentity(cfg.Dir)
	if err != nil {
		return nil, err
	}
	listed, ok := line.Roster().OfNode(id.Node)
	switch {
	case line.Roster().Federation != cfg.Federation || w.Member != id.Member:
		return nil, ErrWelcome.With("why", "it is for another member or federation")
	case !ok || listed.ID != id.Member:
		return nil, ErrWelcome.With("why", "its newest roster does not list the node "+id.Node)
	}
	if err := invitedTo(cfg.Dir, g); err != nil {
		return nil, err
	}
	if had, err := ReadGenesis(cfg.Dir); err == nil {
		if had.Digest() != g.Digest() {
			return nil, ErrFounded.With("dir", cfg.Dir)
		}
	} else if _, serr := os.Stat(filepath.Join(cfg.Dir, genesisFile)); serr == nil {
		return nil, err
	}
	if err := takeBlind(cfg, store, g, w); err != nil {
		return nil, err
	}
	if err := WriteRosters(cfg.Dir, line); err != nil {
		return nil, err
	}
	return line, WriteFile(filepath.Join(cfg.Dir, genesisFile), []byte(w.Genesis)) // last: it makes the folder a member's
}

// invitedTo holds a genesis against the invitation that this folder answers, if that
// names a charter.
func invitedTo(dir string, g members.Genesis) error {
	raw, err := readFile(filepath.Join(dir, invitationFile), maxPaper)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", invitationFile+" cannot be read")
	}
	inv, err := ReadInvitation(raw, time.Time{}) // it may have expired since it was answered
	if err != nil {
		return err
	}
	if inv.Charter != "" && inv.Charter != g.Digest() {
		return ErrWelcome.With("why", "its charter is not the one the invitation names")
	}
	return nil
}

// takeBlind opens this member's copy of the blinding key, holds it against the
// charter's commitment and keeps it.
func takeBlind(cfg config.Config, store *keystore.Store, g members.Genesis, w Welcome) error {
	c, err := members.ParseCharter(g.Charter)
	if err != nil {
		return err
	}
	if c.Blind.Scheme != blindScheme {
		return nil
	}
	sealKey, err := store.Key(keys.Seal)
	if err != nil {
		return err
	}
	key, err := seal.Decrypt(sealKey, blindContent, w.Blind)
	if err != nil {
		return ErrWelcome.With("why", "its blinding key does not open for this member")
	}
	defer clear(key)
	if !fitsBlind(c.Blind, w.Member, key) {
		return ErrWelcome.With("why", "its blinding key is not the one the charter commits to")
	}
	if err := store.PutSecret(SecretBlind, key); errors.Is(err, keystore.ErrExists) {
		return ErrFounded.Wrap(err, "dir", cfg.Dir)
	} else if err != nil {
		return err
	}
	return nil
}

// Renew makes a folder's node another one: a new node id and a new TLS key, the
// member's other keys kept. What it voted under the old id is forgotten, so the old
// log is set aside. It returns the introduction by which the members replace the
// node. The node must not run.
func Renew(cfg config.Config, store *keystore.Store, now time.Time) ([]byte, error) {
	old, err := ReadIdentity(cfg.Dir)
	if err != nil {
		return nil, err
	}
	intro, err := ownIntroduction(cfg.Dir)
	if err != nil {
		return nil, err
	}
	me := intro.Member
	if g, err := ReadGenesis(cfg.Dir); err == nil {
		line, err := ReadRosters(cfg.Dir, g)
		if err != nil {
			return nil, err
		}
		if listed, ok := line.Roster().Member(old.Member); ok {
			me = listed
		}
	}
	fresh, err := store.Generate(keys.TLS)
	if err != nil {
		return nil, err
	}
	if err := setAside(cfg.Dir, old.Node); err != nil {
		return nil, err
	}
	if me.Node.ID, err = NewNode(cfg.Dir); err != nil {
		return nil, err
	}
	me.Keys = withKey(me.Keys, fresh)
	return reintroduce(cfg, store, me, now)
}

// setAside moves the log out of the way; the folder then counts as never started.
func setAside(dir, node string) error {
	if err := os.Remove(filepath.Join(dir, startedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return ErrFolder.Wrap(err, "dir", dir, "why", startedFile+" cannot be removed")
	}
	ledger := filepath.Join(dir, "ledger")
	if err := os.Rename(ledger, ledger+"-of-"+node); err != nil && !errors.Is(err, os.ErrNotExist) {
		return ErrFolder.Wrap(err, "dir", dir, "why", "the old ledger cannot be set aside")
	}
	return SyncFolder(dir)
}

func withKey(all []keys.Public, fresh keys.Public) []keys.Public {
	out := append([]keys.Public(nil), all...)
	for i, k := range out {
		if k.Use() == fresh.Use() {
			out[i] = fresh
		}
	}
	return out
}

// reintroduce signs a new introduction and puts it in the place of the old one.
func reintroduce(cfg config.Config, store *keystore.Store, me members.Founder, now time.Time) ([]byte, error) {
	me.Node.Role = ""
	token, err := Introduce(store, cfg.Federation, me, now)
	if err != nil {
		return nil, err
	}
	return token, WriteFile(filepath.Join(cfg.Dir, IntroductionFile), token)
}

// Introduce signs an introduction with the command key it lists.
func Introduce(store *keystore.Store, federation string, me members.Founder, now time.Time) ([]byte, error) {
	payload, err := strictjson.Marshal(members.Introduction{Format: members.IntroductionFormat, Federation: federation,
		At: exchange.MillisOf(now), Member: me})
	if err != nil {
		return nil, err
	}
	key, err := store.ByKID(keyFor(me, keys.Command).KID())
	if err != nil {
		return nil, err
	}
	token, err := jws.Sign(key, jws.TypIntroduction, payload)
	return []byte(token), err
}
