package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"accord/exchange"
	"accord/node/client"
)

// What a node of credit-check holds beside the records of one import. Each entry has
// a statement of its own, as clerks make them: an answer shows those whole.
const (
	checkedEntries  = 200
	checkedSubjects = 500
)

// creditCheck measures signed answers about subjects with records, their proofs of
// absence included, against what the same server answers where nothing is looked up,
// proven or signed.
func (r *recordRun) creditCheck(ctx context.Context) error {
	return r.onEach(ctx, "credit-check", r.checkOn)
}

func (r *recordRun) checkOn(ctx context.Context, store string) error {
	a, err := r.author(ctx, "c"+store[:1], store)
	if err != nil {
		return err
	}
	defer a.close()
	if _, err := a.importRows(ctx, "csv", r.Rows); err != nil {
		return err
	}
	if err := a.list(checkedEntries); err != nil {
		return err
	}
	subjects, err := a.subjects(ctx)
	if err != nil {
		return err
	}
	size, err := a.checkable(ctx, subjects[0])
	if err != nil {
		return err
	}
	query := func(form string) func() string {
		return func() string {
			return "/api/v1/check?form=" + form + "&subject=" + url.QueryEscape(subjects[rand.IntN(len(subjects))])
		}
	}
	var ours, files, bare []sample
	for range r.Rounds {
		for _, one := range []struct {
			to  *[]sample
			ask func() string
		}{{&ours, query("jws")}, {&files, query("file")}, {&bare, func() string { return "/api/v1/ledger" }}} {
			s, err := a.gets(one.ask)
			if err != nil {
				return err
			}
			*one.to = append(*one.to, s)
		}
	}
	name := "credit-check/" + store
	const rival = "the same server's bare JSON endpoint"
	r.add(withNote(hold(name+"/rate", "answers/s", figures(ours, sample.perSecond), rival, figures(bare, sample.perSecond), goal{times: 0.3}),
		"%d 个客户端；签名答复（JWS）", "%d clients; the signed answer as a JWS", readClients))
	r.add(hold(name+"/p99", "ms", figures(ours, sample.slowest), rival, figures(bare, sample.slowest), goal{}))
	r.add(withNote(hold(name+"/proven", "answers/s", figures(files, sample.perSecond), rival, figures(bare, sample.perSecond), goal{}),
		"文件 %d 字节，含名单不在列的证明，发出前已验证", "a file of %d bytes, proofs of absence included, verified before it leaves", size))
	return nil
}

// list puts so many entries on the node's ledger.
func (a *author) list(entries int) error {
	signed, err := a.fed.signer.many(entries, 1)
	if err != nil {
		return err
	}
	work := make(chan statement, len(signed))
	for _, st := range signed {
		work <- st
	}
	close(work)
	s, err := newStream(a.fed.socket(0), work)
	if err != nil {
		return err
	}
	defer s.close()
	for err == nil {
		err = s.do()
	}
	if err == errDry {
		return nil
	}
	return err
}

// subjects are some of those that records are about.
func (a *author) subjects(ctx context.Context) (out []string, err error) {
	seen := map[exchange.SubjectID]bool{}
	for q := (client.RecordQuery{Limit: 100}); len(out) < checkedSubjects; {
		page, err := a.fed.clients[0].Records(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, one := range page.Records {
			if !seen[one.Subject] {
				seen[one.Subject] = true
				out = append(out, string(one.Subject))
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("bench: no record has a subject")
	}
	return out, nil
}

// checkable waits until a cosigned checkpoint covers what there is, so that the node
// answers, and gives an answer's size in bytes.
func (a *author) checkable(ctx context.Context, subject string) (size int, err error) {
	answer := func() bool {
		var file []byte
		file, err = a.fed.clients[0].CreditCheck(ctx, subject)
		size = len(file)
		return err == nil
	}
	if werr := until(ctx, a.fed.nodes[0], 100*time.Millisecond, answer); werr != nil {
		return 0, fmt.Errorf("%w: %w", werr, err)
	}
	return size, nil
}

// gets asks for one path after the other.
func (a *author) gets(path func() string) (sample, error) {
	var workers []worker
	defer func() { closeAll(workers) }()
	for range readClients {
		w, err := newReader(a.fed.socket(0), path)
		if err != nil {
			return sample{}, err
		}
		workers = append(workers, w)
	}
	profile(a.r.Profile, a.fed)
	defer profile(a.r.Profile, a.fed)
	return drive(workers, a.r.Duration/5, a.r.Duration, a.fed.nodes)
}
