package pull

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func web(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// The three ways of paging end where the source ends, and a stop in between goes on
// at the page that was not stored.
func TestPaging(t *testing.T) {
	page := func(n int) string { return fmt.Sprintf("{\"id\":\"%d\"}\n", n) }
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch r.URL.Path {
		case "/link":
			n := max(len(q.Get("at")), 1)
			if n < 3 {
				w.Header().Add("Link", `</other>; rel="prev", <?at=`+strings.Repeat("x", n+1)+`>; title="a; b"; rel="last next"`)
			}
			io.WriteString(w, page(n))
		case "/number":
			n := len(q.Get("page"))
			fmt.Sscan(q.Get("page"), &n)
			if n <= 3 {
				io.WriteString(w, page(n))
			}
		case "/cursor":
			next := map[string]any{"": "abc", "abc": 17, "17": nil}[q.Get("after")]
			json.NewEncoder(w).Encode(map[string]any{"rows": []any{map[string]string{"id": q.Get("after")}}, "meta": map[string]any{"x": []int{1}, "next": next}})
		}
	})
	for name, c := range map[string]struct{ format, pull, want string }{
		"link":   {"ndjson", `{by: link}`, "1 | 2 | 3 |"},
		"number": {"ndjson", `{by: number, parameter: page}`, "1 | 2 | 3 | |"},
		"cursor": {"json", `{by: cursor, parameter: after, next: meta.next}`, " | abc | 17 |"},
	} {
		m := mappingOf(t, c.format, "  http: {url: \""+srv.URL+"/"+name+"\", pages: "+c.pull+"}\n")
		pages, at, err := drain(t, m, start(t, m))
		if err != nil || ids(pages) != c.want {
			t.Errorf("%s: %q, %v", name, ids(pages), err)
		}
		if at.Page != "" {
			t.Errorf("%s: the next reading begins at %q", name, at.Page)
		}
		s, err := Open(t.Context(), m, start(t, m), options(nil))
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stopped, _, _ := p.After(start(t, m), 1, 0)
		if pages, _, err = drain(t, m, stopped); err != nil || " "+ids(pages) != strings.TrimPrefix(" "+c.want, strings.SplitAfter(" "+c.want, " |")[0]) {
			t.Errorf("%s: goes on with %q, %v", name, ids(pages), err)
		}
	}
}

// A document that has not changed is not fetched again, one with refused rows is.
func TestConditionalFetching(t *testing.T) {
	asked := 0
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "{\"id\":\"1\"}\n")
	})
	m := mappingOf(t, "ndjson", "  http: {url: \""+srv.URL+"/list\"}\n")
	pages, at, err := drain(t, m, start(t, m), 1)
	if err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	if pages, at, err = drain(t, m, at); err != nil || len(pages) != 1 {
		t.Errorf("after a refused row: %v, %v", pages, err)
	}
	if pages, at, err = drain(t, m, at); err != nil || len(pages) != 0 || at.ETag == "" || asked != 3 {
		t.Errorf("unchanged: %v, %+v, %v", pages, at, err)
	}
}

// A source that is busy or away is asked again, as often and as late as it says;
// one that refuses is not.
func TestTryingAgain(t *testing.T) {
	var answers []func(w http.ResponseWriter)
	asked := 0
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; len(answers) > 0 {
			answers[0](w)
			answers = answers[1:]
			return
		}
		io.WriteString(w, "{}\n")
	})
	status := func(code int, after string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.WriteHeader(code)
		}
	}
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "{")
	}
	m := mappingOf(t, "ndjson", "  http: {url: \""+srv.URL+"\"}\n")
	for name, c := range map[string]struct {
		answers []func(http.ResponseWriter)
		waited  []time.Duration
		want    error
	}{
		"busy, then not": {[]func(http.ResponseWriter){status(429, "7"), status(503, "")}, []time.Duration{7 * time.Second, 2 * time.Second}, nil},
		"cut in between": {[]func(http.ResponseWriter){cut}, []time.Duration{time.Second}, nil},
		"away":           {[]func(http.ResponseWriter){status(502, ""), status(502, ""), status(502, ""), status(502, ""), status(502, "")}, []time.Duration{1e9, 2e9, 4e9, 8e9}, ErrReach},
		"away for a day": {[]func(http.ResponseWriter){status(503, "86400")}, nil, ErrReach},
		"refused":        {[]func(http.ResponseWriter){status(403, "")}, nil, ErrAnswer},
		"gone":           {[]func(http.ResponseWriter){status(404, "")}, nil, ErrAnswer},
		"a web page": {[]func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<html>")
		}}, nil, ErrAnswer},
		"packed unasked":  {[]func(http.ResponseWriter){func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "br"); io.WriteString(w, "x") }}, nil, ErrAnswer},
		"a past deadline": {[]func(http.ResponseWriter){status(503, "Mon, 01 Jan 2024 00:00:00 GMT")}, []time.Duration{time.Second}, nil},
	} {
		answers = c.answers
		var waited []time.Duration
		s, err := Open(t.Context(), m, start(t, m), options(&waited))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Next(t.Context())
		if !errors.Is(err, c.want) || fmt.Sprint(waited) != fmt.Sprint(c.waited) {
			t.Errorf("%s: waited %v, %v", name, waited, err)
		}
		answers = nil
	}
}

