package config

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"accord/exchange"
)

// The errors of a configuration.
var (
	ErrFile = exchange.Define(exchange.KindInvalid, "CONF-001",
		exchange.Text{Zh: "配置文件 {file} 无法读取：{why}", En: "cannot read the configuration file {file}: {why}"},
		exchange.Text{Zh: "用 accord init 建立数据目录，或用 --dir 指明", En: "make a data folder with accord init, or name it with --dir"})
	ErrUnknownKey = exchange.Define(exchange.KindInvalid, "CONF-002",
		exchange.Text{Zh: "未知的配置项 {key}", En: "unknown configuration key {key}"},
		exchange.Text{Zh: "是否想写 {nearest}？全部配置项见 accord config keys", En: "did you mean {nearest}? accord config keys lists all"})
	ErrValue = exchange.Define(exchange.KindInvalid, "CONF-003",
		exchange.Text{Zh: "配置项 {key} 的值无效：{why}（来自 {origin}）", En: "the value of {key} is not valid: {why} (from {origin})"},
		exchange.Text{Zh: "改正后用 accord config validate 检查", En: "mend it and check with accord config validate"})
)

// Origins says where each key's value came from: "default", the file, the
// environment variable or "flag".
type Origins map[string]string

// maxFile bounds a configuration file, in bytes.
const maxFile = 256 << 10

// Load reads the configuration of the data folder dir. env looks variables up
// (os.LookupEnv), flags holds keys set on the command line.
func Load(dir string, env func(string) (string, bool), flags map[string]string) (Config, Origins, error) {
	raw, err := readFile(dir)
	if err != nil {
		return Config{}, nil, err
	}
	return Parse(dir, raw, env, flags)
}

// ReadOperators reads only the operators of the data folder's file, as a running node
// does when it has changed.
func ReadOperators(dir string) ([]Operator, error) {
	raw, err := readFile(dir)
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return nil, notParsed(dir, err)
	}
	return doc.operators, Config{Operators: doc.operators}.validateOperators(func(key, why string) error {
		return ErrValue.With("key", key, "why", why, "origin", "file")
	})
}

func readFile(dir string) ([]byte, error) {
	f, err := os.Open(FilePath(dir))
	if err != nil {
		return nil, ErrFile.Wrap(err, "file", FilePath(dir), "why", reason(err))
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, ErrFile.Wrap(err, "file", FilePath(dir), "why", reason(err))
	}
	return raw, nil
}

func notParsed(dir string, err error) error {
	var known *exchange.Error
	if errors.As(err, &known) {
		return known
	}
	return ErrFile.With("file", FilePath(dir), "why", firstLine(err))
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
	doc, err := parseDocument(file)
	if err != nil {
		return Config{}, nil, notParsed(dir, err)
	}
	cfg.Operators = doc.operators
	given := map[string]bool{}
	for key := range doc.scalars {
		given[key] = true
	}
	for key := range flags {
		given[key] = true
	}
	for _, k := range keyTable {
		delete(given, k.Name)
	}
	if unknown := firstKey(given); unknown != "" {
		return Config{}, nil, ErrUnknownKey.With("key", unknown, "nearest", nearest(unknown))
	}
	for _, k := range keyTable {
		value, origin := k.Default, "default"
		if v, ok := doc.scalars[k.Name]; ok {
			value, origin = v, "file"
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
	return cfg, origins, cfg.validate(origins)
}

// Reserved is the operator under whose name the node signs what it does by
// itself; no person may have it.
const Reserved exchange.OperatorID = "node"

func (c Config) validate(origins Origins) error {
	bad := func(key, why string) error {
		origin := origins[key]
		if origin == "" {
			origin = "file" // the operators stand nowhere else
		}
		return ErrValue.With("key", key, "why", why, "origin", origin)
	}
	if !exchange.ValidName(c.Member) {
		return bad("member", "needs letters, digits, '-', '_' or '.', at most 64")
	}
	if !exchange.ValidName(c.Federation) {
		return bad("federation", "needs letters, digits, '-', '_' or '.', at most 64")
	}
	if !hostPort(c.Listen) {
		return bad("listen", "needs host:port")
	}
	if c.MetricsListen != "" {
		host, _, _ := net.SplitHostPort(c.MetricsListen)
		if ip := net.ParseIP(host); !hostPort(c.MetricsListen) || ip == nil || !ip.IsLoopback() {
			return bad("metrics.listen", "needs a loopback address and port")
		}
	}
	if why := badStore(c.Store); why != "" {
		return bad("store", why)
	}
	for _, m := range c.FeedByHand {
		if !exchange.ValidName(m) || m == c.Member {
			return bad("feeds.by_hand", "needs ids of other members")
		}
	}
	for _, p := range c.WebhookAllow {
		if _, err := netip.ParsePrefix(p); err != nil {
			return bad("webhooks.allow", "needs prefixes such as 10.1.0.0/16")
		}
	}
	if len(c.AuditFiles) == 0 {
		return bad("audit.files", "at least one audit file is needed")
	}
	files := map[string]bool{}
	for _, file := range c.AuditFiles {
		if path := filepath.Clean(c.Path(file)); files[path] {
			return bad("audit.files", "one file is named twice")
		} else {
			files[path] = true
		}
	}
	return c.validateOperators(bad)
}

func (c Config) validateOperators(bad func(key, why string) error) error {
	seen := map[exchange.OperatorID]bool{}
	for _, o := range c.Operators {
		if !exchange.ValidName(string(o.Name)) || seen[o.Name] || len(o.Roles) == 0 {
			return bad("operators", "each needs a name of its own and at least one role")
		}
		if o.Name == Reserved {
			return bad("operators", "the name node is the node's own")
		}
		seen[o.Name] = true
		for _, r := range o.Roles {
			if !slices.Contains(Roles(), r) {
				return bad("operators", "unknown role "+string(r))
			}
		}
	}
	return nil
}

// badStore says what is wrong with a database's address. It may be shown and
// logged, so a password has no place in it.
func badStore(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "needs postgres://user@host:5432/database"
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return "holds a password; put it into the file that store_password_file names"
	}
	return ""
}

func hostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}

// Value is a key's effective value as text.
func (c Config) Value(k Key) string { return k.get(&c) }

func firstKey(m map[string]bool) string {
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
