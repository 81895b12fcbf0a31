package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/wire"
)

// Three of five open, none of whom is the author.
const (
	custodianCount     = 5
	custodianThreshold = 3
)

// inCustody is the demo catalogue with the bench's category in custody, and the members
// under it: an author and five custodians, the requester among them.
func inCustody() (members []demo.PlanNode, document []byte, err error) {
	raw, _ := catalogue.Demo()
	doc, err := catalogue.ParseV1(raw)
	if err != nil {
		return nil, nil, err
	}
	members = append(demo.Agencies(), demo.PlanNode{Member: "chapter", Kind: exchange.KindAssociation, Name: exchange.Text{Zh: "例市分会", En: "Example Chapter"}},
		demo.PlanNode{Member: "bureau", Kind: exchange.KindRegulator, Name: exchange.Text{Zh: "例市监管分局", En: "Example Bureau"}})
	hold := &catalogue.Custody{K: custodianThreshold}
	for i, m := range members {
		if i != releaseAuthor {
			hold.By = append(hold.By, exchange.MemberID(m.Member))
		}
	}
	doc.Format = catalogue.Format2
	at := slices.IndexFunc(doc.Categories, func(c catalogue.Category) bool { return c.ID == "complaint" })
	doc.Categories[at].Custody = hold
	document, err = strictjson.Marshal(doc)
	return members, document, err
}

// custodians measures how long one field takes to open by three of five custodians,
// beside the author's route for records of the same federation.
func (r *releaseRun) custodians(ctx context.Context) error {
	members, document, err := inCustody()
	if err != nil {
		return err
	}
	dir := filepath.Join(r.home, "custody")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	f, err := foundUnder(ctx, dir, members, document)
	if err != nil {
		return err
	}
	defer func(before *federation) { stopAll(f.nodes); r.fed = before }(r.fed)
	r.fed = f
	err = f.start(ctx, r.node())
	var ids []exchange.RecordID
	if err == nil {
		ids, err = r.openable(ctx, custodyRecords)
	}
	if err == nil {
		err = r.dealt(ctx)
	}
	if err != nil {
		return err
	}
	c, next := f.clients[releaseRequester], 0
	route := func(open func(context.Context, exchange.ReleaseID) (wire.Opened, error)) func() (sample, error) {
		return func() (sample, error) { return r.openings(ctx, c, ids, &next, open) }
	}
	theirs, author, err := duel(ctx, r.Rounds, route(c.OpenByCustodians), route(c.Open))
	if err != nil {
		return err
	}
	p50 := func(s sample) float64 { return s.p50 }
	r.add(withNote(hold("custodians/p50", "ms", figures(theirs, p50), "the author's route of the same run", figures(author, p50), goal{times: 3, below: true}),
		"一个信息项，任意 %d 个托管方（共 %d 个），逐个打开，请求不计时", "one field, any %d of %d custodians, one after the other; asking for it is not timed", custodianThreshold, custodianCount))
	return nil
}

// custodyRecords is how many records are in custody.
const custodyRecords = 100

// dealt waits until every custodian keeps its part of every record.
func (r *releaseRun) dealt(ctx context.Context) error {
	return until(ctx, r.fed.nodes[releaseAuthor], 200*time.Millisecond, func() bool {
		st, err := r.fed.clients[releaseAuthor].Custody(ctx)
		return err == nil && slices.ContainsFunc(st.Categories, func(c wire.CustodyCategory) bool { return c.Records == custodyRecords && c.Complete == custodyRecords })
	})
}

// openings asks for one field after the other and times how long each takes to open.
func (r *releaseRun) openings(ctx context.Context, c *client.Client, ids []exchange.RecordID, next *int,
	open func(context.Context, exchange.ReleaseID) (wire.Opened, error)) (sample, error) {
	var took []time.Duration
	for end := time.Now().Add(r.Duration); len(took) == 0 || time.Now().Before(end); {
		id := ids[*next%len(ids)]
		*next++
		asked, err := c.AskRelease(ctx, askFor(id, r.fed.member(releaseAuthor), "complainant"))
		if err != nil {
			return sample{}, err
		}
		begun := time.Now()
		opened, err := open(ctx, asked.ID)
		if err != nil {
			return sample{}, err
		}
		if !opened.Verified || len(opened.Fields) != 1 {
			return sample{}, ErrServer.With("name", "accord", "why", "is not ready", "log", r.fed.dir)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return sample{p50: float64(took[len(took)/2]) / 1e6}, nil
}
