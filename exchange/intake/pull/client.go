package pull

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"
)

// maxRedirects is how many redirects to the same host are followed.
const maxRedirects = 5

// newClient makes a client that goes to one host and to no address that belongs to
// the machine's own network plumbing. An agency's sources usually have private
// addresses, so those are no reason to refuse. The environment's proxies are not
// used: they would see the token and answer for any name.
func newClient(caFile string, start *url.URL) (*http.Client, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, ErrSecret.Wrap(err, "where", caFile, "why", "it cannot be read")
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, ErrSecret.With("where", caFile, "why", "it holds no certificate")
		}
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: mayDial}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: secure, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10, MaxIdleConns: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Scheme != start.Scheme || req.URL.Host != start.Host {
				return ErrPlace.With("where", req.URL.Host, "why", "the source redirects to another host")
			}
			if len(via) > maxRedirects {
				return ErrPlace.With("where", req.URL.Host, "why", "the source redirects without end")
			}
			return nil
		},
	}, nil
}

// metadata are addresses at which clouds give a machine its credentials, beside
// those that are link-local.
var metadata = []netip.Addr{netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("fd00:ec2::254")}

// mayDial looks at an address after its name was looked up.
func mayDial(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap().WithZone("")
	special := ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()
	for _, m := range metadata {
		special = special || ip == m
	}
	if special {
		return ErrPlace.With("where", ip.String(), "why", "the address is link-local, of a cloud's metadata, or nobody's")
	}
	return nil
}

// badCertificate says whether an error is about the other side's certificate.
func badCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}
