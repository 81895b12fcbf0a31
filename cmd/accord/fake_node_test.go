package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/api"
	"accord/node/wire"
)

// fakeNode is a node's local socket with canned answers. It remembers what was
// asked.
type fakeNode struct {
	t   *testing.T
	dir string

	mu      sync.Mutex
	answers map[string]answerFunc // by "METHOD /path"
	asked   []asked
}

// asked is one request as the node saw it.
type asked struct {
	route, operator, lang string
	query                 map[string]string
	body                  []byte
}

type answerFunc func(w http.ResponseWriter, r *http.Request)

func newFakeNode(t *testing.T) *fakeNode {
	t.Helper()
	dir, err := os.MkdirTemp("", "accord") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ln, err := net.Listen("unix", filepath.Join(dir, "accord.sock"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeNode{t: t, dir: dir, answers: map[string]answerFunc{}}
	document, _ := catalogue.Default()
	f.answers["GET /api/v1/catalogue"] = func(w http.ResponseWriter, _ *http.Request) { w.Write(document) }
	srv := &http.Server{Handler: f}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	return f
}

// ServeHTTP answers what was planned and fails the test about anything else.
func (f *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	a := asked{route: r.Method + " " + r.URL.Path, operator: r.Header.Get(wire.HeaderOperator), lang: r.Header.Get("Accept-Language"),
		query: map[string]string{}, body: body}
	for name, values := range r.URL.Query() {
		a.query[name] = strings.Join(values, "|")
	}
	f.mu.Lock()
	f.asked = append(f.asked, a)
	answer := f.answers[a.route]
	f.mu.Unlock()
	if answer == nil {
		f.t.Errorf("the node was asked %s", a.route)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	answer(w, r)
}

// on plans an answer: an error as its problem document, bytes as they are,
// anything else as JSON.
func (f *fakeNode) on(route string, v any) *fakeNode {
	switch v := v.(type) {
	case answerFunc:
		f.answers[route] = v
	case []byte:
		f.answers[route] = func(w http.ResponseWriter, _ *http.Request) { w.Write(v) }
	case error:
		p := api.ProblemOf(v, exchange.Zh)
		f.answers[route] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(p.Status)
			json.NewEncoder(w).Encode(p)
		}
	default:
		f.answers[route] = func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(v) }
	}
	return f
}

// to is the last request on a route.
func (f *fakeNode) to(route string) asked {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.asked) - 1; i >= 0; i-- {
		if f.asked[i].route == route {
			return f.asked[i]
		}
	}
	f.t.Fatalf("nobody asked %s", route)
	return asked{}
}

// count is how often a route was asked.
func (f *fakeNode) count(route string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, a := range f.asked {
		if a.route == route {
			n++
		}
	}
	return n
}

// run runs a command at this node.
func (f *fakeNode) run(stdin string, args ...string) (code int, out, err string) {
	f.t.Helper()
	p := newProbe(append(args, "--dir", f.dir)...)
	p.Dial = osEnv().Dial
	p.Stdin = strings.NewReader(stdin)
	code = run(context.Background(), &p.env, commands...)
	return code, p.out.String(), p.err.String()
}

// file writes a file into the node's folder and gives its path.
func (f *fakeNode) file(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// lines is an NDJSON answer.
func lines(events ...wire.ImportEvent) []byte {
	var b bytes.Buffer
	for _, e := range events {
		json.NewEncoder(&b).Encode(e)
	}
	return b.Bytes()
}
