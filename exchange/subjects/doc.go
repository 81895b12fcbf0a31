// Package subjects is the side of those whom the records are about (信用主体权益):
// who asked for their records, their complaints about that, their applications for
// what is sealed, and their objections against entries and records.
//
//	complaint:   open ──answer──▶ upheld | rejected      overdue while open after its term
//	application: open ──decide──▶ released | refused     overdue while open after its term
//	objection:   open ──settle──▶ upheld | rejected      disputed until then; the joint meeting may decide anew
//
// A subject has no key and no seat: a member's counter speaks for it, and signs that
// it did. The ledger holds who took what, about which release or record, by when it
// must be answered and the digest of a salted text; the text stays with the members
// it concerns. No row holds a subject's id.
package subjects
