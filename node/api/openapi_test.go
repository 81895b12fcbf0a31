package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/wire"

	"github.com/goccy/go-yaml"
)

// bodies is every type that crosses the wire, by its name in the document.
var bodies = map[string]any{
	"Federation": wire.Federation{}, "Member": wire.Member{}, "NodeStatus": wire.NodeStatus{}, "StoreStatus": wire.StoreStatus{}, "Ledger": wire.Ledger{},
	"Statement": wire.Statement{}, "Statements": wire.Statements{}, "Entry": wire.Entry{}, "Entries": wire.Entries{},
	"DecisionRef": wire.DecisionRef{}, "RecordRef": wire.RecordRef{}, "Nominate": wire.Nominate{}, "EndEntry": wire.EndEntry{},
	"Record": wire.Record{}, "Records": wire.Records{}, "NamedSubject": wire.NamedSubject{}, "AddRecord": wire.AddRecord{}, "CorrectRecord": wire.CorrectRecord{},
	"ImportEvent": wire.ImportEvent{}, "ImportReport": wire.ImportReport{}, "ImportPlan": wire.ImportPlan{}, "ImportPart": wire.ImportPart{}, "ImportIssue": wire.ImportIssue{},
	"PublicRecords": wire.PublicRecords{}, "PublicRecord": wire.PublicRecord{},
	"Quality": wire.Quality{}, "QualitySource": wire.QualitySource{}, "QualityMember": wire.QualityMember{}, "QualityShare": wire.QualityShare{}, "QualityField": wire.QualityField{},
	"QualityFinding": wire.QualityFinding{}, "QualityTime": wire.QualityTime{},
	"AskRelease": wire.AskRelease{}, "OpenedRecord": wire.OpenedRecord{}, "Basis": wire.Basis{}, "Release": wire.Release{}, "Approval": wire.Approval{}, "Receipt": wire.Receipt{},
	"Releases": wire.Releases{}, "Judge": wire.Judge{}, "Delivery": wire.Delivery{}, "Opened": wire.Opened{}, "Checkpoint": wire.Checkpoint{},
	"Problem": wire.Problem{}, "AdoptCatalogue": wire.AdoptCatalogue{}, "Waiting": wire.Waiting{}, "WaitingRelease": wire.WaitingRelease{}, "WaitingSubject": wire.WaitingSubject{}, "Endorsement": wire.Endorsement{}, "Done": wire.Done{}, "Backup": wire.Backup{}, "NodeCheck": wire.NodeCheck{}, "KeyWindow": wire.KeyWindow{}, "KeyDue": wire.KeyDue{}, "PeerCheck": wire.PeerCheck{}, "PeerAnswer": wire.PeerAnswer{},
	"Rosters": wire.Rosters{}, "SignedRoster": wire.SignedRoster{}, "Membership": wire.Membership{}, "MembershipNode": wire.MembershipNode{},
	"Recoveries": wire.Recoveries{}, "Recovery": wire.Recovery{}, "SignedPlan": wire.SignedPlan{}, "RecoveryPlan": members.Plan{}, "PlanBase": members.Base{}, "PlanSurvivor": members.Survivor{}, "Unrecorded": wire.Unrecorded{},
	"NewKeys": wire.NewKeys{}, "Introduction": wire.Introduction{},
	"Submitted": wire.Submitted{}, "Result": exchange.Result{}, "Refusal": exchange.Error{},
	"Text": exchange.Text{}, "Arg": exchange.Arg{}, "Decision": catalogue.Decision{}, "MemberList": memberList{}, "Empty": struct{}{},
	"Cosigned": wire.Cosigned{}, "CosignedList": wire.CosignedList{}, "LedgerState": wire.LedgerState{}, "Alarm": wire.Alarm{}, "Alarms": wire.Alarms{},
	"FeedEntry": wire.FeedEntry{}, "AskDocuments": wire.AskDocuments{}, "FeedDocument": wire.FeedDocument{}, "FeedReceipt": wire.FeedReceipt{}, "KeptReceipt": wire.KeptReceipt{},
	"FeedReceipts": wire.FeedReceipts{}, "FeedStatus": wire.FeedStatus{}, "FeedAlarm": wire.FeedAlarm{}, "FeedsStatus": wire.FeedsStatus{}, "EraseRecord": wire.EraseRecord{}, "Erasure": wire.Erasure{},
	"Webhook": wire.Webhook{}, "Webhooks": wire.Webhooks{}, "AddWebhook": wire.AddWebhook{}, "WebhookKey": wire.WebhookKey{}, "ReplayWebhook": wire.ReplayWebhook{},
	"ExportFeed": wire.ExportFeed{}, "FeedImported": wire.FeedImported{}, "FeedAcknowledged": wire.FeedAcknowledged{},
	"Coverage": wire.Coverage{}, "Covered": wire.Covered{}, "AskReport": wire.AskReport{}, "ReportLog": wire.ReportLog{}, "IssuedReport": wire.IssuedReport{},
	"Propose": wire.Propose{}, "MeetingDecision": meeting.Decision{}, "CastVote": wire.CastVote{}, "WithdrawProposal": wire.WithdrawProposal{},
	"Ballot": wire.Ballot{}, "Proposal": wire.Proposal{}, "Proposals": wire.Proposals{},
	"Change": wire.Change{}, "Changes": wire.Changes{},
	"CustodyDeposit": wire.CustodyDeposit{}, "CustodyDeposits": wire.CustodyDeposits{}, "CustodyNamed": wire.CustodyNamed{}, "RetireCustody": wire.RetireCustody{}, "CustodyReceipt": wire.CustodyReceipt{},
	"CustodyReceipts": wire.CustodyReceipts{}, "AskCustodian": wire.AskCustodian{}, "OpenRelease": wire.OpenRelease{}, "CustodyFault": wire.CustodyFault{}, "CustodyDelivery": wire.CustodyDelivery{},
	"CustodyCategory": wire.CustodyCategory{}, "CustodyMember": wire.CustodyMember{}, "CustodyKept": wire.CustodyKept{}, "CustodyStatus": wire.CustodyStatus{}, "CustodyGeneration": wire.CustodyGeneration{},
	"CustodyHand": wire.CustodyHand{}, "RecordCustody": wire.RecordCustody{},
	"Settle": wire.Settle{}, "ComplaintPaper": wire.ComplaintPaper{}, "Complaint": wire.Complaint{}, "Complaints": wire.Complaints{},
}

