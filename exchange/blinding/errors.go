package blinding

import "accord/exchange"

// The answers of the blinding verbs and decisions.
var (
	ErrDecision = exchange.Define(exchange.KindInvalid, "BLIND-020",
		exchange.Text{Zh: "盲化密钥变更方案不成立：{why}", En: "this is no change of the blinding key's holders: {why}"},
		exchange.Text{Zh: "按所指处改正；持有方须为在任成员，门限至少为 2", En: "mend the place named; holders are active members, and at least two must evaluate together"})
	ErrUnderWay = exchange.Define(exchange.KindConflict, "BLIND-021",
		exchange.Text{Zh: "盲化密钥的第 {version} 次变更仍在进行", En: "change {version} of the blinding key's holders is under way"},
		exchange.Text{Zh: "等其完成或到期，或由任一参与方终止（accord blinding refuse）", En: "wait until it is done or lapses, or have one of its parties end it (accord blinding refuse)"})
	ErrNoChange = exchange.Define(exchange.KindConflict, "BLIND-022",
		exchange.Text{Zh: "盲化密钥的第 {version} 次变更不存在、已结束或不在这一步", En: "there is no change {version} of the blinding key's holders, or it is over, or at another step"},
		exchange.Text{Zh: "查看：accord blinding show", En: "look: accord blinding show"})
	ErrNotParty = exchange.Define(exchange.KindForbidden, "BLIND-023",
		exchange.Text{Zh: "{member} 在这一步没有份", En: "{member} has no part in this step"},
		exchange.Text{Zh: "由现持有方分发，由新持有方接受", En: "holders of now deal, next holders accept"})
	ErrDealing = exchange.Define(exchange.KindUnverified, "BLIND-024",
		exchange.Text{Zh: "该分发与 {member} 现有份额的公开承诺不符", En: "the dealing is not of the share that {member} holds"},
		exchange.Text{Zh: "从备份恢复密钥库后再分发", En: "restore the keystore from its backup and deal again"})
)
