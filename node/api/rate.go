package api

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"accord/exchange"
)

// ErrRate is given to strangers who ask too much; members and operators are known
// by name and dealt with by their own.
var ErrRate = exchange.Define(exchange.KindUnavailable, "API-040",
	exchange.Text{Zh: "来自该地址的请求过多", En: "too many requests from this address"},
	exchange.Text{Zh: "按 Retry-After 稍后再试；批量核对请使用账本瓦片或证据文件", En: "wait as Retry-After says; to check much at once, take the ledger's tiles or an evidence file"})

// What a stranger's address may ask: a second's worth is what it gets back each
// second, the burst is a page with all that belongs to it, or a tile client that
// catches up.
const (
	strangerBurst = 400
	maxMeters     = 8192 // addresses remembered; a full meter is not worth remembering
)

// strangers meters callers without a name by their address.
type strangers struct {
	mu     sync.Mutex
	meters map[netip.Prefix]meter // guarded by mu
}

// meter is what an address had left at a time.
type meter struct {
	left float64
	at   time.Time
}

// admit takes one request from the address's meter.
func (s *strangers) admit(remote string, perSecond int, now time.Time) bool {
	if perSecond <= 0 {
		return true
	}
	from := networkOf(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.meters == nil {
		s.meters = map[netip.Prefix]meter{}
	}
	m, known := s.meters[from]
	if !known {
		m.left = strangerBurst
		s.forget(perSecond, now)
	} else if passed := now.Sub(m.at).Seconds(); passed > 0 {
		m.left = min(strangerBurst, m.left+passed*float64(perSecond))
	}
	ok := m.left >= 1
	if ok {
		m.left--
	}
	m.at = now
	s.meters[from] = m
	return ok
}

// forget makes room when too many addresses are remembered: first those whose
// meter is full again, and if there are none, all: a flood from thousands of
// addresses is not for this meter to stop, and must not cost memory.
func (s *strangers) forget(perSecond int, now time.Time) {
	if len(s.meters) < maxMeters {
		return
	}
	for from, m := range s.meters {
		if m.left+now.Sub(m.at).Seconds()*float64(perSecond) >= strangerBurst {
			delete(s.meters, from)
		}
	}
	if len(s.meters) >= maxMeters {
		clear(s.meters)
	}
}

// networkOf is what counts as one address: a host of IPv4, and of IPv6 the /64
// that one subscriber has.
func networkOf(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// meterStranger refuses a stranger who asks too much.
func (s *Server) meterStranger(r *http.Request) error {
	if c := callerOf(r); c.Local || c.Member != "" {
		return nil
	}
	if !s.strangers.admit(r.RemoteAddr, s.Config.PublicRate, s.Clock()) {
		return ErrRate.With()
	}
	return nil
}
