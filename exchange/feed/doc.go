// Package feed is what members know of each other's records without having to be
// believed: each author's own append-only log (记录流), and its anchors on the
// ledger.
//
// # The log
//
// A feed is a Merkle log (package tlog) with an Entry for every record its author
// made, replaced, took back or erased, in the order in which that was stored. An
// entry holds a kind, a random id and the SHA-256 of a signed document: never a
// body, a subject or a word of what it says, so it can stay when the body has to
// go. Since a signed document holds a random id and a random signature, its hash
// cannot be guessed.
//
// The author signs checkpoints of its feed with its cosign key under the origin
// tlog.FeedOrigin. Anybody may read the log itself; bodies go to those whom the
// catalogue lets hold them (Entitled).
//
// # Anchors
//
// Feeds are not cosigned. Instead the author puts size and root on the ledger from
// time to time (VerbFeedAnchor), with an RFC 6962 proof that its last anchor is the
// beginning of this one. Apply verifies the proof, so the ledger is the feed's
// witness: an author that rewrites what was anchored can neither anchor again nor
// show its feed to anybody who follows the ledger.
package feed
