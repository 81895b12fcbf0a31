package client_test

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/client"
	"accord/node/wire"
)

// TestLimitsOfAnswers: what a peer answers with is read up to its bound and no
// further, also where it unpacks to far more than it sends.
//
// Shows: B2
func TestLimitsOfAnswers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		blank := make([]byte, 1<<20)
		if r.Method != http.MethodPost {
			for range 4 { // twice what the largest may have
				if _, err := w.Write(blank); err != nil {
					return
				}
			}
			return
		}
		w.Header().Set("Content-Type", wire.TypeCompressedLines)
		packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // a level that exists
		defer packed.Close()
		line, _ := wire.FeedDocument{Document: strings.Repeat("x", 1<<20)}.Line()
		for range 80 { // 80 MiB in about 400 KiB
			if _, err := packed.Write(append(line, '\n')); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	c := client.New(&http.Client{Transport: toward(srv.URL)}, "there", "admin", exchange.En)
	for what, ask := range map[string]func() error{
		"a checkpoint": func() error { _, err := c.FeedCheckpoint(t.Context(), "court"); return err },
		"a tile":       func() error { _, err := c.FeedTile(t.Context(), "court", tlog.Tile{Width: 1}); return err },
		"documents": func() error {
			read := 0
			err := c.FeedDocuments(t.Context(), "court", wire.AskDocuments{}, func(d wire.FeedDocument) error {
				read += len(d.Document)
				return nil
			})
			if read > 64<<20 {
				t.Errorf("%d bytes of documents were read", read)
			}
			return err
		},
	} {
		if err := ask(); err == nil {
			t.Errorf("%s of any length was taken", what)
		}
	}
}
