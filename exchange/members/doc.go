// Package members keeps who belongs to the federation and what all of them
// have signed: the charter, the members with their keys, and the versions of
// the catalogue.
//
// A federation begins with a [Genesis]: the charter's bytes, one signature of
// every founder over exactly these bytes, and the first catalogue. Genesis
// writes the first rows; everything later is a command.
//
// The membership changes by rosters: the whole of it in one document, which names
// the one before and is endorsed by the seats of the one before. A [Lineage] is
// verified by signatures alone, on the ledger and on paper alike; a [Book] remembers
// every one a node has seen. See DESIGN.md.
//
// An [Act] is a command on its way through apply: who acts, at what ledger
// time, under which catalogue. Every part decides on Acts.
package members
