package agency_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/release"
)

// TestALeakIsTraced: two members get the same field of one record, and it turns up in
// every form it can turn up in.
func TestALeakIsTraced(t *testing.T) {
	w := newWorld(t)
	record := firstRecord(t, w)
	ref, _ := recordRef(t, w, record)
	author := w.agency["association"]
	var ids []exchange.ReleaseID
	var bound []string
	for _, m := range []exchange.MemberID{"regulator", "court"} {
		ask := release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement", Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}}
		if m == "regulator" {
			ask.Purpose, ask.Basis = "supervision", release.Basis{Kind: "statute", Ref: "《保险法》第一百五十四条"}
		}
		id, err := w.agency[m].AskRelease(t.Context(), "wang", ask)
		if err != nil {
			t.Fatal(err)
		}
		envelope, err := author.Deliver(t.Context(), "node", m, id)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := w.agency[m].Open(t.Context(), "wang", id, envelope)
		if err != nil {
			t.Fatal(err)
		}
		ids, bound = append(ids, id), append(bound, opened.Bound)
	}
	if unused := granted(t, w); unused == "" {
		t.Fatal("not asked")
	}
	part := strings.Split(bound[1], "~")
	disclosure := part[1]
	plain, err := base64.RawURLEncoding.DecodeString(disclosure)
	if err != nil {
		t.Fatal(err)
	}
	mark, err := w.agency["court"].MarkCopy("wang", ids[1])
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := w.agency["regulator"].MarkCopy("chen", ids[1]) // another frames the court
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at     exchange.MemberID
		text   string
		kind   string
		want   []exchange.ReleaseID
		proved bool
	}{
		"a presentation":                                 {"regulator", "found: " + bound[1] + "\n", agency.TracePresentation, ids[1:], true},
		"both presentations":                             {"regulator", bound[0] + "\n" + bound[1], agency.TracePresentation, ids, true},
		"an export with its mark":                        {"regulator", `{"copy":"` + mark + `","fields":{}}`, agency.TraceCopy, ids[1:], true},
		"a mark that another member made":                {"regulator", foreign, agency.TraceCopy, ids[1:], false},
		"a bare disclosure":                              {"association", "x " + disclosure + " y", agency.TraceDisclosure, ids, false},
		"its JSON":                                       {"association", "see " + string(plain) + " there", agency.TraceDisclosure, ids, false},
		"a presentation whose binding was taken off":     {"association", strings.Join(part[:2], "~") + "~", agency.TraceDisclosure, ids, false},
		"a presentation whose binding is another's":      {"association", strings.Join(part[:2], "~") + "~" + mark, agency.TraceDisclosure, ids, false},
		"a bare disclosure at a node that never made it": {"regulator", disclosure, "", nil, false},
	} {
		got, err := w.agency[c.at].Trace(t.Context(), []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var found []exchange.ReleaseID
		for _, f := range got {
			found = append(found, f.Release)
		}
		slices.Sort(found)
		want := slices.Clone(c.want)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("%s: %d releases, want %d: %+v", name, len(found), len(want), got)
			continue
		}
		for _, f := range got {
			recipient := map[exchange.ReleaseID]exchange.MemberID{ids[0]: "regulator", ids[1]: "court"}[f.Release]
			if f.Kind != c.kind || f.Proved != c.proved || f.Record != record || f.Recipient != recipient && c.text != foreign {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
	for name, text := range map[string]string{"a bare value": "630102199003071234", "nothing": "", "a token of another": "eyJh.eyJh.AAAA"} {
		if _, err := author.Trace(t.Context(), []byte(text)); !errors.Is(err, agency.ErrTrace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAConsentIsTheSubjects: the author compares the consent's subject with the
// record's before it delivers; the ledger cannot.
func TestAConsentIsTheSubjects(t *testing.T) {
	w := newWorld(t)
	a := w.agency["regulator"]
	until := exchange.MillisOf(w.now) + 3_600_000
	c, token, err := a.SignConsent("chen", agency.Consenting{Subject: "person:h1.P", Category: "penalty", Fields: []string{"a"}, Purpose: "p", Recipient: "court", Until: until})
	if err != nil || token == "" || c.Subject != release.SubjectOf(c.ID, "person:h1.P") || strings.Contains(token, "person:h1.P") {
		t.Errorf("%+v %v", c, err)
	}
	if _, _, err := a.SignConsent("chen", agency.Consenting{Subject: "person:h1.P", Category: "penalty", Fields: []string{"a"}, Purpose: "p", Recipient: "court", Until: 1}); !errors.Is(err, release.ErrConsent) {
		t.Errorf("a consent that has run out is signed: %v", err)
	}
}
