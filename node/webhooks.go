package node

import (
	"context"
	"crypto/x509"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"accord/exchange"
	"accord/node/api"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/webhooks"
	"accord/node/wire"
)

// openWebhooks makes what tells integrators' endpoints of the changes that a server
// serves.
func (n *Node) openWebhooks(s *api.Server) error {
	secret, err := n.secret(founding.SecretStorage)
	if err != nil {
		return err
	}
	cfg := webhooks.Config{Dir: filepath.Join(n.cfg.Dir, "webhooks"), Secret: secret, Version: n.opts.Version,
		Changes: func(ctx context.Context, feed exchange.MemberID, since int64, limit int, wait time.Duration) (wire.Changes, error) {
			return s.ChangesAfter(ctx, feed, since, limit, wait)
		},
		Ready: func() bool {
			_, gone := n.removed()
			return !gone && n.ready.Load() && !n.witness.Stopped()
		},
		Clock: n.opts.Clock, Jitter: rand.Float64, Log: n.log}
	for _, p := range n.cfg.WebhookAllow {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return err // the configuration was validated
		}
		cfg.Allow = append(cfg.Allow, prefix)
	}
	if n.cfg.WebhookCA != "" {
		cfg.Roots = x509.NewCertPool()
		pem, err := os.ReadFile(n.cfg.Path(n.cfg.WebhookCA))
		if err != nil || !cfg.Roots.AppendCertsFromPEM(pem) {
			return config.ErrValue.Wrap(err, "key", "webhooks.ca_file", "why", "needs a file with PEM certificates", "origin", "file")
		}
	}
	s.Webhooks, err = webhooks.Open(cfg)
	n.webhooks = s.Webhooks
	return err
}
