package api

import (
	"net/http"
	"strings"
	"testing"

	"accord/exchange/records"
	"accord/node/config"
)

// The callers of the matrix, each with its letter.
var matrixCallers = []struct {
	letter string
	as     caller
}{
	{"p", caller{}},                                   // the public
	{"m", caller{member: "court"}},                    // a member
	{"n", caller{local: true}},                        // the local socket, nobody named
	{"u", caller{local: true, operator: "stranger"}},  // the local socket, nobody known
	{"h", caller{local: true, operator: "a b\"<\r>"}}, // the local socket, a hostile name
	{"c", as(config.Clerk)}, {"o", as(config.Officer)}, {"a", as(config.Auditor)}, {"d", as(config.Admin)},
}

// matrix says who may use which route. It is written out, not derived from the
// table of routes, so that a slip there shows here.
var matrix = map[string]string{
	"GET /livez":                         "pmnuhcoad",
	"GET /readyz":                        "pmnuhcoad",
	"GET /metrics":                       "nuhcoad",
	"GET /api/v1/openapi.yaml":           "pmnuhcoad",
	"GET /api/v1/node/status":            "nuhcoad",
	"GET /api/v1/node/check":             "coad",
	"POST /api/v1/peers/check":           "m",
	"GET /api/v1/check":                  "coad",
	"POST /api/v1/reports":               "coa",
	"GET /api/v1/reports":                "coa",
	"GET /api/v1/coverage":               "coad",
	"GET /api/v1/lists/proof":            "pmnuhcoad",
	"GET /api/v1/lists/word":             "m",
	"POST /api/v1/node/backup":           "d",
	"GET /api/v1/federation":             "pmnuhcoad",
	"GET /api/v1/members":                "pmnuhcoad",
	"GET /api/v1/members/rosters":        "pmnuhcoad",
	"GET /api/v1/members/recoveries":     "pmnuhcoad",
	"GET /api/v1/members/status":         "mnuhcoad",
	"POST /api/v1/members/endorse":       "o",
	"POST /api/v1/members/enact":         "o",
	"POST /api/v1/members/keys":          "o",
	"GET /api/v1/catalogue":              "pmnuhcoad",
	"GET /api/v1/proposals":              "mnuhcoad",
	"POST /api/v1/proposals":             "o",
	"GET /api/v1/proposals/{id}":         "mnuhcoad",
	"GET /api/v1/proposals/{id}/minutes": "mnuhcoad",
	"POST /api/v1/proposals/{id}/vote":   "o",

	"POST /api/v1/proposals/{id}/withdraw": "o",
	"GET /api/v1/catalogue/{version}":      "pmnuhcoad",
	"POST /api/v1/catalogue/endorse":       "o",
	"POST /api/v1/catalogue/adopt":         "o",
	"GET /api/v1/ledger":                   "pmnuhcoad",
	"GET /api/v1/ledger/checkpoint":        "pmnuhcoad",
	"GET /api/v1/ledger/statements":        "mcoad",
	"POST /api/v1/ledger/statements":       "mcoad",
	"GET /api/v1/ledger/bundle":            "coad",
	"GET /api/v1/lists/{list}/entries":     "pmnuhcoad",
	"POST /api/v1/lists/{list}/entries":    "c",
	"GET /api/v1/entries":                  "pmnuhcoad",
	"GET /api/v1/entries/{id}":             "pmnuhcoad",
	"GET /api/v1/entries/{id}/bundle":      "pmnuhcoad",
	"POST /api/v1/entries/{id}/withdraw":   "o",
	"POST /api/v1/entries/{id}/remove":     "o",
	"GET /api/v1/records":                  "coad",
	"POST /api/v1/records":                 "c",
	"POST /api/v1/records/import":          "c",
	"GET /api/v1/records/public":           "pmnuhcoad",
	"GET /api/v1/records/quality":          "coad",
	"GET /api/v1/records/{id}":             "mcoad",
	"POST /api/v1/records/{id}/correct":    "c",
	"POST /api/v1/records/{id}/retract":    "c",
	"GET /api/v1/releases":                 "coa",
	"GET /api/v1/releases/waiting":         "o",
	"POST /api/v1/releases":                "c",
	"GET /api/v1/releases/{id}":            "coa",
	"POST /api/v1/releases/{id}/approve":   "o",
	"POST /api/v1/releases/{id}/deny":      "o",
	"POST /api/v1/releases/{id}/open":      "c",
	"POST /api/v1/releases/{id}/deliver":   "m",
	"POST /api/v1/releases/{id}/custody":   "m",
	"GET /api/v1/custody":                  "coad",
	"GET /api/v1/custody/{id}":             "coad",
	"POST /api/v1/custody/deposits":        "m",
	"POST /api/v1/custody/retire":          "m",

	"GET /api/v1/ledger/checkpoints":         "pmnuhcoad",
	"GET /api/v1/ledger/state":               "m",
	"GET /api/v1/ledger/proof/inclusion":     "pmnuhcoad",
	"GET /api/v1/ledger/proof/consistency":   "pmnuhcoad",
	"GET /api/v1/ledger/forks":               "pmnuhcoad",
	"GET /api/v1/ledger/forks/{id}/evidence": "pmnuhcoad",
	"POST /api/v1/ledger/forks/{id}/settle":  "o",
	"GET /api/v1/ledger/complaints":          "pmnuhcoad",
	"POST /api/v1/ledger/complaints":         "m",
	"GET /ledger/checkpoint":                 "pmnuhcoad",
	"GET /ledger/policy":                     "pmnuhcoad",
	"GET /ledger/tile/{path...}":             "pmnuhcoad",

	"POST /api/v1/records/{id}/erase":             "o",
	"GET /api/v1/changes":                         "pmnuhcoad",
	"GET /api/v1/feeds":                           "coad",
	"POST /api/v1/feeds/alarms/{id}/settle":       "o",
	"GET /api/v1/webhooks":                        "d",
	"POST /api/v1/webhooks":                       "d",
	"POST /api/v1/webhooks/{name}/test":           "d",
	"POST /api/v1/webhooks/{name}/rotate":         "d",
	"POST /api/v1/webhooks/{name}/replay":         "d",
	"POST /api/v1/webhooks/{name}/disable":        "d",
	"POST /api/v1/webhooks/{name}/remove":         "d",
	"GET /api/v1/feeds/receipts/{id}":             "coad",
	"POST /api/v1/feeds/export":                   "od",
	"POST /api/v1/feeds/import":                   "od",
	"POST /api/v1/feeds/acknowledgements":         "od",
	"GET /api/v1/feeds/acknowledgements/{member}": "od",
	"POST /api/v1/feeds/{member}/documents":       "m",
	"POST /api/v1/feeds/{member}/receipts":        "m",
	"GET /feeds/{member}/checkpoint":              "pmnuhcoad",
	"GET /feeds/{member}/tile/{path...}":          "pmnuhcoad",
}

