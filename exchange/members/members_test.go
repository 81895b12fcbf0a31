package members_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func charter() *members.Charter {
	cat, doc := catalogue.Demo()
	c := &members.Charter{Format: members.CharterFormat, Federation: "testland", Name: exchange.Text{Zh: "联合体", En: "federation"},
		Founded: 1_448_409_600_000, CosignQuorum: 2, Catalogue: members.CatalogueRef{Digest: catalogue.Digest(cat), Version: doc.Version},
		Blind: members.BlindRef{Scheme: "h1", Commitment: "abc"}, MachineVersion: 1, AdoptQuorum: 2}
	for i, id := range []exchange.MemberID{"regulator", "court", "insurer"} {
		f := members.Founder{ID: id, Kind: exchange.KindRegulator, Name: exchange.Text{Zh: "某局", En: "an office"}, Seat: i < 2,
			Node: members.Node{ID: "n-" + string(id), Address: fmt.Sprintf("host%d.example:7000", i)}}
		for _, use := range keys.Uses() {
			f.Keys = append(f.Keys, cryptotest.Public(string(id), use))
		}
		c.Members = append(c.Members, f)
	}
	return c
}

func genesis(tb testing.TB) members.Genesis {
	tb.Helper()
	c := charter()
	payload, err := c.Encode()
	must(tb, err)
	cat, _ := catalogue.Demo()
	g := members.Genesis{Charter: payload, Catalogue: cat}
	for _, m := range c.Members {
		token, err := jws.Sign(cryptotest.Key(string(m.ID), keys.Command), jws.TypCharter, payload)
		must(tb, err)
		g.Signatures = append(g.Signatures, token)
	}
	return g
}

func TestCharterRoundTrip(t *testing.T) {
	payload, err := charter().Encode()
	must(t, err)
	c, err := members.ParseCharter(payload)
	must(t, err)
	again, err := c.Encode()
	must(t, err)
	if !bytes.Equal(again, payload) {
		t.Error("a charter does not survive")
	}
}

func TestCharterRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		at   string
		edit func(*members.Charter)
	}{
		"format":          {"/format", func(c *members.Charter) { c.Format = "accord-charter/2" }},
		"federation":      {"/federation", func(c *members.Charter) { c.Federation = "a b" }},
		"no zh":           {"/name", func(c *members.Charter) { c.Name.Zh = "" }},
		"time":            {"/founded", func(c *members.Charter) { c.Founded = 0 }},
		"nobody":          {"/members", func(c *members.Charter) { c.Members = nil }},
		"digest":          {"/catalogue/digest", func(c *members.Charter) { c.Catalogue.Digest = "x" }},
		"version":         {"/catalogue/version", func(c *members.Charter) { c.Catalogue.Version = 0 }},
		"machine":         {"/machine_version", func(c *members.Charter) { c.MachineVersion = 0 }},
		"blind":           {"/blind/commitment", func(c *members.Charter) { c.Blind.Commitment = "" }},
		"cosign 0":        {"/cosign_quorum", func(c *members.Charter) { c.CosignQuorum = 0 }},
		"cosign high":     {"/cosign_quorum", func(c *members.Charter) { c.CosignQuorum = 4 }},
		"adopt > seats":   {"/adopt_quorum", func(c *members.Charter) { c.AdoptQuorum = 3 }},
		"id twice":        {"/members/1/id", func(c *members.Charter) { c.Members[1].ID = "regulator" }},
		"kind":            {"/members/0/kind", func(c *members.Charter) { c.Members[0].Kind = "bank" }},
		"uscc":            {"/members/0/uscc", func(c *members.Charter) { c.Members[0].USCC = "91639900MA0000001X" }},
		"node twice":      {"/members/1/node/id", func(c *members.Charter) { c.Members[1].Node.ID = "n-regulator" }},
		"address":         {"/members/1/node/address", func(c *members.Charter) { c.Members[1].Node.Address = "host" }},
		"port 0":          {"/members/1/node/address", func(c *members.Charter) { c.Members[1].Node.Address = "host:0" }},
		"port 007":        {"/members/1/node/address", func(c *members.Charter) { c.Members[1].Node.Address = "host:007" }},
		"address twice":   {"/members/1/node/address", func(c *members.Charter) { c.Members[1].Node.Address = c.Members[0].Node.Address }},
		"key missing":     {"/members/1/keys", func(c *members.Charter) { c.Members[1].Keys = c.Members[1].Keys[1:] }},
		"use twice":       {"/members/1/keys/1", func(c *members.Charter) { c.Members[1].Keys[1] = cryptotest.Public("x", keys.Command) }},
		"another's key":   {"/members/1/keys/0", func(c *members.Charter) { c.Members[1].Keys[0] = c.Members[0].Keys[0] }},
		"one key, 2 uses": {"/members/0/keys/4", func(c *members.Charter) { c.Members[0].Keys[4] = sameKey(c.Members[0].Keys[0], keys.TLS) }},
	} {
		ch := charter()
		c.edit(ch)
		err := ch.Validate()
		if !errors.Is(err, members.ErrCharter) || exchange.AsError(err).Field != c.at {
			t.Errorf("%s: %v at %q, want %q", name, err, exchange.AsError(err).Field, c.at)
		}
	}
}

