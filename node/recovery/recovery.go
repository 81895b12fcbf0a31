// Package recovery is how a federation goes on after a majority of its voting
// nodes is lost for good.
//
// Its one idea: nobody edits a file. Each survivor, stopped, reports how far its
// log goes; a plan names the longest as the base and the survivors as the voters;
// as many seats as make a majority sign its exact bytes, which people compare as
// words; every survivor verifies the plan against its own folder before it
// begins a new log from the base's state. The old log is set aside and kept.
//
// # What is lost
//
// Raft acknowledges an entry once a majority has it. The survivors are fewer, so
// entries that only lost nodes held may have been acknowledged and be gone. What
// a quorum cosigned is certain: a plan says up to which size that is (Cosigned)
// and where the base ends (Base.Size); between acknowledged and base nobody who
// is left can tell. A base below a cosigned checkpoint is a loss that is proven,
// and is refused unless the plan admits it.
//
// # What cannot come back
//
// The new log has the survivors for its membership and a term above all they
// have seen. A lost node that returns after all is no server there: the survivors
// take no stream from it. If the "lost" nodes are a majority of the old membership
// they could go on by themselves; the seats' signatures outrank them, and they stop
// as soon as they hear of the plan. A node comes back through a roster, under a new
// id.
//
// The plan ends on the ledger: the first statement of the new log is
// members.recover, which the nodes propose by themselves. DESIGN.md says why and
// what remains.
package recovery

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
)

// The errors of a recovery. Those of a plan by itself are package members'.
var (
	ErrPaper    = members.ErrPlanPaper
	ErrPlan     = members.ErrPlanUse
	ErrQuorum   = members.ErrPlanQuorum
	ErrNeedless = exchange.Define(exchange.KindRefused, "RECOVER-004",
		exchange.Text{Zh: "幸存 {survivors} 个节点仍是 {voters} 个表决节点的多数，不需要恢复", En: "{survivors} survivors are a majority of {voters} voting nodes; there is nothing to recover"},
		exchange.Text{Zh: "启动这些节点即可", En: "start these nodes"})
	ErrBehind = exchange.Define(exchange.KindRefused, "RECOVER-005",
		exchange.Text{Zh: "最长的日志只到第 {base} 条，而第 {cosigned} 条之前已由多数共签：内容确已丢失", En: "the longest log ends at {base}, but a quorum cosigned up to {cosigned}: something acknowledged is lost"},
		exchange.Text{Zh: "先找回更完整的节点；确实没有时，起草时加 --accept-loss", En: "look for a node that has it; if there is none, draft with --accept-loss"})
	ErrState = exchange.Define(exchange.KindUnverified, "RECOVER-006",
		exchange.Text{Zh: "状态文件与方案的基准不符：{why}", En: "the state file is not the plan's base: {why}"},
		exchange.Text{Zh: "在基准节点上重新导出：accord recover export", En: "export it on the base node again: accord recover export"})
)

// The papers of a plan are the ledger's: it ends there (members.recover).
type (
	Plan     = members.Plan
	Base     = members.Base
	Survivor = members.Survivor
)

// Formats of the papers.
const (
	reportFormat = "accord-recovery-report/1"
	// MaxPaper bounds a paper of a recovery, in bytes.
	MaxPaper = 1 << 20
)

// Report is where one survivor stands.
type Report struct {
	Format     string            `json:"format"`
	Federation string            `json:"federation"`
	Charter    string            `json:"charter"`
	Member     exchange.MemberID `json:"member"`
	Node       string            `json:"node"`
	Address    string            `json:"address"`
	At         time.Time         `json:"at"`
	Index      uint64            `json:"index"` // of the last entry in its log
	Term       uint64            `json:"term"`  // of that entry
	Current    uint64            `json:"current_term"`
	Size       int64             `json:"size"` // of the ledger at the log's end
	Root       string            `json:"root"`
	Digest     string            `json:"digest"`
	Roster     int               `json:"roster"`   // version in force
	Cosigned   int64             `json:"cosigned"` // up to here it saw a quorum's cosignatures
	Voters     []string          `json:"voters"`   // of the old membership, as this log has it
}

// Sign signs a report.
func (r Report) Sign(key keys.Private) ([]byte, error) {
	r.Format = reportFormat
	return signed(key, r)
}

func signed(key keys.Private, v any) ([]byte, error) {
	payload, err := strictjson.Marshal(v)
	if err != nil {
		return nil, err
	}
	token, err := jws.Sign(key, jws.TypRecovery, payload)
	return []byte(token), err
}

// ReadReport verifies a survivor's report by the keys of the members.
func ReadReport(token []byte, roster []members.Member) (Report, error) {
	var r Report
	by, err := opened("report", token, roster, &r)
	if err != nil {
		return r, err
	}
	if r.Format != reportFormat || by.ID != r.Member || by.Node.ID != r.Node || by.Node.Address != r.Address {
		return r, ErrPaper.With("file", "report", "why", "it is not by the member and node it names")
	}
	return r, nil
}

