package faulttest

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// input is an operation as the checker sees it, output what came of it.
type input struct {
	verb      verb
	partition string // subjects of one partition are one object
	subject   string
	tag       string
}

type output struct {
	kind  outcome
	code  string // with refused
	maybe bool   // it is in the ledger, but perhaps by another's doing
	sum   uint64 // with a read
}

// listState is a list, or one subject's part of it: the sum over all rows, and
// the tag of each subject's live entry.
type listState struct {
	sum  uint64
	live string // "subject=tag;", sorted
}

// sumOf is a row's part in a sum; parts are added and taken away by XOR.
func sumOf(tag string, version int, ended bool) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, tag, " ", version, " ", ended)
	return h.Sum64()
}

func (s listState) tagOf(subject string) string {
	for _, p := range strings.Split(s.live, ";") {
		if tag, ok := strings.CutPrefix(p, subject+"="); ok {
			return tag
		}
	}
	return ""
}

func (s listState) with(subject, tag string) string {
	var parts []string
	for _, p := range strings.Split(s.live, ";") {
		if p != "" && !strings.HasPrefix(p, subject+"=") {
			parts = append(parts, p+";")
		}
	}
	if tag != "" {
		parts = append(parts, subject+"="+tag+";")
	}
	slices.Sort(parts)
	return strings.Join(parts, "")
}

// step is what a correct list does: the states an operation with this outcome may
// lead to, none if it cannot have this outcome.
func step(s listState, in input, out output) []listState {
	live := s.tagOf(in.subject)
	switch {
	case in.verb == nominate && out.kind == done:
		if live != "" {
			return nil
		}
		return []listState{{s.sum ^ sumOf(in.tag, 1, false), s.with(in.subject, in.tag)}}
	case in.verb == end && out.kind == done:
		var next []listState
		if live == in.tag {
			next = append(next, listState{s.sum ^ sumOf(in.tag, 1, false) ^ sumOf(in.tag, 2, true), s.with(in.subject, "")})
		}
		if out.maybe {
			next = append(next, s)
		}
		return next
	case in.verb == readLinear && s.sum != out.sum,
		out.code == "LIST-013" && live == "",     // refused: there is a live entry
		out.code == "LIST-018" && live == in.tag: // refused: version 1 is past
		return nil
	}
	return []listState{s}
}

// operations are those that have a place in the order. A lost answer is looked up
// in the ledger: what is there happened, at some time after the call.
func (l *Load) operations(events []event) []porcupine.Operation {
	made, ended, sure, open := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, e := range events {
		made[e.tag] = made[e.tag] || !e.ended
		ended[e.tag] = ended[e.tag] || e.ended
	}
	last := int64(0)
	for i := range l.history {
		op := &l.history[i]
		last = max(last, op.until)
		if op.verb == end && op.outcome == done {
			sure[op.tag] = true
		}
		if op.verb == end && op.outcome == unknown {
			open[op.tag]++
		}
	}
	var out []porcupine.Operation
	for i := range l.history {
		op := &l.history[i]
		o := output{kind: op.outcome, code: op.code}
		until := op.until
		switch {
		case op.verb == readLocal, op.outcome == void, op.verb == readLinear && op.outcome != done:
			continue
		case op.outcome == refused && op.code == "LIST-018" && op.expect != 1:
			continue
		case op.outcome == unknown && op.verb == nominate:
			if !made[op.tag] {
				continue
			}
			o.kind, until = done, last+1
		case op.outcome == unknown:
			if !ended[op.tag] || sure[op.tag] {
				continue
			}
			o.kind, o.maybe, until = done, open[op.tag] > 1, last+1
		}
		for _, r := range op.rows {
			if !strings.HasPrefix(r.tag, l.prefix()) {
				continue // an earlier load's, on the list that is read whole
			}
			o.sum ^= sumOf(r.tag, r.version, r.ended)
		}
		in := input{op.verb, op.list + " " + op.subject, op.subject, op.tag}
		if op.list == asWhole {
			in.partition = op.list
		}
		out = append(out, porcupine.Operation{ClientId: op.client, Input: in, Call: op.call, Output: o, Return: until})
	}
	return out
}

// model tells porcupine what a list is.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
			parts := map[string][]porcupine.Operation{}
			for _, op := range all {
				p := op.Input.(input).partition
				parts[p] = append(parts[p], op)
			}
			return slices.Collect(maps.Values(parts))
		},
		Init: func() []any { return []any{listState{}} },
		Step: func(state, in, out any) []any {
			var next []any
			for _, s := range step(state.(listState), in.(input), out.(output)) {
				next = append(next, s)
			}
			return next
		},
	}
	return m.ToModel()
}

// checkerPatience bounds porcupine; running out of it fails the test as much as
// an illegal history does.
const checkerPatience = 2 * time.Minute

// judgeOrder asks porcupine whether there is one order that explains everything
// the clients were told.
func (l *Load) judgeOrder(events []event) {
	l.f.T.Helper()
	m := model()
	for _, part := range m.Partition(l.operations(events)) {
		if result := porcupine.CheckOperationsTimeout(m, part, checkerPatience); result != porcupine.Ok {
			l.f.T.Errorf("I3: the history of %s (%d operations) is %s", part[0].Input.(input).partition, len(part), result)
			l.tell(part)
		}
	}
}

// tell shows a history that failed, or the end of a long one.
func (l *Load) tell(part []porcupine.Operation) {
	slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	for _, op := range part[max(0, len(part)-60):] {
		l.f.T.Logf("%9.3f–%9.3f client %d %+v → %+v", float64(op.Call)/1e9, float64(op.Return)/1e9, op.ClientId, op.Input, op.Output)
	}
}