// requests are the bodies that are read strictly: the document closes them, and
// says by itself which members a sender must give.
var requests = []string{"Nominate", "EndEntry", "AddRecord", "CorrectRecord", "AskRelease", "Basis", "Judge", "AdoptCatalogue", "DecisionRef", "Backup", "SignedRoster", "NewKeys", "Empty", "Settle", "ComplaintPaper", "FeedEntry", "AskDocuments", "FeedReceipt", "EraseRecord", "ExportFeed", "AskReport", "AddWebhook", "ReplayWebhook", "Propose", "MeetingDecision", "CastVote", "WithdrawProposal",
	"CustodyDeposit", "CustodyDeposits", "CustodyNamed", "RetireCustody", "AskCustodian", "OpenRelease"}

// scalars are the schemas that are no Go type of ours.
var scalars = []string{"Name", "Id", "SubjectId", "Value", "Catalogue", "Bundle", "ForkEvidence"}

type object = map[string]any

var parsed = sync.OnceValues(func() (doc object, err error) { return doc, yaml.Unmarshal(specification, &doc) })

func document(t testing.TB) object {
	t.Helper()
	doc, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = fmt.Sprint(x)
	}
	return out
}

// documented is a route's path as OpenAPI writes it: it has no sign for a
// parameter of several segments.
func documented(path string) string { return strings.Replace(path, "...}", "}", 1) }

func audienceWords(a audience) (words []string) {
	for _, w := range []struct {
		bit  audience
		word string
	}{{public, "public"}, {peers, "peers"}, {operator, "operator"}} {
		if a&w.bit != 0 {
			words = append(words, w.word)
		}
	}
	return words
}

func roleWords(roles []config.Role) []string {
	words := []string{}
	for _, r := range roles {
		words = append(words, string(r))
	}
	return words
}

