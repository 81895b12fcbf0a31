package intake

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
)

// why turns what the pipe said into what happened to the child.
func (c *child) why(err error) error {
	var known *exchange.Error
	if errors.As(err, &known) {
		c.close()
		return err
	}
	switch {
	case errors.Is(err, errFrame): // it may wait for a reader, and is not waited for
		c.close()
		return ErrChild.Wrap(err, "why", "its answer does not follow the agreed form")
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.close()
		return ErrChild.With("why", "it did not answer in time")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		c.close()
		return err
	}
	// It ended by itself: let it, so that its own end is seen and not ours.
	c.once.Do(func() {
		timer := time.AfterFunc(10*time.Second, func() { _ = c.cmd.Process.Kill() })
		_ = c.cmd.Wait() // how it ended stands in ProcessState
		timer.Stop()
		_ = c.out.Close()
	})
	said := c.errs.String()
	state := ""
	if c.cmd.ProcessState != nil {
		state = c.cmd.ProcessState.String()
	}
	memory := strconv.FormatInt(limitsOfChild.memory>>20, 10)
	switch ended := endOf(said); {
	case ended == endMemory:
		return ErrChild.With("why", "the file needs more memory than "+memory+" MiB")
	case overCPU(c.cmd.ProcessState):
		return ErrChild.With("why", "the file needs more processor time than "+strconv.Itoa(limitsOfChild.cpu)+" s")
	case ended == endLikelyMemory:
		return ErrChild.Wrap(errors.Join(err, errors.New(state), errors.New(firstLine(said))),
			"why", "it crashed, most likely because the file needs more memory than "+memory+" MiB")
	}
	return ErrChild.Wrap(errors.Join(err, errors.New(state), errors.New(firstLine(said))), "why", "it ended by itself or was killed")
}

// firstLine is the first line of a child's last words, if the runtime wrote it: a
// panic of anybody else may quote a cell, and this goes into a log.
func firstLine(said string) string {
	line, _, _ := strings.Cut(said, "\n")
	for _, own := range []string{"fatal error: ", "runtime: ", "runtime/cgo: ", "SIG", "panic: runtime error: "} {
		if strings.HasPrefix(line, own) {
			return line
		}
	}
	return "(its words are left out)"
}

// childEnd is what the last words of a child tell of its end.
type childEnd int

const (
	endUnknown      childEnd = iota
	endMemory                // it says that there was no memory
	endLikelyMemory          // it crashed as programs do whose memory is refused
)

// lastWords are the forms in which a Go program dies when the kernel refuses it
// memory. Most of the runtime's allocations say so. Some do not look at what they
// are given (the garbage collector's span queue in Go 1.26 is one) and then the
// runtime itself, on a stack of its own, writes to address zero: what a file holds
// cannot do that, as a fault of our own code is a panic. C code, which a program
// built with cgo has, says that it cannot start a thread, whose stack is memory.
// The order is that of what they prove.
var lastWords = []struct {
	text  string
	start bool // only as the first words
	end   childEnd
}{
	{"out of memory", false, endMemory},
	{"cannot allocate memory", false, endMemory},
	{"failed to allocate", false, endMemory}, // aligned heap memory; the race detector's allocator
	{"unable to mmap", false, endMemory},     // the race detector
	{"failed to create new OS thread", false, endLikelyMemory},
	{"pthread_create failed", false, endLikelyMemory},
	{"SIGSEGV: ", true, endLikelyMemory},
	{"SIGBUS: ", true, endLikelyMemory},
	{"fatal error: unexpected signal during runtime execution", false, endLikelyMemory},
}

// endOf judges by what a child wrote to its standard error.
func endOf(said string) childEnd {
	if strings.HasPrefix(said, "panic: ") {
		return endUnknown // its text may quote anything
	}
	for _, w := range lastWords {
		if strings.HasPrefix(said, w.text) || !w.start && strings.Contains(said, w.text) {
			return w.end
		}
	}
	return endUnknown
}