// What is packed small and large unpacked is let go at the limit.
func TestPageLimit(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	chunk := bytes.Repeat([]byte("\n"), 1<<20)
	for range maxPage>>20 + 1 {
		z.Write(chunk)
	}
	z.Close()
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	})
	m := mappingOf(t, "ndjson", "  http: {url: \""+srv.URL+"\"}\n")
	if _, _, err := drain(t, m, start(t, m)); !errors.Is(err, ErrLimit) {
		t.Errorf("%d bytes became more than a page: %v", packed.Len(), err)
	}
	same := web(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{\"id\":\"1\"}\n") })
	m = mappingOf(t, "ndjson", "  http: {url: \""+same.URL+"\", pages: {by: number, parameter: page}}\n")
	if _, _, err := drain(t, m, start(t, m)); !errors.Is(err, ErrAnswer) {
		t.Errorf("a source that knows no pages: %v", err)
	}
}

// A source cannot lead its reader elsewhere, and the token goes nowhere but there.
func TestPlacesThatAreNotVisited(t *testing.T) {
	const token = "canary-token-7f3a"
	leaked := false
	other := web(t, func(w http.ResponseWriter, r *http.Request) { leaked = true })
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Key"); got != token {
			t.Errorf("the token is %q", got)
		}
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/near":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/link":
			w.Header().Set("Link", "<"+other.URL+"/y>; rel=next")
			io.WriteString(w, "{}\n")
		default:
			io.WriteString(w, "{\"id\":\"1\"}\n")
		}
	})
	key := secretFile(t, token)
	of := func(url, rest string) error {
		m := mappingOf(t, "ndjson", "  http: {url: \""+url+"\", token: {file: "+key+"}, header: X-Key"+rest+"}\n")
		_, _, err := drain(t, m, start(t, m))
		if err != nil && (strings.Contains(fmt.Sprintf("%+v", err), token) || strings.Contains(err.Error(), "secret=1")) {
			t.Errorf("%s: the error shows too much: %v", url, err)
		}
		return err
	}
	if err := of(srv.URL+"/near", ""); err != nil {
		t.Errorf("a redirect within the host: %v", err)
	}
	for url, rest := range map[string]string{srv.URL + "/away": "", srv.URL + "/round": "", srv.URL + "/link": ", pages: {by: link}",
		"http://169.254.169.254/latest/?secret=1": ", plain: true", "http://[fe80::1]/": ", plain: true", "http://0.0.0.0/": ", plain: true",
		"http://100.100.100.200/": ", plain: true", "http://[::ffff:169.254.169.254]/": ", plain: true", "http://news.example/?secret=1": ""} {
		if err := of(url, rest); !errors.Is(err, ErrPlace) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := of("http://127.0.0.1:1/?secret=1", ""); !errors.Is(err, ErrReach) {
		t.Errorf("nobody there: %v", err)
	}
	if leaked {
		t.Error("the other host was visited")
	}
}

// A source's certificate is checked, by an authority of its own where it has one.
func TestOwnAuthority(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer word" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, "{\"id\":\"1\"}\n")
	}))
	srv.Config.ErrorLog = nil
	t.Cleanup(srv.Close)
	key, ca := secretFile(t, "word"), filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	of := func(rest string) error {
		m := mappingOf(t, "ndjson", "  http: {url: \""+srv.URL+"\""+rest+"}\n")
		_, _, err := drain(t, m, start(t, m))
		return err
	}
	if err := of(", token: {file: " + key + "}, ca_file: " + ca); err != nil {
		t.Error(err)
	}
	if err := of(", token: {file: " + key + "}"); !errors.Is(err, ErrReach) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: %v", err)
	}
	if err := of(", ca_file: " + ca); !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), "401") {
		t.Errorf("without the token: %v", err)
	}
	if err := of(", ca_file: " + key); !errors.Is(err, ErrSecret) {
		t.Errorf("an authority that is none: %v", err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(`<a>; rel="next"`, `{"meta":{"next":"x"}}`)
	f.Add(`<a>; rel=prev, <b>;title="<";rel='next'`, `{"meta":{"next":17}}`)
	f.Fuzz(func(t *testing.T, link, doc string) {
		if next := nextLink([]string{link}); next != "" && !strings.Contains(link, "<"+next+">") {
			t.Errorf("%q links to %q", link, next)
		}
		next, err := textAt(json.NewDecoder(strings.NewReader(doc)), []string{"meta", "next"})
		if err == nil && next != "" && !json.Valid([]byte(doc)) && !strings.HasPrefix(strings.TrimSpace(doc), "{") {
			t.Errorf("%q holds %q", doc, next)
		}
		retryAfter(link)
	})
}
