//go:build !accord_next

package machine

// Version is the machine version of this build: the newest rules of apply it
// knows. 1: the beginning. 2: members.recover. 3: feed.anchor.
// 4: the joint meeting, catalogues of format 2, approvals, custodians.
const Version = 4

func nextVerbs() []verb { return nil }
