package node_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/nodetest"
	"accord/node/wire"
)

// TestFeedsOfAFederation: what one node takes in the others hold, anchored on the
// ledger, by themselves; what it erases they erase and sign for. They do so over
// restarts of both sides.
//
// Shows: I7
func TestFeedsOfAFederation(t *testing.T) {
	c := nodetest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	raw, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	author := c.Client("association")
	report, err := author.Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "auto"}, bytes.NewReader(raw), nil)
	if err != nil || report.New == 0 {
		t.Fatalf("%+v %v", report, err)
	}
	at := follows(ctx, t, c, "court", func(f wire.FeedStatus) bool {
		return f.Size == int64(report.New) && f.Anchor == f.Size && f.Missing == 0
	})
	if at.Alarms > 0 {
		t.Errorf("%+v", at)
	}
	c.Stop("court")
	page, err := author.Records(ctx, client.RecordQuery{Limit: 1})
	if err != nil || len(page.Records) != 1 {
		t.Fatal(err)
	}
	e, err := author.EraseRecord(ctx, page.Records[0].ID, wire.EraseRecord{Ground: "order", Reference: "例"})
	if err != nil {
		t.Fatal(err)
	}
	c.Start("court")
	c.Ready()
	for {
		got, err := author.FeedReceipts(ctx, e.ID)
		if err == nil && len(got.Receipts) == 3 && len(got.Awaited) == 0 {
			break
		}
		rest(ctx, t, c)
	}
	follows(ctx, t, c, "court", func(f wire.FeedStatus) bool { return f.Size == int64(report.New)+1 && f.Erased == 1 })
}

// follows waits until the association's feed stands at a member as it should.
func follows(ctx context.Context, t *testing.T, c *nodetest.Cluster, at string, well func(wire.FeedStatus) bool) wire.FeedStatus {
	t.Helper()
	for {
		st, err := c.Client(at).Feeds(ctx)
		for _, f := range st.Feeds {
			if err == nil && f.Author == exchange.MemberID("association") && well(f) {
				return f
			}
		}
		rest(ctx, t, c)
	}
}

func rest(ctx context.Context, t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	select {
	case <-ctx.Done():
		st, _ := c.Client("court").Feeds(context.Background())
		t.Fatalf("it takes too long: %+v\n%s", st, c.Log.String())
	case <-time.After(200 * time.Millisecond):
	}
}
