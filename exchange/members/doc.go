// Package members keeps who belongs to the federation and what all of them
// have signed: the charter, the members with their keys, and the versions of
// the catalogue.
//
// A federation begins with a [Genesis]: the charter's bytes, one signature of
// every founder over exactly these bytes, and the first catalogue. Genesis
// writes the first rows; everything later is a command.
//
// An [Act] is a command on its way through apply: who acts, at what ledger
// time, under which catalogue. Every part decides on Acts.
package members
