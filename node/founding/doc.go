// Package founding is how a federation begins without trusting any one of its
// founders: each makes its own keys and introduces itself, one convenes the
// others and drafts the charter from their introductions, every founder checks
// the draft and signs the same bytes, and the signed charter becomes the
// genesis each node starts from.
//
//	accord init            → keys, configuration, introduction.jws
//	accord member invite   → an invitation for the others (convener)
//	accord charter draft   → charter.json from all introductions (convener)
//	accord charter sign    → one signature file by each founder
//	accord charter found   → genesis.json in each founder's data folder
//
// Files are carried by whatever means; everything in them is signed, and the
// charter's digest is compared by people over another channel, as words.
package founding
