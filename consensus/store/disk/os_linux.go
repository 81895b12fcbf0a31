package disk

import (
	"errors"
	"os"
	"syscall"
)

// datasync is fdatasync(2): data, size and what is needed to find them.
func datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// reserve takes the room in one piece, and learns at once whether there is any.
// What it leaves are unwritten extents: they read as zeros, and the first write
// to each costs a commit of the file system's journal.
func reserve(f *os.File, size int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case err == syscall.EINTR:
			continue
		case errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS):
			return reserveByWriting(f, size)
		}
		return os.NewSyscallError("fallocate", err)
	}
}

func space(path string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, 0, os.NewSyscallError("statfs", err)
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}
