package faulttest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"accord/node/demo"
)

var program struct {
	sync.Mutex
	dir, path string
	err       error
}

// Program is the accord binary with its fail points, built once for all tests of
// the process. [Main] removes it. ACCORD_FAULT_OVERLAY may name an overlay file
// for the build (see go help build): that is how mutants get into it.
func Program(t testing.TB) string {
	t.Helper()
	program.Lock()
	defer program.Unlock()
	if program.path == "" && program.err == nil {
		program.err = build()
	}
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

func build() (err error) {
	if program.dir, err = os.MkdirTemp("", "accord-fault-"); err != nil {
		return err
	}
	path := filepath.Join(program.dir, "accord")
	args := []string{"build", "-tags", "failpoints", "-o", path}
	if overlay := os.Getenv("ACCORD_FAULT_OVERLAY"); overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "accord/cmd/accord")...)
	cmd.Env = append(os.Environ(), "GOFLAGS=") // the race detector is for tests in one process; here it hides faults behind its slowness
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	program.path = path
	return nil
}

// Main runs a package's tests and removes the binary: func TestMain(m *testing.M) { faulttest.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	program.Lock()
	if program.dir != "" {
		os.RemoveAll(program.dir)
	}
	program.Unlock()
	os.Exit(code)
}

// ErrSurvived says that a process was to end by itself and was ended by the test.
var ErrSurvived = errors.New("faulttest: the process did not end by itself")

// process is one running node.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	gone  chan struct{} // closed when the process has been waited for
	state *os.ProcessState
}

// started stands in a node's log where the test started it.
const started = "=== started"

// launch starts a node; wrapper, if any, is a command line in front of it.
func launch(program, dir string, wrapper, env []string, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	fmt.Fprintln(out, started)
	line := append(slices.Clone(wrapper), program, "node", "run", "--dir", dir)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(append(clean(os.Environ()), env...), demo.StopWithStdin+"=1")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe() // closes with the test: no node outlives it
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in state
		p.state = cmd.ProcessState
		close(p.gone)
	}()
	return p, nil
}

// clean leaves out what would configure the nodes from the tester's shell.
func clean(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "ACCORD_") })
}

// signal sends a signal to the process and to what runs it.
func (p *process) signal(s syscall.Signal) error { return syscall.Kill(-p.cmd.Process.Pid, s) }

func (p *process) running() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// freeAddresses are ports that nobody listens on, outside the range from which the
// system gives ports away by itself: what is free is still so when a node, founded
// meanwhile, or started again, wants to listen there.
func freeAddresses(n int) ([]string, error) {
	var out []string
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 15_000+rand.IntN(17_000))
		ln, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		ln.Close()
		if !slices.Contains(out, address) {
			out = append(out, address)
		}
		if len(out) == n {
			return out, nil
		}
	}
	return nil, errors.New("faulttest: no free ports")
}
