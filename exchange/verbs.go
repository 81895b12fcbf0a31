package exchange

// Verb says what a command wants done. Its text is part of the wire format and
// never changes its meaning; package machine gives every verb a number and the
// machine version it came with.
type Verb string

// The verbs of machine version 1.
const (
	VerbNominate       Verb = "list.nominate"   // 拟列入: put entries on lists, their notice begins
	VerbWithdraw       Verb = "list.withdraw"   // take an entry back during its notice
	VerbRemove         Verb = "list.remove"     // 移出: take a listed entry off, for a reason
	VerbReleaseRequest Verb = "release.request" // ask for sealed fields of a record
	VerbReleaseApprove Verb = "release.approve" // the author consents where the rule wants it
	VerbReleaseDeny    Verb = "release.deny"    // the author refuses its consent
	VerbReleaseDeliver Verb = "release.deliver" // the author says what it delivered
	VerbReleaseOpen    Verb = "release.open"    // the requester says what it opened
	VerbAdopt          Verb = "catalogue.adopt" // a new catalogue version takes effect
	VerbRoster         Verb = "members.roster"  // a new roster takes effect: who belongs, keys, nodes
	VerbAnnounce       Verb = "node.announce"   // a node says which machine version it can apply
)

// The verbs of machine version 2.
const (
	VerbRecover Verb = "members.recover" // the signed plan by which the ledger went on after a quorum was lost
)

// The verbs of machine version 3.
const (
	VerbFeedAnchor Verb = "feed.anchor" // an author's feed has this size and root
)

// The verbs of machine version 4 about subjects.
const (
	VerbSubjectComplain Verb = "subject.complain" // 投诉: a subject complains about a release
	VerbSubjectAnswer   Verb = "subject.answer"   // whoever asked answers the complaint
	VerbSubjectApply    Verb = "subject.apply"    // 依申请公开: a subject applies for sealed fields of its record
	VerbSubjectDecide   Verb = "subject.decide"   // the record's author hands them out, or says why not
	VerbSubjectObject   Verb = "subject.object"   // 异议: a subject objects to an entry or a record
	VerbSubjectSettle   Verb = "subject.settle"   // whoever nominated or authored it decides the objection
)

// The verbs of machine version 4 on releases.
const (
	VerbReleaseSecond   Verb = "release.second"   // a second person of the requester stands by a bulk request
	VerbReleaseJustify  Verb = "release.justify"  // the requester says why it was an emergency
	VerbReleaseConsent  Verb = "release.consent"  // the requester presents the subject's consent
	VerbReleaseWithdraw Verb = "release.withdraw" // the member that signed a consent takes it back for the subject
)

// The verbs of machine version 4.
const (
	VerbPropose        Verb = "meeting.propose"  // 提案: a matter is put before the joint meeting
	VerbVote           Verb = "meeting.vote"     // 表决: a seat's vote, which may carry the proposal
	VerbWithdrawMotion Verb = "meeting.withdraw" // the proposer takes it back
	VerbCustodyDeposit Verb = "custody.deposit"  // 托管: which statements on the custody of records count
	VerbCustodyDeliver Verb = "custody.deliver"  // a custodian says what it delivered under a release
	VerbCustodyOpen    Verb = "custody.open"     // the requester says by whose answers it opened a release
	VerbBlindingDeal   Verb = "blinding.deal"    // 盲化密钥: a holder deals its share on to the next holders
	VerbBlindingAccept Verb = "blinding.accept"  // a next holder keeps its share
	VerbBlindingRefuse Verb = "blinding.refuse"  // a party ends the change
)

// wellFormed says whether v looks like a verb: lower-case words with dots.
func (v Verb) wellFormed() bool {
	if len(v) < 3 || len(v) > 64 {
		return false
	}
	dot := 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c >= 'a' && c <= 'z':
		case c == '.' && i > 0 && i < len(v)-1 && v[i-1] != '.':
			dot++
		default:
			return false
		}
	}
	return dot > 0
}
