package founding

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/members"
)

// TestAnInvitationLeadsToItsFederation: one of a federation that is founded names its
// charter and its members' nodes, and who answers it takes no welcome of another.
func TestAnInvitationLeadsToItsFederation(t *testing.T) {
	name := exchange.Text{Zh: "青海保险信用", En: "Qinghai insurance credit"}
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	before, err := Invite(a.cfg, a.store, name, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if inv, err := ReadInvitation(before, now); err != nil || inv.Charter != "" || inv.Endpoints != nil || inv.Format != invitationFormat {
		t.Errorf("before the founding: %+v %v", inv, err)
	}
	draft, signatures := papers(t, a, b)
	if _, err := Found(a.cfg, a.store, draft, signatures); err != nil {
		t.Fatal(err)
	}
	ours, err := ReadGenesis(a.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	other := members.Genesis{Charter: []byte("of another federation")}
	token, err := Invite(a.cfg, a.store, name, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := ReadInvitation(token, now)
	if err != nil || inv.Charter != ours.Digest() || !slices.Equal(inv.Endpoints, []string{"127.0.0.1:7101", "127.0.0.1:7104"}) || inv.Format != admissionFormat {
		t.Errorf("%+v %v", inv, err)
	}
	if _, err := a.store.GenerateAt(keys.Command, now.Add(time.Minute)); err != nil { // no roster lists it yet
		t.Fatal(err)
	}
	if token, err = Invite(a.cfg, a.store, name, now, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadInvitation(token, now); err != nil {
		t.Errorf("by a member that exchanges its keys: %v", err)
	}
	newcomer := initialise(t, "bank", exchange.KindInsurer, "127.0.0.1:7109", token)
	if err := invitedTo(newcomer.cfg.Dir, ours); err != nil {
		t.Error(err)
	}
	if err := invitedTo(newcomer.cfg.Dir, other); !errors.Is(err, ErrWelcome) {
		t.Errorf("a welcome of another federation: %v", err)
	}
	if err := invitedTo(b.cfg.Dir, other); err != nil {
		t.Errorf("who answered none: %v", err)
	}
	if err := WriteFile(filepath.Join(newcomer.cfg.Dir, invitationFile), append(token[:len(token)-4], "AAAA"...)); err != nil {
		t.Fatal(err)
	}
	if err := invitedTo(newcomer.cfg.Dir, ours); !errors.Is(err, ErrPaper) {
		t.Errorf("an altered invitation: %v", err)
	}
}

// TestInvitationsAreWhole: what an invitation of either form must have.
func TestInvitationsAreWhole(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		inv  Invitation
		want bool
	}{
		"to found":              {Invitation{Format: invitationFormat}, true},
		"to found, a charter":   {Invitation{Format: invitationFormat, Charter: digest}, false},
		"to found, an endpoint": {Invitation{Format: invitationFormat, Endpoints: []string{"a:1"}}, false},
		"to join":               {Invitation{Format: admissionFormat, Charter: digest, Endpoints: []string{"a:1", "[::1]:2"}}, true},
		"to join nothing":       {Invitation{Format: admissionFormat, Endpoints: []string{"a:1"}}, false},
		"to join nobody":        {Invitation{Format: admissionFormat, Charter: digest}, false},
		"no port":               {Invitation{Format: admissionFormat, Charter: digest, Endpoints: []string{"a"}}, false},
		"too many":              {Invitation{Format: admissionFormat, Charter: digest, Endpoints: slices.Repeat([]string{"a:1"}, members.MaxMembers+1)}, false},
	} {
		if got := c.inv.whole(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAnInvitationListsTheKeysOfTheRoster: the inviter's keys have been exchanged since it
// introduced itself.
func TestAnInvitationListsTheKeysOfTheRoster(t *testing.T) {
	a := initialise(t, "regulator", exchange.KindRegulator, "127.0.0.1:7101", nil)
	b := initialise(t, "court", exchange.KindCourt, "127.0.0.1:7104", nil)
	draft, signatures := papers(t, a, b)
	if _, err := Found(a.cfg, a.store, draft, signatures); err != nil {
		t.Fatal(err)
	}
	g, err := ReadGenesis(a.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	line, err := g.Lineage()
	if err != nil {
		t.Fatal(err)
	}
	sign := func(by founder, typ string, v any) string {
		t.Helper()
		token, err := signPaper(by.store, typ, v)
		if err != nil {
			t.Fatal(err)
		}
		return string(token)
	}
	r := *line.Roster()
	r.Members = slices.Clone(r.Members)
	r.Charter, r.Previous, r.Version = g.Digest(), line.Digest(), line.Version()+1
	i := slices.IndexFunc(r.Members, func(f members.Founder) bool { return f.ID == "regulator" })
	r.Members[i].Keys = slices.Clone(r.Members[i].Keys)
	at := slices.IndexFunc(r.Members[i].Keys, func(k keys.Public) bool { return k.Use() == keys.Command })
	old, err := a.store.Key(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	if r.Members[i].Keys[at], err = a.store.GenerateAt(keys.Command, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	document, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	yes := members.RosterEndorsement{Federation: "qinghai", Roster: members.Digest(document), Version: r.Version}
	byOld, err := signPaperWith(old, jws.TypEndorsement, yes)
	if err != nil {
		t.Fatal(err)
	}
	next, err := line.Extend(members.SignedRoster{Document: string(document), Endorsements: []string{string(byOld), sign(b, jws.TypEndorsement, yes)},
		Proofs: []string{sign(a, jws.TypIntroduction, members.Introduction{Format: members.IntroductionFormat, Federation: "qinghai", At: 1, Member: r.Members[i]})}}, nil)
	if err == nil {
		err = WriteRosters(a.cfg.Dir, next)
	}
	if err != nil {
		t.Fatal(err)
	}
	token, err := Invite(a.cfg, a.store, exchange.Text{Zh: "青海", En: "Qinghai"}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := ReadInvitation(token, now)
	if err != nil || inv.Convener.Keys[at].KID() != r.Members[i].Keys[at].KID() {
		t.Errorf("it lists %s: %v", inv.Convener.Keys[at].KID(), err)
	}
}
