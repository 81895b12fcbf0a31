package api

import (
	"encoding/base64"
	"errors"
	"net/http"
	"sync"
	"time"

	"accord/crypto/oprf"
	"accord/exchange"
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
		done, err := s.Blinding.Evaluate(in.Epoch, blinded)
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
