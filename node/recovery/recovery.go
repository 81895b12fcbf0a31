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
// have seen. A lost node that returns after all is no voter there: the guard
// refuses it, and its own log lacks the majority of the old membership. Only if
// the "lost" nodes are themselves that majority could they go on by themselves;
// then two ledgers exist, and the first checkpoints that are compared show it. A
// node comes back through a roster, under a new id.
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

// The errors of a recovery.
var (
	ErrPaper = exchange.Define(exchange.KindUnverified, "RECOVER-001",
		exchange.Text{Zh: "{file} 不是有效的恢复文件:{why}", En: "{file} is no valid paper of a recovery: {why}"},
		exchange.Text{Zh: "向出具方索取原文件", En: "get the original from whoever made it"})
	ErrPlan = exchange.Define(exchange.KindRefused, "RECOVER-002",
		exchange.Text{Zh: "恢复方案不能采用:{why}", En: "the plan of recovery cannot be used: {why}"},
		exchange.Text{Zh: "由各幸存节点重新报告(accord recover report),再起草", En: "let every survivor report again (accord recover report) and draft anew"})
	ErrQuorum = exchange.Define(exchange.KindRefused, "RECOVER-003",
		exchange.Text{Zh: "签署席位 {got} 个,须有 {want} 个", En: "{got} seats signed, {want} are needed"},
		exchange.Text{Zh: "征集其余席位的签名;失去节点的单位可用备份中的密钥签署", En: "collect more signatures; a member whose node is lost signs with its keys from a backup"})
	ErrNeedless = exchange.Define(exchange.KindRefused, "RECOVER-004",
		exchange.Text{Zh: "幸存 {survivors} 个节点仍是 {voters} 个表决节点的多数,不需要恢复", En: "{survivors} survivors are a majority of {voters} voting nodes; there is nothing to recover"},
		exchange.Text{Zh: "启动这些节点即可", En: "start these nodes"})
	ErrBehind = exchange.Define(exchange.KindRefused, "RECOVER-005",
		exchange.Text{Zh: "最长的日志只到第 {base} 条,而第 {cosigned} 条之前已由多数共签:内容确已丢失", En: "the longest log ends at {base}, but a quorum cosigned up to {cosigned}: something acknowledged is lost"},
		exchange.Text{Zh: "先找回更完整的节点;确实没有时,起草时加 --accept-loss", En: "look for a node that has it; if there is none, draft with --accept-loss"})
	ErrState = exchange.Define(exchange.KindUnverified, "RECOVER-006",
		exchange.Text{Zh: "状态文件与方案的基准不符:{why}", En: "the state file is not the plan's base: {why}"},
		exchange.Text{Zh: "在基准节点上重新导出: accord recover export", En: "export it on the base node again: accord recover export"})
)

