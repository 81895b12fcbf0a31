package main

import (
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"prob":                         "probe",
		"versi":                        "version",
		"probe im":                     "import",
		"probe import --dr":            "--dry-run",
		"probe import -n --dr":         "",
		"probe import FILE --li":       "--limit",
		"probe import --tag a --ta":    "--tag",
		"probe import --kind ":         "record entry",
		"probe import --kind=e":        "--kind=entry",
		"probe import --kind = e":      "entry",
		"probe import --kind =":        "record entry",
		"-o j":                         "json",
		"-o json prob":                 "probe",
		"completion ":                  "bash zsh fish",
		"completion bash ":             "",
		"explain CLI-00":               "CLI-001 CLI-002 CLI-003 CLI-004 CLI-005 CLI-006 CLI-007 CLI-008 CLI-009",
		"help ex":                      "explain exit",
		"help probe im":                "",
		"probe import -- --dr":         "",
		"probe import --mapping --dr":  "", // its value is missing first
		"nosuch x":                     "",
		"probe import --nosuch --dr":   "",
		"probe import --mapping fil":   "",
		"probe import --limit 3 F --q": "--quiet",
	} {
		words := strings.Split(line, " ")
		p := newProbe(append([]string{completeWord}, words...)...)
		p.vars["ACCORD_OUTPT"] = "x"
		code := p.run()
		var got []string
		for candidate := range strings.Lines(p.out.String()) {
			name, _, _ := strings.Cut(strings.TrimSpace(candidate), "\t")
			got = append(got, name)
		}
		if code != 0 || p.err.Len() > 0 || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q (%s)", line, got, want, p.err.String())
		}
	}
}
