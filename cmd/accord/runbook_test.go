package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
)

// A step of the RUNBOOK is rehearsed as it is printed when this stands before its
// block:
//
//	<!-- rehearsed at MEMBER -->
//
// The machine around the node is replaced: sudo, systemctl and what only looks at
// the machine are small programs of the test's, and the folders /var/lib/accord
// and /srv/accord are the test's. Everything named accord is the real program,
// and the nodes are real processes.
var rehearsed = regexp.MustCompile(`^<!-- rehearsed at ([a-z]+) -->$`)

// step is one printed block.
type step struct {
	member string
	lines  []string
}

// runbook reads the rehearsed steps of every section by its anchor.
func runbook(t *testing.T) map[string][]step {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "deploy", "RUNBOOK.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]step{}
	var section, member string
	inside := false
	for _, line := range strings.Split(string(raw), "\n") {
		switch {
		case inside && line == "```":
			inside, member = false, ""
		case inside:
			steps := all[section]
			steps[len(steps)-1].lines = append(steps[len(steps)-1].lines, line)
		case strings.HasPrefix(line, `<a id="`):
			section = strings.Split(line, `"`)[1]
		case rehearsed.MatchString(line):
			member = rehearsed.FindStringSubmatch(line)[1]
		case line == "```sh" && member != "":
			all[section] = append(all[section], step{member: member})
			inside = true
		}
	}
	return all
}

// shims are the programs of the machine around the node. NODE is its data
// folder.
var shims = map[string]string{
	"sudo": `exec "$@"`,
	"systemctl": `
case "$1" in
stop|restart) if [ -e "$NODE.pid" ]; then kill $(cat "$NODE.pid") 2> /dev/null || true
  while kill -0 $(cat "$NODE.pid") 2> /dev/null; do sleep 0.05; done; rm "$NODE.pid"; fi;;
esac
case "$1" in
start|restart) setsid "$ACCORD" node run --dir "$NODE" >> "$NODE.log" 2>&1 < /dev/null & echo $! > "$NODE.pid"
  for i in $(seq 600); do [ "$("$ACCORD" node status --dir "$NODE" --output json 2>&1 | grep -c CLI-012)" = 0 ] && exit 0
    kill -0 $(cat "$NODE.pid") 2> /dev/null || { tail -n 5 "$NODE.log"; exit 1; }; sleep 0.1; done; exit 1;;
esac`,
	"accord": `exec "$ACCORD" --dir "$NODE" --operator admin --lang en "$@"`,
	"install": `mode=0755
while [ $# -gt 2 ]; do [ "$1" = -m ] && mode=$2; shift 2; done
rm -f "$2" && cp "$1" "$2" && chmod $mode "$2"`,
	"chown":       `true`,
	"journalctl":  `true`,
	"timedatectl": `true`,
	"findmnt":     `true`,
}

// rehearsal is a federation of four real processes to rehearse on.
type rehearsal struct {
	t              *testing.T
	bash, dir, bin string
}

func newRehearsal(t *testing.T) *rehearsal {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	r := &rehearsal{t: t, bash: bash, dir: shortDir(t)}
	r.bin = filepath.Join(r.dir, "bin")
	if err := os.MkdirAll(r.bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, body := range shims {
		if err := os.WriteFile(filepath.Join(r.bin, name), []byte("#!"+bash+"\n"+body+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	plan := demo.Plan{Nodes: demo.Agencies()}
	addresses, err := demo.FreeAddresses(len(plan.Nodes))
	if err != nil {
		t.Fatal(err)
	}
	for i := range plan.Nodes {
		plan.Nodes[i].Listen, plan.Nodes[i].Advertise = addresses[i], addresses[i]
	}
	if err := demo.Found(t.Context(), r.dir, plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, n := range plan.Nodes {
			r.kill(n.Member)
		}
		if t.Failed() {
			for _, n := range plan.Nodes {
				raw, _ := os.ReadFile(r.node(n.Member) + ".log")
				t.Logf("%s: …%s", n.Member, raw[max(0, len(raw)-1500):])
			}
		}
	})
	for _, n := range plan.Nodes {
		r.run(n.Member, "sudo systemctl start accord")
	}
	return r
}

func (r *rehearsal) node(member string) string { return filepath.Join(r.dir, member) }

func (r *rehearsal) client(member string) *client.Client {
	return client.Local(config.SocketPath(r.node(member)), demo.Operator, exchange.En)
}

// run does printed lines at a member; what fails ends them, and a line with
// "# exit N" must end with N.
func (r *rehearsal) run(member string, lines ...string) {
	r.t.Helper()
	var text strings.Builder
	text.WriteString("set -eu\n")
	text.WriteString(script(block{lines: lines}))
	replaced := strings.NewReplacer("/var/lib/accord", r.node(member), "/srv/accord", filepath.Join(r.dir, "papers"),
		"/usr/local/bin/accord", filepath.Join(r.dir, "installed"), "bin/accord ", r.real()+" ").Replace(text.String())
	if err := os.MkdirAll(filepath.Join(r.dir, "papers"), 0o700); err != nil {
		r.t.Fatal(err)
	}
	installed := "#!" + r.bash + "\nexec \"$ACCORD\" --lang en \"$@\"\n"
	if err := os.WriteFile(filepath.Join(r.dir, "installed"), []byte(installed), 0o700); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.bash, "-c", replaced)
	cmd.Dir = r.dir
	cmd.Env = append(cleanEnviron(), "HOME="+r.dir, "LANG=en_US.UTF-8", "PATH="+r.bin+":"+os.Getenv("PATH"), "NODE="+r.node(member), "ACCORD="+r.real(),
		"ACCORD_RAFT_PROMOTE_AFTER=1s")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("at %s: %v\n%s\n%s", member, err, strings.Join(lines, "\n"), out)
	}
}

func (r *rehearsal) real() string { return accordBinary(r.t) }

// kill ends a node as a power cut does.
func (r *rehearsal) kill(member string) {
	raw, err := os.ReadFile(r.node(member) + ".pid")
	if err != nil {
		return
	}
	var pid int
	if _, err := fmt.Sscan(string(raw), &pid); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for syscall.Kill(pid, 0) == nil && !zombie(pid) {
			time.Sleep(20 * time.Millisecond)
		}
	}
	os.Remove(r.node(member) + ".pid")
}

