package main

import (
	"encoding/json"
	"fmt"
	"os"

	"accord/crypto/bundle"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/tlog"
)

// evidence is a small evidence file and its charter's digest: a federation of
// one court, whose ledger holds one command.
func evidence() ([]byte, bundle.Digest, error) {
	court := func(use keys.Use) keys.Private { return cryptotest.Key("court", use) }
	charter, err := json.Marshal(map[string]any{
		"format": "accord-charter/1", "federation": "qinghai", "founded": 1767225600000,
		"name": bundle.Text{Zh: "青海", En: "Qinghai"}, "cosign_quorum": 1,
		"members": []any{map[string]any{"id": "court",
			"keys": []keys.Public{court(keys.Command).Public(), court(keys.Cosign).Public()}}},
	})
	if err != nil {
		return nil, bundle.Digest{}, err
	}
	signed, err := jws.Sign(court(keys.Command), jws.TypCharter, charter)
	if err != nil {
		return nil, bundle.Digest{}, err
	}
	const id = "command-00000000000001"
	command, err := jws.Sign(court(keys.Command), jws.TypCommand, []byte(`{"fed":"qinghai","iss":"court","op":"clerk-3",`+
		`"iat":1767225660000,"cat":1,"id":"`+id+`","verb":"list.nominate","body":{"list":"black"}}`))
	if err != nil {
		return nil, bundle.Digest{}, err
	}
	var ledger tlog.Tree
	ledger.Append(tlog.LeafHash(bundle.CharterLeaf(charter)))
	ledger.Append(tlog.LeafHash(bundle.Leaf(id, []byte(command), bundle.Accepted)))
	cosigner, err := tlog.NewCosigner("qinghai", "court", court(keys.Cosign))
	if err != nil {
		return nil, bundle.Digest{}, err
	}
	checkpoint := tlog.Checkpoint{Origin: tlog.LedgerOrigin("qinghai"), Size: ledger.Size(), Root: ledger.Root()}
	signature, err := cosigner.Sign(checkpoint, 1767225670)
	if err != nil {
		return nil, bundle.Digest{}, err
	}
	note, err := tlog.Format(checkpoint, signature)
	if err != nil {
		return nil, bundle.Digest{}, err
	}
	b := bundle.New("qinghai", []string{signed}, note)
	if err := b.AddCommand(ledger.View(), 1, command, bundle.Accepted); err != nil {
		return nil, bundle.Digest{}, err
	}
	file, err := b.Marshal()
	return file, bundle.DigestOf(charter), err
}

// writeEvidence is the program accord-evidence of the scripts: it writes
// evidence.json and a forged copy, and says the charter's digest.
func writeEvidence() {
	file, digest, err := evidence()
	if err == nil {
		err = os.WriteFile("evidence.json", file, 0o600)
	}
	if err == nil {
		forged := append([]byte(nil), file...)
		forged[len(forged)/2] ^= 1
		err = os.WriteFile("forged.json", forged, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(digest)
}
