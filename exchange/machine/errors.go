package machine

import "accord/exchange"

// The answers and faults of the machine itself.
var (
	ErrPayload = exchange.Define(exchange.KindInvalid, "CMD-010",
		exchange.Text{Zh: "不是有效的签名指令", En: "this is not a signed command"},
		exchange.Text{Zh: "须为 accord-command+jws 紧凑格式", En: "it must be a compact JWS of type accord-command+jws"})
	ErrFederation = exchange.Define(exchange.KindRefused, "CMD-011",
		exchange.Text{Zh: "指令属于另一联合体", En: "the command is for another federation"},
		exchange.Text{Zh: "请核对联合体名称", En: "check the federation's name"})
	ErrSigner = exchange.Define(exchange.KindUnverified, "CMD-012",
		exchange.Text{Zh: "指令签名未通过验证", En: "the command's signature does not verify"},
		exchange.Text{Zh: "须由所署成员的现行指令密钥签署", En: "it must be signed with the command key of the member it names"})
	ErrVerb = exchange.Define(exchange.KindInvalid, "CMD-013",
		exchange.Text{Zh: "本节点不认识指令 {verb}", En: "this node does not know the verb {verb}"},
		exchange.Text{Zh: "请升级本节点", En: "upgrade this node"})
	ErrInactive = exchange.Define(exchange.KindRefused, "CMD-014",
		exchange.Text{Zh: "指令 {verb} 须待状态机版本 {since} 生效", En: "the verb {verb} comes with machine version {since}"},
		exchange.Text{Zh: "须等全体成员节点升级并商定", En: "wait until every member's node has it and all have agreed"})
	ErrConflict = exchange.Define(exchange.KindConflict, "CMD-015",
		exchange.Text{Zh: "指令编号已用于另一指令", En: "the command id was used for another command"},
		exchange.Text{Zh: "请以新的编号重新提交；本指令未执行", En: "send it again under a fresh id; nothing was done"})
	ErrCatalogue = exchange.Define(exchange.KindConflict, "CMD-016",
		exchange.Text{Zh: "指令依据目录第 {got} 版，现行为第 {want} 版", En: "the command stands on catalogue version {got}, in force is {want}"},
		exchange.Text{Zh: "请按现行目录重新提交", En: "make it again under the catalogue in force"})
	ErrTooOld = exchange.Define(exchange.KindUnavailable, "CMD-017",
		exchange.Text{Zh: "联合体使用状态机版本 {agreed}，本节点只到 {version}", En: "the federation runs machine version {agreed}, this node knows up to {version}"},
		exchange.Text{Zh: "请升级本节点", En: "upgrade this node"})
	ErrStopped = exchange.Define(exchange.KindInternal, "CMD-018",
		exchange.Text{Zh: "状态机已停止：{why}", En: "the state machine has stopped: {why}"},
		exchange.Text{Zh: "请停止本节点，核对版本，从快照恢复", En: "stop this node, compare versions, restore it from a snapshot"})
	ErrSnapshot = exchange.Define(exchange.KindUnverified, "CMD-019",
		exchange.Text{Zh: "快照未通过验证：{why}", En: "the snapshot does not verify: {why}"},
		exchange.Text{Zh: "请使用本联合体成员节点的完好快照", En: "take an intact snapshot of a node of this federation"})
)
