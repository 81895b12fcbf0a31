package config

import (
	"errors"
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
