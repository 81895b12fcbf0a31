package api

import (
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/machine"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/metrics"
	"accord/node/wire"
)

// The errors of reading a request.
var (
	ErrBody = exchange.Define(exchange.KindInvalid, "API-001",
		exchange.Text{Zh: "请求内容不是规定的 JSON", En: "the request body is not the JSON this route takes"},
		exchange.Text{Zh: "对照 openapi.yaml:重复键、未知键、大小写不符、多余内容都会被拒绝", En: "compare with openapi.yaml: duplicate, unknown or wrongly cased members and trailing data are refused"})
	ErrTooLarge = exchange.Define(exchange.KindInvalid, "API-002",
		exchange.Text{Zh: "请求内容超过上限 {limit} 字节", En: "the request body is larger than {limit} bytes"},
		exchange.Text{Zh: "分批提交", En: "send it in parts"})
	ErrRoute = exchange.Define(exchange.KindNotFound, "API-003",
		exchange.Text{Zh: "没有这个接口", En: "there is no such route"},
		exchange.Text{Zh: "接口清单见 /api/v1/openapi.yaml", En: "see /api/v1/openapi.yaml for the routes"})
	ErrQuery = exchange.Define(exchange.KindInvalid, "API-004",
		exchange.Text{Zh: "查询参数 {name} 无效", En: "the query parameter {name} is not valid"},
		exchange.Text{Zh: "对照 openapi.yaml", En: "compare with openapi.yaml"})
)

// maxBody is the size of an ordinary request body.
const maxBody = 1 << 20

// Server holds what the handlers work with. Its fields are set by the node
// before Handler is called and never change.
type Server struct {
	Config  config.Config
	Agency  *agency.Agency
	Ledger  agency.Ledger
	Node    Node
	Audit   *audit.Log
	Metrics *metrics.Metrics
	Log     *slog.Logger
}

// Node is what the API asks of the running node.
type Node interface {
	Status() wire.NodeStatus
	// Barrier waits until this node has applied all that was committed when
	// it was called.
	Barrier(r *http.Request) error
	// Peer is the client of another member's node.
	Peer(m exchange.MemberID) (Peer, error)
}

// view is the state a request stands on.
func (s *Server) view() *machine.View { return s.Ledger.View() }

// Handler serves every route of the table.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		mux.Handle(rt.method+" "+rt.path, s.wrap(rt))
	}
	mux.Handle("/", s.wrap(route{open: public | peers | operator, handle: func(*Server, http.ResponseWriter, *http.Request) error {
		return ErrRoute.With()
	}}))
	return mux
}

// wrap is what every request passes through: headers, recovery, the caller's
// name, the body's cap, the metrics and the one error mapping.
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
		err := s.serve(rt, rec, r)
		if err != nil {
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
			s.Log.Error("panic in a request", "route", rt.path, "stack", string(debug.Stack()))
			err = exchange.ErrInternal.With()
		}
	}()
	limit := int64(maxBody)
	if rt.upload {
		limit = int64(s.Config.MaxUpload) << 20
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	r, err = s.identify(r, rt)
	if err != nil {
		return err
	}
	return rt.handle(s, w, r)
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

// decode reads a strict JSON body.
func decode(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if tooLarge, ok := err.(*http.MaxBytesError); ok {
			return ErrTooLarge.With("limit", tooLarge.Limit)
		}
		return ErrBody.Wrap(err)
	}
	if err := strictjson.Unmarshal(body, v); err != nil {
		return ErrBody.Wrap(err)
	}
	return nil
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, v any) error {
	body, err := strictjson.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
	return nil
}
