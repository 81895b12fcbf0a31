package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/machine"
	"accord/exchange/members"
)

// The errors of making evidence.
var (
	ErrCosign = exchange.Define(exchange.KindNoQuorum, "LEDGER-011",
		exchange.Text{Zh: "检查点只有 {got} 家成员共签,章程要求 {want} 家", En: "only {got} members cosigned the checkpoint, the charter asks for {want}"},
		exchange.Text{Zh: "待更多成员节点在线后再试", En: "try again when more members' nodes can be reached"})
	ErrEvidence = exchange.Define(exchange.KindUnverified, "LEDGER-012",
		exchange.Text{Zh: "证据文件自检未通过({check}),未予提供", En: "the evidence file does not verify ({check}), so it is not handed out"},
		exchange.Text{Zh: "请查看本节点日志并联系运维人员", En: "look into this node's log"})
	ErrEvidenceSize = exchange.Define(exchange.KindRefused, "LEDGER-013",
		exchange.Text{Zh: "账本过大,不能装入一个证据文件", En: "the ledger is too long for one evidence file"},
		exchange.Text{Zh: "请按名单条目导出", En: "export the entries that matter one by one"})
)

// gatherTimeout is how long other members have to cosign.
const gatherTimeout = 3 * time.Second

// cosigned remembers the last checkpoint that enough members cosigned. Without
// it every stranger's wish for a bundle would call on every member's node.
type cosigned struct {
	mu   sync.Mutex // held while gathering: one at a time
	size int64
	note []byte
}

// cosignedCheckpoint is a checkpoint over the ledger as it stands, with the
// cosignatures of at least the charter's quorum.
func (s *Server) cosignedCheckpoint(ctx context.Context, view *machine.View) ([]byte, error) {
	c := &s.cosigned
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.note != nil && c.size >= view.Size() {
		return c.note, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	size, own, err := s.Agency.Checkpoint(view.Size())
	if err != nil {
		return nil, err
	}
	notes := s.gather(ctx, view, size, own)
	if got, want := len(notes)+1, view.Federation().CosignQuorum; got < want {
		return nil, ErrCosign.With("got", got, "want", want)
	}
	note, err := agency.Cosign(own, notes...)
	if err != nil {
		return nil, err
	}
	c.size, c.note = size, note
	return note, nil
}

// gather asks every other member for its note over the same size. Those that
// do not answer in time, or not to the point, are left out.
func (s *Server) gather(ctx context.Context, view *machine.View, size int64, own []byte) [][]byte {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	rows := view.Members()
	notes := make([][]byte, len(rows))
	var wg sync.WaitGroup
	for i, m := range rows {
		if m.ID == s.Agency.Self {
			continue
		}
		wg.Go(func() {
			peer, err := s.Node.Peer(m.ID)
			if err == nil {
				notes[i], err = s.cosignature(ctx, peer, m, size, own)
			}
			if err != nil {
				s.Log.Warn("a member did not cosign", "member", m.ID, "size", size, "error", err)
			}
		})
	}
	wg.Wait()
	var got [][]byte
	for _, note := range notes {
		if note != nil {
			got = append(got, note)
		}
	}
	return got
}

var errOtherHistory = errors.New("api: the member signed another history; the note is evidence of a fork")

// cosignature gets one member's note and keeps of it exactly that member's
// valid signature over exactly the checkpoint of own: what else a member puts
// into its note could spoil everybody's.
func (s *Server) cosignature(ctx context.Context, peer Peer, m members.Member, size int64, own []byte) ([]byte, error) {
	mine, _, err := tlog.Read(own)
	if err != nil {
		return nil, err
	}
	answer, err := peer.Checkpoint(ctx, size)
	if err != nil {
		return nil, err
	}
	public, ok := m.Key(keys.Cosign, exchange.MillisOf(s.Clock()))
	if !ok {
		return nil, errors.New("api: the member has no key to cosign with")
	}
	key, err := tlog.CosignerKey(s.Agency.Federation, string(m.ID), public)
	if err != nil {
		return nil, err
	}
	signed, err := tlog.Open([]byte(answer.Note), mine.Origin, key)
	if err != nil {
		return nil, err
	}
	if signed.Checkpoint != mine {
		if signed.Size == mine.Size {
			s.Log.Error("a member signed another history of the ledger", "member", m.ID, "size", size, "note", answer.Note)
		}
		return nil, errOtherHistory
	}
	_, sigs, err := tlog.Read([]byte(answer.Note))
	if err != nil {
		return nil, err
	}
	for _, sig := range sigs {
		if sig.Name == key.Name() && sig.KeyID == key.ID() {
			return tlog.Format(mine, sig)
		}
	}
	return nil, tlog.ErrUnsigned
}

// bundle is the evidence file over everything this node can show.
func (s *Server) bundle(w http.ResponseWriter, r *http.Request) error {
	return s.evidence(w, r, s.Agency.Bundle)
}

// entryBundle is the evidence file of one entry, for anybody while the entry is
// published.
func (s *Server) entryBundle(w http.ResponseWriter, r *http.Request) error {
	id := exchange.EntryID(r.PathValue("id"))
	if _, err := s.publishedEntry(r, s.view(), id); err != nil {
		return err
	}
	return s.evidence(w, r, func(ctx context.Context, checkpoint []byte) (*bundle.Bundle, error) {
		return s.Agency.EntryBundle(ctx, id, checkpoint)
	})
}

// evidenceTries is how often a bundle is made anew because the ledger grew
// between its checkpoint and its making.
const evidenceTries = 3

func (s *Server) evidence(w http.ResponseWriter, r *http.Request, make func(context.Context, []byte) (*bundle.Bundle, error)) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	for try := 1; ; try++ {
		view := s.view()
		checkpoint, err := s.cosignedCheckpoint(r.Context(), view)
		if err != nil {
			return err
		}
		file, err := s.evidenceFile(r.Context(), checkpoint, make)
		if err == nil {
			setIndex(w, view)
			return raw(w, "application/json", file)
		}
		if try == evidenceTries || s.view().Size() == view.Size() {
			return err
		}
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
