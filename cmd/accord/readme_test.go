package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A README's shell blocks are run as they are printed. A comment that readers
// do not see stands on the line before each:
//
//	<!-- run -->
//	<!-- run in the background until it prints TEXT -->
//
// A command that must fail says so in its own comment, "# exit 4"; what a block
// has to print may stand on the line after it:
//
//	<!-- printed: TEXT | TEXT -->
//
// Only the block that builds the program is not marked: the tests build it
// themselves.

// block is one shell block of a README.
type block struct {
	section string // the heading it stands under; each section has a folder of its own
	lines   []string
	run     bool
	until   string // what a block that is left running prints when it is ready
	printed []string
}

// buildBlock is the one shell block that is not run.
const buildBlock = `go build -o bin/ ./cmd/accord && PATH="$PWD/bin:$PATH"`

var (
	marker       = regexp.MustCompile(`^<!-- run(?: in the background until it prints (.+))? -->$`)
	printed      = regexp.MustCompile(`^<!-- printed: (.+) -->$`)
	comment      = regexp.MustCompile(`\s+# .*$`)
	expectedExit = regexp.MustCompile(`^(.*\S)\s+# exit (\d+)$`)
)

// readmeBlocks reads the shell blocks of a file at the root of the tree.
func readmeBlocks(t *testing.T, name string) []block {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var section string
	var open, fenced bool // inside a shell block; inside any other
	var marked []string   // the marker on the line before
	for _, line := range strings.Split(string(raw), "\n") {
		switch {
		case open && line == "```", fenced && line == "```":
			open, fenced = false, false
		case open:
			all[len(all)-1].lines = append(all[len(all)-1].lines, line)
		case fenced:
		case line == "```sh":
			b := block{section: section, run: marked != nil}
			if b.run {
				b.until = marked[1]
			}
			all, open = append(all, b), true
		case strings.HasPrefix(line, "```"):
			fenced = true
		case strings.HasPrefix(line, "## "):
			section = strings.TrimPrefix(line, "## ")
		case printed.MatchString(line) && len(all) > 0:
			all[len(all)-1].printed = strings.Split(printed.FindStringSubmatch(line)[1], " | ")
		}
		marked = marker.FindStringSubmatch(line)
	}
	return all
}

// commandsOf is a block without the remarks that each language words itself;
// the exit codes stay.
func commandsOf(b block) string {
	var out []string
	for _, line := range b.lines {
		if m := expectedExit.FindStringSubmatch(line); m != nil {
			line = m[1] + " # exit " + m[2]
		} else {
			line = comment.ReplaceAllString(line, "")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func TestReadmesPrintTheSameCommands(t *testing.T) {
	en, zh := readmeBlocks(t, "README.md"), readmeBlocks(t, "README.zh-CN.md")
	if len(en) != len(zh) || len(en) < 8 {
		t.Fatalf("%d blocks in English, %d in Chinese", len(en), len(zh))
	}
	for i := range en {
		if a, b := commandsOf(en[i]), commandsOf(zh[i]); a != b || en[i].run != zh[i].run || en[i].until != zh[i].until {
			t.Errorf("block %d differs:\n%s\n---\n%s", i+1, a, b)
		}
		if got := commandsOf(en[i]); en[i].run == (got == buildBlock) {
			t.Errorf("block %d under %q is printed and not run:\n%s", i+1, en[i].section, got)
		}
	}
}

// TestReadmeNamesTheTestCommand holds what .ci/run takes from the README.
func TestReadmeNamesTheTestCommand(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), "\n<!-- test command -->\n```\ngo test ./...\n") {
			t.Errorf("%s does not name go test ./... after its marker", name)
		}
	}
}

// TestReadmeRuns does what the README says, section by section, with the real
// program and real processes.
func TestReadmeRuns(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	ports := freePorts(t)
	var sections []string
	scripts, prints := map[string]*strings.Builder{}, map[string][]string{}
	for _, b := range readmeBlocks(t, "README.md") {
		if !b.run {
			continue
		}
		if scripts[b.section] == nil {
			scripts[b.section] = &strings.Builder{}
			sections = append(sections, b.section)
		}
		scripts[b.section].WriteString(ports.Replace(script(b)))
		prints[b.section] = append(prints[b.section], b.printed...)
	}
	for _, s := range sections {
		t.Run(s, func(t *testing.T) {
			output := runScript(t, bash, scripts[s].String())
			for _, text := range prints[s] {
				if !strings.Contains(output, text) {
					t.Errorf("it did not print %q:\n%s", text, output)
				}
			}
		})
	}
}

// script is a block as bash runs it: what fails ends it, a command with an
// expected exit code must have exactly that one, and a block for the background
// is waited for.
func script(b block) string {
	if b.until != "" {
		return fmt.Sprintf("%s > background.log 2>&1 &\nbackground=$!\nset +x\n"+
			"until grep -q %q background.log; do kill -0 $background; sleep 0.1; done\nset -x\n", strings.Join(b.lines, "; "), b.until)
	}
	var out strings.Builder
	for _, line := range b.lines {
		if m := expectedExit.FindStringSubmatch(line); m != nil {
			line = fmt.Sprintf("code=0; %s || code=$?; [ $code -eq %s ] || { echo \"exit $code, README says %s\" >&2; exit 99; }", m[1], m[2], m[2])
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// freePorts replaces the README's ports by ones that nobody has.
func freePorts(t *testing.T) *strings.Replacer {
	t.Helper()
	var pairs []string
	for port := 7101; port <= 7104; port++ {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // all are held until all are known, so no two are equal
		_, free, err := net.SplitHostPort(ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, fmt.Sprint(port), free)
	}
	return strings.NewReplacer(pairs...)
}

// runScript runs a script in a folder of its own, leaves no process behind and
// returns what was printed.
func runScript(t *testing.T, bash, text string) string {
	t.Helper()
	dir := shortDir(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bash, "-c", "trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT; set -eu; exec 9> trace.log; BASH_XTRACEFD=9; PS4='$ '; set -x\n"+text)
	cmd.Dir = dir
	cmd.Env = append(cleanEnviron(), "HOME="+dir, "LANG=en_US.UTF-8", "PATH="+filepath.Dir(accordBinary(t))+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	output, err := os.Create(filepath.Join(dir, "output")) // a file and no pipe, which background processes would hold
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	err = cmd.Run()
	if cmd.Process != nil {
		endGroup(cmd.Process.Pid)
	}
	if err == nil {
		raw, err := os.ReadFile(output.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, path := range append(logs, output.Name()) {
		raw, _ := os.ReadFile(path)
		t.Logf("%s: …%s", filepath.Base(path), raw[max(0, len(raw)-4000):])
	}
	t.Fatal(err)
	return ""
}

// cleanEnviron is the environment without what would set our own flags.
func cleanEnviron() []string {
	var out []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, variablePrefix) {
			out = append(out, pair)
		}
	}
	return out
}

// endGroup asks a process group to end and, if it will not, ends it.
func endGroup(pid int) {
	for i := range 100 {
		sig := syscall.SIGTERM
		if i > 0 {
			sig = 0
		}
		if i == 99 {
			sig = syscall.SIGKILL
		}
		if syscall.Kill(-pid, sig) != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
