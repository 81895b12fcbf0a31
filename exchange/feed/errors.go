package feed

import "accord/exchange"

// The errors of feeds and anchors.
var (
	ErrEntry = exchange.Define(exchange.KindUnverified, "FEED-001",
		exchange.Text{Zh: "记录流条目格式不正确，或类型不认识", En: "a feed's entry is malformed, or of an unknown kind"},
		exchange.Text{Zh: "核对双方的软件版本；若一致，请向记录单位查询", En: "compare the versions of both sides; if they agree, ask the author"})
	ErrAnchorSmaller = exchange.Define(exchange.KindRefused, "FEED-002",
		exchange.Text{Zh: "锚点条数 {size} 不大于已锚定的 {have}", En: "the anchor's size {size} is not beyond the {have} anchored before"},
		exchange.Text{Zh: "记录流只能增长；请检查本单位的记录库是否被旧备份替换", En: "a feed only grows; was the record store replaced by an older backup?"})
	ErrAnchorProof = exchange.Define(exchange.KindRefused, "FEED-003",
		exchange.Text{Zh: "锚点不是上一锚点（{have} 条）的延续：一致性证明不成立", En: "the anchor does not extend the last one (of {have}): the consistency proof does not hold"},
		exchange.Text{Zh: "已锚定的内容被改写；用 accord feed status 查看，并恢复原来的记录库", En: "what was anchored has been rewritten; see accord feed status, and restore the store that holds it"})
	ErrDocument = exchange.Define(exchange.KindUnverified, "FEED-004",
		exchange.Text{Zh: "撤回、清除或回执文书不成立：{why}", En: "the document of a retraction, an erasure or a receipt does not hold: {why}"},
		exchange.Text{Zh: "请向记录单位查询", En: "ask the author"})
)
