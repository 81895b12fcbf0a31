package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"accord/node/config"
)

// books are the files whose every name must exist; strict ones may put nothing
// else in code type than names of the product, of files and of other programs.
var books = []struct {
	path   string
	strict bool
}{
	{"README.md", true},
	{"RUNBOOK.md", true},
	{"SIZING.md", true},
	{"systemd/accord.service", false},
	{"accord.example.yaml", false},
	{"../README.md", false},
	{"../README.zh-CN.md", false},
	{"../SECURITY.md", false},
	{"../cmd/README.md", false},
	{"../node/README.md", false},
}

var (
	fence      = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$")
	span       = regexp.MustCompile("`([^`\n]+)`")
	accordLine = regexp.MustCompile(`(?:^|[\s(;|&/])accord((?:[ \t]+[^\s)|;&>]+)+)`)
	variable   = regexp.MustCompile(`\bACCORD_[A-Z_]+\b`)
	errorCode  = regexp.MustCompile(`\b(?:API|AUDIT|AUTH|BACKUP|CAT|CLI|CMD|CONF|DEMO|DOCTOR|FEED|HOOK|INIT|INTAKE|LEDGER|LIST|MEM|NET|NODE|OPEN|REC|RECOVER|REL|SUBJ)-[0-9]{3}\b`)
	metricName = regexp.MustCompile(`\b(?:accord|process|go)_[a-z_]+\b`)
	link       = regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
	anchor     = regexp.MustCompile(`\]\(#([^)]+)\)`)
)

func TestEveryNameExists(t *testing.T) {
	p := ask(t)
	for _, b := range books {
		t.Run(b.path, func(t *testing.T) {
			raw, err := os.ReadFile(b.path)
			if err != nil {
				t.Fatal(err)
			}
			text := string(raw)
			checkNames(t, p, text)
			for _, line := range commandLines(b.path, text) {
				for _, words := range accordWords(line) {
					if fault := p.judge(words); fault != "" {
						t.Errorf("%s: %s", fault, line)
					}
				}
			}
			if b.strict {
				checkSpans(t, p, text)
			}
			checkLinks(t, b.path, text)
		})
	}
}

func checkNames(t *testing.T, p *product, text string) {
	for _, names := range []struct {
		what    string
		pattern *regexp.Regexp
		known   map[string]bool
	}{{"variable", variable, p.env}, {"error code", errorCode, p.codes}, {"metric", metricName, p.metrics}} {
		for _, name := range names.pattern.FindAllString(text, -1) {
			if !names.known[name] {
				t.Errorf("there is no %s %s", names.what, name)
			}
		}
	}
}

// commandLines are the lines and code spans in which commands stand.
func commandLines(path, text string) []string {
	var lines []string
	if strings.HasSuffix(path, ".service") {
		for _, line := range strings.Split(text, "\n") {
			if cmd, ok := strings.CutPrefix(line, "ExecStart="); ok {
				lines = append(lines, cmd)
			}
		}
		return lines
	}
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(strings.ReplaceAll(m[1], "\\\n", ""), "\n")...)
	}
	for _, m := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if strings.HasPrefix(m[1], "accord ") {
			lines = append(lines, m[1])
		}
	}
	return lines
}

// accordWords are the words after each call of accord in a shell line.
func accordWords(line string) [][]string {
	line, _, _ = strings.Cut(line, " # ")
	if strings.HasPrefix(line, "alias ") || strings.HasPrefix(line, "{") {
		return nil
	}
	if program, _, _ := strings.Cut(strings.TrimPrefix(line, "sudo "), " "); !slices.Contains([]string{"accord", "until", "while", "if", "for", "time", "/usr/local/bin/accord"}, program) &&
		!strings.Contains(line, "$(accord ") {
		return nil // an argument of another program that happens to read accord
	}
	var all [][]string
	for _, m := range accordLine.FindAllStringSubmatch(line, -1) {
		all = append(all, strings.Fields(m[1]))
	}
	return all
}

