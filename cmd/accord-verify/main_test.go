package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/tlog"
)

// evidence writes a small good bundle and a policy into a folder of the test's
// own and gives their paths and the charter's digest.
func evidence(t *testing.T) (file, policy, digest string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	public := []keys.Public{cryptotest.Public("court", keys.Command), cryptotest.Public("court", keys.Cosign), cryptotest.Public("court", keys.Attest)}
	payload, err := json.Marshal(map[string]any{"format": bundle.CharterFormat, "federation": "qinghai", "founded": 1767225600000,
		"name": bundle.Text{Zh: "青海", En: "Qinghai"}, "members": []any{map[string]any{"id": "court", "keys": public}}})
	check(err)
	charter, err := jws.Sign(cryptotest.Key("court", keys.Command), jws.TypCharter, payload)
	check(err)
	const id = "command-00000000000001"
	command, err := jws.Sign(cryptotest.Key("court", keys.Command), jws.TypCommand,
		fmt.Appendf(nil, `{"fed":"qinghai","iss":"court","op":"op-7","iat":1767225601000,"cat":1,"id":%q,"verb":"list.nominate","body":{}}`, id))
	check(err)
	var ledger tlog.Tree
	ledger.Append(tlog.LeafHash(bundle.CharterLeaf(payload)))
	ledger.Append(tlog.LeafHash(bundle.Leaf(id, []byte(command), bundle.Accepted)))
	cosigner, err := tlog.NewCosigner("qinghai", "court", cryptotest.Key("court", keys.Cosign))
	check(err)
	c := tlog.Checkpoint{Origin: tlog.LedgerOrigin("qinghai"), Size: ledger.Size(), Root: ledger.Root()}
	sig, err := cosigner.Sign(c, 1767225602)
	check(err)
	note, err := tlog.Format(c, sig)
	check(err)
	b := bundle.New("qinghai", []string{charter}, note)
	check(b.AddCommand(ledger.View(), 1, command, bundle.Accepted))
	check(b.LogCharter(ledger.View(), 0))
	data, err := b.Marshal()
	check(err)
	p, err := tlog.NewPolicy(1, cosigner.Key())
	check(err)
	dir := t.TempDir()
	file, policy = filepath.Join(dir, "evidence.json"), filepath.Join(dir, "policy.txt")
	check(os.WriteFile(file, data, 0o600))
	check(os.WriteFile(policy, []byte(p.String()), 0o600))
	return file, policy, bundle.DigestOf(payload).String()
}

