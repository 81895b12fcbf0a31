package disk

import (
	"os"
	"path/filepath"
	"testing"
)

const seekHole = 4 // lseek(2)

// What Reserve took has been written: on file systems that tell, there is no
// hole, which is what an extent that was never written counts as.
func TestReservedRoomIsWritten(t *testing.T) {
	dir := t.TempDir()
	f, err := Dir(dir, true).Create("segment")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 3*Piece + 4096
	if err := f.Reserve(size, true); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Size(); err != nil || got != size {
		t.Fatalf("size %d, %v", got, err)
	}
	g, err := os.Open(filepath.Join(dir, "segment"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if at, err := g.Seek(0, seekHole); err != nil || at != size {
		t.Errorf("the first hole is at %d of %d, %v", at, size, err)
	}
}
