package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/wire"
)

// shims are the programs of the machine around the node. NODE is its data folder,
// PROGRAM what is installed on the machine. What mends a machine undoes the fault that
// the rehearsal began with: timedatectl sets the clock right, journalctl makes room.
//
// A node that starts answers before it knows that it must not run; it says in its log
// when it does.
var shims = map[string]string{
	"sudo": `exec "$@"`,
	"systemctl": `
running() { [ -e "$NODE.pid" ] && grep -qv ') Z ' /proc/$(cat "$NODE.pid")/stat 2> /dev/null; }
case "$1" in
stop|restart) if [ -e "$NODE.pid" ]; then kill $(cat "$NODE.pid") 2> /dev/null || true
  while kill -0 $(cat "$NODE.pid") 2> /dev/null; do sleep 0.05; done; rm "$NODE.pid"; fi;;
esac
case "$1" in
start|restart) running && exit 0
  touch "$NODE.log"; before=$(grep -c 'msg="node running"' "$NODE.log") || true
  [ ! -e "$NODE.cred" ] || export ACCORD_PASSPHRASE_FILE="$NODE.cred"
  ACCORD_FAILPOINTS_CONTROL="$NODE.faults" setsid "$PROGRAM" node run --dir "$NODE" >> "$NODE.log" 2>&1 < /dev/null & echo $! > "$NODE.pid"
  for i in $(seq 600); do [ "$(grep -c 'msg="node running"' "$NODE.log")" -gt "$before" ] && exit 0
    running || { tail -n 5 "$NODE.log"; exit 1; }; sleep 0.1; done; exit 1;;
esac`,
	"accord": `exec "$PROGRAM" --dir "$NODE" --operator admin --lang en "$@"`,
	"install": `mode=0755 folder=
while :; do case "$1" in -d) folder=yes; shift;; -m) mode=$2; shift 2;; -o|-g) shift 2;; *) break;; esac; done
if [ $folder ]; then mkdir -p "$1"; else rm -f "$2"; cat "$1" > "$2"; set -- "$2"; fi; chmod $mode "$1"`,
	"systemd-creds": `[ "$1" != decrypt ] || cat "$3"`, // the seal is the machine's
	"chown":         `true`,
	"journalctl":    `case "$1" in --vacuum-size=*) rm -f "$NODE/filler";; esac`,
	"timedatectl":   `[ "$1" != set-ntp ] || cp "$NODE.faults.right" "$NODE.faults"`,
	"findmnt":       `true`,
}

// programs are the builds of the program that rehearsals use: one that takes orders to
// fail and to have a wrong clock, and the release after it, which does so, too.
var programs = map[string]func() (string, error){"now": builtWith("failpoints"), "next": builtWith("failpoints,accord_next")}

// rehearsal is a federation of four real processes to rehearse on.
type rehearsal struct {
	t              *testing.T
	bash, dir, bin string
	next           string // the release that bin/accord stands for
	fifth          string // an address that no member has had
	clock          time.Duration
	plan           demo.Plan
	nominated      atomic.Int64 // subjects tried
}