// zombie says whether a process has ended and nobody has asked how.
func zombie(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(raw), ") Z ")
}

// section does all steps of a section.
func (r *rehearsal) section(steps []step) {
	r.t.Helper()
	if len(steps) == 0 {
		r.t.Fatal("no step is rehearsed")
	}
	for _, s := range steps {
		r.run(s.member, s.lines...)
	}
}

// ready waits until these nodes are.
func (r *rehearsal) ready(members ...string) {
	r.t.Helper()
	for _, m := range members {
		for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			st, err := r.client(m).Status(r.t.Context())
			if err == nil && st.Ready {
				break
			}
			if time.Now().After(deadline) {
				r.t.Fatalf("%s is not ready: %s %v", m, st.Why, err)
			}
		}
	}
}

// settled waits until all nodes are what the roster says.
func (r *rehearsal) settled(at string) {
	r.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		m, err := r.client(at).Membership(r.t.Context())
		if err == nil && settled(m) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the membership is not settled: %+v %v", m, err)
		}
	}
}

// TestRunbook does what deploy/RUNBOOK.md prints, after the faults it is for.
//
// Shows: F17, F29, F30, F31, F37, B12, B14
func TestRunbook(t *testing.T) {
	steps := runbook(t)
	r := newRehearsal(t)
	all := []string{"regulator", "commission", "association", "court"}
	r.ready(all...)
	do := func(section string, before, after func()) {
		t.Run(section, func(t *testing.T) {
			r.t = t
			if before != nil {
				before()
			}
			r.section(steps[section])
			if after != nil {
				after()
			}
			delete(steps, section)
		})
		r.t = t
		if t.Failed() {
			t.FailNow()
		}
	}
	do("start-stop-restart", nil, nil)
	do("clock", nil, nil)
	do("audit", nil, nil)
	do("fork", nil, nil)
	do("upgrade", nil, func() { r.ready("commission") })
	do("disk-full", func() { r.kill("commission") }, func() { r.ready("commission") })
	do("expired-key", nil, func() { r.settled("court") })
	do("backup", nil, nil)
	do("restore", func() { // the disk is gone, what is in the safe is not
		r.kill("association")
		must(t, os.Rename(filepath.Join(r.node("association"), "passphrase"), filepath.Join(r.dir, "papers", "passphrase")))
		must(t, os.RemoveAll(r.node("association")))
	}, func() { r.settled("association"); r.ready("association") })
	do("wiped", func() {
		r.kill("court")
		must(t, os.RemoveAll(filepath.Join(r.node("court"), "ledger")))
	}, func() { r.settled("court"); r.ready("court") })
	do("no-quorum", func() {
		r.kill("court")
		r.kill("association")
		for st, err := r.client("commission").Status(t.Context()); err != nil || st.Leader != ""; st, err = r.client("commission").Status(t.Context()) {
			time.Sleep(100 * time.Millisecond)
		}
		r.run("regulator", "sudo systemctl restart accord")
	}, func() {
		r.run("court", "sudo systemctl start accord")
		r.run("association", "sudo systemctl start accord")
		r.ready(all...)
	})
	do("lost-quorum", func() { // two machines burn down; their keys are in a safe
		for _, m := range []string{"regulator", "commission"} {
			r.kill(m)
			must(t, os.RemoveAll(filepath.Join(r.node(m), "ledger")))
		}
	}, func() { r.ready("association", "court") })
	for section := range steps {
		t.Errorf("the steps of %s are marked as rehearsed and are not", section)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
