package api

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"accord/exchange/intake"
	"accord/exchange/question"
	"accord/exchange/records"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// pairs reads a query as it stands in a link.
func pairs(t *testing.T, text string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestAMirrorAnswers: one question finds own and mirrored records, with public
// fields and no others, page by page by the links it gives; names come with the
// reason; nobody but this node's own people asks.
func TestAMirrorAnswers(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	if err := w.servers["court"].Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	reader, author := w.client("court", config.Auditor), w.client("association", config.Auditor)
	mine, err := author.Records(ctx, client.RecordQuery{Limit: 500})
	if err != nil || len(mine.Records) < 3 {
		t.Fatal(err)
	}
	var seen []string
	path := "/api/v1/records?author=association&limit=2"
	for path != "" {
		p, query, _ := strings.Cut(path, "?")
		if p != "/api/v1/records" {
			t.Fatal(path)
		}
		page, err := reader.Find(ctx, pairs(t, query), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			seen = append(seen, string(r.ID))
			for _, canary := range intake.SampleCanaries() {
				if strings.Contains(string(r.PublicFields), canary) {
					t.Errorf("%s shows a private value", r.Category)
				}
			}
			if !r.Verified || r.KnownAt == nil || r.Operator != "" || r.Source != "" || r.Document != "" {
				t.Errorf("%+v", r)
			}
		}
		path = page.Link
	}
	var want []string
	for _, r := range mine.Records {
		want = append(want, string(r.ID))
	}
	if !slices.Equal(seen, want) {
		t.Errorf("by its links %v, the author has %v", seen, want)
	}
	named(ctx, t, reader)
	for text, wantCode := range map[string]string{
		"colour=red":              question.ErrKey.Code,
		"status=lost":             question.ErrValue.Code,
		"limit=1&limit=2":         ErrQuery.Code,
		"limit=0":                 ErrQuery.Code,
		"cursor=abc":              records.ErrCursor.Code,
		"name=11010519491231002X": question.ErrValue.Code,
	} {
		if _, err := reader.Find(ctx, pairs(t, text), "", 0); code(err) != wantCode {
			t.Errorf("%s: %v, want %s", text, err, wantCode)
		}
	}
}

// named asks by name and by number.
func named(ctx context.Context, t *testing.T, reader *client.Client) {
	t.Helper()
	all, err := reader.Records(ctx, client.RecordQuery{Category: "discipline-organisation", Limit: 500})
	if err != nil || len(all.Records) == 0 {
		t.Fatal(err)
	}
	var name, number string
	for _, f := range []struct {
		id   string
		into *string
	}{{"name", &name}, {"document_number", &number}} {
		*f.into = publicText(t, all.Records[0], f.id)
	}
	for _, c := range []struct{ text, level, reason string }{
		{name, "exact", "identical"}, {" " + strings.ReplaceAll(name, "公司", "公 司"), "exact", "writing"}, {string([]rune(name)[2:8]), "near", "part"},
	} {
		page, err := reader.Find(ctx, url.Values{"name": {strings.TrimSpace(c.text)}}, "", 50)
		if err != nil || len(page.Names) == 0 {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		n := page.Names[0]
		if n.Level != c.level || n.Reason != c.reason || n.Why.Zh == "" || n.Why.En == "" || n.Name != name {
			t.Errorf("%s: %+v", c.text, n)
		}
		if page.Question != (url.Values{"name": {strings.TrimSpace(c.text)}}).Encode() {
			t.Errorf("the question is spelled %s", page.Question)
		}
	}
	page, err := reader.Find(ctx, url.Values{"number": {strings.NewReplacer("〔", "(", "〕", ")").Replace(number)}}, "", 50)
	if err != nil || len(page.Records) == 0 || publicText(t, page.Records[0], "document_number") != number {
		t.Errorf("%s: %+v %v", number, page, err)
	}
}

func publicText(t *testing.T, r wire.Record, field string) string {
	t.Helper()
	s := member(t, r.PublicFields, field)
	if s == "" {
		t.Fatalf("%s has no public %s: %s", r.Category, field, r.PublicFields)
	}
	return s
}

// member is a text member of a JSON object.
func member(t *testing.T, object []byte, name string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(object, &all); err != nil {
		t.Fatal(err)
	}
	s, _ := all[name].(string)
	return s
}
