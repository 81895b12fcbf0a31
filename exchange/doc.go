// Package exchange is the vocabulary of a credit-exchange federation: the
// typed ids, the verbs a member may sign, the command that carries one, the
// answer the ledger gives to it, and the one small set of error kinds that
// every layer speaks.
//
// It holds no state and does nothing with keys, clocks or chance; those live
// in the packages below it (state, the parts, machine, agency).
package exchange
