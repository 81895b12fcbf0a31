package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/wire"
)

// releaseMeasurements are the names for Options.Only of RunReleases, in the order
// they are run.
var releaseMeasurements = []struct {
	name string
	run  func(*releaseRun, context.Context) error
}{
	{"decide", (*releaseRun).decide},
	{"simulate", (*releaseRun).simulate},
	{"release", (*releaseRun).release},
	{"custodians", (*releaseRun).custodians},
	{"oprf", (*releaseRun).oprf},
}

// ReleaseNames lists the measurements of releases.
func ReleaseNames() []string {
	var out []string
	for _, m := range releaseMeasurements {
		out = append(out, m.name)
	}
	return out
}

// releaseRun is one run of the bench of releases.
type releaseRun struct {
	*run
	numbers int // of persons, made up so far
}

// RunReleases measures how sealed fields are opened, like [Run]. Of the options
// Entries is how many records can be asked for, and Failovers means nothing.
func RunReleases(ctx context.Context, o Options) (Report, error) {
	if len(o.Clients) == 0 {
		o.Clients = []int{1, 64}
	}
	if o.Entries == 0 {
		o.Entries = 2000
	}
	o.defaults()
	home, err := place(o.Dir, o.Only, ReleaseNames())
	if err != nil {
		return Report{}, err
	}
	r := &releaseRun{run: &run{Options: o, home: home}}
	defer r.close()
	report := Report{Machine: machineOf(home)}
	report.Machine.Rival = "–"
	err = each(ctx, ReleaseNames(), o.Only, r.add, func(i int) error { return releaseMeasurements[i].run(r, ctx) })
	report.Results = r.results
	return report, err
}

// asked is how many different requests decide goes through.
const asked = 1 << 14

// decide measures decisions with their explanation on one core, over requests drawn
// from all that the default catalogue knows: most are refused, which costs more.
func (r *releaseRun) decide(context.Context) error {
	_, doc := catalogue.Default()
	cat := catalogue.New(doc)
	requests := drawRequests(doc, asked)
	var ours []float64
	refused := 0
	for round := range r.Rounds {
		runtime.LockOSThread()
		n, begun := 0, time.Now()
		for ; time.Since(begun) < r.Duration/4; n += len(requests) {
			for i := range requests {
				if d := cat.Decide(requests[i]); round == 0 && n == 0 && d.Outcome == catalogue.Refused {
					refused++
				}
			}
		}
		ours = append(ours, float64(n)/time.Since(begun).Seconds())
		runtime.UnlockOSThread()
	}
	r.add(withNote(hold("decide", "decisions/s", ours, "", nil, goal{}), "默认目录，一个核，含理由；%d 个请求中 %d%% 被拒；与 cedar-go 的比较见 exchange/catalogue/cedartest",
		"default catalogue, one core, with the explanation; of %d requests %d%% are refused; beside cedar-go: exchange/catalogue/cedartest", len(requests), refused*100/len(requests)))
	return nil
}

// replayed is how many past requests simulate goes through in a round.
const replayed = 1_000_000

// simulate measures how fast past requests are decided again under a draft, with what
// flips for whom, beside deciding the same requests once each.
func (r *releaseRun) simulate(context.Context) error {
	raw, doc := catalogue.Default()
	cat, requests := catalogue.New(doc), drawRequests(doc, asked)
	past, members := make([]catalogue.Past, len(requests)), make([]string, len(requests))
	for i, q := range requests {
		members[i] = string(q.Requester)
		past[i] = catalogue.Past{Request: q, Was: cat.Decide(q), By: members[i], Day: int64(i % 30)}
	}
	edited, err := catalogue.ParseV1(raw)
	if err != nil {
		return err
	}
	edited.Rules = edited.Rules[1:] // who was let in by the first rule no longer is
	draft := catalogue.New(edited)
	total := replayed
	if r.Quick {
		total = len(requests)
	}
	var ours, alone []float64
	flips := 0
	for range r.Rounds {
		runtime.LockOSThread()
		n, begun := 0, time.Now()
		for flips = 0; n < total; n += len(past) {
			for _, t := range catalogue.TallyOf(members, past, draft.Replay(past)) {
				flips += t.Flipped()
			}
		}
		ours = append(ours, float64(n)/time.Since(begun).Seconds())
		n, begun = 0, time.Now()
		for ; n < total; n += len(requests) {
			for i := range requests {
				draft.Decide(requests[i])
			}
		}
		alone = append(alone, float64(n)/time.Since(begun).Seconds())
		runtime.UnlockOSThread()
	}
	r.add(withNote(hold("simulate", "requests/s", ours, "decide", alone, goal{times: 0.5}), "默认目录去掉一条规则的草案，一个核，%d 个请求，其中 %d 个结果改变",
		"the default catalogue without one rule as the draft, one core; of %d requests %d are decided otherwise", total, flips))
	return nil
}

