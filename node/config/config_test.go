package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"accord/exchange"
)

const small = "member: court\nfederation: qinghai\noperators:\n  - {name: wang, roles: [clerk]}\n"

func none(string) (string, bool) { return "", false }

func TestPrecedenceAndOrigin(t *testing.T) {
	env := func(k string) (string, bool) {
		if k == "ACCORD_RAFT_TIMEOUT" || k == "ACCORD_LOG_LEVEL" {
			return map[string]string{"ACCORD_RAFT_TIMEOUT": "2s", "ACCORD_LOG_LEVEL": "warn"}[k], true
		}
		return "", false
	}
	cfg, origins, err := Parse("d", []byte(small+"raft:\n  timeout: 1s\nlog: {format: json}\n"), env, map[string]string{"log.level": "debug"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"raft.timeout": "ACCORD_RAFT_TIMEOUT", "log.level": "flag", "log.format": "file", "listen": "default"} {
		if origins[key] != want {
			t.Errorf("%s comes from %s, want %s", key, origins[key], want)
		}
	}
	if cfg.LogLevel != "debug" || cfg.RaftTimeout.String() != "2s" || cfg.LogFormat != "json" {
		t.Errorf("values %+v", cfg)
	}
	if o, ok := cfg.Operator("wang"); !ok || !o.Has(Clerk) || o.Has(Officer) {
		t.Error("operator wang is not a clerk only")
	}
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		file string
		want *exchange.Definition
		text string
	}{
		"unknown key names the nearest": {small + "lissen: x\n", ErrUnknownKey, "listen"},
		"unknown nested key":            {small + "raft: {time_out: 1s}\n", ErrUnknownKey, "raft.timeout"},
		"duplicate key":                 {small + "member: b\n", ErrFile, ""},
		"not a map":                     {"- a\n", ErrFile, ""},
		"bad duration":                  {small + "raft: {timeout: soon}\n", ErrValue, "raft.timeout"},
		"metrics on a public address":   {small + "metrics: {listen: '0.0.0.0:9'}\n", ErrValue, "loopback"},
		"no member":                     {"federation: q\n", ErrValue, "member"},
		"unknown role":                  {"member: a\nfederation: q\noperators: [{name: b, roles: [king]}]\n", ErrValue, "king"},
		"operator with extra member":    {"member: a\nfederation: q\noperators: [{name: b, role: [clerk]}]\n", ErrValue, "operators"},
		"operator twice":                {"member: a\nfederation: q\noperators: [{name: b, roles: [clerk]},{name: b, roles: [admin]}]\n", ErrValue, "name of its own"},
		"store with a password":         {small + "store: postgres://u:canary@localhost/db\n", ErrValue, "store_password_file"},
		"store with password=":          {small + "store: postgres://u@localhost/db?password=canary\n", ErrValue, "store_password_file"},
		"store of another kind":         {small + "store: mysql://localhost\n", ErrValue, "postgres://"},
		"no audit":                      {small + "audit: {files: ''}\n", ErrValue, "audit"},
	}
	for name, c := range cases {
		_, _, err := Parse("d", []byte(c.file), none, nil)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want.Code)
			continue
		}
		e := exchange.AsError(err)
		if !strings.Contains(e.What(exchange.En)+e.Next(exchange.En), c.text) {
			t.Errorf("%s: %q %q lacks %q", name, e.What(exchange.En), e.Next(exchange.En), c.text)
		}
	}
}

