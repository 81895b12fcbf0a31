package lists

import "accord/exchange"

// The answers of the list verbs.
var (
	ErrDocument = exchange.Define(exchange.KindInvalid, "LIST-001",
		exchange.Text{Zh: "名单条目文书格式不正确：{why}", En: "the entry's document is malformed: {why}"},
		exchange.Text{Zh: "请用当前版本的客户端重新生成条目", En: "make the entry again with a current client"})
	ErrSignature = exchange.Define(exchange.KindUnverified, "LIST-002",
		exchange.Text{Zh: "条目文书签名未通过验证", En: "the signature of the entry's document does not verify"},
		exchange.Text{Zh: "须由提名单位的证明密钥签署", En: "it must be signed with the nominator's attest key"})
	ErrForeign = exchange.Define(exchange.KindRefused, "LIST-003",
		exchange.Text{Zh: "条目文书的 {claim} 与指令不一致", En: "the {claim} of the entry's document is not that of the command"},
		exchange.Text{Zh: "请以现行目录、本单位名义重新签发条目", En: "issue it again, by the same member, under the catalogue in force"})
	ErrList = exchange.Define(exchange.KindRefused, "LIST-004",
		exchange.Text{Zh: "目录中没有名单 {list}", En: "the catalogue has no list {list}"},
		exchange.Text{Zh: "请使用目录所列名单", En: "name a list of the catalogue in force"})
	ErrNominator = exchange.Define(exchange.KindForbidden, "LIST-005",
		exchange.Text{Zh: "{kind} 不得向名单 {list} 提名", En: "a {kind} may not nominate for list {list}"},
		exchange.Text{Zh: "请由目录所列单位提名", En: "ask a member of a kind that the catalogue names"})
	ErrSubject = exchange.Define(exchange.KindRefused, "LIST-006",
		exchange.Text{Zh: "名单 {list} 不收录信用主体类型 {kind}，或其标识不符", En: "list {list} does not take subjects of kind {kind}, or the id is not of that kind"},
		exchange.Text{Zh: "请核对信用主体类型和标识", En: "check the subject's kind and id"})
	ErrName = exchange.Define(exchange.KindRefused, "LIST-007",
		exchange.Text{Zh: "条目公开名称不合规", En: "the entry's public name is not acceptable"},
		exchange.Text{Zh: "自然人姓名不得公开写入；其他名称不得超过目录规定的长度", En: "a person's name is never in clear; other names keep the catalogue's length"})
	ErrGround = exchange.Define(exchange.KindRefused, "LIST-008",
		exchange.Text{Zh: "名单 {list} 没有列入事由 {ground}", En: "list {list} knows no ground {ground}"},
		exchange.Text{Zh: "请使用目录所列事由（accord list kinds）", En: "name a ground of that list (accord list kinds)"})
	ErrEvidence = exchange.Define(exchange.KindRefused, "LIST-009",
		exchange.Text{Zh: "事由 {ground} 缺少所需依据", En: "ground {ground} lacks the evidence it needs"},
		exchange.Text{Zh: "请引用目录规定类别的信用记录；没有规定类别的须引用决定文书", En: "name a record of one of its categories by an author of that category, or a decision document where it has none"})
	ErrTerm = exchange.Define(exchange.KindRefused, "LIST-010",
		exchange.Text{Zh: "列入期限须为 {min} 至 {max} 天", En: "the term is between {min} and {max} days"},
		exchange.Text{Zh: "请调整期限", En: "change the term"})
	ErrMeasure = exchange.Define(exchange.KindRefused, "LIST-011",
		exchange.Text{Zh: "名单 {list} 没有奖惩措施 {measure}", En: "list {list} knows no measure {measure}"},
		exchange.Text{Zh: "请使用目录所列措施（accord list kinds）", En: "name measures of that list (accord list kinds)"})
	ErrUsed = exchange.Define(exchange.KindConflict, "LIST-012",
		exchange.Text{Zh: "条目编号 {id} 已被使用", En: "the entry id {id} is used already"},
		exchange.Text{Zh: "请重新签发条目，编号随机生成", En: "issue it again under a fresh random id"})
	ErrActive = exchange.Define(exchange.KindConflict, "LIST-013",
		exchange.Text{Zh: "该主体以同一事由已在名单 {list}（条目 {id}）", En: "the subject is on list {list} for this ground already (entry {id})"},
		exchange.Text{Zh: "请先了结现有条目", En: "end the entry that stands first"})
	ErrCount = exchange.Define(exchange.KindRefused, "LIST-014",
		exchange.Text{Zh: "一条指令至多 {max} 个条目", En: "at most {max} entries in one command"},
		exchange.Text{Zh: "请分几条指令提交", En: "split it into several commands"})
	ErrUnknown = exchange.Define(exchange.KindNotFound, "LIST-015",
		exchange.Text{Zh: "没有名单条目 {id}", En: "there is no entry {id}"},
		exchange.Text{Zh: "请核对条目编号", En: "check the id"})
	ErrNotYours = exchange.Define(exchange.KindForbidden, "LIST-016",
		exchange.Text{Zh: "条目由 {by} 提名，其他单位不得撤回或移出", En: "{by} nominated the entry; others can neither withdraw nor remove it"},
		exchange.Text{Zh: "请联系提名单位，或提出异议", En: "write to the nominator, or object"})
	ErrStatus = exchange.Define(exchange.KindConflict, "LIST-017",
		exchange.Text{Zh: "条目状态为 {status}，须为 {want}", En: "the entry is {status}, it would have to be {want}"},
		exchange.Text{Zh: "公示期内用撤回，列入后用移出", En: "withdraw during the notice, remove once it is listed"})
	ErrExpect = exchange.Define(exchange.KindConflict, "LIST-018",
		exchange.Text{Zh: "条目已被修改：版本 {version}，预期 {expect}", En: "the entry was changed: it has version {version}, expected was {expect}"},
		exchange.Text{Zh: "请重新查看后再操作", En: "look at it again and repeat"})
	ErrTime = exchange.Define(exchange.KindRefused, "LIST-019",
		exchange.Text{Zh: "条目签发时间晚于指令时间", En: "the entry was issued after the command"},
		exchange.Text{Zh: "请校准时钟后重新签发", En: "set the clock and issue it again"})
	ErrDecisionDate = exchange.Define(exchange.KindRefused, "LIST-020",
		exchange.Text{Zh: "决定文书日期 {date} 不是过去的日期", En: "the decision's date {date} is no day of the past"},
		exchange.Text{Zh: "请核对决定文书日期", En: "check the date of the decision document"})
	ErrSeverity = exchange.Define(exchange.KindRefused, "LIST-021",
		exchange.Text{Zh: "失信程度 {severity}：自认定文书起公示不超过 {max} 天，现至多可列入 {days} 天", En: "of severity {severity}: public for at most {max} days from the document that determined it, which leaves {days} days on the list"},
		exchange.Text{Zh: "请缩短期限；剩余天数不足最短期限的，不再列入", En: "shorten the term; where less is left than the shortest term, it is too late to list"})
	ErrRepair = exchange.Define(exchange.KindRefused, "LIST-022",
		exchange.Text{Zh: "名单 {list} 的条目最短公示期未满，{day} 起方可信用修复", En: "an entry on list {list} has a shortest time of publicity: it may be repaired from {day}"},
		exchange.Text{Zh: "届时再办；决定被撤销或者有差错的，以 revoked 或 error 移出", En: "do it then; where the decision fell or was wrong, remove it as revoked or error"})
)
