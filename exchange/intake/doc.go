// Package intake reads the files that agencies really hand over, in their own
// layouts, into rows of catalogue fields, and says of each row what is to be
// done with it.
//
// Its one idea: a file never fails as a whole because of a row. A mapping (a
// small YAML document, data and not code) names the source's columns and the
// catalogue's fields; a reader finds the rows whatever is wrong between them;
// each cell goes through the normaliser of its field's type; and every row ends
// with a verdict (accept, flag, same, refuse) and issues in two languages that
// name row, column and reason but never the value of a private field. Only what
// makes the whole file unreadable (another format, a missing column, a limit)
// is an error.
//
// The readers are our own where the usual ones hide what matters here:
// encoding/csv cannot go on after an open quote, encoding/json hides duplicate
// names and lone surrogates, decoders replace undecodable bytes in silence, and
// spreadsheet libraries hide the type of a cell. The workbook reader streams
// the five parts of a workbook that hold data, under limits, and is tested
// against an independent library.
//
// A row may name somebody only by certificate number or name. Options.Register
// says whose it is, and whether the registers that could hold it are there at
// all: in an empty node nobody is unknown. A subject that only a certificate
// names gets an id of the certificate.
//
// Nothing here reads a clock: "today" is Options.AsOf.
package intake
