// Package machinetest founds a small federation for tests and speaks for its
// members: it signs commands and entries with fixed keys, tidy ones and, where a
// test edits them, untidy and hostile ones. The same calls give the same bytes
// for ever.
//
// Members are regulator, commission, association, court (with seats) and
// insurer (without). The catalogue has one category "penalty" (fields number:
// public, amount: shared, address: restricted, secret: secret), a red and a
// black list, and two rules: r1 grants amount outright, r2 wants the author's
// approval.
package machinetest
