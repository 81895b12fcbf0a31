package webhooks

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"accord/exchange"
	"accord/node/wire"
)

// The errors of endpoints.
var (
	ErrFile = exchange.Define(exchange.KindInternal, "HOOK-001",
		exchange.Text{Zh: "推送端点文件无法读写", En: "the file of a webhook endpoint cannot be read or written"},
		exchange.Text{Zh: "检查数据目录 webhooks/", En: "look at webhooks/ in the data folder"})
	ErrNone = exchange.Define(exchange.KindNotFound, "HOOK-002",
		exchange.Text{Zh: "没有名为 {name} 的推送端点", En: "there is no webhook endpoint {name}"},
		exchange.Text{Zh: "见 accord webhook list", En: "see accord webhook list"})
	ErrExists = exchange.Define(exchange.KindConflict, "HOOK-003",
		exchange.Text{Zh: "已有名为 {name} 的推送端点，或端点已达 {most} 个", En: "there is a webhook endpoint {name} already, or there are {most} of them"},
		exchange.Text{Zh: "换一个名称，或先用 accord webhook remove 删除", En: "choose another name, or remove one with accord webhook remove"})
	ErrEndpoint = exchange.Define(exchange.KindInvalid, "HOOK-004",
		exchange.Text{Zh: "推送端点的 {what} 无效", En: "the endpoint's {what} is not valid"},
		exchange.Text{Zh: "地址写成 https://主机/路径，不带用户名；名称用字母、数字、'-'、'_'、'.'", En: "write the address as https://host/path without a user, and the name in letters, digits, '-', '_' or '.'"})
	ErrAhead = exchange.Define(exchange.KindInvalid, "HOOK-005",
		exchange.Text{Zh: "第 {since} 条尚未送到，不能从那里重放；下一条是 {next}", En: "change {since} has not been sent yet, so nothing can be replayed from there; the next is {next}"},
		exchange.Text{Zh: "用不大于 {next} 的编号", En: "use a number of at most {next}"})
	ErrTest = exchange.Define(exchange.KindUnavailable, "HOOK-006",
		exchange.Text{Zh: "端点 {name} 没有收下测试消息：{why}", En: "the endpoint {name} did not take the test message: {why}"},
		exchange.Text{Zh: "检查地址、证书、防火墙和 webhooks.allow", En: "look at the address, the certificate, firewalls and webhooks.allow"})
)

// Bounds of a request, and times.
const (
	dialTime    = 10 * time.Second
	requestTime = 20 * time.Second // the whole of it; the specification advises 15 to 30 s
	maxAnswer   = 64 << 10
	maxRetry    = 24 * time.Hour // the longest Retry-After that is heeded
	page        = 64             // changes fetched at once
	waitChange  = 30 * time.Second

	// Overlap is how long a former key signs beside the new one.
	Overlap = 24 * time.Hour
)

// Schedule is after how long a failed change is tried again, as the specification's
// example has it: 75 hours and ten attempts in all.
var Schedule = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// Config is what Webhooks work with.
type Config struct {
	Dir     string
	Secret  []byte // from which keys are derived
	Version string
	Allow   []netip.Prefix // addresses beside public ones
	Roots   *x509.CertPool // nil: the system's
	// Changes are a log's changes from a number on; it waits for some.
	Changes  func(ctx context.Context, feed exchange.MemberID, since int64, limit int, wait time.Duration) (wire.Changes, error)
	Ready    func() bool // whether changes may be sent; nil: always
	Schedule []time.Duration
	Clock    func() time.Time
	Jitter   func() float64 // from 0 to 1
	Log      *slog.Logger
}

// Webhooks are one node's endpoints. It is safe for concurrent use.
type Webhooks struct {
	Config
	http *http.Client

	mu      sync.Mutex
	all     map[string]*pump // guarded by mu
	running context.Context  // guarded by mu; nil until Run
	pumps   sync.WaitGroup
}

