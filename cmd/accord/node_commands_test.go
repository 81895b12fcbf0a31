package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/release"
	"accord/node"
	"accord/node/api"
	"accord/node/wire"
)

var when = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

const recordID = "GGh3zDjcddMGscGzzx573Q"

func aRelease(status string, outcome catalogue.Outcome) wire.Release {
	return wire.Release{ID: "release-0000000001", Status: status, Requester: "court", Operator: "admin",
		Record: wire.RecordRef{ID: recordID, Author: "association", Category: "discipline-practitioner"},
		Fields: []string{"resident_id"}, Purpose: "statistics", Basis: wire.Basis{Kind: "statute", Ref: "统计法"}, At: when,
		Decision: catalogue.Decision{Outcome: outcome, Catalogue: "qinghai-insurance", Version: 3, Rule: "court-enforcement",
			Clause: "purpose", Failed: []string{"purpose", "basis"},
			Why: exchange.Text{Zh: "用途不符（统计）", En: "the purpose does not fit"}, Need: exchange.Text{Zh: "用途须为：司法执行", En: "the purpose must be: enforcement"}}}
}

func anEntry(id exchange.EntryID, name string) wire.Entry {
	return wire.Entry{ID: id, List: "black", Status: "listed", Subject: "org:91639911MA6T008137", SubjectKind: "enterprise", Name: name,
		Ground: "court-defaulter", By: "court", NominatedAt: when, ListedFrom: when, ListedUntil: when.AddDate(2, 0, 0), Version: 1, Seq: 42}
}

func report(refused int) wire.ImportReport {
	r := wire.ImportReport{File: "d.ndjson", Mapping: "court", Rows: 3, New: 3 - refused, Refused: refused,
		Parts: []wire.ImportPart{{Part: "court-defaulter", Rows: 3, New: 3 - refused, Refused: refused}}}
	for i := range refused {
		r.Issues = append(r.Issues, wire.ImportIssue{Part: "court-defaulter", Row: i + 1, Place: "line 17", Column: "证件号码", Kind: "id_check_digit",
			Effect: "refuse", Message: exchange.Text{Zh: "校验码错误", En: "wrong check character"}})
	}
	return r
}

