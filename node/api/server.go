package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/machine"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/feeds"
	"accord/node/metrics"
	"accord/node/webhooks"
	"accord/node/wire"
	"accord/node/witness"
)

// The errors of a request as such.
var (
	ErrBody = exchange.Define(exchange.KindInvalid, "API-001",
		exchange.Text{Zh: "请求内容不是规定的 JSON", En: "the request body is not the JSON this route takes"},
		exchange.Text{Zh: "对照 openapi.yaml：重复键、未知键、大小写不符、多余内容都会被拒绝", En: "compare with openapi.yaml: duplicate, unknown or wrongly cased members and trailing data are refused"})
	ErrTooLarge = exchange.Define(exchange.KindInvalid, "API-002",
		exchange.Text{Zh: "请求内容超过上限 {limit} 字节", En: "the request body is larger than {limit} bytes"},
		exchange.Text{Zh: "分批提交", En: "send it in parts"})
	ErrRoute = exchange.Define(exchange.KindNotFound, "API-003",
		exchange.Text{Zh: "没有这个接口", En: "there is no such route"},
		exchange.Text{Zh: "接口清单见 /api/v1/openapi.yaml", En: "see /api/v1/openapi.yaml for the routes"})
	ErrQuery = exchange.Define(exchange.KindInvalid, "API-004",
		exchange.Text{Zh: "查询参数 {name} 无效", En: "the query parameter {name} is not valid"},
		exchange.Text{Zh: "对照 openapi.yaml", En: "compare with openapi.yaml"})
	ErrMethod = exchange.Define(exchange.KindInvalid, "API-007",
		exchange.Text{Zh: "此接口不接受该方法", En: "this route does not take this method"},
		exchange.Text{Zh: "接口清单见 /api/v1/openapi.yaml", En: "see /api/v1/openapi.yaml for the routes"})
	ErrEnded = exchange.Define(exchange.KindUnavailable, "API-008",
		exchange.Text{Zh: "请求在答复之前已中断或超时", En: "the request ended, or took too long, before it was answered"},
		exchange.Text{Zh: "稍后再试", En: "try again"})
)

// Server holds what the handlers work with. Its exported fields are set by the
// node before Handler is called and never change.
type Server struct {
	Config config.Config
	// Operators finds who may act now; nil: those of Config.
	Operators func(exchange.OperatorID) (config.Operator, bool)
	Agency    *agency.Agency
	Ledger    agency.Ledger
	Node      Node
	Witness   *witness.Witness
	Feeds     *feeds.Feeds
	Webhooks  *webhooks.Webhooks
	Blinding  *agency.Oblivious // nil where every member holds the key

	Succession *agency.Succession // nil likewise
	Audit      *audit.Log
	Metrics    *metrics.Metrics
	Log        *slog.Logger
	Clock      func() time.Time

	importing  sync.Mutex // one file at a time
	strangers  strangers
	submitters submitters
	backingUp  sync.Mutex // one backup at a time
	dialling   dialling
	blindings  blindingMeters
	extents    recentFeeds
}

// Node is what the API asks of the running node.
type Node interface {
	Status() wire.NodeStatus
	// Barrier waits until this node has applied all that was committed when
	// it was called.
	Barrier(r *http.Request) error
	// CaughtUp says whether this node has reached a read point since it
	// started. Until then its state is that of its last snapshot.
	CaughtUp() bool
	// Peer is the client of another member's node.
	Peer(m exchange.MemberID) (Peer, error)
	// Check looks at this node and its peers.
	Check(ctx context.Context) (wire.NodeCheck, error)
	// Answer is what this node tells its peers of itself.
	Answer() wire.PeerAnswer
	// DialBack tries whether this node reaches a member where the ledger says
	// it is.
	DialBack(ctx context.Context, m exchange.MemberID) error
	// Rosters gives the rosters after a version, as far as this node knows.
	Rosters(after int) wire.Rosters
	// Recoveries are the plans by which the ledger went on after a loss.
	Recoveries() wire.Recoveries
	// Membership is how far the nodes have come on the way to the roster.
	Membership(ctx context.Context) (wire.Membership, error)
	// MayEnact is nil if the log's membership can follow this roster.
	MayEnact(document string) error
	// NewKeys makes keys for these uses and the introduction that announces them.
	NewKeys(uses []keys.Use) (introduction string, err error)
	// Removed is nil as long as this node is of the federation.
	Removed() error
	// CustodyFaults says why custodians were not reached with the last try.
	CustodyFaults() map[exchange.MemberID]string
	// Backup writes a sealed backup of this node.
	Backup(ctx context.Context, out io.Writer, to []keys.Public, withKeys bool) error
}

