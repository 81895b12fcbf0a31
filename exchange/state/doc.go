// Package state keeps the ledger's rows: typed tables over go-memdb that know
// nothing of what a row means.
//
// A [Store] has one writer and any number of readers. The writer opens a [Tx],
// changes rows of several tables, closes each command with its journal leaf,
// and commits all at once. A reader takes a [View]: a state that never changes,
// together with the [Head] it stands on (index, number of leaves, ledger time,
// chain digest).
//
// Three rules make two nodes comparable byte for byte:
//
//   - A row has exactly one encoding: strictjson.Marshal of a Table's struct, the
//     fields of a Log's (see Fields).
//   - The chain digest runs over every row change in the order it was made:
//     digest = SHA-256("accord-chain/1\n" ‖ previous ‖ leaf ‖ SHA-256(changes)), a change
//     being frame(table) ‖ frame(id) ‖ 0x01 ‖ frame(row), or 0x00 for a deleted
//     row, and frame an 8-byte big-endian length before the bytes. It depends on
//     the commands alone and not on how consensus packed them into entries.
//   - The content digest runs over all rows by table name, then id: the same
//     rows have the same digest however they came there.
//
// A [Table] is rows that change, in go-memdb. A [Log] is rows that are only ever
// added, encoded one behind the other outside memdb, found by number or by [Key];
// in the digests a row's id is its number in 8 bytes, big-endian. A Log's rows may
// each name a blob by its digest, which is kept by [Blobs] and stands behind its
// row in snapshots.
//
// Rows of a table that is Aside (which consensus entry brought which commands)
// are in snapshots and in neither digest.
//
// A row is never changed after Insert, not even after it was replaced: readers
// and memdb's own indexes still look at it. Get and Scan hand out values; what
// a row refers to (slices, pointers) is shared and read only. A store opened
// with Options.Frozen keeps a digest of every row it ever took, and
// VerifyFrozen finds the one that somebody changed.
package state
