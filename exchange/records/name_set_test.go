package records_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/names"
	"accord/exchange/records"
)

// nameSet is the labelled set of package names.
type nameSet struct {
	subjects map[string][]string // their names, the oldest first
	ids      []string
	asked    []labelled
}

type labelled struct {
	kind, name string
	want       map[string]string // subject to level
}

func readNameSet(t *testing.T) (set nameSet) {
	t.Helper()
	raw, err := os.ReadFile("../names/testdata/search.txt")
	if err != nil {
		t.Fatal(err)
	}
	set.subjects = map[string][]string{}
	kind := ""
	for n, line := range strings.Split(string(raw), "\n") {
		fields := strings.Split(line, "\t")
		switch {
		case line == "":
		case line[0] == '#':
			kind = strings.TrimSpace(line[1:])
		case len(fields) < 2:
			t.Fatalf("line %d: %s", n+1, line)
		case line[0] == '+':
			id := fields[0][1:]
			set.subjects[id], set.ids = fields[1:], append(set.ids, id)
		case line[0] == '?':
			q := labelled{kind: kind, name: fields[0][1:], want: map[string]string{}}
			for _, w := range strings.Fields(fields[1]) {
				if id, level, ok := strings.Cut(w, "="); ok {
					q.want[id] = level
				}
			}
			set.asked = append(set.asked, q)
		}
	}
	return set
}

// testNameSet: of the labelled set every answer is found, at its level, and none
// that is not one; on both engines the same.
func testNameSet(t *testing.T, open opener) {
	s, set := open(t, "store"), readNameSet(t)
	n := 0
	for _, id := range set.ids {
		for _, name := range set.subjects[id] {
			n++
			insert(t, s, one(t, n, func(r *records.Record) {
				r.Subject, r.SubjectKind, r.Names = exchange.SubjectID("org:"+id), "enterprise", []string{name}
			}))
		}
	}
	wanted, found, right := 0, 0, 0
	for _, q := range set.asked {
		got, more, err := s.SearchNames(context.Background(), q.name, 50)
		if err != nil || more {
			t.Fatal(err)
		}
		wanted += len(q.want)
		var wrong []string
		last := names.Exact
		for _, a := range got {
			id := strings.TrimPrefix(string(a.Subject), "org:")
			found++
			if q.want[id] == a.Match.Level.Word() {
				right++
			} else {
				wrong = append(wrong, fmt.Sprintf("%s=%s (%s %s)", id, a.Match.Level.Word(), a.Name, a.Match.Reason))
			}
			if a.Match.Level < last {
				t.Errorf("%s: a worse answer before a better one", q.name)
			}
			last = a.Match.Level
		}
		var missed []string
		for id, level := range q.want {
			if !slices.ContainsFunc(got, func(a records.Named) bool { return string(a.Subject) == "org:"+id }) {
				missed = append(missed, id+"="+level)
			}
		}
		if len(wrong)+len(missed) > 0 {
			t.Errorf("%s: %s: wrong %q, missed %q", q.kind, q.name, wrong, missed)
		}
	}
	t.Logf("%d subjects, %d questions: recall %d/%d, precision %d/%d", len(set.ids), len(set.asked), right, wanted, right, found)
	if len(set.asked) < 40 || wanted < 60 {
		t.Errorf("only %d questions with %d answers", len(set.asked), wanted)
	}
}
