package doctor

import (
	"os"
	"path/filepath"
	"syscall"
)

// The magic numbers of file systems, from statfs(2).
var kinds = map[int64]struct {
	name           string
	memory, remote bool
}{
	0x01021994: {"tmpfs", true, false},
	0x858458f6: {"ramfs", true, false},
	0x6969:     {"nfs", false, true},
	0xff534d42: {"cifs", false, true},
	0xfe534d42: {"smb2", false, true},
	0x517b:     {"smb", false, true},
	0x01021997: {"9p", false, true},
	0x65735546: {"fuse", false, true},
	0xef53:     {"ext4", false, false},
	0x58465342: {"xfs", false, false},
	0x9123683e: {"btrfs", false, false},
	0x2fc12fc1: {"zfs", false, false},
	0x794c7630: {"overlayfs", false, false},
}

// Free is how many bytes this user can still write below a folder.
func Free(dir string) uint64 { return fileSystem(dir).Free }

// fileSystem is what lies under a folder.
func fileSystem(dir string) Disk {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return Disk{Err: err}
	}
	k := kinds[int64(uint32(st.Type))]
	return Disk{Kind: k.name, Memory: k.memory, Remote: k.remote, Free: st.Bavail * uint64(st.Bsize), Total: st.Blocks * uint64(st.Bsize),
		Inodes: st.Ffree, TotalInodes: st.Files}
}

// device is the file system a file is on, or will be.
func device(path string) (uint64, bool) {
	info, err := os.Stat(path)
	if err != nil {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Dev), true
}