func sameKey(k keys.Public, use keys.Use) keys.Public {
	p, err := keys.FromJWK(use, k.JWK())
	if err != nil {
		panic(err)
	}
	return p
}

func TestGenesisVerifies(t *testing.T) {
	g := genesis(t)
	must(t, g.Verify())
	data, err := g.Encode()
	must(t, err)
	back, err := members.DecodeGenesis(data)
	must(t, err)
	if back.Digest() != g.Digest() || back.Verify() != nil {
		t.Error("a genesis does not survive its file")
	}
	for name, edit := range map[string]func(*members.Genesis){
		"signature missing":   func(g *members.Genesis) { g.Signatures = g.Signatures[1:] },
		"signed twice by one": func(g *members.Genesis) { g.Signatures[1] = g.Signatures[0] },
		"stranger":            func(g *members.Genesis) { g.Signatures[1] = signed(t, "stranger", keys.Command, g.Charter) },
		"wrong charter":       func(g *members.Genesis) { g.Signatures[1] = signed(t, "court", keys.Command, []byte(`{}`)) },
		"other bytes": func(g *members.Genesis) {
			g.Charter = bytes.Replace(g.Charter, []byte(`"abc"`), []byte(`"abd"`), 1)
		},
		"catalogue": func(g *members.Genesis) { g.Catalogue, _ = catalogue.Default() },
		"garbage":   func(g *members.Genesis) { g.Signatures[0] = "x.y.z" },
	} {
		bad := genesis(t)
		edit(&bad)
		if err := bad.Verify(); err == nil {
			t.Errorf("%s: verifies", name)
		}
	}
}

func signed(t *testing.T, member string, use keys.Use, payload []byte) string {
	t.Helper()
	token, err := jws.Sign(cryptotest.Key(member, use), jws.TypCharter, payload)
	must(t, err)
	return token
}

func TestPhrase(t *testing.T) {
	seen := map[string]bool{}
	zh, en := members.Words()
	for _, table := range [][]string{zh, en} {
		if len(table) != 256 {
			t.Fatalf("a table has %d words", len(table))
		}
		for _, w := range table {
			if seen[w] {
				t.Errorf("%s stands twice", w)
			}
			seen[w] = true
		}
	}
	digest := "sha256:" + strings.Repeat("00", 32)
	p := members.Phrase(digest)
	if want := (exchange.Text{Zh: goldenZh, En: goldenEn}); p != want {
		t.Errorf("the words of a digest changed: %+v", p)
	}
	if members.Phrase(digest[:70]+"1") == p {
		t.Error("two digests, one phrase")
	}
}

func FuzzParseCharter(f *testing.F) {
	payload, err := charter().Encode()
	must(f, err)
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := members.ParseCharter(data)
		if (err == nil) != (c != nil) {
			t.Fatal("error and charter exclude each other")
		}
		if c != nil {
			if _, err := c.Encode(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

const (
	goldenZh = "雷电 手套 茶杯 广州 黄河 松树"
	goldenEn = "gold rainbow police ink flower eagle"
)
