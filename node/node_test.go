package node_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"accord/consensus/transport"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/intake"
	"accord/node"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/founding"
	"accord/node/nodetest"
	"accord/node/wire"
)

// certificate is a self-signed one over the key.
func certificate(t *testing.T, key ed25519.PrivateKey) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// dial shakes hands with a node's port; the far end's key is not what is under
// test here.
func dial(address, alpn string, certificates ...tls.Certificate) (*tls.Conn, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn}, Certificates: certificates})
	if err != nil {
		return nil, err
	}
	// with TLS 1.3 a refused client certificate shows at the first read
	conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	_, err = conn.Read(make([]byte, 1))
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		conn.SetReadDeadline(time.Time{})
		return conn, nil // the far end waits for us: it let us in
	}
	conn.Close()
	return nil, err
}

func memberKey(t *testing.T, c *nodetest.Cluster, member string) ed25519.PrivateKey {
	t.Helper()
	store, err := founding.OpenKeys(c.Config(member))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	key, err := store.Key(keys.TLS)
	if err != nil {
		t.Fatal(err)
	}
	return key.Ed25519()
}

// Shows: B1, F32
func TestWhoIsLetInOnThePort(t *testing.T) {
	c := nodetest.New(t)
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	address := c.Address("regulator")
	if _, err := dial(address, transport.ProtoRaft, certificate(t, stranger)); err == nil {
		t.Error("a foreign key was let in on the peer protocol")
	}
	if _, err := dial(address, transport.ProtoRaft); err == nil {
		t.Error("somebody without a key was let in on the peer protocol")
	}
	conn, err := dial(address, transport.ProtoRaft, certificate(t, memberKey(t, c, "court")))
	if err != nil {
		t.Errorf("a member was not let in: %v", err)
	} else {
		conn.Close()
	}
	old, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err == nil {
		old.Close()
		t.Error("TLS 1.2 was spoken")
	}
	get := func(path string, certificates ...tls.Certificate) int {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}}
		defer tr.CloseIdleConnections()
		resp, err := (&http.Client{Transport: tr}).Get("https://" + address + path)
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if got := get("/api/v1/lists/black/entries"); got != http.StatusOK {
		t.Errorf("the public gets %d for the black list", got)
	}
	if got := get("/api/v1/ledger/statements"); got != http.StatusForbidden {
		t.Errorf("the public gets %d for the ledger's statements", got)
	}
	if got := get("/api/v1/ledger/statements", certificate(t, stranger)); got != http.StatusForbidden {
		t.Errorf("a stranger's key gets %d for the ledger's statements", got)
	}
	if got := get("/api/v1/ledger/statements", certificate(t, memberKey(t, c, "court"))); got != http.StatusOK {
		t.Errorf("a member gets %d for the ledger's statements", got)
	}
	if got := get("/api/v1/releases", certificate(t, memberKey(t, c, "court"))); got != http.StatusForbidden {
		t.Errorf("a member gets %d on an operators' route", got)
	}
	if got := get("/metrics"); got == http.StatusOK {
		t.Error("the public sees the metrics")
	}
}

// Shows: B14
func TestTwoNodesOnOneFolderAreRefused(t *testing.T) {
	c := nodetest.New(t)
	n, err := node.Open(c.Config("court"), node.Options{})
	if err == nil {
		n.Close()
		t.Fatal("a second node opened the same folder")
	}
	if _, err := c.Client("court").Status(t.Context()); err != nil {
		t.Errorf("the first one suffered: %v", err)
	}
}

func TestStopAndStartAgain(t *testing.T) {
	c := nodetest.New(t)
	entry := nominate(t, c, "regulator")
	for m := range map[string]bool{"regulator": true, "commission": true, "association": true, "court": true} {
		c.Stop(m)
		c.Start(m)
		c.Ready()
	}
	for _, m := range []string{"regulator", "court"} {
		page, err := c.Client(m).Entries(t.Context(), "red", client.EntryQuery{Linear: true})
		if err != nil || len(page.Entries) != 1 || page.Entries[0].ID != entry.ID {
			t.Errorf("%s: %d entries, %v", m, len(page.Entries), err)
		}
	}
}

func nominate(t *testing.T, c *nodetest.Cluster, member string) wire.Entry {
	t.Helper()
	return put(t, c, member, founderCode(t, c, member, 0), "1")
}

// founderCode is the code of one of the members, as a subject.
func founderCode(t *testing.T, c *nodetest.Cluster, at string, founder int) string {
	t.Helper()
	f, err := c.Client(at).Federation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f.Members[founder].USCC
}

