package founding

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/node/config"
)

var now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// founder is one initialised folder.
type founder struct {
	cfg   config.Config
	store *keystore.Store
	intro []byte
}

func initialise(t *testing.T, member exchange.MemberID, kind exchange.MemberKind, address string, invitation []byte) founder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), string(member))
	o := Options{Dir: dir, Member: member, Kind: kind, Name: exchange.Text{Zh: "例" + string(member), En: "Example " + string(member)},
		Listen: address, Operator: "admin", Invitation: invitation, Clock: clock}
	if invitation == nil {
		o.Federation = "qinghai"
	}
	intro, err := Init(o)
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(dir, func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenKeys(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return founder{cfg, store, intro}
}

func defaultCatalogue() []byte {
	raw, _ := catalogue.Default()
	return raw
}

func TestTwoFoundersAgree(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	inv, err := Invite(a.cfg, a.store, exchange.Text{Zh: "青海保险信用", En: "Qinghai insurance credit"}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", inv)
	draft, err := MakeDraft("qinghai", [][]byte{a.intro, b.intro}, Terms{Name: exchange.Text{Zh: "青海", En: "Qinghai"}, Catalogue: defaultCatalogue()}, now)
	if err != nil {
		t.Fatal(err)
	}
	modern, _ := catalogue.Full()
	for version, document := range map[int][]byte{MachineVersion: defaultCatalogue(), 4: modern} {
		raw, err := MakeDraft("qinghai", [][]byte{a.intro, b.intro}, Terms{Name: exchange.Text{Zh: "青海", En: "Qinghai"}, Catalogue: document}, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, c, err := ReadDraft(raw); err != nil || c.MachineVersion != version {
			t.Errorf("the charter asks for machine version %d, its catalogue for %d: %v", c.MachineVersion, version, err)
		}
	}
	var signatures [][]byte
	for _, f := range []founder{a, b} {
		sig, err := Sign(f.cfg, f.store, draft)
		if err != nil {
			t.Fatal(err)
		}
		signatures = append(signatures, sig)
	}
	if _, err := Found(a.cfg, a.store, draft, signatures[:1]); !errors.Is(err, members.ErrGenesis) {
		t.Errorf("founded with one signature of two: %v", err)
	}
	var digests []string
	for _, f := range []founder{a, b} {
		d, err := Found(f.cfg, f.store, draft, signatures)
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d)
	}
	ga, erra := ReadGenesis(a.cfg.Dir)
	gb, errb := ReadGenesis(b.cfg.Dir)
	if erra != nil || errb != nil || ga.Digest() != gb.Digest() || ga.Digest() != digests[0] {
		t.Fatalf("%v %v: the folders hold different federations", erra, errb)
	}
	ka, _ := a.store.Secret(SecretBlind)
	kb, _ := b.store.Secret(SecretBlind)
	if len(ka) != 32 || !bytes.Equal(ka, kb) {
		t.Error("the founders blind with different keys")
	}
	if strings.Contains(string(draft), string(ka)) {
		t.Error("the blinding key stands in the draft")
	}
	if _, err := Found(a.cfg, a.store, draft, signatures); err != nil {
		t.Errorf("founding again with the same papers: %v", err)
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	f := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	before, _ := os.ReadFile(filepath.Join(f.cfg.Dir, nodeFile))
	_, err := Init(Options{Dir: f.cfg.Dir, Federation: "qinghai", Member: "court", Kind: exchange.KindCourt,
		Name: exchange.Text{Zh: "例", En: "x"}, Listen: "127.0.0.1:1", Operator: "admin", Clock: clock})
	if !errors.Is(err, ErrExists) {
		t.Errorf("a second init answered %v", err)
	}
	after, _ := os.ReadFile(filepath.Join(f.cfg.Dir, nodeFile))
	if !bytes.Equal(before, after) {
		t.Error("the identity changed")
	}
	for _, file := range []string{nodeFile, passphraseFile, IntroductionFile} {
		if info, err := os.Stat(filepath.Join(f.cfg.Dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
	}
}

func TestExpiredAndForgedPapersAreRefused(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	inv, err := Invite(a.cfg, a.store, exchange.Text{Zh: "青海", En: "Qinghai"}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadInvitation(inv, now.Add(2*time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("an expired invitation: %v", err)
	}
	for i := range inv {
		forged := bytes.Clone(inv)
		forged[i] ^= 1
		if _, err := ReadInvitation(forged, now); err == nil {
			t.Fatalf("an invitation with byte %d changed was accepted", i)
		}
	}
	if _, err := ReadInvitation(a.intro, now); err == nil {
		t.Error("an introduction passed for an invitation")
	}
}

func TestADraftThatChangesAnyoneIsNotSigned(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	raw, err := MakeDraft("qinghai", [][]byte{a.intro, b.intro}, Terms{Name: exchange.Text{Zh: "青海", En: "Qinghai"}, Catalogue: defaultCatalogue()}, now)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(change func(*Draft)) []byte {
		var d Draft
		if err := strictjson.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		change(&d)
		out, _ := strictjson.Marshal(d)
		return out
	}
	for name, change := range map[string]func(*Draft){
		"another address": func(d *Draft) { d.Charter = strings.Replace(d.Charter, "127.0.0.1:7104", "127.0.0.1:9", 1) },
		"no seat":         func(d *Draft) { d.Charter = strings.Replace(d.Charter, `"seat":true`, `"seat":false`, 1) },
		"catalogue":       func(d *Draft) { d.Catalogue += " " },
		"a member less":   func(d *Draft) { d.Introductions = d.Introductions[:1] },
		"another blinding key": func(d *Draft) {
			d.Blind["court"] = d.Blind["regulator"]
		},
	} {
		if _, err := Sign(b.cfg, b.store, edit(change)); err == nil {
			t.Errorf("%s: the court signed", name)
		}
	}
	if _, err := Sign(b.cfg, b.store, raw); err != nil {
		t.Errorf("the untouched draft: %v", err)
	}
}

// papers are a draft by two founders and their signatures.
func papers(t *testing.T, founders ...founder) (draft []byte, signatures [][]byte) {
	t.Helper()
	var intros [][]byte
	for _, f := range founders {
		intros = append(intros, f.intro)
	}
	draft, err := MakeDraft("qinghai", intros, Terms{Name: exchange.Text{Zh: "青海", En: "Qinghai"}, Catalogue: defaultCatalogue()}, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range founders {
		sig, err := Sign(f.cfg, f.store, draft)
		if err != nil {
			t.Fatalf("%s does not sign: %v", f.cfg.Member, err)
		}
		signatures = append(signatures, sig)
	}
	return draft, signatures
}

// TestAMendedDraftIsSigned: the first draft was not the last word.
func TestAMendedDraftIsSigned(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	papers(t, a, b)
	draft, signatures := papers(t, a, b)
	if _, err := Found(a.cfg, a.store, draft, signatures); err != nil {
		t.Errorf("the second draft does not found: %v", err)
	}
}

// TestASecondFoundingChangesNothing: another charter with everybody's signature.
func TestASecondFoundingChangesNothing(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	draft, signatures := papers(t, a, b)
	digest, err := Found(a.cfg, a.store, draft, signatures)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := a.store.Secret(SecretBlind)
	other, otherSignatures := papers(t, a, b)
	if _, err := Found(a.cfg, a.store, other, otherSignatures); !errors.Is(err, ErrFounded) {
		t.Errorf("a second charter: %v", err)
	}
	after, _ := a.store.Secret(SecretBlind)
	g, err := ReadGenesis(a.cfg.Dir)
	if err != nil || g.Digest() != digest || !bytes.Equal(key, after) {
		t.Errorf("the founding was touched: %v", err)
	}
	os.Remove(filepath.Join(a.cfg.Dir, genesisFile)) // even then the blinding key says what it was
	if _, err := Found(a.cfg, a.store, other, otherSignatures); !errors.Is(err, ErrFounded) {
		t.Errorf("with the genesis lost: %v", err)
	}
	if _, err := Found(a.cfg, a.store, draft, signatures); err != nil {
		t.Errorf("the same papers restore it: %v", err)
	}
}

func TestWrongIntroductionsMakeNoDraft(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	twice := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7105", nil)
	again := func(change func(*members.Introduction)) []byte {
		in, err := ReadIntroduction(b.intro)
		if err != nil {
			t.Fatal(err)
		}
		change(&in)
		token, err := signPaper(b.store, "accord-introduction+jws", in)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, c := range map[string]struct {
		intro []byte
		want  error
	}{
		"the same member twice": {twice.intro, ErrDraft},
		"no key to encrypt to": {again(func(in *members.Introduction) {
			in.Member.Keys = slices.DeleteFunc(in.Member.Keys, func(k keys.Public) bool { return k.Use() == keys.Seal })
		}), ErrDraft},
		"another federation": {again(func(in *members.Introduction) { in.Federation = "gansu" }), ErrDraft},
		"a name with a line": {again(func(in *members.Introduction) { in.Member.ID = "court\nall is well" }), ErrPaper},
		"the same address": {again(func(in *members.Introduction) {
			in.Member.ID = "c2"
			in.Member.Node = members.Node{ID: "c2", Address: "127.0.0.1:7101"}
		}), members.ErrCharter},
	} {
		intros := [][]byte{a.intro, b.intro, c.intro}
		if name != "the same member twice" {
			intros = [][]byte{a.intro, c.intro}
		}
		_, err := MakeDraft("qinghai", intros, Terms{Name: exchange.Text{Zh: "青海", En: "Qinghai"}, Catalogue: defaultCatalogue()}, now)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInitThatCannotWorkMakesNothing: what is wrong is said before keys exist.
func TestInitThatCannotWorkMakesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"kind":            func(o *Options) { o.Kind = "bakery" },
		"name":            func(o *Options) { o.Name.En = "" },
		"credit code":     func(o *Options) { o.USCC = "11639900MB0000001X" },
		"address":         func(o *Options) { o.Advertise = "somewhere" },
		"member":          func(o *Options) { o.Member = "../court" },
		"operator":        func(o *Options) { o.Operator = "wang li" },
		"unknown setting": func(o *Options) { o.Settings = map[string]string{"raft.timeot": "1s"} },
		"bad setting":     func(o *Options) { o.Settings = map[string]string{"raft.timeout": "soon"} },
	} {
		o := Options{Dir: filepath.Join(t.TempDir(), "x"), Federation: "qinghai", Member: "court", Kind: exchange.KindCourt,
			Name: exchange.Text{Zh: "例", En: "x"}, Listen: "127.0.0.1:7104", Operator: "admin", Clock: clock}
		spoil(&o)
		if _, err := Init(o); err == nil || exchange.AsError(err).Kind != exchange.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(o.Dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a folder was made", name)
		}
	}
}

func TestAnInterruptedInitSaysSo(t *testing.T) {
	f := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	os.Remove(filepath.Join(f.cfg.Dir, nodeFile))
	_, err := Init(Options{Dir: f.cfg.Dir, Federation: "qinghai", Member: "court", Kind: exchange.KindCourt,
		Name: exchange.Text{Zh: "例", En: "x"}, Listen: "127.0.0.1:1", Operator: "admin", Clock: clock})
	if !errors.Is(err, ErrFolder) {
		t.Errorf("%v", err)
	}
}

// TestWhyKeysDoNotOpen: what is wrong with passphrase and keystore is said, so that
// it can be mended.
func TestWhyKeysDoNotOpen(t *testing.T) {
	cfg := initialise(t, "court", "court", "127.0.0.1:7104", nil).cfg
	pass := cfg.Path(cfg.PassphraseFile)
	good, err := os.ReadFile(pass)
	if err != nil {
		t.Fatal(err)
	}
	write := func(data []byte, mode os.FileMode) {
		os.Remove(pass)
		if err := errors.Join(os.WriteFile(pass, data, mode), os.Chmod(pass, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for zh, spoil := range map[string]func(){
		"口令文件不存在": func() { os.Remove(pass) },
		"口令文件不够私密：所有者须为当前用户，权限须为 0600":       func() { write(good, 0o644) },
		"口令文件为空、过短或过长":                       func() { write(nil, 0o600) },
		"口令不是此密钥库的，或密钥库被改过":                  func() { write([]byte("another passphrase of good length"), 0o600) },
		"密钥库不够私密：keys/ 须为 0700，其中的文件须为 0600": func() { write(good, 0o600); os.Chmod(KeysFolder(cfg.Dir), 0o755) },
	} {
		os.Chmod(KeysFolder(cfg.Dir), 0o700)
		spoil()
		_, err := OpenKeys(cfg)
		if said := exchange.AsError(err).What(exchange.Zh); !errors.Is(err, ErrFolder) || !strings.Contains(said, zh) {
			t.Errorf("%s: %v (%s)", zh, err, said)
		}
	}
}

// TestStretchingIsForThoughtOfPassphrases: what a person thought of is derived at
// full cost, 32 random bytes are not.
func TestStretchingIsForThoughtOfPassphrases(t *testing.T) {
	for _, c := range []struct {
		name       string
		passphrase []byte
		want       keystore.Params
	}{
		{"random", nil, keystore.UniformParams()},
		{"given", []byte("correct horse battery staple"), keystore.DefaultParams()},
	} {
		dir := filepath.Join(t.TempDir(), "node")
		o := Options{Dir: dir, Federation: "qinghai", Member: "court", Kind: exchange.KindCourt, Name: exchange.Text{Zh: "例", En: "Example"},
			Listen: "127.0.0.1:8440", Operator: "admin", Clock: clock, Passphrase: c.passphrase}
		if _, err := Init(o); err != nil {
			t.Fatal(err)
		}
		passphrase := c.passphrase
		if passphrase == nil {
			var err error
			if passphrase, err = keystore.PassphraseFile(filepath.Join(dir, passphraseFile)); err != nil || len(passphrase) < 43 {
				t.Fatalf("%d characters: %v", len(passphrase), err)
			}
		}
		store, err := keystore.Open(KeysFolder(dir), passphrase)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if got := store.Params(); got != c.want {
			t.Errorf("%s: costs %v, want %v", c.name, got, c.want)
		}
	}
}