// Open reads the endpoints that were added.
func Open(cfg Config) (*Webhooks, error) {
	if cfg.Schedule == nil {
		cfg.Schedule = Schedule
	}
	if cfg.Ready == nil {
		cfg.Ready = func() bool { return true }
	}
	w := &Webhooks{Config: cfg, all: map[string]*pump{}}
	w.http = &http.Client{Transport: transport(cfg.Allow, cfg.Roots), Timeout: requestTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	all, err := readAll(cfg.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		w.all[e.Name] = newPump(w, e)
	}
	return w, nil
}

// Run delivers until ctx ends.
func (w *Webhooks) Run(ctx context.Context) {
	w.mu.Lock()
	w.running = ctx
	for _, p := range w.all {
		w.start(p)
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.pumps.Wait()
	w.http.CloseIdleConnections()
}

// start lets a pump run; the caller holds mu.
func (w *Webhooks) start(p *pump) {
	if w.running == nil || w.running.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(w.running)
	p.stop = stop
	w.pumps.Go(func() { p.run(ctx) })
}

// List shows every endpoint, by name; size tells how long a log is.
func (w *Webhooks) List(size func(exchange.MemberID) int64) []wire.Webhook {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []wire.Webhook{}
	for _, name := range slices.Sorted(maps.Keys(w.all)) {
		p := w.all[name]
		p.mu.Lock()
		out = append(out, p.e.shape(size(p.e.Feed)))
		p.mu.Unlock()
	}
	return out
}

// Disabled are the names of the endpoints that failed until they were given up.
func (w *Webhooks) Disabled() (names []string) {
	for _, h := range w.List(func(exchange.MemberID) int64 { return 0 }) {
		if h.DisabledAt != nil && h.DisabledBy == "" {
			names = append(names, h.Name)
		}
	}
	return names
}

// Add makes an endpoint that is told of changes from a number on, and the key that its
// receiver verifies with.
func (w *Webhooks) Add(in wire.AddWebhook) (wire.WebhookKey, error) {
	e := &endpoint{Format: format, Name: in.Name, URL: in.URL, Feed: in.Feed, Scheme: in.Scheme, Keys: []keyID{newKeyID()}, Next: in.Since}
	for _, part := range []struct {
		what string
		ok   bool
	}{{"name", exchange.ValidName(in.Name)}, {"URL", validURL(in.URL)}, {"scheme", in.Scheme == Symmetric || in.Scheme == Asymmetric}, {"since", in.Since >= 0}} {
		if !part.ok {
			return wire.WebhookKey{}, ErrEndpoint.With("what", part.what)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[e.Name] != nil || len(w.all) >= maxEndpoints {
		return wire.WebhookKey{}, ErrExists.With("name", e.Name, "most", maxEndpoints)
	}
	if err := e.store(w.Dir); err != nil {
		return wire.WebhookKey{}, err
	}
	p := newPump(w, e)
	w.all[e.Name] = p
	w.start(p)
	key, err := w.shown(e)
	return wire.WebhookKey{Name: e.Name, Key: key}, err
}

// find gives an endpoint's pump.
func (w *Webhooks) find(name string) (*pump, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.all[name]; p != nil {
		return p, nil
	}
	return nil, ErrNone.With("name", name)
}

// Remove forgets an endpoint.
func (w *Webhooks) Remove(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.all[name]
	if p == nil {
		return ErrNone.With("name", name)
	}
	if p.stop != nil {
		p.stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := os.Remove(filepath.Join(w.Dir, name+".json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return ErrFile.Wrap(err)
	}
	p.gone = true
	delete(w.all, name)
	return nil
}

// Rotate gives an endpoint a new key; the former signs, too, for Overlap.
func (w *Webhooks) Rotate(name string) (wire.WebhookKey, error) {
	p, err := w.find(name)
	if err != nil {
		return wire.WebhookKey{}, err
	}
	now := w.Clock()
	until := now.Add(Overlap)
	err = p.change(func(e *endpoint) error {
		keys := []keyID{newKeyID()}
		for _, k := range e.Keys {
			if k.Until == 0 {
				k.Until = until.Unix()
			}
			if k.Until > now.Unix() && len(keys) < maxKeys {
				keys = append(keys, k)
			}
		}
		e.Keys = keys
		return nil
	})
	if err != nil {
		return wire.WebhookKey{}, err
	}
	e := p.copy()
	key, err := w.shown(&e)
	return wire.WebhookKey{Name: name, Key: key, FormerUntil: &until}, err
}

// Replay sends changes again from a number on, and enables the endpoint; -1 goes on
// where it is.
func (w *Webhooks) Replay(name string, since int64) (wire.Webhook, error) {
	p, err := w.find(name)
	if err != nil {
		return wire.Webhook{}, err
	}
	err = p.change(func(e *endpoint) error {
		if since > e.Next {
			return ErrAhead.With("since", since, "next", e.Next)
		}
		if since >= 0 {
			e.Next = since
		}
		e.Failures, e.Retry, e.Why, e.Disabled, e.By = 0, 0, "", 0, ""
		return nil
	})
	if err != nil {
		return wire.Webhook{}, err
	}
	e := p.copy()
	return e.shape(e.Next), nil
}

// Disable stops an endpoint on an operator's word.
func (w *Webhooks) Disable(name string, by exchange.OperatorID) (wire.Webhook, error) {
	p, err := w.find(name)
	if err != nil {
		return wire.Webhook{}, err
	}
	err = p.change(func(e *endpoint) error {
		e.Disabled, e.By, e.Retry = w.Clock().UnixMilli(), string(by), 0
		return nil
	})
	if err != nil {
		return wire.Webhook{}, err
	}
	e := p.copy()
	return e.shape(e.Next), nil
}

// Test sends a message of type webhook.test, once.
func (w *Webhooks) Test(ctx context.Context, name string) error {
	p, err := w.find(name)
	if err != nil {
		return err
	}
	e := p.copy()
	if _, err := w.post(ctx, &e, "test-"+newKeyID().ID, []byte(`{"type":"webhook.test","data":{}}`)); err != nil {
		return ErrTest.Wrap(err, "name", name, "why", why(err))
	}
	return nil
}

// messageID is the same for one change however often it is sent, and holds no full
// stop, which the signed content is separated by.
func messageID(log string, number int64) string {
	sum := sha256.Sum256([]byte(log))
	return hex.EncodeToString(sum[:4]) + "-" + strconv.FormatInt(number, 10)
}
