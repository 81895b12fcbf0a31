package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"

	"accord/exchange"
)

// The errors of a configuration.
var (
	ErrFile = exchange.Define(exchange.KindInvalid, "CONF-001",
		exchange.Text{Zh: "配置文件 {file} 无法读取:{why}", En: "cannot read the configuration file {file}: {why}"},
		exchange.Text{Zh: "用 accord init 建立数据目录,或用 --dir 指明", En: "make a data folder with accord init, or name it with --dir"})
	ErrUnknownKey = exchange.Define(exchange.KindInvalid, "CONF-002",
		exchange.Text{Zh: "未知的配置项 {key}", En: "unknown configuration key {key}"},
		exchange.Text{Zh: "是否想写 {nearest}?全部配置项见 accord config keys", En: "did you mean {nearest}? accord config keys lists all"})
	ErrValue = exchange.Define(exchange.KindInvalid, "CONF-003",
		exchange.Text{Zh: "配置项 {key} 的值无效:{why}(来自 {origin})", En: "the value of {key} is not valid: {why} (from {origin})"},
		exchange.Text{Zh: "改正后用 accord config validate 检查", En: "mend it and check with accord config validate"})
)

// Origins says where each key's value came from: "default", the file, the
// environment variable or "flag".
type Origins map[string]string

// Load reads the configuration of the data folder dir. env looks variables up
// (os.LookupEnv), flags holds keys set on the command line.
func Load(dir string, env func(string) (string, bool), flags map[string]string) (Config, Origins, error) {
	raw, err := os.ReadFile(FilePath(dir))
	if err != nil {
		return Config{}, nil, ErrFile.Wrap(err, "file", FilePath(dir), "why", reason(err))
	}
	return Parse(dir, raw, env, flags)
}

func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, os.ErrPermission):
		return "permission denied"
	}
	return "input/output error"
}

// Parse is Load on bytes already read.
func Parse(dir string, file []byte, env func(string) (string, bool), flags map[string]string) (Config, Origins, error) {
	cfg, origins := Config{Dir: dir}, Origins{}
	if len(file) > 1<<20 {
		return Config{}, nil, ErrFile.With("file", FilePath(dir), "why", "larger than 1 MiB")
	}
	tree := map[string]any{}
	if err := yaml.Unmarshal(file, &tree); err != nil {
		return Config{}, nil, ErrFile.With("file", FilePath(dir), "why", firstLine(err))
	}
	flat := map[string]string{}
	operators, err := flatten("", tree, flat)
	if err != nil {
		return Config{}, nil, err
	}
	cfg.Operators = operators
	for _, k := range keyTable {
		value, origin := k.Default, "default"
		if v, ok := flat[k.Name]; ok {
			value, origin = v, "file"
			delete(flat, k.Name)
		}
		if v, ok := env(k.Env()); ok {
			value, origin = v, k.Env()
		}
		if v, ok := flags[k.Name]; ok {
			value, origin = v, "flag"
		}
		if err := k.set(&cfg, value); err != nil {
			return Config{}, nil, ErrValue.With("key", k.Name, "why", err.Error(), "origin", origin)
		}
		origins[k.Name] = origin
	}
	if unknown := firstKey(flat); unknown != "" {
		return Config{}, nil, ErrUnknownKey.With("key", unknown, "nearest", nearest(unknown))
	}
	return cfg, origins, cfg.validate()
}

// flatten turns nested maps into dotted keys; operators is the one list of
// objects and is decoded apart.
func flatten(prefix string, tree map[string]any, out map[string]string) ([]Operator, error) {
	var operators []Operator
	for name, v := range tree {
		key := prefix + name
		switch v := v.(type) {
		case map[string]any:
			if _, err := flatten(key+".", v, out); err != nil {
				return nil, err
			}
		case []any:
			if key == "operators" {
				list, err := decodeOperators(v)
				if err != nil {
					return nil, err
				}
				operators = list
				continue
			}
			parts := make([]string, len(v))
			for i, p := range v {
				parts[i] = fmt.Sprint(p)
			}
			out[key] = strings.Join(parts, ",")
		case nil:
			out[key] = ""
		default:
			out[key] = fmt.Sprint(v)
		}
	}
	return operators, nil
}

func decodeOperators(list []any) ([]Operator, error) {
	raw, err := yaml.Marshal(list)
	if err != nil {
		return nil, ErrValue.With("key", "operators", "why", "not a list", "origin", "file")
	}
	var out []Operator
	if err := yaml.UnmarshalWithOptions(raw, &out, yaml.Strict()); err != nil {
		return nil, ErrValue.With("key", "operators", "why", firstLine(err), "origin", "file")
	}
	return out, nil
}

func (c Config) validate() error {
	bad := func(key, why string) error { return ErrValue.With("key", key, "why", why, "origin", "file") }
	if !exchange.ValidName(c.Member) {
		return bad("member", "needs letters, digits, '-', '_' or '.', at most 64")
	}
	if !exchange.ValidName(c.Federation) {
		return bad("federation", "needs letters, digits, '-', '_' or '.', at most 64")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return bad("listen", "needs host:port")
	}
	if c.MetricsListen != "" {
		host, _, err := net.SplitHostPort(c.MetricsListen)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return bad("metrics.listen", "needs a loopback address and port")
		}
	}
	if len(c.AuditFiles) == 0 {
		return bad("audit.files", "at least one audit file is needed")
	}
	seen := map[exchange.OperatorID]bool{}
	for _, o := range c.Operators {
		if !exchange.ValidName(string(o.Name)) || seen[o.Name] || len(o.Roles) == 0 {
			return bad("operators", "each needs a name of its own and at least one role")
		}
		seen[o.Name] = true
		for _, r := range o.Roles {
			if !contains([]string{string(Clerk), string(Officer), string(Auditor), string(Admin)}, string(r)) {
				return bad("operators", "unknown role "+string(r))
			}
		}
	}
	return nil
}

// Value is a key's effective value as text.
func (c Config) Value(k Key) string { return k.get(&c) }

func firstKey(m map[string]string) string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func errChoice(v string, allowed []string) error {
	return fmt.Errorf("%q is none of %s", v, strings.Join(allowed, ", "))
}

func errRange(v, min, max string) error {
	return fmt.Errorf("%q is not between %s and %s", v, min, max)
}
