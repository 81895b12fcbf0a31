package bundle_test

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

// A court's node exports one of its commands; a stranger who knows the charter's
// digest verifies the file. Errors are passed over only to keep this short.
func Example() {
	court := func(use keys.Use) keys.Private { return cryptotest.Key("court", use) } // in earnest: keystore
	charter, _ := json.Marshal(map[string]any{
		"format": "accord-charter/1", "federation": "qinghai", "founded": 1767225600000,
		"name": bundle.Text{Zh: "青海", En: "Qinghai"}, "cosign_quorum": 1,
		"members": []any{map[string]any{"id": "court",
			"keys": []keys.Public{court(keys.Command).Public(), court(keys.Cosign).Public()}}},
	})
	signed, _ := jws.Sign(court(keys.Command), jws.TypCharter, charter)
	const id = "command-00000000000001"
	command, _ := jws.Sign(court(keys.Command), jws.TypCommand, []byte(`{"fed":"qinghai","iss":"court","op":"clerk-3",`+
		`"iat":1767225660000,"cat":1,"id":"`+id+`","verb":"list.nominate","body":{"list":"black"}}`))

	var ledger tlog.Tree
	ledger.Append(tlog.LeafHash(bundle.CharterLeaf(charter)))
	ledger.Append(tlog.LeafHash(bundle.Leaf(id, []byte(command), bundle.Accepted)))
	cosigner, _ := tlog.NewCosigner("qinghai", "court", court(keys.Cosign))
	checkpoint := tlog.Checkpoint{Origin: tlog.LedgerOrigin("qinghai"), Size: ledger.Size(), Root: ledger.Root()}
	signature, _ := cosigner.Sign(checkpoint, 1767225670)
	note, _ := tlog.Format(checkpoint, signature)

	b := bundle.New("qinghai", []string{signed}, note)
	_ = b.AddCommand(ledger.View(), 1, command, bundle.Accepted)
	file, _ := b.Marshal()

	// Elsewhere, later, offline.
	known := bundle.DigestOf(charter) // in earnest: read out by telephone
	_ = bundle.Render(os.Stdout, bundle.Verify(file, bundle.Options{Trust: &known}), "en")

	file[len(file)/2] ^= 1
	fmt.Println(bundle.Verify(file, bundle.Options{Trust: &known}).OK)
	// Output:
	// VERIFIED: all 11 checks hold
	// federation  qinghai Qinghai
	// charter     aaae 07c3 c4be 740c 10d7 c61d bd96 845a fcfd 34d6 1add 2746 265d 1db6 5b8a a7e1
	//           the charter's digest is the one given
	// ledger      accord/qinghai/ledger, 2 leaves, root fF7ACgUNXd/dhGlnSi01Qlls9fVWZC6h7BSKFDQeiNE=
	// cosigned    by 1 members (the charter asks for 1)
	//           court 2026-01-01T00:01:10Z
	// commands    1 (in the ledger)
	//   ok     1 2026-01-01T00:01:00Z court list.nominate accepted
	// false
}
