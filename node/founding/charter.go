package founding

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"time"

	"accord/crypto/blind"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/node/config"
)

// Draft is the file a convener sends to all founders to sign: the charter's
// exact bytes, the catalogue's, everybody's introduction, and the blinding key
// encrypted to each founder.
type Draft struct {
	Format        string                       `json:"format"`
	Charter       string                       `json:"charter"`
	Catalogue     string                       `json:"catalogue"`
	Introductions []string                     `json:"introductions"`
	Blind         map[exchange.MemberID]string `json:"blind"` // JWE to the member's seal key
}

const (
	draftFormat  = "accord-charter-draft/1"
	blindContent = "accord-blind-key"
	maxDraft     = 16 << 20
	// MachineVersion is the version of the ledger's rules a new charter agrees on,
	// unless its catalogue needs a later one.
	MachineVersion = 2
)

// Terms are what the founders agree beside who they are.
type Terms struct {
	Name         exchange.Text
	CosignQuorum int    // 0: a majority of the members
	AdoptQuorum  int    // 0: three quarters of the seats
	Catalogue    []byte // compiled document
	// Holders of the key that blinds persons' numbers, for a federation whose members do
	// not all hold it: one neutral member, or several of whom Threshold evaluate together.
	Holders   []exchange.MemberID
	Threshold int // 0: a majority of the holders
}

// MakeDraft assembles a draft charter from the founders' introductions.
func MakeDraft(federation string, introductions [][]byte, terms Terms, now time.Time) ([]byte, error) {
	cat, err := catalogue.Load(terms.Catalogue)
	if err != nil {
		return nil, err
	}
	ref, secrets, err := makeBlind(terms)
	if err != nil {
		return nil, err
	}
	d := Draft{Format: draftFormat, Catalogue: string(terms.Catalogue), Blind: map[exchange.MemberID]string{}}
	c := members.Charter{Format: members.CharterFormat, Federation: federation, Name: terms.Name, Founded: exchange.MillisOf(now),
		Catalogue: members.CatalogueRef{Digest: cat.Digest(), Version: cat.Document().Version},
		Blind:     ref, MachineVersion: max(MachineVersion, cat.Document().MachineVersion())}
	seats := 0
	for _, token := range introductions {
		in, err := ReadIntroduction(token)
		if err != nil {
			return nil, err
		}
		if in.Federation != federation {
			return nil, ErrDraft.With("why", "the introduction of "+string(in.Member.ID)+" is for another federation")
		}
		if d.Blind[in.Member.ID] != "" {
			return nil, ErrDraft.With("why", "two introductions of "+string(in.Member.ID))
		}
		c.Members = append(c.Members, in.Member)
		d.Introductions = append(d.Introductions, string(bytes.TrimSpace(token)))
		if in.Member.Seat {
			seats++
		}
		d.Blind[in.Member.ID] = noShare
		if secret := secrets(in.Member.ID); secret != nil {
			if d.Blind[in.Member.ID], err = seal.Encrypt(keyFor(in.Member, keys.Seal), blindContent, secret); err != nil {
				return nil, ErrDraft.Wrap(err, "why", "the introduction of "+string(in.Member.ID)+" lists no key to encrypt to")
			}
		}
	}
	c.CosignQuorum, c.AdoptQuorum = terms.CosignQuorum, terms.AdoptQuorum
	if c.CosignQuorum == 0 {
		c.CosignQuorum = len(c.Members)/2 + 1
	}
	if c.AdoptQuorum == 0 {
		c.AdoptQuorum = max(1, (3*seats+3)/4)
	}
	payload, err := c.Encode()
	if err != nil {
		return nil, err
	}
	d.Charter = string(payload)
	return strictjson.Marshal(d)
}

const blindScheme = blind.SchemeHMAC

// noShare stands in a draft for the secret of a member that holds no share.
const noShare = "-"

func keyFor(f members.Founder, use keys.Use) keys.Public {
	for _, k := range f.Keys {
		if k.Use() == use {
			return k
		}
	}
	return keys.Public{}
}

// ReadDraft reads a draft and checks everything that can be checked without
// keys: the charter is valid, each member in it introduced itself exactly so,
// and the catalogue is the one it names.
func ReadDraft(raw []byte) (Draft, *members.Charter, error) {
	fail := func(why string) (Draft, *members.Charter, error) { return Draft{}, nil, ErrDraft.With("why", why) }
	var d Draft
	if len(raw) > maxDraft {
		return fail("too long")
	}
	if err := strictjson.Unmarshal(raw, &d); err != nil || d.Format != draftFormat {
		return fail("not a draft charter")
	}
	c, err := members.ParseCharter([]byte(d.Charter))
	if err != nil {
		return Draft{}, nil, err
	}
	if catalogue.Digest([]byte(d.Catalogue)) != c.Catalogue.Digest {
		return fail("its catalogue is not the one the charter names")
	}
	if _, err := catalogue.Load([]byte(d.Catalogue)); err != nil {
		return Draft{}, nil, err
	}
	if len(d.Introductions) != len(c.Members) {
		return fail("not every member introduced itself")
	}
	if len(d.Blind) != len(c.Members) {
		return fail("it does not bring every member its blinding key")
	}
	for i, token := range d.Introductions {
		in, err := ReadIntroduction([]byte(token))
		if err != nil {
			return Draft{}, nil, err
		}
		if in.Federation != c.Federation || !sameFounder(in.Member, c.Members[i]) {
			return fail("member " + string(c.Members[i].ID) + " introduced itself differently")
		}
	}
	return d, c, nil
}

