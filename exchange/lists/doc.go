// Package lists keeps the entries of the federation's lists (名单): red, black
// and watch, as the catalogue in force defines them.
//
// An entry is a document of its own: an SD-JWT (RFC 9901) signed with its
// nominator's attest key, that any stranger can verify. It comes to the ledger
// inside list.nominate, without its disclosures. Only its clear claims decide;
// sealed fields are digests here and nothing else.
//
// The command's signature covers its documents, so that what they say is
// authentic; their own signatures, for strangers, are checked behind the commands
// and wherever a document leaves the node (VerifyDocument).
//
// An entry's status is a function of its row and a time, never stored:
//
//	nominated ──notice over──▶ listed ──term over──▶ expired
//	    │ list.withdraw            │ list.remove
//	    ▼                          ▼
//	withdrawn                   removed
//
// No timer moves anything; a node that slept for a year answers as the others.
//
// A Question asks on two axes of time. Ledger times never go back, so what was known
// at one is the entries and ends with times up to it, and no history of versions is
// kept. An end takes effect when it comes: an entry that was listed on a day stays
// listed on that day, also where it is removed later as an error. Annulled then says
// that it should not have been. (Taking the end back to the beginning was rejected:
// whoever acted on the list that day acted on what it said.)
package lists