// Shows: B2, B3, D18, D19
func TestAuthorityMatrix(t *testing.T) {
	w := newWorld(t)
	before := w.machine.View().Seq()
	cells := 0
	for _, rt := range routes {
		name := rt.method + " " + rt.path
		open, known := matrix[name]
		if !known {
			t.Errorf("%s stands in no matrix", name)
		}
		target := strings.NewReplacer("{id}", "AAAAAAAAAAAAAAAAAAAAAA", "{name}", "none", "{member}", "regulator", "{list}", "black", "{version}", "1", "{path...}", "0/000.p/1").Replace(rt.path)
		for _, c := range matrixCallers {
			cells++
			got := w.ask("regulator", c.as, rt.method, target, `{"unknown":1}`)
			refused := strings.HasPrefix(got.code, "AUTH-")
			if allowed := strings.Contains(open, c.letter); allowed == refused {
				t.Errorf("%s as %s: %d %s", name, c.letter, got.status, got.code)
			}
			if refused && got.status != http.StatusForbidden && got.status != http.StatusUnauthorized {
				t.Errorf("%s as %s is refused with %d", name, c.letter, got.status)
			}
			if strings.Contains(got.body, "<\r>") {
				t.Errorf("%s repeats a hostile operator's name", name)
			}
		}
	}
	if len(matrix) != len(routes) || cells != len(routes)*len(matrixCallers) {
		t.Errorf("%d routes, %d rows, %d cells", len(routes), len(matrix), cells)
	}
	if w.machine.View().Seq() != before {
		t.Error("a request without a usable body changed the ledger")
	}
}

func TestACallerIsNamedByItsConnectionOnly(t *testing.T) {
	w := newWorld(t)
	// A stranger or a member who writes an operator's name into the header.
	for _, c := range []caller{{operator: "clerk"}, {member: "court", operator: "clerk"}} {
		if got := w.ask("regulator", c, "GET", "/api/v1/records", ""); got.code != "AUTH-004" {
			t.Errorf("%+v lists records: %d %s", c, got.status, got.code)
		}
	}
	for _, header := range []string{"X-HTTP-Method-Override", "X-Forwarded-For", "X-Forwarded-User", "Authorization", "X-Real-Ip"} {
		if got := w.ask("regulator", caller{}, "GET", "/api/v1/node/status", "", header, "operator"); got.code != "AUTH-004" {
			t.Errorf("%s changes who asks: %d", header, got.status)
		}
	}
}

func TestMembersGetTheSignedPartOfOwnRecordsOnly(t *testing.T) {
	w := newWorld(t)
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	target := "/api/v1/records/" + string(rec.ID)
	got := w.ask("association", caller{member: "court"}, "GET", target, "")
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.code)
	}
	for _, own := range []string{`"operator"`, `"flags"`, `"private"`, `"source"`} {
		if strings.Contains(got.body, own) {
			t.Errorf("a member sees %s", own)
		}
	}
	if got := w.ask("association", caller{member: "court"}, "GET", target+"?author=association", ""); got.status != http.StatusOK {
		t.Errorf("naming the node itself: %s", got.code)
	}
	if got := w.ask("regulator", caller{member: "court"}, "GET", target+"?author=association", ""); got.code != "AUTH-004" {
		t.Errorf("a node was made to ask another for a member: %s", got.code)
	}
	if got := w.ask("regulator", caller{member: "court"}, "GET", target, ""); got.code != "REC-002" {
		t.Errorf("another's record as an own one: %s", got.code)
	}
	// what lies in the store and is another's is not this node's to serve
	foreign, err := w.servers["association"].Agency.Records.Get(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Sealed = nil
	if err := w.servers["regulator"].Agency.Records.InsertBatch(t.Context(), []records.Record{foreign}); err != nil {
		t.Fatal(err)
	}
	if got := w.ask("regulator", caller{member: "court"}, "GET", target, ""); got.code != "REC-002" {
		t.Errorf("a copy of another's record: %s", got.code)
	}
}
