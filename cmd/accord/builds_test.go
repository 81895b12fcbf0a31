package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// builds are the folders of the programs that tests have built.
var builds struct {
	mu   sync.Mutex
	dirs []string // guarded by mu
}

// builtWith builds the program with these tags once, when it is first asked for.
func builtWith(tags string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "accord-built-")
		if err != nil {
			return "", err
		}
		builds.mu.Lock()
		builds.dirs = append(builds.dirs, dir)
		builds.mu.Unlock()
		path := filepath.Join(dir, "accord")
		if out, err := exec.Command("go", "build", "-tags", tags, "-o", path, ".").CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return path, nil
	})
}

// cleanRun runs the tests and removes what they have built, whatever became of them.
type cleanRun struct{ *testing.M }

func (m cleanRun) Run() int {
	code := m.M.Run()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	for _, dir := range builds.dirs {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}
