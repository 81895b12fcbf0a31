// Package api is the HTTP face of a node: it names the caller, checks what the
// caller may do, translates bodies to acts of the agency and views of the
// machine, and turns every error into one RFC 9457 problem document.
//
// Every route stands in one table with the callers it is open to; a route
// without callers does not exist. Peers and the public reach it over the one
// TLS port, the node's own operators over the local socket. openapi.yaml
// beside this file describes the same table, and a test holds the two equal.
package api
