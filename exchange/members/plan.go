package members

import (
	"slices"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// PlanFormat is the format of a plan of recovery and of a seat's yes to it.
const PlanFormat = "accord-recovery/1"

// MaxPlan bounds a plan in bytes: with its signatures it must fit into a command.
const MaxPlan = 64 << 10

// The errors of a plan of recovery.
var (
	ErrPlanPaper = exchange.Define(exchange.KindUnverified, "RECOVER-001",
		exchange.Text{Zh: "{file} 不是有效的恢复文件：{why}", En: "{file} is no valid paper of a recovery: {why}"},
		exchange.Text{Zh: "向出具方索取原文件", En: "get the original from whoever made it"})
	ErrPlanUse = exchange.Define(exchange.KindRefused, "RECOVER-002",
		exchange.Text{Zh: "恢复方案不能采用：{why}", En: "the plan of recovery cannot be used: {why}"},
		exchange.Text{Zh: "由各幸存节点重新报告（accord recover report），再起草", En: "let every survivor report again (accord recover report) and draft anew"})
	ErrPlanQuorum = exchange.Define(exchange.KindRefused, "RECOVER-003",
		exchange.Text{Zh: "签署席位 {got} 个，须有 {want} 个", En: "{got} seats signed, {want} are needed"},
		exchange.Text{Zh: "征集其余席位的签名；失去节点的单位可用备份中的密钥签署", En: "collect more signatures; a member whose node is lost signs with its keys from a backup"})
)

// Plan (恢复方案) is what the seats sign when a majority of the voting nodes is
// lost for good: from which state the ledger goes on, with which nodes, and which
// must never start again.
type Plan struct {
	Format     string     `json:"format"`
	Federation string     `json:"federation"`
	Charter    string     `json:"charter"`
	Roster     int        `json:"roster"`  // version in force at the base
	Drafted    string     `json:"drafted"` // UTC, 2006-01-02T15:04:05Z
	Reason     string     `json:"reason"`
	Base       Base       `json:"base"`
	Survivors  []Survivor `json:"survivors"` // the new membership of the log, by node
	Lost       []string   `json:"lost"`      // node ids that must never start again, in order
	Term       uint64     `json:"term"`      // the new log's first
	Cosigned   int64      `json:"cosigned"`  // what was acknowledged behind this size and lay on lost nodes only may be gone
	AcceptLoss bool       `json:"accept_loss"`
}

// Base is the state that all begin from.
type Base struct {
	Node   string `json:"node"`
	Index  uint64 `json:"index"`
	Term   uint64 `json:"term"`
	Size   int64  `json:"size"` // leaves of the ledger
	Root   string `json:"root"` // hex
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

func badPlan(why string) *exchange.Error { return ErrPlanPaper.With("file", "plan", "why", why) }

// ReadPlan reads a plan's bytes. It verifies no signature.
func ReadPlan(raw []byte) (Plan, error) {
	var p Plan
	if len(raw) > MaxPlan {
		return p, badPlan("too long")
	}
	if err := strictjson.Unmarshal(raw, &p); err != nil {
		return p, ErrPlanPaper.Wrap(err, "file", "plan", "why", "form")
	}
	if why := p.fault(); why != "" {
		return p, badPlan(why)
	}
	return p, nil
}

// fault says the first thing that is wrong with a plan taken by itself.
func (p *Plan) fault() string {
	switch {
	case p.Format != PlanFormat, !exchange.ValidName(p.Federation), !exchange.ValidDigest(p.Charter), p.Roster < 0,
		!validMoment(p.Drafted), !exchange.PlainText(p.Reason, 500), p.Cosigned < 0,
		p.Base.Index == 0, p.Base.Size < 1, !exchange.ValidHash(p.Base.Root),
		len(p.Survivors) == 0, len(p.Survivors) > MaxMembers, len(p.Lost) > MaxMembers:
		return "form"
	}
	if _, ok := p.Survivor(p.Base.Node); !ok || p.Base.Size < p.Cosigned && !p.AcceptLoss {
		return "its base is no survivor, or hides a loss"
	}
	last := ""
	for _, s := range p.Survivors {
		if s.Current >= p.Term {
			return "its term is not new"
		}
		if s.Node <= last || slices.Contains(p.Lost, s.Node) {
			return "its nodes"
		}
		last = s.Node
	}
	if !slices.IsSorted(p.Lost) || len(slices.Compact(slices.Clone(p.Lost))) != len(p.Lost) {
		return "its nodes"
	}
	return ""
}

// validMoment is the one spelling of a time in a plan, judged by form alone: no
// library's idea of a date has a say in an answer.
func validMoment(s string) bool {
	const form = "0000-00-00T00:00:00Z"
	return len(s) == len(form) && strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, s) == form
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

// planYes is what a seat signs (jws.TypRecovery).
type planYes struct {
	Format     string `json:"format"`
	Federation string `json:"federation"`
	Plan       string `json:"plan"` // digest of the plan's bytes
}

// PlanDigest names a plan by its bytes.
func PlanDigest(plan []byte) string { return Digest(plan) }

// SignPlan is a seat's yes to the plan.
func SignPlan(plan []byte, key keys.Private) (string, error) {
	p, err := ReadPlan(plan)
	if err != nil {
		return "", err
	}
	payload, err := strictjson.Marshal(planYes{PlanFormat, p.Federation, PlanDigest(plan)})
	if err != nil {
		return "", err
	}
	return jws.Sign(key, jws.TypRecovery, payload)
}

// SignedPlan is a plan with the signatures that put it in force. It is the body of
// members.recover and, on paper, what one node shows another: it proves itself to
// whoever knows the roster it names.
type SignedPlan struct {
	Plan       string   `json:"plan"`       // the exact JSON text of the Plan
	Signatures []string `json:"signatures"` // compact JWS, one per seat
}

// Verify counts the seats of a roster that said yes to exactly this plan: more
// than half of all seats must. Everybody's yes counts once, whether its node is
// lost or not. verify may be nil.
func (s SignedPlan) Verify(r *Roster, verify Verifier) (Plan, []exchange.MemberID, error) {
	if verify == nil {
		verify = jws.VerifyKind
	}
	p, err := ReadPlan([]byte(s.Plan))
	if err != nil {
		return p, nil, err
	}
	want := planYes{PlanFormat, p.Federation, PlanDigest([]byte(s.Plan))}
	var by []exchange.MemberID
	for _, token := range s.Signatures {
		m, err := seatOf(token, want, r, verify)
		if err != nil {
			return p, by, err
		}
		if m.Seat && !slices.Contains(by, m.ID) {
			by = append(by, m.ID)
		}
	}
	if need := r.Seats()/2 + 1; len(by) < need {
		return p, by, ErrPlanQuorum.With("got", len(by), "want", need)
	}
	return p, by, nil
}

// seatOf verifies one yes by the command keys that a roster lists.
func seatOf(token string, want planYes, r *Roster, verify Verifier) (by Founder, err error) {
	t, err := verify(token, jws.Kind{Typ: jws.TypRecovery, Use: keys.Command}, func(kid string) (keys.Public, error) {
		for _, m := range r.Members {
			for _, k := range m.Keys {
				if k.KID() == kid && k.Use() == keys.Command {
					by = m
					return k, nil
				}
			}
		}
		return keys.Public{}, jws.ErrKey
	})
	var got planYes
	if err == nil {
		err = strictjson.Unmarshal(t.Payload, &got)
	}
	if err != nil {
		return by, ErrPlanPaper.Wrap(err, "file", "signature", "why", "signature or form")
	}
	if got != want {
		return by, ErrPlanPaper.With("file", "signature", "why", string(by.ID)+" signed another plan")
	}
	return by, nil
}
