package members

import (
	"maps"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// The answers of members.roster: why a roster does not follow the one before.
var (
	ErrRosterVersion = exchange.Define(exchange.KindConflict, "MEM-031",
		exchange.Text{Zh: "新名册版本应为 {want}，文件为 {got}", En: "the next roster is version {want}, the document says {got}"},
		exchange.Text{Zh: "请以现行名册为基础重新起草（accord member propose）并征集同意", En: "draft it again from the roster in force (accord member propose) and collect endorsements"})
	ErrRosterPrevious = exchange.Define(exchange.KindConflict, "MEM-032",
		exchange.Text{Zh: "名册所依据的不是现行名册", En: "the roster does not stand on the one in force"},
		exchange.Text{Zh: "请以现行名册为基础重新起草（accord member propose）并征集同意", En: "draft it again from the roster in force (accord member propose) and collect endorsements"})
	ErrRosterEndorsement = exchange.Define(exchange.KindUnverified, "MEM-033",
		exchange.Text{Zh: "名册的第 {n} 份同意书无效", En: "endorsement {n} of the roster does not hold"},
		exchange.Text{Zh: "须由前一名册中有席位的成员以指令密钥签署本名册的摘要和版本", En: "a member with a seat by the previous roster must sign this digest and version with its command key"})
	ErrRosterQuorum = exchange.Define(exchange.KindRefused, "MEM-034",
		exchange.Text{Zh: "同意席位 {got} 个，须有 {want} 个；涉及本单位去留或席位的同意不计", En: "{got} seats endorse it, {want} are needed; nobody counts for its own place or seat"},
		exchange.Text{Zh: "请征集其余席位的同意（accord member endorse）", En: "collect the endorsements of more seats (accord member endorse)"})
	ErrRosterProof = exchange.Define(exchange.KindUnverified, "MEM-035",
		exchange.Text{Zh: "成员单位 {member} 没有证明持有新密钥", En: "{member} has not shown that it holds its new keys"},
		exchange.Text{Zh: "请附上该单位以新指令密钥签署的自荐书，内容须与名册一致", En: "add its introduction, signed with the command key the roster lists and saying what the roster says"})
	ErrInvitationSpent = exchange.Define(exchange.KindRefused, "MEM-044",
		exchange.Text{Zh: "成员单位 {member} 所持的邀请已由 {by} 使用，一份邀请只接纳一个单位", En: "{member} answers an invitation that {by} came on; an invitation admits one member"},
		exchange.Text{Zh: "另出一份邀请（accord member invite），由新单位重新自荐（accord init --invite）", En: "make another (accord member invite), and let the newcomer introduce itself anew (accord init --invite)"})
	ErrRosterUsed = exchange.Define(exchange.KindRefused, "MEM-036",
		exchange.Text{Zh: "成员单位 {member} 的{what}曾被使用，不得再用", En: "the {what} of {member} was in use before and does not come back"},
		exchange.Text{Zh: "请换用新的；重建的节点用 accord init --renew-node 取得新标识", En: "use a new one; a rebuilt node gets a new id from accord init --renew-node"})
	ErrRosterStep = exchange.Define(exchange.KindRefused, "MEM-037",
		exchange.Text{Zh: "一次只能改变一个单位节点的表决资格，名册改变了 {got} 个", En: "one member's node may gain or lose its vote at a time, the roster changes {got}"},
		exchange.Text{Zh: "请分几版名册逐个进行", En: "take several rosters, one after the other"})
	ErrRosterVoters = exchange.Define(exchange.KindRefused, "MEM-038",
		exchange.Text{Zh: "表决节点 {got} 个，上限 {max} 个", En: "{got} nodes vote, at most {max} may"},
		exchange.Text{Zh: "请把其余节点列为 nonvoter", En: "list the others as nonvoter"})
	ErrRosterSame = exchange.Define(exchange.KindRefused, "MEM-039",
		exchange.Text{Zh: "名册与现行名册没有区别", En: "the roster changes nothing"},
		exchange.Text{Zh: "无须提交", En: "there is nothing to do"})
)

// SignedRoster is a roster with everything that puts it in force. It is the body
// of members.roster and, on paper, what one node hands another: it proves itself
// to whoever knows the roster before it.
type SignedRoster struct {
	Document     string   `json:"document"`         // the exact JSON text of the Roster
	Endorsements []string `json:"endorsements"`     // compact JWS, one per seat
	Proofs       []string `json:"proofs,omitempty"` // introductions of members with a new key or node
}

// RosterEndorsement is what a seat signs (jws.TypEndorsement) to say yes to a
// roster.
type RosterEndorsement struct {
	Federation string `json:"fed"`
	Roster     string `json:"roster"` // digest of the document's bytes
	Version    int    `json:"version"`
}

// Encode gives the bytes to sign.
func (e RosterEndorsement) Encode() ([]byte, error) { return strictjson.Marshal(e) }

// Verifier verifies a token, as jws.VerifyKind does, perhaps with a memory.
type Verifier func(token string, kind jws.Kind, lookup jws.Lookup) (jws.Token, error)

// Lineage (名册沿革) is a roster with all that came before it, back to the
// charter. It is a value that never changes; Extend makes the next one. That a
// Lineage exists means that it was verified.
type Lineage struct {
	parent    *Lineage
	charter   string // digest
	roster    *Roster
	digest    string
	paper     SignedRoster
	endorsers []exchange.MemberID
	used      used
}

// used is everything that ever stood in a roster of the line.
type used struct {
	members   map[exchange.MemberID]bool
	nodes     map[string]exchange.MemberID
	addresses map[string]exchange.MemberID
	raw       map[string]bool              // key material, whatever its use
	invited   map[string]exchange.MemberID // by invitation: who came on it, not since the charter
}

func (u used) with(r *Roster) used {
	u = used{maps.Clone(u.members), maps.Clone(u.nodes), maps.Clone(u.addresses), maps.Clone(u.raw), maps.Clone(u.invited)}
	for _, m := range r.Members {
		u.members[m.ID] = true
		u.nodes[m.Node.ID] = m.ID
		u.addresses[m.Node.Address] = m.ID
		for _, k := range m.Keys {
			u.raw[rawKey(k)] = true
		}
	}
	return u
}

// Lineage begins the line with the charter of a verified genesis.
func (g Genesis) Lineage() (*Lineage, error) {
	c, err := ParseCharter(g.Charter)
	if err != nil {
		return nil, err
	}
	r := c.Roster()
	none := used{map[exchange.MemberID]bool{}, map[string]exchange.MemberID{}, map[string]exchange.MemberID{}, map[string]bool{}, map[string]exchange.MemberID{}}
	return &Lineage{charter: g.Digest(), roster: r, digest: g.Digest(), used: none.with(r)}, nil
}

// Roster is the newest roster of the line. It is read only.
func (l *Lineage) Roster() *Roster { return l.roster }

// Version is its version, 0 for the charter.
func (l *Lineage) Version() int { return l.roster.Version }

// Digest names it: what the next roster stands on.
func (l *Lineage) Digest() string { return l.digest }

// Parent is the line before its newest roster, nil for the charter alone.
func (l *Lineage) Parent() *Lineage { return l.parent }

// Endorsers are the seats that count for the newest roster, in the order of
// their endorsements.
func (l *Lineage) Endorsers() []exchange.MemberID { return l.endorsers }

// Paper is the newest roster as it was signed; empty for the charter.
func (l *Lineage) Paper() SignedRoster { return l.paper }

// Since gives the papers after a version, oldest first.
func (l *Lineage) Since(version int) []SignedRoster {
	var papers []SignedRoster
	for at := l; at != nil && at.Version() > version; at = at.parent {
		papers = append([]SignedRoster{at.paper}, papers...)
	}
	return papers
}

// At is the line as it was at an earlier version, nil if it never was.
func (l *Lineage) At(version int) *Lineage {
	for at := l; at != nil; at = at.parent {
		if at.Version() == version {
			return at
		}
	}
	return nil
}

// Owner is the member a node is or was of, empty for a stranger.
func (l *Lineage) Owner(node string) exchange.MemberID { return l.used.nodes[node] }

// Extend verifies that a signed roster follows this line, by signatures and the
// rules below, and by nothing else: no clock, no state. In this order, the first
// that fails is the answer:
//
//   - it is the next version and names the newest roster and the charter;
//   - it changes something;
//   - ids of members and nodes and keys that are new in it never stood in the line,
//     and an address never was another member's;
//   - at most one member's node gains or loses its vote, since raft's majorities
//     overlap only so, and at most MaxVoters vote;
//   - who has a new key or node shows that it holds them;
//   - as many seats of the roster before endorse these bytes as it asks for what
//     they change, none of them for its own place or seat.
func (l *Lineage) Extend(s SignedRoster, verify Verifier) (*Lineage, error) {
	if verify == nil {
		verify = jws.VerifyKind
	}
	next, err := ParseRoster([]byte(s.Document))
	if err != nil {
		return nil, err
	}
	digest := Digest([]byte(s.Document))
	if err := l.follows(next); err != nil {
		return nil, err
	}
	if err := l.fresh(next); err != nil {
		return nil, err
	}
	if err := l.oneStep(next); err != nil {
		return nil, err
	}
	if err := l.proven(next, s.Proofs, verify); err != nil {
		return nil, err
	}
	endorsers, err := l.endorsersOf(next, digest, s.Endorsements, verify)
	if err != nil {
		return nil, err
	}
	used := l.used.with(next)
	for _, a := range l.answers(next, s.Proofs, verify) {
		used.invited[a.invitation] = a.newcomer
	}
	return &Lineage{parent: l, charter: l.charter, roster: next, digest: digest, paper: s, endorsers: endorsers, used: used}, nil
}

// Draft checks a roster as far as it can be checked before anybody endorsed it.
func (l *Lineage) Draft(s SignedRoster) (*Roster, error) {
	next, err := ParseRoster([]byte(s.Document))
	if err != nil {
		return nil, err
	}
	for _, rule := range []func(*Roster) error{l.follows, l.fresh, l.oneStep,
		func(r *Roster) error { return l.proven(r, s.Proofs, jws.VerifyKind) },
		func(r *Roster) error { return l.invitedOnce(r, s.Proofs, jws.VerifyKind) }} {
		if err := rule(next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (l *Lineage) follows(next *Roster) error {
	if want := l.Version() + 1; next.Version != want {
		return ErrRosterVersion.With("got", next.Version, "want", want)
	}
	if next.Previous != l.digest || next.Charter != l.charter || next.Federation != l.roster.Federation {
		return ErrRosterPrevious.With()
	}
	same := next.Quorums == l.roster.Quorums && len(next.Members) == len(l.roster.Members)
	for i := 0; same && i < len(next.Members); i++ {
		same = sameListing(next.Members[i], l.roster.Members[i])
	}
	if same {
		return ErrRosterSame.With()
	}
	return nil
}

// fresh refuses everything that comes back or belongs to somebody else.
func (l *Lineage) fresh(next *Roster) error {
	for _, m := range next.Members {
		was, stays := l.roster.Member(m.ID)
		if !stays && l.used.members[m.ID] {
			return ErrRosterUsed.With("member", m.ID, "what", "id")
		}
		if _, seen := l.used.nodes[m.Node.ID]; seen && m.Node.ID != was.Node.ID {
			return ErrRosterUsed.With("member", m.ID, "what", "node id")
		}
		if owner, seen := l.used.addresses[m.Node.Address]; seen && owner != m.ID {
			return ErrRosterUsed.With("member", m.ID, "what", "address")
		}
		for _, k := range m.Keys {
			if l.used.raw[rawKey(k)] && !lists(was, k) {
				return ErrRosterUsed.With("member", m.ID, "what", "key for "+string(k.Use()))
			}
		}
	}
	return nil
}

func lists(m Founder, k keys.Public) bool {
	for _, have := range m.Keys {
		if have.Equal(k) {
			return true
		}
	}
	return false
}

// oneStep counts the members whose node gains, loses or hands over its vote.
func (l *Lineage) oneStep(next *Roster) error {
	changed := 0
	ballot := func(r *Roster, id exchange.MemberID) string {
		if m, ok := r.Member(id); ok && m.Node.Votes() {
			return m.Node.ID
		}
		return ""
	}
	for _, m := range next.Members {
		if ballot(l.roster, m.ID) != ballot(next, m.ID) {
			changed++
		}
	}
	for _, m := range l.roster.Members {
		if _, stays := next.Member(m.ID); !stays && m.Node.Votes() {
			changed++
		}
	}
	if changed > 1 {
		return ErrRosterStep.With("got", changed)
	}
	if got := next.Voters(); got > MaxVoters && got > l.roster.Voters() {
		return ErrRosterVoters.With("got", got, "max", MaxVoters)
	}
	return nil
}

// proven asks every member with a new key or node for an introduction that says
// exactly what the roster says.
func (l *Lineage) proven(next *Roster, proofs []string, verify Verifier) error {
	var shown []Introduction
	for _, token := range proofs {
		if in, ok := OpenIntroduction(token, verify); ok {
			shown = append(shown, in)
		}
	}
	for _, m := range next.Members {
		was, _ := l.roster.Member(m.ID)
		fresh := m.Node.ID != was.Node.ID
		for _, k := range m.Keys {
			fresh = fresh || !lists(was, k)
		}
		proof := !fresh
		for _, in := range shown {
			proof = proof || in.shows(next.Federation, m)
		}
		if !proof {
			return ErrRosterProof.With("member", m.ID)
		}
	}
	return nil
}

// answer is a newcomer and the invitation it answers.
type answer struct {
	invitation string
	newcomer   exchange.MemberID
}

// answers are the newcomers of a roster that came on an invitation.
func (l *Lineage) answers(next *Roster, proofs []string, verify Verifier) (all []answer) {
	for _, m := range next.Members {
		if l.used.members[m.ID] {
			continue
		}
		for _, token := range proofs {
			if in, ok := OpenIntroduction(token, verify); ok && in.Invitation != "" && in.shows(next.Federation, m) {
				all = append(all, answer{in.Invitation, m.ID})
				break
			}
		}
	}
	return all
}

// invitedOnce refuses a newcomer that answers an invitation which another member has
// come on. Founders have none: one invitation is sent to all of them.
func (l *Lineage) invitedOnce(next *Roster, proofs []string, verify Verifier) error {
	here := map[string]exchange.MemberID{}
	for _, a := range l.answers(next, proofs, verify) {
		by, spent := l.used.invited[a.invitation]
		if other, twice := here[a.invitation]; twice {
			by, spent = other, true
		}
		if spent {
			return ErrInvitationSpent.With("member", a.newcomer, "by", by)
		}
		here[a.invitation] = a.newcomer
	}
	return nil
}

// endorsersOf verifies every endorsement by the roster before, and counts the
// seats that have nothing of their own at stake.
func (l *Lineage) endorsersOf(next *Roster, digest string, tokens []string, verify Verifier) ([]exchange.MemberID, error) {
	want := RosterEndorsement{Federation: l.roster.Federation, Roster: digest, Version: next.Version}
	var seats []exchange.MemberID
	counted := map[exchange.MemberID]bool{}
	for i, token := range tokens {
		var by Founder
		t, err := verify(token, jws.Kind{Typ: jws.TypEndorsement, Use: keys.Command}, func(kid string) (keys.Public, error) {
			for _, m := range l.roster.Members {
				for _, k := range m.Keys {
					if m.Sits() && k.KID() == kid && k.Use() == keys.Command {
						by = m
						return k, nil
					}
				}
			}
			return keys.Public{}, jws.ErrKey
		})
		var got RosterEndorsement
		if err != nil || strictjson.Unmarshal(t.Payload, &got) != nil || got != want {
			return nil, ErrRosterEndorsement.With("n", i+1)
		}
		if then, stays := next.Member(by.ID); !counted[by.ID] && stays && then.Sits() {
			counted[by.ID] = true
			seats = append(seats, by.ID)
		}
	}
	if need := l.roster.Quorums.For(MattersOf(l.roster, next)...); len(seats) < need {
		return nil, ErrRosterQuorum.With("got", len(seats), "want", need)
	}
	return seats, nil
}
