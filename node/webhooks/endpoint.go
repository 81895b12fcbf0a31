package webhooks

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/founding"
	"accord/node/wire"
)

const (
	format       = "accord-webhook/1"
	maxEndpoints = 64
	maxKeys      = 4
	maxFile      = 64 << 10
)

// endpoint is one receiver, as it lies in its file.
type endpoint struct {
	Format   string            `json:"format"`
	Name     string            `json:"name"`
	URL      string            `json:"url"`
	Feed     exchange.MemberID `json:"feed,omitempty"` // whose feed; empty: the ledger
	Scheme   string            `json:"scheme"`
	Keys     []keyID           `json:"keys"`               // newest first
	Next     int64             `json:"next"`               // change to be sent next
	Sent     int64             `json:"sent,omitempty"`     // Unix ms of the last that was answered with 2xx
	Failures int               `json:"failures,omitempty"` // of the next change, one after the other
	Retry    int64             `json:"retry,omitempty"`    // Unix ms before which it is not tried again
	Why      string            `json:"why,omitempty"`      // of the last failure
	Disabled int64             `json:"disabled,omitempty"` // Unix ms since when; 0: it is not
	By       string            `json:"by,omitempty"`       // operator who disabled it; empty: it failed too long
}

// keyID is a key without its secret.
type keyID struct {
	ID    string `json:"id"`              // random
	Until int64  `json:"until,omitempty"` // Unix seconds from which it signs no more; 0: further notice
}

func newKeyID() keyID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return keyID{ID: hex.EncodeToString(b[:])}
}

func (e *endpoint) valid() bool {
	if e.Format != format || !exchange.ValidName(e.Name) || !validURL(e.URL) || e.Feed != "" && !exchange.ValidName(string(e.Feed)) ||
		e.Scheme != Symmetric && e.Scheme != Asymmetric || len(e.Keys) == 0 || len(e.Keys) > maxKeys || e.Next < 0 || e.Failures < 0 {
		return false
	}
	for _, k := range e.Keys {
		if b, err := hex.DecodeString(k.ID); err != nil || len(b) != 16 {
			return false
		}
	}
	return true
}

// readEndpoint reads what store writes.
func readEndpoint(raw []byte) (*endpoint, error) {
	e := new(endpoint)
	if err := strictjson.Unmarshal(raw, e); err != nil || len(raw) > maxFile || !e.valid() {
		return nil, ErrFile.Wrap(err)
	}
	return e, nil
}

// readAll reads the endpoints of a folder.
func readAll(dir string) (all []*endpoint, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, ErrFile.Wrap(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, ErrFile.Wrap(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, ErrFile.Wrap(err)
		}
		e, err := readEndpoint(raw)
		if err != nil || filepath.Base(path) != e.Name+".json" {
			return nil, ErrFile.Wrap(err)
		}
		all = append(all, e)
	}
	return all, nil
}

// store makes the endpoint as it is durable.
func (e *endpoint) store(dir string) error {
	raw, err := strictjson.Marshal(e)
	if err == nil {
		err = founding.WriteFile(filepath.Join(dir, e.Name+".json"), append(raw, '\n'))
	}
	if err != nil {
		return ErrFile.Wrap(err)
	}
	return nil
}

func moment(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

// shape is the endpoint as it is shown, without anything secret.
func (e *endpoint) shape(size int64) wire.Webhook {
	return wire.Webhook{Name: e.Name, URL: e.URL, Feed: e.Feed, Scheme: e.Scheme, Next: e.Next, Behind: max(0, size-e.Next), SentAt: moment(e.Sent),
		Failures: e.Failures, RetryAt: moment(e.Retry), Why: e.Why, DisabledAt: moment(e.Disabled), DisabledBy: e.By}
}
