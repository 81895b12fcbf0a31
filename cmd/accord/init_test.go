package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestInitAsks answers on a terminal what the line left out.
func TestInitAsks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "court")
	answers := "court\ncourt\n例市中级人民法院\nExample Court\n\nqinghai\n127.0.0.1:7104\n\n"
	p := newProbe("init", "--dir", dir, "--lang", "zh", "--operator-name", "wang")
	p.Stdin, p.tty = strings.NewReader(answers), true
	if code := p.run(); code != 0 {
		t.Fatalf("exit %d %s", code, p.err.String())
	}
	for _, asked := range []string{"成员单位类型 [regulator|commission|", "统一社会信用代码（可留空）: ", "监听地址 [127.0.0.1:7443]: ", "其他成员访问的地址 [127.0.0.1:7104]: "} {
		if !strings.Contains(p.err.String(), asked) {
			t.Errorf("it did not ask %q:\n%s", asked, p.err.String())
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "accord.yaml"))
	if err != nil || !strings.Contains(string(raw), "name: wang") || !strings.Contains(string(raw), `listen: "127.0.0.1:7104"`) {
		t.Errorf("%v %s", err, raw)
	}
}

// TestInitStopsAtAWrongAnswer makes nothing of it.
func TestInitStopsAtAWrongAnswer(t *testing.T) {
	for answers, want := range map[string]string{
		"the court\n": "--member cannot be the court", "court\njudge\n": "--kind cannot be judge",
		"court\n": "flag --kind is missing", "": "flag --member is missing",
	} {
		dir := filepath.Join(t.TempDir(), "court")
		p := newProbe("init", "--dir", dir)
		p.Stdin, p.tty = strings.NewReader(answers), true
		if code := p.run(); code != 1 || !strings.Contains(p.err.String(), want) {
			t.Errorf("%q: exit %d\n%s", answers, code, p.err.String())
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: the folder was made", answers)
		}
	}
}

// TestDryRunListsWhatInitWrites holds one against the other.
func TestDryRunListsWhatInitWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "court")
	args := []string{"init", "--dir", dir, "--member", "court", "--kind", "court", "--name-zh", "例法院", "--name-en", "Court", "--federation", "qinghai", "-o", "json"}
	files := func(more ...string) []string {
		p := newProbe(append(args, more...)...)
		var r initReport
		if code := p.run(); code != 0 || json.Unmarshal(p.out.Bytes(), &r) != nil {
			t.Fatalf("exit %d %s", code, p.err.String())
		}
		return r.Files
	}
	if dry, real := files("--dry-run"), files(); !slices.Equal(dry, real) {
		t.Errorf("the dry run said %q, made were %q", dry, real)
	}
}
