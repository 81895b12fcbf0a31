package faulttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"accord/crypto/jws"
	"accord/exchange"
	"accord/exchange/lists"
)

// Report says how strong a load was and that it was judged.
type Report struct {
	Operations, Acknowledged, Void, Unknown int
	Reads, FollowerReads                    int
	Leaders                                 int     // terms in which somebody was seen to lead
	Before                                  float64 // operations a second before the first fault
	Seconds                                 float64
}

// String is the report on one line.
func (r Report) String() string {
	return fmt.Sprintf("%d operations in %.1f s (%.0f/s before the fault), %d writes acknowledged, %d void, %d unknown (%.1f%%), %d of %d reads on followers, %d leaderships",
		r.Operations, r.Seconds, r.Before, r.Acknowledged, r.Void, r.Unknown, 100*float64(r.Unknown)/float64(max(1, r.Operations)),
		r.FollowerReads, r.Reads, r.Leaders)
}

// event is something a command did to an entry, at an index of the log.
type event struct {
	index   uint64
	list    string
	subject exchange.SubjectID
	tag     string
	ended   bool
}

// Judge stops the load and holds its history against the federation, which must
// be whole again. It fails the test where
//   - an acknowledged write is missing or there twice on any node, or one that
//     the client was told had not happened is there (I1);
//   - nodes differ in digest or root at one size, now or during the load (I2);
//   - linear reads, writes and refusals are not linearizable, by porcupine, or the
//     checker does not know; a node's local reads go back; any read is not exactly
//     what the ledger held at the index it names (I3).
func (l *Load) Judge() Report {
	l.f.T.Helper()
	l.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.ledger()
	l.judgeWrites(events)
	l.judgeReads(events)
	l.judgeOrder(events)
	l.watch.mu.Lock()
	for _, fault := range l.watch.faults {
		l.f.T.Errorf("I2: %s", fault)
	}
	l.watch.mu.Unlock()
	r := l.report()
	l.f.T.Log(r)
	return r
}

// ledger waits until all nodes have the same ledger and reads what its commands
// did.
func (l *Load) ledger() []event {
	t := l.f.T
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), l.f.Patience)
	defer cancel()
	var size int64
	l.f.Eventually("all nodes have one ledger", func() bool {
		heads := map[string]bool{}
		for _, m := range l.f.Members {
			now, err := l.f.Client(m).Ledger(ctx, true)
			if err != nil {
				return false
			}
			size = now.Size
			heads[fmt.Sprint(now.Size, now.Root, now.Digest)] = true
		}
		return len(heads) == 1
	})
	var events []event
	entries := map[exchange.EntryID]event{}
	c := l.f.Client(l.f.Members[0])
	for after, more := int64(0), true; more; {
		page, err := c.Statements(ctx, after, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Statements {
			if !s.OK {
				continue
			}
			events = append(events, effects(t.Fatalf, s.Index, s.JWS, entries)...)
		}
		more, after = len(page.Statements) > 0, page.Next
	}
	if size == 0 {
		t.Fatal("an empty ledger")
	}
	return events
}

// effects reads what a command that was carried out did to the lists.
func effects(fatal func(string, ...any), index uint64, token string, entries map[exchange.EntryID]event) []event {
	parsed, err := jws.Parse(token)
	if err != nil {
		fatal("statement at %d: %v", index, err)
	}
	cmd, err := exchange.DecodeCommand(parsed.Payload)
	if err != nil {
		fatal("statement at %d: %v", index, err)
	}
	switch cmd.Verb {
	case exchange.VerbNominate:
		body, err := lists.DecodeNominate(cmd.Body)
		if err != nil {
			fatal("statement at %d: %v", index, err)
		}
		var out []event
		for _, d := range body.Entries {
			_, claims, err := lists.ReadDocument(d.Doc)
			if err != nil || claims.Decision == nil {
				continue
			}
			e := event{index: index, list: claims.List, subject: claims.Subject, tag: claims.Decision.Number}
			entries[claims.ID] = e
			out = append(out, e)
		}
		return out
	case exchange.VerbWithdraw, exchange.VerbRemove:
		var id exchange.EntryID
		if b, err := lists.DecodeWithdraw(cmd.Body); cmd.Verb == exchange.VerbWithdraw && err == nil {
			id = b.Entry
		} else if b, err := lists.DecodeRemove(cmd.Body); err == nil {
			id = b.Entry
		}
		e, known := entries[id]
		if !known {
			fatal("statement at %d ends an entry that is not there", index)
		}
		e.index, e.ended = index, true
		return []event{e}
	}
	return nil
}