// ErrNotCaughtUp is given until a node that started knows what was committed:
// an answer from its last snapshot would be wrong without saying so.
var ErrNotCaughtUp = exchange.Define(exchange.KindUnavailable, "API-024",
	exchange.Text{Zh: "节点刚启动，尚未取得账本的最新状态", En: "the node has just started and does not know the ledger's state yet"},
	exchange.Text{Zh: "稍候再试；若持续如此，说明在线成员不足半数，请启动其他成员的节点；本单位可用 --stale（read=stale）查询本节点已有、可能已过时的状态", En: "try again in a moment; if it stays so, too few members are up: start the others' nodes; this node's own operators can read what it has, which may be old, with --stale (read=stale)"})

// early are the routes that answer before that: they tell of the node and not
// of the ledger.
var early = map[string]bool{"/livez": true, "/readyz": true, "/metrics": true, "/api/v1/openapi.yaml": true, "/api/v1/node/status": true, "/api/v1/node/backup": true,
	"/api/v1/node/check": true, "/api/v1/peers/check": true,
	"/api/v1/members/rosters": true, "/api/v1/members/recoveries": true, "/api/v1/members/status": true,
	"/api/v1/ledger/forks": true, "/api/v1/ledger/forks/{id}/evidence": true, "/api/v1/ledger/forks/{id}/settle": true}

// unstopped are the routes that answer, beside the early ones, while a ledger
// alarm has stopped the service: what others need to compare histories.
var unstopped = map[string]bool{"/api/v1/ledger/checkpoint": true, "/api/v1/ledger/checkpoints": true, "/ledger/checkpoint": true, "/ledger/policy": true}

// unhurried are the routes whose answer takes as long as it is long.
var unhurried = map[string]bool{"/api/v1/node/backup": true, "/api/v1/feeds/import": true, "/api/v1/feeds/export": true,
	"/api/v1/feeds/acknowledgements/{member}": true}

// apart are the routes that a node answers which reaches no other: what it takes in
// by hand is verified with what it has and what comes with it.
var apart = map[string]bool{"/api/v1/feeds": true, "/api/v1/feeds/import": true, "/api/v1/feeds/acknowledgements/{member}": true,
	"/api/v1/feeds/alarms/{id}/settle": true}

// carried are the routes that take a file made by another node, and its size.
var carried = map[string]int64{"/api/v1/feeds/import": feeds.MaxPart, "/api/v1/feeds/acknowledgements": feeds.MaxAck,
	"/api/v1/custody/deposits": maxDepositBody}

// standing are the routes that answer before that, too, when one of this node's
// own operators asks for it with read=stale, and say so.
var standing = map[string]bool{"/api/v1/ledger": true, "/api/v1/ledger/statements": true, "/api/v1/lists/{list}/entries": true,
	"/api/v1/entries": true, "/api/v1/entries/{id}": true, "/api/v1/releases": true, "/api/v1/releases/{id}": true}

// staleRead says whether an operator of this node asks for the state it has,
// however old.
func staleRead(rt route, r *http.Request) bool {
	return standing[rt.path] && rt.method == http.MethodGet && callerOf(r).Local && r.URL.Query().Get("read") == "stale"
}

// view is the state a request stands on.
func (s *Server) view() *machine.View { return s.Ledger.View() }

// read is the state a read stands on, named in the answer's header. A linear
// read first waits for everything committed by now.
func (s *Server) read(w http.ResponseWriter, r *http.Request, linear bool) (*machine.View, error) {
	if linear {
		if err := s.Node.Barrier(r); err != nil {
			return nil, err
		}
	}
	current := s.Node.CaughtUp() // before the state is taken, which may be one from before it caught up
	view := s.view()
	setIndex(w, view)
	if !current {
		w.Header().Set(wire.HeaderStale, view.Time().Time().UTC().Format(time.RFC3339Nano))
	}
	return view, nil
}

