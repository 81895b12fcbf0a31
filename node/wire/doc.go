// Package wire holds the request and response bodies of API v1, shared by the
// server, the client and the command line. It has no logic: rows may change
// their shape inside, these may not.
//
// All times are RFC 3339 in UTC, all money integer fen. The problem document
// is RFC 9457 with the members of Problem.
package wire