// opened verifies a paper by a member's newest command key.
func opened(file string, token []byte, roster []members.Member, v any) (by members.Member, err error) {
	token = bytes.TrimSpace(token)
	if len(token) > MaxPaper {
		return by, ErrPaper.With("file", file, "why", "too long")
	}
	t, err := jws.Verify(string(token), jws.TypRecovery, func(kid string) (keys.Public, error) {
		for _, m := range roster {
			for _, k := range m.Keys {
				if m.Status == members.Active && k.Until == 0 && k.Public.KID() == kid && k.Public.Use() == keys.Command {
					by = m
					return k.Public, nil
				}
			}
		}
		return keys.Public{}, jws.ErrKey
	})
	if err == nil {
		err = strictjson.Unmarshal(t.Payload, v)
	}
	if err != nil {
		return by, ErrPaper.Wrap(err, "file", file, "why", "signature or form")
	}
	return by, nil
}

// Draft makes a plan out of the survivors' reports: the longest log is the base.
func Draft(reports []Report, reason string, acceptLoss bool, now time.Time) ([]byte, error) {
	if len(reports) == 0 || !exchange.PlainText(reason, 500) {
		return nil, ErrPlan.With("why", "no reports, or no reason")
	}
	base := slices.MaxFunc(reports, func(a, b Report) int {
		return cmp.Or(cmp.Compare(a.Term, b.Term), cmp.Compare(a.Index, b.Index)) // raft's order of logs
	})
	p := Plan{Format: members.PlanFormat, Federation: base.Federation, Charter: base.Charter, Roster: base.Roster, Drafted: now.UTC().Format("2006-01-02T15:04:05Z"), Reason: reason,
		Base: Base{Node: base.Node, Index: base.Index, Term: base.Term, Size: base.Size, Root: base.Root, Digest: base.Digest}, Lost: slices.Clone(base.Voters), AcceptLoss: acceptLoss}
	for _, r := range reports {
		if r.Federation != p.Federation || r.Charter != p.Charter || slices.ContainsFunc(p.Survivors, func(s Survivor) bool { return s.Node == r.Node }) {
			return nil, ErrPlan.With("why", "the reports are of two federations, or two of one node")
		}
		p.Survivors = append(p.Survivors, Survivor{Member: r.Member, Node: r.Node, Address: r.Address, Index: r.Index, Current: r.Current})
		p.Term, p.Cosigned = max(p.Term, r.Current+1), max(p.Cosigned, r.Cosigned)
		p.Lost = slices.DeleteFunc(p.Lost, func(node string) bool { return node == r.Node })
	}
	slices.SortFunc(p.Survivors, func(a, b Survivor) int { return cmp.Compare(a.Node, b.Node) })
	slices.Sort(p.Lost)
	alive := 0
	for _, v := range base.Voters {
		if !slices.Contains(p.Lost, v) {
			alive++
		}
	}
	if alive > len(base.Voters)/2 {
		return nil, ErrNeedless.With("survivors", alive, "voters", len(base.Voters))
	}
	if p.Base.Size < p.Cosigned && !acceptLoss {
		return nil, ErrBehind.With("base", p.Base.Size, "cosigned", p.Cosigned)
	}
	return strictjson.Marshal(p)
}

// ReadPlan reads a plan's file. It verifies no signature.
func ReadPlan(raw []byte) (Plan, error) { return members.ReadPlan(bytes.TrimSpace(raw)) }

// Digest names a plan by its bytes, without line end.
func Digest(plan []byte) string { return members.PlanDigest(bytes.TrimSpace(plan)) }

// Sign is a seat's yes to the plan.
func Sign(plan []byte, key keys.Private) ([]byte, error) {
	token, err := members.SignPlan(bytes.TrimSpace(plan), key)
	return []byte(token), err
}

// Signed puts the files of a plan and its signatures together.
func Signed(plan []byte, signatures [][]byte) members.SignedPlan {
	s := members.SignedPlan{Plan: string(bytes.TrimSpace(plan))}
	for _, sig := range signatures {
		s.Signatures = append(s.Signatures, string(bytes.TrimSpace(sig)))
	}
	return s
}

// Verify counts the seats that said yes to exactly this plan, by the roster that
// the plan names if the line has it, otherwise by the line's newest: a survivor
// may have missed rosters that the base has.
func Verify(s members.SignedPlan, line *members.Lineage) (Plan, []exchange.MemberID, error) {
	p, err := members.ReadPlan([]byte(s.Plan))
	if err != nil {
		return p, nil, err
	}
	if at := line.At(p.Roster); at != nil {
		line = at
	}
	return s.Verify(line.Roster(), nil)
}