// put has a member put a subject on the red list, through whatever elections a slow
// machine makes of it.
func put(t *testing.T, c *nodetest.Cluster, member, uscc, number string) (entry wire.Entry) {
	t.Helper()
	tried := false
	until(t, member+" writes", func() bool {
		e, err := c.Client(member).Nominate(t.Context(), "red", wire.Nominate{SubjectKind: "enterprise", USCC: uscc, Name: "例",
			Ground: "decision", Decision: &wire.DecisionRef{Number: number, Authority: "例"}, TermDays: 365})
		if entry = e; err == nil {
			return true
		}
		x := exchange.AsError(err)
		if tried && x.Code == "LIST-013" { // it was recorded after all
			page, err := c.Client(member).Entries(t.Context(), "red", client.EntryQuery{Linear: true})
			at := slices.IndexFunc(page.Entries, func(e wire.Entry) bool { return string(e.Subject) == "org:"+uscc })
			if err == nil && at >= 0 {
				entry = page.Entries[at]
			}
			return err == nil && at >= 0
		}
		if x.Kind != exchange.KindUnavailable && x.Kind != exchange.KindNoQuorum && x.Kind != exchange.KindUnknownOutcome {
			t.Fatal(err)
		}
		tried = true
		return false
	})
	return entry
}

// TestPlaintextStaysAtItsAuthor imports the samples, opens a field at the court
// and then searches every folder and every log line for the private values.
//
// Shows: B10, B15, I4, D28
func TestPlaintextStaysAtItsAuthor(t *testing.T) {
	c := nodetest.New(t)
	ctx := t.Context()
	for name, mapping := range intake.Samples() {
		raw, err := intake.Sample(name)
		if err != nil {
			t.Fatal(err)
		}
		member := map[string]string{"discipline": "association", "penalties": "regulator", "court": "court"}[mapping]
		if _, err := c.Client(member).Import(ctx, client.ImportQuery{File: name, Mapping: mapping, AsOf: "2026-11-20"}, bytes.NewReader(raw), nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	page, err := c.Client("association").Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	rel, err := c.Client("court").AskRelease(ctx, wire.AskRelease{Record: page.Records[0].ID, Author: "association", Fields: []string{"resident_id"},
		Purpose: "enforcement", Basis: wire.Basis{Kind: "case", Ref: "(2026)青9901执9号"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client("court").Open(ctx, rel.ID); err != nil {
		t.Fatal(err)
	}
	for m := range c.Nodes {
		c.Stop(m)
	}
	_, finds, err := demo.Scan(intake.SampleCanaries(), c.Dir)
	if err != nil || len(finds) > 0 {
		t.Errorf("%v: found %+v", err, finds)
	}
	log := filepath.Join(t.TempDir(), "log")
	os.WriteFile(log, []byte(c.Log.String()), 0o600)
	if _, finds, _ := demo.Scan(intake.SampleCanaries(), log); len(finds) > 0 {
		t.Errorf("in the logs: %+v", finds)
	}
}

// TestACommandFromAnotherTimeIsNotAccepted moves one node's clock: what it
// stamps is refused at the leader, and nothing changes.
//
// Shows: B7, F18
func TestACommandFromAnotherTimeIsNotAccepted(t *testing.T) {
	c := nodetest.New(t)
	c.Stop("association")
	n, err := node.Open(c.Config("association"), node.Options{Clock: func() time.Time { return time.Now().Add(2 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	c.Nodes["association"] = n
	c.Ready()
	f, _ := c.Client("court").Federation(t.Context())
	for range 40 { // until another node leads: the late one must not decide on itself
		if s, _ := c.Client("court").Status(t.Context()); s.LeaderOf != "association" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	_, err = c.Client("association").Nominate(t.Context(), "red", wire.Nominate{SubjectKind: "enterprise", USCC: f.Members[0].USCC, Name: "例",
		Ground: "decision", Decision: &wire.DecisionRef{Number: "1", Authority: "例"}, TermDays: 365})
	if !errors.Is(err, node.ErrRefused) {
		t.Errorf("a command of two hours ahead: %v", err)
	}
	if _, err := c.Client("court").Ledger(t.Context(), true); err != nil { // all that was committed is applied
		t.Fatal(err)
	}
	list, err := c.Client("court").Entries(t.Context(), "red", client.EntryQuery{})
	if err != nil || len(list.Entries) != 0 {
		t.Errorf("on the list: %v, %v", list.Entries, err)
	}
}

func TestForeignFoldersDoNotStart(t *testing.T) {
	c := nodetest.New(t)
	c.Stop("court")
	cfg := c.Config("court")
	cfg.Member = "regulator"
	if _, err := node.Open(cfg, node.Options{}); !errors.Is(err, node.ErrStart) {
		t.Errorf("under another member's name: %v", err)
	}
	cfg = c.Config("court")
	os.WriteFile(cfg.Path(cfg.PassphraseFile), []byte("not the passphrase at all\n"), 0o600)
	if _, err := node.Open(cfg, node.Options{}); !errors.Is(err, founding.ErrFolder) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
}
