// Package machine is the ledger's state machine: signed commands in, in the one
// order that consensus gave them, rows and answers out. It is deterministic:
// the state is a function of the genesis and the sequence of commands, the same
// on every node, on every build of the same machine version, for ever.
//
// Check says whether a payload may enter the log at all; it is pure, safe for
// concurrent use, and remembers the signatures it verified. Apply decides. Every
// authentic command becomes a leaf of the journal, a rejected one too, with the
// reason. A View is the read side: rows, journal and catalogue as of one index.
//
// Options.Hook sees these points: machine.apply.begin, .commit (all decided,
// nothing visible), .committed, .published; machine.snapshot.taken,
// .write.before, .write.seal (all but the checksum is written);
// machine.restore.before, .swap (verified, the old state still visible), .after.
//
// DESIGN.md beside this file says why it is so.
package machine
