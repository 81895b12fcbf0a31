package bundle

// Text is the same sentence in Chinese and English.
type Text struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// In picks the language: "en", or else Chinese.
func (t Text) In(lang string) string {
	if lang == "en" {
		return t.En
	}
	return t.Zh
}

// Status is the result of one check.
type Status string

// The results. NotCompared is neither good nor bad: nobody gave a trust anchor
// to compare with.
const (
	Passed      Status = "ok"
	Failed      Status = "failed"
	NotCompared Status = "not-compared"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`             // stable, for machines: see the table of checks
	Ref    string `json:"ref,omitempty"`    // what it was looked at in: "command 12", "document 0", "member court"
	Status Status `json:"status"`           //
	Text   Text   `json:"text"`             // what the result means
	Detail string `json:"detail,omitempty"` // for experts, English, quotes nothing private
}

// ReportFormat names the form of a Report as JSON.
const ReportFormat = "accord-verification/1"

// Report is the outcome of Verify. OK says that no check failed; Anchored says
// that, besides, a trust anchor was given and fits.
type Report struct {
	Format     string            `json:"format"`
	OK         bool              `json:"ok"`
	Anchored   bool              `json:"anchored"`
	Federation string            `json:"federation,omitempty"`
	Name       *Text             `json:"name,omitempty"` // as the charter has it
	Charter    string            `json:"charter_digest,omitempty"`
	Roster     int               `json:"roster,omitempty"` // version of the newest roster, 0 for the charter
	Checkpoint *CheckpointReport `json:"checkpoint,omitempty"`
	Commands   []CommandReport   `json:"commands,omitempty"`
	Documents  []DocumentReport  `json:"documents,omitempty"`
	Lists      *ListsReport      `json:"lists,omitempty"`    // the members' word on the lists
	Accesses   *AccessesReport   `json:"accesses,omitempty"` // the members' word on who asked for records
	Fork       *ForkReport       `json:"fork,omitempty"`     // of a fork's evidence
	Feed       *FeedReport       `json:"feed,omitempty"`     // of a feed's evidence
	Proof      *ProofReport      `json:"proof,omitempty"`    // of a stand-alone proof
	Paper      *PaperReport      `json:"paper,omitempty"`    // of a code that was scanned
	Checks     []Check           `json:"checks"`
}

// CheckpointReport tells what the checkpoint states and who cosigned it.
type CheckpointReport struct {
	Origin    string     `json:"origin"`
	Size      int64      `json:"size"`
	Root      string     `json:"root"`
	Quorum    int        `json:"quorum"`
	Cosigners []Cosigner `json:"cosigners"`
}

// Cosigner is a member whose valid cosignature the checkpoint bears.
type Cosigner struct {
	Member string `json:"member"`
	Unix   int64  `json:"unix"` // seconds, as the cosignature states
}

// CommandReport tells what a command says about itself, verified or not: see
// OK.
type CommandReport struct {
	Index    int64   `json:"index"`
	OK       bool    `json:"ok"`
	Outcome  Outcome `json:"outcome"`
	ID       string  `json:"id,omitempty"`
	Issuer   string  `json:"iss,omitempty"`
	Operator string  `json:"op,omitempty"`
	Verb     string  `json:"verb,omitempty"`
	Time     int64   `json:"iat,omitempty"` // Unix ms
}

// DocumentReport tells what a document says about itself, verified or not: see
// OK. Disclosed fields are listed by name; their values only if they were asked
// for.
type DocumentReport struct {
	Kind      string      `json:"kind"`
	OK        bool        `json:"ok"`
	Issuer    string      `json:"iss,omitempty"`
	Type      string      `json:"vct,omitempty"`
	Subject   string      `json:"sub,omitempty"` // of organisations; other subjects only if asked for
	RestsOn   *int64      `json:"rests_on,omitempty"`
	Disclosed []Disclosed `json:"disclosed,omitempty"`

	Answer  *CreditCheck  `json:"answer,omitempty"`        // of a credit check
	Report  *CreditReport `json:"credit_report,omitempty"` // of a credit report
	Expired bool          `json:"expired,omitempty"`       // the report is not valid any more
	Minutes *Minutes      `json:"minutes,omitempty"`       // of minutes
}

// ListsReport tells of the members' word on the lists of one position.
type ListsReport struct {
	Position  int64          `json:"position"`
	At        int64          `json:"at"` // Unix ms
	Cosigners []Cosigner     `json:"cosigners"`
	Absent    []AbsentReport `json:"absent,omitempty"`
}

// AbsentReport says that a subject was not on a list, if OK.
type AbsentReport struct {
	List    string `json:"list"`
	Subject string `json:"sub,omitempty"` // of organisations; other subjects only if asked for
	OK      bool   `json:"ok"`
}

// AccessesReport tells of the members' word on who asked for records.
type AccessesReport struct {
	Position  int64            `json:"position"`
	Cosigners []Cosigner       `json:"cosigners"`
	Records   []AccessedReport `json:"records,omitempty"`
}

// AccessedReport says that the file holds every command about a record, if OK.
type AccessedReport struct {
	Record string `json:"record"`
	Count  int64  `json:"count"` // of them in the file
	OK     bool   `json:"ok"`
}

// Disclosed is one private field that the document discloses.
type Disclosed struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"` // JSON text, only if asked for
}

