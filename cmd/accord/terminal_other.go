//go:build !unix

package main

import "os"

// isTerminal says whether a stream is a terminal, as far as the standard
// library can tell.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// terminalWidth is unknown here.
func terminalWidth(*os.File) int { return 0 }
