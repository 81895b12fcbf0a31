//go:build !linux

package intake

import (
	"os"
	"runtime/debug"
)

// ownProgram is this program's file.
func ownProgram() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// confine sets what this system lets a program set for itself. There are no
// limits of a kernel here: memory is bounded by the Go runtime's own limit, which
// slows the child down but does not end it; the parent ends it by the clock.
func confine(memory int64, _ int) error {
	debug.SetMemoryLimit(memory / 2)
	return nil
}

func overCPU(*os.ProcessState) bool { return false }
