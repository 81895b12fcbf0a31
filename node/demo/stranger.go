package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange/members"
)

// VerifyWithJose lets an independent JOSE implementation (the program jose of
// the Linux distributions) verify the signature of every document in an
// evidence file with the keys of the charter. It returns how many it verified.
func VerifyWithJose(ctx context.Context, program, file string) (int, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	b, err := bundle.Parse(raw)
	if err != nil {
		return 0, err
	}
	if len(b.Charter.Signatures) == 0 {
		return 0, fmt.Errorf("the file holds no charter")
	}
	charter, err := jws.Parse(b.Charter.Signatures[0])
	if err != nil {
		return 0, err
	}
	c, err := members.ParseCharter(charter.Payload)
	if err != nil {
		return 0, err
	}
	jwks := map[string][]byte{}
	for _, m := range c.Members {
		for _, k := range m.Keys {
			if k.Use() == keys.Attest {
				jwks[k.KID()] = k.JWK()
			}
		}
	}
	dir, err := os.MkdirTemp("", "accord-jose-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	for i, d := range b.Documents {
		jwt, _, _ := strings.Cut(d.SDJWT, "~")
		if err := joseVerify(ctx, program, dir, jwt, jwks); err != nil {
			return i, fmt.Errorf("document %d: %w", i, err)
		}
	}
	return len(b.Documents), nil
}

func joseVerify(ctx context.Context, program, dir, jwt string, jwks map[string][]byte) error {
	header, err := jws.Parse(jwt)
	if err != nil {
		return err
	}
	jwk, ok := jwks[header.KID]
	if !ok {
		return fmt.Errorf("no such key in the charter")
	}
	key, token := filepath.Join(dir, "key.jwk"), filepath.Join(dir, "token.jws")
	// jose 11 wants the algorithm beside the key
	withAlg, err := addAlg(jwk)
	if err != nil {
		return err
	}
	if err := os.WriteFile(key, withAlg, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(token, []byte(jwt), 0o600); err != nil {
		return err
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "jws", "ver", "-i", token, "-k", key)
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("jose: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	return nil
}

func addAlg(jwk []byte) ([]byte, error) {
	var m map[string]any
	if err := strictjson.Unmarshal(jwk, &m); err != nil {
		return nil, err
	}
	m["alg"] = string(keys.Attest.Alg())
	return strictjson.Marshal(m)
}
