package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"accord/node/wire"
)

// A key past its day goes on counting until a roster replaces it: a federation is
// founded in an hour, and keys that ended by themselves would take its quorum in an
// hour, too. What ends is the time for which the member meant to use it, and the node
// says so beforehand.
const day = 24 * time.Hour

// keyStages are when it says so: this much before the key is due.
var keyStages = []time.Duration{30 * day, 7 * day, day, 0}

// keysDue are the keys of this member that are to be replaced within 30 days.
func (n *Node) keysDue() []wire.KeyDue {
	return keysDue(n.ownKeys(), n.cfg.RenewAfter, n.opts.Clock())
}

// keysDue looks at the newest key of every use; an older one has been replaced.
func keysDue(windows []wire.KeyWindow, renewAfter time.Duration, now time.Time) []wire.KeyDue {
	newest := map[string]wire.KeyWindow{}
	for _, k := range windows {
		if have, ok := newest[k.Use]; !ok || k.From.After(have.From) {
			newest[k.Use] = k
		}
	}
	var out []wire.KeyDue
	for use, k := range newest {
		due := k.From.Add(renewAfter)
		if k.Until != nil && k.Until.Before(due) {
			due = *k.Until
		}
		left := due.Sub(now)
		if renewAfter <= 0 || left > keyStages[0] {
			continue
		}
		days := int(left / day)
		if left < 0 {
			days = -1 - int(-left/day)
		}
		out = append(out, wire.KeyDue{Use: use, Due: due.UTC(), Days: days})
	}
	slices.SortFunc(out, func(a, b wire.KeyDue) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Use, b.Use)) })
	return out
}

// keyStage is how many of the stages a key has passed.
func keyStage(k wire.KeyDue, now time.Time) (passed int) {
	for _, before := range keyStages {
		if k.Due.Sub(now) <= before {
			passed++
		}
	}
	return passed
}

// keyLog writes a line when a key passes a stage, and once a day when its day is over.
type keyLog struct {
	stage map[string]int // by use
	said  map[string]time.Time
}

// speak says about which keys a line is due.
func (l *keyLog) speak(due []wire.KeyDue, now time.Time) []wire.KeyDue {
	stage := map[string]int{}
	var out []wire.KeyDue
	for _, k := range due {
		stage[k.Use] = keyStage(k, now)
		if stage[k.Use] > l.stage[k.Use] || stage[k.Use] == len(keyStages) && now.Sub(l.said[k.Use]) >= day {
			out = append(out, k)
			l.said[k.Use] = now
		}
	}
	l.stage = stage // a key that was replaced begins anew
	return out
}

// keysEvery is how often the days of the keys are looked at.
const keysEvery = time.Second

// watchKeys warns of keys that are to be replaced until ctx ends.
func (n *Node) watchKeys(ctx context.Context) {
	l := keyLog{stage: map[string]int{}, said: map[string]time.Time{}}
	for {
		for _, k := range l.speak(n.keysDue(), n.opts.Clock()) {
			say := n.log.Warn
			if k.Days < 7 {
				say = n.log.Error
			}
			say("a key of this member is to be replaced: accord member propose --rotate-key "+k.Use, "use", k.Use, "due", k.Due, "days_left", k.Days)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(keysEvery):
		}
	}
}
