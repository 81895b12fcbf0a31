// Package feeds keeps this member's feed anchored on the ledger and follows the
// feeds of the others.
//
// # Following
//
// A round with an author (Poll) gets its signed checkpoint, proves that what is held
// here is its beginning and that the ledger's anchor lies in it, and then takes over
// what is new in batches: first the entries, from the public tiles, believed only
// when they are proved to lead to the checkpoint; then their documents, which must
// have the digests the entries name. Entries, documents and place are stored in one
// transaction, so that a crash at any point leaves a place to go on from.
//
// What the catalogue does not let this member hold the author withholds, and says
// of what category; it is counted here. What was erased comes with the signed order
// to do so. Whatever else is lacking is missing, and asked for again each round.
//
// # Alarms
//
// An Alarm names an author and what is wrong. Those of bad faith (another history,
// another document, a checkpoint that shrinks) come with an evidence file and stand
// until an operator settles them; those that can pass by themselves (a peer that
// does not answer, a document it does not give) end with the round that finds it
// well. None of them stops anything else.
//
// # By hand
//
// Export writes parts of the own feed as files for a member that no network reaches,
// Import takes another's in by the same round, and an acknowledgement says where to go
// on and carries receipts (see DESIGN.md).
//
// # Hostile authors
//
// Everything read from a peer is bounded in bytes and time, batches are bounded in
// entries, and nothing is stored that was not proved to be the author's. An author
// can fill its peers' disks with records it signed; a floor of free disk (Room) and
// the ledger's trail are what stands against that.
package feeds
