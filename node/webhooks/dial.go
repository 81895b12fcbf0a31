package webhooks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// special are addresses that are no public host's, beside those that netip names.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

var (
	errInside = errors.New("the address is not a public one, and webhooks.allow does not name it")
	errPlain  = errors.New("plain http goes only to addresses that webhooks.allow names")
)

// allowed says whether the configuration names an address.
func allowed(allow []netip.Prefix, ip netip.Addr) bool {
	for _, p := range allow {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// reachable is nil when requests may go to an address.
func reachable(allow []netip.Prefix, ip netip.Addr, plain bool) error {
	ip = ip.Unmap().WithZone("")
	switch {
	case allowed(allow, ip):
		return nil
	case plain:
		return errPlain
	case !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || allowed(special, ip):
		return errInside
	}
	return nil
}

type plainKey struct{}

// transport dials only where requests may go: what a name resolved to is judged when
// it is dialled, so that no second answer of a name server gets round it.
func transport(allow []netip.Prefix, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			plain := ctx.Value(plainKey{}) != nil
			d := net.Dialer{Timeout: dialTime, Control: func(_, address string, _ syscall.RawConn) error {
				at, err := netip.ParseAddrPort(address)
				if err != nil {
					return err
				}
				return reachable(allow, at.Addr(), plain)
			}}
			return d.DialContext(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTime,
		ResponseHeaderTimeout:  requestTime,
		MaxResponseHeaderBytes: 64 << 10,
		MaxConnsPerHost:        4,
		IdleConnTimeout:        time.Minute,
		ForceAttemptHTTP2:      true,
	}
}

// validURL says whether an endpoint can be at an address.
func validURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= 2048 && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && u.Fragment == "" && u.Opaque == ""
}
