// Package records keeps a member's credit records: checks the values of a new
// one against the catalogue, splits them into what stands in clear and what is
// sealed, and stores signed records with their sealed fields.
//
// A record here is what its author signed, byte for byte (an SD-JWT without
// its disclosures), plus the sealed disclosures that never leave the author.
// The store holds no plaintext of a private field: sealing happens before, in
// package agency. A record is never changed; a correction is a new record that
// replaces it, a retraction marks it, an erasure destroys the keys and boxes
// of its sealed fields and leaves signature and digest intact.
//
// [Store] is the one interface; [OpenSQLite] keeps it in a file, [OpenPostgres]
// in a database whose keys stay in a file beside. Statements and schema steps
// know no engine; see DESIGN.md.
package records
