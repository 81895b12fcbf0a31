package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"accord/crypto/internal/b64url"
	"accord/crypto/keys"
)

// request is one operation for peer.mjs.
type request map[string]any

// answer is what peer.mjs says to one request.
type answer struct {
	OK        bool            `json:"ok"`
	Error     string          `json:"error"`
	Token     string          `json:"token"`
	Plaintext string          `json:"plaintext"`
	Payload   string          `json:"payload"`
	Header    map[string]any  `json:"header"`
	Claims    json.RawMessage `json:"claims"`
	Binding   map[string]any  `json:"binding"`
}

// ask runs the requests in one node process.
func ask(t *testing.T, requests ...request) []answer {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs npm ci in crypto/interop")
	}
	if _, err := os.Stat(filepath.Join("node_modules", "@sd-jwt", "core")); err != nil {
		t.Skip("needs npm ci in crypto/interop")
	}
	input, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "peer.mjs")
	cmd.Stdin = bytes.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	var answers []answer
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(requests) {
		t.Fatalf("node answered %q: %v", output, err)
	}
	return answers
}

// accepted and refused check one answer.
func accepted(t *testing.T, what string, a answer) {
	t.Helper()
	if !a.OK {
		t.Errorf("%s: the peer refuses it: %s", what, a.Error)
	}
}

func refused(t *testing.T, what string, a answer, reason string) {
	t.Helper()
	if a.OK || !strings.Contains(strings.ToLower(a.Error), reason) {
		t.Errorf("%s: the peer says %v %q, want a refusal for %q", what, a.OK, a.Error, reason)
	}
}

func publicJWK(k keys.Public) json.RawMessage { return k.JWK() }

// privateJWK is a test key as the peer wants it.
func privateJWK(t *testing.T, k keys.Private) map[string]any {
	t.Helper()
	var jwk map[string]any
	if err := json.Unmarshal(k.Public().JWK(), &jwk); err != nil {
		t.Fatal(err)
	}
	d, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk["d"] = b64url.Encode(d)
	return jwk
}
