package subjects

import "accord/exchange"

// The answers of the subject verbs.
var (
	ErrRelease = exchange.Define(exchange.KindNotFound, "SUBJ-101",
		exchange.Text{Zh: "没有授权请求 {id}，无从投诉", En: "there is no release {id} to complain about"},
		exchange.Text{Zh: "用 accord subject log 查看请求编号", En: "see accord subject log for the id"})
	ErrComplaint = exchange.Define(exchange.KindNotFound, "SUBJ-102",
		exchange.Text{Zh: "没有投诉 {id}", En: "there is no complaint {id}"},
		exchange.Text{Zh: "用 accord subject complaints 查看", En: "see accord subject complaints"})
	ErrNotAgainst = exchange.Define(exchange.KindForbidden, "SUBJ-103",
		exchange.Text{Zh: "投诉由被投诉单位 {member} 答复", En: "{member}, whom the complaint is about, answers it"},
		exchange.Text{Zh: "请由该单位办理", En: "that member has to do it"})
	ErrAnswered = exchange.Define(exchange.KindConflict, "SUBJ-104",
		exchange.Text{Zh: "{id} 已经答复", En: "{id} is answered already"},
		exchange.Text{Zh: "请重新查看", En: "look at it again"})
	ErrAuthor = exchange.Define(exchange.KindRefused, "SUBJ-105",
		exchange.Text{Zh: "记录作者 {author} 不是成员单位", En: "the record's author {author} is no member"},
		exchange.Text{Zh: "请核对记录引用", En: "check whose record it is"})
	ErrApplication = exchange.Define(exchange.KindNotFound, "SUBJ-106",
		exchange.Text{Zh: "没有公开申请 {id}", En: "there is no application {id}"},
		exchange.Text{Zh: "用 accord subject applications 查看", En: "see accord subject applications"})
	ErrNotAuthor = exchange.Define(exchange.KindForbidden, "SUBJ-107",
		exchange.Text{Zh: "公开申请由记录作者 {author} 答复", En: "the record's author {author} decides the application"},
		exchange.Text{Zh: "请由记录作者办理", En: "the author has to do it"})
	ErrNoEntry = exchange.Define(exchange.KindNotFound, "SUBJ-141",
		exchange.Text{Zh: "没有正在公示或列入的条目 {entry}，无从异议", En: "there is no entry {entry} that is announced or listed, to object to"},
		exchange.Text{Zh: "用 accord list show 查看条目", En: "see accord list show for the entry"})
	ErrObjected = exchange.Define(exchange.KindConflict, "SUBJ-142",
		exchange.Text{Zh: "同一异议 {id} 正在办理", En: "objection {id} to the same is not decided yet"},
		exchange.Text{Zh: "等其办结；材料可补交受理单位", En: "wait for it; hand further papers to the member that took it"})
	ErrObjection = exchange.Define(exchange.KindNotFound, "SUBJ-143",
		exchange.Text{Zh: "没有异议 {id}", En: "there is no objection {id}"},
		exchange.Text{Zh: "用 accord subject objections 查看", En: "see accord subject objections"})
	ErrNotDecider = exchange.Define(exchange.KindForbidden, "SUBJ-144",
		exchange.Text{Zh: "异议由提名单位或记录作者 {member} 处理", En: "{member}, who nominated the entry or authored the record, decides the objection"},
		exchange.Text{Zh: "请由该单位办理", En: "that member has to do it"})
	ErrStands = exchange.Define(exchange.KindConflict, "SUBJ-145",
		exchange.Text{Zh: "条目 {entry} 仍在公示或列入，不能先认定异议成立", En: "entry {entry} is still announced or listed, so the objection is not upheld yet"},
		exchange.Text{Zh: "先撤回或移出该条目（accord list withdraw、accord list remove --reason error），再答复", En: "take the entry back or off first (accord list withdraw, accord list remove --reason error), then answer"})
	ErrTaken = exchange.Define(exchange.KindConflict, "SUBJ-108",
		exchange.Text{Zh: "编号已被使用", En: "the id is used already"},
		exchange.Text{Zh: "请以新的指令编号重新提出", En: "do it again under a fresh command id"})
)
