// Package release decides who may open sealed fields of a record, and keeps
// what became of every request (授权开放).
//
// The ledger decides by the catalogue in force when the request is applied; so
// every node decides alike, and no node's word is needed for another's
// decision. A request that the catalogue refuses is kept too: that somebody
// asked, for what and why, is a receipt (回执) like any other.
//
//	request ──catalogue──▶ refused
//	                    ├▶ pending ──approve──▶ granted ──deliver──▶ delivered ──open──▶ opened
//	                    │     ├─deny──▶ denied     │
//	                    │     └─time──▶ lapsed ◀───┘ time
//	                    └▶ granted
//
// Like a list entry's, the status is a function of the row and a time. What is
// delivered never passes through here: both sides note its SHA-256.
package release
