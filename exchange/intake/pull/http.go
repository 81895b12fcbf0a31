package pull

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/intake"
)

// httpSource fetches one document, or page after page.
type httpSource struct {
	h       *intake.HTTPPull
	accept  string
	start   *url.URL
	token   string
	client  *http.Client
	timeout time.Duration
	wait    func(context.Context, time.Duration) error

	state State
	page  string // of the next page; "" is the first
	last  [sha256.Size]byte
	count int
	done  bool
}

// Tries of one page, and the longest wait between two of them.
const (
	maxTries = 5
	maxWait  = 10 * time.Minute
)

var accepted = map[intake.FileFormat]string{intake.JSON: "application/json", intake.NDJSON: "application/x-ndjson",
	intake.CSV: "text/csv", intake.TSV: "text/tab-separated-values", intake.XML: "application/xml"}

func openHTTP(m *intake.Mapping, at State, o Options) (*httpSource, error) {
	h := m.Pull.HTTP
	s := &httpSource{h: h, state: at, page: at.Page, wait: o.Wait, accept: accepted[m.File.Format] + ", */*;q=0.1"}
	s.timeout, _ = time.ParseDuration(h.Timeout) // checked with the mapping, as is the address
	var err error
	if s.start, err = url.Parse(h.URL); err != nil {
		return nil, exchange.ErrInternal.Wrap(err)
	}
	if h.Token != (intake.Secret{}) {
		if s.token, err = secret(h.Token, o.Getenv); err != nil {
			return nil, err
		}
		if s.start.Scheme == "http" && !here(s.start.Hostname()) && !h.Plain {
			return nil, ErrPlace.With("where", s.start.Host, "why", "the token would go over the network in clear")
		}
	}
	s.client, err = newClient(h.CAFile, s.start)
	return s, err
}

func (s *httpSource) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// Next fetches a page, io.EOF when the last one was given or nothing is new.
func (s *httpSource) Next(ctx context.Context) (*Page, error) {
	if s.done {
		return nil, io.EOF
	}
	if s.count++; s.count > maxPages {
		return nil, ErrLimit.With("limit", strconv.Itoa(maxPages)+" pages")
	}
	from, err := s.address()
	if err != nil {
		return nil, err
	}
	got, err := s.fetch(ctx, from)
	if err != nil {
		return nil, err
	}
	if got.status == http.StatusNotModified || got.status == http.StatusNoContent {
		s.done = true
		return nil, io.EOF
	}
	if sum := sha256.Sum256(got.body); s.h.Pages != nil {
		if sum == s.last {
			return nil, s.bad("two pages are the same")
		}
		s.last = sum
	}
	next, err := s.behind(from, got)
	if err != nil {
		return nil, err
	}
	p := &Page{Data: got.body, Last: next == ""}
	if s.h.Pages != nil && s.h.Pages.By == intake.PagesByNumber {
		p.counted = true
	}
	p.next = s.state
	p.next.Page, s.page = next, next
	if s.h.Pages == nil {
		p.next.ETag, p.next.Modified = got.etag, got.modified
	}
	s.state, s.done = p.next, p.Last
	return p, nil
}

func (s *httpSource) bad(why string) error { return ErrAnswer.With("where", s.start.Host, "why", why) }

// address is that of the next page.
func (s *httpSource) address() (*url.URL, error) {
	u := *s.start
	g := s.h.Pages
	switch {
	case g == nil || s.page == "" && g.By != intake.PagesByNumber:
		return &u, nil
	case g.By == intake.PagesByLink:
		return s.sameHost(s.start, s.page)
	}
	q := u.Query()
	if s.page != "" {
		q.Set(g.Parameter, s.page)
	} else {
		q.Set(g.Parameter, strconv.Itoa(*g.First))
	}
	u.RawQuery = q.Encode()
	return &u, nil
}

// sameHost is the address that a page or a progress file names, if it is on the
// host that the mapping names.
func (s *httpSource) sameHost(base *url.URL, to string) (*url.URL, error) {
	u, err := base.Parse(to)
	if err != nil || u.User != nil {
		return nil, s.bad("the link to the next page is no address")
	}
	if u.Scheme != s.start.Scheme || u.Host != s.start.Host {
		return nil, ErrPlace.With("where", u.Host, "why", "the link to the next page leads to another host")
	}
	return u, nil
}

// behind is what the page after this one is named by, "" behind the last one.
func (s *httpSource) behind(at *url.URL, got *answer) (string, error) {
	g := s.h.Pages
	switch {
	case g == nil:
		return "", nil
	case g.By == intake.PagesByNumber:
		n := *g.First
		if s.page != "" {
			var err error
			if n, err = strconv.Atoi(s.page); err != nil {
				return "", s.bad("the page's number is none")
			}
		}
		return strconv.Itoa(n + 1), nil
	case g.By == intake.PagesByLink:
		link := nextLink(got.links)
		if link == "" {
			return "", nil
		}
		u, err := s.sameHost(at, link)
		if err != nil {
			return "", err
		}
		return u.String(), nil
	}
	next, err := textAt(json.NewDecoder(bytes.NewReader(got.body)), strings.Split(g.Next, "."))
	if err != nil {
		return "", s.bad("it is no JSON in which the next cursor stands")
	}
	return next, nil
}

