package main

import (
	"strings"
	"testing"

	"accord/node/wire"
)

// TestWhatWaitsForAnOfficer in every language and form.
func TestWhatWaitsForAnOfficer(t *testing.T) {
	f := newFakeNode(t).on("GET /api/v1/releases/waiting", wire.Waiting{Waiting: []wire.WaitingRelease{{ID: "release-0000000001", Recipient: "court",
		Category: "discipline-practitioner", Fields: []string{"resident_id"}, Purpose: "enforcement", Records: 2, Until: when,
		Subjects: []wire.WaitingSubject{{Subject: "org:91639900MA0000001C", Kind: "organisation", Names: []string{"青海某公司"}}, {Subject: "person:x", Kind: "practitioner"}}}}})
	for _, c := range []struct{ format, lang, want string }{
		{"table", "zh", "青海某公司"}, {"table", "en", "court"}, {"csv", "en", "release-0000000001,court,resident_id,enforcement,"}, {"json", "en", `"records":2`},
	} {
		code, out, err := f.run("", "release", "waiting", "--limit", "7", "-o", c.format, "--lang", c.lang)
		if c.format == "json" {
			out = strings.ReplaceAll(out, " ", "")
		}
		if code != 0 || !strings.Contains(out, c.want) {
			t.Errorf("%+v: exit %d %s %s", c, code, out, err)
		}
	}
	if asked := f.to("GET /api/v1/releases/waiting"); asked.query["limit"] != "7" {
		t.Errorf("%+v", asked)
	}
}
