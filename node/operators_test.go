package node

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/exchange"
	"accord/node/audit"
	"accord/node/config"
)

// TestOperatorsAreReadAgain: who is taken off the file cannot act two rounds later, who
// is put on can, a file that would not do changes nobody, and the audit log tells of
// every change.
//
// Shows: B3
func TestOperatorsAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		next := filepath.Join(dir, "next")
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, config.FilePath(dir)); err != nil { // as editors do
			t.Fatal(err)
		}
	}
	const two = "operators:\n  - {name: li, roles: [clerk]}\n  - {name: wang, roles: [officer, admin]}\n"
	write(two)
	list, err := config.ReadOperators(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.log")
	sinks, err := audit.Open([]string{path}, cryptotest.Secret("court", "audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer sinks.Close()
	var log bytes.Buffer
	n := &Node{cfg: config.Config{Dir: dir, Operators: list}, opts: Options{Clock: time.Now}, audit: sinks, log: slog.New(slog.NewTextHandler(&log, nil))}
	n.operators.list.Store(&n.cfg.Operators)
	var ended = make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	go func() { n.watchOperators(ctx); close(ended) }()
	is := func(after string, want map[exchange.OperatorID]string) {
		t.Helper()
		for _, name := range []exchange.OperatorID{"li", "wang", "zhao"} {
			for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				o, ok := n.operators.find(name)
				var roles []string
				for _, r := range o.Roles {
					roles = append(roles, string(r))
				}
				if got := strings.Join(roles, " "); got == want[name] && ok == (got != "") {
					break
				} else if time.Now().After(end) {
					t.Fatalf("%s: %s has %q, want %q\n%s", after, name, got, want[name], log.String())
				}
			}
		}
	}
	is("at first", map[exchange.OperatorID]string{"li": "clerk", "wang": "officer admin"})
	write("operators:\n  - {name: wang, roles: [auditor]}\n  - {name: zhao, roles: [clerk]}\n")
	is("exchanged", map[exchange.OperatorID]string{"wang": "auditor", "zhao": "clerk"})
	for _, bad := range []string{"operators:\n  - {name: li, roles: [king]}\n", "operators: [\n", "operators:\n  - {name: node, roles: [clerk]}\n"} {
		write(bad)
		if err := n.readOperators(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	is("of a broken file", map[exchange.OperatorID]string{"wang": "auditor", "zhao": "clerk"})
	write(two)
	is("mended", map[exchange.OperatorID]string{"li": "clerk", "wang": "officer admin"})
	stop()
	<-ended
	if raw, err := os.ReadFile(path); err != nil || strings.Count(string(raw), `"act":"operators.change"`) != 2 {
		t.Errorf("the audit log: %v\n%s", err, raw)
	}
}
