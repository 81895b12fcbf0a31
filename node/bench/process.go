package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"accord/node/demo"
)

// process is one server under measurement.
type process struct {
	name  string
	dir   string // its log goes here
	argv  []string
	as    *syscall.Credential // nil: this process's own user
	quit  syscall.Signal      // ends it in order; 0: SIGTERM
	cmd   *exec.Cmd
	stdin io.Closer
	gone  chan struct{} // closed when it has been waited for
}

// start runs the process; its output goes to NAME.log.
func (p *process) start() error {
	log, err := os.OpenFile(filepath.Join(p.dir, p.name+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append(os.Environ(), demo.StopWithStdin+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.as} // Ctrl-C reaches the bench, which stops them in order
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return ErrServer.Wrap(err, "name", p.name, "why", "does not start", "log", log.Name())
	}
	gone := make(chan struct{})
	p.cmd, p.stdin, p.gone = cmd, stdin, gone
	go func() {
		_ = cmd.Wait() // how it ended does not matter: who needs it running asks for its answers
		close(gone)
	}()
	return nil
}

func (p *process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	if p.running() {
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

// farewell is how long a server has to stop by itself.
const farewell = 15 * time.Second

// stop ends the process in order.
func (p *process) stop() {
	if !p.running() {
		return
	}
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(cmp.Or(p.quit, syscall.SIGTERM))
	select {
	case <-p.gone:
	case <-time.After(farewell):
		p.kill()
	}
}

// stopAll ends many at once.
func stopAll(all []*process) {
	done := make(chan struct{}, len(all))
	for _, p := range all {
		go func() { p.stop(); done <- struct{}{} }()
	}
	for range all {
		<-done
	}
}

// ticks is the unit of CPU times in /proc on every Linux that Go runs on
// (USER_HZ).
const ticks = 100

// cpu is the user and system time the processes have used, in seconds.
func cpu(all []*process) float64 {
	var sum float64
	for _, p := range all {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			continue
		}
		// The second field is the name in brackets, which may hold blanks.
		_, rest, _ := strings.Cut(string(raw), ") ")
		if f := strings.Fields(rest); len(f) > 12 {
			user, _ := strconv.ParseFloat(f[11], 64)
			system, _ := strconv.ParseFloat(f[12], 64)
			sum += (user + system) / ticks
		}
	}
	return sum
}

// resident is the process's resident memory in bytes.
func resident(p *process) (int64, error) { return memoryOf(p.cmd.Process.Pid, "VmRSS") }

// memoryOf is a figure of /proc/PID/status in bytes: VmRSS, what is resident
// now; VmHWM, the most that ever was.
func memoryOf(pid int, figure string) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, figure+":"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("bench: no " + figure)
}
