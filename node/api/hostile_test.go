package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"accord/exchange/identifiers"
	"accord/exchange/records"
	"accord/node/config"
)

// hostileBodies are H17 to H30 of the abuse cases. Each holds the canary where
// there is room for it.
var hostileBodies = map[string]string{
	"H17 duplicate member":        `{"note":"` + canary + `","note":"x"}`,
	"H18 case twins":              `{"note":"x","Note":"` + canary + `"}`,
	"H18 wrong case":              `{"NOTE":"` + canary + `"}`,
	"H19 unknown member":          `{"` + canary + `":1}`,
	"H20 trailing value":          `{} {"note":"` + canary + `"}`,
	"H20 trailing text":           `{}` + canary,
	"H21 depth":                   strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
	"H21 depth of lists":          strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
	"H22 1e400":                   `{"expect":1e400,"term_days":1e400}`,
	"H22 NaN":                     `{"expect":NaN}`,
	"H22 fraction":                `{"expect":1.5,"term_days":1.5}`,
	"H22 beyond 2^53":             `{"values":{"x":9007199254740993}}`,
	"H22 beyond int64":            `{"expect":18446744073709551616,"term_days":18446744073709551616}`,
	"H23 lone surrogate":          `{"note":"\ud800"}`,
	"H23 bad UTF-8":               "{\"note\":\"\xff\xfe\"}",
	"H24 byte order mark":         "\xef\xbb\xbf{}",
	"H24 UTF-16":                  utf16Text(`{"note":"x"}`),
	"H25 array where object":      `[{"note":"` + canary + `"}]`,
	"H25 text where object":       `"` + canary + `"`,
	"H25 object where text":       `{"note":{"a":"` + canary + `"},"document":{},"text":{},"reason":{},"record":{},"category":{},"ground":{}}`,
	"H26 null":                    `null`,
	"H27 a million elements":      `{"fields":[` + strings.Repeat("1,", 400_000) + `1],"measures":[1],"endorsements":[1],"note":[1]}`,
	"H28 a text of 10 MiB":        `{"note":"` + strings.Repeat("x", 10<<20) + `"}`,
	"H29 XML":                     `<?xml version="1.0"?><note>` + canary + `</note>`,
	"H29 YAML":                    "note: " + canary + "\n",
	"H30 nothing":                 ``,
	"H30 blanks":                  "  \n",
	"H57 members that nobody has": `{"status":"granted","agency":"court","signedBy":"court","operator":"x"}`,
	"a comment":                   `{/*x*/}`,
	"single quotes":               `{'note':'x'}`,
}

func utf16Text(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// jsonRoutes are the routes that read a JSON body, with a caller who may.
func jsonRoutes() map[string]caller {
	out := map[string]caller{}
	for _, rt := range routes {
		if rt.method != http.MethodPost || rt.upload || carried[rt.path] > 0 || streaming[rt.method+" "+rt.path] {
			continue
		}
		c := caller{member: "court"}
		if len(rt.roles) > 0 {
			c = as(rt.roles[0])
		}
		out[strings.NewReplacer("{id}", "AAAAAAAAAAAAAAAAAAAAAA", "{list}", "black", "{name}", "none", "{member}", "regulator").Replace(rt.path)] = c
	}
	return out
}

// Shows: B2, D50
func TestHostileBodiesAreRefusedEverywhere(t *testing.T) {
	w := newWorld(t)
	before := w.machine.View().Seq()
	for target, c := range jsonRoutes() {
		for name, body := range hostileBodies {
			got := w.ask("regulator", c, "POST", target, body)
			switch {
			case got.code == "API-001", got.code == "API-002":
			case got.code == "API-005" && name == "H22 beyond 2^53": // values are read last
			default:
				t.Errorf("%s: POST %s: %d %s", name, target, got.status, got.code)
			}
			if len(body) > maxBody && got.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: POST %s: %d", name, target, got.status)
			}
			if strings.Contains(got.body, canary) {
				t.Errorf("%s: POST %s repeats the value", name, target)
			}
		}
	}
	n, err := w.servers["regulator"].Agency.Records.Count(t.Context(), records.Filter{})
	if w.machine.View().Seq() != before || n != 0 || err != nil {
		t.Errorf("something was changed: %d records, %v", n, err)
	}
	if strings.Contains(w.log.String(), canary) {
		t.Error("the log holds the value")
	}
}

func TestBodiesOfAnotherTypeAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json-patch+json", "application/json;;", "a, b"} {
		got := w.ask("regulator", as(config.Officer), "POST", "/api/v1/releases/AAAAAAAAAAAAAAAAAAAAAA/deny", `{"note":"x"}`, "Content-Type", media)
		if got.code != "API-001" {
			t.Errorf("%q: %d %s", media, got.status, got.code)
		}
	}
	if got := w.ask("regulator", as(config.Officer), "POST", "/api/v1/releases/AAAAAAAAAAAAAAAAAAAAAA/deny", `{"note":"x"}`, "Content-Type", "application/json; charset=utf-8"); got.code != "OPEN-001" {
		t.Errorf("with a character set: %s", got.code)
	}
}

// What is missing or cannot be is refused by the member's name, before the
// ledger is asked.
func TestMembersOfBodies(t *testing.T) {
	w := newWorld(t)
	entry := w.nominateByName("91639900MA0000001C")
	long := strings.Repeat("长", maxReason+1)
	for _, c := range []struct{ target, body, field string }{
		{"/api/v1/lists/black/entries", `{}`, "/subject_kind"},
		{"/api/v1/lists/black/entries", `{"record":"short","ground":"x","term_days":1}`, "/record"},
		{"/api/v1/lists/black/entries", `{"record":"AAAAAAAAAAAAAAAAAAAAAA","uscc":"x","ground":"x","term_days":1}`, "/uscc"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","author":"court","ground":"x","term_days":1}`, "/author"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","uscc":"9163","ground":"x","term_days":1}`, "/uscc"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","uscc":"91639900MA00000018","ground":"x","term_days":1}`, "/uscc"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","uscc":"９１639900MA00000019","ground":"x","term_days":1}`, "/uscc"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"practitioner","person_id":"639913196802123518","ground":"x","term_days":1}`, "/person_id"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"practitioner","uscc":"91639900MA0000001C","person_id":"639913196802123517","ground":"x","term_days":1}`, "/uscc"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"nobody","ground":"x","term_days":1}`, "/subject_kind"},
		{"/api/v1/lists/black/entries", "{\"subject_kind\":\"enterprise\",\"name\":\"\u202ex\",\"ground\":\"x\",\"term_days\":1}", "/name"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","ground":"x","term_days":0}`, "/term_days"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","ground":"x","term_days":1,"measures":["=1+1"]}`, "/measures"},
		{"/api/v1/lists/black/entries", `{"subject_kind":"enterprise","ground":"x","term_days":1,"decision":{"number":"1","authority":"例","date":"2026-02-30"}}`, "/decision/date"},
		{"/api/v1/entries/" + entry + "/withdraw", `{}`, "/text"},
		{"/api/v1/entries/" + entry + "/withdraw", `{"text":"x","reason":"repaired"}`, "/reason"},
		{"/api/v1/entries/" + entry + "/withdraw", `{"text":"` + long + `"}`, "/text"},
		{"/api/v1/entries/" + entry + "/remove", `{"text":"x","basis":"1","reason":"mercy"}`, "/reason"},
		{"/api/v1/entries/" + entry + "/remove", `{"text":"x","reason":"error"}`, "/basis"},
		{"/api/v1/entries/" + entry + "/remove", `{"text":"a\u0000b","basis":"1","reason":"error"}`, "/text"},
		{"/api/v1/entries/" + entry + "/remove", `{"text":"x","basis":"1","reason":"error","expect":-1}`, "/expect"},
		{"/api/v1/records", `{"category":"violation","subject_kind":"practitioner"}`, "/values"},
		{"/api/v1/records", `{"category":"a/b","subject_kind":"practitioner","values":{"x":1}}`, "/category"},
		{"/api/v1/records/AAAAAAAAAAAAAAAAAAAAAA/correct", `{"values":{"x":"y"}}`, "/reason"},
		{"/api/v1/records/AAAAAAAAAAAAAAAAAAAAAA/retract", `{"values":{"x":"y"},"reason":"x"}`, "/values"},
		{"/api/v1/releases", `{}`, "/record"},
		{"/api/v1/releases", `{"record":null,"author":"court"}`, "/record"},
		{"/api/v1/releases", `{"record":"AAAAAAAAAAAAAAAAAAAAAA","author":"court","fields":[],"purpose":"x","basis":{"kind":"case","ref":"1"}}`, "/fields"},
		{"/api/v1/releases", `{"record":"AAAAAAAAAAAAAAAAAAAAAA","author":"court","fields":["*"],"purpose":"x","basis":{"kind":"case","ref":"1"}}`, "/fields"},
		{"/api/v1/releases", `{"record":"AAAAAAAAAAAAAAAAAAAAAA","author":"court","fields":["x"],"purpose":"","basis":{"kind":"case","ref":"1"}}`, "/purpose"},
		{"/api/v1/releases", `{"record":"AAAAAAAAAAAAAAAAAAAAAA","author":"court","fields":["x"],"purpose":"x","basis":{"kind":"case","ref":"a\r\nb"}}`, "/basis/ref"},
		{"/api/v1/releases/AAAAAAAAAAAAAAAAAAAAAA/approve", `{"note":"a\nb"}`, "/note"},
		{"/api/v1/catalogue/endorse", `{}`, "/document"},
		{"/api/v1/catalogue/endorse", `{"document":"x","endorsements":["y"]}`, "/endorsements"},
		{"/api/v1/catalogue/adopt", `{"document":"x"}`, "/endorsements"},
	} {
		role := config.Clerk
		for _, rt := range routes {
			if rt.method == "POST" && fits(rt.path, c.target) && rt.roles[0] == config.Officer {
				role = config.Officer
			}
		}
		before := w.machine.View().Seq()
		got := w.ask("regulator", as(role), "POST", c.target, c.body)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, fmt.Sprintf(`"field":%q`, c.field)) {
			t.Errorf("POST %s %s: %d %s", c.target, c.body, got.status, got.body)
		}
		if w.machine.View().Seq() != before {
			t.Errorf("POST %s %s reached the ledger", c.target, c.body)
		}
	}
}

// Shows: B2, D57
func TestPathsHaveOneSpelling(t *testing.T) {
	w := newWorld(t)
	for _, raw := range []string{
		"//api/v1/federation", "/api//v1/federation", "/api/./v1/federation", "/api/v1/x/../federation", "/api/v1/federation/",
		"/api/v1/%66ederation%2f", "/api/v1/lists/black%2fentries", "/api/v1/entries/%2e%2e%2fentries", "/api/v1/entries/..%2f..%2flivez",
		"/api/v1/federation%00", "/api/v1/federation;x", "/api/v1/entries/a;b/bundle", "/API/v1/federation", "/api/v1/Federation",
		"/", "/api", "/api/v1", "/api/v2/federation", "/debug/pprof/", "/debug/vars", "/.git/config", "/api/v1/node/keys", "/readyz/", "/livez/x",
		"/api/v1/records/../releases", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/lists//entries", "/api/v1/entries/",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			continue // net/http refuses it itself
		}
		r.URL, r.RequestURI = u, raw
		got := w.send("regulator", r)
		if got.status != http.StatusNotFound || got.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", raw, got.status, got.code)
		}
	}
}

func TestWrongMethodsAreNamed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ method, target, allow string }{
		{"POST", "/api/v1/federation", "GET, HEAD"}, {"DELETE", "/api/v1/records/AAAAAAAAAAAAAAAAAAAAAA", "GET, HEAD"},
		{"PATCH", "/api/v1/records", "GET, HEAD, POST"}, {"PUT", "/api/v1/lists/black/entries", "GET, HEAD, POST"},
		{"GET", "/api/v1/releases/AAAAAAAAAAAAAAAAAAAAAA/open", "POST"}, {"TRACE", "/livez", "GET, HEAD"},
		{"OPTIONS", "/api/v1/ledger", "GET, HEAD"}, {"PROPFIND", "/api/v1/ledger", "GET, HEAD"},
	} {
		got := w.ask("regulator", caller{}, c.method, c.target, "")
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, allowed %q", c.method, c.target, got.status, got.header.Get("Allow"))
		}
	}
	got := w.ask("regulator", caller{}, "GET", "/api/v1/federation", "", "X-HTTP-Method-Override", "DELETE")
	if got.status != http.StatusOK {
		t.Errorf("a header changed the method: %d", got.status)
	}
	connect := httptest.NewRequest("CONNECT", "http://example.invalid:443/livez", nil)
	if got := w.send("regulator", connect); got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound {
		t.Errorf("CONNECT: %d", got.status)
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ target, name string }{
		{"/api/v1/federation?x=1", "x"}, {"/livez?verbose", "verbose"}, {"/api/v1/catalogue?version=1", "version"},
		{"/api/v1/lists/black/entries?limit=0", "limit"}, {"/api/v1/lists/black/entries?limit=501", "limit"},
		{"/api/v1/lists/black/entries?limit=-1", "limit"}, {"/api/v1/lists/black/entries?limit=%2B5", "limit"},
		{"/api/v1/lists/black/entries?limit=05", "limit"}, {"/api/v1/lists/black/entries?limit=5.0", "limit"},
		{"/api/v1/lists/black/entries?limit=99999999999999999999", "limit"}, {"/api/v1/lists/black/entries?limit=", "limit"},
		{"/api/v1/lists/black/entries?limit=5&limit=6", "limit"}, {"/api/v1/lists/black/entries?Limit=5", "Limit"},
		{"/api/v1/lists/black/entries?status=LISTED", "status"}, {"/api/v1/lists/black/entries?status=", "status"},
		{"/api/v1/lists/black/entries?status=%27%20OR%201%3D1", "status"},
		{"/api/v1/lists/black/entries?at=2026-02-30T00:00:00Z", "at"}, {"/api/v1/lists/black/entries?at=now", "at"},
		{"/api/v1/lists/black/entries?at=2026-01-01", "at"}, {"/api/v1/lists/black/entries?at=2026-01-01T00:00:00", "at"},
		{"/api/v1/lists/black/entries?at=2026-01-01T00:00:00,5Z", "at"}, {"/api/v1/lists/black/entries?at=10000-01-01T00:00:00Z", "at"},
		{"/api/v1/lists/black/entries?read=fast", "read"}, {"/api/v1/lists/black/entries?sort=name", "sort"},
		{"/api/v1/lists/black/entries?cursor=AAAAAAAAAAAAAAAAAAAAAA", "cursor"}, {"/api/v1/lists/black/entries?cursor=%00", "cursor"},
		{"/api/v1/lists/black/entries?cursor=" + strings.Repeat("A", 201), "cursor"},
		{"/api/v1/lists/black/entries?subject=639913196802123517", "subject"}, {"/api/v1/lists/black/entries?subject=91639900MA00000018", "subject"},
		{"/api/v1/lists/black/entries?subject=org:a%25b", "subject"}, {"/api/v1/lists/black/entries?subject=dog:x", "subject"},
		{"/api/v1/lists/black/entries?%zz", "?"}, {"/api/v1/lists/black/entries?a;b=1", "?"}, {"/api/v1/lists/black/entries?" + url.QueryEscape(canary) + "=1", "?"},
		{"/api/v1/entries/AAAAAAAAAAAAAAAAAAAAAA/bundle?x=1", ""}, {"/api/v1/ledger/checkpoint?size=0", "size"}, {"/api/v1/ledger?linear=1", "linear"},
		{"/readyz?verbose=yes", "verbose"},
	} {
		got := w.ask("regulator", caller{}, "GET", c.target, "")
		if c.name == "" {
			if got.status < 400 || got.status >= 500 {
				t.Errorf("%s: %d %s", c.target, got.status, got.code)
			}
			continue
		}
		if got.code != "API-004" || !strings.Contains(got.body, fmt.Sprintf(`"value":%q`, c.name)) {
			t.Errorf("%s: %d %s", c.target, got.status, got.body)
		}
		if strings.Contains(got.body, "639913196802123517") || strings.Contains(got.body, canary) {
			t.Errorf("%s: the answer repeats the value", c.target)
		}
	}
	for _, target := range []string{"/api/v1/records?cursor=forged", "/api/v1/releases?cursor=AAAAAAAAAAAAAAAAAAAAAA", "/api/v1/records?fields=name",
		"/api/v1/records?sort=resident_id", "/api/v1/records?category=a%2Fb", "/api/v1/ledger/statements?after=-1", "/api/v1/ledger/statements?after=1e3"} {
		if got := w.ask("regulator", as(config.Auditor), "GET", target, ""); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", target, got.status, got.code)
		}
	}
	if got := w.ask("regulator", as(config.Officer), "POST", "/api/v1/releases/AAAAAAAAAAAAAAAAAAAAAA/deny?force=true", `{}`); got.code != "API-004" {
		t.Errorf("a query on a route that takes none: %s", got.code)
	}
}

// One person's number in thirty also fits the check of an organisation's code.
//
// Shows: B15
func TestAPersonsNumberIsNoCode(t *testing.T) {
	for n := range 100_000 {
		base := fmt.Sprintf("6399131968021%04d", n%10_000)
		check, err := identifiers.ResidentCheck(base)
		if err != nil {
			t.Fatal(err)
		}
		number := base + string(check)
		if identifiers.CheckResidentID(number) != nil || identifiers.CheckUSCC(number) != nil {
			continue
		}
		q, err := queryOf(&http.Request{URL: &url.URL{RawQuery: "subject=" + number}}, "subject")
		if err != nil {
			t.Fatal(err)
		}
		if q.subject() != "" || q.err() == nil || strings.Contains(q.err().Error(), number) {
			t.Error("a person's number was taken for a code")
		}
		return
	}
	t.Fatal("no number fits both")
}

// nominateByName lists an organisation on the red list of the regulator.
func (w *world) nominateByName(uscc string) string {
	w.t.Helper()
	got := w.ask("regulator", as(config.Clerk), "POST", "/api/v1/lists/red/entries", `{"subject_kind":"enterprise","uscc":"`+uscc+
		`","name":"例","ground":"decision","decision":{"number":"1","authority":"例"},"term_days":365}`)
	if got.status != http.StatusOK {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	var id string
	fmt.Sscanf(got.body, `{"id":%q`, &id)
	return id
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=5", "limit=+5", "at=2026-01-01T00:00:00Z&read=linear", "subject=91639900MA0000001C", "subject=org:A",
		"cursor=abc", "as_of=2026-11-20", "verbose", "dry_run=true", "a;b", "%zz", "limit=5&limit=6", "category=x&status=y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := queryOf(&http.Request{URL: &url.URL{RawQuery: raw}}, "limit", "at", "read", "subject", "cursor", "as_of", "verbose", "category")
		if err != nil {
			if q != nil {
				t.Fatal("an error with a query")
			}
			return
		}
		limit, at, subject, day, cursor := q.limit(), q.at(), q.subject(), q.day("as_of"), q.cursor()
		q.linear()
		q.flag("verbose")
		q.name("category")
		if q.err() != nil {
			if got := fmt.Sprint(q.err()); len(got) > 100 {
				t.Fatalf("a long error: %q", got)
			}
			return
		}
		if limit < 1 || limit > maxLimit || len(cursor) > maxCursor || subject != "" && !subject.Valid() {
			t.Fatalf("%q: limit %d, cursor %q, subject %q", raw, limit, cursor, subject)
		}
		if v, given := q.values["limit"]; given && v != fmt.Sprint(limit) {
			t.Fatalf("limit %q is read as %d", v, limit)
		}
		if v, given := q.values["as_of"]; given && day.Format("2006-01-02") != v {
			t.Fatalf("day %q is read as %v", v, day)
		}
		if _, given := q.values["at"]; given != (at != nil) {
			t.Fatal("an instant from nowhere, or none")
		}
	})
}

// FuzzCursor sends any path and query to every read route: the answer is
// described, and never a fault of the node.
func FuzzCursor(f *testing.F) {
	w := newWorld(f)
	w.nominateByName("91639900MA0000001C")
	f.Add("/api/v1/lists/red/entries", "cursor=x&limit=1")
	f.Add("/api/v1/records", "cursor=AAAA")
	f.Add("/api/v1/releases", "cursor=AAAA&status=granted")
	f.Add("/api/v1/catalogue/00", "")
	f.Add("/api/v1/ledger/statements", "after=9007199254740991")
	f.Add("/api/v1/entries/ /bundle", "")
	f.Fuzz(func(t *testing.T, path, query string) {
		w.t = t
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.URL.RawQuery = path, query
		r.Header.Set("Accord-Operator", "auditor")
		got := w.send("regulator", r.WithContext(as(config.Auditor).context(r.Context())))
		if got.status >= 500 {
			t.Fatalf("%q?%q: %d %s", path, query, got.status, got.code)
		}
	})
}
