package node

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"accord/consensus"
	"accord/exchange"
	"accord/exchange/machine/machinetest"
	"accord/exchange/members"
	"accord/node/wire"
)

// place is a server in a table: "a" votes, "a-" does not, "a!" does not answer.
func place(spec string) (id string, voter, reached bool) {
	voter, reached = true, true
	for _, c := range spec {
		switch c {
		case '-':
			voter = false
		case '!':
			reached = false
		default:
			id += string(c)
		}
	}
	return id, voter, reached
}

func situationOf(want, have []string, kept time.Duration) *situation {
	s := &situation{self: "a", now: map[string]standing{}, settle: time.Minute, clock: time.Unix(1000, 0),
		owner: func(node string) exchange.MemberID { return exchange.MemberID(node[:1]) }}
	for _, w := range want {
		id, voter, _ := place(w)
		f := members.Founder{ID: exchange.MemberID(id[:1]), Node: members.Node{ID: id, Address: "host-" + id[:1], Role: roleOf(voter)}}
		s.want = append(s.want, f)
	}
	for _, h := range have {
		id, voter, reached := place(h)
		s.have = append(s.have, consensus.Server{ID: id, Address: "host-" + id[:1], Voter: voter})
		st := standing{reached: reached}
		if reached {
			st.since = s.clock.Add(-kept)
		}
		s.now[id] = st
	}
	return s
}

