package main

import (
	"encoding/json"
	"strings"
	"testing"

	"accord/exchange/catalogue"
	"accord/node/wire"
)

// TestWhatThePublicIsShown: for people in words, for machines as they are, with a
// column for each field of a category, to be published.
func TestWhatThePublicIsShown(t *testing.T) {
	raw, _ := catalogue.Full()
	until := when.AddDate(1, 0, 0)
	page := wire.PublicRecords{At: when, Catalogue: 2, Records: []wire.PublicRecord{{ID: recordID, Category: "admin-penalty", Author: "regulator",
		Subject: "org:91639910MA6T00514T", SubjectKind: "enterprise", IssuedAt: when, Digest: "d", Until: &until,
		Fields: map[string]json.RawMessage{"severity": json.RawMessage(`"minor"`), "fine": json.RawMessage(`1500000`), "decided_on": json.RawMessage(`"2026-01-03"`)}}}}
	f := newFakeNode(t).on("GET /api/v1/records/public", page).on("GET /api/v1/catalogue", json.RawMessage(raw))
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--lang", "zh"}, []string{"行政处罚", "处罚决定日期：2026-01-03", "严重程度：轻微"}},
		{[]string{"--lang", "en"}, []string{"Decided on: 2026-01-03; "}},
		{[]string{"--category", "admin-penalty", "-o", "csv"}, []string{"id,category,author,subject,subject_kind,issued_at,until,disputed,digest,", ",severity", ",minor"}},
		{[]string{"--category", "admin-penalty", "--lang", "zh"}, []string{"严重程度", "轻微"}},
		{[]string{"-o", "json"}, []string{`"subject_kind":"enterprise"`, `"severity":"minor"`}},
	} {
		code, out, err := f.run("", append([]string{"record", "public"}, c.args...)...)
		for _, want := range c.want {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%v: exit %d, no %s in %s %s", c.args, code, want, out, err)
			}
		}
	}
	if got := f.to("GET /api/v1/records/public").query["limit"]; got != "500" {
		t.Errorf("%s records a page", got)
	}
}
