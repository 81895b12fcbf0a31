package bundle

import (
	"bytes"
	"strings"
	"testing"

	"accord/crypto/tlog"
)

// FuzzParseFork: what is read is what is written.
func FuzzParseFork(f *testing.F) {
	f.Add([]byte(`{"format":"accord-fork/1","federation":"x","charter":{"signatures":["a.b.c"]},"notes":["1","2"],"links":[{"from":0,"to":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","proof":[]}]}`))
	f.Add([]byte(`{"format":"accord-fork/1","federation":"x","charter":{"signatures":["a.b.c"]},"rosters":["a.b.c"],"notes":["1","2"]}`))
	f.Add([]byte(`{"format":"accord-fork/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fork, err := ParseFork(data)
		if err != nil {
			return
		}
		again, err := fork.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseFork(again)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := back.Marshal(); err != nil || !bytes.Equal(twice, again) {
			t.Fatalf("not one spelling: %v", err)
		}
		if VerifyFork(data, Options{}).OK {
			t.Fatal("a fork is proven by nobody's signature")
		}
	})
}

func TestVerifyFileKnowsItsFormats(t *testing.T) {
	for name, c := range map[string]struct{ file, check string }{
		"a bundle":      {`{"format":"accord-bundle/1"}`, CheckForm},
		"a fork":        {`{"format":"accord-fork/1"}`, CheckForkForm},
		"a feed's":      {`{"format":"accord-feed-evidence/1"}`, CheckFeedForm},
		"an inclusion":  {"c2sp.org/tlog-proof@v1\n", CheckProofForm},
		"a consistency": {"accord/tlog-consistency@v1\n", CheckProofForm},
		"nothing":       {"", CheckForm},
	} {
		r := VerifyFile([]byte(c.file), Options{})
		if r.OK || len(r.Checks) != 1 || r.Checks[0].Name != c.check || r.Checks[0].Text.Zh == "" || r.Checks[0].Text.En == "" {
			t.Errorf("%s: %+v", name, r.Checks)
		}
	}
}

// TestAForkByKeysThatChanged: two notes of one size convict a member whatever key
// it had at their time, and no other key of its.
//
// Shows: B8, F34
func TestAForkByKeysThatChanged(t *testing.T) {
	r, b := history{}.tell(t)
	notes := func(member, label string, unix int64) []string {
		other := newFixture(t)
		for range r.ledger.Size() {
			other.ledger.Append(tlog.LeafHash([]byte("another history")))
		}
		var both []string
		for _, f := range []*fixture{r.fixture, other} {
			f.cosigners, f.cosignAs, f.cosignTime = []string{member}, map[string]string{member: label}, unix
			both = append(both, string(f.note()))
		}
		return both
	}
	var rosters []string
	for _, index := range r.changes {
		rosters = append(rosters, r.commands[index-1])
	}
	const now, hour = testTime / 1000, 3600
	for name, c := range map[string]struct {
		notes   []string
		rosters []string
		proven  bool
		first   string // of the checks that fail
	}{
		"a newcomer":                  {notes("insurer-b", "insurer-b", now+60), rosters, true, ""},
		"a new key":                   {notes("court", "court-2", now+60), rosters, true, ""},
		"an old key, before":          {notes("court", "court", now-hour), rosters, true, ""},
		"a founder":                   {notes("regulator", "regulator", now+60), nil, true, ""},
		"an old key, after":           {notes("court", "court", now+hour), rosters, false, CheckForkNote},
		"a new key, before":           {notes("court", "court-2", now-hour), rosters, false, CheckForkNote},
		"who left":                    {notes("platform", "platform", now+hour), rosters, false, CheckForkNote},
		"without the rosters":         {notes("court", "court-2", now+60), nil, false, CheckForkConflict},
		"without the first":           {notes("court", "court-2", now+60), rosters[1:], false, CheckChange},
		"another order":               {notes("court", "court-2", now+60), []string{rosters[1], rosters[0], rosters[2]}, false, CheckChange},
		"a command that is no roster": {notes("regulator", "regulator", now+60), r.commands[:1], false, CheckChange},
	} {
		f := Fork{Format: ForkFormat, Federation: testFederation, Charter: b.Charter, Rosters: c.rosters, Notes: c.notes}
		file := must(f.Marshal())(t)
		digest := DigestOf(r.payload())
		got := VerifyFile(file, Options{Trust: &digest})
		first, _, _ := strings.Cut(failed(got), " ")
		if got.OK != c.proven || first != c.first {
			t.Errorf("%s: proven %v, failed %q", name, got.OK, failed(got))
		}
	}
}