// TestWhatTheNodeAnswersDecidesTheExitCode is the table of the exit codes with
// what is shown for each.
func TestWhatTheNodeAnswersDecidesTheExitCode(t *testing.T) {
	hangUp := answerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	ready := wire.NodeStatus{Member: "court", Ready: true, Role: "follower", Leader: "regulator-1", LeaderOf: "regulator", StartedAt: when}
	alone, starting := ready, ready
	alone.Ready, alone.Leader, alone.LeaderOf, alone.Why = false, "", "", "no leader"
	starting.Ready, starting.Why = false, "no audit file can be written"
	stopped := alone
	stopped.Why = "stopped over a ledger alarm: x"
	ask := "release ask --record " + recordID + " --from association --field resident_id --purpose statistics --basis-kind statute --basis-ref X"
	nominate := "list nominate black --record " + recordID + " --ground court-defaulter --term-days 730"
	for _, test := range []struct {
		argv, route string
		answer      any
		code        int
		out, err    string // what stdout and stderr hold
	}{
		{"node status", "GET /api/v1/node/status", ready, 0, "leader       regulator (regulator-1)", ""},
		{"node status", "GET /api/v1/node/status", alone, 5, "leader       none", "no leader"},
		{"node status -o json", "GET /api/v1/node/status", alone, 5, `"ready":false`, `"code":"CLI-027"`},
		{"node status", "GET /api/v1/node/status", starting, 75, "ready", "no audit file"},
		{"ledger status --linear", "GET /api/v1/ledger", node.ErrNoQuorum.With(), 5, "", "LEDGER-001"},
		{"ledger status", "GET /api/v1/ledger", wire.Ledger{Size: 5, Root: "ad65", Time: when}, 0, "size         5", ""},
		{"ledger status", "GET /api/v1/ledger", []byte("<html>"), 6, "", "NET-002"},
		{"ledger status", "GET /api/v1/ledger", exchange.Relayed("LATER-001", exchange.KindNoQuorum, "what a later version says", "what to do then"), 5, "", "what a later version says"},
		{"ledger status", "GET /api/v1/ledger", exchange.Relayed("LATER-001", exchange.KindUnavailable, "x", "what to do then"), 75, "", "next: what to do then"},
		{"node status", "GET /api/v1/node/status", stopped, 75, "leader       none", "stopped over a ledger alarm"},
		{"ledger status", "GET /api/v1/ledger", hangUp, 75, "", "NET-001"},
		{nominate, "POST /api/v1/lists/black/entries", hangUp, 75, "", "NET-004"},
		{nominate, "POST /api/v1/lists/black/entries", node.ErrUnknown.With(), 75, "", "LEDGER-002"},
		{nominate, "POST /api/v1/lists/black/entries", node.ErrNoQuorum.With(), 5, "", "nothing was changed"},
		{nominate, "POST /api/v1/lists/black/entries", api.ErrRole.With("name", "admin", "roles", "clerk"), 2, "", "AUTH-003"},
		{nominate, "POST /api/v1/lists/black/entries", anEntry("entry-000000000001", "甲"), 0, "status        listed", ""},
		{"list entry nosuch", "GET /api/v1/entries/nosuch", agency.ErrEntry.With("entry", "nosuch"), 3, "", "no list entry nosuch"},
		{"list entry nosuch --lang zh", "GET /api/v1/entries/nosuch", agency.ErrEntry.With("entry", "nosuch"), 3, "", "没有名单条目 nosuch"},
		{ask, "POST /api/v1/releases", aRelease("pending", catalogue.Pending), 0, "must approve   association", ""},
		{ask, "POST /api/v1/releases", aRelease("granted", catalogue.Granted), 0, "status         granted", ""},
		{ask, "POST /api/v1/releases", aRelease("refused", catalogue.Refused), 2, "failed clause  purpose, basis",
			"next: the purpose must be: enforcement; the receipt release-0000000001"},
		{ask + " --lang zh", "POST /api/v1/releases", aRelease("refused", catalogue.Refused), 2, "所需      用途须为：司法执行",
			"不准予（目录 qinghai-insurance@3，court-enforcement/purpose）：用途不符（统计）"},
		{ask + " --lang zh -o json", "POST /api/v1/releases", aRelease("refused", catalogue.Refused), 2, `"status":"refused"`, "the purpose does not fit"},
		{ask, "POST /api/v1/releases", release.ErrOwn.With(), 2, "", "REL-002"},
		{"release open release-0000000001", "POST /api/v1/releases/release-0000000001/open",
			agency.ErrNotGranted.With("release", "release-0000000001", "status", "pending"), 2, "", "OPEN-002"},
		{"release open release-0000000001", "POST /api/v1/releases/release-0000000001/open",
			agency.ErrDelivery.With("what", "signature"), 6, "", "OPEN-005"},
		{"ledger export --out -", "GET /api/v1/ledger/bundle", []byte("{}"), 6, "", "bundle.form"},
	} {
		f := newFakeNode(t).on(test.route, test.answer)
		code, out, err := f.run("", strings.Fields(test.argv)...)
		if code != test.code || !strings.Contains(out, test.out) || !strings.Contains(err, test.err) || (test.out == "") != (out == "") || (test.err == "") != (err == "") {
			t.Errorf("accord %s: exit %d, want %d\n%s\n%s", test.argv, code, test.code, out, err)
		}
	}
}

// TestAnImportIsDryWhereverItIsSaid holds the line that was written first: a
// dry run never writes.
func TestAnImportIsDryWhereverItIsSaid(t *testing.T) {
	const route = "POST /api/v1/records/import"
	for _, argv := range []string{
		"record import FILE --dry-run", "record import --dry-run FILE", "--dry-run=true", "record import FILE --mapping court --dry-run",
		"record import --mapping court FILE --as-of 2026-11-20 --dry-run -o json",
	} {
		f := newFakeNode(t).on(route, lines(wire.ImportEvent{Done: 2}, wire.ImportEvent{Report: &wire.ImportReport{Rows: 3, New: 3}}))
		path := f.file("d.ndjson", "{}\n")
		words := strings.Fields(strings.ReplaceAll(argv, "FILE", path))
		if words[0] == "--dry-run=true" {
			words = []string{"record", "import", path, words[0]}
		}
		if code, _, err := f.run("", words...); code != 0 {
			t.Fatalf("accord %s: exit %d %s", argv, code, err)
		}
		if got := f.to(route); got.query["dry_run"] != "true" || string(got.body) != "{}\n" || got.query["file"] != "d.ndjson" {
			t.Errorf("accord %s: the node was told %v", argv, got.query)
		}
	}
	f := newFakeNode(t).on(route, lines(wire.ImportEvent{Report: &wire.ImportReport{}}))
	path := f.file("d.ndjson", "{}\n")
	if code, _, _ := f.run("", "record", "import", path); code != 0 || f.to(route).query["dry_run"] != "" || f.to(route).query["mapping"] != "auto" {
		t.Errorf("without --dry-run the node was told %v", f.to(route).query)
	}
	if code, _, _ := f.run("", "record", "import", path, "--", "--dry-run"); code != 1 || f.count(route) != 1 {
		t.Errorf("exit %d; a file called --dry-run was imported", code)
	}
	if code, _, err := f.run("", "record", "import", t.TempDir()); code != 1 || !strings.Contains(err, errFileKind.Code) || f.count(route) != 1 {
		t.Errorf("a folder to import: exit %d %s", code, err)
	}
}