func TestEveryRouteIsDescribedAndEveryDescriptionServed(t *testing.T) {
	described := map[string]object{}
	for path, item := range document(t)["paths"].(object) {
		for method, op := range item.(object) {
			described[strings.ToUpper(method)+" "+path] = op.(object)
		}
	}
	for _, rt := range routes {
		name := rt.method + " " + documented(rt.path)
		op, ok := described[name]
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		delete(described, name)
		if got := texts(op["x-accord-open"]); !slices.Equal(got, audienceWords(rt.open)) {
			t.Errorf("%s is described as open to %v", name, got)
		}
		if got := texts(op["x-accord-roles"]); !slices.Equal(got, roleWords(rt.roles)) {
			t.Errorf("%s is described as for roles %v", name, got)
		}
		if _, body := op["requestBody"]; body != (rt.method == "POST") {
			t.Errorf("%s: request body described: %v", name, body)
		}
		if got, want := pathParameters(t, op), strings.Count(rt.path, "{"); got != want {
			t.Errorf("%s: %d path parameters described, it has %d", name, got, want)
		}
	}
	for name := range described {
		t.Errorf("%s is described and not served", name)
	}
}

func pathParameters(t *testing.T, op object) (n int) {
	list, _ := op["parameters"].([]any)
	for _, p := range list {
		if resolve(t, p.(object))["in"] == "path" {
			n++
		}
	}
	return n
}

// resolve follows a reference inside the document.
func resolve(t testing.TB, node object) object {
	t.Helper()
	ref, ok := node["$ref"].(string)
	if !ok {
		return node
	}
	var at any = document(t)
	for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		next, ok := at.(object)[step]
		if !ok {
			t.Fatalf("%s refers to nothing", ref)
		}
		at = next
	}
	return at.(object)
}

func TestEveryReferenceRefersToSomething(t *testing.T) {
	seen := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok && !seen[ref] {
				seen[ref] = true
				resolve(t, v)
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	doc := document(t)
	walk(doc)
	for kind, items := range doc["components"].(object) {
		for name := range items.(object) {
			if kind != "securitySchemes" && !seen["#/components/"+kind+"/"+name] {
				t.Errorf("components/%s/%s is used nowhere", kind, name)
			}
		}
	}
}

// membersOf lists the JSON members of a struct and those that are always there.
func membersOf(t reflect.Type) (all, always []string) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" || !t.Field(i).IsExported() {
			continue
		}
		all = append(all, name)
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
	}
	sort.Strings(all)
	sort.Strings(always)
	return all, always
}

func TestSchemasHaveTheMembersOfTheTypes(t *testing.T) {
	schemas := document(t)["components"].(object)["schemas"].(object)
	for name, v := range bodies {
		schema, ok := schemas[name].(object)
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		var described []string
		properties, _ := schema["properties"].(object)
		for p := range properties {
			described = append(described, p)
		}
		sort.Strings(described)
		all, always := membersOf(reflect.TypeOf(v))
		if !slices.Equal(described, all) {
			t.Errorf("%s has %v, described are %v", name, all, described)
		}
		required := texts(schema["required"])
		sort.Strings(required)
		if slices.Contains(requests, name) {
			if schema["additionalProperties"] != false {
				t.Errorf("%s is read strictly and not described so", name)
			}
		} else if !slices.Equal(required, always) {
			t.Errorf("%s always has %v, described as required are %v", name, always, required)
		}
	}
	for name := range schemas {
		if bodies[name] == nil && !slices.Contains(scalars, name) {
			t.Errorf("schema %s is of no type", name)
		}
	}
}

func TestExamplesAreWhatTheyExemplify(t *testing.T) {
	found := 0
	for name, schema := range document(t)["components"].(object)["schemas"].(object) {
		list, _ := schema.(object)["examples"].([]any)
		for _, example := range list {
			found++
			text, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			v := reflect.New(reflect.TypeOf(bodies[name])).Interface()
			if err := strictjson.Unmarshal(text, v); err != nil {
				t.Errorf("the example of %s is none: %v", name, err)
			}
		}
	}
	if found < 6 {
		t.Errorf("%d examples found", found)
	}
}
