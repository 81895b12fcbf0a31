package api

import (
	"context"
	"net/http"

	"accord/exchange"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/wire"
)

// The errors of naming a caller.
var (
	ErrNoOperator = exchange.Define(exchange.KindUnauthenticated, "AUTH-001",
		exchange.Text{Zh: "没有指明经办人", En: "no operator is named"},
		exchange.Text{Zh: "用 --operator 或 ACCORD_OPERATOR 指明", En: "name one with --operator or ACCORD_OPERATOR"})
	ErrUnknownOperator = exchange.Define(exchange.KindUnauthenticated, "AUTH-002",
		exchange.Text{Zh: "本节点没有经办人 {name}", En: "this node has no operator {name}"},
		exchange.Text{Zh: "在配置文件 operators 中登记", En: "list the operator under operators in the configuration file"})
	ErrRole = exchange.Define(exchange.KindForbidden, "AUTH-003",
		exchange.Text{Zh: "经办人 {name} 没有所需的角色（{roles}）", En: "operator {name} has none of the roles needed ({roles})"},
		exchange.Text{Zh: "由具有该角色的经办人办理", En: "let an operator with the role do it"})
	ErrCaller = exchange.Define(exchange.KindForbidden, "AUTH-004",
		exchange.Text{Zh: "此接口不对该调用方开放", En: "this route is not open to this caller"},
		exchange.Text{Zh: "成员单位须出示章程登记的 TLS 密钥；经办人须使用本地套接字", En: "members show the TLS key of the charter; operators use the local socket"})
)

// Caller is who asks: a peer member by its pinned TLS key, an operator of this
// node on the local socket, or the public.
type Caller struct {
	Member   exchange.MemberID // set for peers
	Operator config.Operator   // set on the local socket
	Local    bool
}

// String names the caller for the audit log.
func (c Caller) String() string {
	switch {
	case c.Local:
		return "operator:" + string(c.Operator.Name)
	case c.Member != "":
		return "member:" + string(c.Member)
	}
	return "public"
}

// audience is the set of callers a route is open to.
type audience uint8

const (
	public   audience = 1 << iota // anybody who can reach the TLS port
	peers                         // members, by pinned TLS key
	operator                      // this node's operators, by role
)

type callerKey struct{}

// callerOf returns the caller put into the request's context by identify.
func callerOf(r *http.Request) Caller {
	c, _ := r.Context().Value(callerKey{}).(Caller)
	return c
}

// peerKey carries the member a TLS connection was pinned to.
type peerKey struct{}

// WithPeer marks a connection's context as coming from a pinned member; the
// node's listener calls it after the handshake.
func WithPeer(ctx context.Context, m exchange.MemberID) context.Context {
	return context.WithValue(ctx, peerKey{}, m)
}

type localKey struct{}

// WithLocal marks a connection's context as coming over the local socket.
func WithLocal(ctx context.Context) context.Context {
	return context.WithValue(ctx, localKey{}, true)
}

// identify names the caller and checks it against the route.
func (s *Server) identify(r *http.Request, rt route) (*http.Request, error) {
	var c Caller
	if local, _ := r.Context().Value(localKey{}).(bool); local {
		c.Local = true
		name := exchange.OperatorID(r.Header.Get(wire.HeaderOperator))
		if rt.open&operator != 0 && len(rt.roles) > 0 {
			if name == "" {
				return nil, ErrNoOperator.With()
			}
			o, ok := s.operatorOf(name)
			if !ok {
				return nil, ErrUnknownOperator.With("name", printable(string(name)))
			}
			if !o.Has(rt.roles...) {
				return nil, ErrRole.With("name", string(name), "roles", roleNames(rt.roles))
			}
			c.Operator = o
		}
	} else if m, ok := r.Context().Value(peerKey{}).(exchange.MemberID); ok {
		c.Member = m
		if who, _ := s.view().Member(m); who.Suspended != 0 && entitled[rt.path] {
			return nil, members.ErrSuspended.With("member", m)
		}
	}
	if !rt.admits(c) {
		return nil, ErrCaller.With()
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c)), nil
}

// operatorOf finds a person that may act now.
func (s *Server) operatorOf(name exchange.OperatorID) (config.Operator, bool) {
	if s.Operators != nil {
		return s.Operators(name)
	}
	return s.Config.Operator(name)
}

// entitled are the routes that give peers what the catalogue entitles members to:
// not those that are suspended. What all may see, and the common ledger, they still do.
var entitled = map[string]bool{"/api/v1/records/{id}": true, "/api/v1/feeds/{member}/documents": true, "/api/v1/releases/{id}/deliver": true, "/api/v1/releases/{id}/custody": true}

func (rt route) admits(c Caller) bool {
	switch {
	case c.Local:
		return rt.open&(operator|public) != 0
	case c.Member != "":
		return rt.open&(peers|public) != 0
	}
	return rt.open&public != 0
}

func roleNames(roles []config.Role) string {
	s := ""
	for i, r := range roles {
		if i > 0 {
			s += ", "
		}
		s += string(r)
	}
	return s
}

// printable keeps hostile names out of texts.
func printable(s string) string {
	if exchange.ValidName(s) {
		return s
	}
	return "?"
}
