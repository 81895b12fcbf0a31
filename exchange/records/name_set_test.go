package records_test

import (
	"context"
	"os"
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

// tally counts how well questions were answered.
type tally struct{ wanted, found, right int }

// testNameSet asks the labelled set. The same name and another name of a subject are
// all found, and nothing else is called so: by them an officer decides. What is like a
// name is for a person to judge; of it nearly all must be there, and most of what is
// shown must deserve it.
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
	levels := map[string]*tally{"exact": {}, "alias": {}, "near": {}}
	for _, q := range set.asked {
		got, more, err := s.SearchNames(context.Background(), q.name, 50)
		if err != nil || more {
			t.Fatal(err)
		}
		for _, level := range q.want {
			levels[level].wanted++
		}
		last := names.Exact
		for _, a := range got {
			level := a.Match.Level.Word()
			levels[level].found++
			if want := q.want[strings.TrimPrefix(string(a.Subject), "org:")]; want == level {
				levels[level].right++
			} else if want != "" || level != "near" {
				t.Errorf("%s: %s: %s is %s (%s), want %q", q.kind, q.name, a.Name, level, a.Match.Reason, want)
			}
			if a.Match.Level < last {
				t.Errorf("%s: a worse answer before a better one", q.name)
			}
			last = a.Match.Level
		}
	}
	for level, least := range map[string][2]int{"exact": {100, 100}, "alias": {100, 100}, "near": {95, 60}} {
		c := levels[level]
		t.Logf("%s: recall %d/%d, precision %d/%d", level, c.right, c.wanted, c.right, c.found)
		if c.wanted < 9 || 100*c.right < least[0]*c.wanted || 100*c.right < least[1]*c.found {
			t.Errorf("%s: recall %d/%d, precision %d/%d, want %d%% and %d%%", level, c.right, c.wanted, c.right, c.found, least[0], least[1])
		}
	}
}
