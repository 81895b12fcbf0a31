package faulttest_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/faulttest"
)

// needs skips where a program is missing.
func needs(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("needs %s", program)
	}
	return path
}

// mount puts a memory file system of so many KiB on dir until it is taken away or
// the test ends.
func mount(t testing.TB, dir string, kib int) (unmount func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700", kib)); err != nil {
		t.Skipf("needs mount: %v", err)
	}
	unmount = sync.OnceFunc(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(unmount)
	return unmount
}

// fill takes all the space that is left on a file system, and gives the way to free it.
func fill(t testing.TB, dir string) (free func()) {
	t.Helper()
	f, err := os.CreateTemp(dir, "filler-")
	if err != nil {
		t.Fatal(err)
	}
	path := f.Name()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// strace attaches to a running node and injects; the node is let go when the test
// ends or the node does.
func strace(r *round, member, inject string) {
	t, f := r.T, r.Federation
	t.Helper()
	cmd := exec.Command(needs(t, "strace"), "-f", "-qq", "-o", os.DevNull, "-p", strconv.Itoa(f.PID(member)),
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:"+inject)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended with its node
		_ = cmd.Wait()
	})
	status := fmt.Sprintf("/proc/%d/status", f.PID(member))
	f.Eventually("strace holds "+member, func() bool {
		raw, err := os.ReadFile(status)
		return err != nil || !strings.Contains(string(raw), "TracerPid:\t0\n")
	})
}

var disks = []fault{
	{"F10", "a disk is full", 3, under(diskFull)},
	{"F11", "every sync of the leader's files fails", 3, under(func(r *round) {
		leader := r.Leader()
		strace(r, leader, "error=EIO")
		if code, err := r.Ended(leader, time.Minute); err != nil || code <= 0 {
			r.T.Errorf("exit %d, %v", code, err)
		}
		r.load.Await(10)
	})},
	{"F12", "the leader's disk hangs", 3, under(func(r *round) {
		leader := r.Leader()
		// strace could delay the calls, too, but not let go of a process that exits.
		r.Order(leader, "store.append.commit=delay:10m", "audit.sync.before=delay:10m") // the watchdog has 5 s
		if code, err := r.Ended(leader, time.Minute); err != nil || code <= 0 {
			r.T.Errorf("exit %d, %v", code, err)
		}
		r.load.Await(10)
	})},
	{"F13", "the leader's disk is slow", 3, under(func(r *round) {
		leader := r.Leader()
		before := r.term(leader)
		strace(r, leader, "delay_enter=30000") // 30 ms a sync
		r.load.Await(20)
		time.Sleep(short(0, 10*time.Minute))
		if now := r.term(r.Leader()); now > before+2 {
			r.T.Errorf("the term went from %d to %d over a slow disk", before, now)
		}
	})},
	{"F15", "damaged files", 3, damagedFiles},
	{"F21", "no descriptors are left", 3, under(outOfDescriptors)},
	{"F20", "the kernel ends a node for its memory", 3, under(outOfMemory)},
	{"F10", "the disk of one part after another is full", 5, partsFull},
	{"F38", "the audit file blocks, then its disk is full", 5, auditFull},
}

// diskFull fills the file system with everything of one node. What it cannot
// keep it does not acknowledge; with space again it goes on by itself.
func diskFull(r *round) {
	for _, victim := range []string{r.Leader(), r.oneOf(r.Others(r.Leader()))} {
		move := volume(r, victim, 160<<10)
		var frees []func()
		refused := []string{"LEDGER-030", "AUDIT-001"}
		for try := 0; ; try++ { // an old segment or snapshot that goes makes room once more
			frees = append(frees, fill(r.T, r.DataDir(victim)))
			r.load.Await(10)
			err := r.nominate(victim)
			if err != nil && (slices.Contains(refused, exchange.AsError(err).Code) || !r.Running(victim)) {
				break
			}
			if try == 20 {
				r.T.Errorf("a write on a node with a full disk: %v", err)
				break
			}
		}
		r.load.Await(20)
		for _, free := range frees {
			free()
		}
		if code, err := r.Ended(victim, time.Millisecond); err == nil { // room that goes at once may be missed by the look ahead
			if code != 70 {
				r.T.Errorf("exit %d over a full disk", code)
			}
			r.Start(victim) // as its unit does
		}
		r.recovers("a node whose disk was full", func() error { return r.nominate(victim) })
		move()
	}
}

// volume moves a node onto a small file system of its own; back moves it away.
func volume(r *round, member string, kib int) (back func()) {
	aside := filepath.Join(r.Dir, "aside")
	carry := func(mounted func()) {
		r.Kill(member)
		copyTree(r.T, r.DataDir(member), aside)
		mounted()
		restore(r.T, r.Federation, member, aside)
		if err := os.RemoveAll(aside); err != nil {
			r.T.Fatal(err)
		}
		r.Start(member)
		r.Ready(member)
	}
	var unmount func()
	carry(func() { unmount = mount(r.T, r.DataDir(member), kib) })
	return func() { carry(unmount) }
}

