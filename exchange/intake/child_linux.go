package intake

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// ownProgram is this program, also when its file was replaced meanwhile.
func ownProgram() string { return "/proc/self/exe" }

const rlimitCore = 4 // RLIMIT_CORE, which package syscall names on no architecture of ours differently

// confine sets the child's limits: memory, processor time, no file written, no
// further descriptors, no core dump; and takes away the calls that reach out of
// the process. It fails rather than leave one out.
func confine(memory int64, cpu int) error {
	size, data, err := ownSize()
	if err != nil {
		return err
	}
	for _, l := range []struct {
		resource int
		value    uint64
	}{
		{syscall.RLIMIT_AS, size + uint64(memory)},
		{syscall.RLIMIT_DATA, data + uint64(memory)},
		{syscall.RLIMIT_FSIZE, 0},
		{syscall.RLIMIT_NOFILE, 16},
		{rlimitCore, 0},
	} {
		if err := setLimit(l.resource, l.value, l.value); err != nil {
			return err
		}
	}
	if err := setLimit(syscall.RLIMIT_CPU, uint64(cpu), uint64(cpu)+1); err != nil {
		return err
	}
	return silence()
}

// setLimit calls prlimit and not setrlimit, which service managers' filters
// refuse with what tunes a machine.
func setLimit(resource int, soft, hard uint64) error {
	limit := syscall.Rlimit{Cur: soft, Max: hard}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(resource), uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// ownSize is the address space and the data that the program has already: Go
// and its race detector reserve much that is never used.
func ownSize() (size, data uint64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	read := func(name string) (uint64, error) {
		_, rest, ok := bytes.Cut(status, []byte("\n"+name+":"))
		fields := bytes.Fields(rest)
		if !ok || len(fields) == 0 {
			return 0, errors.New("no " + name)
		}
		kib, err := strconv.ParseUint(string(fields[0]), 10, 50)
		return kib << 10, err
	}
	if size, err = read("VmSize"); err != nil {
		return 0, 0, err
	}
	data, err = read("VmData")
	return size, data, err
}

// overCPU says whether a process was ended for its processor time.
func overCPU(state *os.ProcessState) bool {
	if state == nil {
		return false
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false
	}
	used := state.UserTime() + state.SystemTime()
	return status.Signal() == syscall.SIGXCPU ||
		status.Signal() == syscall.SIGKILL && used.Seconds() >= float64(limitsOfChild.cpu)
}

// Numbers of seccomp(2), prctl(2) and bpf(4) that package syscall lacks.
const (
	prSetNoNewPrivs   = 38
	seccompFilter     = 1 // SECCOMP_SET_MODE_FILTER
	seccompAllThreads = 1 // SECCOMP_FILTER_FLAG_TSYNC
	retAllow          = 0x7fff0000
	retError          = 0x00050000 // with an errno
	retKill           = 0x80000000
	loadWord          = 0x20 // BPF_LD | BPF_W | BPF_ABS
	jumpEqual         = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	jumpAtLeast       = 0x35 // BPF_JMP | BPF_JGE | BPF_K
	giveBack          = 0x06 // BPF_RET | BPF_K
)

type bpfStep struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

// silence refuses every call that opens a file, speaks to a network, starts a
// program or looks into another process, for all threads and for good.
func silence() error {
	set, known := seccompSets[runtime.GOARCH]
	if !known {
		return nil // the limits above hold all the same
	}
	deny := uint8(len(set.denied)) // the step that refuses stands behind the last comparison and the one that allows
	steps := []bpfStep{{loadWord, 0, 0, 4}, {jumpEqual, 1, 0, set.audit}, {giveBack, 0, 0, retKill}, {loadWord, 0, 0, 0}}
	steps = append(steps, bpfStep{jumpAtLeast, deny + 1, 0, 0x40000000}) // the x32 calls
	for i, nr := range set.denied {
		steps = append(steps, bpfStep{jumpEqual, deny - uint8(i), 0, nr})
	}
	steps = append(steps, bpfStep{giveBack, 0, 0, retAllow}, bpfStep{giveBack, 0, 0, retError | uint32(syscall.EPERM)})
	program := struct {
		length uint16
		steps  *bpfStep
	}{uint16(len(steps)), &steps[0]}
	runtime.LockOSThread() // the first call is about this thread, the second about all
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(set.seccomp, seccompFilter, seccompAllThreads, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(steps)
	if errno != 0 && errno != syscall.ENOSYS && errno != syscall.EINVAL { // a kernel without seccomp
		return errno
	}
	return nil
}

// seccompSets are the calls refused, by architecture.
var seccompSets = map[string]struct {
	audit   uint32
	seccomp uintptr
	denied  []uint32
}{
	"amd64": {0xc000003e, 317, []uint32{
		2, 257, 437, 85, // open, openat, openat2, creat
		41, 42, 43, 44, 46, 49, 50, 53, 288, 307, // socket … socketpair, accept4, sendmmsg
		57, 58, 59, 322, // fork, vfork, execve, execveat
		101, 310, 311, // ptrace, process_vm_readv, process_vm_writev
		76, 82, 83, 84, 86, 87, 88, 263, 264, 316, // truncate, rename, mkdir, rmdir, link, unlink, symlink and so on
		321, 425, // bpf, io_uring_setup
	}},
	"arm64": {0xc00000b7, 277, []uint32{
		56, 437, // openat, openat2
		198, 199, 200, 201, 202, 203, 206, 211, 242, 269, // socket … sendmmsg
		221, 281, // execve, execveat
		117, 270, 271, // ptrace, process_vm_readv, process_vm_writev
		34, 35, 36, 37, 38, 45, 276, // mkdirat, unlinkat, symlinkat, linkat, renameat, truncate, renameat2
		280, 425, // bpf, io_uring_setup
	}},
}
