package deploy_test

import (
	"encoding/csv"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"accord/node/config"
	"accord/node/metrics"
)

// product is every name the product really has, as the product itself tells.
type product struct {
	binary  string
	help    map[string]string          // help page by command path; "" is the program's own
	groups  map[string]bool            // paths that only hold commands
	flags   map[string]map[string]bool // by command path; "" holds the global ones
	env     map[string]bool
	keys    map[string]bool
	codes   map[string]bool
	metrics map[string]bool
	routes  string // the API's description
}

var (
	listedCommand = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*)(?:, [a-z-]+)*(?:  .*)?$`)
	listedFlag    = regexp.MustCompile(`(?m)^  (--[a-z][a-z-]*(?:, --?[a-z-]+)*)`)
)

var theProduct = sync.OnceValues(buildProduct)

func ask(t *testing.T) *product {
	t.Helper()
	p, err := theProduct()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMain(m *testing.M) {
	code := m.Run()
	if p, err := theProduct(); err == nil {
		os.RemoveAll(filepath.Dir(p.binary))
	}
	os.Exit(code)
}

func buildProduct() (*product, error) {
	dir, err := os.MkdirTemp("", "accord-deploy-")
	if err != nil {
		return nil, err
	}
	p := &product{binary: filepath.Join(dir, "accord"), help: map[string]string{}, groups: map[string]bool{},
		flags: map[string]map[string]bool{}, env: map[string]bool{}, keys: map[string]bool{}, codes: map[string]bool{}, metrics: map[string]bool{}}
	build := exec.Command("go", "build", "-o", p.binary, "accord/cmd/accord")
	build.Env = append(os.Environ(), "GOFLAGS=") // the race detector is for tests; in a program they start it only takes time
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	if err := p.walk(""); err != nil {
		return nil, err
	}
	for _, k := range config.Keys() {
		p.keys[k.Name], p.env[k.Env()] = true, true
	}
	p.keys["operators"] = true // the one key that holds a list of objects
	if err := p.column(p.env, "help", "env"); err != nil {
		return nil, err
	}
	if err := p.column(p.codes, "explain"); err != nil {
		return nil, err
	}
	p.readMetrics()
	raw, err := os.ReadFile(filepath.Join("..", "node", "api", "openapi.yaml"))
	p.routes = string(raw)
	return p, err
}

// run runs the program with an environment of its own.
func (p *product) run(args ...string) (string, error) {
	cmd := exec.Command(p.binary, append(args, "--lang", "en")...)
	cmd.Env = []string{"HOME=" + filepath.Dir(p.binary), "PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	return string(out), err
}

// walk reads the help of a command and of everything below it.
func (p *product) walk(path string) error {
	page, err := p.run(append([]string{"help"}, strings.Fields(path)...)...)
	if err != nil {
		return errors.New("accord help " + path + ": " + err.Error())
	}
	p.help[path], p.flags[path] = page, map[string]bool{}
	for _, m := range listedFlag.FindAllStringSubmatch(page, -1) {
		for _, name := range strings.Split(m[1], ", ") {
			p.flags[path][name] = true
		}
	}
	if path != "" && !strings.Contains(page, "\nCommands\n") {
		return nil
	}
	p.groups[path] = true
	head, _, _ := strings.Cut(page, "\nGlobal flags")
	for _, m := range listedCommand.FindAllStringSubmatch(head, -1) {
		if err := p.walk(strings.TrimSpace(path + " " + m[1])); err != nil {
			return err
		}
	}
	return nil
}

// column collects the first column of a command's table.
func (p *product) column(into map[string]bool, args ...string) error {
	out, err := p.run(append(args, "--output", "csv")...)
	if err != nil {
		return err
	}
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range all[1:] {
		into[row[0]] = true
	}
	return nil
}

// readMetrics reads the names off a real metrics page on which everything was
// counted once.
func (p *product) readMetrics() {
	var gauges metrics.Gauges
	for v, i := reflect.ValueOf(&gauges).Elem(), 0; i < v.NumField(); i++ {
		zero := reflect.ValueOf(func() float64 { return 0 })
		if !zero.Type().AssignableTo(v.Field(i).Type()) {
			zero = reflect.ValueOf(func() map[metrics.PeerReason]uint64 { return map[metrics.PeerReason]uint64{{}: 0} })
		}
		v.Field(i).Set(zero)
	}
	m := metrics.New("test", "court", gauges)
	m.Request("GET /", 200, 0)
	m.Release("ask", "granted")
	m.Refused("CONF-001")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range strings.Split(w.Body.String(), "\n") {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			p.metrics[strings.Fields(name)[0]] = true
		}
	}
}

// judge says what is wrong with a command line that begins after the word
// accord, "" for nothing.
func (p *product) judge(words []string) string {
	path := ""
	for len(words) > 0 {
		next := strings.TrimSpace(path + " " + words[0])
		if _, ok := p.help[next]; !ok {
			break
		}
		path, words = next, words[1:]
	}
	switch {
	case path == "" && len(words) == 0:
		return ""
	case path == "" && words[0] == "--version":
		return ""
	case p.groups[path] && path != "" && len(words) == 0:
		return "" // the group as such
	case p.groups[path] && (len(words) == 0 || !strings.HasPrefix(words[0], "-")):
		return "accord " + path + " has no command " + strings.Join(words, " ")
	}
	for _, w := range words {
		name, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(name, "-") && name != "-" && !p.flags[path][name] && !p.flags[""][name] {
			return "accord " + path + " has no flag " + name
		}
	}
	return ""
}

// anyFlag says whether some command has the flag.
func (p *product) anyFlag(name string) bool {
	for _, flags := range p.flags {
		if flags[name] {
			return true
		}
	}
	return false
}