// answer is what was fetched.
type answer struct {
	status         int
	body           []byte
	links          []string
	etag, modified string
}

// fetch asks for a page until it comes or it is clear that it will not.
func (s *httpSource) fetch(ctx context.Context, from *url.URL) (*answer, error) {
	for try := 1; ; try++ {
		got, again, err := s.once(ctx, from)
		if err == nil || ctx.Err() != nil {
			return got, errors.Join(err, ctx.Err())
		}
		if again < 0 || try == maxTries {
			return nil, err
		}
		if again > maxWait {
			return nil, ErrReach.With("where", s.start.Host, "why", "it asks to be left alone for "+again.Round(time.Second).String())
		}
		if again == 0 {
			again = time.Second << (try - 1)
		}
		if err := s.wait(ctx, again); err != nil {
			return nil, err
		}
	}
}

// once asks for a page one time. When it failed, again says when to ask anew: 0
// leaves that to the caller, less is never.
func (s *httpSource) once(ctx context.Context, from *url.URL) (got *answer, again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, -1, exchange.ErrInternal.Wrap(err)
	}
	s.dress(req)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, retriable(err), s.unreached(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified, resp.StatusCode == http.StatusNoContent:
		return &answer{status: resp.StatusCode}, 0, nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		return nil, retryAfter(resp.Header.Get("Retry-After")), ErrReach.With("where", s.start.Host, "why", "status "+strconv.Itoa(resp.StatusCode))
	case resp.StatusCode != http.StatusOK:
		return nil, -1, s.bad("status " + strconv.Itoa(resp.StatusCode))
	case resp.Header.Get("Content-Encoding") != "": // gzip is unpacked and unnamed by now
		return nil, -1, s.bad("it is packed in a way that was not asked for")
	}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t == "text/html" {
		return nil, -1, s.bad("it is a web page")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, retriable(err), s.unreached(err)
	case len(body) > maxPage:
		return nil, -1, ErrLimit.With("limit", "32 MiB")
	}
	return &answer{status: resp.StatusCode, body: body, links: resp.Header.Values("Link"),
		etag: resp.Header.Get("ETag"), modified: resp.Header.Get("Last-Modified")}, 0, nil
}

// dress gives a request its headers.
func (s *httpSource) dress(req *http.Request) {
	req.Header.Set("Accept", s.accept)
	req.Header.Set("User-Agent", "accord")
	if s.token != "" {
		if s.h.Header != "" {
			req.Header.Set(s.h.Header, s.token)
		} else {
			req.Header.Set("Authorization", "Bearer "+s.token)
		}
	}
	if s.h.Pages == nil {
		if s.state.ETag != "" {
			req.Header.Set("If-None-Match", s.state.ETag)
		}
		if s.state.Modified != "" {
			req.Header.Set("If-Modified-Since", s.state.Modified)
		}
	}
}

// retriable says whether it helps to ask again after a connection failed.
func retriable(err error) time.Duration {
	var own *exchange.Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) || badCertificate(err) {
		return -1
	}
	return 0
}

// unreached names a failed connection without what the library says of it, which
// quotes the address.
func (s *httpSource) unreached(err error) error {
	var own *exchange.Error
	why := "the connection failed"
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		why = "it took too long"
	case badCertificate(err):
		why = "its certificate is not trusted"
	}
	return ErrReach.With("where", s.start.Host, "why", why)
}

// retryAfter is when a server wants to be asked again: in seconds, or at a time
// (RFC 9110 section 10.2.3); 0 when it does not say.
func retryAfter(v string) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// nextLink is the target of the link whose relation is next (RFC 8288).
func nextLink(headers []string) string {
	for _, h := range headers {
		for h != "" {
			_, rest, ok := strings.Cut(h, "<")
			if !ok {
				break
			}
			target, params, ok := strings.Cut(rest, ">")
			if !ok {
				break
			}
			own, more, _ := strings.Cut(params, "<") // the next link's target begins so
			for _, p := range strings.Split(own, ";") {
				name, value, _ := strings.Cut(strings.Trim(p, " \t,"), "=")
				if strings.EqualFold(strings.TrimSpace(name), "rel") {
					for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
						if strings.EqualFold(rel, "next") {
							return target
						}
					}
				}
			}
			if more == "" {
				break
			}
			h = "<" + more
		}
	}
	return ""
}

// textAt is the string or number at a path of objects; null, false, an empty text
// and nothing are "".
func textAt(dec *json.Decoder, path []string) (string, error) {
	dec.UseNumber()
	for len(path) > 0 {
		if open, err := dec.Token(); err != nil || open != json.Delim('{') {
			return "", err
		}
		found := false
		for !found && dec.More() {
			name, err := dec.Token()
			if err != nil {
				return "", err
			}
			if found = name == path[0]; found {
				break
			}
			var skipped json.RawMessage
			if err := dec.Decode(&skipped); err != nil {
				return "", err
			}
		}
		if !found {
			return "", nil
		}
		path = path[1:]
	}
	v, err := dec.Token()
	switch v := v.(type) {
	case string:
		return v, err
	case json.Number:
		return v.String(), err
	case nil:
		return "", err
	case bool:
		if !v {
			return "", nil
		}
	}
	return "", errors.New("pull: the cursor is neither text nor number")
}
