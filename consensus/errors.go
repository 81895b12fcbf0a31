package consensus

import "errors"

// Errors of the package, to be told apart with errors.Is.
var (
	// ErrNotLeader: a membership change was asked of a node that does not lead.
	ErrNotLeader = errors.New("consensus: not the leader")
	// ErrNoQuorum: there is no leader, or it could not take the proposal.
	// Nothing was proposed.
	ErrNoQuorum = errors.New("consensus: no quorum; nothing was changed")
	// ErrDiskFull: this node's disk has too little room left. It takes nothing
	// new on, does not lead, and goes on by itself when there is room.
	ErrDiskFull = errors.New("consensus: too little room on this node's disk; nothing was changed")
	// ErrUnfit: this node does not lead or propose at the moment, see Config.Unfit.
	ErrUnfit = errors.New("consensus: this node is not fit to lead; nothing was changed")
	// ErrUnknownOutcome: the proposal may or may not be or become part of the
	// log. Propose the same bytes again; the machine knows what it has done.
	ErrUnknownOutcome = errors.New("consensus: outcome unknown; repeat with the same payload")
	// ErrRefused: [Machine.Check] refused the payload, here or at the leader. Its
	// text follows.
	ErrRefused = errors.New("consensus: payload refused")
	// ErrTooLarge: the payload is empty or larger than MaxEntry.
	ErrTooLarge = errors.New("consensus: payload size")
	// ErrClosed: this log was closed or has stopped after an error.
	ErrClosed = errors.New("consensus: closed")
	// ErrExists: there is state already, so founding is out of the question.
	ErrExists = errors.New("consensus: already founded")
	// ErrNotReady: a node would get its vote before it has caught up, or while a
	// voter is away.
	ErrNotReady = errors.New("consensus: not ready for a vote")
	// ErrUngoverned: the signed governance does not allow this membership.
	ErrUngoverned = errors.New("consensus: not a membership of the signed governance")
	// ErrUnjudged: a snapshot that cannot be judged yet, because this node does not
	// know everybody who vouches for it. Nothing is held against the sender.
	ErrUnjudged = errors.New("consensus: a snapshot that cannot be judged yet")
	// ErrConfig: the configuration cannot work.
	ErrConfig = errors.New("consensus: configuration")
	// ErrMachine: the machine could not apply or restore; the node has stopped.
	ErrMachine = errors.New("consensus: machine failed")
	// ErrFormat: an entry or a snapshot in a form this version does not know. The
	// node stops before it, since skipping would make its state differ.
	ErrFormat = errors.New("consensus: unknown format")
)
