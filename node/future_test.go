package node

import (
	"testing"
	"time"

	"accord/exchange/machine/machinetest"
)

// A command far ahead of this node's clock is not stored; the same command is,
// once the clock has come near it, and one of the past always.
//
// Shows: B7, F18, F33
func TestFutureCommandsAreNotStored(t *testing.T) {
	payload := machinetest.History(t, 1, 1)[0]
	m := machinetest.New(t)
	cmd, err := m.CommandOf(payload)
	at := cmd.At
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		clock time.Time
		ok    bool
	}{
		{at.Time().Add(-futureWindow - time.Millisecond), false},
		{at.Time().Add(-futureWindow), true},
		{at.Time(), true},
		{at.Time().AddDate(1, 0, 0), true}, // a node that catches up
	} {
		l := ledgerMachine{m, &Node{opts: Options{Clock: func() time.Time { return c.clock }}}}
		if err := l.Check(payload); (err == nil) != c.ok {
			t.Errorf("clock %v before the command: %v", at.Time().Sub(c.clock), err)
		}
	}
}
