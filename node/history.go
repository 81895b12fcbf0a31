package node

import (
	"context"
	"path/filepath"

	"accord/node/config"
	"accord/node/witness"
)

// historyBatch is how many statements are replayed between two looks at the
// context.
const historyBatch = 512

// VerifyHistory re-checks the whole ledger in the data folder of a node that
// does not run: genesis, every statement in snapshot and log, every document in
// them, the tree, all rows, and the cosigned checkpoints the node kept. progress
// is told how many of how many statements are done.
func VerifyHistory(ctx context.Context, cfg config.Config, o Options, progress func(done, total int64)) (witness.HistoryReport, error) {
	s, err := OpenStopped(cfg, o)
	if err != nil {
		return witness.HistoryReport{}, err
	}
	defer s.Close()
	h, err := witness.NewHistory(s.n.genesis)
	if err != nil {
		return witness.HistoryReport{}, err
	}
	view := s.View()
	var batch []witness.Stated
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := h.Add(batch)
		batch = batch[:0]
		progress(h.Seq(), view.Seq())
		return err
	}
	for st := range view.Statements(0) {
		batch = append(batch, witness.Stated{Seq: st.Seq, JWS: st.JWS, OK: st.OK})
		if len(batch) == historyBatch {
			if err := flush(); err != nil {
				return witness.HistoryReport{}, err
			}
		}
	}
	if err := flush(); err != nil {
		return witness.HistoryReport{}, err
	}
	if err := h.Compare(view); err != nil {
		return witness.HistoryReport{}, err
	}
	chain, err := witness.ReadChain(filepath.Join(cfg.Dir, "witness"), cfg.Federation)
	if err != nil {
		return witness.HistoryReport{}, err
	}
	for _, c := range chain {
		if err := h.Cosigned([]byte(c.Note)); err != nil {
			return witness.HistoryReport{}, err
		}
	}
	report := h.Report()
	report.Uncertain = max(view.Size()-max(s.Confirmed, report.Cosigned), 0)
	return report, nil
}
