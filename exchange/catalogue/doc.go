// Package catalogue is the one versioned document the members agreed on:
// which kinds of record exist and which fields they have, who may author
// them, what a field may be opened for and by whom, and how list entries
// live. It is data; nothing about who may see what is in code.
//
// # The document
//
// The members sign the exact bytes of its JSON form (Digest), which is never
// encoded again. People write it as YAML, which Compile turns into those
// bytes; the ledger never reads YAML. Parse refuses a document that Lint finds
// an error in: an id given twice, a reference to nothing, a personal field
// that would be public, a private field that no rule opens, a secret field
// that one does, a rule that contradicts another, or a failed case among the
// document's own Checks.
//
// # Classes
//
// A field is public, shared, restricted or secret. Public fields stand in
// clear in the signed record; all others are sealed one by one. A field may
// have a stricter class for subjects who are natural persons (person_class):
// a penalised firm's name is public, a penalised person's is not.
//
// # Decisions
//
// Whether a member may open sealed fields is a pure function of document and
// request: see Decide. There are no expressions and no wildcards, so the
// inverse can be enumerated: Explain lists every request that would not be
// refused, and Diff says which ones a new version adds or takes away.
package catalogue