// auditFull blocks the one audit file, then fills its disk: nothing that must
// leave a trace happens, reads go on, and with space and a start all is well.
func auditFull(t *testing.T, f *faulttest.Federation) {
	volume := filepath.Join(f.Dir, "audit")
	mount(t, volume, 256)
	configure := func(path string) {
		f.Stop("court")
		f.Configure("court", "audit.files", path)
		f.Start("court")
		f.Ready("court")
	}
	defer configure("audit/audit.log")
	configure(filepath.Join(volume, "audit.log"))
	d := &desk{f: f, author: "association"}
	d.open()
	ask := d.release
	reads := func() {
		t.Helper()
		for _, linear := range []bool{false, true} {
			if _, err := f.Client("court").Entries(t.Context(), "black", client.EntryQuery{Linear: linear}); err != nil {
				t.Errorf("a read, linear %t: %v", linear, err)
			}
		}
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	f.Order("court", "audit.sync.before=delay:2s@1")
	slow := make(chan error, 1)
	go func() { slow <- ask() }()
	f.Eventually("the file blocks", func() bool { return slices.Contains(f.Fired("court"), "audit.sync.before") })
	reads()
	if err := <-slow; err != nil {
		t.Errorf("a release over a slow audit file: %v", err)
	}
	before := releases(f)
	free := fill(t, volume)
	for range 20 { // the file's last block takes some lines
		if err := ask(); err != nil && exchange.AsError(err).Code != "AUDIT-001" && exchange.AsError(err).Code != "AUDIT-010" {
			t.Fatalf("over a full disk: %v", err)
		}
	}
	last := releases(f)
	for range 5 {
		if err := ask(); err == nil || exchange.AsError(err).Code != "AUDIT-001" {
			t.Errorf("over a full disk: %v", err)
		}
	}
	if releases(f) != last {
		t.Error("a release was asked for without a trace")
	}
	t.Logf("%d releases before the disk was full, %d by its last block", before, last-before)
	reads()
	free()
	recovers(f, "the audit file", ask)
	if raw, err := os.ReadFile(filepath.Join(volume, "audit.log")); err != nil || !strings.Contains(string(raw), `"audit.resumed"`) {
		t.Errorf("nothing in the file says that lines are missing: %v", err)
	}
}

// releases counts them on the ledger.
func releases(f *faulttest.Federation) (n int) {
	for cursor := ""; ; {
		page, err := f.Client("association").Releases(context.Background(), "", cursor, 100)
		if err != nil {
			f.T.Fatal(err)
		}
		if n, cursor = n+len(page.Releases), page.Next; cursor == "" {
			return n
		}
	}
}

// damagedFiles flips bits in, and cuts, the files of a stopped node (F15, F16). A
// start over damage that matters is refused; a node that does start answers as
// the others do.
func damagedFiles(t *testing.T, f *faulttest.Federation) {
	load := f.Load(faulttest.LoadOptions{Seed: *faultSeed})
	load.Await(150) // until there are snapshots
	load.Judge()
	const victim = "association"
	f.Stop(victim)
	whole := filepath.Join(f.Dir, "whole")
	copyTree(t, f.DataDir(victim), whole)
	rng := rand.New(rand.NewPCG(*faultSeed, 9))
	refused, started := 0, 0
	for _, pattern := range []string{"ledger/*.log", "ledger/state", "ledger/*.snapshot", "ledger/term.proof", "audit/audit.log", "genesis.json", "node.json", "started", "keys/*"} {
		files, err := filepath.Glob(filepath.Join(whole, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		newest := files[len(files)-1] // of the snapshots, the one that counts
		for range *faultRuns {
			flip := func(b []byte) []byte {
				at := rng.IntN(len(b))
				for try := 0; b[at] == 0 && try < 1000; try++ { // segments are mostly room
					at = rng.IntN(len(b))
				}
				b[at] ^= 1 << rng.IntN(8)
				return b
			}
			cut := func(b []byte) []byte { return b[:rng.IntN(len(b))] }
			for i, harm := range []func([]byte) []byte{flip, cut} {
				if i == 1 && *faultRuns == 1 && !strings.HasPrefix(pattern, "ledger") {
					continue // the short run cuts the ledger's files only
				}
				damage(t, f, victim, whole, newest, harm)
				if startsOrRefuses(t, f, victim, pattern) {
					started++
				} else {
					refused++
				}
			}
		}
	}
	t.Logf("%d starts refused, %d went on as if nothing were wrong", refused, started)
	restore(t, f, victim, whole)
	if err := os.RemoveAll(whole); err != nil {
		t.Error(err)
	}
	f.Heal()
}

// restore puts a node's files in place of those in its data folder.
func restore(t testing.TB, f *faulttest.Federation, member, whole string) {
	t.Helper()
	f.Kill(member)
	entries, err := os.ReadDir(f.DataDir(member)) // the folder itself may be a mount point
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(f.DataDir(member), e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	copyTree(t, whole, f.DataDir(member))
}

// copyTree copies a folder with modes and all.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func damage(t *testing.T, f *faulttest.Federation, member, whole, file string, harm func([]byte) []byte) {
	t.Helper()
	restore(t, f, member, whole)
	rel, err := filepath.Rel(whole, file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.DataDir(member), rel), harm(raw), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startsOrRefuses starts a damaged node: it ends by itself, or it holds what the
// others hold.
func startsOrRefuses(t *testing.T, f *faulttest.Federation, member, what string) (started bool) {
	t.Helper()
	f.Start(member)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if code, err := f.Ended(member, 20*time.Millisecond); err == nil {
			if code <= 0 {
				t.Errorf("%s: the start ended with %d", what, code)
			}
			return false
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		s, err := f.Client(member).Status(ctx)
		if err == nil && s.Ready {
			mine, err1 := f.Client(member).Ledger(ctx, true)
			theirs, err2 := f.Client(f.Others(member)[0]).Ledger(ctx, true)
			if mine.Digest != theirs.Digest || mine.Root != theirs.Root || err1 != nil || err2 != nil {
				t.Errorf("%s: a damaged node serves %+v, another %+v; %v %v", what, mine, theirs, err1, err2)
			}
			cancel()
			return true
		}
		cancel()
	}
	t.Errorf("%s: the node neither serves nor ends", what)
	return false
}

// outOfDescriptors gives a node few descriptors and takes them all: peers and the
// log go on, callers are turned away, and it serves again when they are free.
func outOfDescriptors(r *round) {
	victim := r.oneOf(r.Members)
	again(r, victim, "sh", "-c", `ulimit -n 96; exec "$@"`, "sh")
	defer again(r, victim)
	var held []net.Conn
	release := func() {
		for _, c := range held {
			c.Close()
		}
		held = nil
	}
	defer release()
	for range 120 {
		if c, err := net.Dial("unix", config.SocketPath(r.DataDir(victim))); err == nil {
			held = append(held, c)
		}
	}
	r.load.Await(30)
	if code, err := r.Ended(victim, time.Millisecond); err == nil {
		r.T.Errorf("the node ended with %d for lack of descriptors", code)
	}
	release()
	r.Eventually("it serves again", func() bool {
		_, err := r.Client(victim).Entries(context.Background(), "red", client.EntryQuery{Linear: true, Limit: 1})
		return err == nil
	})
}

// again restarts a node behind a command line, or without one.
func again(r *round, member string, wrapper ...string) {
	r.Kill(member)
	r.Wrap(member, wrapper...)
	r.Start(member)
	r.Ready(member)
}

// outOfMemory lets the kernel end a node whose memory group is full; it comes back
// with everything.
func outOfMemory(r *round) {
	const limit = 256 << 20
	group, remove := memoryGroup(r.T, limit)
	victim := r.oneOf(r.Members)
	defer remove()
	defer again(r, victim)
	again(r, victim, "sh", "-c", `echo $$ > "$0/cgroup.procs"; echo 1000 > /proc/self/oom_score_adj; exec "$@"`, group)
	r.load.Await(30)
	rss := residentBytes(r.T, r.PID(victim))
	r.T.Logf("%d MiB resident under load, the limit is %d", rss>>20, limit>>20)
	if *faultLong && rss > limit*3/4 {
		r.T.Error("less than a quarter of the memory is free")
	}
	hog := exec.Command("sh", "-c", `echo $$ > "$0/cgroup.procs"; exec tail /dev/zero`, group) // keeps what it reads: all there is
	if err := hog.Start(); err != nil {
		r.T.Fatal(err)
	}
	code, err := r.Ended(victim, time.Minute)
	_ = hog.Process.Kill() // it may be gone, too
	_ = hog.Wait()
	if err != nil || code != -1 {
		r.T.Errorf("ended with %d, %v, not by the kernel", code, err)
	}
	r.load.Await(10)
}

// memoryGroup makes a cgroup with a limit, version 1 or 2.
func memoryGroup(t testing.TB, limit int64) (dir string, remove func()) {
	t.Helper()
	root, file := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if raw, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && strings.Contains(string(raw), "memory") {
		root, file = "/sys/fs/cgroup", "memory.max"
	}
	dir = filepath.Join(root, fmt.Sprintf("accord-faults-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("needs a memory cgroup: %v", err)
	}
	remove = func() { os.Remove(dir) } // again is no harm
	t.Cleanup(remove)
	if err := os.WriteFile(filepath.Join(dir, file), []byte(strconv.FormatInt(limit, 10)), 0o600); err != nil {
		t.Skipf("needs a memory cgroup: %v", err)
	}
	return dir, remove
}

func residentBytes(t testing.TB, pid int) int64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	fields := strings.Fields(string(raw))
	if err != nil || len(fields) < 2 {
		t.Fatal("statm", err)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
