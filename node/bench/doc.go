// Package bench measures what a node does against what others do, on one machine
// and in one run, as durable and with as many bytes and clients. The rounds of the
// two are interleaved (A B B A), so that a machine that slows down slows down both;
// what counts are the medians and their ratio. What is missing on the machine is
// said, never invented.
//
// [Run] measures the ledger: a federation of three real node processes and, beside
// it, three of etcd. [RunRecords] measures the records: importing, mirroring and
// finding them, and what they take, on each store. Where nobody else does the same,
// the reference is this machine's own limit, from bare costs measured in the same
// round.
//
// Statements are signed before a round, outside the measured time, as an
// integrator's own signer would; everything after that is measured: the API,
// verification on every node, order, disk, state.
package bench
