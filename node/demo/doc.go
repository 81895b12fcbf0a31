// Package demo runs a whole federation on one machine for people to look at:
// four agencies as four real processes on loopback, each with its own data
// folder, keys and durable storage, behind a wire that is recorded so that it
// can be searched for plaintext.
//
// Nothing here is special to the demo but the starting and stopping: the nodes
// are ordinary `accord node run` processes founded the ordinary way, and the
// story told on top uses ordinary commands.
package demo
