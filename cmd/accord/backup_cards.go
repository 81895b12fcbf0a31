package main

import (
	"io"
	"strings"

	"accord/exchange"
	"accord/node/backup"
)

// backupCard shows a backup, and more about it in the same card.
func (e *env) backupCard(w io.Writer, file string, r backup.Report, more ...fact) {
	m := r.Manifest
	e.card(w, append([]fact{
		{labelFile, file},
		{labelFederation, m.Federation},
		{labelCharter, m.Charter},
		{labelMember, m.Member},
		{labelNode, m.Node},
		{exchange.Text{Zh: "时间", En: "made"}, m.Created},
		{exchange.Text{Zh: "节点已停止", En: "node was stopped"}, m.Offline},
		{exchange.Text{Zh: "含密钥", En: "with keys"}, m.WithKeys},
		{labelSize, m.Ledger.Size},
		{exchange.Text{Zh: "其中已确认", En: "of it confirmed"}, m.Ledger.Confirmed},
		{labelRoot, m.Ledger.Root},
		{labelState, m.Ledger.Digest},
		{exchange.Text{Zh: "本单位记录", En: "own records"}, m.Records},
		{exchange.Text{Zh: "审计行数", En: "audit lines"}, m.Audit},
		{exchange.Text{Zh: "接收方", En: "recipients"}, strings.Join(m.KIDs(), " ")},
		{exchange.Text{Zh: "字节", En: "bytes"}, positive(r.Bytes)},
		{exchange.Text{Zh: "文件摘要", En: "file digest"}, r.Digest}}, more...)...)
}

// positive leaves a number out of a card where there is none.
func positive(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func (e *env) restoredCard(w io.Writer, file string, r backup.Restored) {
	next := exchange.Text{Zh: "由联合体以新编号替换旧节点，见 RUNBOOK 的恢复一节；备份之后导入的记录须重新导入",
		En: "have the federation take the new id in place of the old one, see Restore in the RUNBOOK; import again what was imported after the backup"}
	if !r.HasKeys {
		next = exchange.Text{Zh: "先把本单位的密钥库放到 keys/，" + next.Zh, En: "first put the member's keystore into keys/, then " + next.En}
	}
	e.backupCard(w, file, r.Report,
		fact{exchange.Text{Zh: "恢复到", En: "restored to"}, r.Dir},
		fact{exchange.Text{Zh: "新节点编号", En: "new node id"}, r.Node},
		fact{exchange.Text{Zh: "旧节点编号", En: "old node id"}, r.Previous},
		fact{exchange.Text{Zh: "含密钥", En: "keys are there"}, r.HasKeys},
		fact{exchange.Text{Zh: "重放的声明", En: "statements replayed"}, r.Verified.Statements},
		fact{exchange.Text{Zh: "已验证记录", En: "records verified"}, r.Verified.Records},
		fact{exchange.Text{Zh: "账本所载而缺的记录", En: "records the ledger names, missing"}, r.Verified.Missing},
		fact{labelNext, next})
}
