package feeds

import (
	"testing"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
)

// viewOf is a ledger that stands still.
type viewOf struct{ v *machine.View }

func (l viewOf) View() *machine.View { return l.v }

// What a part says of a catalogue that the joint meeting adopted for a later day lets
// its author withhold nothing before that day, nor before the shortest notice.
func TestACatalogueOfALaterDay(t *testing.T) {
	const day = exchange.Millis(86_400_000)
	adopted := Start + 1000
	for name, c := range map[string]struct{ draft, counts exchange.Millis }{
		"from a day on":             {Start + 3*day, Start + 3*day},
		"as soon as it is possible": {0, adopted + meeting.Notice},
	} {
		t.Run(name, func(t *testing.T) {
			genesis := Genesis(t)
			line, err := genesis.Lineage()
			Must(t, err)
			w := &word{line: line, motions: map[exchange.CommandID]*motion{
				exchange.CommandID(ID("m")): {catalogue: string(Catalogue(t, 2)), from: c.draft}}}
			ballot, err := strictjson.Marshal(meeting.VoteBody{Proposal: exchange.CommandID(ID("m")), Choice: meeting.Yes, Endorsement: "e"})
			Must(t, err)
			for range line.Roster().Quorums.Adopt {
				if w.catalogue != nil {
					t.Fatal("adopted by too few")
				}
				Must(t, w.vote(ballot, adopted))
			}
			now := Start
			fl := &follow{word: w, Feeds: &Feeds{Config: Config{Ledger: viewOf{New(t).View()}, Clock: func() time.Time { return now.Time() }}}}
			for at, want := range map[exchange.Millis]bool{adopted: false, c.counts - 1: false, c.counts: true, c.counts + day: true} {
				now = at
				if _, known := fl.catalogueAt(2); known != want {
					t.Errorf("at %d: %t, want %t", at-Start, known, want)
				}
			}
			if _, known := fl.catalogueAt(1); !known {
				t.Error("the charter's is not known")
			}
		})
	}
}
