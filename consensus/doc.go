// Package consensus is a replicated log: bytes go in on any node and come out on
// all nodes in one order.
//
// Its one idea: Raft gives one order, not truth. The log knows nothing of what it
// carries; a [Machine] judges each payload before a node stores it and applies it
// after it is committed, on every node by itself. No answer about what was
// decided is taken from another node: a proposal returns when the local machine
// has applied it, with the local machine's result.
//
// The order comes from hashicorp/raft v1.8.0, used by the rules of DESIGN.md: own
// transport with a guard in front of it ([accord/consensus/transport]), own
// store that stops at the first doubt ([accord/consensus/store]).
package consensus
