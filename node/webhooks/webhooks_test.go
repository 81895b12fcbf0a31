package webhooks

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/wire"
)

// TestSignatures: what is signed verifies as the specification says and as its own
// libraries do, by each key that counts, and nothing else does.
func TestSignatures(t *testing.T) {
	w := &Webhooks{Config: Config{Secret: []byte("storage")}}
	for _, scheme := range []string{Symmetric, Asymmetric} {
		e := &endpoint{Name: "a", Scheme: scheme, Keys: []keyID{newKeyID(), {ID: newKeyID().ID, Until: 200}}}
		key, err := w.shown(e)
		if err != nil {
			t.Fatal(err)
		}
		for unix, want := range map[int64]int{100: 2, 200: 1} {
			header, err := w.signature(e, "id-1", unix, []byte(`{"a":1}`))
			signatures := strings.Split(header, " ")
			if err != nil || len(signatures) != want || !verifies(key, "id-1", unix, `{"a":1}`, signatures[0]) {
				t.Errorf("%s at %d: %s %v", scheme, unix, header, err)
			}
			if verifies(key, "id-1", unix, `{"a":2}`, signatures[0]) || verifies(key, "id-2", unix, `{"a":1}`, signatures[0]) || verifies(key, "id-1", unix+1, `{"a":1}`, signatures[0]) {
				t.Errorf("%s: a signature over something else holds", scheme)
			}
		}
		other := *e
		other.Name = "b"
		if again, _ := w.shown(&other); again == key {
			t.Error("two endpoints share a key")
		}
	}
	// standardwebhooks' libraries: the message, secret and signature of their tests.
	mac := hmac.New(sha256.New, mustDecode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	mac.Write([]byte(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`))
	if got := base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the scheme is another: %s", got)
	}
}

func mustDecode(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// verifies is a receiver's check, by the specification.
func verifies(key, id string, unix int64, body, signature string) bool {
	content := []byte(id + "." + strconv.FormatInt(unix, 10) + "." + body)
	if secret, ok := strings.CutPrefix(key, "whsec_"); ok {
		mac := hmac.New(sha256.New, mustDecode(secret))
		mac.Write(content)
		return signature == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	sig, ok := strings.CutPrefix(signature, "v1a,")
	return ok && ed25519.Verify(ed25519.PublicKey(mustDecode(strings.TrimPrefix(key, "whpk_"))), content, mustDecode(sig))
}

// log is a log of n changes.
type changes struct {
	mu     sync.Mutex
	n      int64
	signal chan struct{}
}

func (c *changes) grow(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	close(c.signal)
	c.signal = make(chan struct{})
}

func (c *changes) after(ctx context.Context, _ exchange.MemberID, since int64, limit int, wait time.Duration) (wire.Changes, error) {
	for {
		c.mu.Lock()
		n, signal := c.n, c.signal
		c.mu.Unlock()
		out := wire.Changes{Log: "accord/test/ledger", Size: n, Next: since}
		for i := since; i < n && len(out.Changes) < limit; i++ {
			out.Changes = append(out.Changes, wire.Change{Number: i, Kind: "statement", ID: fmt.Sprint(i)})
			out.Next = i + 1
		}
		if len(out.Changes) > 0 {
			return out, nil
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return out, ctx.Err()
		}
	}
}

// receiver is an endpoint that keeps what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []int64
	heads  []http.Header
	bodies []string
	more   chan struct{}
	answer func(n int64, w http.ResponseWriter, r *http.Request)
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{more: make(chan struct{}, 1<<16)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var m wire.WebhookMessage
		_ = json.Unmarshal(body, &m)
		r.mu.Lock()
		r.got, r.heads, r.bodies = append(r.got, m.Data.Change.Number), append(r.heads, q.Header), append(r.bodies, string(body))
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(m.Data.Change.Number, w, q)
		}
		r.more <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) wait(t *testing.T, n int) []int64 {
	t.Helper()
	over := time.After(3 * time.Minute)
	for {
		r.mu.Lock()
		got := slices.Clone(r.got)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-r.more:
		case <-over:
			t.Fatalf("%d messages came, want %d", len(got), n)
		}
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

type world struct {
	*Webhooks
	log   *changes
	words *lockedWriter
	now   atomic.Int64 // Unix ms ahead
	stop  func()
}

type lockedWriter struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedWriter) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func open(t *testing.T, dir string, log *changes, edit func(*Config)) *world {
	t.Helper()
	w := &world{log: log, words: new(lockedWriter)}
	cfg := Config{Dir: dir, Secret: []byte("storage"), Version: "test", Allow: loopback, Changes: log.after,
		Schedule: []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond},
		Clock:    func() time.Time { return time.Now().Add(time.Duration(w.now.Load()) * time.Millisecond) },
		Jitter:   func() float64 { return 0.5 }, Log: slog.New(slog.NewTextHandler(w.words, nil))}
	if edit != nil {
		edit(&cfg)
	}
	var err error
	if w.Webhooks, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	w.stop = func() { cancel(); running.Wait() }
	t.Cleanup(w.stop)
	return w
}

func (w *world) one(t *testing.T, name string) wire.Webhook {
	t.Helper()
	for _, h := range w.List(func(exchange.MemberID) int64 { return w.log.n }) {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("there is no %s", name)
	return wire.Webhook{}
}

func (w *world) until(t *testing.T, name string, well func(wire.Webhook) bool) wire.Webhook {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if h := w.one(t, name); well(h) {
			return h
		}
	}
	t.Fatalf("%+v", w.one(t, name))
	return wire.Webhook{}
}

func newLog(n int64) *changes { return &changes{n: n, signal: make(chan struct{})} }

// TestDelivery: an endpoint gets every change in order, signed, with an id that is the
// same when it is sent again; a replay sends them again; a rotation overlaps; nothing
// secret is in a file or a log.
func TestDelivery(t *testing.T) {
	dir, r := t.TempDir(), newReceiver(t)
	w := open(t, dir, newLog(100), nil)
	key, err := w.Add(wire.AddWebhook{Name: "bank", URL: r.URL + "/hook?token=canary-in-the-url", Scheme: Symmetric})
	if err != nil {
		t.Fatal(err)
	}
	r.wait(t, 100)
	w.log.grow(20)
	got := r.wait(t, 120)
	if !slices.IsSorted(got) || got[0] != 0 || got[119] != 119 {
		t.Fatalf("%v", got)
	}
	at := w.until(t, "bank", func(h wire.Webhook) bool { return h.Next == 120 })
	if at.Behind != 0 || at.SentAt == nil {
		t.Errorf("%+v", at)
	}
	head, body := r.heads[7], r.bodies[7]
	unix, err := strconv.ParseInt(head.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || !verifies(key.Key, head.Get("Webhook-Id"), unix, body, head.Get("Webhook-Signature")) || strings.Contains(head.Get("Webhook-Id"), ".") {
		t.Errorf("%v %s", head, body)
	}
	if !strings.HasPrefix(body, `{"type":"ledger.statement",`) {
		t.Errorf("%s", body)
	}
	next, err := w.Rotate("bank")
	if err != nil || next.Key == key.Key || next.FormerUntil == nil {
		t.Fatalf("%+v %v", next, err)
	}
	if _, err := w.Replay("bank", 110); err != nil {
		t.Fatal(err)
	}
	got = r.wait(t, 130)
	if got[120] != 110 || r.heads[120].Get("Webhook-Id") != r.heads[110].Get("Webhook-Id") {
		t.Errorf("replayed: %v", got[120:])
	}
	both := strings.Split(r.heads[121].Get("Webhook-Signature"), " ")
	unix, _ = strconv.ParseInt(r.heads[121].Get("Webhook-Timestamp"), 10, 64)
	id := r.heads[121].Get("Webhook-Id")
	if len(both) != 2 || !verifies(next.Key, id, unix, r.bodies[121], both[0]) || !verifies(key.Key, id, unix, r.bodies[121], both[1]) {
		t.Errorf("after a rotation: %v", both)
	}
	if _, err := w.Replay("bank", 121); !errors.Is(err, ErrAhead) {
		t.Errorf("a replay of what was not sent: %v", err)
	}
	w.until(t, "bank", func(h wire.Webhook) bool { return h.Next == 120 })
	w.stop()
	again := open(t, dir, w.log, nil)
	if h := again.one(t, "bank"); h.Next != 120 {
		t.Errorf("after a restart: %+v", h)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "bank.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key.Key, next.Key, strings.TrimPrefix(key.Key, "whsec_")} {
		if strings.Contains(string(raw)+w.words.String(), secret) {
			t.Error("a secret lies in a file or a log")
		}
	}
	if strings.Contains(w.words.String(), "canary-in-the-url") {
		t.Error("the log holds an endpoint's address")
	}
	if err := again.Remove("bank"); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Rotate("bank"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// TestFailures: what is not answered with 2xx is tried again, in order, and nothing
// behind it is sent meanwhile; who fails too long, or is gone, is disabled and shown; a
// redirect is not followed.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(tries int, w http.ResponseWriter, r *http.Request)
		disabled bool
		tries    int
		why      string
	}{
		"comes back": {func(n int, w http.ResponseWriter, _ *http.Request) {
			if n < 3 {
				w.WriteHeader(503)
			}
		}, false, 3, ""},
		"fails for good": {func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, true, 4, "it answers 500"},
		"is gone":        {func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, true, 1, "it answers 410"},
		"redirects": {func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}, true, 4, "it answers 307"},
		"answers without end": {func(n int, w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, false, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			var tries atomic.Int64
			r.answer = func(number int64, w http.ResponseWriter, q *http.Request) {
				if number == 2 {
					c.answer(int(tries.Add(1)), w, q)
				}
			}
			w := open(t, t.TempDir(), newLog(5), nil)
			if _, err := w.Add(wire.AddWebhook{Name: "a", URL: r.URL, Scheme: Asymmetric}); err != nil {
				t.Fatal(err)
			}
			if !c.disabled {
				w.until(t, "a", func(h wire.Webhook) bool { return h.Next == 5 })
				if len(w.Disabled()) > 0 || int(tries.Load()) != c.tries {
					t.Errorf("%d tries, %v", tries.Load(), w.Disabled())
				}
				return
			}
			h := w.until(t, "a", func(h wire.Webhook) bool { return h.DisabledAt != nil })
			if h.Next != 2 || h.Why != c.why || h.DisabledBy != "" || int(tries.Load()) != c.tries || !slices.Equal(w.Disabled(), []string{"a"}) {
				t.Errorf("%+v, %d tries", h, tries.Load())
			}
			if got := r.wait(t, 2+c.tries); slices.Max(got) != 2 {
				t.Errorf("what follows was sent: %v", got)
			}
			r.mu.Lock()
			r.answer = nil
			r.mu.Unlock()
			if _, err := w.Replay("a", -1); err != nil {
				t.Fatal(err)
			}
			w.until(t, "a", func(h wire.Webhook) bool { return h.Next == 5 && h.DisabledAt == nil && h.Why == "" })
		})
	}
}

// TestSchedule: the times between attempts are the specification's, a fifth more or
// less, or what the endpoint asks for, up to a day; they outlive a restart.
func TestSchedule(t *testing.T) {
	if len(Schedule) != 9 || Schedule[0] != 5*time.Second || Schedule[8] != 24*time.Hour {
		t.Errorf("%v", Schedule)
	}
	for name, c := range map[string]struct {
		jitter     float64
		retryAfter string
		want       time.Duration
	}{"less": {0, "", 8 * time.Hour}, "more": {1, "", 12 * time.Hour}, "asked for": {0.5, "54000", 15 * time.Hour},
		"asked for too much": {0.5, "999999", 24 * time.Hour}, "asked for less": {0.5, "1", 10 * time.Hour}} {
		t.Run(name, func(t *testing.T) {
			dir, r := t.TempDir(), newReceiver(t)
			r.answer = func(_ int64, w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.retryAfter)
				w.WriteHeader(429)
			}
			w := open(t, dir, newLog(1), func(cfg *Config) {
				cfg.Schedule, cfg.Jitter = []time.Duration{10 * time.Hour}, func() float64 { return c.jitter }
			})
			if _, err := w.Add(wire.AddWebhook{Name: "a", URL: r.URL, Scheme: Symmetric}); err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			h := w.until(t, "a", func(h wire.Webhook) bool { return h.RetryAt != nil })
			if d := h.RetryAt.Sub(before); d < c.want-time.Minute || d > c.want+3*time.Minute {
				t.Errorf("tried again after %v, want %v", d, c.want)
			}
			w.stop()
			again := open(t, dir, w.log, nil)
			if h := again.one(t, "a"); h.RetryAt == nil || h.Failures != 1 {
				t.Errorf("after a restart: %+v", h)
			}
		})
	}
}

// TestASlowEndpointHoldsNobodyUp: one that does not answer is one goroutine's business.
func TestASlowEndpointHoldsNobodyUp(t *testing.T) {
	slow, quick := newReceiver(t), newReceiver(t)
	over := make(chan struct{})
	slow.answer = func(int64, http.ResponseWriter, *http.Request) { <-over }
	defer close(over)
	w := open(t, t.TempDir(), newLog(50), nil)
	for name, url := range map[string]string{"slow": slow.URL, "quick": quick.URL} {
		if _, err := w.Add(wire.AddWebhook{Name: name, URL: url, Scheme: Symmetric}); err != nil {
			t.Fatal(err)
		}
	}
	quick.wait(t, 50)
	if h := w.one(t, "slow"); h.Next != 0 {
		t.Errorf("past what was not acknowledged: %+v", h)
	}
	if _, err := w.Disable("slow", "wang"); err != nil {
		t.Fatal(err)
	}
	if h := w.one(t, "slow"); h.DisabledBy != "wang" || len(w.Disabled()) > 0 {
		t.Errorf("%+v", h)
	}
}

// TestWhereRequestsGo: no address inside is reached unless the configuration names it,
// by whatever name or spelling, and plain http goes nowhere else.
//
// Shows: B2
func TestWhereRequestsGo(t *testing.T) {
	for _, inside := range []string{"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
		"255.255.255.255", "224.0.0.1", "198.18.0.1", "192.0.0.8", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1", "2001:db8::1"} {
		ip := netip.MustParseAddr(inside)
		if err := reachable(nil, ip, false); !errors.Is(err, errInside) {
			t.Errorf("%s: %v", inside, err)
		}
		if err := reachable([]netip.Prefix{netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())}, ip, true); err != nil {
			t.Errorf("%s is allowed: %v", inside, err)
		}
	}
	for _, outside := range []string{"1.1.1.1", "203.0.112.1", "2606:4700::1111"} {
		if err := reachable(nil, netip.MustParseAddr(outside), false); err != nil {
			t.Errorf("%s: %v", outside, err)
		}
		if err := reachable(nil, netip.MustParseAddr(outside), true); !errors.Is(err, errPlain) {
			t.Errorf("plain to %s: %v", outside, err)
		}
	}
	r := newReceiver(t)
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	port := r.URL[strings.LastIndex(r.URL, ":"):]
	w := open(t, t.TempDir(), newLog(0), func(cfg *Config) { cfg.Allow = nil })
	for i, url := range []string{r.URL, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://0x7f.1" + port, tls.URL} {
		name := fmt.Sprint("e", i)
		if _, err := w.Add(wire.AddWebhook{Name: name, URL: url, Scheme: Symmetric}); err != nil {
			t.Fatal(err)
		}
		if err := w.Test(t.Context(), name); !errors.Is(err, ErrTest) || strings.Contains(err.Error(), port) && !strings.Contains(url, port) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if len(r.got) > 0 {
		t.Error("a request came inside")
	}
	for _, bad := range []string{"", "ftp://a/b", "https://", "https://u:p@a/b", "https://a/#x", "//a/b", "https:a", "https://" + strings.Repeat("a", 2048)} {
		if _, err := w.Add(wire.AddWebhook{Name: "bad", URL: bad, Scheme: Symmetric}); !errors.Is(err, ErrEndpoint) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for i := range maxEndpoints {
		if _, err := w.Add(wire.AddWebhook{Name: fmt.Sprint("n", i), URL: "https://a.example/", Scheme: Symmetric}); err != nil && !errors.Is(err, ErrExists) {
			t.Fatal(err)
		}
	}
	if _, err := w.Add(wire.AddWebhook{Name: "one-more", URL: "https://a.example/", Scheme: Symmetric}); !errors.Is(err, ErrExists) {
		t.Errorf("more than %d endpoints: %v", maxEndpoints, err)
	}
}

// TestMain runs a sender as a process of its own where TestKilled asks for one.
func TestMain(m *testing.M) {
	dir, url := os.Getenv("WEBHOOKS_DIR"), os.Getenv("WEBHOOKS_URL")
	if dir == "" {
		os.Exit(m.Run())
	}
	w, err := Open(Config{Dir: dir, Secret: []byte("storage"), Version: "test", Allow: loopback, Changes: newLog(1 << 40).after,
		Clock: time.Now, Jitter: rand.Float64, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = w.Add(wire.AddWebhook{Name: "a", URL: url, Scheme: Symmetric})
	}
	if err != nil && !errors.Is(err, ErrExists) {
		panic(err)
	}
	fmt.Println("running")
	w.Run(context.Background())
}

// TestKilled kills a sending process at random, with SIGKILL, and starts it again on
// what it left: the endpoint hears of every change, in order, again only at a restart,
// and the place is never past what it acknowledged.
//
// Shows: F42
func TestKilled(t *testing.T) {
	dir, r := t.TempDir(), newReceiver(t)
	var acknowledged atomic.Int64
	r.answer = func(n int64, _ http.ResponseWriter, _ *http.Request) {
		acknowledged.Store(max(acknowledged.Load(), n+1))
	}
	total := 0
	for range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "WEBHOOKS_DIR="+dir, "WEBHOOKS_URL="+r.URL)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !bufio.NewScanner(out).Scan() {
			t.Fatal("it does not start")
		}
		total += 1 + rand.IntN(20)
		total = len(r.wait(t, total))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		raw, err := os.ReadFile(filepath.Join(dir, "a.json"))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := readEndpoint(raw); err != nil || e.Next > acknowledged.Load() {
			t.Fatalf("%+v %v: acknowledged are %d", e, err, acknowledged.Load())
		}
	}
	next, again := int64(0), 0
	for _, n := range r.got {
		switch {
		case n == next:
			next++
		case n == next-1:
			again++
		default:
			t.Fatalf("%d came after %d", n, next-1)
		}
	}
	if again > 12 {
		t.Errorf("%d changes came again after 12 restarts", again)
	}
}

func FuzzReadEndpoint(f *testing.F) {
	f.Add([]byte(`{"format":"accord-webhook/1","name":"a","url":"https://a.example/","scheme":"v1","keys":[{"id":"00112233445566778899aabbccddeeff"}],"next":0}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := readEndpoint(raw); err == nil && !e.valid() {
			t.Fatalf("%+v", e)
		}
	})
}