// judgeWrites compares what clients were told with what is in the ledger.
func (l *Load) judgeWrites(events []event) {
	made, ended := map[string]int{}, map[string]int{}
	for _, e := range events {
		if e.ended {
			ended[e.tag]++
		} else {
			made[e.tag]++
		}
	}
	acknowledged := map[string]int{}
	for i := range l.history {
		op := &l.history[i]
		if op.verb == end && op.outcome == done {
			acknowledged[op.tag]++
		}
		if op.verb != nominate {
			continue
		}
		switch n := made[op.tag]; {
		case op.outcome == done && n != 1:
			l.f.T.Errorf("I1: entry %s, acknowledged by %s, is there %d times", op.tag, op.node, n)
		case op.outcome == void && n != 0, op.outcome == refused && n != 0:
			l.f.T.Errorf("I1: entry %s is there; %s said %s and that nothing happened", op.tag, op.node, op.code)
		case n > 1:
			l.f.T.Errorf("I1: entry %s is there %d times", op.tag, n)
		}
	}
	for tag, n := range acknowledged {
		if n != 1 || ended[tag] != 1 {
			l.f.T.Errorf("I1: the end of entry %s was acknowledged %d times and is there %d times", tag, n, ended[tag])
		}
	}
}

// judgeReads holds each read against the ledger at the index it names, and each
// node's local reads against its earlier ones.
func (l *Load) judgeReads(events []event) {
	type key struct{ list, tag string }
	subjects := map[string]exchange.SubjectID{}
	madeAt, endedAt := map[key]uint64{}, map[key]uint64{}
	whole := map[string][]event{} // nominations by list and subject, and by list alone
	for _, e := range events {
		k := key{e.list, e.tag}
		if e.ended {
			endedAt[k] = e.index
			continue
		}
		madeAt[k] = e.index
		whole[e.list] = append(whole[e.list], e)
		whole[e.list+" "+string(e.subject)] = append(whole[e.list+" "+string(e.subject)], e)
	}
	for i := range l.history {
		if op := &l.history[i]; op.verb == nominate {
			for _, e := range whole[op.list] {
				if e.tag == op.tag {
					subjects[op.subject] = e.subject
				}
			}
		}
	}
	newest := map[string][]told{}
	for i := range l.history {
		op := &l.history[i]
		if op.verb < readLinear || op.outcome != done {
			continue
		}
		of := op.list
		if op.list == byKey {
			of += " " + string(subjects[op.subject])
		}
		want := map[string]row{}
		for _, e := range whole[of] {
			if e.index <= op.index {
				r := row{e.subject, e.tag, 1, false}
				if end := endedAt[key{e.list, e.tag}]; end != 0 && end <= op.index {
					r.version, r.ended = 2, true
				}
				want[e.tag] = r
			}
		}
		have := map[string]row{}
		for _, r := range op.rows {
			have[r.tag] = r
		}
		if len(have) != len(op.rows) || !maps.Equal(have, want) {
			l.f.T.Errorf("I3: a read on %s at index %d shows %v; the ledger held %v there", op.node, op.index, have, want)
		}
		newest[op.node] = append(newest[op.node], told{op.until, op.index})
	}
	l.judgeMonotony(newest)
}

// told is when a read was answered and on which index it stood.
type told struct {
	until int64
	index uint64
}

// judgeMonotony finds reads of a node that began after another had ended and
// show an older state.
func (l *Load) judgeMonotony(all map[string][]told) {
	for node, reads := range all {
		slices.SortFunc(reads, func(a, b told) int { return int(a.until - b.until) })
		for i := 1; i < len(reads); i++ {
			reads[i].index = max(reads[i].index, reads[i-1].index)
		}
		for i := range l.history {
			op := &l.history[i]
			if op.verb < readLinear || op.outcome != done || op.node != node {
				continue
			}
			n, _ := slices.BinarySearchFunc(reads, op.call, func(r told, call int64) int { return int(r.until - call) })
			if n > 0 && reads[n-1].index > op.index {
				l.f.T.Errorf("I3: a read on %s went back from index %d to %d", node, reads[n-1].index, op.index)
			}
		}
	}
}

// report counts.
func (l *Load) report() Report {
	r := Report{Operations: len(l.history)}
	l.watch.mu.Lock()
	r.Leaders = len(l.watch.leaders)
	l.watch.mu.Unlock()
	for i := range l.history {
		op := &l.history[i]
		r.Seconds = max(r.Seconds, time.Duration(op.until).Seconds())
		if op.call < int64(l.marked) {
			r.Before++
		}
		switch {
		case op.outcome == void:
			r.Void++
		case op.outcome == unknown:
			r.Unknown++
		case op.verb <= end && op.outcome == done:
			r.Acknowledged++
		case op.verb >= readLinear:
			r.Reads++
			if !op.led {
				r.FollowerReads++
			}
		}
	}
	if l.marked > 0 {
		r.Before /= l.marked.Seconds()
	}
	return r
}
