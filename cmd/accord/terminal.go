//go:build unix

package main

import (
	"os"
	"syscall"
	"unsafe"
)

// windowSize is struct winsize of ioctl_tty(2).
type windowSize struct{ rows, columns, x, y uint16 }

// sizeOf asks the terminal behind a file for its size; only a terminal has
// one, /dev/null does not.
func sizeOf(f *os.File) (windowSize, bool) {
	var size windowSize
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	return size, errno == 0
}

// isTerminal says whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, is := sizeOf(f)
	return is
}

// terminalWidth is the width of the terminal behind f, 0 when there is none.
func terminalWidth(f *os.File) int {
	size, _ := sizeOf(f)
	return int(size.columns)
}
