package meeting

import "accord/exchange"

// The answers of the joint meeting.
var (
	ErrNoSeat = exchange.Define(exchange.KindForbidden, "MEET-001",
		exchange.Text{Zh: "{member} 在联席会议没有席位，不能提案或表决", En: "{member} has no seat in the joint meeting: it neither proposes nor votes"},
		exchange.Text{Zh: "由有席位的成员单位办理", En: "leave it to the members with seats"})
	ErrDeadline = exchange.Define(exchange.KindInvalid, "MEET-002",
		exchange.Text{Zh: "表决期限须晚于现在，且不超过 {days} 日", En: "the deadline must lie ahead, at most {days} days"},
		exchange.Text{Zh: "请改期限", En: "choose another deadline"})
	ErrTooMany = exchange.Define(exchange.KindRefused, "MEET-003",
		exchange.Text{Zh: "{member} 已有 {max} 项提案待表决", En: "{member} has {max} open proposals already"},
		exchange.Text{Zh: "请等其结束，或撤回（accord proposal withdraw）", En: "wait for one to end, or withdraw one (accord proposal withdraw)"})
	ErrKind = exchange.Define(exchange.KindInvalid, "MEET-004",
		exchange.Text{Zh: "提案称事项为 {said}，名册实际改变的是 {is}", En: "the proposal says {said}, the roster is about {is}"},
		exchange.Text{Zh: "一项提案一个事项；请按名册所改的事项提出，或分开提出", En: "one matter a proposal: say what the roster does, or make several"})
	ErrHopeless = exchange.Define(exchange.KindRefused, "MEET-005",
		exchange.Text{Zh: "此事项须 {quorum} 个席位同意，有权表决的只有 {seats} 个", En: "{quorum} seats must say yes, only {seats} may vote on it"},
		exchange.Text{Zh: "请先调整章程的法定席位数", En: "change the quorums first"})
	ErrNotice = exchange.Define(exchange.KindInvalid, "MEET-006",
		exchange.Text{Zh: "目录须至少提前 {hours} 小时公告", En: "a catalogue is announced at least {hours} hours before it counts"},
		exchange.Text{Zh: "请改生效时间；放宽查阅的目录须待 24 小时", En: "choose a later time; one that lets somebody see more waits 24 hours"})
	ErrTaken = exchange.Define(exchange.KindConflict, "MEET-007",
		exchange.Text{Zh: "此事项已有提案 {id}（{status}）", En: "proposal {id} is about the same matter ({status})"},
		exchange.Text{Zh: "请看该提案（accord proposal show）", En: "look at that one (accord proposal show)"})
	ErrParty = exchange.Define(exchange.KindInvalid, "MEET-008",
		exchange.Text{Zh: "当事单位 {member} 不是成员", En: "the party {member} is no member"},
		exchange.Text{Zh: "请核对成员标识", En: "check the member's id"})
	ErrUnknown = exchange.Define(exchange.KindNotFound, "MEET-010",
		exchange.Text{Zh: "没有提案 {id}", En: "there is no proposal {id}"},
		exchange.Text{Zh: "现有提案见 accord proposal list", En: "accord proposal list names them"})
	ErrNotOpen = exchange.Define(exchange.KindConflict, "MEET-011",
		exchange.Text{Zh: "提案 {id} 的表决已结束（{status}）", En: "the vote on proposal {id} is over ({status})"},
		exchange.Text{Zh: "结果见 accord proposal show；需要时重新提案", En: "see accord proposal show; propose anew if need be"})
	ErrMoot = exchange.Define(exchange.KindConflict, "MEET-012",
		exchange.Text{Zh: "提案 {id} 已失去对象：{why}第 {version} 版已先行生效", En: "proposal {id} is moot: {why} version {version} came first"},
		exchange.Text{Zh: "请以现行版本为基础重新起草并提案", En: "draft it anew from the one in force and propose that"})
	ErrBarred = exchange.Define(exchange.KindForbidden, "MEET-013",
		exchange.Text{Zh: "{member} 不得就本单位的去留、席位或争议表决", En: "{member} has no vote on its own place, seat or dispute"},
		exchange.Text{Zh: "由其余席位表决", En: "leave it to the other seats"})
	ErrVoted = exchange.Define(exchange.KindConflict, "MEET-014",
		exchange.Text{Zh: "{member} 已表决（{choice}），不得更改", En: "{member} has voted ({choice}); a vote stands"},
		exchange.Text{Zh: "已签署的同意无法收回；由提案单位撤回后可重新提案", En: "what was signed cannot be unsigned; the proposer may withdraw and propose anew"})
	ErrEndorsement = exchange.Define(exchange.KindUnverified, "MEET-015",
		exchange.Text{Zh: "赞成票所附同意书无效", En: "the endorsement that comes with the vote does not hold"},
		exchange.Text{Zh: "须由表决单位以现行指令密钥签署本联合体、本文件的摘要和版本（目录另须生效时间）", En: "the voter's command key in force signs this federation, this document's digest and version, and a catalogue's date"})
	ErrNotProposer = exchange.Define(exchange.KindForbidden, "MEET-016",
		exchange.Text{Zh: "只有提案单位 {member} 可以撤回", En: "only its proposer {member} withdraws it"},
		exchange.Text{Zh: "请联系提案单位，或投反对票", En: "ask the proposer, or vote no"})
)
