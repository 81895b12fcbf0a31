package founding

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	if _, err := ReadInvitation(inv, now.Add(2*time.Hour)); !errors.Is(err, ErrPaper) {
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
