package api

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/blinding"
	"accord/exchange/machine"
	"accord/node/audit"
	"accord/node/wire"
)

// ErrBlindingRate is given to a member that has more numbers blinded than any work
// needs: so many in a day that it could be trying them all.
var ErrBlindingRate = exchange.Define(exchange.KindUnavailable, "BLIND-010",
	exchange.Text{Zh: "成员 {member} 今日请求盲化的号码已达上限 {limit}", En: "{member} has had as many numbers blinded as it may in a day: {limit}"},
	exchange.Text{Zh: "稍后再试；大批导入请分日进行，或与密钥持有方商定更高的上限（blinding.daily）", En: "try later; spread a large import over days, or agree on a higher limit with the key's holders (blinding.daily)"})

// ErrBlinded is given for what is no batch of blinded elements.
var ErrBlinded = exchange.Define(exchange.KindInvalid, "BLIND-011",
	exchange.Text{Zh: "不是盲化元素：须为 1 至 1000 个 ristretto255 元素（RFC 9496）", En: "not blinded elements: 1 to 1000 elements of ristretto255 (RFC 9496)"},
	exchange.Text{Zh: "对照 openapi.yaml", En: "compare with openapi.yaml"})

// blindingMeters count how many numbers each member has had blinded. A meter fills
// again over a day.
type blindingMeters struct {
	mu   sync.Mutex
	left map[exchange.MemberID]float64
	at   map[exchange.MemberID]time.Time
}

// admit takes n from a member's meter if it has so many.
func (m *blindingMeters) admit(member exchange.MemberID, n, daily int, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == nil {
		m.left, m.at = map[exchange.MemberID]float64{}, map[exchange.MemberID]time.Time{}
	}
	left, known := m.left[member]
	if !known {
		left = float64(daily)
	} else {
		left = min(float64(daily), left+float64(daily)*max(0, now.Sub(m.at[member]).Hours())/24)
	}
	ok := left >= float64(n)
	if ok {
		left -= float64(n)
	}
	m.left[member], m.at[member] = left, now
	return ok
}

// evaluateBlinded is the holder's side of blinding: elements times this member's share
// of the key. It learns nothing of the numbers, so how many a member asks for is all
// there is to watch: it is limited, and in the audit log before the answer leaves.
func (s *Server) evaluateBlinded(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskBlinding
	if err := body(r, &in); err != nil {
		return err
	}
	blinded, err := oprf.DecodeElements(in.Elements)
	if err != nil {
		return ErrBlinded.With()
	}
	out := wire.Blinding{Epoch: in.Epoch}
	err = s.act(r, audit.Event{Act: "blinding.evaluate", Count: int64(len(blinded))}, func(*audit.Event) error {
		member := callerOf(r).Member
		if !s.blindings.admit(member, len(blinded), s.Config.BlindingDaily, s.Clock()) {
			return ErrBlindingRate.With("member", member, "limit", s.Config.BlindingDaily)
		}
		done, err := s.Blinding.Evaluate(agency.KeyName{Epoch: in.Epoch, Version: in.Version}, blinded)
		if errors.Is(err, oprf.ErrElement) {
			return ErrBlinded.With()
		}
		if err != nil {
			return err
		}
		for _, e := range done.Elements {
			out.Elements = append(out.Elements, base64.RawURLEncoding.EncodeToString(e[:]))
		}
		out.Proof = base64.RawURLEncoding.EncodeToString(done.Proof)
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// blindingPart gives a next holder of the key its part of what this member dealt.
func (s *Server) blindingPart(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskBlindingPart
	if err := body(r, &in); err != nil {
		return err
	}
	if s.Succession == nil {
		return blinding.ErrNoChange.With("version", in.Version)
	}
	if err := s.Node.Barrier(r); err != nil { // what the asker has seen of the ledger counts here, too
		return err
	}
	var out wire.BlindingPart
	err := s.act(r, audit.Event{Act: "blinding.part", Count: int64(in.Version)}, func(*audit.Event) (err error) {
		out.Part, err = s.Succession.Part(callerOf(r).Member, in.Version)
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// blindingState says who holds the key, and how that changes.
func (s *Server) blindingState(w http.ResponseWriter, r *http.Request) error {
	view, err := s.still(w, r)
	if err != nil {
		return err
	}
	return answer(w, s.blindingOf(view))
}

// BlindingEpochs are the keys that blind persons' numbers, the newest first; own is this
// member's part in them, nil where it has none.
func BlindingEpochs(view *machine.View, own *agency.Oblivious) []wire.BlindingEpoch {
	all := []wire.BlindingEpoch{}
	for _, g := range blinding.Epochs(view.Rows()) {
		row := wire.BlindingEpoch{Epoch: g.Epoch, Version: g.Version, Threshold: g.Threshold, Holders: g.Holders, Since: g.Since.Time(),
			Gone: g.Gone(view.Rows())}
		if own != nil {
			name, has := own.Using(g.Epoch)
			row.Share = has && name.Version == g.Version
		}
		all = append(all, row)
	}
	slices.Reverse(all)
	return all
}

func (s *Server) blindingOf(view *machine.View) wire.BlindingState {
	fed := view.Federation()
	out := wire.BlindingState{Scheme: fed.Blind.Scheme, Epochs: BlindingEpochs(view, s.Blinding), Next: blinding.Next(view.Rows()), Changes: []wire.BlindingChange{}}
	for c := range blinding.All(view.Rows()) {
		row := wire.BlindingChange{Version: c.Version, Epoch: c.Epoch, Fresh: c.Fresh, Status: c.StatusAt(view.Rows(), view.Time()), Proposal: c.Proposal, Threshold: c.Threshold, Holders: c.Holders,
			At: c.At.Time(), Deadline: c.Deadline.Time(), Need: c.Need, Dealt: []exchange.MemberID{}, Accepted: slices.Concat([]exchange.MemberID{}, c.Accepted)}
		for _, d := range c.Deals {
			row.Dealt = append(row.Dealt, d.Member)
		}
		if c.Since != 0 {
			since := c.Since.Time()
			row.Since = &since
		}
		if c.End != nil {
			row.By, row.Dealer, row.Why = c.End.By, c.End.Dealer, c.End.Why
		}
		out.Changes = append(out.Changes, row)
	}
	slices.Reverse(out.Changes)
	return out
}

// refuseBlinding ends a change that is under way.
func (s *Server) refuseBlinding(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	version, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || s.Succession == nil {
		return blinding.ErrNoChange.With("version", printable(r.PathValue("version")))
	}
	err = s.act(r, audit.Event{Act: "blinding.refuse", Count: int64(version)}, func(*audit.Event) error {
		return s.Succession.Refuse(r.Context(), callerOf(r).Operator.Name, version)
	})
	if err != nil {
		return err
	}
	view := s.view()
	setIndex(w, view)
	return answer(w, s.blindingOf(view))
}