// add records the result of a check: passed if err is nil.
func (r *Report) add(name, ref string, err error) bool {
	if err == nil {
		r.Checks = append(r.Checks, Check{Name: name, Ref: ref, Status: Passed, Text: checks[name].passed})
		return true
	}
	r.Checks = append(r.Checks, Check{Name: name, Ref: ref, Status: Failed, Text: checks[name].failed, Detail: err.Error()})
	r.OK = false
	return false
}

// The names of the checks.
const (
	CheckForm            = "bundle.form"
	CheckCharterForm     = "charter.form"
	CheckFederation      = "charter.federation"
	CheckFounder         = "charter.signature"
	CheckTrust           = "charter.trust"
	CheckCharterLogged   = "charter.logged"
	CheckNote            = "checkpoint.signatures"
	CheckQuorum          = "checkpoint.quorum"
	CheckPolicy          = "checkpoint.trust"
	CheckChange          = "members.change"
	CheckCommandForm     = "command.form"
	CheckCommandSigned   = "command.signature"
	CheckCommandIssuer   = "command.issuer"
	CheckCommandLogged   = "command.inclusion"
	CheckDocumentKind    = "document.kind"
	CheckDocumentSigned  = "document.signature"
	CheckDocumentIssuer  = "document.issuer"
	CheckDocumentRests   = "document.rests-on"
	CheckDocumentBinding = "document.binding"
)

// The checks of answers.
const (
	CheckListsNote     = "lists.note"
	CheckListsQuorum   = "lists.quorum"
	CheckListsPosition = "lists.position"
	CheckAbsent        = "lists.absent"
	CheckAnswer        = "document.answer"
	CheckMinutes       = "document.minutes"
	CheckPaper         = "paper.signature"
	CheckPaperFile     = "paper.report"
)

// The checks of access logs.
const (
	CheckAccessesNote     = "accesses.note"
	CheckAccessesQuorum   = "accesses.quorum"
	CheckAccessesPosition = "accesses.position"
	CheckAccessesWhole    = "accesses.whole"
)

type texts struct{ passed, failed Text }

