// Package identifiers checks the three Chinese identifiers a credit subject is
// known by: the unified social credit code (GB 32100-2015), the organisation
// code inside it (GB 11714-1997) and the citizen's identity number
// (GB 11643-1999).
//
// It is arithmetic over a normalised string: upper case, half width, no blanks
// (package intake does that). It looks nothing up: a division code is never
// required to be allocated, because GB/T 2260 changes and because fictional
// data stands on codes it never allocated. Errors name the rule that failed
// and never hold the identifier.
package identifiers
