// Package bench measures what the ledger does against what others do, on one
// machine and in one run: a federation of three real node processes and, beside
// it, a rival of three processes with the same durability, value bytes and
// number of clients. The rounds of the two are interleaved (A B B A), so that a
// machine that slows down slows down both; what counts are the medians and
// their ratio. What is missing on the machine is said, never invented.
//
// Statements are signed before a round, outside the measured time, as an
// integrator's own signer would; everything after that is measured: the API,
// verification on every node, order, disk, state.
package bench