func TestAnImportSaysWhatBecameOfEveryRow(t *testing.T) {
	const route = "POST /api/v1/records/import"
	refused := report(1)
	f := newFakeNode(t).on(route, lines(wire.ImportEvent{Report: &refused}))
	path, errors := f.file("d.ndjson", "{}\n"), filepath.Join(f.dir, "errors.csv")
	code, out, err := f.run("", "record", "import", path, "--errors", errors, "--lang", "zh")
	for _, want := range []string{"court-defaulter   3     2     0     1     0", "第 17 行  证件号码  拒收  id_check_digit  校验码错误"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if code != 4 || !strings.Contains(err, "3 行中有 1 行被拒收") {
		t.Errorf("exit %d %s", code, err)
	}
	written, rerr := os.ReadFile(errors)
	if rerr != nil || !strings.HasPrefix(string(written), "\ufeff部分,行,位置,列,处理,代码,原因\r\ncourt-defaulter,1,第 17 行,证件号码,拒收,id_check_digit,校验码错误\r\n") {
		t.Errorf("%v %q", rerr, written)
	}
	code, out, err = f.run("", "record", "import", path, "-o", "json")
	var got wire.ImportReport
	if json.Unmarshal([]byte(out), &got) != nil || got.Refused != 1 || code != 4 || !strings.Contains(err, `"kind":"partial"`) {
		t.Errorf("exit %d %s %s", code, out, err)
	}

	p := api.ProblemOf(node.ErrNoQuorum.With(), exchange.En)
	f.on(route, lines(wire.ImportEvent{Done: 1}, wire.ImportEvent{Problem: &p}))
	if code, out, _ := f.run("", "record", "import", path); code != 5 || out != "" {
		t.Errorf("a problem in the stream: exit %d %s", code, out)
	}
	f.on(route, lines(wire.ImportEvent{Done: 1}))
	if code, _, err := f.run("", "record", "import", path); code != 75 || !strings.Contains(err, "NET-004") {
		t.Errorf("a stream that broke off: exit %d %s", code, err)
	}
}

func TestAMappingIsABuiltInNameOrAFile(t *testing.T) {
	const route = "POST /api/v1/records/import"
	f := newFakeNode(t).on(route, lines(wire.ImportEvent{Report: &wire.ImportReport{}}))
	path := f.file("d.csv", "x")
	if code, _, err := f.run("", "record", "import", path, "--mapping", "nosuch"); code != 3 || f.count(route) != 0 || !strings.Contains(err, "INTAKE-002") {
		t.Errorf("exit %d %s", code, err)
	}
	bad := f.file("bad.yaml", "format: accord-mapping/1\nnmae: x\n")
	if code, _, err := f.run("", "record", "import", path, "--mapping", bad); code != 1 || f.count(route) != 0 || !strings.Contains(err, "INTAKE-001") {
		t.Errorf("exit %d %s", code, err)
	}
	if code, _, err := f.run("", "record", "import", path, "--as-of", "20.11.2026"); code != 1 || f.count(route) != 0 || !strings.Contains(err, "--as-of") {
		t.Errorf("exit %d %s", code, err)
	}
}

// TestAStaleReadWarnsOnce: the person learns on the standard error how old the
// state is, in either language, and a machine in its warnings.
func TestAStaleReadWarnsOnce(t *testing.T) {
	f := newFakeNode(t)
	stale := func(v any) answerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("read") == "stale" {
				w.Header().Set(wire.HeaderIndex, "17")
				w.Header().Set(wire.HeaderStale, "2026-11-20T09:00:00Z")
			}
			if page, ok := v.(wire.Entries); ok && r.URL.Query().Get("cursor") == "" {
				page.Next = "entry-000000000001"
				v = page
			} else if ok {
				page.Next = ""
				v = page
			}
			json.NewEncoder(w).Encode(v)
		}
	}
	f.on("GET /api/v1/ledger", stale(wire.Ledger{Index: 17, Time: when}))
	f.on("GET /api/v1/ledger/statements", stale(wire.Statements{}))
	f.on("GET /api/v1/lists/black/entries", stale(wire.Entries{At: when, Entries: []wire.Entry{anEntry("entry-000000000001", "")}}))
	f.on("GET /api/v1/entries/entry-000000000001", stale(anEntry("entry-000000000001", "")))
	for _, line := range []string{"ledger status", "ledger statements", "list show black", "list entry entry-000000000001"} {
		for lang, want := range map[string]string{"en": "log index 17, ledger time 2026-11-20T09:00:00Z, and newer statements may exist", "zh": "日志位置 17、账本时间 2026-11-20T09:00:00Z，之后可能还有新的声明"} {
			code, out, err := f.run("", append(strings.Fields(line), "--stale", "--lang", lang)...)
			if code != 0 || strings.Count(err, want) != 1 {
				t.Errorf("%s: exit %d\n%s%s", line, code, out, err)
			}
		}
		if _, _, err := f.run("", append(strings.Fields(line), "--stale", "-o", "json")...); strings.Count(err, `"CLI-073"`) != 1 {
			t.Errorf("%s: a machine reads %s", line, err)
		}
		if _, _, err := f.run("", append(strings.Fields(line), "--lang", "en")...); strings.Contains(err, "newer statements") {
			t.Errorf("%s warns unasked: %s", line, err)
		}
	}
	if code, _, err := f.run("", "ledger", "status", "--stale", "--linear"); code != 1 || !strings.Contains(err, "CLI-072") {
		t.Errorf("both: exit %d %s", code, err)
	}
	f.on("GET /api/v1/ledger", api.ErrNotCaughtUp.With())
	if code, _, err := f.run("", "ledger", "status"); code != 75 || !strings.Contains(err, "--stale") {
		t.Errorf("the refusal does not name the way out: exit %d %s", code, err)
	}
}

