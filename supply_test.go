package accord

import (
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command in a folder. Nothing is fetched: what is not on this machine is
// not needed.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		stderr := ""
		if e, ok := err.(*exec.ExitError); ok {
			stderr = string(e.Stderr)
		}
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr)
	}
	return string(out)
}

// TestTheProgramIsWhatTheSumsPin builds the program as a release is built, in two
// folders: both are the same bytes, so anybody can build what they were given. What
// it is made of is what go.mod asks for, no more and no other version, every module
// with the sum that go.sum pins; and the modules on this machine are still those.
//
// Shows: B16, D61
func TestTheProgramIsWhatTheSumsPin(t *testing.T) {
	if out := run(t, ".", "go", "mod", "verify"); !strings.Contains(out, "all modules verified") {
		t.Errorf("go mod verify: %s", out)
	}
	other := copyOfSources(t)
	here, there := release(t, "."), release(t, other)
	if a, b := sumOf(t, here), sumOf(t, there); a != b {
		t.Errorf("two builds of one source differ: %x, %x", a, b)
	}
	var told struct {
		Modules []struct{ Path, Version, Sum string } `json:"modules"`
	}
	if err := json.Unmarshal([]byte(run(t, ".", here, "version", "--output", "json")), &told); err != nil {
		t.Fatal(err)
	}
	asked := requirements(t)
	pinned, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range told.Modules {
		if asked[m.Path] != m.Version {
			t.Errorf("%s %s is in the program; go.mod asks for %q", m.Path, m.Version, asked[m.Path])
		}
		if m.Sum == "" || !strings.Contains("\n"+string(pinned), "\n"+m.Path+" "+m.Version+" "+m.Sum+"\n") {
			t.Errorf("%s %s has the sum %q, which go.sum does not pin", m.Path, m.Version, m.Sum)
		}
	}
	if len(told.Modules) < 20 {
		t.Errorf("the program names only %d modules", len(told.Modules))
	}
}

// TestEveryDependencyHasAReason: a direct one stands in CONTRIBUTING.md, and nothing
// is replaced by other sources.
//
// Shows: B16
func TestEveryDependencyHasAReason(t *testing.T) {
	raw, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "## Dependencies")
	mod := modFile(t)
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		name := strings.TrimPrefix(r.Path, "github.com/")
		if i := strings.LastIndex(name, "/v"); i > 0 {
			name = name[:i] // the table names no major versions
		}
		if !strings.Contains(table, name) {
			t.Errorf("%s has no line in CONTRIBUTING.md", r.Path)
		}
	}
	if len(mod.Replace) > 0 {
		t.Errorf("go.mod replaces modules: %v", mod.Replace)
	}
}

type requirement struct {
	Path, Version string
	Indirect      bool
}

func modFile(t *testing.T) (mod struct {
	Require []requirement
	Replace []any
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(run(t, ".", "go", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	return mod
}

func requirements(t *testing.T) map[string]string {
	t.Helper()
	asked := map[string]string{}
	for _, r := range modFile(t).Require {
		asked[r.Path] = r.Version
	}
	return asked
}

// release builds the program as SIZING and RUNBOOK take it, in a folder of sources.
func release(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accord")
	run(t, dir, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/accord")
	return path
}

func sumOf(t *testing.T, path string) [32]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(raw)
}

// copyOfSources copies what the program is built from.
func copyOfSources(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		raw, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, "_test.go") {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), raw, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
