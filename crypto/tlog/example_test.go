package tlog_test

import (
	"bytes"
	"fmt"

	"accord/crypto/keys"
	"accord/crypto/tlog"
)

// A member logs three leaves, two members cosign the checkpoint, and a stranger
// with nothing but a policy and a file learns that the second leaf is logged.
func Example() {
	var tree tlog.Tree
	for _, data := range []string{"one", "two", "three"} {
		tree.Append(tlog.LeafHash([]byte(data)))
	}
	view := tree.View()
	checkpoint := tlog.Checkpoint{Origin: tlog.LedgerOrigin("qinghai"), Size: view.Size(), Root: view.Root()}

	var cosigners []tlog.Key
	var signatures []tlog.Signature
	for i, member := range []string{"regulator", "association"} {
		private, _ := keys.FromBytes(keys.Cosign, bytes.Repeat([]byte{byte(i + 1)}, 32)) // in earnest: keystore
		cosigner, _ := tlog.NewCosigner("qinghai", member, private)
		signature, _ := cosigner.Sign(checkpoint, 1767225600)
		cosigners = append(cosigners, cosigner.Key())
		signatures = append(signatures, signature)
	}
	note, _ := tlog.Format(checkpoint, signatures...)
	proof, _ := view.ProveInclusion(1, view.Size())
	file := &tlog.ProofFile{Index: 1, Proof: proof, Checkpoint: note}
	text, _ := file.MarshalText()
	fmt.Print(string(text))

	// Elsewhere, later, offline.
	policy, _ := tlog.NewPolicy(2, cosigners...)
	received, err := tlog.ParseProofFile(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = received.Check(tlog.LeafHash([]byte("two")), policy, "accord/qinghai/ledger")
	fmt.Println("two:", err)
	_, err = received.Check(tlog.LeafHash([]byte("four")), policy, "accord/qinghai/ledger")
	fmt.Println("four:", err)
	// Output:
	// c2sp.org/tlog-proof@v1
	// index 1
	// 0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=
	// Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=
	//
	// accord/qinghai/ledger
	// 3
	// Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=
	//
	// — accord/qinghai/member/regulator 0aS7qQAAAABpVbkAqLT81YK/QoqtCEtt8cZ9CoGzI7/fTqbX23yUuPMoiZTX715ysBRU8kojohaatSZrgVnrWcDHTgS5i7gjqed5CQ==
	// — accord/qinghai/member/association BpncqAAAAABpVbkA9qLoi056hq0fNlM50r/1fNxwFGQPlv3jyCoEee7oUg/ojXnNKuUgxUN47IP2bg3PyDOmiYiMbMsDtIwRq45iAw==
	// two: <nil>
	// four: tlog: proof does not hold: leaf 1 in tree of 3
}