// TestAListIsReadToItsEnd turns pages, all of one moment.
func TestAListIsReadToItsEnd(t *testing.T) {
	const route = "GET /api/v1/lists/black/entries"
	f := newFakeNode(t)
	f.on(route, answerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := wire.Entries{At: when, Entries: []wire.Entry{anEntry("entry-000000000001", "甲保险代理有限公司")}, Next: "entry-000000000001"}
		if r.URL.Query().Get("cursor") != "" {
			page = wire.Entries{At: when, Entries: []wire.Entry{anEntry("entry-000000000002", "")}}
		}
		json.NewEncoder(w).Encode(page)
	}))
	code, out, err := f.run("", "list", "show", "black", "--linear", "--at", "2026-11-20", "--lang", "zh")
	want := "" +
		"编号  信用主体                状态  列入                        到期                        事由          提名单位  条目\n" +
		"  42  甲保险代理有限公司      在列  2026-11-20 17:00:00 +08:00  2028-11-20 17:00:00 +08:00  失信被执行人  court     entry-000000000001\n" +
		"  42  org:91639911MA6T008137  在列  2026-11-20 17:00:00 +08:00  2028-11-20 17:00:00 +08:00  失信被执行人  court     entry-000000000002\n"
	if code != 0 || out != want || !strings.Contains(err, "截至 2026-11-20 17:00:00") {
		t.Errorf("exit %d\n%s%s", code, out, err)
	}
	if q := f.asked[0].query; q["read"] != "linear" || q["at"] != "2026-11-19T16:00:00Z" || q["limit"] != "500" {
		t.Errorf("the first page was asked with %v", q)
	}
	if q := f.asked[1].query; q["read"] != "" || q["at"] != "2026-11-20T09:00:00Z" || q["cursor"] != "entry-000000000001" {
		t.Errorf("the second page was asked with %v", q)
	}
	f.asked = nil
	code, out, _ = f.run("", "list", "show", "black", "--limit", "1", "-o", "json")
	if code != 0 || strings.Count(out, `"seq":42`) != 1 || f.count(route) != 1 || f.asked[0].query["limit"] != "1" ||
		!strings.Contains(out, `"subject":"org:91639911MA6T008137","subject_kind":"enterprise","status":"listed"`) {
		t.Errorf("exit %d %s", code, out)
	}
	if code, _, err := f.run("", "list", "show", "black", "--at", "yesterday"); code != 1 || !strings.Contains(err, "--at cannot be yesterday") {
		t.Errorf("exit %d %s", code, err)
	}
}

