// Package store keeps what a node must never lose or misread: the log, the
// current term and vote, and the snapshots.
//
// Its one idea: a node that is not sure of its disk stops. Every record carries a
// checksum and is checked when the store opens and again when it is read; the
// first failed write latches the store for good, because after a failed fsync
// nobody knows what is on disk; a call that hangs ends the node, because a
// leader that cannot write goes on sending heartbeats. Damage is reported with
// what to do about it and never mended by guessing.
//
// The log is a row of segment files whose room is taken ahead, so that an append
// is one write and one fdatasync; everything about its shape, and the vote, is
// one state record that is replaced whole. DESIGN.md has the formats and the
// argument why a crash at any moment leaves what was acknowledged.
package store

import "errors"

// Errors of the package.
var (
	// ErrDamaged: what is on disk is not what was written. The node must not
	// start from it; see [Advice].
	ErrDamaged = errors.New("store: damaged")
	// ErrFormat: written by another version of the format, or not by us.
	ErrFormat = errors.New("store: unknown format")
	// ErrOwner: the directory belongs to another node.
	ErrOwner = errors.New("store: belongs to another node")
	// ErrNoState: there is no store here, and creating one was not asked for.
	ErrNoState = errors.New("store: no state")
	// ErrLatched: an earlier call failed; nothing is accepted any more.
	ErrLatched = errors.New("store: stopped after an error")
	// ErrHung: a call took longer than the watchdog allows.
	ErrHung = errors.New("store: disk does not answer")
	// ErrDiskFull: there is too little room to take anything on. Nothing was
	// written, nothing is lost; it passes by itself once there is room again.
	ErrDiskFull = errors.New("store: too little room on the disk")
)

// Advice is the text that goes with [ErrDamaged] for the operator.
const Advice = "do not delete or repair single files: log and snapshots belong together; " +
	"keep a copy of the directory, remove this node from the membership on another node, " +
	"and let it join again with an empty directory and a new node id"
