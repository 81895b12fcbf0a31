//go:build !accord_next

package machine

// Version is the machine version of this build: the newest rules of apply it
// knows.
const Version = 1

func nextVerbs() []verb { return nil }
