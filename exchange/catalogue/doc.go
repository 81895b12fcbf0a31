// Package catalogue is the one versioned document the members agreed on:
// which kinds of record exist and which fields they have, who may author
// them, what a field may be opened for and by whom, and how list entries
// live. It is data; nothing about who may see what is in code.
//
// The members sign the exact bytes of its JSON form. People write it as YAML,
// which Compile turns into those bytes; the ledger never reads YAML. A release
// decision is a pure function of the document and the request (Decide).
package catalogue
