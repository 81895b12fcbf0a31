package main

import (
	"encoding/json"
	"strings"
	"testing"

	"accord/exchange"
	"accord/node/wire"
)

func aSubjectLog() wire.SubjectLog {
	return wire.SubjectLog{Subject: "org:91639900MA0000001C", Position: 9,
		Records: []wire.SubjectReceipt{{Record: recordID, Category: "discipline-practitioner", Author: "association", Count: 2}},
		Accesses: []wire.SubjectAccess{
			{Record: recordID, Number: 1, Seq: 4, At: when, Event: "requested", Release: "release-0000000001", By: "court", ByKind: exchange.KindCourt,
				Operator: "person", Purpose: "enforcement", BasisKind: "case", BasisRef: "1号", Fields: []string{"resident_id"}, Outcome: "refused", Clause: "purpose"},
			{Record: recordID, Number: 2, Seq: 6, At: when, Event: "opened", Release: "release-0000000002", By: "court", Operator: "person", Outcome: "opened"}},
		Looks: []wire.SubjectLook{{Line: 7, At: when, Act: "credit.check", Caller: "operator", Result: "allowed"},
			{Line: 9, At: when, Act: "audit.resumed", Caller: "node", Missing: 3, Result: "allowed"}}}
}

// TestASubjectAtTheCounter: what the counter types, in every language and form, and
// what reaches the node.
func TestASubjectAtTheCounter(t *testing.T) {
	const log, held, number = "POST /api/v1/subject/log", "POST /api/v1/subject/records", "639913196802123517"
	f := newFakeNode(t).on(log, aSubjectLog()).on(held, wire.SubjectRecords{Subject: "person:x", Records: []wire.SubjectRecord{{
		Record: wire.Record{ID: recordID, Category: "discipline-practitioner", Author: "association", Status: "active", PrivateFields: []string{"name", "resident_id"}},
		Opened: map[string]json.RawMessage{"resident_id": json.RawMessage(`"` + number + `"`)}}}})
	for _, c := range []struct{ format, lang, want string }{
		{"table", "zh", "不予准予"}, {"table", "zh", "信用核查"}, {"table", "zh", "此前缺行"}, {"table", "zh", "本单位经办人"}, {"table", "en", "this node"}, {"table", "en", "Accesses on the ledger"}, {"csv", "en", "\r\n2,6,"}, {"json", "en", `"count":2`},
	} {
		code, out, err := f.run("", "subject", "log", "91639900MA0000001C", "--proof", "licence:A-1", "-o", c.format, "--lang", c.lang)
		if c.format == "json" {
			out = strings.ReplaceAll(strings.ReplaceAll(out, " ", ""), "\n", "")
		}
		if code != 0 || !strings.Contains(out, c.want) && !strings.Contains(strings.ReplaceAll(out, "\n", "\r\n"), c.want) {
			t.Errorf("%+v: exit %d %s %s", c, code, out, err)
		}
	}
	var in wire.AskSubject
	if json.Unmarshal(f.to(log).body, &in) != nil || in.Subject != "91639900MA0000001C" || in.Proof != (wire.SubjectProof{Kind: "licence", Ref: "A-1"}) {
		t.Errorf("%+v", in)
	}
	for _, format := range []string{"table", "json", "csv"} {
		code, out, err := f.run("", "subject", "records", "--person-file", f.file("person", number+"\n"), "--proof", "id-card:-", "-o", format)
		if code != 0 || strings.Contains(err, number) || !strings.Contains(out, "name") {
			t.Errorf("%s: exit %d %s %s", format, code, out, err)
		}
	}
	if json.Unmarshal(f.to(held).body, &in) != nil || in.PersonID != number || in.Proof.Ref != number {
		t.Error("the number did not reach the node")
	}
	if code, _, err := f.run("", "subject", "log", "91639900MA0000001C"); code != 1 || !strings.Contains(err, "--proof") {
		t.Errorf("without a proof: exit %d %s", code, err)
	}
}

