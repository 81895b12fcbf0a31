package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"accord/exchange"
)

func TestResultsAreHeldAgainstTheirGoals(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, rivals []float64
		goal         goal
		ratio        float64
		reached      string
		text         string
	}{
		{"faster", []float64{1300, 1500, 1400}, []float64{1000, 900, 1100}, goal{times: 1.3}, 1.4, "yes", "≥1.3×"},
		{"not fast enough", []float64{1200}, []float64{1000}, goal{times: 1.3}, 1.2, "no", "≥1.3×"},
		{"cheaper", []float64{2}, []float64{4}, goal{times: 1.2, below: true}, 0.5, "yes", "≤1.2×"},
		{"dearer", []float64{5}, []float64{4}, goal{times: 1.2, below: true}, 1.25, "no", "≤1.2×"},
		{"small", []float64{1.1}, nil, goal{most: 1.2}, 0, "yes", "≤1.2"},
		{"large", []float64{1.3}, nil, goal{most: 1.2}, 0, "no", "≤1.2"},
		{"nobody beside it", []float64{1300}, nil, goal{times: 1.3}, 0, "unknown", "≥1.3×"},
		{"not measured", nil, []float64{1}, goal{times: 1.3}, 0, "unknown", "≥1.3×"},
	} {
		r := hold("x", "u", c.ours, "rival", c.rivals, c.goal)
		reached := "unknown"
		if r.Reached != nil {
			reached = map[bool]string{true: "yes", false: "no"}[*r.Reached]
		}
		if reached != c.reached || r.Goal != c.text || (r.Ratio == nil) != (c.ratio == 0) || r.Ratio != nil && *r.Ratio != c.ratio {
			t.Errorf("%s: %s, %q, %v", c.name, reached, r.Goal, r.Ratio)
		}
	}
}

func TestRoundsTakeTurns(t *testing.T) {
	var order []string
	turn := func(name string) func() (sample, error) {
		return func() (sample, error) { order = append(order, name); return sample{rate: float64(len(order))}, nil }
	}
	a, b, err := duel(t.Context(), 5, turn("A"), turn("B"))
	if got := strings.Join(order, ""); got != "ABBAABBAAB" || len(a) != 5 || len(b) != 5 || err != nil {
		t.Errorf("%s, %d and %d samples, %v", got, len(a), len(b), err)
	}
	if a, b, err := duel(t.Context(), 3, turn("A"), nil); len(a) != 3 || len(b) != 0 || err != nil {
		t.Errorf("alone: %d and %d samples, %v", len(a), len(b), err)
	}
	gone := errors.New("gone")
	if a, _, err := duel(t.Context(), 3, func() (sample, error) { return sample{}, gone }, turn("B")); len(a) != 0 || err != gone {
		t.Errorf("a failed round: %d samples, %v", len(a), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := duel(ended, 3, turn("A"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestASampleCountsWhatEndedInItsWindow(t *testing.T) {
	ms := time.Millisecond
	logs := [][]done{{{50 * ms, 9 * ms}, {150 * ms, 1 * ms}, {250 * ms, 2 * ms}}, {{300 * ms, 3 * ms}, {301 * ms, 99 * ms}}}
	s := summary(logs, 100*ms, 300*ms, 0.5)
	if s.ops != 3 || s.rate != 15 || s.p50 != 2 || s.p99 != 3 || s.cpu < 1666 || s.cpu > 1667 {
		t.Errorf("%+v", s)
	}
}

func TestWorkersRunDry(t *testing.T) {
	left := 3
	s, err := drive([]worker{workerFunc(func() error {
		if left--; left < 0 {
			return errDry
		}
		return nil
	})}, 0, time.Minute, nil)
	if err != nil || s.ops != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	broken := errors.New("broken")
	if _, err := drive([]worker{workerFunc(func() error { return broken })}, 0, time.Minute, nil); err != broken {
		t.Errorf("%v", err)
	}
	if _, err := drive([]worker{workerFunc(func() error { return errDry })}, 0, time.Minute, nil); err == nil {
		t.Error("a round in which nothing was done is a measurement")
	}
}

type workerFunc func() error

func (f workerFunc) do() error { return f() }
func (f workerFunc) close()    {}

func TestThreeDigits(t *testing.T) {
	for in, want := range map[float64]float64{0: 0, 1234.5: 1230, 0.98765: 0.988, 12: 12, -0.0012345: -0.00123, 999.6: 1000} {
		if got := *rounded(in); got != want {
			t.Errorf("%v: %v", in, got)
		}
	}
}

func TestAFolderInMemoryIsRefused(t *testing.T) {
	const memory = "/dev/shm"
	if !inMemory(memory) {
		t.Skip("needs a tmpfs at /dev/shm")
	}
	if _, err := Run(t.Context(), Options{Dir: memory, Only: []string{"commit-single"}}); exchange.AsError(err).Code != ErrDisk.Code {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(memory)
	for _, f := range left {
		if strings.HasPrefix(f.Name(), "ab") {
			t.Errorf("%s is left behind, %v", f.Name(), err)
		}
	}
}

func TestUnknownMeasurementsAreRefused(t *testing.T) {
	if _, err := Run(t.Context(), Options{Dir: t.TempDir(), Only: []string{"luck"}}); exchange.AsError(err).Code != ErrOnly.Code {
		t.Errorf("%v", err)
	}
}

// The messages as protoc --encode of etcd's rpc.proto gives them.
func TestMessagesToEtcd(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"put", etcdPut([]byte("k"), []byte("value")), "\x0a\x01k\x12\x05value"},
		{"get", etcdGet([]byte("k"), false), "\x0a\x01k"},
		{"serializable get", etcdGet([]byte("k"), true), "\x0a\x01k\x38\x01"},
		{"count", etcdCount(), "\x0a\x01\x00\x12\x01\x00\x38\x01\x48\x01"},
		{"txn", etcdTxn([][]byte{[]byte("a"), []byte("b")}, [][]byte{[]byte("1"), []byte("2")}),
			"\x12\x08\x12\x06\x0a\x01a\x12\x011\x12\x08\x12\x06\x0a\x01b\x12\x012"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s: %q", c.name, c.got)
		}
	}
	if n, _ := protoField([]byte("\x08\x96\x01\x22\x01x"), 1); n != 150 {
		t.Errorf("a varint: %d", n)
	}
}

func FuzzProtoField(f *testing.F) {
	f.Add([]byte("\x08\x96\x01\x22\x01x"), 4)
	f.Add([]byte("\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), 4)
	f.Fuzz(func(t *testing.T, b []byte, number int) {
		if _, v := protoField(b, number); len(v) > 0 && !bytes.Contains(b, v) {
			t.Error("a value that is not there")
		}
	})
}
