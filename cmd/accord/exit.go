package main

import (
	"slices"

	"accord/exchange"
)

// exitRow is one line of the exit table.
type exitRow struct {
	code    int
	kinds   []exchange.Kind
	meaning exchange.Text
}

// exitTable is what scripts may rely on. Codes are never given a new meaning.
// 70 and 75 are EX_SOFTWARE and EX_TEMPFAIL of sysexits.h. A conflict is not among
// what may be tried again: the same command meets the same conflict.
var exitTable = []exitRow{
	{0, nil,
		exchange.Text{Zh: "成功", En: "done"}},
	{1, []exchange.Kind{exchange.KindInvalid},
		exchange.Text{Zh: "命令行或输入有误", En: "the command line or the input is wrong"}},
	{2, []exchange.Kind{exchange.KindRefused, exchange.KindForbidden, exchange.KindUnauthenticated},
		exchange.Text{Zh: "按规则或权限拒绝", En: "refused by a rule or for lack of permission"}},
	{3, []exchange.Kind{exchange.KindNotFound},
		exchange.Text{Zh: "没有找到", En: "not found"}},
	{4, []exchange.Kind{exchange.KindPartial},
		exchange.Text{Zh: "部分完成", En: "done in part"}},
	{5, []exchange.Kind{exchange.KindNoQuorum},
		exchange.Text{Zh: "可达成员不足法定数，未做任何改动", En: "no quorum, nothing was changed"}},
	{6, []exchange.Kind{exchange.KindUnverified},
		exchange.Text{Zh: "签名、摘要或证明未通过验证", En: "a signature, digest or proof does not hold"}},
	{7, []exchange.Kind{exchange.KindConflict},
		exchange.Text{Zh: "与现有内容或他人的改动冲突：先查看，再决定", En: "in conflict with what is there or with somebody else's change: look, then decide"}},
	{70, []exchange.Kind{exchange.KindInternal},
		exchange.Text{Zh: "内部错误", En: "internal error"}},
	{75, []exchange.Kind{exchange.KindUnavailable, exchange.KindUnknownOutcome},
		exchange.Text{Zh: "请重试：暂不可用或结果未知", En: "try again: unavailable, or outcome unknown"}},
}

// exitOf is the exit code for an error of kind k; a kind that nobody thought
// of is an internal error.
func exitOf(k exchange.Kind) int {
	for _, row := range exitTable {
		if slices.Contains(row.kinds, k) {
			return row.code
		}
	}
	return 70
}

// exitRows is the table for help and the manual page.
func exitRows() rows {
	list := rows{Columns: []column{
		{ID: "exit", Title: exchange.Text{Zh: "退出码", En: "EXIT"}, Right: true},
		{ID: "meaning", Title: exchange.Text{Zh: "含义", En: "MEANING"}},
		{ID: "kinds", Title: exchange.Text{Zh: "错误类别", En: "KINDS OF ERROR"}},
	}}
	for _, row := range exitTable {
		var kinds []string
		for _, k := range row.kinds {
			kinds = append(kinds, k.String())
		}
		list.add(row.code, row.meaning, kinds)
	}
	return list
}
