package machine_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"accord/exchange"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// shortSeeds is how many the ordinary run has, which is one of each kind of life; it is
// restored before every other command only.
const shortSeeds = 2

var (
	seeds    = flag.Int("history.seeds", shortSeeds, "number of histories of the differential test")
	commands = flag.Int("history.commands", 200, "length of each history")
)

// mark is all by which two machines are compared.
type mark struct {
	digest, root, content string
	seq, refused          int64
	time                  exchange.Millis
}

func markOf(tb testing.TB, m *machine.Machine) mark {
	tb.Helper()
	v := m.View()
	content, err := v.Content()
	Must(tb, err)
	return mark{v.Digest().String(), v.Root().String(), content.String(), v.Seq(), v.Refused(), v.Time()}
}

// answers strips the index: it is consensus's and differs with the packing.
func answers(tb testing.TB, results []exchange.Result) string {
	tb.Helper()
	var b bytes.Buffer
	for _, r := range results {
		r.Index = 0
		data, err := r.Encode()
		Must(tb, err)
		b.Write(append(data, '\n'))
	}
	return b.String()
}

// life is a kind of history and the federation that lives it.
type life struct {
	name  string
	found func(testing.TB, machine.Options) *machine.Machine
	tell  func(testing.TB, uint64, int) [][]byte
}

var lives = []life{
	{"", Found, History},
	{"meetings, ", func(tb testing.TB, o machine.Options) *machine.Machine { return FoundUnder(tb, MeetingDocument(1), o) }, MeetingHistory},
}

// TestDifferential applies the same commands in three ways and compares state
// and answers: one by one and unseen; packed at random, some groups checked and
// remembered before, some not; and with a snapshot restored into a fresh machine
// before every command. A million commands: -history.seeds 5000.
func TestDifferential(t *testing.T) {
	for n, l := range lives {
		for seed := range *seeds {
			if *seeds == shortSeeds && seed != n {
				continue
			}
			t.Run(fmt.Sprint(l.name, "seed ", seed), func(t *testing.T) { differential(t, l, seed) })
		}
	}
}

func differential(t *testing.T, l life, seed int) {
	history := l.tell(t, uint64(seed), *commands)
	straight := l.found(t, machine.Options{Frozen: true})
	var said []exchange.Result
	marks := make([]mark, len(history))
	for i, p := range history {
		said = append(said, Apply(t, straight, p)...)
		marks[i] = markOf(t, straight)
	}
	Must(t, straight.VerifyFrozen())
	Must(t, straight.Audit())
	want, wantSaid := marks[len(marks)-1], answers(t, said)
	report(t, said)

	packed, packedSaid := packedRun(t, l, history, uint64(seed))
	if got := markOf(t, packed); got != want || packedSaid != wantSaid {
		t.Errorf("packed at random: %+v, want %+v", got, want)
	}
	hop := l.found(t, machine.Options{Frozen: true})
	for i, p := range history {
		if *seeds > shortSeeds || i%2 == seed%2 {
			hop = reborn(t, l, hop)
		}
		Apply(t, hop, p)
		if got := markOf(t, hop); got != marks[i] {
			t.Fatalf("restored before command %d: %+v, want %+v", i, got, marks[i])
		}
	}
}

// report fails when a history does not exercise what it is for.
func report(t *testing.T, said []exchange.Result) {
	t.Helper()
	ok, repeats, codes := 0, 0, map[string]int{}
	for _, r := range said {
		codes[Code(r)]++
		if r.OK {
			ok++
		}
		if r.Repeat {
			repeats++
		}
	}
	t.Logf("%d commands, %d carried out, %d repeats, %d kinds of refusal", len(said), ok, repeats, len(codes)-1)
	if ok*5 < len(said) || repeats == 0 || len(codes) < 9 {
		t.Errorf("the history is too tidy or too wild: %v", codes)
	}
}

func packedRun(t *testing.T, l life, history [][]byte, seed uint64) (*machine.Machine, string) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 7))
	m := l.found(t, machine.Options{})
	var said []exchange.Result
	for len(history) > 0 {
		n := min(1+rnd.IntN(30), len(history))
		if rnd.IntN(2) == 0 { // the others Apply meets for the first time
			m.CheckAll(history[:n])
		}
		said = append(said, Apply(t, m, history[:n]...)...)
		history = history[n:]
	}
	return m, answers(t, said)
}

// reborn carries a machine's state into a fresh one by a snapshot.
func reborn(tb testing.TB, l life, m *machine.Machine) *machine.Machine {
	tb.Helper()
	fresh := l.found(tb, machine.Options{})
	Must(tb, fresh.Restore(bytes.NewReader(written(tb, m))))
	return fresh
}

func written(tb testing.TB, m *machine.Machine) []byte {
	tb.Helper()
	s, err := m.Snapshot()
	Must(tb, err)
	var b bytes.Buffer
	n, err := s.WriteTo(&b)
	Must(tb, err)
	s.Release()
	if n != int64(b.Len()) {
		tb.Errorf("wrote %d bytes and says %d", b.Len(), n)
	}
	return b.Bytes()
}

// TestReadersAndCheckersBesideApply is for the race detector.
func TestReadersAndCheckersBesideApply(t *testing.T) {
	history := History(t, 99, 60)
	m := New(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for g := range 3 {
		wg.Go(func() {
			for i := g; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				_ = m.Check(history[i%len(history)])
				v := m.View()
				n := int64(0)
				for range v.Statements(0) {
					n++
				}
				if n != v.Seq() || v.Size() != v.Seq()+1 {
					t.Errorf("a view shows %d statements at seq %d, size %d", n, v.Seq(), v.Size())
					return
				}
			}
		})
	}
	for _, p := range history {
		Apply(t, m, p)
		if m.View().Index()%20 == 0 {
			Must(t, m.Restore(bytes.NewReader(written(t, m))))
		}
	}
	close(stop)
	wg.Wait()
}