// Formats of the papers.
const (
	reportFormat = "accord-recovery-report/1"
	planFormat   = "accord-recovery/1"
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

// Plan is what the seats sign.
type Plan struct {
	Format     string     `json:"format"`
	Federation string     `json:"federation"`
	Charter    string     `json:"charter"`
	Roster     int        `json:"roster"` // version in force at the base
	Drafted    time.Time  `json:"drafted"`
	Reason     string     `json:"reason"`
	Base       Base       `json:"base"`
	Survivors  []Survivor `json:"survivors"` // the new membership
	Lost       []string   `json:"lost"`      // node ids that must never start again
	Term       uint64     `json:"term"`      // the new log's first
	Cosigned   int64      `json:"cosigned"`
	AcceptLoss bool       `json:"accept_loss"` // the base is below Cosigned and the seats know it
}

// Base is the state that all begin from.
type Base struct {
	Node   string `json:"node"`
	Index  uint64 `json:"index"`
	Term   uint64 `json:"term"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Digest string `json:"digest"`
}

// Survivor is a node of the new membership.
type Survivor struct {
	Member  exchange.MemberID `json:"member"`
	Node    string            `json:"node"`
	Address string            `json:"address"`
	Index   uint64            `json:"index"`
	Current uint64            `json:"current_term"`
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
	p := Plan{Format: planFormat, Federation: base.Federation, Charter: base.Charter, Roster: base.Roster, Drafted: now.UTC().Truncate(time.Second), Reason: reason,
		Base: Base{base.Node, base.Index, base.Term, base.Size, base.Root, base.Digest}, Lost: slices.Clone(base.Voters), AcceptLoss: acceptLoss}
	for _, r := range reports {
		if r.Federation != p.Federation || r.Charter != p.Charter || slices.ContainsFunc(p.Survivors, func(s Survivor) bool { return s.Node == r.Node }) {
			return nil, ErrPlan.With("why", "the reports are of two federations, or two of one node")
		}
		p.Survivors = append(p.Survivors, Survivor{r.Member, r.Node, r.Address, r.Index, r.Current})
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

// ReadPlan reads a plan's bytes. It verifies no signature.
func ReadPlan(raw []byte) (Plan, error) {
	var p Plan
	raw = bytes.TrimSpace(raw)
	if len(raw) > MaxPaper {
		return p, ErrPaper.With("file", "plan", "why", "too long")
	}
	if err := strictjson.Unmarshal(raw, &p); err != nil || p.Format != planFormat || len(p.Survivors) == 0 || len(p.Survivors) > members.MaxMembers ||
		!exchange.ValidName(p.Federation) || !exchange.ValidDigest(p.Charter) || p.Base.Index == 0 || p.Base.Size < 1 {
		return p, ErrPaper.Wrap(err, "file", "plan", "why", "form")
	}
	if _, ok := p.Survivor(p.Base.Node); !ok || p.Base.Size < p.Cosigned && !p.AcceptLoss {
		return p, ErrPaper.With("file", "plan", "why", "its base is no survivor, or hides a loss")
	}
	for _, s := range p.Survivors {
		if s.Current >= p.Term {
			return p, ErrPaper.With("file", "plan", "why", "its term is not new")
		}
	}
	return p, nil
}

// Survivor finds a node of the plan.
func (p *Plan) Survivor(node string) (Survivor, bool) {
	for _, s := range p.Survivors {
		if s.Node == node {
			return s, true
		}
	}
	return Survivor{}, false
}

// yes is what a seat signs.
type yes struct {
	Format     string `json:"format"`
	Federation string `json:"federation"`
	Plan       string `json:"plan"` // digest of the plan's bytes
}

// Digest names a plan by its bytes, without line end.
func Digest(plan []byte) string { return members.Digest(bytes.TrimSpace(plan)) }

// Sign is a seat's yes to the plan.
func Sign(plan []byte, key keys.Private) ([]byte, error) {
	p, err := ReadPlan(plan)
	if err != nil {
		return nil, err
	}
	return signed(key, yes{planFormat, p.Federation, Digest(plan)})
}

// Verify counts the seats that said yes to exactly this plan: more than half of
// all seats must. Everybody's yes counts once, whether its node is lost or not.
func Verify(plan []byte, signatures [][]byte, roster []members.Member) (Plan, []exchange.MemberID, error) {
	p, err := ReadPlan(plan)
	if err != nil {
		return p, nil, err
	}
	seats := 0
	for _, m := range roster {
		if m.Seat && m.Status == members.Active {
			seats++
		}
	}
	want := yes{planFormat, p.Federation, Digest(plan)}
	var by []exchange.MemberID
	for _, s := range signatures {
		var got yes
		m, err := opened("signature", s, roster, &got)
		if err != nil {
			return p, by, err
		}
		if got != want {
			return p, by, ErrPaper.With("file", "signature", "why", string(m.ID)+" signed another plan")
		}
		if m.Seat && !slices.Contains(by, m.ID) {
			by = append(by, m.ID)
		}
	}
	if need := seats/2 + 1; len(by) < need {
		return p, by, ErrQuorum.With("got", len(by), "want", need)
	}
	return p, by, nil
}
