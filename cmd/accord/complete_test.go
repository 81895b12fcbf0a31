package main

import (
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"":                              "explain version completion help record",
		"ver":                           "version",
		"record im":                     "import",
		"record import --dr":            "--dry-run",
		"record import -n --dr":         "",
		"record import FILE --li":       "--limit",
		"record import --tag a --ta":    "--tag",
		"record import --kind ":         "record entry",
		"record import --kind=e":        "--kind=entry",
		"record import --kind = e":      "entry",
		"record import --kind =":        "record entry",
		"-o j":                          "json",
		"-o json rec":                   "record",
		"completion ":                   "bash zsh fish",
		"completion bash ":              "",
		"explain CLI-00":                "CLI-001 CLI-002 CLI-003 CLI-004 CLI-005 CLI-006 CLI-007 CLI-008 CLI-009",
		"help ex":                       "explain exit",
		"help record im":                "",
		"record import -- --dr":         "",
		"record import --mapping --dr":  "", // its value is missing first
		"nosuch x":                      "",
		"record import --nosuch --dr":   "",
		"record import --mapping fil":   "",
		"record import --limit 3 F --q": "--quiet",
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
