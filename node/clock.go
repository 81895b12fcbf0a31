package node

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// clockWatch knows whether this node's clock is wrong, by the times the others
// state in their signatures. A leader with a wrong clock would take the commands
// of its own clients, which the others refuse to store, and keep out everybody
// else's: writes would stall while it leads. So it does not lead.
type clockWatch struct {
	wrong  atomic.Bool
	differ int // looks in a row that do not agree with wrong
}

const (
	clockEvery = 5 * time.Second
	clockLooks = 2 // a clock that is being set, or one late answer, is no verdict
)

var errClockWrong = errors.New("this machine's clock is more than 60 s from that of most members")

// look takes in one round of answers: how far the others' times are from this
// node's clock, of so many others in all. It says whether the verdict has changed.
func (c *clockWatch) look(offsets []time.Duration, others int) bool {
	if misled(offsets, others) == c.wrong.Load() {
		c.differ = 0
		return false
	}
	if c.differ++; c.differ < clockLooks {
		return false
	}
	c.differ = 0
	c.wrong.Store(!c.wrong.Load())
	return true
}

// misled says whether a clock is ahead of more than half of the others, or behind
// more than half of all members. Where the clocks are divided this leaves always
// somebody who may lead: not all can be ahead, and of two halves the one behind,
// whose entries all others store, goes on. Who does not answer speaks for the
// clock, so a node that knows too few never doubts itself.
func misled(offsets []time.Duration, others int) bool {
	ahead, behind := 0, 0
	for _, off := range offsets {
		if off < -acceptWindow {
			ahead++
		} else if off > acceptWindow {
			behind++
		}
	}
	return 2*ahead > others || 2*behind > others+1
}

// err is why this node must not lead, or nil.
func (c *clockWatch) err() error {
	if c.wrong.Load() {
		return errClockWrong
	}
	return nil
}

// watchClock looks at the others' times until ctx ends.
func (n *Node) watchClock(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(clockEvery):
		}
		switch offsets, others := n.witness.Offsets(ctx); {
		case ctx.Err() != nil || !n.clock.look(offsets, others):
		case n.clock.wrong.Load():
			n.log.Error("this machine's clock is wrong: the node neither leads nor takes writes until it is set", "others_ahead_by", offsets)
		default:
			n.log.Info("this machine's clock is right again")
		}
	}
}