// newRehearsal founds a federation and starts it on machines whose clocks are ahead by
// so much. The commission's data folder lies on a small file system of its own where
// the tester may mount one.
func newRehearsal(t *testing.T, clock time.Duration) *rehearsal {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	r := &rehearsal{t: t, bash: bash, dir: shortDir(t), clock: clock, plan: demo.Plan{Nodes: demo.Agencies()}}
	r.bin = filepath.Join(r.dir, "bin")
	must(t, os.MkdirAll(r.bin, 0o700))
	for name, body := range shims {
		must(t, os.WriteFile(filepath.Join(r.bin, name), []byte("#!"+bash+"\n"+body+"\n"), 0o700))
	}
	now, err := programs["now"]()
	must(t, err)
	r.next, err = programs["next"]()
	must(t, err)
	addresses, err := demo.FreeAddresses(len(r.plan.Nodes) + 1)
	must(t, err)
	for i := range r.plan.Nodes {
		r.plan.Nodes[i].Listen, r.plan.Nodes[i].Advertise = addresses[i], addresses[i]
	}
	r.fifth = addresses[len(addresses)-1]
	r.smallDisk("commission", 192<<10)
	must(t, demo.Found(t.Context(), r.dir, r.plan))
	t.Cleanup(r.end)
	for _, n := range r.plan.Nodes {
		must(t, os.Symlink(now, r.node(n.Member)+".program"))
		r.orders(n.Member)
		must(t, os.WriteFile(r.node(n.Member)+".faults.right", []byte(r.ordered()), 0o600))
		r.run(n.Member, "sudo systemctl start accord")
	}
	return r
}

func (r *rehearsal) end() {
	for _, n := range r.plan.Nodes {
		r.kill(n.Member)
	}
	if r.t.Failed() {
		for _, n := range r.plan.Nodes {
			raw, _ := os.ReadFile(r.node(n.Member) + ".log")
			r.t.Logf("%s: …%s", n.Member, raw[max(0, len(raw)-1500):])
		}
	}
}

func (r *rehearsal) node(member string) string { return filepath.Join(r.dir, member) }

func (r *rehearsal) client(member string) *client.Client {
	return client.Local(config.SocketPath(r.node(member)), demo.Operator, exchange.En)
}

// smallDisk mounts a memory file system of so many KiB for a node.
func (r *rehearsal) smallDisk(member string, kib int) {
	if os.Geteuid() != 0 {
		return
	}
	must(r.t, os.MkdirAll(r.node(member), 0o700))
	must(r.t, syscall.Mount("tmpfs", r.node(member), "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700", kib)))
	r.t.Cleanup(func() { _ = syscall.Unmount(r.node(member), syscall.MNT_DETACH) }) // moved by then, perhaps
}

// fill takes the room that is on a node's disk but for so many bytes.
func (r *rehearsal) fill(member string, leave uint64) {
	if os.Geteuid() != 0 {
		r.t.Skip("needs root, to mount a small file system")
	}
	f, err := os.OpenFile(filepath.Join(r.node(member), "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(r.t, err)
	var fs syscall.Statfs_t
	for block := make([]byte, 64<<10); err == nil; {
		if must(r.t, syscall.Statfs(r.node(member), &fs)); leave > 0 && fs.Bavail*uint64(fs.Bsize) <= leave {
			break
		}
		_, err = f.Write(block)
	}
	must(r.t, f.Close())
}

// ordered is the text of orders to a node's fail points; the clock stays what it is
// for all unless an order says otherwise.
func (r *rehearsal) ordered(orders ...string) string {
	return strings.Join(append([]string{"clock=" + r.clock.String(), "cosign=1s"}, orders...), "\n") + "\n"
}

// orders gives a node these orders in place of the ones before; a running one has
// obeyed when it returns.
func (r *rehearsal) orders(member string, orders ...string) {
	r.t.Helper()
	text, path := r.ordered(orders...), r.node(member)+".faults"
	must(r.t, os.WriteFile(path+".new", []byte(text), 0o600))
	must(r.t, os.Rename(path+".new", path))
	if _, err := os.Stat(r.node(member) + ".pid"); err != nil {
		return
	}
	r.until(member+" obeys", func() bool {
		raw, _ := os.ReadFile(path + ".obeyed")
		return strings.HasSuffix(strings.TrimSpace(string(raw)), fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text)))) || !r.runs(member)
	})
}

// patience is how long anything may take before it counts as never: long enough for
// a machine on which four nodes get a small part of a processor.
const patience = 5 * time.Minute

