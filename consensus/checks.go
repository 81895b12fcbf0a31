package consensus

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// checks judges payloads before they are proposed. A caller who is alone judges
// its own; those who come while somebody is at it, or while many proposals are
// under way, are judged together, which is cheaper (see [BatchChecker]) the more
// there are.
type checks struct {
	machine  Machine
	underWay func() int // proposals that wait for their result; they will be back
	busy     atomic.Int32
	waiting  chan *checking
}

// How many proposals under way are a crowd, for what part of it a judge waits
// before it begins, and for how long. A crowd's round trip takes several
// milliseconds, so the wait costs it less than judging one by one does.
const (
	crowd     = 8
	crowdPart = 4
	crowdWait = 200 * time.Microsecond
)

// checking is a payload that waits to be judged.
type checking struct {
	payload []byte
	answer  chan error // one answer, never closed
}

func newChecks(m Machine, underWay func() int) *checks {
	return &checks{machine: m, underWay: underWay, waiting: make(chan *checking, queueLength)}
}

// judge is the machine's word on a payload, or why there is none.
func (c *checks) judge(ctx context.Context, stop <-chan struct{}, payload []byte) (refusal, err error) {
	defer c.busy.Add(-1)
	if c.busy.Add(1) == 1 && c.underWay() < crowd {
		return c.machine.Check(payload), nil
	}
	w := &checking{payload: payload, answer: make(chan error, 1)}
	select {
	case c.waiting <- w:
	case <-ctx.Done():
		return nil, ErrNoQuorum
	case <-stop:
		return nil, ErrClosed
	}
	select {
	case refusal := <-w.answer:
		return refusal, nil
	case <-ctx.Done():
		return nil, ErrNoQuorum
	case <-stop:
		return nil, ErrClosed
	}
}

// run judges those who wait, all at once, until the log stops.
func (c *checks) run(stop <-chan struct{}) {
	for {
		var group []*checking
		select {
		case w := <-c.waiting:
			group = append(group, w)
		case <-stop:
			return
		}
		group = c.gather(group, stop)
		payloads := make([][]byte, len(group))
		for i, w := range group {
			payloads[i] = w.payload
		}
		for i, refusal := range check(c.machine, payloads) {
			group[i].answer <- refusal
		}
	}
}

// gather adds to a group those who wait already and, in a crowd, those who are
// about to come.
func (c *checks) gather(group []*checking, stop <-chan struct{}) []*checking {
	runtime.Gosched() // those who are about to ask come along
	most := min(c.underWay()/crowdPart, MaxGroupPayloads)
	var enough <-chan time.Time
	for len(group) < MaxGroupPayloads {
		select {
		case w := <-c.waiting:
			group = append(group, w)
			continue
		default:
		}
		if len(group) >= most {
			return group
		}
		if enough == nil {
			enough = time.After(crowdWait)
		}
		select {
		case w := <-c.waiting:
			group = append(group, w)
		case <-enough:
			return group
		case <-stop:
			return group
		}
	}
	return group
}
