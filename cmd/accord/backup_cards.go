package main

import (
	"io"
	"strings"
	"time"

	"accord/exchange"
	"accord/node/backup"
)

func (e *env) backupCard(w io.Writer, file string, r backup.Report) {
	m := r.Manifest
	e.card(w,
		fact{labelFile, file},
		fact{labelFederation, m.Federation},
		fact{labelCharter, m.Charter},
		fact{labelMember, m.Member},
		fact{labelNode, m.Node},
		fact{exchange.Text{Zh: "时间", En: "made"}, m.Created},
		fact{exchange.Text{Zh: "节点已停止", En: "node was stopped"}, m.Offline},
		fact{exchange.Text{Zh: "含密钥", En: "with keys"}, m.WithKeys},
		fact{labelSize, m.Ledger.Size},
		fact{exchange.Text{Zh: "其中已确认", En: "of it confirmed"}, m.Ledger.Confirmed},
		fact{labelRoot, m.Ledger.Root},
		fact{labelState, m.Ledger.Digest},
		fact{exchange.Text{Zh: "本单位记录", En: "own records"}, m.Records},
		fact{exchange.Text{Zh: "审计行数", En: "audit lines"}, m.Audit},
		fact{exchange.Text{Zh: "接收方", En: "recipients"}, strings.Join(m.KIDs(), " ")},
		fact{exchange.Text{Zh: "字节", En: "bytes"}, positive(r.Bytes)},
		fact{exchange.Text{Zh: "文件摘要", En: "file digest"}, r.Digest})
}

// positive leaves a number out of a card where there is none.
func positive(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func (e *env) restoredCard(w io.Writer, r backup.Restored) {
	e.backupCard(w, r.Manifest.Created.Format(time.RFC3339), r.Report)
	next := exchange.Text{Zh: "由联合体以新编号替换旧节点，见 RUNBOOK 的恢复一节；备份之后导入的记录须重新导入",
		En: "have the federation take the new id in place of the old one, see Restore in the RUNBOOK; import again what was imported after the backup"}
	if !r.HasKeys {
		next = exchange.Text{Zh: "先把本单位的密钥库放到 keys/，" + next.Zh, En: "first put the member's keystore into keys/, then " + next.En}
	}
	e.card(w,
		fact{exchange.Text{Zh: "恢复到", En: "restored to"}, r.Dir},
		fact{exchange.Text{Zh: "新节点编号", En: "new node id"}, r.Node},
		fact{exchange.Text{Zh: "旧节点编号", En: "old node id"}, r.Previous},
		fact{exchange.Text{Zh: "含密钥", En: "keys are there"}, r.HasKeys},
		fact{exchange.Text{Zh: "重放的声明", En: "statements replayed"}, r.Verified.Statements},
		fact{exchange.Text{Zh: "已验证记录", En: "records verified"}, r.Verified.Records},
		fact{exchange.Text{Zh: "账本所载而缺的记录", En: "records the ledger names, missing"}, r.Verified.Missing},
		fact{labelNext, next})
}