// drawRequests draws requests that make sense by themselves; one in two is made from
// a rule, and may still fail it.
func drawRequests(doc *catalogue.Document, n int) []catalogue.Request {
	draw := rand.New(rand.NewPCG(1, 2)) // the same in every run
	kinds := []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindAssociation, exchange.KindCourt, exchange.KindInsurer}
	bases := []string{catalogue.BasisCase, catalogue.BasisDecision, catalogue.BasisConsent, catalogue.BasisStatute}
	out := make([]catalogue.Request, n)
	for i := range out {
		rule := doc.Rules[draw.IntN(len(doc.Rules))]
		q := catalogue.Request{Requester: rule.Requesters[draw.IntN(len(rule.Requesters))], Category: rule.Categories[draw.IntN(len(rule.Categories))],
			Purpose: rule.Purposes[draw.IntN(len(rule.Purposes))], BasisKind: rule.Basis, BasisRef: "例（2026）民初1号"}
		if i%2 == 1 {
			q.Requester, q.BasisKind = kinds[draw.IntN(len(kinds))], bases[draw.IntN(len(bases))]
			q.Purpose = doc.Purposes[draw.IntN(len(doc.Purposes))].ID
		}
		for j := range doc.Categories {
			if c := &doc.Categories[j]; c.ID == q.Category {
				q.Fields = sealedFields(draw, c)
			}
		}
		out[i] = q
	}
	return out
}

// sealedFields are one to three that no record of the category shows.
func sealedFields(draw *rand.Rand, c *catalogue.Category) (out []string) {
	for _, at := range draw.Perm(len(c.Fields)) {
		f := &c.Fields[at]
		if f.Class.Private() && f.Class != catalogue.Secret && len(out) < 1+draw.IntN(3) {
			out = append(out, f.ID)
		}
	}
	if len(out) == 0 {
		out = append(out, c.Fields[0].ID)
	}
	return out
}

// The members of the release bench: who wrote the records, and who asks.
const (
	releaseAuthor    = 2 // the association
	releaseRequester = 0 // the regulator
)

// release measures whole releases from another member's node: asked for, decided by
// the ledger, delivered, opened and verified, with the receipts of both sides; and in
// the same rounds single statements of the same number of clients.
func (r *releaseRun) release(ctx context.Context) error {
	f, err := r.run.found(ctx, "r", r.node())
	if err != nil {
		return err
	}
	r.fed = f
	ids, err := r.openable(ctx, r.Entries)
	if err != nil {
		return err
	}
	for _, clients := range r.Clients {
		rate := 500.0
		ours, single, err := duel(ctx, r.Rounds, func() (sample, error) { return r.opens(ids, clients) },
			func() (sample, error) { return r.ours(ctx, f, 0, clients, 1, &rate) })
		if err != nil {
			return err
		}
		name := fmt.Sprintf("release/%d", clients)
		r.add(withNote(hold(name, "releases/s", figures(ours, sample.perSecond), "commit-single of the same run", figures(single, sample.perSecond), goal{times: 0.4}),
			"申请、裁决、交付、打开并验证、双方回执：三条账本指令", "request, decision, delivery, opened and verified, both receipts: three statements"))
		r.add(hold(name+"/p50", "ms", figures(ours, func(s sample) float64 { return s.p50 }), "commit-single of the same run",
			figures(single, func(s sample) float64 { return s.p50 }), goal{}))
	}
	return nil
}

// openable imports records at their author and waits until the requester holds them.
func (r *releaseRun) openable(ctx context.Context, n int) ([]exchange.RecordID, error) {
	path := filepath.Join(r.fed.dir, "rows.csv")
	if err := writeCSV(path, 0, n); err != nil {
		return nil, err
	}
	rows, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if _, err := r.fed.clients[releaseAuthor].Import(ctx, client.ImportQuery{File: "rows.csv", Mapping: mappingFor("csv")}, rows, nil); err != nil {
		return nil, err
	}
	var ids []exchange.RecordID
	err = until(ctx, r.fed.nodes[releaseRequester], 200*time.Millisecond, func() bool {
		ids = nil
		for q := (client.RecordQuery{Limit: 100, Author: string(r.fed.member(releaseAuthor))}); ; {
			page, err := r.fed.clients[releaseRequester].Records(ctx, q)
			if err != nil {
				return false
			}
			for i := range page.Records {
				ids = append(ids, page.Records[i].ID)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return len(ids) == n
			}
		}
	})
	return ids, err
}

// opens is one round of releases.
func (r *releaseRun) opens(ids []exchange.RecordID, clients int) (sample, error) {
	var next atomic.Int64
	var workers []worker
	for range clients {
		workers = append(workers, &opener{client: client.Local(config.SocketPath(r.fed.dataDir(releaseRequester)), demo.Operator, exchange.En),
			author: r.fed.member(releaseAuthor), ids: ids, next: &next})
	}
	r.profile(r.fed)
	defer r.profile(r.fed)
	return drive(workers, r.warm(), r.Duration, r.fed.nodes)
}

// askFor is a request that the rules grant at once.
func askFor(id exchange.RecordID, author exchange.MemberID, fields ...string) wire.AskRelease {
	return wire.AskRelease{Record: id, Author: author, Fields: fields, Purpose: "supervision",
		Basis: wire.Basis{Kind: catalogue.BasisStatute, Ref: "《保险法》第一百五十四条"}}
}

// opener asks for two sealed fields of one record after the other and opens them.
type opener struct {
	client *client.Client
	author exchange.MemberID
	ids    []exchange.RecordID
	next   *atomic.Int64
}

func (o *opener) do() error {
	ctx := context.Background()
	id := o.ids[int(o.next.Add(1))%len(o.ids)]
	asked, err := o.client.AskRelease(ctx, askFor(id, o.author, "complainant", "complainant_phone"))
	if err != nil {
		return err
	}
	opened, err := o.client.Open(ctx, asked.ID)
	if err == nil && (!opened.Verified || len(opened.Fields) != 2) {
		err = fmt.Errorf("bench: release %s opened %d fields, verified %t", asked.ID, len(opened.Fields), opened.Verified)
	}
	return err
}

func (o *opener) close() {} // its connections end with the node they lead to