func sameFounder(a, b members.Founder) bool {
	x, errx := strictjson.Marshal(a)
	y, erry := strictjson.Marshal(b)
	return errx == nil && erry == nil && bytes.Equal(x, y)
}

// Sign checks a draft from the point of view of this folder's member and signs
// the charter. It keeps nothing: a draft that is mended is signed like the first.
func Sign(cfg config.Config, store *keystore.Store, raw []byte) ([]byte, error) {
	d, c, err := ReadDraft(raw)
	if err != nil {
		return nil, err
	}
	own, err := ownIntroduction(cfg.Dir)
	if err != nil {
		return nil, err
	}
	listed := false
	for _, m := range c.Members {
		listed = listed || sameFounder(m, own.Member)
	}
	if !listed || c.Federation != cfg.Federation {
		return nil, ErrDraft.With("why", "this member is not in it as it introduced itself")
	}
	if _, err := blindKey(store, d, c, own.Member.ID); err != nil {
		return nil, err
	}
	key, err := store.Key(keys.Command)
	if err != nil {
		return nil, err
	}
	token, err := jws.Sign(key, jws.TypCharter, []byte(d.Charter))
	return []byte(token), err
}

// blindKey opens this member's copy of the blinding key and holds it against
// the charter's commitment, so that no founder gets another key.
func blindKey(store *keystore.Store, d Draft, c *members.Charter, self exchange.MemberID) ([]byte, error) {
	sealKey, err := store.Key(keys.Seal)
	if err != nil {
		return nil, err
	}
	if !HoldsBlind(c.Blind, self) {
		return nil, nil
	}
	key, err := seal.Decrypt(sealKey, blindContent, d.Blind[self])
	if err != nil {
		return nil, ErrDraft.With("why", "its blinding key does not open for this member")
	}
	if !fitsBlind(c.Blind, self, key) {
		return nil, ErrDraft.With("why", "its blinding key is not the one the charter commits to")
	}
	return key, nil
}

// Found puts the draft and all founders' signatures together and writes the
// genesis into the data folder. It returns the charter's digest. A folder whose
// federation is founded stays as it is.
func Found(cfg config.Config, store *keystore.Store, raw []byte, signatures [][]byte) (string, error) {
	d, c, err := ReadDraft(raw)
	if err != nil {
		return "", err
	}
	if c.Federation != cfg.Federation {
		return "", ErrDraft.With("why", "it is for another federation")
	}
	g := members.Genesis{Charter: []byte(d.Charter), Catalogue: []byte(d.Catalogue)}
	for _, s := range signatures {
		g.Signatures = append(g.Signatures, string(bytes.TrimSpace(s)))
	}
	if err := g.Verify(); err != nil {
		return "", err
	}
	path := filepath.Join(cfg.Dir, genesisFile)
	if had, err := readFile(path, members.MaxGenesis); !errors.Is(err, os.ErrNotExist) {
		if old, derr := members.DecodeGenesis(had); err != nil || derr != nil || old.Digest() != g.Digest() {
			return "", ErrFounded.With("dir", cfg.Dir)
		}
		return g.Digest(), nil
	}
	key, err := blindKey(store, d, c, exchange.MemberID(cfg.Member))
	if err != nil {
		return "", err
	}
	if key != nil {
		if err := store.PutSecret(SecretBlind, key); errors.Is(err, keystore.ErrExists) {
			return "", ErrFounded.Wrap(err, "dir", cfg.Dir)
		} else if err != nil {
			return "", err
		}
	}
	file, err := g.Encode()
	if err != nil {
		return "", err
	}
	return g.Digest(), WriteFile(path, file)
}

func ownIntroduction(dir string) (members.Introduction, error) {
	raw, err := readFile(filepath.Join(dir, IntroductionFile), maxPaper)
	if err != nil {
		return members.Introduction{}, ErrFolder.Wrap(err, "dir", dir, "why", "it holds no introduction")
	}
	return ReadIntroduction(raw)
}

// OwnAddress is where the folder's introduction says that peers reach its node.
func OwnAddress(dir string) string {
	in, err := ownIntroduction(dir)
	if err != nil {
		return ""
	}
	return in.Member.Node.Address
}

func encodeID(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
