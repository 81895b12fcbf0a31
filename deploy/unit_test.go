package deploy_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"accord/node/config"
)

var update = flag.Bool("update", false, "write accord.example.yaml anew")

// example is the configuration of a node behind the systemd unit.
func example() []byte {
	return config.Example(map[string]string{"member": "court", "federation": "qinghai", "listen": "0.0.0.0:7443"},
		[]config.Operator{
			{Name: "zhang.san", Roles: []config.Role{config.Clerk}},
			{Name: "li.si", Roles: []config.Role{config.Officer}},
			{Name: "wang.wu", Roles: []config.Role{config.Auditor, config.Admin}},
		})
}

// TestExampleIsWhatTheNodeReads: the example is written from the same table of
// keys as the node reads, and the node takes it. After a change of the table:
//
//	go test ./deploy -run Example -update
func TestExampleIsWhatTheNodeReads(t *testing.T) {
	if *update {
		if err := os.WriteFile("accord.example.yaml", example(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("accord.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, example()) {
		t.Error("accord.example.yaml is not what config.Example writes; see the comment of this test")
	}
	none := func(string) (string, bool) { return "", false }
	cfg, _, err := config.Parse("d", got, none, nil)
	if err != nil || cfg.Listen != "0.0.0.0:7443" || len(cfg.Operators) != 3 {
		t.Errorf("%+v: %v", cfg, err)
	}
}

// unitWithProgram is the unit in a temporary folder, starting the program that
// was built instead of the installed one: systemd-analyze looks whether it is
// there.
func unitWithProgram(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("systemd/accord.service")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "/usr/local/bin/accord", ask(t).binary, 1)
	path := filepath.Join(t.TempDir(), "accord.service")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func analyze(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("needs systemd-analyze")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

func TestUnitIsValid(t *testing.T) {
	if out := analyze(t, "verify", "--man=no", unitWithProgram(t)); strings.TrimSpace(out) != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
}

// TestUnitIsASandbox holds the exposure below 2.0 of 10.
//
// Shows: D67
func TestUnitIsASandbox(t *testing.T) {
	analyze(t, "security", "--offline=true", "--threshold=20", unitWithProgram(t))
}

// TestUnitRunsTheNode reads from the unit what deploying relies on.
func TestUnitRunsTheNode(t *testing.T) {
	raw, err := os.ReadFile("systemd/accord.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ExecStart=/usr/local/bin/accord node run --dir /var/lib/accord\n",
		"Environment=ACCORD_PASSPHRASE_FILE=%d/passphrase\n",
		"LoadCredentialEncrypted=passphrase:",
		"SystemCallFilter=seccomp\n", // without it no workbook is opened: the child's limits fail closed
		"StateDirectoryMode=0700\n", "UMask=0077\n", "LimitCORE=0\n",
		"StartLimitBurst=", "RestartPreventExitStatus=1 2 6 7\n",
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the unit lacks %q", strings.TrimSpace(want))
		}
	}
}
