// Package blinding keeps on the ledger who holds the key that blinds persons' numbers
// (证件号码盲化密钥), as it changes hands: the joint meeting decides on the next holders,
// holders of now deal their shares on, the next ones verify and accept, and only when
// all of them have is the new group the one that counts. The ids stay the same, and
// nobody puts the key together.
//
//	joint meeting ──decision "blinding"──▶ a change begins
//	holder ──blinding.deal──▶ the ledger: the commitment of its dealing
//	       ◀──ask── next holder, node to node: its part, encrypted to it
//	next holder verifies the parts against the commitments and joins them
//	       ──blinding.accept──▶ the last acceptance puts the new group into force
//	       ──blinding.refuse──▶ the change ends, nothing is as if it had been
//
// The rows here hold commitments only. Parts and shares never come here; the
// arithmetic is in package oprf.
package blinding