// TestTheNextMove: one change at a time, in the order that endangers no quorum. A
// node's member is the first letter of its id; members keep their addresses.
//
// Shows: F24
func TestTheNextMove(t *testing.T) {
	hour := time.Hour
	for name, c := range map[string]struct {
		want, have []string
		kept       time.Duration
		next       string // move and node, or "" to stay
		waiting    int
	}{
		"as it shall be":                         {[]string{"a", "b", "c"}, []string{"a", "b", "c"}, hour, "", 0},
		"a newcomer comes without a vote":        {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c"}, hour, "add d", 0},
		"and gets it":                            {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d-"}, hour, "promote d", 0},
		"not before it has kept up for a while":  {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d-"}, time.Second, "", 1},
		"nor while it is away":                   {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d-!"}, hour, "", 1},
		"nor while a voter is away":              {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c!", "d-"}, hour, "", 1},
		"a nonvoter stays one":                   {[]string{"a", "b", "c", "d-"}, []string{"a", "b", "c", "d-"}, hour, "", 0},
		"a vote goes":                            {[]string{"a", "b", "c-"}, []string{"a", "b", "c"}, hour, "demote c", 0},
		"a member goes":                          {[]string{"a", "b"}, []string{"a", "b", "c"}, hour, "take-out c", 0},
		"not while the others have no majority":  {[]string{"a", "b"}, []string{"a", "b!", "c"}, hour, "", 1},
		"one that is away goes first":            {[]string{"a", "b", "d"}, []string{"a", "b", "c!", "d-"}, hour, "take-out c", 1},
		"one without a vote goes at once":        {[]string{"a", "b"}, []string{"a", "b!", "c-"}, hour, "take-out c", 0},
		"a wiped node makes room at its address": {[]string{"a", "b", "c2"}, []string{"a", "b", "c1!"}, hour, "take-out c1", 1},
		"then its successor comes":               {[]string{"a", "b", "c2"}, []string{"a", "b"}, hour, "add c2", 0},
		"two newcomers, one at a time":           {[]string{"a", "b", "c", "d-", "e-"}, []string{"a", "b", "c"}, hour, "add d", 1},
		"the leader itself goes last":            {[]string{"b", "c"}, []string{"a", "b", "c", "d"}, hour, "take-out d", 1},
		"the leader itself":                      {[]string{"b", "c"}, []string{"a", "b", "c"}, hour, "take-out a", 0},
	} {
		s := situationOf(c.want, c.have, c.kept)
		next, waiting := s.plan()
		got := ""
		if next.move != stay {
			got = fmt.Sprint(next.move, " ", next.node)
		}
		if got != c.next || len(waiting) != c.waiting {
			t.Errorf("%s: %q and %d waiting %+v, want %q and %d", name, got, len(waiting), waiting, c.next, c.waiting)
		}
		for _, w := range waiting {
			if w.why.Zh == "" || w.why.En == "" {
				t.Errorf("%s: %s %s waits for nothing said", name, w.move, w.node)
			}
		}
	}
}

// TestAReplacementThatAnswersGivesWayLast: with another address both are there for
// a while, and the old one keeps its vote until the new one has one.
func TestAReplacementThatAnswersGivesWayLast(t *testing.T) {
	s := situationOf([]string{"a", "b", "c2"}, []string{"a", "b", "c1"}, time.Hour)
	s.want[2].Node.Address = "elsewhere"
	for i, want := range []string{"add c2", "promote c2", "take-out c1", ""} {
		next, _ := s.plan()
		got := ""
		if next.move != stay {
			got = fmt.Sprint(next.move, " ", next.node)
		}
		if got != want {
			t.Fatalf("step %d: %q, want %q", i, got, want)
		}
		switch next.move {
		case add:
			s.have = append(s.have, consensus.Server{ID: "c2", Address: "elsewhere"})
			s.now["c2"] = standing{reached: true, since: s.clock.Add(-time.Hour)}
		case promote:
			s.have[3].Voter = true
		case takeOut:
			s.have = append(s.have[:2], s.have[3])
		}
	}
}

// TestAddressChanges keep the vote.
func TestAddressChanges(t *testing.T) {
	s := situationOf([]string{"a", "b", "c"}, []string{"a", "b", "c"}, time.Hour)
	s.want[2].Node.Address = "elsewhere"
	if next, _ := s.plan(); next.move != readdr || next.node != "c" {
		t.Errorf("%+v", next)
	}
}

// TestPresence: of two runs of one id the one that started first stays, whichever
// is seen first, and a run that ended makes room.
//
// Shows: F31
func TestPresence(t *testing.T) {
	n := &Node{log: discard(), machine: machinetest.New(t)}
	n.peerTable.Store(&peerTable{nodes: map[string]exchange.MemberID{"c1": "court"}})
	p, err := newPresence(n)
	if err != nil {
		t.Fatal(err)
	}
	first, again := p.arrive("c1", [16]byte{1}, 10), p.arrive("c1", [16]byte{1}, 10)
	if first != again || p.signFor("c1", first) != signFine {
		t.Fatal("one run is two")
	}
	later := p.arrive("c1", [16]byte{2}, 20)
	if p.signFor("c1", later) != signTwice || p.signFor("c1", first) != signAlarm || len(p.alarms) != 1 {
		t.Errorf("a later run: %d %d", p.signFor("c1", later), p.signFor("c1", first))
	}
	p.leave("c1", later)
	earlier := p.arrive("c1", [16]byte{3}, 5)
	if p.signFor("c1", earlier) == signTwice || p.signFor("c1", first) != signTwice {
		t.Errorf("an earlier run that was seen later: %d %d", p.signFor("c1", earlier), p.signFor("c1", first))
	}
	p.leave("c1", first)
	p.leave("c1", first)
	p.leave("c1", earlier)
	if v := p.arrive("c1", [16]byte{4}, 30); p.signFor("c1", v) != signFine {
		t.Error("a restart finds its place taken")
	}
	for range 2 * maxPresence {
		p.arrive("c1", [16]byte{4}, 30)
	}
	if p.live["c1"].streams > maxPresence {
		t.Errorf("%d streams of one run", p.live["c1"].streams)
	}
}

// TestALiarStopsNobody: the word of a minority of those that answer raises an alarm
// and ends nothing.
//
// Shows: B4
func TestALiarStopsNobody(t *testing.T) {
	n := &Node{log: discard(), failed: make(chan error, 1)}
	n.id.Node, n.id.Member = "a1", "a"
	table := &peerTable{nodes: map[string]exchange.MemberID{}}
	for _, m := range []string{"a", "b", "c", "d"} {
		table.list = append(table.list, wireMember(m))
		table.nodes[m+"1"] = exchange.MemberID(m)
	}
	n.peerTable.Store(table)
	p, err := newPresence(n)
	if err != nil {
		t.Fatal(err)
	}
	p.admit = true
	p.hear("b1", signFine)
	p.hear("c1", signTwice)
	p.learn("c1", 1<<20)
	if pending, twice, agreed := p.verdict(); pending != 1 || twice != "" || agreed != 0 || len(n.failed) != 0 {
		t.Errorf("one of two: %d %q %d", pending, twice, agreed)
	}
	if len(p.alarms) != 1 {
		t.Error("no alarm")
	}
	p.learn("d1", 1<<20)
	p.hear("d1", signTwice)
	if _, twice, agreed := p.verdict(); twice == "" || agreed != 1<<20 || len(n.failed) != 1 {
		t.Errorf("two of three: %q %d", twice, agreed)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func wireMember(m string) wire.Member {
	return wire.Member{ID: exchange.MemberID(m), Node: m + "1", Address: "host-" + m}
}

// TestBallots: who shall vote is counted apart from who does.
func TestBallots(t *testing.T) {
	s := situationOf([]string{"a", "b", "c", "d", "e-", "f"}, []string{"a", "b", "c-", "d-"}, 0)
	r := &members.Roster{Members: s.want}
	if voters, coming := ballots(r, s.have); voters != 2 || coming != 3 {
		t.Errorf("%d vote, %d shall", voters, coming)
	}
}

// TestCrowded: as many newcomers as there are voters may be on their way, and who has
// more already may take some off.
//
// Shows: F24
func TestCrowded(t *testing.T) {
	for name, c := range map[string]struct {
		now, next, have []string
		refused         bool
	}{
		"as many as voters":        {[]string{"a", "b"}, []string{"a", "b", "c", "d"}, []string{"a", "b"}, false},
		"one more":                 {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d", "e"}, []string{"a", "b"}, true},
		"one more, without a vote": {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d", "e-"}, []string{"a", "b"}, false},
		"one in a line that votes": {[]string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d", "e"}, []string{"a", "b", "c"}, false},
		"too many, but fewer":      {[]string{"a", "b", "c", "d", "e"}, []string{"a", "c", "d"}, []string{"a"}, false},
		"a single node grows":      {[]string{"a"}, []string{"a", "b"}, []string{"a"}, false},
	} {
		now, next := situationOf(c.now, c.have, 0), situationOf(c.next, nil, 0)
		err := crowded(&members.Roster{Members: now.want}, &members.Roster{Members: next.want}, now.have)
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