// TestComplaintsAndApplications: what the counter and the officer type, and what of it
// reaches the node.
func TestComplaintsAndApplications(t *testing.T) {
	const id = "petition-0000000001"
	open := wire.Petition{ID: id, Kind: "complaint", Status: "overdue", By: "association", Answers: "court", At: when, Due: when, Text: "为何查阅", Release: "release-0000000001"}
	refused := wire.Petition{ID: id, Kind: "application", Status: "refused", Ground: "third-party", By: "association", Answers: "association", At: when, Due: when, Fields: []string{"resident_id"}}
	f := newFakeNode(t).on("POST /api/v1/subject/complaints", open).on("POST /api/v1/subject/applications", refused).
		on("POST /api/v1/subject/objections", wire.Petition{ID: id, Kind: "objection", Status: "open", Disputed: true, Entry: "entry-000000000001", By: "association", Answers: "court", At: when, Due: when, Text: "为何查阅"}).
		on("GET /api/v1/subject/petitions", wire.Petitions{Petitions: []wire.Petition{open, refused}}).on("GET /api/v1/subject/petitions/"+id, open).
		on("POST /api/v1/subject/petitions/"+id+"/answer", open).on("POST /api/v1/subject/petitions/"+id+"/refuse", refused)
	person := []string{"91639900MA0000001C", "--proof", "licence:A-1"}
	for _, c := range []struct {
		args []string
		to   string
		body string // what reaches the node
		zh   string // what is shown
	}{
		{append([]string{"subject", "complain", "--release", "release-0000000001", "--text-file", "-"}, person...), "POST /api/v1/subject/complaints", `"text":"为何查阅"`, "逾期"},
		{append([]string{"subject", "apply", "--record", recordID, "--field", "resident_id"}, person...), "POST /api/v1/subject/applications", `"fields":["resident_id"]`, "不予提供"},
		{append([]string{"subject", "object", "--entry", "entry-000000000001", "--text-file", "-"}, person...), "POST /api/v1/subject/objections", `"entry":"entry-000000000001"`, "异议未办结"},
		{append([]string{"subject", "object", "--record", recordID, "--text", "有误"}, person...), "POST /api/v1/subject/objections", `"record":"` + recordID, "异议未办结"},
		{[]string{"subject", "objections"}, "GET /api/v1/subject/petitions", "", "逾期"},
		{[]string{"subject", "complaints"}, "GET /api/v1/subject/petitions", "", "逾期"},
		{[]string{"subject", "complaints", id}, "GET /api/v1/subject/petitions/" + id, "", "为何查阅"},
		{[]string{"subject", "applications", "--status", "refused"}, "GET /api/v1/subject/petitions", "", "涉及第三方"},
		{[]string{"subject", "answer", id, "--outcome", "upheld", "--text", "已处理"}, "POST /api/v1/subject/petitions/" + id + "/answer", `"outcome":"upheld"`, "逾期"},
		{[]string{"subject", "refuse", id, "--ground", "third-party", "--text", "理由"}, "POST /api/v1/subject/petitions/" + id + "/refuse", `"ground":"third-party"`, "不予提供"},
	} {
		for _, format := range []string{"table", "json", "csv"} {
			code, out, err := f.run("为何查阅\n", append(c.args, "--lang", "zh", "-o", format)...)
			if code != 0 || !strings.Contains(string(f.to(c.to).body), c.body) || format == "table" && !strings.Contains(out, c.zh) {
				t.Errorf("%v %s: exit %d %s %s", c.args, format, code, out, err)
			}
		}
	}
	for _, args := range [][]string{{"subject", "answer", id, "--outcome", "perhaps", "--text", "x"}, {"subject", "refuse", id, "--ground", "third-party"}, {"subject", "complain", "--text", "x"},
		append([]string{"subject", "object", "--text", "x"}, person...), append([]string{"subject", "object", "--entry", "a", "--record", "b", "--text", "x"}, person...)} {
		if code, _, _ := f.run("", args...); code != 1 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
