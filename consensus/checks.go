package consensus

import (
	"context"
	"runtime"
	"sync/atomic"
)

// checks judges payloads before they are proposed. A caller who is alone judges
// its own; those who come while somebody is at it are judged together, which is
// cheaper (see [BatchChecker]) the more there are.
type checks struct {
	machine Machine
	busy    atomic.Int32
	waiting chan *checking
}

// checking is a payload that waits to be judged.
type checking struct {
	payload []byte
	answer  chan error // one answer, never closed
}

func newChecks(m Machine) *checks {
	return &checks{machine: m, waiting: make(chan *checking, queueLength)}
}

// judge is the machine's word on a payload, or why there is none.
func (c *checks) judge(ctx context.Context, stop <-chan struct{}, payload []byte) (refusal, err error) {
	defer c.busy.Add(-1)
	if c.busy.Add(1) == 1 {
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
		runtime.Gosched() // those who are about to ask come along
	gather:
		for len(group) < MaxGroupPayloads {
			select {
			case w := <-c.waiting:
				group = append(group, w)
			default:
				break gather
			}
		}
		payloads := make([][]byte, len(group))
		for i, w := range group {
			payloads[i] = w.payload
		}
		for i, refusal := range check(c.machine, payloads) {
			group[i].answer <- refusal
		}
	}
}
