// Package custody keeps private fields open to releases when their author's node is
// gone (密钥托管): where the catalogue asks for it, a field's ciphertext and a share of
// its key lie with other members, the custodians, any k of whom open what the ledger
// granted, and fewer nothing.
//
//	author ──deal──▶ statement, signed; boxes; a share for each custodian, sealed to it
//	       ──custody.deposit──▶ the ledger: which statement counts, once for ever
//	       ──deposit──▶ custodian verifies its share, keeps it, signs a receipt
//	requester ──release.request──▶ granted
//	       ──ask──▶ custodian looks the grant up in its own copy of the ledger
//	                ──custody.deliver──▶ the digest of what it is about to send
//	                ──answer──▶ its shares of the granted fields, sealed to the requester
//	       ──custody.open──▶ whose answers it opened
//
// The rows here say who keeps what and who delivered what. Shares, boxes and keys
// never come here; see DESIGN.md.
package custody
