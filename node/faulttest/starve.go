package faulttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// starveEvery is the period in which a starved node gets its share of time.
const starveEvery = 100 * time.Millisecond

// Starve gives a node so many percent of one processor from its next start on, by
// a control group where there is one and this user may make it, otherwise by
// stopping its process most of the time. It says which. Feed ends it.
func (f *Federation) Starve(member string, percent int) (how string, feed func()) {
	f.T.Helper()
	group, file, value := cpuGroup(percent)
	if group != "" && os.Getenv("ACCORD_FAULT_NO_CGROUP") == "" && os.Mkdir(group, 0o755) == nil {
		f.T.Cleanup(func() { os.Remove(group) })
		if os.WriteFile(filepath.Join(group, file), []byte(value), 0o600) == nil {
			f.Wrap(member, "sh", "-c", `echo $$ > "$0/cgroup.procs"; exec "$@"`, group)
			return "a control group", func() {
				f.Wrap(member)
				if err := os.WriteFile(filepath.Join(group, file), []byte(unlimited(file)), 0o600); err != nil {
					f.T.Error(err)
				}
			}
		}
	}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		f.dutyCycle(member, percent, done)
	}()
	return "SIGSTOP and SIGCONT", func() { close(done); <-over }
}

// cpuGroup names a control group and how its share is written, "" where there are
// none.
func cpuGroup(percent int) (dir, file, value string) {
	name := fmt.Sprintf("accord-faults-cpu-%d", os.Getpid())
	quota := strconv.Itoa(int(starveEvery.Microseconds()) * percent / 100)
	if _, err := os.Stat("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); err == nil { // version 1
		return filepath.Join("/sys/fs/cgroup/cpu", name), "cpu.cfs_quota_us", quota
	}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return filepath.Join("/sys/fs/cgroup", name), "cpu.max", quota + " " + strconv.Itoa(int(starveEvery.Microseconds()))
	}
	return "", "", ""
}

func unlimited(file string) string {
	if file == "cpu.max" {
		return "max"
	}
	return "-1"
}

// dutyCycle lets a process run for its share of each period.
func (f *Federation) dutyCycle(member string, percent int, done <-chan struct{}) {
	run := starveEvery * time.Duration(percent) / 100
	signal := func(s syscall.Signal, wait time.Duration) {
		if p := f.process(member); p != nil && p.running() {
			_ = p.signal(s) // it may end at this moment
		}
		time.Sleep(wait)
	}
	for {
		select {
		case <-done:
			signal(syscall.SIGCONT, 0)
			return
		default:
		}
		signal(syscall.SIGCONT, run)
		signal(syscall.SIGSTOP, starveEvery-run)
	}
}
