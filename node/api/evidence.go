package api

import (
	"context"
	"errors"
	"net/http"

	"accord/crypto/bundle"
	"accord/exchange"
)

// The errors of making evidence.
var (
	ErrEvidence = exchange.Define(exchange.KindUnverified, "LEDGER-012",
		exchange.Text{Zh: "证据文件自检未通过（{check}），未予提供", En: "the evidence file does not verify ({check}), so it is not handed out"},
		exchange.Text{Zh: "请查看本节点日志并联系运维人员", En: "look into this node's log"})
	ErrEvidenceSize = exchange.Define(exchange.KindRefused, "LEDGER-013",
		exchange.Text{Zh: "账本过大，不能装入一个证据文件", En: "the ledger is too long for one evidence file"},
		exchange.Text{Zh: "请按名单条目导出", En: "export the entries that matter one by one"})
)

// bundle is the evidence file over everything this node can show.
func (s *Server) bundle(w http.ResponseWriter, r *http.Request) error {
	return s.evidence(w, r, s.view().Size(), s.Agency.Bundle)
}

// entryBundle is the evidence file of one entry, for anybody while the entry is
// published.
func (s *Server) entryBundle(w http.ResponseWriter, r *http.Request) error {
	id := exchange.EntryID(r.PathValue("id"))
	e, err := s.publishedEntry(r, s.view(), id)
	if err != nil {
		return err
	}
	size := e.Seq + 1
	if e.End != nil {
		size = e.End.Seq + 1
	}
	return s.evidence(w, r, size, func(ctx context.Context, checkpoint []byte) (*bundle.Bundle, error) {
		return s.Agency.EntryBundle(ctx, id, checkpoint)
	})
}

// evidenceTries is how often a bundle is made anew because the ledger grew
// between its checkpoint and its making.
const evidenceTries = 3

// evidence answers with a file that stands on a cosigned checkpoint of at least
// size leaves. The newest one this node has gathered is enough where it covers
// them; otherwise the members are called upon, which a stranger's wish for a
// bundle should not do each time.
func (s *Server) evidence(w http.ResponseWriter, r *http.Request, size int64, make func(context.Context, []byte) (*bundle.Bundle, error)) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	for try := 1; ; try++ {
		view := s.view()
		checkpoint, err := s.Witness.Vouched(r.Context(), size)
		if err != nil {
			return err
		}
		file, err := s.evidenceFile(r.Context(), []byte(checkpoint.Note), make)
		if err == nil {
			setIndex(w, view)
			return raw(w, "application/json", file)
		}
		if try == evidenceTries || s.view().Size() == view.Size() {
			return err
		}
		size = s.view().Size()
	}
}

// evidenceFile makes the file and verifies it as a stranger would who knows
// the charter's digest.
func (s *Server) evidenceFile(ctx context.Context, checkpoint []byte, make func(context.Context, []byte) (*bundle.Bundle, error)) ([]byte, error) {
	b, err := make(ctx, checkpoint)
	if err != nil {
		return nil, tooLong(err)
	}
	file, err := b.Marshal()
	if err != nil {
		return nil, tooLong(err)
	}
	trust := bundle.DigestOf(s.Agency.Genesis.Charter)
	if report := bundle.Verify(file, bundle.Options{Trust: &trust}); !report.OK {
		return nil, ErrEvidence.With("check", failedCheck(report))
	}
	return file, nil
}

func tooLong(err error) error {
	if errors.Is(err, bundle.ErrLimit) {
		return ErrEvidenceSize.Wrap(err)
	}
	return err
}

func failedCheck(report *bundle.Report) string {
	for _, c := range report.Checks {
		if c.Status == bundle.Failed {
			return c.Name
		}
	}
	return "?"
}
