package witness

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/node/wire"
)

// status is what a member's node shows of a complaint.
func (p *party) status(id exchange.CommandID) (wire.Complaint, bool) {
	for _, c := range p.Complaints() {
		if c.ID == id {
			return c, true
		}
	}
	return wire.Complaint{}, false
}

// turn lets every node do its part once.
func (w *world) turn() {
	for _, id := range everyone {
		p := w.member[id]
		p.overdue()
		p.lookAfter(w.t.Context())
	}
}

// TestACensoredMemberIsHeard: the leader takes none of a member's statements.
// Every node shows the complaint, and the next leader takes the statement from
// whoever holds it.
//
// Shows: B6, F35
func TestACensoredMemberIsHeard(t *testing.T) {
	w := newWorld(t)
	w.member["court"].censors = "association"
	statement := w.statement("association")
	id := exchange.CommandID("statement-000001")
	victim := w.member["association"]
	victim.Watch(statement)
	w.pass(29 * time.Second)
	w.turn()
	if len(victim.Complaints()) != 0 {
		t.Error("it complained before its time")
	}
	w.pass(2 * time.Second)
	w.turn()
	for _, m := range everyone {
		c, ok := w.member[m].status(id)
		if !ok || c.Status != ComplaintOpen || c.Member != "association" || !slices.Equal(c.Leaders, []exchange.MemberID{"court"}) ||
			strings.Contains(mustJSON(t, c), string(statement)) {
			t.Errorf("%s shows %v %+v", m, ok, c)
		}
	}
	w.cut("association", true) // its own way is cut, too
	w.pass(3 * time.Second)
	w.leader = "regulator"
	w.turn()
	w.turn()
	for _, m := range []exchange.MemberID{"commission", "court", "regulator"} {
		if c, _ := w.open(m).status(id); c.Status != ComplaintIncluded || c.Seq != 1 {
			t.Errorf("%s after a restart: %+v", m, c)
		}
	}
	if w.member["regulator"].OpenComplaints() != 0 {
		t.Error("it is still counted as open")
	}
}

// TestAComplaintLapses: when no honest leader can take the statement any more.
func TestAComplaintLapses(t *testing.T) {
	w := newWorld(t)
	w.member["court"].censors = "association"
	w.member["association"].Watch(w.statement("association"))
	for range 5 {
		w.pass(31 * time.Second)
		w.turn()
	}
	if c, _ := w.member["regulator"].status("statement-000001"); c.Status != ComplaintLapsed {
		t.Errorf("%+v", c)
	}
}

// TestWhatIsIncludedIsNotComplainedOf, nor what its member gave up on.
func TestWhatIsIncludedIsNotComplainedOf(t *testing.T) {
	w := newWorld(t)
	victim := w.member["association"]
	one, two := w.statement("association"), w.statement("association")
	victim.Watch(one)
	victim.Watch(two)()
	victim.Watch(w.statement("court")) // another's
	w.apply(one)
	w.pass(time.Minute)
	w.turn()
	if got := victim.Complaints(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestFalseComplaintsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.member["court"].censors = "association"
	victim, court := w.member["association"], w.member["court"]
	victim.Watch(w.statement("association"))
	w.pass(31 * time.Second)
	victim.overdue()
	good := victim.book.byID["statement-000001"].jws
	sign := func(by string, payload string) string {
		token, err := jws.Sign(cryptotest.Key(by, keys.Command), jws.TypComplaint, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	read, err := jws.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	text := string(read.Payload)
	for name, token := range map[string]string{
		"none":                      "",
		"another member's key":      sign("regulator", text),
		"another's statement":       sign("association", strings.Replace(text, `"iss":"association"`, `"iss":"regulator"`, 1)),
		"another federation":        sign("association", strings.Replace(text, `"fed":"qinghai"`, `"fed":"elsewhere"`, 1)),
		"another digest":            sign("association", strings.Replace(text, `"digest":"sha256:`, `"digest":"sha256:0`, 1)),
		"another id":                sign("association", strings.Replace(text, `"id":"statement-000001"`, `"id":"statement-000009"`, 1)),
		"a statement nobody signed": sign("association", strings.Replace(text, `"statement":"ey`, `"statement":"eyX`, 1)),
		"a changed signature":       good[:len(good)-4] + "AAAA",
	} {
		if _, err := court.Hear(token, "association"); !errors.Is(err, ErrComplaint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := court.Hear(good, "association"); err != nil {
		t.Error(err)
	}
	if _, err := court.Hear(good, "association"); err != nil || len(court.Complaints()) != 1 {
		t.Errorf("heard twice: %v", err)
	}
}

// TestComplaintsAreBounded: one member cannot fill the others' disks, nor keep
// another from complaining.
func TestComplaintsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.member["court"].censors = "association"
	court, victim := w.member["court"], w.member["association"]
	tokens := func(by exchange.MemberID, n int) (all []string) {
		for range n {
			s := w.statement(by)
			if err := w.member[by].complain(wait{statement: string(s), since: w.clock()}); err != nil && !errors.Is(err, ErrComplaintsFull) {
				t.Fatal(err)
			}
		}
		for _, c := range w.member[by].book.byID {
			all = append(all, c.jws)
		}
		return all
	}
	for _, token := range tokens("association", maxComplaints) {
		if _, err := court.Hear(token, "association"); err != nil {
			t.Fatal(err)
		}
	}
	more := w.statement("association")
	if err := victim.complain(wait{statement: string(more), since: w.clock()}); !errors.Is(err, ErrComplaintsFull) {
		t.Errorf("one too many: %v", err)
	}
	for _, token := range tokens("regulator", 1) {
		if _, err := court.Hear(token, "regulator"); err != nil {
			t.Errorf("another member: %v", err)
		}
	}
	w.pass(3 * time.Minute) // they lapse, and make room
	w.turn()
	if err := victim.complain(wait{statement: string(w.statement("association")), since: w.clock()}); err != nil || len(victim.Complaints()) > maxComplaints+1 {
		t.Errorf("%v, %d kept", err, len(victim.Complaints()))
	}
}

func FuzzReadClaims(f *testing.F) {
	f.Add("a.b.c")
	token, err := jws.Sign(cryptotest.Key("court", keys.Command), jws.TypComplaint, []byte(`{"fed":"qinghai"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := readClaims(token); (err == nil) != (c != nil) {
			t.Fatal("error and complaint exclude each other")
		}
	})
}