// printed is the code on a report that the court issued on an enterprise.
func printed(t *testing.T) string {
	t.Helper()
	const at = 1767225601
	c := &bundle.CreditReport{CreditCheck: bundle.CreditCheck{Federation: "qinghai", Issuer: "court", Subject: "org:91630000710582345X",
		ID: "check-00000000000001", IssuedAt: at}, ValidUntil: at + 30*86400}
	code, err := bundle.SignPaper(cryptotest.Key("court", keys.Attest), c, "token")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestRun(t *testing.T) {
	file, policy, digest := evidence(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, bytes.Replace(good, []byte(`"index":1`), []byte(`"index":0`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong, paper := strings.Repeat("0", 64), printed(t)
	forged := paper[:len(paper)-2] + strings.Map(func(c rune) rune {
		if c == 'A' {
			return 'B'
		}
		return 'A'
	}, paper[len(paper)-2:])
	for _, tc := range []struct {
		name string
		args []string
		want int
		out  string // in standard output
		err  string // in standard error
	}{
		{"alone", []string{file}, exitOK, "内部一致", ""},
		{"trusted", []string{"--trust", digest, file}, exitOK, "验证通过", ""},
		{"trusted, in English, flags behind", []string{file, "--trust", digest, "--lang=en"}, exitOK, "VERIFIED", ""},
		{"digest as read aloud", []string{file, "--trust", grouped(digest)}, exitOK, "验证通过", ""},
		{"by policy, flags on both sides", []string{"--lang", "en", file, "--policy", policy}, exitOK, "VERIFIED", ""},
		{"as JSON", []string{file, "--output", "json"}, exitOK, `"format": "accord-verification/1"`, ""},
		{"from standard input", []string{"-", "--trust", digest}, exitOK, "验证通过", ""},
		{"the paper of a report", []string{file, "--paper", paper, "--trust", digest}, exitOK, "91630000710582345X", ""},
		{"a forged paper", []string{file, "--paper", forged, "--lang", "en"}, exitUnverified, "paper.signature", ""},
		{"a paper from an empty variable", []string{file, "--paper", ""}, exitUsage, "", "--paper"},
		{"another digest", []string{file, "--trust", wrong}, exitUnverified, "验证不通过", ""},
		{"broken", []string{broken, "--lang", "en"}, exitUnverified, "command.inclusion", ""},
		{"broken as JSON", []string{broken, "--output", "json"}, exitUnverified, `"ok": false`, ""},
		{"not a bundle", []string{policy}, exitUnverified, "bundle.form", ""},
		{"help", []string{"-h"}, exitOK, "", "usage"},
		{"no file", nil, exitUsage, "", "give one FILE"},
		{"two files", []string{file, file}, exitUsage, "", "give one FILE"},
		{"no such file", []string{file + "x"}, exitUsage, "", "no such file"},
		{"unknown flag", []string{"--trusted", digest, file}, exitUsage, "", "trusted"},
		{"short digest", []string{"--trust", digest[:39], file}, exitUsage, "", "64 hex digits"},
		{"a digest from an empty variable", []string{"--trust", "", file}, exitUsage, "", "64 hex digits"},
		{"a policy from an empty variable", []string{"--policy", "", file}, exitUsage, "", "--policy"},
		{"a policy that is none", []string{"--policy", file, file}, exitUsage, "", "--policy"},
		{"unknown output", []string{"--output", "xml", file}, exitUsage, "", "--output"},
		{"unknown language", []string{"--lang", "fr", file}, exitUsage, "", "--lang"},
	} {
		var stdout, stderr bytes.Buffer
		got := run(tc.args, bytes.NewReader(good), &stdout, &stderr)
		if got != tc.want || !strings.Contains(stdout.String(), tc.out) || !strings.Contains(stderr.String(), tc.err) {
			t.Errorf("%s: exit %d, want %d\n%s%s", tc.name, got, tc.want, stdout.String(), stderr.String())
		}
		if got == exitUsage && stdout.Len() > 0 {
			t.Errorf("%s: wrote a report", tc.name)
		}
	}
}

func grouped(s string) string {
	d, _ := bundle.ParseDigest(s)
	return d.Grouped()
}

// TestUnwritten: a verdict nobody could read is not a success.
func TestUnwritten(t *testing.T) {
	file, _, _ := evidence(t)
	for _, output := range []string{"text", "json"} {
		var stderr bytes.Buffer
		if got := run([]string{file, "--output", output}, nil, full{}, &stderr); got == exitOK {
			t.Errorf("%s: exit 0 though nothing was written", output)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

// TestLinksCryptoOnly: whoever audits the verifier need read the crypto packages
// and their few libraries, and nothing of a node.
func TestLinksCryptoOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	libraries := []string{"github.com/go-json-experiment/json", "github.com/oasisprotocol/curve25519-voi",
		"github.com/go-jose/go-jose/v4", "golang.org/x/mod/sumdb", "golang.org/x/sys/cpu", "golang.org/x/crypto"}
	for _, path := range strings.Fields(string(out)) {
		allowed := path == "accord/cmd/accord-verify" || strings.HasPrefix(path, "accord/crypto/")
		for _, l := range libraries {
			allowed = allowed || path == l || strings.HasPrefix(path, l+"/")
		}
		if !allowed {
			t.Errorf("links %s", path)
		}
	}
	for _, never := range []string{"net", "net/http", "os/exec", "testing", "accord/crypto/cryptotest", "accord/crypto/keystore"} {
		out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", ".").Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains("\n"+string(out), "\n"+never+"\n") {
			t.Errorf("links %s", never)
		}
	}
}
