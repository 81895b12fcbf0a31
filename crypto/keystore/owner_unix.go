//go:build unix

package keystore

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs tells whether the file belongs to the user this process acts as.
func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
