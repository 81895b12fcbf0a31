package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
)

// StopWithStdin is the environment variable that makes `accord node run` stop
// when its standard input closes, so that no node outlives its demo.
const StopWithStdin = "ACCORD_STOP_WITH_STDIN"

// ErrNode is given when a node of the demo cannot be started or stopped.
var ErrNode = exchange.Define(exchange.KindUnavailable, "DEMO-001",
	exchange.Text{Zh: "演示节点 {member}：{why}", En: "demo node {member}: {why}"},
	exchange.Text{Zh: "查看 {log}", En: "look into {log}"})

// Supervisor starts, kills and watches the demo's nodes.
type Supervisor struct {
	dir     string
	program []string // the accord binary and leading arguments
	plan    Plan

	mu        sync.Mutex
	processes map[string]*process // guarded by mu
	closed    bool                // guarded by mu
	recorders []*Recorder
	patience  time.Duration // how long nodes have to stop gently
}

// process is one running node.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	gone  chan struct{} // closed when the process has been waited for
}

// Supervise prepares to run the nodes of the federation built in dir, starting
// them with program, and opens the recorded wire in front of each.
func Supervise(dir string, plan Plan, program ...string) (*Supervisor, error) {
	s := &Supervisor{dir: dir, plan: plan, program: program, processes: map[string]*process{}, patience: 10 * time.Second}
	if err := os.MkdirAll(filepath.Join(dir, "wire"), 0o700); err != nil {
		return nil, err
	}
	for _, n := range plan.Nodes {
		r, err := Record(n.Advertise, n.Listen, filepath.Join(dir, "wire", n.Member+".bytes"))
		if err != nil {
			s.Close()
			return nil, ErrNode.Wrap(err, "member", n.Member, "why", "port in use", "log", s.LogPath(n.Member))
		}
		s.recorders = append(s.recorders, r)
	}
	return s, nil
}

// Dir is the data folder of a member's node.
func (s *Supervisor) Dir(member string) string { return filepath.Join(s.dir, member) }

// LogPath is where a node's log goes.
func (s *Supervisor) LogPath(member string) string {
	return filepath.Join(s.dir, "logs", member+".log")
}

// Start runs one member's node; starting a running one does nothing.
func (s *Supervisor) Start(member string) error { return s.StartWith(member, s.program...) }

// StartWith is Start with another program, for instance of another release.
func (s *Supervisor) StartWith(member string, program ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrNode.With("member", member, "why", "the demo is stopping", "log", s.LogPath(member))
	}
	if s.processes[member] != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.LogPath(member)), 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(s.LogPath(member), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := append(append([]string{}, program[1:]...), "node", "run", "--dir", s.Dir(member))
	cmd := exec.Command(program[0], args...)
	cmd.Env = append(os.Environ(), StopWithStdin+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches the demo, which stops its nodes in order
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return ErrNode.Wrap(err, "member", member, "why", "does not start", "log", s.LogPath(member))
	}
	p := &process{cmd: cmd, stdin: stdin, gone: make(chan struct{})}
	s.processes[member] = p
	go s.reap(member, p)
	return nil
}

// settling is how long a person who starts a node waits for it to be ready; without
// a quorum it never is, and then it is left to come up by itself.
const settling = 15 * time.Second

// startAndWait is Start, and comes back when the node takes questions.
func (s *Supervisor) startAndWait(member string) error {
	if err := s.Start(member); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	if err := s.Ready(ctx, member); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Supervisor) reap(member string, p *process) {
	p.cmd.Wait()
	s.mu.Lock()
	if s.processes[member] == p {
		delete(s.processes, member)
	}
	s.mu.Unlock()
	close(p.gone)
}

// Kill ends a node the hard way (SIGKILL), as a power cut would.
func (s *Supervisor) Kill(member string) error {
	p := s.running(member)
	if p == nil {
		return ErrNode.With("member", member, "why", "is not running", "log", s.LogPath(member))
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return ErrNode.Wrap(err, "member", member, "why", "cannot be killed", "log", s.LogPath(member))
	}
	<-p.gone
	return nil
}

func (s *Supervisor) running(member string) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.processes[member]
}

// Running lists the members whose node runs, in the plan's order.
func (s *Supervisor) Running() []string {
	var out []string
	for _, n := range s.plan.Nodes {
		if s.running(n.Member) != nil {
			out = append(out, n.Member)
		}
	}
	return out
}

// Client speaks to a member's node as an operator.
func (s *Supervisor) Client(member string, op exchange.OperatorID) *client.Client {
	return client.Local(config.SocketPath(s.Dir(member)), op, exchange.Zh)
}

// Ready waits until every running node is ready: it follows a leader and has
// applied what was committed. It gives up when a process ends or ctx does.
func (s *Supervisor) Ready(ctx context.Context, members ...string) error {
	for _, m := range members {
		c := s.Client(m, Operator)
		for {
			status, err := c.Status(ctx)
			if err == nil && status.Ready {
				break
			}
			if s.running(m) == nil {
				return ErrNode.With("member", m, "why", "stopped while starting", "log", s.LogPath(m))
			}
			select {
			case <-ctx.Done():
				return ErrNode.Wrap(ctx.Err(), "member", m, "why", "is not ready: "+status.Why, "log", s.LogPath(m))
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// Close stops every node gently, all at once, then the recorded wire. No node
// starts after it.
func (s *Supervisor) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	var waiting []*process
	for _, p := range s.processes {
		waiting = append(waiting, p)
	}
	s.mu.Unlock()
	for _, p := range waiting {
		p.stdin.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	for _, p := range waiting {
		select {
		case <-p.gone:
		case <-ctx.Done():
			p.cmd.Process.Kill()
			<-p.gone
		}
	}
	if again {
		return nil
	}
	var errs error
	for _, r := range s.recorders {
		errs = errors.Join(errs, r.Close())
	}
	return errs
}

// FreeAddresses asks the system for n unused loopback ports, no two alike.
func FreeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close() // at the end: a port that is free again may be given again
		addresses[i] = ln.Addr().String()
	}
	return addresses, nil
}
