package bundle

import (
	"crypto/sha256"
	"encoding/hex"
)

// leafTag opens every ledger leaf and names the version of its form.
const leafTag = "accord-ledger-leaf/1\n"

// charterID stands where a command's id would in the charter's leaf; no command
// id is that short.
const charterID = "charter"

// Outcome is what the ledger answered to a command. It is part of the leaf, so
// a refused command cannot be shown as if it had been carried out.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted" // the verb was carried out
	Refused  Outcome = "refused"  // a rule said no; nothing else was changed
)

func (o Outcome) known() bool { return o == Accepted || o == Refused }

// Leaf is the data of a command's leaf in the ledger's log:
//
//	accord-ledger-leaf/1
//	<command id>
//	<SHA-256 of the command's JWS as signed, lower-case hex>
//	<accepted or refused>
//
// each line ended by a line feed. A leaf can never be erased, so it holds a
// random id and a hash of a signed statement, and nothing of its body. Its hash
// is tlog.LeafHash(Leaf(id, jws, outcome)).
func Leaf(id string, jws []byte, outcome Outcome) []byte {
	return LeafOf(id, sha256.Sum256(jws), outcome)
}

// LeafOf is Leaf for a JWS whose SHA-256 is known.
func LeafOf(id string, sum [32]byte, outcome Outcome) []byte {
	leaf := make([]byte, 0, len(leafTag)+len(id)+2*len(sum)+len(outcome)+3)
	leaf = append(append(append(leaf, leafTag...), id...), '\n')
	leaf = append(hex.AppendEncode(leaf, sum[:]), '\n')
	return append(append(leaf, outcome...), '\n')
}

// CharterLeaf is the data of the leaf for a charter, by which a ledger that
// begins with its charter commits to it: like Leaf, with the word "charter" as
// id and the charter's payload in place of a JWS, so that the leaf does not
// depend on the order of the founders' signatures. Its hash part is the
// charter digest.
func CharterLeaf(payload []byte) []byte { return Leaf(charterID, payload, Accepted) }
