package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/meeting"
	"accord/node/wire"
)

// TestSimulate replays requests under a draft that takes the court's rule away and
// lets the commission see without asking the author.
func TestSimulate(t *testing.T) {
	f := newFakeNode(t)
	_, doc := catalogue.Default()
	in := catalogue.New(doc)
	var all wire.Releases
	ask := func(by exchange.MemberID, age time.Duration, purpose, basis string) {
		d := in.Decide(catalogue.Request{Requester: exchange.MemberKind(by), Author: "regulator", Category: "admin-penalty", Fields: []string{"id_number"},
			Purpose: purpose, BasisKind: basis, BasisRef: "x"})
		all.Releases = append(all.Releases, wire.Release{ID: exchange.ReleaseID(fmt.Sprint(len(all.Releases))), Requester: by, At: time.Now().Add(-age), Decision: d,
			Record: wire.RecordRef{Author: "regulator", Category: "admin-penalty"}, Fields: []string{"id_number"}, Purpose: purpose, Basis: wire.Basis{Kind: basis, Ref: "x"}})
	}
	ask("court", time.Hour, "enforcement", "case")
	ask("commission", 2*time.Hour, "joint-incentive", "decision")
	ask("insurer", 3*time.Hour, "enforcement", "case")
	ask("court", 40*24*time.Hour, "enforcement", "case") // before the last thirty days
	f.on("GET /api/v1/releases", all)
	f.on("GET /api/v1/federation", wire.Federation{Members: []wire.Member{{ID: "court", Kind: "court"}, {ID: "commission", Kind: "commission"}, {ID: "insurer", Kind: "insurer"}, {ID: "regulator", Kind: "regulator"}}})

	draft := string(catalogue.DefaultSource())
	for old, new := range map[string]string{
		"requesters: [court]\n    purposes: [enforcement]":                       "requesters: [platform]\n    purposes: [enforcement]",
		"purposes: [joint-incentive]\n    basis: decision\n    approval: author": "purposes: [joint-incentive]\n    basis: decision\n    approval: none",
		draft[strings.Index(draft, "\nchecks:"):]:                                "\n",
	} {
		if !strings.Contains(draft, old) {
			t.Fatalf("the default catalogue has no %q", old)
		}
		draft = strings.Replace(draft, old, new, 1)
	}
	path := f.file("draft.yaml", draft)
	code, out, errs := f.run("", "catalogue", "simulate", path, "-o", "json", "--lang", "en")
	var got simulated
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	want := []catalogue.Tally{{Member: "commission", Requests: 1, Approvals: 0}, {Member: "court", Requests: 1, Closed: 1}, {Member: "insurer", Requests: 1}}
	want[0].Approvals = 1
	if got.Requests != 3 || fmt.Sprint(got.Members) != fmt.Sprint(want) || len(got.Flips) != 2 {
		t.Errorf("%+v", got)
	}
	for format, said := range map[string]string{"table": "Requests decided otherwise", "csv": "release,at,requester,category,fields,purpose,was,now,why"} {
		if code, out, errs := f.run("", "catalogue", "simulate", path, "-o", format, "--lang", "en"); code != 0 || !strings.Contains(out, said) {
			t.Errorf("%s: exit %d\n%s%s", format, code, out, errs)
		}
	}
	if code, out, _ := f.run("", "catalogue", "simulate", "default", "--days", "60", "-o", "json"); code != 0 || !strings.Contains(out, `"requests":4`) || !strings.Contains(out, `"flips":[]`) {
		t.Errorf("the catalogue in force changes nothing: exit %d\n%s", code, out)
	}
	f.on("GET /api/v1/federation", wire.Federation{})
	if code, _, errs := f.run("", "catalogue", "simulate", path); code != 3 || !strings.Contains(errs, "CAT-009") {
		t.Errorf("an unknown member: exit %d %s", code, errs)
	}
}

// TestCataloguesByName: the node's own catalogue is taken to be edited, and a proposal's
// is looked at, without a file of either.
func TestCataloguesByName(t *testing.T) {
	document, _ := catalogue.Full()
	f := newFakeNode(t).on("GET /api/v1/proposals/proposal-0000000001", wire.Proposal{ID: "proposal-0000000001", Kind: meeting.Catalogue, Document: string(document)}).
		on("GET /api/v1/proposals/proposal-0000000002", wire.Proposal{ID: "proposal-0000000002", Kind: meeting.Peering})
	code, text, errs := f.run("", "catalogue", "fmt", "current")
	if code != 0 {
		t.Fatalf("exit %d %s", code, errs)
	}
	mine := f.file("mine.yaml", text)
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"diff", "current", mine}, 0, ""},
		{[]string{"diff", "current", "proposal:proposal-0000000001"}, 0, "calendar"},
		{[]string{"lint", "proposal:proposal-0000000001"}, 0, ""},
		{[]string{"test", "proposal:proposal-0000000001"}, 0, ""},
		{[]string{"explain", "admin-penalty", "id_number", "--catalogue", "proposal:proposal-0000000001"}, 0, "regulator"},
		{[]string{"diff", "current", "proposal:proposal-0000000002"}, 1, "CLI-092"},
	} {
		code, out, errs := f.run("", append([]string{"catalogue"}, append(c.args, "--lang", "en")...)...)
		if code != c.code || !strings.Contains(out+errs, c.said) {
			t.Errorf("%v: exit %d\n%s%s", c.args, code, out, errs)
		}
	}
}
