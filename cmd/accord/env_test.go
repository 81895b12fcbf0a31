package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/exchange"
)

func TestCommandsReachTheNodeUnderTheDirectory(t *testing.T) {
	dir := t.TempDir()
	ln, err := net.Listen("unix", filepath.Join(dir, "accord.sock"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "at "+r.URL.Path) })}
	go srv.Serve(ln)
	defer srv.Close()
	p := newProbe("probe", "node", "--dir", dir)
	p.Dial = osEnv().Dial
	if code := p.run(); code != 0 || p.out.String() != "at /status" {
		t.Errorf("exit %d %q %s", code, p.out.String(), p.err.String())
	}
}

func TestNoNodeSaysSo(t *testing.T) {
	dir := t.TempDir()
	p := newProbe("probe", "node", "--dir", dir)
	p.Dial = osEnv().Dial
	if code := p.run(); code != 75 || !strings.Contains(p.err.String(), "no node is running under "+dir) {
		t.Errorf("exit %d %s", code, p.err.String())
	}
}

func TestNothingIsDialledBeforeTheFirstRequest(t *testing.T) {
	p := newProbe("version")
	p.Dial = func(context.Context, string) (net.Conn, error) { panic("dialled") }
	if first, again := p.HTTP(), p.HTTP(); p.run() != 0 || first != again {
		t.Error(p.err.String())
	}
}

func TestAnInterruptedCommandSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := newProbe("probe", "wait")
	if code := run(ctx, &p.env, append(commands, probeCommand)...); code != 75 || !strings.Contains(p.err.String(), "interrupted") {
		t.Errorf("exit %d %s", code, p.err.String())
	}
}

func TestConfirm(t *testing.T) {
	for _, test := range []struct {
		argv, answer string
		tty          bool
		want         int
	}{
		{"probe confirm", "y\n", true, 0},
		{"probe confirm", "是\n", true, 0},
		{"probe confirm", " YES \n", true, 0},
		{"probe confirm", "\n", true, 2},
		{"probe confirm", "", true, 2},
		{"probe confirm", "yeah\n", true, 2},
		{"probe confirm", "y\n", false, 2},
		{"probe confirm -o json", "y\n", true, 2},
		{"probe confirm --yes", "", false, 0},
		{"probe confirm -y -o json", "", false, 0},
	} {
		p := newProbe(strings.Fields(test.argv)...)
		p.Stdin, p.tty = strings.NewReader(test.answer), test.tty
		if got := p.run(); got != test.want || p.out.Len() > 0 {
			t.Errorf("%s answered %q (terminal %t): exit %d\n%s", test.argv, test.answer, test.tty, got, p.err.String())
		}
	}
}

func TestColourOnlyOnTerminals(t *testing.T) {
	for _, test := range []struct {
		tty  bool
		argv []string
		vars map[string]string
		want bool
	}{
		{true, nil, nil, true},
		{false, nil, nil, false},
		{true, []string{"--no-color"}, nil, false},
		{true, nil, map[string]string{"NO_COLOR": "1"}, false},
		{true, nil, map[string]string{"TERM": "dumb"}, false},
	} {
		for _, words := range [][]string{{"nosuch"}, {"probe", "list"}} {
			p := newProbe(append(words, test.argv...)...)
			p.tty = test.tty
			for k, v := range test.vars {
				p.vars[k] = v
			}
			p.run()
			if got := strings.Contains(p.err.String()+p.out.String(), "\x1b["); got != test.want {
				t.Errorf("%v %+v: colour %t", words, test, got)
			}
		}
	}
}

func TestDefaultDir(t *testing.T) {
	for _, test := range []struct {
		root             bool
		home, data, want string
	}{
		{true, "/root", "/x", "/var/lib/accord"},
		{false, "/home/li", "", "/home/li/.local/share/accord"},
		{false, "/home/li", "/data/li", "/data/li/accord"},
		{false, "", "", "/var/lib/accord"},
	} {
		vars := map[string]string{"HOME": test.home, "XDG_DATA_HOME": test.data}
		if got := defaultDir(test.root, func(k string) string { return vars[k] }); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

var importing = exchange.Text{Zh: "导入", En: "importing"}

func TestMeterWritesALineEveryFiveSeconds(t *testing.T) {
	p := newProbe()
	p.Lang = exchange.En
	m := p.meter(importing, 100)
	for range 12 {
		p.clock = p.clock.Add(time.Second)
		m.Add(5)
	}
	m.Stop()
	want := "importing 25/100  5.0/s  left 15s\nimporting 50/100  5.0/s  left 10s\n"
	if p.err.String() != want || p.out.Len() > 0 {
		t.Errorf("got\n%swant\n%s", p.err.String(), want)
	}
}

func TestMeterIsSilentForMachinesAndTheQuiet(t *testing.T) {
	for _, tty := range []bool{true, false} {
		for _, quiet := range []bool{true, false} {
			p := newProbe()
			p.tty, p.Quiet = tty, quiet
			if !quiet {
				p.Format = formatJSON
			}
			m := p.meter(importing, 10)
			p.clock = p.clock.Add(time.Minute)
			m.Add(10)
			m.Stop()
			if p.err.Len()+p.out.Len() > 0 {
				t.Errorf("terminal %t quiet %t: %q", tty, quiet, p.err.String())
			}
		}
	}
}

func TestMeterDrawsABarThatEndsWhenStopped(t *testing.T) {
	for _, done := range []int64{3, 10} { // stopped early, and full
		p := newProbe()
		p.tty, p.Lang = true, exchange.Zh
		m := p.meter(importing, 10)
		var wg sync.WaitGroup
		for range done {
			wg.Go(func() { m.Add(1) })
		}
		wg.Wait()
		m.Stop()
		m.Stop()
		if !strings.Contains(p.err.String(), "导入") || p.out.Len() > 0 {
			t.Errorf("%d of 10: %q", done, p.err.String())
		}
	}
}

func TestMeterState(t *testing.T) {
	clock := time.Unix(0, 0)
	m := &meter{now: func() time.Time { return clock }, start: clock, total: 1000, lang: exchange.En}
	if got := m.state(10); got != "10/1000" {
		t.Error(got)
	}
	clock = clock.Add(10 * time.Second)
	for count, want := range map[int64]string{0: "0/1000", 500: "500/1000  50/s  left 10s", 1000: "1000/1000  100/s", 5: "5/1000  0.5/s  left 33m10s"} {
		if got := m.state(count); got != want {
			t.Errorf("state(%d) = %q, want %q", count, got, want)
		}
	}
	m.total = 0
	if got := m.state(500); got != "500  50/s" {
		t.Error(got)
	}
	m.total = 1 << 62
	if got := m.state(1); strings.Contains(got, "left") {
		t.Error(got)
	}
}
