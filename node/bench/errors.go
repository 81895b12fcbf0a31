package bench

import "accord/exchange"

// The errors of measuring.
var (
	ErrServer = exchange.Define(exchange.KindUnavailable, "BENCH-001",
		exchange.Text{Zh: "被测服务 {name}：{why}", En: "the server {name} under measurement {why}"},
		exchange.Text{Zh: "查看 {log}", En: "look into {log}"})
	ErrDisk = exchange.Define(exchange.KindInvalid, "BENCH-002",
		exchange.Text{Zh: "目录 {dir} 不能用于测量：{why}", En: "{dir} cannot be measured on: {why}"},
		exchange.Text{Zh: "用 --dir 指定真实磁盘上的一个空目录", En: "choose an empty folder on a real disk with --dir"})
	ErrRow = exchange.Define(exchange.KindUnavailable, "BENCH-003",
		exchange.Text{Zh: "未能测得：{rows}", En: "could not be measured: {rows}"},
		exchange.Text{Zh: "原因见各行说明；机器空闲时再试", En: "each row says why; try again on a quiet machine"})
	ErrOnly = exchange.Define(exchange.KindInvalid, "BENCH-004",
		exchange.Text{Zh: "没有名为 {name} 的测量", En: "there is no measurement named {name}"},
		exchange.Text{Zh: "可以是：{known}", En: "it can be: {known}"})
)