// TestStrictness: what YAML's types or a second look would read otherwise.
func TestStrictness(t *testing.T) {
	long := strings.Repeat("#", maxFile)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "*" + string(c-1) + "]\n"
	}
	for name, c := range map[string]struct {
		file string
		want *exchange.Definition
	}{
		"dotted and nested":             {small + "log.level: warn\nlog: {level: error}\n", ErrFile},
		"nested and dotted":             {small + "log: {level: error}\nlog.level: warn\n", ErrFile},
		"a second document":             {small + "---\nlisten: 127.0.0.1:1\n", ErrFile},
		"an alias":                      {small + "listen: &l 127.0.0.1:1\nlog: {level: *l}\n", ErrFile},
		"a tag":                         {small + "listen: !!str 127.0.0.1:1\n", ErrFile},
		"a bomb":                        {small + bomb, ErrFile},
		"a deep file":                   {small + "x: " + strings.Repeat("[", 9000), ErrFile},
		"a long file":                   {small + long, ErrFile},
		"a list for one value":          {small + "listen: ['127.0.0.1:1', '127.0.0.1:2']\n", ErrValue},
		"a port that is none":           {small + "listen: '127.0.0.1:70000'\n", ErrValue},
		"a port by name":                {small + "listen: '127.0.0.1:https'\n", ErrValue},
		"an empty address":              {small + "listen:\n", ErrValue},
		"one audit file twice":          {small + "audit: {files: 'a.log, ./a.log'}\n", ErrValue},
		"one audit file twice, by root": {small + "audit: {files: [a.log, d/../a.log]}\n", ErrValue},
		"the node as an operator":       {"member: a\nfederation: q\noperators: [{name: node, roles: [clerk]}]\n", ErrValue},
		"an operator's name twice":      {"member: a\nfederation: q\noperators: [{name: b, name: c, roles: [clerk]}]\n", ErrFile},
	} {
		if _, _, err := Parse("d", []byte(c.file), none, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValuesAreTakenAsTheyAreWritten(t *testing.T) {
	cfg, _, err := Parse("d", []byte("member: 007\nfederation: 1e3\npassphrase_file: 0x10\nlog:\naudit: {files: [010, true]}\noperators: [{name: 0o17, roles: [clerk]}]\n"), none, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Member != "007" || cfg.Federation != "1e3" || cfg.PassphraseFile != "0x10" || cfg.Operators[0].Name != "0o17" ||
		strings.Join(cfg.AuditFiles, " ") != "010 true" || cfg.LogLevel != "info" {
		t.Errorf("%+v", cfg)
	}
	ex := Example(map[string]string{"member": "court", "federation": "q"}, []Operator{DefaultOperator("007")})
	if cfg, _, err := Parse("d", ex, none, nil); err != nil || cfg.Operators[0].Name != "007" {
		t.Errorf("the example's operator is %v, %v", cfg.Operators, err)
	}
}

func TestFlagsAndVariablesAreHeldToTheSame(t *testing.T) {
	if _, _, err := Parse("d", []byte(small), none, map[string]string{"raft.timeot": "1s"}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("an unknown flag: %v", err)
	}
	empty := func(k string) (string, bool) { return "", k == "ACCORD_LISTEN" }
	_, _, err := Parse("d", []byte(small), empty, nil)
	if e := exchange.AsError(err); !errors.Is(err, ErrValue) || !strings.Contains(e.What(exchange.En), "ACCORD_LISTEN") {
		t.Errorf("an empty variable: %v", err)
	}
}

func TestAnEndlessFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/zero", FilePath(dir)); err != nil {
		t.Skip("needs symbolic links")
	}
	if _, _, err := Load(dir, none, nil); !errors.Is(err, ErrFile) {
		t.Errorf("%v", err)
	}
}

func TestExampleIsAValidFileWithEveryKey(t *testing.T) {
	ex := Example(map[string]string{"member": "court", "federation": "qinghai"}, []Operator{DefaultOperator("admin")})
	if _, _, err := Parse("d", ex, none, nil); err != nil {
		t.Fatalf("%v\n%s", err, ex)
	}
	for _, k := range Keys() {
		_, tail, ok := strings.Cut(k.Name, ".")
		if !ok {
			tail = k.Name
		}
		if !strings.Contains(string(ex), tail+": ") {
			t.Errorf("the example lacks %s", k.Name)
		}
		if k.Doc.Zh == "" || k.Doc.En == "" {
			t.Errorf("%s lacks documentation", k.Name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("raft: {timeout: 1s}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, _, err := Parse("d", data, none, nil)
		if err == nil && !exchange.ValidName(cfg.Member) {
			t.Errorf("accepted a configuration without a member: %q", data)
		}
	})
}
