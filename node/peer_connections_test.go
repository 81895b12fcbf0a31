package node

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/client"
	"accord/node/wire"
)

// Calls to one peer share a connection as long as the table says the same of it, and
// begin anew when its node, its address, its keys or our own key are others.
//
// Shows: B4, g1
func TestConnectionsToAPeerEndWithWhatProvedThem(t *testing.T) {
	var met atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, sent := r.Header["Idempotency-Key"]; sent {
			t.Error("what is meant for net/http went out")
		}
		io.WriteString(w, `{}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			met.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	row := wire.Member{ID: "court", Node: "c1", Address: server.Listener.Addr().String()}
	table := func(change func(*peerTable)) *peerTable {
		out := &peerTable{list: []wire.Member{row}, pins: map[string][][32]byte{"c1": {{1}}}}
		change(out)
		return out
	}
	same := func(*peerTable) {}
	var kept peerConnections
	defer kept.drop()
	call := func(t *testing.T, at *peerTable, handshakes int64) {
		t.Helper()
		before := met.Load()
		tr, address, err := kept.to(at, "court", func(string) *tls.Config { return &tls.Config{InsecureSkipVerify: true} })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Remote(address, tr, exchange.En).Deliver(t.Context(), "01JZZZZZZZZZZZZZZZZZZZZZZZ"); err != nil {
			t.Fatal(err)
		}
		if got := met.Load() - before; got != handshakes {
			t.Errorf("%d new connections, want %d", got, handshakes)
		}
	}
	call(t, table(same), 1)
	call(t, table(same), 0)
	for _, tc := range []struct {
		name   string
		change func(*peerTable)
	}{
		{"another key", func(p *peerTable) { p.pins["c1"] = [][32]byte{{2}} }},
		{"a key more", func(p *peerTable) { p.pins["c1"] = [][32]byte{{1}, {2}} }},
		{"another node", func(p *peerTable) { p.list[0].Node, p.pins["c2"] = "c2", [][32]byte{{1}} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kept.drop()
			call(t, table(same), 1)
			call(t, table(tc.change), 1)
			call(t, table(tc.change), 0)
		})
	}
	kept.keep(table(func(p *peerTable) { p.list[0].Address = "127.0.0.1:1" }))
	call(t, table(same), 1)
	kept.drop()
	call(t, table(same), 1)
	kept.keep(newPeerTable([]members.Member{}, 0))
	if len(kept.kept) != 0 {
		t.Error("a connection outlives the membership")
	}
	if _, _, err := kept.to(newPeerTable(nil, 0), "court", nil); !errors.Is(err, ErrNoPeer) {
		t.Errorf("%v for nobody", err)
	}
}

// The calls of one round with a feed share a connection, which another round does not
// find, and which ends soon after the round.
//
// Shows: B4, g1
func TestARoundWithAFeedIsOneConnection(t *testing.T) {
	var met atomic.Int64
	ended := make(chan struct{}, 8)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a tile") }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			met.Add(1)
		case http.StateClosed:
			ended <- struct{}{}
		}
	}
	server.StartTLS()
	defer server.Close()
	for round := range int64(2) {
		peer := client.Remote(server.Listener.Addr().String(), roundTransport(&tls.Config{InsecureSkipVerify: true}), exchange.En)
		for n := range int64(5) {
			if _, err := peer.FeedTile(t.Context(), "court", tlog.Tile{Level: 0, Index: n, Width: tlog.TileWidth}); err != nil {
				t.Fatal(err)
			}
		}
		if got := met.Load(); got != round+1 {
			t.Errorf("%d connections for %d rounds", got, round+1)
		}
	}
	for range 2 {
		<-ended
	}
}