// TestPersonsNumbersStayOffTheLine covers both ways a clerk names a person.
func TestPersonsNumbersStayOffTheLine(t *testing.T) {
	const add, nominate, number = "POST /api/v1/records", "POST /api/v1/lists/watch/entries", "639913196802123517"
	f := newFakeNode(t).on(add, wire.Record{ID: recordID, Category: "discipline-practitioner", IssuedAt: when}).
		on(nominate, anEntry("entry-000000000001", ""))
	base := []string{"record", "add", "--category", "discipline-practitioner", "--value", "name=雷例", "--value", "degree=warning"}
	code, out, err := f.run("", append(base, "--value", "resident_id="+number)...)
	if code != 1 || f.count(add) != 0 || !strings.Contains(err, "CLI-035") || strings.Contains(out+err, number) {
		t.Errorf("exit %d %s %s", code, out, err)
	}
	person := f.file("person", number+"\n")
	code, out, err = f.run("resident_id="+number+"\n\n", append(base, "--values-file", "-", "--person-file", person)...)
	var in wire.AddRecord
	if code != 0 || json.Unmarshal(f.to(add).body, &in) != nil || in.PersonID != number || in.SubjectKind != "practitioner" ||
		string(in.Values["resident_id"]) != `"`+number+`"` || string(in.Values["degree"]) != `"warning"` || strings.Contains(out+err, number) {
		t.Errorf("exit %d %+v %s %s", code, in, out, err)
	}
	code, _, err = f.run(number, "list", "nominate", "watch", "--subject-kind", "practitioner", "--person-file", "-", "--ground", "tip", "--term-days", "30")
	var n wire.Nominate
	if code != 0 || json.Unmarshal(f.to(nominate).body, &n) != nil || n.PersonID != number || n.Decision != nil {
		t.Errorf("exit %d %+v %s", code, n, err)
	}
	if code, _, err := f.run("", "list", "nominate", "watch", "--ground", "tip", "--term-days", "30"); code != 1 || !strings.Contains(err, "CLI-038") {
		t.Errorf("exit %d %s", code, err)
	}
}

func TestOpenedValuesGoToStdoutOnly(t *testing.T) {
	const route, number = "POST /api/v1/releases/release-0000000001/open", "639913196802123517"
	f := newFakeNode(t).on(route, wire.Opened{Release: aRelease("opened", catalogue.Granted), Issuer: "association", Verified: true,
		Fields: map[string]json.RawMessage{"resident_id": json.RawMessage(`"` + number + `"`), "degree": json.RawMessage(`"warning"`)}})
	for _, format := range []string{"table", "json", "csv"} {
		code, out, err := f.run("", "release", "open", "release-0000000001", "-o", format, "--debug")
		if code != 0 || !strings.Contains(out, number) || err != "" {
			t.Errorf("%s: exit %d %s %s", format, code, out, err)
		}
	}
	_, out, _ := f.run("", "release", "open", "release-0000000001", "--lang", "zh")
	if !strings.Contains(out, "resident_id  身份证号  "+number) || !strings.Contains(out, "degree       惩戒种类  警告") {
		t.Error(out)
	}
}

// TestTheOperator is the one named, or the only one there is.
func TestTheOperator(t *testing.T) {
	const route = "GET /api/v1/node/status"
	one := "member: court\nfederation: q\noperators:\n  - {name: wang, roles: [clerk]}\n"
	for _, test := range []struct {
		config, flag, want string
	}{
		{"", "", ""}, {one, "", "wang"}, {one, "li", "li"}, {one + "  - {name: li, roles: [clerk]}\n", "", ""}, {"member: [", "", ""},
	} {
		f := newFakeNode(t).on(route, wire.NodeStatus{Ready: true})
		if test.config != "" {
			f.file("accord.yaml", test.config)
		}
		args := []string{"node", "status", "--lang", "en"}
		if test.flag != "" {
			args = append(args, "--operator", test.flag)
		}
		if code, _, err := f.run("", args...); code != 0 || f.to(route).operator != test.want || f.to(route).lang != "en" {
			t.Errorf("%q --operator %q: exit %d, acted as %q %s", test.config, test.flag, code, f.to(route).operator, err)
		}
	}
}