// checks is the table of all checks and what their results mean.
var checks = map[string]texts{
	CheckForm: {Text{"证据文件格式正确", "the file is a well-formed bundle"},
		Text{"证据文件格式不正确或版本不明", "the file is not a bundle of a known format"}},
	CheckCharterForm: {Text{"章程可读，成员单位公钥齐全", "the charter reads and lists its members' keys"},
		Text{"章程无法读取或内容不合规", "the charter does not read or contradicts itself"}},
	CheckFederation: {Text{"章程属于本联合体", "the charter is this federation's"},
		Text{"章程属于另一联合体", "the charter is another federation's"}},
	CheckFounder: {Text{"发起单位已签署章程", "the founder signed the charter"},
		Text{"缺少发起单位对章程的有效签名", "the founder's valid signature under the charter is missing"}},
	CheckTrust: {Text{"章程摘要与所给摘要一致", "the charter's digest is the one given"},
		Text{"章程摘要与所给摘要不一致：这不是您信任的联合体", "the charter's digest is not the one given: this is not the federation you trust"}},
	CheckCharterLogged: {Text{"章程已记入账本", "the charter is in the ledger"},
		Text{"不能证明章程已记入账本", "the charter is not proven to be in the ledger"}},
	CheckNote: {Text{"检查点属于本联合体账本，共签有效", "the checkpoint is of this federation's ledger and its cosignatures are valid"},
		Text{"检查点不是本联合体账本的，或共签无效", "the checkpoint is not of this federation's ledger, or a cosignature is invalid"}},
	CheckQuorum: {Text{"共签单位数达到章程或最新名册的要求", "as many members cosigned as the charter or the newest roster asks"},
		Text{"共签单位数未达到章程或最新名册的要求", "fewer members cosigned than the charter or the newest roster asks"}},
	CheckPolicy: {Text{"检查点符合所给共签策略", "the checkpoint satisfies the policy given"},
		Text{"检查点不符合所给共签策略", "the checkpoint does not satisfy the policy given"}},
	CheckChange: {Text{"名册由前一名册的席位签署生效，成员与密钥以其为准", "enough seats of the roster before endorsed this one, and members and keys go by it"},
		Text{"名册不能接续前一名册，或密钥变更种类不明，拒绝猜测", "the roster does not follow from the one before, or the change of keys is of a kind this version does not know"}},
	CheckCommandForm: {Text{"指令内容可读，属于本联合体", "the command reads and is this federation's"},
		Text{"指令内容无法读取，或属于另一联合体", "the command does not read, or is another federation's"}},
	CheckCommandSigned: {Text{"指令签名有效", "the command's signature is valid"},
		Text{"指令签名无效", "the command's signature is not valid"}},
	CheckCommandIssuer: {Text{"签名密钥当时属于发出单位", "the signing key was the issuer's at that time"},
		Text{"签名密钥当时不属于发出单位", "the signing key was not the issuer's at that time"}},
	CheckCommandLogged: {Text{"指令及其结果已记入账本", "the command is in the ledger with this outcome"},
		Text{"不能证明指令及其结果已记入账本", "the command is not proven to be in the ledger with this outcome"}},
	CheckDocumentKind: {Text{"文书种类已知", "the document is of a known kind"},
		Text{"文书种类不明", "the document is of an unknown kind"}},
	CheckDocumentSigned: {Text{"文书签名有效，披露内容与签名一致", "the document's signature is valid and covers what is disclosed"},
		Text{"文书签名无效，或披露内容与签名不一致", "the document's signature is not valid, or does not cover what is disclosed"}},
	CheckDocumentIssuer: {Text{"签名密钥属于文书出具单位", "the signing key is the document's issuer's"},
		Text{"签名密钥不属于文书出具单位", "the signing key is not the document's issuer's"}},
	CheckDocumentRests: {Text{"文书原文载于所依据的指令", "the document stands word for word in the command it rests on"},
		Text{"文书原文不在所依据的指令中", "the document does not stand in the command it rests on"}},
	CheckDocumentBinding: {Text{"开放内容绑定于申请单位及其申请", "the release is bound to its requester and request"},
		Text{"开放内容未绑定于申请单位及其申请", "the release is not bound to its requester and request"}},
	CheckListsNote: {Text{"名单摘要属于该位置和时刻，共签有效", "the digest of the lists is of this position and time and its cosignatures are valid"},
		Text{"名单摘要不是该位置和时刻的，或共签无效", "the digest of the lists is of another position or time, or a cosignature is invalid"}},
	CheckListsQuorum: {Text{"共签名单摘要的单位数达到要求", "as many members cosigned the digest of the lists as must"},
		Text{"共签名单摘要的单位数未达到要求", "fewer members cosigned the digest of the lists than must"}},
	CheckListsPosition: {Text{"名单摘要与检查点是账本的同一位置", "the digest of the lists is of the checkpoint's position"},
		Text{"名单摘要与检查点不是账本的同一位置", "the digest of the lists is of another position than the checkpoint"}},
	CheckAbsent: {Text{"已证明主体不在该名单上", "the subject is proven not to be on the list"},
		Text{"不能证明主体不在该名单上", "it is not proven that the subject is not on the list"}},
	CheckAccessesNote: {Text{"查阅摘要属于该位置，共签有效", "the digest of who asked is of this position and its cosignatures are valid"},
		Text{"查阅摘要不是该位置的，或共签无效", "the digest of who asked is of another position, or a cosignature is invalid"}},
	CheckAccessesQuorum: {Text{"共签查阅摘要的单位数达到要求", "as many members cosigned the digest of who asked as must"},
		Text{"共签查阅摘要的单位数未达到要求", "fewer members cosigned the digest of who asked than must"}},
	CheckAccessesPosition: {Text{"查阅摘要与检查点是账本的同一位置", "the digest of who asked is of the checkpoint's position"},
		Text{"查阅摘要与检查点不是账本的同一位置", "the digest of who asked is of another position than the checkpoint"}},
	CheckAccessesWhole: {Text{"关于该记录的全部查阅指令都在文件中，一条不缺", "every command about the record is in the file, none is missing"},
		Text{"关于该记录的查阅指令有缺失或不符", "commands about the record are missing from the file, or are others"}},
	CheckAnswer: {Text{"答复所列各项均有文件中的证明", "what the answer says is proven in the file"},
		Text{"答复与文件中的证明不符", "the answer and what the file proves differ"}},
	CheckMinutes: {Text{"纪要所载提案、表决和结果均有账本上的指令为证", "the proposal, the votes and the outcome are those of the commands in the file"},
		Text{"纪要与账本上的指令不符", "the minutes and the commands in the file differ"}},
	CheckPaper: {Text{"纸质报告的查验码由成员单位签署", "a member signed the code of the paper"},
		Text{"查验码不是本联合体成员单位签署的，或与报告不符", "no member of this federation signed the code, or it is not of the report"}},
	CheckPaperFile: {Text{"查验码属于文件中的报告，或属于其所取代的较早报告", "the code is of the report in the file, or of an earlier one whose place it took"},
		Text{"查验码属于另一份报告", "the code is of another report"}},
	CheckForkForm: {Text{"分叉证据格式正确", "the file is well-formed evidence of a fork"},
		Text{"分叉证据格式不正确", "the file is not well-formed evidence of a fork"}},
	CheckForkNote: {Text{"检查点有成员单位的有效签名", "the checkpoint bears a member's valid signature"},
		Text{"检查点没有成员单位的有效签名", "the checkpoint bears no member's valid signature"}},
	CheckForkLink: {Text{"一致性证明成立", "the consistency proof holds"},
		Text{"一致性证明不成立", "the consistency proof does not hold"}},
	CheckForkConflict: {Text{"同一条数有两个不同的根，均有签名：账本已分叉", "two different roots of one size are signed: the ledger is forked"},
		Text{"没有证明分叉：这些检查点可以属于同一账本", "no fork is proven: these checkpoints can be of one ledger"}},
	CheckFeedForm: {Text{"记录流证据格式正确", "the file is well-formed evidence about a feed"},
		Text{"记录流证据格式不正确", "the file is not well-formed evidence about a feed"}},
	CheckFeedNote: {Text{"检查点由该单位签署", "the checkpoint is signed by the author"},
		Text{"检查点没有该单位的有效签名", "the checkpoint does not bear the author's valid signature"}},
	CheckFeedLink: {Text{"检查点所示的较早部分得到证明", "what the checkpoint says of an earlier size is proved"},
		Text{"检查点与较早部分的关系未得到证明", "what the checkpoint says of an earlier size is not proved"}},
	CheckFeedAnchor: {Text{"锚点由该单位签署", "the anchor is signed by the author"},
		Text{"锚点不是该单位签署的", "the anchor is not signed by the author"}},
	CheckFeedEntry: {Text{"条目在该单位签署的检查点之内", "the entry is in a checkpoint that the author signed"},
		Text{"条目不在检查点之内", "the entry is not in the checkpoint"}},
	CheckFeedDocument: {Text{"条目所指文书并未由该单位的密钥签署", "the entry's document is not signed with the author's key"},
		Text{"没有证明文书未签署", "it is not proved that the document is unsigned"}},
	CheckFeedProves: {Text{"证据成立，见“证明”一行", "the file proves something, see the line \"proves\""},
		Text{"对第三方不构成证明：只有举报方的说法", "it proves nothing to others: there is the accuser's word alone"}},
	CheckProofForm: {Text{"证明文件格式正确", "the proof file is well-formed"},
		Text{"证明文件格式不正确", "the proof file is not well-formed"}},
	CheckProofLeaf: {Text{"附带的叶是账本的叶", "the leaf that comes with it is a ledger's"},
		Text{"没有附带账本的叶", "no ledger leaf comes with it"}},
	CheckProofHolds: {Text{"证明成立", "the proof holds"},
		Text{"证明不成立", "the proof does not hold"}},
	CheckProofPolicy: {Text{"检查点符合所给共签策略", "the checkpoint satisfies the policy given"},
		Text{"检查点不符合所给共签策略，或未给出策略", "the checkpoint does not satisfy the policy given, or none was given"}},
}

// notCompared is the text of CheckTrust when there is nothing to compare with.
var notCompared = Text{
	"未给出章程摘要，未作比对：请通过电话等独立渠道核对章程摘要",
	"no charter digest was given, so it was not compared here: compare it by phone",
}
