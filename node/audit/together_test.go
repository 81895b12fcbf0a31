package audit

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestLinesTogether: many at once are all there, each once, in one chain.
func TestLinesTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open([]string{path}, []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const writers, each = 16, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := l.Write(Event{At: time.Unix(1, 0), Act: "a" + strconv.Itoa(w) + "." + strconv.Itoa(i), Result: "allowed"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	lines, err := l.Lines(func(e *Event) bool { seen[e.Act]++; return true })
	if err != nil || len(lines) != writers*each || len(seen) != writers*each {
		t.Fatalf("%d lines, %d acts, %v", len(lines), len(seen), err)
	}
	for i, ln := range lines {
		if ln.Number != int64(i+1) {
			t.Errorf("line %d has number %d", i+1, ln.Number)
		}
	}
}
