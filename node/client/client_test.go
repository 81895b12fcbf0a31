package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"accord/exchange"
	"accord/node/client"
	"accord/node/wire"
)

// answering is a client of a node that answers everything so.
func answering(t *testing.T, status int, body any) *client.Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // who hung up hears nothing
	}))
	t.Cleanup(srv.Close)
	return client.New(&http.Client{Transport: toward(srv.URL)}, "there", "admin", exchange.En)
}

// toward sends every request to one server.
type toward string

func (to toward) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Host = strings.TrimPrefix(string(to), "http://")
	return http.DefaultTransport.RoundTrip(r)
}

// TestErrorsKeepTheirMeaning: what this program does not define keeps code, kind and
// words, in an answer, in a line of an import and of statements alike; what is no
// error of ours does not pass for one.
func TestErrorsKeepTheirMeaning(t *testing.T) {
	later := wire.Problem{Code: "LATER-017", Kind: "no-quorum", Detail: "what a later version says", Next: "what to do then", Field: "/entry"}
	keeps := func(way string, err error) {
		t.Helper()
		e := exchange.AsError(err)
		if e.Code != later.Code || e.Kind != exchange.KindNoQuorum || e.What(exchange.En) != later.Detail || e.What(exchange.Zh) != later.Detail ||
			e.Next(exchange.En) != later.Next || e.Field != later.Field {
			t.Errorf("%s: %+v", way, e)
		}
	}
	_, err := answering(t, 503, later).Ledger(t.Context(), false)
	keeps("an answer", err)
	_, err = answering(t, 200, wire.ImportEvent{Problem: &later}).Import(t.Context(), client.ImportQuery{File: "x"}, strings.NewReader("x"), nil)
	keeps("an import", err)

	known := later
	known.Code, known.Kind = client.ErrLost.Code, "invalid"
	if _, err := answering(t, 400, known).Ledger(t.Context(), false); exchange.AsError(err).Kind != exchange.KindUnknownOutcome {
		t.Errorf("the kind of an error that is defined here is another's word: %v", err)
	}
	for what, p := range map[string]wire.Problem{
		"no kind":        {Code: "LATER-017", Detail: "x"},
		"a foreign kind": {Code: "LATER-017", Kind: "teapot", Detail: "x"},
		"no code":        {Kind: "invalid", Detail: "x"},
		"a foreign code": {Code: "later/17", Kind: "invalid", Detail: "x"},
		"a long text":    {Code: "LATER-017", Kind: "invalid", Detail: strings.Repeat("x", 1001)},
		"a long remedy":  {Code: "LATER-017", Kind: "invalid", Next: strings.Repeat("x", 1001)},
	} {
		if _, err := answering(t, 400, p).Ledger(t.Context(), false); exchange.AsError(err).Code != client.ErrAnswer.Code {
			t.Errorf("with %s: %v", what, err)
		}
	}
}
