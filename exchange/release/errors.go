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
)