// elsewhere are words in code type that name something outside the product.
var elsewhere = []string{"root", "--compare", "CGO_ENABLED=0", "safe.pub", "ledger.before-…", "release", "class=\"5xx\"",
	".quarantine", "entry-….quarantine", ".refused", "poison", "[-] clock", "[!] keys", "[!] feeds", "[!] webhooks", ".ack", "rotate", "[-] records",
	"shared_buffers", "…/bare-insert", "…/anchored"}

var filename = regexp.MustCompile(`^[\w./-]+\.(?:yaml|json|jws|log|db|md|service|sock|sig|secret|go|heads|keys)$|^[\w.-]*/[\w./-]*$`)

// checkSpans holds everything in code type to something that exists.
func checkSpans(t *testing.T, p *product, text string) {
	unit, err := os.ReadFile("systemd/accord.service")
	if err != nil {
		t.Fatal(err)
	}
	var roles []string
	for _, r := range config.Roles() {
		roles = append(roles, string(r))
	}
	programs := []string{"systemctl", "systemd-analyze", "journalctl", "ss", "df", "go", "accord", "accord-verify", "bash"}
	for _, m := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		s := m[1]
		first, _, _ := strings.Cut(s, " ")
		switch {
		case slices.Contains(programs, first), slices.Contains(elsewhere, s), slices.Contains(roles, s):
		case p.keys[s], p.env[s], p.codes[s], p.metrics[s], slices.Contains(dataFolder, s):
		case strings.HasPrefix(s, "--") && p.anyFlag(s):
		case strings.HasPrefix(s, "/livez"), strings.HasPrefix(s, "/readyz"), strings.HasPrefix(s, "/api/"):
			if path, _, _ := strings.Cut(s, "?"); !strings.Contains(p.routes, "\n  "+path+":") {
				t.Errorf("the API has no route %s", s)
			}
		case filename.MatchString(s):
		case strings.Contains(string(unit), s):
		default:
			t.Errorf("%q is in code type and names nothing of the product", s)
		}
	}
}

// dataFolder is what lies in a data folder and has no telling ending.
var dataFolder = []string{"started", "passphrase", "accord", "demo"}

// checkLinks follows every link to a file or to a place on the same page.
func checkLinks(t *testing.T, path, text string) {
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
			t.Errorf("the link to %s leads nowhere", m[1])
		}
	}
	for _, m := range anchor.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(text, `<a id="`+m[1]+`">`) {
			t.Errorf("the link to #%s leads nowhere", m[1])
		}
	}
}

// TestEveryFaultOfANodeHasAPage: whoever is woken by one of these codes finds
// it in the RUNBOOK.
func TestEveryFaultOfANodeHasAPage(t *testing.T) {
	p := ask(t)
	raw, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	for code := range p.codes {
		part, _, _ := strings.Cut(code, "-")
		if slices.Contains([]string{"NODE", "AUDIT", "CONF", "NET"}, part) && !strings.Contains(string(raw), code) {
			t.Errorf("%s is not in RUNBOOK.md", code)
		}
	}
}

// TestTheCheckersNotice: a test that cannot fail is none.
func TestTheCheckersNotice(t *testing.T) {
	p := ask(t)
	for _, line := range []string{"accord nosuch", "accord node fly", "accord record import FILE --dry", "accord list show black --lange zh"} {
		faults := 0
		for _, words := range accordWords(line) {
			if p.judge(words) != "" {
				faults++
			}
		}
		if faults != 1 {
			t.Errorf("%s was taken", line)
		}
	}
	for _, line := range []string{"accord list show black --dir demo/court", "sudo systemctl restart accord nosuch", "until accord node status; do"} {
		for _, words := range accordWords(line) {
			if fault := p.judge(words); fault != "" {
				t.Errorf("%s: %s", line, fault)
			}
		}
	}
}