// abreast is the state of a request about what the path names by id. Whoever names what
// is not here, or not as far, may know it from a node that is further on, so this one
// catches up before it says so.
func (s *Server) abreast(r *http.Request, known func(*machine.View) bool) (*machine.View, error) {
	view := s.view()
	if !exchange.ValidID(r.PathValue("id")) || known(view) {
		return view, nil
	}
	if err := s.Node.Barrier(r); err != nil {
		return nil, err
	}
	return s.view(), nil
}

// instant is the time statuses are told for: the one asked for, or now. A clock
// that is behind the ledger's time is not believed.
func (s *Server) instant(asked *exchange.Millis, view *machine.View) exchange.Millis {
	if asked != nil {
		return *asked
	}
	return max(exchange.MillisOf(s.Clock()), view.Time())
}

// Handler serves every route of the table.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		mux.Handle(rt.method+" "+rt.path, s.wrap(rt))
	}
	unknown := s.wrap(route{method: "ANY", path: "unknown", open: everybody, handle: func(_ *Server, w http.ResponseWriter, r *http.Request) error {
		if allowed := methodsOf(mux, r); allowed != "" {
			w.Header().Set("Allow", allowed)
			return ErrMethod.With()
		}
		return ErrRoute.With()
	}})
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plainPath(r.URL) || r.Method == http.MethodConnect {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// plainPath says whether a path is written the one way there is: ids never need
// escaping. Other spellings are not redirected to it, as the mux would, but are
// unknown.
func plainPath(u *url.URL) bool {
	return u.RawPath == "" && strings.HasPrefix(u.Path, "/") && u.Path == path.Clean(u.Path)
}

// methodsOf lists the methods that the request's path would be served with.
func methodsOf(mux *http.ServeMux, r *http.Request) string {
	if !plainPath(r.URL) {
		return ""
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(probe); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	return strings.Join(allowed, ", ")
}

// wrap is what every request passes through: headers, recovery, the caller's
// name, the body's cap, the time limit, the metrics and the one error mapping.
func (s *Server) wrap(rt route) http.Handler {
	name := rt.method + " " + rt.path
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		if err := s.serve(rt, rec, r); err != nil {
			e := exchange.AsError(err)
			s.Metrics.Refused(e.Code)
			if e.Kind == exchange.KindInternal {
				s.Log.Error("request failed", "route", name, "code", e.Code, "error", e.Error())
			}
			if !rec.wrote {
				writeProblem(rec, r, e)
			}
		}
		s.Metrics.Request(name, rec.status, time.Since(begin))
	})
}

func (s *Server) serve(rt route, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			// Not the value: it could quote what was being handled.
			s.Log.Error("panic in a request", "route", rt.path, "stack", string(debug.Stack()))
			err = exchange.ErrInternal.With()
		}
	}()
	limit := int64(maxBody)
	if most := carried[rt.path]; most > 0 {
		limit = most
	}
	if rt.upload {
		limit = int64(s.Config.MaxUpload) << 20
	} else if streaming[rt.method+" "+rt.path] {
		limit = math.MaxInt64
		// Before anything is answered: a refusal, too, must not wait for the end
		// of a body that has none. What cannot overlap takes turns anyway.
		_ = http.NewResponseController(w).EnableFullDuplex()
	} else if s.Config.RequestTimeout > 0 && !unhurried[rt.path] {
		ctx, cancel := context.WithTimeout(r.Context(), s.Config.RequestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if r, err = s.identify(r, rt); err != nil {
		return err
	}
	if err := s.meterStranger(r); err != nil {
		return err
	}
	if err := s.Node.Removed(); err != nil && !early[rt.path] {
		return err
	}
	if !early[rt.path] && !unstopped[rt.path] && s.Witness.Stopped() {
		return witness.ErrStoppedService.With("why", s.Witness.Why())
	}
	if !early[rt.path] && !apart[rt.path] && !s.Node.CaughtUp() && !staleRead(rt, r) {
		return ErrNotCaughtUp.With()
	}
	return ended(rt.handle(s, w, r))
}

// ended names the error of a request that was given up. What was on its way to
// the ledger then has an unknown outcome and says so itself.
func ended(err error) error {
	var named *exchange.Error
	if errors.As(err, &named) || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return ErrEnded.Wrap(err)
}

// recorder remembers the status and whether anything was written.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	r.status, r.wrote = status, true
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
