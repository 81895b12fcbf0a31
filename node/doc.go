// Package node composes a running node: it opens what lies in the data folder
// in order, joins the log to the machine and the agency, serves the API on the
// one TLS port and the local socket, and takes everything down in the reverse
// order. It decides nothing about credit.
package node
