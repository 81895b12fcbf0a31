// Package pull fetches rows from a database or an address on the network, page
// by page, as the bytes of a file that the import line takes like any other.
// What says how is the pull part of a mapping; where reading stands is a State,
// which moves on only behind rows that were dealt with. See DESIGN.md.
package pull
