package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"accord/node/client"
	"accord/node/config"
	"accord/node/webhooks"
	"accord/node/wire"
)

// forging changes an answer's entries.
type forging struct{ http.ResponseWriter }

func (f forging) Write(b []byte) (int, error) {
	_, err := f.ResponseWriter.Write([]byte(strings.Replace(string(b), `accord-feed-entry/1\nrecord`, `accord-feed-entry/1\nerasure`, 1)))
	return len(b), err
}

// TestFollowers runs the followers of deploy/examples, and the one in Go, against a
// node: they get all there is, go on where they were, and notice a changed entry.
func TestFollowers(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	var lies atomic.Bool
	handler := w.servers["association"].Handler()
	node := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if lies.Load() {
			rw = forging{rw}
		}
		handler.ServeHTTP(rw, r)
	}))
	defer node.Close()
	feed, err := w.servers["association"].Agency.Records.Feed(ctx, "association")
	if err != nil {
		t.Fatal(err)
	}
	want := int(feed.Edge.Size())
	dir := t.TempDir()
	for name, c := range map[string]struct {
		tools  []string
		args   func(state string) []string
		checks bool // the root
	}{
		"python": {[]string{"python3"}, func(state string) []string {
			return []string{"python3", "follow.py", node.URL, "--feed", "association", "--once", "--state", state}
		}, true},
		"shell": {[]string{"sh", "curl", "jq"}, func(state string) []string { return []string{"sh", "follow.sh", node.URL, state, "association"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, tool := range c.tools {
				if _, err := exec.LookPath(tool); err != nil {
					t.Skip("needs " + tool)
				}
			}
			run := func(state string) (int, error) {
				args := c.args(filepath.Join(dir, name+state))
				cmd := exec.CommandContext(ctx, args[0], args[1:]...)
				cmd.Dir, cmd.Env = "../../deploy/examples", append(cmd.Environ(), "ONCE=1", "no_proxy=*")
				out, err := cmd.Output()
				lines := slices.DeleteFunc(strings.Split(string(out), "\n"), func(s string) bool { return s == "" })
				for i, line := range lines {
					var change wire.Change
					if json.Unmarshal([]byte(line), &change) != nil || change.Number != int64(i) {
						t.Fatalf("line %d: %s", i, line)
					}
				}
				return len(lines), err
			}
			if n, err := run("a"); err != nil || n != want {
				t.Errorf("%d changes of %d: %v", n, want, err)
			}
			if n, err := run("a"); err != nil || n != 0 {
				t.Errorf("again: %d changes: %v", n, err)
			}
			if lies.Store(true); c.checks {
				if _, err := run("b"); err == nil {
					t.Error("a changed entry was taken in")
				}
			}
			lies.Store(false)
		})
	}
	f := client.Follower{Feed: "association"}
	at := client.New(&http.Client{Transport: through{handler, caller{}}}, "association", "", "en")
	if got, err := f.Next(ctx, at, 0); err != nil || len(got) != want || f.Edge.Root() != feed.Edge.Root() {
		t.Errorf("%d changes: %v", len(got), err)
	}
	if got, err := f.Next(ctx, at, 0); err != nil || len(got) != 0 {
		t.Errorf("again: %d changes: %v", len(got), err)
	}
	f.Edge.Append(feed.Edge.Root())
	if _, err := f.Next(ctx, at, 0); code(err) != client.ErrWhole.Code {
		t.Errorf("a log that became shorter: %v", err)
	}
}

// TestReceiver runs the receiver of deploy/examples against a node that pushes to it:
// it gets every change once, over a rotation of the key and a replay, and takes nothing
// that is not the node's.
func TestReceiver(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	w, ctx := newWorld(t), t.Context()
	w.importSample("association", "discipline-sample.xlsx")
	s, admin := w.servers["association"], w.client("association", config.Admin)
	feed, err := s.Agency.Records.Feed(ctx, "association")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets := filepath.Join(dir, "secrets")
	know := func(keys ...string) {
		if err := os.WriteFile(secrets, []byte(strings.Join(keys, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	know()
	cmd := exec.CommandContext(ctx, python, "../../deploy/examples/receive.py", "--port", "0", "--secrets", secrets, "--state", filepath.Join(dir, "state"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	first := bufio.NewScanner(said)
	if !first.Scan() || !strings.HasPrefix(first.Text(), "listening on port ") {
		t.Fatalf("it does not start: %s", first.Text())
	}
	url := "http://127.0.0.1:" + strings.TrimPrefix(first.Text(), "listening on port ")
	go s.Webhooks.Run(ctx)
	key, err := admin.AddWebhook(ctx, wire.AddWebhook{Name: "bank", URL: url, Feed: "association", Scheme: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.TestWebhook(ctx, "bank"); code(err) != webhooks.ErrTest.Code || !strings.Contains(err.Error(), "401") {
		t.Errorf("a message by a key that it does not know was taken: %v", err)
	}
	know(key.Key)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for n := range feed.Edge.Size() {
		if n%4 == 0 { // and what was sent before comes again
			if _, err := admin.ReplayWebhook(ctx, "bank", wire.ReplayWebhook{Since: 0}); err != nil {
				t.Fatal(err)
			}
		}
		if n == 8 {
			next, err := admin.RotateWebhook(ctx, "bank")
			if err != nil {
				t.Fatal(err)
			}
			know(next.Key)
		}
		var got wire.WebhookMessage
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &got) != nil || got.Data.Change.Number != n || got.Type != "feed.record" {
			t.Fatalf("change %d: %s", n, lines.Text())
		}
	}
	list, err := admin.Webhooks(ctx)
	if err != nil || len(list.Webhooks) != 1 || list.Webhooks[0].DisabledAt != nil {
		t.Errorf("%+v %v", list, err)
	}
}
