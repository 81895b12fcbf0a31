package release

import "accord/exchange"

// The answers of the release verbs.
var (
	ErrAuthor = exchange.Define(exchange.KindRefused, "REL-001",
		exchange.Text{Zh: "记录作者 {author} 不是成员单位", En: "the record's author {author} is no member"},
		exchange.Text{Zh: "请核对记录引用", En: "check whose record it is"})
	ErrOwn = exchange.Define(exchange.KindRefused, "REL-002",
		exchange.Text{Zh: "查阅本单位的记录无需授权", En: "one's own record needs no release"},
		exchange.Text{Zh: "请直接查阅本单位记录", En: "read it from your own store"})
	ErrUnknown = exchange.Define(exchange.KindNotFound, "REL-003",
		exchange.Text{Zh: "没有授权请求 {id}", En: "there is no release {id}"},
		exchange.Text{Zh: "请核对请求编号", En: "check the id"})
	ErrNotAuthor = exchange.Define(exchange.KindForbidden, "REL-004",
		exchange.Text{Zh: "只有记录作者 {author} 可以批准、拒绝或交付", En: "only the record's author {author} approves, denies or delivers"},
		exchange.Text{Zh: "请由记录作者办理", En: "the author has to do it"})
	ErrNotRequester = exchange.Define(exchange.KindForbidden, "REL-005",
		exchange.Text{Zh: "只有请求方 {requester} 可以确认查阅", En: "only the requester {requester} says that it opened it"},
		exchange.Text{Zh: "请由请求方办理", En: "the requester has to do it"})
	ErrStatus = exchange.Define(exchange.KindConflict, "REL-006",
		exchange.Text{Zh: "请求状态为 {status}，须为 {want}", En: "the release is {status}, it would have to be {want}"},
		exchange.Text{Zh: "请重新查看；逾期的须重新请求", En: "look at it again; what has lapsed must be asked anew"})
	ErrReceipt = exchange.Define(exchange.KindUnverified, "REL-007",
		exchange.Text{Zh: "查阅的摘要与交付的不一致", En: "the digest opened is not the one delivered"},
		exchange.Text{Zh: "请核对收到的文件；如被替换请联系作者", En: "check the envelope received; tell the author if it was replaced"})
	ErrTaken = exchange.Define(exchange.KindConflict, "REL-008",
		exchange.Text{Zh: "请求编号已被使用", En: "the release id is used already"},
		exchange.Text{Zh: "请以新的指令编号重新提出", En: "ask again under a fresh command id"})
	ErrRequesterApproves = exchange.Define(exchange.KindForbidden, "REL-009",
		exchange.Text{Zh: "请求方 {requester} 不能批准或拒绝自己的请求", En: "the requester {requester} does not judge its own request"},
		exchange.Text{Zh: "请由规则所列的其他单位办理", En: "another member that its rule names has to do it"})
	ErrNotApprover = exchange.Define(exchange.KindForbidden, "REL-010",
		exchange.Text{Zh: "成员单位 {member} 不在该规则的批准单位之列", En: "member {member} is none that may approve under the rule"},
		exchange.Text{Zh: "见 accord release show 所列批准单位", En: "accord release show says who may"})
	ErrPerson = exchange.Define(exchange.KindForbidden, "REL-011",
		exchange.Text{Zh: "经办人 {operator} 已参与该请求，不能再次计入", En: "operator {operator} has a part in the request already and counts once"},
		exchange.Text{Zh: "请由另一人办理；不同单位的不同人员须用不同的经办人名", En: "another person has to do it; two persons of two members need two operator names"})
	ErrApproval = exchange.Define(exchange.KindConflict, "REL-012",
		exchange.Text{Zh: "该请求的批准方式为 {approval}，不能这样办理", En: "the request is approved otherwise: {approval}"},
		exchange.Text{Zh: "consent：由请求方出示主体同意；meeting：由联席会议表决；persons、author：由所列人员批准", En: "consent: the requester presents the subject's; meeting: the joint meeting votes; persons, author: those named approve"})
	ErrConsent = exchange.Define(exchange.KindUnverified, "REL-013",
		exchange.Text{Zh: "主体同意不成立（{why}）", En: "the subject's consent does not hold ({why})"},
		exchange.Text{Zh: "请由受理同意的成员单位重新签署", En: "have the member that took it sign another"})
	ErrRules = exchange.Define(exchange.KindRefused, "REL-014",
		exchange.Text{Zh: "请求依据目录第 {asked} 版，现行第 {now} 版不再准予或要求其他批准", En: "it was asked under version {asked} of the catalogue; version {now} does not grant it, or wants other approvals"},
		exchange.Text{Zh: "请按现行目录重新请求", En: "ask anew under the catalogue in force"})
	ErrGone = exchange.Define(exchange.KindRefused, "REL-015",
		exchange.Text{Zh: "请求方 {requester} 已不是成员单位", En: "the requester {requester} is no member any more"},
		exchange.Text{Zh: "不得再向其交付", En: "nothing is delivered to it"})
	ErrOneRecord = exchange.Define(exchange.KindConflict, "REL-016",
		exchange.Text{Zh: "该请求只涉及一条记录，无需第二人", En: "the request is about one record and takes no second person"},
		exchange.Text{Zh: "用 accord release show 查看所需批准", En: "accord release show says what it needs"})
	ErrNoEmergency = exchange.Define(exchange.KindConflict, "REL-017",
		exchange.Text{Zh: "该请求不是已准予的紧急调用", En: "the request is no emergency that was granted"},
		exchange.Text{Zh: "无需说明理由", En: "there is nothing to justify"})
	ErrJustified = exchange.Define(exchange.KindConflict, "REL-018",
		exchange.Text{Zh: "该紧急调用已说明理由", En: "the emergency has been justified"},
		exchange.Text{Zh: "用 accord release show 查看", En: "see accord release show"})
)
