package agency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"accord/crypto/blind"
	"accord/crypto/oprf"
	"accord/exchange"
)

// holders is five members, three of whom must evaluate, and a sixth who asks.
type holders struct {
	t      *testing.T
	group  *oprf.Group
	key    *oprf.Key
	shares map[exchange.MemberID]*oprf.Key
	names  []exchange.MemberID
	away   map[exchange.MemberID]bool
	asked  []exchange.MemberID
	dir    string
	name   KeyName
}

func newHolders(t *testing.T) *holders {
	t.Helper()
	h := &holders{t: t, shares: map[exchange.MemberID]*oprf.Key{}, away: map[exchange.MemberID]bool{}, dir: t.TempDir(), name: KeyName{Epoch: 1}}
	var err error
	if h.key, err = oprf.NewKey(); err != nil {
		t.Fatal(err)
	}
	commitment, shares, err := oprf.Split(h.key, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	if h.group, err = oprf.NewGroup(commitment, 5); err != nil {
		t.Fatal(err)
	}
	for i, s := range shares {
		name := exchange.MemberID(fmt.Sprint("holder-", i+1))
		h.names, h.shares[name] = append(h.names, name), s
	}
	return h
}

func (h *holders) blinder(self exchange.MemberID, file string) (*Oblivious, error) {
	cfg := ObliviousConfig{Epoch: 1, Group: h.group, Holders: h.names, Self: self, Storage: bytes.Repeat([]byte{3}, 32), Cache: filepath.Join(h.dir, file), Log: slog.New(slog.DiscardHandler)}
	if s := h.shares[self]; s != nil {
		cfg.Share, _ = s.Bytes()
	}
	answers := make(chan struct{}, 1)
	answers <- struct{}{}
	cfg.Ask = func(_ context.Context, m exchange.MemberID, which KeyName, blinded []oprf.Element) (oprf.Evaluation, error) {
		<-answers
		defer func() { answers <- struct{}{} }()
		h.asked = append(h.asked, m)
		if h.away[m] || which != h.name {
			return oprf.Evaluation{}, errors.New("away")
		}
		return h.shares[m].Evaluate(blinded)
	}
	return NewOblivious(cfg)
}

const residentNumber = "11010519491231002X"

// TestIDsAreTheSame for a member without a share, one with a share, and the whole key
// at one neutral node.
func TestIDsAreTheSame(t *testing.T) {
	h, ctx := newHolders(t), context.Background()
	asker, err := h.blinder("asker", "a")
	if err != nil {
		t.Fatal(err)
	}
	want, err := asker.Blind(ctx, exchange.SubjectPerson, residentNumber)
	if err != nil || blind.Check(want) != nil || !strings.HasPrefix(want, "v1.") || len(h.asked) != 3 {
		t.Fatalf("%s %v, asked %v", want, err, h.asked)
	}
	holder, err := h.blinder("holder-2", "b")
	if err != nil {
		t.Fatal(err)
	}
	h.asked = nil
	if got, err := holder.Blind(ctx, exchange.SubjectPerson, residentNumber); err != nil || got != want || len(h.asked) != 2 {
		t.Errorf("%s %v, asked %v", got, err, h.asked)
	}
	public := h.key.Public()
	h.group, err = oprf.NewGroup([]oprf.Element{public}, 1)
	if err != nil {
		t.Fatal(err)
	}
	h.names, h.shares = []exchange.MemberID{"neutral"}, map[exchange.MemberID]*oprf.Key{"neutral": h.key}
	neutral, err := h.blinder("asker", "c")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := neutral.Blind(ctx, exchange.SubjectPerson, residentNumber); err != nil || got != want {
		t.Errorf("the single key makes %s, %v", got, err)
	}
	if other, err := neutral.Blind(ctx, exchange.SubjectName, residentNumber); err != nil || other == want {
		t.Errorf("another namespace: %s %v", other, err)
	}
}

// TestHoldersThatFail are passed over while enough are left; a wrong one is named.
func TestHoldersThatFail(t *testing.T) {
	h, ctx := newHolders(t), context.Background()
	asker, err := h.blinder("asker", "a")
	if err != nil {
		t.Fatal(err)
	}
	h.away["holder-1"], h.shares["holder-4"] = true, h.shares["holder-5"]
	if _, err := asker.Blind(ctx, exchange.SubjectPerson, residentNumber); err != nil {
		t.Fatal(err)
	}
	h.away["holder-3"] = true
	_, err = asker.Blind(ctx, exchange.SubjectPerson, "another")
	if e := exchange.AsError(err); e.Code != ErrHolders.Code || !strings.Contains(e.Error(), "2 holders") || !strings.Contains(e.Error(), "holder-4") {
		t.Errorf("%v", err)
	}
	if _, err := h.blinder("holder-4", "b"); !errors.Is(err, ErrShare) {
		t.Errorf("a share that is another's: %v", err)
	}
}

// TestTheCacheIsAskedFirst: what was asked once is asked no more, also after a
// restart, and the file tells neither number nor id.
func TestTheCacheIsAskedFirst(t *testing.T) {
	h, ctx := newHolders(t), context.Background()
	asker, err := h.blinder("asker", "a")
	if err != nil {
		t.Fatal(err)
	}
	var numbers []blind.Number
	for i := range 700 { // more than half of the first slots
		numbers = append(numbers, blind.Number{Namespace: exchange.SubjectPerson, ID: fmt.Sprintf("1101051949123%05d", i)})
	}
	err = asker.Prepare(ctx, append(numbers, numbers[0]))
	asked := len(h.asked) // three holders a request, a request a processor at most
	if err != nil || asked == 0 || asked%3 != 0 || asked > 3*runtime.GOMAXPROCS(0) {
		t.Fatalf("%v, asked %v", err, h.asked)
	}
	first, err := asker.Blind(ctx, numbers[0].Namespace, numbers[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		for _, n := range numbers {
			if _, err := asker.Blind(ctx, n.Namespace, n.ID); err != nil {
				t.Fatal(err)
			}
		}
		if len(h.asked) != asked {
			t.Fatalf("round %d: asked %v", round, h.asked)
		}
		if err := asker.Close(); err != nil {
			t.Fatal(err)
		}
		if asker, err = h.blinder("asker", "a"); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(h.dir, "a"))
	if err != nil || len(raw) <= firstSlots*slotSize {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	for _, secret := range []string{numbers[0].ID, first, first[3:]} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the cache's file holds %s", secret)
		}
	}
	for i := range raw { // a file that decayed is asked for again, and lies never
		if i%slotSize == tagSize {
			raw[i] ^= 1
		}
	}
	if err := errors.Join(asker.Close(), os.WriteFile(filepath.Join(h.dir, "a"), raw, 0o600)); err != nil {
		t.Fatal(err)
	}
	if asker, err = h.blinder("asker", "a"); err != nil {
		t.Fatal(err)
	}
	if again, err := asker.Blind(ctx, numbers[0].Namespace, numbers[0].ID); err != nil || again != first || len(h.asked) != asked+3 {
		t.Errorf("%s, %v, asked %v", again, err, h.asked)
	}
}

// BenchmarkIDs counts ids a second with all holders on this machine: a batch of 1,000
// numbers never asked for before.
func BenchmarkIDs(b *testing.B) {
	for name, k := range map[string]int{"single": 1, "3of5": 3} {
		b.Run(name, func(b *testing.B) {
			key, err := oprf.NewKey()
			if err != nil {
				b.Fatal(err)
			}
			public := key.Public()
			commitment, shares := []oprf.Element{public}, []*oprf.Key{key}
			if k > 1 {
				if commitment, shares, err = oprf.Split(key, k, 5); err != nil {
					b.Fatal(err)
				}
			}
			group, err := oprf.NewGroup(commitment, len(shares))
			if err != nil {
				b.Fatal(err)
			}
			cfg := ObliviousConfig{Epoch: 1, Group: group, Self: "asker", Storage: bytes.Repeat([]byte{3}, 32), Cache: filepath.Join(b.TempDir(), "ids"), Log: slog.New(slog.DiscardHandler)}
			for i := range shares {
				cfg.Holders = append(cfg.Holders, exchange.MemberID(fmt.Sprint(i)))
			}
			cfg.Ask = func(_ context.Context, m exchange.MemberID, _ KeyName, blinded []oprf.Element) (oprf.Evaluation, error) {
				return shares[m[0]-'0'].Evaluate(blinded)
			}
			o, err := NewOblivious(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer o.Close()
			n := 0
			for b.Loop() {
				numbers := make([]blind.Number, 1000)
				for i := range numbers {
					numbers[i] = blind.Number{Namespace: exchange.SubjectPerson, ID: fmt.Sprintf("%018d", n)}
					n++
				}
				if err := o.Prepare(context.Background(), numbers); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "ids/s")
		})
	}
}
