// Package agency holds every act of a member that needs a key, a clock or
// chance: signing commands, issuing and sealing records, writing list entries,
// asking for a release, approving it, delivering and opening it, founding a
// federation, and gathering evidence for strangers.
//
// It is the only place of the exchange where those three meet. What it makes
// is bytes for the ledger (package machine decides on them, without keys,
// clock or chance) and rows for the author's own record store.
package agency
