package bodies

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// memory is a disk that fails when told to.
type memory struct {
	mu   sync.Mutex
	data []byte
	fail error
	n    int // failures left; -1 for ever
}

func (m *memory) ReadAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at+int64(len(b)) > int64(len(m.data)) {
		return 0, errors.New("read behind the end")
	}
	return copy(b, m.data[at:]), nil
}

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n != 0 {
		m.n--
		return 0, m.fail
	}
	if need := int(at) + len(b); need > len(m.data) {
		m.data = append(m.data, make([]byte, need-len(m.data))...)
	}
	return copy(m.data[at:], b), nil
}

func (m *memory) Close() error { return nil }

func body(i int) string { return fmt.Sprint(i, strings.Repeat("x", i%9000)) }

func fill(b *file, n int) {
	for i := 1; i <= n; i++ {
		b.Append(body(i))
	}
}

func expect(t *testing.T, b *file, n int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		if got, err := b.Get(int64(i)); err != nil || string(got) != body(i) {
			t.Fatalf("body %d: %d bytes, %v", i, len(got), err)
		}
	}
	for i := 1; i <= n; i += 7 {
		whole := body(i)
		for _, at := range [][2]int{{0, len(whole)}, {0, 1}, {len(whole) / 2, len(whole) / 3}, {len(whole), 0}} {
			if got, err := b.Part(int64(i), at[0], at[1]); err != nil || string(got) != whole[at[0]:at[0]+at[1]] {
				t.Fatalf("body %d, part %v: %d bytes, %v", i, at, len(got), err)
			}
		}
		if _, err := b.Part(int64(i), len(whole), 1); err == nil {
			t.Fatalf("body %d has a part behind its end", i)
		}
	}
	for _, i := range []int64{0, -1, int64(n) + 1} {
		if _, err := b.Get(i); err == nil {
			t.Fatalf("there is a body %d", i)
		}
	}
}

func fatal(t *testing.T) func(error) { return func(err error) { t.Error(err) } }

func TestBodiesGoToDiskAndComeBack(t *testing.T) {
	dir := t.TempDir()
	blobs, err := In(dir, fatal(t))()
	if err != nil {
		t.Fatal(err)
	}
	b := blobs.(*file)
	const n = 2*chunkLen + 100
	var reader sync.WaitGroup
	reader.Go(func() {
		for range 200 {
			if got, err := b.Get(1); err == nil && string(got) != body(1) {
				t.Error("another body")
			}
		}
	})
	fill(b, n)
	reader.Wait()
	expect(t, b, n)
	b.mu.Lock()
	if b.written == 0 {
		t.Error("nothing was written")
	}
	b.mu.Unlock()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, b, n) // views outlive the writer
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the folder holds %v", left)
	}
	if _, err := In(dir+"/none", fatal(t))(); err == nil {
		t.Error("a folder that is not there")
	}
}

// TestFullDisk: nothing is lost and nobody is stopped while a disk is full.
//
// Shows: F10
func TestFullDisk(t *testing.T) {
	d := &memory{fail: &os.PathError{Op: "write", Err: syscall.ENOSPC}, n: 5}
	b := start(d, fatal(t), time.Microsecond)
	fill(b, 1500)
	expect(t, b, 1500)
	for b.onDisk() == 0 {
		time.Sleep(time.Millisecond)
	}
	expect(t, b, 1500)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	d.n = -1
	never := start(d, fatal(t), time.Microsecond)
	fill(never, 1500)
	if err := never.Close(); err != nil { // a full disk does not keep a node from ending
		t.Fatal(err)
	}
}

func (b *file) onDisk() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written
}

// TestBrokenDisk: any other error stops the node, once.
//
// Shows: F11, I9
func TestBrokenDisk(t *testing.T) {
	told := make(chan error, 2)
	b := start(&memory{fail: syscall.EIO, n: -1}, func(err error) { told <- err }, time.Microsecond)
	fill(b, 1500)
	if err := <-told; !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	expect(t, b, 1500)
	if err := b.Close(); err != nil || len(told) != 0 {
		t.Errorf("%v, told %d times more", err, len(told))
	}
}