func TestMembersAndStatements(t *testing.T) {
	f := newFakeNode(t).on("GET /api/v1/federation", wire.Federation{Members: []wire.Member{
		{ID: "court", Kind: exchange.KindCourt, Name: exchange.Text{Zh: "例法院", En: "Court"}, Seat: true, Status: "active", Node: "court-1", Role: "voter", Address: "c:1", Self: true}}})
	code, out, err := f.run("", "member", "list")
	if code != 0 || !strings.Contains(out, "court  court  Court  yes   active  court-1  voter  c:1      yes") {
		t.Errorf("exit %d\n%s%s", code, out, err)
	}
	if _, out, _ = f.run("", "member", "list", "-o", "json"); !strings.Contains(out, `{"id":"court","kind":"court","name":{"zh":"例法院","en":"Court"}`) {
		t.Error(out)
	}
	if code, out, _ = f.run("", "member", "show", "court"); code != 0 || !strings.Contains(out, "address  c:1") {
		t.Errorf("exit %d %s", code, out)
	}
	if code, _, err = f.run("", "member", "show", "cuort"); code != 3 || !strings.Contains(err, "try accord member show court") {
		t.Errorf("exit %d %s", code, err)
	}

	const route = "GET /api/v1/ledger/statements"
	f.on(route, answerFunc(func(w http.ResponseWriter, r *http.Request) {
		seq := int64(1)
		if r.URL.Query().Get("after") == "1" {
			seq = 2
		}
		json.NewEncoder(w).Encode(wire.Statements{Size: 3, Next: seq,
			Statements: []wire.Statement{{Seq: seq, Verb: exchange.VerbNominate, Issuer: "court", At: when, OK: true, ID: "command-0000000001"}}})
	}))
	code, out, _ = f.run("", "ledger", "statements", "--lang", "zh")
	if code != 0 || f.count(route) != 2 || strings.Count(out, "拟列入") != 2 {
		t.Errorf("exit %d, %d pages\n%s", code, f.count(route), out)
	}
}

func TestCatalogueVotes(t *testing.T) {
	const endorse, adopt = "POST /api/v1/catalogue/endorse", "POST /api/v1/catalogue/adopt"
	f := newFakeNode(t).on(endorse, wire.Endorsement{Member: "court", Digest: "sha256:00", Version: 2, Signature: "a.b.c"}).
		on(adopt, wire.Done{ID: "command-0000000001", Index: 9, Seq: 7})
	document, _ := catalogue.Default()
	path, out := f.file("catalogue.json", string(document)), filepath.Join(f.dir, "court.endorsement")
	if code, _, err := f.run("", "catalogue", "endorse", path, "--out", out); code != 0 {
		t.Fatalf("exit %d %s", code, err)
	}
	var in wire.AdoptCatalogue
	if json.Unmarshal(f.to(endorse).body, &in) != nil || in.Document != string(document) {
		t.Error("the node was asked to endorse other bytes than those of the file")
	}
	if code, _, err := f.run("", "catalogue", "adopt", path, out, out); code != 0 {
		t.Fatalf("exit %d %s", code, err)
	}
	if json.Unmarshal(f.to(adopt).body, &in) != nil || in.Document != string(document) || len(in.Endorsements) != 2 || in.Endorsements[0] != "a.b.c" {
		t.Errorf("adopted with %q", in.Endorsements)
	}
}

func TestAnEvidenceFileIsVerifiedBeforeItIsWritten(t *testing.T) {
	good, digest, err := evidence()
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeNode(t).on("GET /api/v1/ledger/bundle", good).on("GET /api/v1/entries/x/bundle", []byte(`{"format":"accord-bundle/1"}`))
	path := filepath.Join(f.dir, "evidence.json")
	if code, out, errs := f.run("", "ledger", "export", "--out", path); code != 0 || !strings.Contains(out, digest.String()) {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
	if written, _ := os.ReadFile(path); string(written) != string(good) {
		t.Error("other bytes were written")
	}
	if code, _, errs := f.run("", "ledger", "export", "--out", path); code != 1 || !strings.Contains(errs, "CLI-021") {
		t.Errorf("exit %d %s", code, errs)
	}
	other := filepath.Join(f.dir, "entry.json")
	if code, _, errs := f.run("", "list", "export", "x", "--out", other); code != 6 || !strings.Contains(errs, "does not verify") {
		t.Errorf("exit %d %s", code, errs)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a file that does not verify was written")
	}
}
