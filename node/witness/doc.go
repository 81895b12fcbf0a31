// Package witness is the part of a node that lets no history be rewritten
// unnoticed. It cosigns the root of this node's own ledger, collects the others'
// cosignatures, keeps the checkpoints a quorum signed, and raises the alarm when
// a member signs another history of the same size.
//
// Four promises, each kept on disk before it is spoken:
//
//   - A node never signs two roots of one size, nor a root whose tree does not
//     contain the last one it signed (Sign). The last signed note is stored
//     first and published second; after a start the others are asked for newer
//     signatures of this member, so that a folder restored from an old backup
//     does not make it contradict itself.
//   - A checkpoint is called cosigned when as many active members as the charter
//     asks have signed the same root (Gather). Members are counted, not keys.
//   - A different root at an equal size is an Alarm with a self-contained
//     evidence file (bundle.Fork), and an alarm that says this node may be the
//     wrong one stops its service until an operator acts (Settle).
//   - A statement that a member could not bring onto the ledger in time becomes
//     a Complaint that every node shows and helps along.
//
// Nothing here decides about statements: what is on the ledger is the machine's
// matter, and what the log commits is consensus's. DESIGN.md says why it is so.
package witness