// until waits; nothing is judged by how long it takes.
func (r *rehearsal) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			var all []string
			for _, m := range members4 {
				all = append(all, fmt.Sprintf("%s: %+v", m, r.status(m)))
			}
			r.t.Fatalf("never: %s\n%s", what, strings.Join(all, "\n"))
		}
	}
}

// papers is the folder of what the members hand to one another.
func (r *rehearsal) papers() string { return filepath.Join(r.dir, "papers") }

// run does printed lines at a member; what fails ends them, and a line with
// "# exit N" must end with N.
func (r *rehearsal) run(member string, lines ...string) {
	r.t.Helper()
	if out, err := r.try(member, lines...); err != nil {
		r.t.Fatalf("at %s: %v\n%s\n%s", member, err, strings.Join(lines, "\n"), out)
	}
}

func (r *rehearsal) try(member string, lines ...string) (string, error) {
	program := r.node(member) + ".program"
	replaced := strings.NewReplacer("/var/lib/accord", r.node(member), "/srv/accord", r.papers(), "/usr/local/bin/accord", program,
		"bin/accord ", r.next+" ", "/run/accord-init", r.node(member)+".run", "/etc/accord/passphrase.cred", r.node(member)+".cred", "0.0.0.0:7444", r.fifth, "association.example:7444", r.fifth).Replace("set -eu\n" + script(block{lines: lines}))
	if err := os.MkdirAll(r.papers(), 0o700); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.bash, "-c", replaced)
	cmd.Dir = r.dir
	cmd.Env = append(cleanEnviron(), "HOME="+r.dir, "LANG=en_US.UTF-8", "PATH="+r.bin+":"+os.Getenv("PATH"), "NODE="+r.node(member), "PROGRAM="+program,
		"ACCORD_RAFT_PROMOTE_AFTER=1s", "ACCORD_RAFT_TIMEOUT=1500ms")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// marks is a node's page for whoever asks whether it is ready.
func (r *rehearsal) marks(member string) string {
	r.t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", config.SocketPath(r.node(member)))
	}, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Get("http://node/readyz?verbose")
	must(r.t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return string(page)
}

func (r *rehearsal) pid(member string) (pid int) {
	raw, err := os.ReadFile(r.node(member) + ".pid")
	if err == nil {
		_, err = fmt.Sscan(string(raw), &pid)
	}
	if err != nil {
		return 0
	}
	return pid
}

func (r *rehearsal) runs(member string) bool {
	pid := r.pid(member)
	return pid > 0 && syscall.Kill(pid, 0) == nil && !zombie(pid)
}

// kill ends a node as a power cut does.
func (r *rehearsal) kill(member string) {
	if r.runs(member) {
		_ = syscall.Kill(r.pid(member), syscall.SIGKILL)
		for r.runs(member) {
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

// status is what a node says of itself, nothing when it does not answer.
func (r *rehearsal) status(member string) wire.NodeStatus {
	ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Second)
	defer cancel()
	st, _ := r.client(member).Status(ctx) // a node that does not answer is in no state
	return st
}

// ready waits until these nodes are.
func (r *rehearsal) ready(members ...string) {
	r.t.Helper()
	for _, m := range members {
		r.until(m+" is ready", func() bool { return r.status(m).Ready })
	}
}

// settled waits until all nodes are what the roster says.
func (r *rehearsal) settled(at string) {
	r.t.Helper()
	r.until("the membership is settled", func() bool {
		m, err := r.client(at).Membership(r.t.Context())
		return err == nil && settled(m)
	})
}

// nominate has a member put one more subject on the red list.
func (r *rehearsal) nominate(member string) error {
	n := int(r.nominated.Add(1))
	_, err := r.client(member).Nominate(r.t.Context(), "red", wire.Nominate{SubjectKind: "enterprise", USCC: fictionalUSCC(n), Name: "例湖保险代理有限公司",
		Ground: "decision", Decision: &wire.DecisionRef{Number: fmt.Sprint(n), Authority: "例"}, TermDays: 365})
	return err
}
