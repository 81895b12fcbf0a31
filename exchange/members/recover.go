package members

import (
	"encoding/hex"
	"slices"

	"accord/exchange"
	"accord/exchange/state"
)

// The answers of members.recover.
var (
	ErrRecoveryKnown = exchange.Define(exchange.KindConflict, "RECOVER-007",
		exchange.Text{Zh: "该恢复方案已记入账本（第 {seq} 条）", En: "this plan of recovery is on the ledger already (number {seq})"},
		exchange.Text{Zh: "无须再提交：accord member recoveries", En: "there is nothing to do: accord member recoveries"})
	ErrRecoveryBase = exchange.Define(exchange.KindRefused, "RECOVER-008",
		exchange.Text{Zh: "恢复方案的基准不是本账本：{why}", En: "the plan of recovery does not stand on this ledger: {why}"},
		exchange.Text{Zh: "这是另一份账本的方案；与其他成员核对（accord ledger forks）", En: "it is a plan for another ledger; compare with the other members (accord ledger forks)"})
)

// DecodeRecover reads the body of members.recover.
func DecodeRecover(body []byte) (*SignedPlan, error) {
	b := new(SignedPlan)
	if err := exchange.DecodeBody(exchange.VerbRecover, body, b); err != nil {
		return nil, err
	}
	if b.Plan == "" || len(b.Plan) > MaxPlan || len(b.Signatures) == 0 || len(b.Signatures) > MaxMembers {
		return nil, exchange.ErrBody.With("verb", exchange.VerbRecover)
	}
	return b, nil
}

// Recovery is a plan as the ledger has it: why the log's membership was changed
// outside the ordinary way. The signatures stand in the statement.
type Recovery struct {
	Digest string              `json:"digest"` // of the plan's bytes
	Seq    int64               `json:"seq"`    // the statement; Plan.Base.Size if it was the first after the loss
	Since  exchange.Millis     `json:"since"`
	By     []exchange.MemberID `json:"by"` // the seats that signed, in the order of their signatures
	Plan   Plan                `json:"plan"`
}

// Between is how many statements came between the loss and the record of it.
func (r *Recovery) Between() int64 { return r.Seq - r.Plan.Base.Size }

// Recovered is the outcome of members.recover.
type Recovered struct {
	Plan string              `json:"plan"` // digest
	Size int64               `json:"size"` // leaves of the ledger that were kept
	By   []exchange.MemberID `json:"by"`
	Lost []string            `json:"lost"`
}

// Recover records the plan by which the ledger went on after a quorum was lost. It
// changes no roster; it makes known to everybody, for ever, what raft cannot show.
// Who carries it here does not matter. The plan must stand on this very ledger:
// its base is a beginning of it, and the seats are those of the roster that was in
// force there.
func Recover(a *Act, s *SignedPlan) (*Recovered, error) {
	p, err := ReadPlan([]byte(s.Plan))
	if err != nil {
		return nil, err
	}
	fed := Fed(a.Tx)
	if p.Federation != fed.ID || p.Charter != fed.Digest {
		return nil, ErrRecoveryBase.With("why", "federation")
	}
	digest := PlanDigest([]byte(s.Plan))
	if i := slices.IndexFunc(fed.Recoveries, func(r Recovery) bool { return r.Digest == digest }); i >= 0 {
		return nil, ErrRecoveryKnown.With("seq", fed.Recoveries[i].Seq)
	}
	root, err := a.Tree().RootAt(p.Base.Size)
	if err != nil || hex.EncodeToString(root[:]) != p.Base.Root {
		return nil, ErrRecoveryBase.With("why", "root")
	}
	if RosterBefore(a.Tx, p.Base.Size) != p.Roster {
		return nil, ErrRecoveryBase.With("why", "roster")
	}
	newest := a.Tools.Book.Find(RosterInForce(a.Tx).Digest)
	if newest == nil || newest.At(p.Roster) == nil {
		return nil, exchange.ErrInternal.With()
	}
	_, by, err := s.Verify(newest.At(p.Roster).Roster(), a.Tools.Verify)
	if err != nil {
		return nil, err
	}
	fed.Recoveries = append(slices.Clone(fed.Recoveries), Recovery{Digest: digest, Seq: a.Seq, Since: a.Now, By: by, Plan: p})
	return &Recovered{digest, p.Base.Size, by, p.Lost}, federations.Insert(a.Tx, &fed)
}

// RosterBefore is the version of the roster in force when the ledger had so many
// leaves.
func RosterBefore(r state.Reader, size int64) int {
	version := 0
	for row := range rosters.Scan(r, "") {
		if row.Seq < size {
			version = row.Version
		}
	}
	return version
}
